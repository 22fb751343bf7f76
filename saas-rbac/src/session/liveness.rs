//! Which sessions and people ended before their access tokens did.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use saas_core::{Clock, SessionId, UserId};
use saas_tenancy::{TenancyError, db::TenantDatabases, store::ChangeSink};
use sqlx::Row;
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;

use crate::schema::CHANNEL;

/// By how much clocks may differ: an end is remembered for so much longer than tokens live.
const LEEWAY: TimeDelta = TimeDelta::seconds(90);

/// How many ends are remembered. Beyond that the database is asked for every token.
const CAPACITY: usize = 100_000;

/// Whether the session behind a token is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alive {
    /// It is.
    Yes,
    /// It ended, or its person was disabled, or the token is of an older epoch.
    No,
    /// It cannot be known now. The answer is 503, never yes.
    Unknown,
}

/// Knows which sessions ended before their access tokens did. Cheap to clone; all clones know the
/// same.
///
/// 1. While it is told of changes, it answers from memory: a token is alive unless its session or its
///    person was told of. Those are looked up again, once.
/// 2. When it begins to be told it reads, before it answers anything, what ended within the life of a
///    token.
/// 3. While it is cut off it asks the database about every token. When that cannot be asked either,
///    it says so.
#[derive(Debug, Clone)]
pub struct Liveness(Arc<Inner>);

/// Tells a [`Liveness`] what changes, on the channel of the crate's tables. It starts cut off, and
/// dropping it cuts it off for good.
#[derive(Debug)]
pub struct LivenessChanges(Arc<Inner>);

struct Inner {
    databases: TenantDatabases,
    clock: Clock,
    memory: TimeDelta,
    state: Mutex<State>,
    /// Held by the one who reads what ended before.
    loading: AsyncMutex<()>,
}

#[derive(Default)]
struct State {
    connected: bool,
    /// Grows whenever changes may have been missed.
    generation: u64,
    /// What ended before is known.
    loaded: bool,
    marks: HashMap<Subject, Mark>,
    told: u64,
}

/// Whom a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Session(SessionId),
    User(UserId),
}

/// What is known of somebody who changed.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Which message told of it last.
    told: u64,
    standing: Standing,
    forget_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Told of, and not looked up since.
    Suspect,
    /// Over for good.
    Ended,
    /// Tokens of this epoch are good, older ones are not.
    Epoch(i64),
    /// It was a false alarm.
    Fine,
}

/// What memory says of a token.
enum Known {
    Answer(Alive),
    /// Look it up, and remember that if nothing was told in the meantime.
    Ask(u64),
}

impl Liveness {
    /// Remembers ends for as long as access tokens live. Give the other half to a
    /// [`ChangeListener`](saas_tenancy::store::ChangeListener).
    #[must_use]
    pub fn new(
        databases: TenantDatabases,
        clock: Clock,
        token_life: Duration,
    ) -> (Self, LivenessChanges) {
        let memory = TimeDelta::from_std(token_life).unwrap_or(TimeDelta::hours(1)) + LEEWAY;
        let (state, loading) = (Mutex::default(), AsyncMutex::default());
        let inner = Arc::new(Inner { databases, clock, memory, state, loading });
        (Self(Arc::clone(&inner)), LivenessChanges(inner))
    }

    /// Whether a token of `session`, made for `user` in `epoch`, still counts.
    pub async fn is_alive(&self, session: SessionId, user: UserId, epoch: i64) -> Alive {
        let inner = &*self.0;
        if !inner.is_ready() && inner.is_connected() {
            // Failing to read what ended before is no answer; the question itself may have one.
            if let Err(error) = inner.load().await {
                tracing::warn!(error = %error, "ended sessions cannot be read");
            }
        }
        match inner.known(session, user, epoch) {
            Known::Answer(answer) => answer,
            Known::Ask(told) => match inner.ask(session, user).await {
                Ok(found) => inner.learn(session, user, found, told).answer(epoch),
                Err(error) => {
                    tracing::warn!(error = %error, "a session cannot be looked up");
                    Alive::Unknown
                }
            },
        }
    }
}

/// What the database says of a session and its person.
#[derive(Clone, Copy)]
struct Found {
    session: bool,
    /// The person's epoch, unless they are disabled or gone.
    epoch: Option<i64>,
}

