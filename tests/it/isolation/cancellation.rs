//! A request may end at any moment: its client hangs up, a time limit strikes, a statement fails,
//! the server drops the connection. Whoever gets the connection next sees its own rows only, and
//! whoever asks outside of a transaction sees nobody's.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use saas_core::BoxError;
use saas_tenancy::{
    Isolation, ResolvedTenant,
    db::{DatabaseOptions, TenantDb},
};
use saas_tests::world::World;
use uuid::Uuid;

/// How often something is broken off in each test.
const ROUNDS: u32 = 10_000;

/// Reads the setting that policies compare rows with.
const CONTEXT: &str = "select coalesce(current_setting('app.tenant_id', true), '')";

#[tokio::test]
async fn ten_thousand_requests_that_break_off_leak_no_row() {
    let world = World::with_options(DatabaseOptions::new().with_connections(1)).await;
    let mut stress = Stress::of(&world, [Isolation::Shared, Isolation::Schema]).await;
    let mut dice = Dice(1);
    for round in 0..ROUNDS {
        match dice.roll(8) {
            0 => stress.asks_outside(&world).await.unwrap(),
            _ => stress.reads(&mut dice).await.unwrap_or_else(|leak| panic!("{round}: {leak}")),
        }
    }
    stress.assert_it_was_one();
}

#[tokio::test]
async fn failing_statements_and_failing_begins_leak_no_row() {
    let world = World::with_options(DatabaseOptions::new().with_connections(1)).await;
    let mut stress = Stress::of(&world, [Isolation::Shared, Isolation::Schema]).await;
    let broken = world.tenant("broken", Isolation::Schema).await;
    world.as_superuser(&format!("revoke {0} from saas_app", world.role_of(&broken))).await;
    let mut broken = world.db(&broken);
    let mut dice = Dice(2);
    for round in 0..ROUNDS / 5 {
        match dice.roll(6) {
            0 => stress.asks_outside(&world).await.unwrap(),
            1 => assert!(broken.begin().await.is_err(), "its role is not to be had"),
            2 => fails_inside(stress.any(&mut dice)).await,
            _ => stress.reads(&mut dice).await.unwrap_or_else(|leak| panic!("{round}: {leak}")),
        }
    }
    stress.assert_it_was_one();
}

#[tokio::test]
async fn killed_backends_leak_no_row_and_are_replaced() {
    let world = World::with_options(DatabaseOptions::new().with_connections(1)).await;
    let mut stress = Stress::of(&world, [Isolation::Shared, Isolation::Schema]).await;
    let mut dice = Dice(3);
    for round in 0..ROUNDS / 20 {
        match dice.roll(4) {
            0 => world.kill_backends().await,
            _ => stress.reads(&mut dice).await.unwrap_or_else(|leak| panic!("{round}: {leak}")),
        }
    }
    world.kill_backends().await;
    let rows = read(stress.any(&mut dice)).await.expect("a lost connection is replaced");
    assert_eq!(rows.len(), ROWS);
}

/// The same rounds on the driver's own pool, with the context folded into `begin` but nothing to
/// guard it. If this stops leaking, the rounds above prove nothing.
#[tokio::test]
async fn without_the_guard_the_same_rounds_leak() {
    let world = World::new().await;
    let pool = naive::Pool::open(&world).await;
    let tenants = [
        world.tenant("acme", Isolation::Shared).await,
        world.tenant("globex", Isolation::Shared).await,
    ];
    let mut dice = Dice(1);
    let mut leaks = 0_u32;
    for _ in 0..ROUNDS / 5 {
        match dice.roll(2) {
            0 => leaks += u32::from(!pool.context_outside().await.is_empty()),
            _ => {
                let tenant = &tenants[dice.roll(2)];
                GiveUp { inner: Box::pin(pool.read(tenant)), polls: dice.roll(POLLS) }.await;
            }
        }
    }
    assert!(leaks > 0, "the harness cannot see leaks any more");
}

/// Rows that each tenant owns.
const ROWS: usize = 5;

/// About as many polls as a read takes, and some more.
const POLLS: usize = 7;

/// Two tenants that share one connection, and what became of their reads.
struct Stress {
    tenants: Vec<TenantDb>,
    finished: u32,
    broken_off: u32,
}

