use chrono::{DateTime, Utc};
use saas_core::{Actor, RequestId, TenantId};
use saas_tenancy::{
    NewTenant, ResolvedTenant, Slug, TenancyError, db::TenantTx, store::TenantChange,
};
use serde::Serialize;
use sqlx::Row;
use uuid::Uuid;

use super::{
    log_ins, many,
    people::{DemoMember, People},
    random::Random,
    tenants::{ALL, DemoTenant, Size, TYPES},
};
use crate::{
    boot::{
        backend::Backend,
        plane::{self, Plane},
        progress::Progress,
    },
    failure::Failure,
};

/// The members of the demo come from this number.
const SEED: u64 = 20_261_121;
/// How many members a small tenant has.
const SMALL: u64 = 300;
/// How many members go into one statement: few round trips, and little memory on both sides.
const CHUNK: u64 = 5_000;

/// What is there after the demo was loaded.
#[derive(Debug, Serialize)]
pub struct Loaded {
    /// The tenant.
    pub tenant: &'static str,
    /// How many members were added now.
    pub added: u64,
    /// How many members it has.
    pub members: u64,
}

/// Makes the demo's tenants where they are missing, and fills them up: the largest one to
/// `members`.
///
/// # Errors
/// [`Failure::Tenancy`] when a tenant cannot be made or reached.
pub async fn load(
    backend: &Backend,
    members: u64,
    progress: &Progress,
) -> Result<Vec<Loaded>, Failure> {
    let mut all = Vec::new();
    for (seed, demo) in (SEED..).zip(ALL) {
        let total = match demo.size {
            Size::Largest => members,
            Size::Small => SMALL,
        };
        progress.step(format!("loading {}", demo.name));
        let tenant = find_or_make(backend, &demo).await?;
        let people = People { seed, today: backend.clock().now(), total };
        let filled = fill(backend, &tenant, &demo, &people, progress);
        all.push(match demo.size {
            Size::Largest => many::at_once(backend, &tenant, filled).await?,
            Size::Small => filled.await?,
        });
    }
    progress.step("making log-ins");
    log_ins::make(backend).await?;
    Ok(all)
}

async fn find_or_make(backend: &Backend, demo: &DemoTenant) -> Result<ResolvedTenant, Failure> {
    let store = backend.store();
    let slug: Slug = demo.slug.parse().map_err(Failure::other("name a tenant of the demo"))?;
    match ResolvedTenant::by_slug(store, &slug).await {
        Err(TenancyError::NotFound) => {}
        found => return Ok(found?),
    }
    let id = TenantId::generate(backend.clock());
    let new = NewTenant {
        settings: demo.settings(),
        ..NewTenant::new(id, slug, demo.name, demo.isolation)
    };
    let tenant = backend.provisioner().provision(new).await?;
    let change = TenantChange { status: Some(demo.status), ..TenantChange::default() };
    store.update(tenant.id, change, None).await?;
    Ok(ResolvedTenant::by_id(store, tenant.id).await?)
}

/// Adds the members that are missing.
async fn fill(
    backend: &Backend,
    tenant: &ResolvedTenant,
    demo: &DemoTenant,
    people: &People,
    progress: &Progress,
) -> Result<Loaded, Failure> {
    let actor = Actor::system("demo");
    let request = RequestId::generate(backend.clock());
    let mut db = backend.databases().scoped(tenant, actor, request);
    let mut tx = db.begin().await?;
    let types = types(&mut tx, people).await?;
    let before = count(&mut tx).await?;
    let mut next = before;
    while next < people.total {
        let end = people.total.min(next + CHUNK);
        insert(&mut tx, (next..end).map(|index| people.member(index)), &types).await?;
        next = end;
        progress.advance(demo.name, next, people.total);
    }
    tx.commit().await?;
    let members = before.max(people.total);
    if members > before {
        plane::settle(backend.admin()?, &Plane::of(tenant)).await?;
    }
    Ok(Loaded { tenant: demo.slug, added: members - before, members })
}

async fn count(tx: &mut TenantTx<'_>) -> Result<u64, Failure> {
    let row = sqlx::query("select count(*) from members").fetch_one(tx).await;
    let count: i64 = row.and_then(|row| row.try_get(0)).map_err(TenancyError::from)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The ids of the tenant's membership types, made where they are missing.
async fn types(tx: &mut TenantTx<'_>, people: &People) -> Result<Vec<Uuid>, Failure> {
    let mut ids = Vec::with_capacity(TYPES.len());
    for (index, (name, amount, interval, features)) in (0..).zip(TYPES) {
        let known = sqlx::query_scalar("select id from membership_types where name = $1")
            .bind(name)
            .fetch_optional(&mut *tx)
            .await
            .map_err(TenancyError::from)?;
        if let Some(id) = known {
            ids.push(id);
            continue;
        }
        let mut random = Random::new(people.seed, u64::MAX - index);
        let id = super::people::id(people.today, &mut random);
        sqlx::query(
            "insert into membership_types
                 (id, name, price_amount, price_currency, billing_interval, features, created_at, updated_at)
             values ($1, $2, $3, 'EUR', $4, $5, $6, $6)",
        )
        .bind(id)
        .bind(name)
        .bind(amount)
        .bind(interval)
        .bind(features)
        .bind(people.today)
        .execute(&mut *tx)
        .await
        .map_err(TenancyError::from)?;
        ids.push(id);
    }
    Ok(ids)
}

/// The columns of a chunk of members.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    first_names: Vec<String>,
    last_names: Vec<String>,
    emails: Vec<String>,
    statuses: Vec<&'static str>,
    types: Vec<Uuid>,
    created: Vec<DateTime<Utc>>,
    seen: Vec<Option<DateTime<Utc>>>,
}

async fn insert(
    tx: &mut TenantTx<'_>,
    members: impl Iterator<Item = DemoMember>,
    types: &[Uuid],
) -> Result<(), Failure> {
    let mut columns = Columns::default();
    for member in members {
        columns.ids.push(member.id);
        columns.first_names.push(member.first_name);
        columns.last_names.push(member.last_name);
        columns.emails.push(member.email);
        columns.statuses.push(member.status);
        columns.types.push(types[member.membership_type % types.len()]);
        columns.created.push(member.created_at);
        columns.seen.push(member.last_activity_at);
    }
    sqlx::query(
        "insert into members
             (id, first_name, last_name, email, status, membership_type_id,
              created_at, updated_at, last_activity_at)
         select id, first_name, last_name, email, status, membership_type_id,
                created_at, coalesce(last_activity_at, created_at), last_activity_at
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[],
                     $7::timestamptz[], $8::timestamptz[])
              as row (id, first_name, last_name, email, status, membership_type_id,
                      created_at, last_activity_at)",
    )
    .bind(columns.ids)
    .bind(columns.first_names)
    .bind(columns.last_names)
    .bind(columns.emails)
    .bind(columns.statuses)
    .bind(columns.types)
    .bind(columns.created)
    .bind(columns.seen)
    .execute(tx)
    .await
    .map_err(TenancyError::from)?;
    Ok(())
}