impl Found {
    fn answer(self, epoch: i64) -> Alive {
        if self.session && self.epoch == Some(epoch) { Alive::Yes } else { Alive::No }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_connected(&self) -> bool {
        self.state().connected
    }

    fn is_ready(&self) -> bool {
        let state = self.state();
        state.connected && state.loaded
    }

    fn known(&self, session: SessionId, user: UserId, epoch: i64) -> Known {
        let state = self.state();
        let standing = |subject| state.marks.get(&subject).map(|mark| mark.standing);
        let of_session = standing(Subject::Session(session));
        if of_session == Some(Standing::Ended) {
            return Known::Answer(Alive::No);
        }
        if !(state.connected && state.loaded) {
            return Known::Ask(state.told);
        }
        match (of_session, standing(Subject::User(user))) {
            (Some(Standing::Suspect), _) | (_, Some(Standing::Suspect)) => Known::Ask(state.told),
            (_, Some(Standing::Ended)) => Known::Answer(Alive::No),
            (_, Some(Standing::Epoch(now))) if now != epoch => Known::Answer(Alive::No),
            _ => Known::Answer(Alive::Yes),
        }
    }

    /// Reads what ended within the life of a token, once for all who wait.
    async fn load(&self) -> Result<(), TenancyError> {
        let _one = self.loading.lock().await;
        let generation = {
            let state = self.state();
            if state.loaded || !state.connected {
                return Ok(());
            }
            state.generation
        };
        let ended = self.read_ended().await?;
        let mut state = self.state();
        if state.generation == generation && ended.len() <= CAPACITY {
            let (told, forget_at) = (state.told, self.forget_at());
            for subject in ended {
                let mark = Mark { told, standing: Standing::Ended, forget_at };
                // Who was told of since may have come back; that is looked up.
                state.marks.entry(subject).or_insert(mark);
            }
            state.loaded = true;
        }
        Ok(())
    }

    async fn read_ended(&self) -> Result<Vec<Subject>, TenancyError> {
        let sql = "(select true as is_session, s.id from saas_rbac.sessions s
              where s.revoked_at > $1 limit $2)
             union all
             (select false, u.id from saas_rbac.users u where u.disabled_at > $1 limit $2)";
        let most = i64::try_from(CAPACITY).unwrap_or(i64::MAX).saturating_add(1);
        let mut tx = self.databases.identity().await?;
        let query = sqlx::query(sql).bind(self.clock.now() - self.memory).bind(most);
        let rows = query.fetch_all(&mut tx).await?;
        let read = rows.iter().map(|row| {
            let id: Uuid = row.try_get("id")?;
            let is_session: bool = row.try_get("is_session")?;
            Ok(if is_session {
                Subject::Session(SessionId::from_uuid(id))
            } else {
                Subject::User(UserId::from_uuid(id))
            })
        });
        read.collect()
    }

    async fn ask(&self, session: SessionId, user: UserId) -> Result<Found, TenancyError> {
        let sql = "select
                 exists (select from saas_rbac.sessions s where s.id = $1 and s.user_id = $2
                     and s.revoked_at is null and s.expires_at > $3) as session,
                 (select u.epoch from saas_rbac.users u
                     where u.id = $2 and u.disabled_at is null) as epoch";
        let mut tx = self.databases.identity().await?;
        let query =
            sqlx::query(sql).bind(session.as_uuid()).bind(user.as_uuid()).bind(self.clock.now());
        let row = query.fetch_one(&mut tx).await?;
        Ok(Found { session: row.try_get("session")?, epoch: row.try_get("epoch")? })
    }

    /// Remembers what was found, unless something was told since the question.
    fn learn(&self, session: SessionId, user: UserId, found: Found, told: u64) -> Found {
        let of_session = if found.session { Standing::Fine } else { Standing::Ended };
        let of_user = found.epoch.map_or(Standing::Ended, Standing::Epoch);
        let mut state = self.state();
        for (subject, standing) in
            [(Subject::Session(session), of_session), (Subject::User(user), of_user)]
        {
            // Only of those who were told of: the others are alive without a mark.
            if let Some(mark) = state.marks.get_mut(&subject)
                && mark.told <= told
            {
                mark.standing = standing;
            }
        }
        found
    }

    /// Somebody changed: look again at the next question.
    fn suspect(&self, subject: Subject) {
        let (now, forget_at) = (self.clock.now(), self.forget_at());
        let mut state = self.state();
        state.told += 1;
        let told = state.told;
        if state.marks.len() >= CAPACITY {
            state.marks.retain(|_, mark| mark.forget_at > now);
        }
        if state.marks.len() >= CAPACITY {
            // Too many to remember: forget them all, and ask about every token until they are few.
            state.miss();
            return;
        }
        state.marks.insert(subject, Mark { told, standing: Standing::Suspect, forget_at });
    }

    fn forget_at(&self) -> DateTime<Utc> {
        self.clock.now() + self.memory
    }

    fn cut_off(&self) {
        let mut state = self.state();
        state.connected = false;
        state.miss();
    }
}

impl State {
    /// Changes may have been missed.
    fn miss(&mut self) {
        self.generation += 1;
        self.loaded = false;
        self.marks.clear();
    }
}

impl ChangeSink for LivenessChanges {
    fn channel(&self) -> &'static str {
        CHANNEL
    }

    fn connected(&self) {
        let mut state = self.0.state();
        state.miss();
        state.connected = true;
    }

    fn disconnected(&self) {
        self.0.cut_off();
    }

    fn changed(&self, payload: &str) {
        let Some((kind, id)) = payload.split_once(':') else { return };
        let Ok(id) = id.parse::<Uuid>() else { return };
        match kind {
            "session" => self.0.suspect(Subject::Session(SessionId::from_uuid(id))),
            "user" => self.0.suspect(Subject::User(UserId::from_uuid(id))),
            _ => {}
        }
    }
}

impl Drop for LivenessChanges {
    fn drop(&mut self) {
        self.0.cut_off();
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Liveness")
            .field("connected", &state.connected)
            .field("loaded", &state.loaded)
            .field("marks", &state.marks.len())
            .finish_non_exhaustive()
    }
}