impl Stress {
    async fn of(world: &World, isolations: [Isolation; 2]) -> Self {
        let mut tenants = Vec::new();
        for (slug, isolation) in ["acme", "globex"].into_iter().zip(isolations) {
            let mut db = world.db(&world.tenant(slug, isolation).await);
            world.write_notes(&mut db, ROWS).await;
            tenants.push(db);
        }
        Self { tenants, finished: 0, broken_off: 0 }
    }

    fn any(&mut self, dice: &mut Dice) -> &mut TenantDb {
        &mut self.tenants[dice.roll(2)]
    }

    /// Reads as one of the two and breaks off somewhere.
    async fn reads(&mut self, dice: &mut Dice) -> Result<(), String> {
        let db = self.any(dice);
        let own = db.scope().tenant().as_uuid();
        match (GiveUp { inner: Box::pin(read(db)), polls: dice.roll(POLLS) }).await {
            None => self.broken_off += 1,
            Some(Err(error)) => return Err(error.to_string()),
            Some(Ok(rows)) if rows.len() == ROWS && rows.iter().all(|row| *row == own) => {
                self.finished += 1;
            }
            Some(Ok(rows)) => return Err(format!("{own} was shown {rows:?}")),
        }
        Ok(())
    }

    async fn asks_outside(&self, world: &World) -> Result<(), BoxError> {
        let seen = world.databases.outside_transactions(CONTEXT).await?.unwrap_or_default();
        if seen.is_empty() { Ok(()) } else { Err(format!("the context is {seen}").into()) }
    }

    /// Both ends must have happened, or the rounds showed nothing.
    fn assert_it_was_one(&self) {
        assert!(self.finished > 100, "{} reads came to an end", self.finished);
        assert!(self.broken_off > 100, "{} reads were broken off", self.broken_off);
    }
}

/// The tenants of all rows that `db` can see.
async fn read(db: &mut TenantDb) -> Result<Vec<Uuid>, BoxError> {
    let mut tx = db.begin().await?;
    Ok(sqlx::query_scalar("select tenant_id from notes").fetch_all(&mut tx).await?)
}

async fn fails_inside(db: &mut TenantDb) {
    let mut tx = db.begin().await.unwrap();
    let failed = sqlx::query("select 1 / 0").execute(&mut tx).await;
    assert!(failed.is_err());
    assert!(tx.commit().await.is_err(), "a failed transaction must not pass for a committed one");
}

/// A future that is given up after so many polls, as a client's hang-up does.
struct GiveUp<F> {
    inner: Pin<Box<F>>,
    polls: usize,
}

impl<F: Future> Future for GiveUp<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.polls.checked_sub(1) {
            None => Poll::Ready(None),
            Some(left) => {
                self.polls = left;
                self.inner.as_mut().poll(cx).map(Some)
            }
        }
    }
}

/// Numbers that look random and are the same in every run
/// ([Knuth's linear congruential generator](https://en.wikipedia.org/wiki/Linear_congruential_generator)).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

mod naive {
    #![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "shows why they are")]

    use super::{BoxError, CONTEXT, ResolvedTenant, Uuid, World};
    use sqlx::{AssertSqlSafe, Executor, PgPool, postgres::PgPoolOptions};

    pub(super) struct Pool(PgPool);

    impl Pool {
        pub(super) async fn open(world: &World) -> Self {
            let options = PgPoolOptions::new().max_connections(1);
            Self(options.connect_with(world.app_options()).await.unwrap())
        }

        pub(super) async fn read(&self, tenant: &ResolvedTenant) -> Result<Vec<Uuid>, BoxError> {
            let begin = format!(
                "begin; set local role saas_shared; set local search_path = app;
                 set local app.tenant_id = '{}'",
                tenant.id
            );
            let mut conn = self.0.acquire().await?;
            conn.execute(AssertSqlSafe(begin)).await?;
            let rows =
                sqlx::query_scalar("select tenant_id from notes").fetch_all(&mut *conn).await?;
            conn.execute("commit").await?;
            Ok(rows)
        }

        pub(super) async fn context_outside(&self) -> String {
            sqlx::query_scalar(CONTEXT).fetch_one(&self.0).await.unwrap()
        }
    }
}
