//! Migrations of the tenant plane against a server.

mod access;
mod refused;
mod search;
mod shape;
mod together;

use saas_tenancy::migrate::{self, Migrations, Target};
use sqlx::PgConnection;

use super::server::{Db, run};

const A: &str = "00000000-0000-7000-8000-00000000000a";
const B: &str = "00000000-0000-7000-8000-00000000000b";
const ID: &str = "00000000-0000-7000-8000-000000000001";

/// As an author writes it who has never heard of tenants.
pub(crate) const CLUB: Migrations = Migrations::new(&[
    ("0001_types", "create table membership_types (id uuid primary key, name text not null);"),
    (
        "0002_members",
        "create type mood as enum ('good', 'bad');
         create table members (
             id uuid primary key,
             membership_type_id uuid not null references membership_types (id),
             referred_by uuid references members (id) on delete set null deferrable initially deferred,
             first_name text not null default '',
             email text not null,
             mood mood,
             number bigint generated always as identity,
             constraint members_number_key unique (number) deferrable
         );
         create unique index on members (lower(email));
         create index members_mood on members (mood desc nulls last) include (number) where mood is not null;
         create index members_hash on members using hash (email);
         create table audit (id uuid primary key, at timestamptz not null, note text);
         comment on table audit is 'What happened. @append-only';
         create table countries (code text primary key);
         comment on table countries is '@read-only';
         create table bookings (
             id uuid primary key, room int not null, during tstzrange not null,
             exclude using gist (room with =, during with &&)
         );
         create table events (id uuid, at date not null, kind text, primary key (id, at))
             partition by range (at);
         create table events_old partition of events for values from (minvalue) to ('2026-01-01');
         create table events_new partition of events for values from ('2026-01-01') to (maxvalue);
         create index on events (kind);
         create sequence tickets;
         create function names() returns setof text stable language sql as 'select first_name from members';
         create function count_members() returns bigint stable language sql security definer
             set search_path from current as 'select count(*) from members';
         create view good_members with (security_invoker = true) as select id from members where mood = 'good';
         create materialized view totals as select 1 as one;",
    ),
    ("0003_search", "select pg_temp.searchable('members', array['first_name', 'email'])"),
]);

/// The homes of a tenant in one database each; `app` serves shared and database isolation.
pub(crate) async fn migrated(target: Target) -> (Db, PgConnection) {
    let db = Db::new().await;
    let mut conn = db.connect().await;
    make_role(&mut conn, target).await;
    migrate::tenant_plane(&mut conn, target, &CLUB).await.unwrap();
    (db, conn)
}

async fn make_role(conn: &mut PgConnection, target: Target) {
    let role = target.role();
    let sql = format!(
        "do $$ begin
             if to_regrole('{role}') is null then create role {role} nologin; end if;
         exception when unique_violation or duplicate_object then null;
         end $$"
    );
    run(conn, &sql).await;
}

/// A transaction of the application in the shared schema, as the runtime opens it.
async fn enter(conn: &mut PgConnection, tenant: &str) {
    let sql = format!(
        "begin; set local role saas_shared; set local search_path = app; set local app.tenant_id = '{tenant}'"
    );
    run(conn, &sql).await;
}

/// Two tenants with a type and a member each, under the same ids.
async fn fill(conn: &mut PgConnection) {
    for tenant in [A, B] {
        enter(conn, tenant).await;
        let sql = format!(
            "insert into membership_types (id, name) values ('{ID}', 'gold');
             insert into members (id, membership_type_id, first_name, email)
             values ('{ID}', '{ID}', 'Zoë_100%', 'ann@x.test');
             commit"
        );
        run(conn, &sql).await;
    }
}
