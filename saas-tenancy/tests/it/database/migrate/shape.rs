//! What a migration leaves in the catalogue.

use saas_core::TenantId;
use saas_tenancy::{
    migrate::{self, Migrations, Target},
    placement::physical_name,
};
use sqlx::PgConnection;

use super::{A, B, CLUB, ID, enter, migrated};
use crate::database::server::{Db, count, run, texts};

#[tokio::test]
async fn keys_and_indexes_begin_with_the_tenant_and_keep_the_rest() {
    let (_db, mut conn) = migrated(Target::Shared).await;
    let wanted = [
        ("membership_types_pkey", "PRIMARY KEY (tenant_id, id)"),
        (
            "members_membership_type_id_fkey",
            "FOREIGN KEY (tenant_id, membership_type_id) REFERENCES app.membership_types(tenant_id, id)",
        ),
        (
            "members_referred_by_fkey",
            "FOREIGN KEY (tenant_id, referred_by) REFERENCES app.members(tenant_id, id) ON DELETE SET NULL (referred_by) DEFERRABLE INITIALLY DEFERRED",
        ),
        ("members_number_key", "UNIQUE (tenant_id, number) DEFERRABLE"),
        (
            "members_lower_idx",
            "CREATE UNIQUE INDEX members_lower_idx ON app.members USING btree (tenant_id, lower(email))",
        ),
        (
            "members_mood",
            "CREATE INDEX members_mood ON app.members USING btree (tenant_id, mood DESC NULLS LAST) INCLUDE (number) WHERE (mood IS NOT NULL)",
        ),
        ("members_hash", "CREATE INDEX members_hash ON app.members USING hash (email)"),
        (
            "bookings_room_during_excl",
            "EXCLUDE USING gist (tenant_id WITH =, room WITH =, during WITH &&)",
        ),
        ("events_pkey", "PRIMARY KEY (tenant_id, id, at)"),
        ("events_old_pkey", "PRIMARY KEY (tenant_id, id, at)"),
    ];
    for (name, text) in wanted {
        assert_eq!(definition(&mut conn, "app", name).await, text, "{name}");
    }
    let loose = "select tablename || ' ' || indexdef from pg_indexes
        where schemaname = 'app' and tablename <> 'saas_migrations'
          and indexdef like '%btree%' and indexdef not like '%btree (tenant_id%'";
    assert_eq!(texts(&mut conn, loose).await, [""; 0]);
}

#[tokio::test]
async fn the_same_files_make_the_same_tables_behind_every_wall() {
    let tenant = tenant(A);
    let mut shapes = Vec::new();
    for target in [Target::Shared, Target::Schema(tenant), Target::Database(tenant)] {
        let (_db, mut conn) = migrated(target).await;
        let lines = dump(&mut conn, &target.schema()).await;
        let common = lines.iter().map(|line| {
            let line = line.replace(&format!("{}.", physical_name(tenant)), "app.");
            let line = line.replace(&format!("{}=", target.role()), "ROLE=");
            let line =
                line.replace(&format!("search_path={},", target.schema()), "search_path=app,");
            line.replace(&target.role(), "ROLE")
        });
        let mut common: Vec<_> = common.collect();
        common.sort();
        assert!(common.len() > 100, "{}", common.len());
        shapes.push(common);
    }
    assert_eq!(shapes[0], shapes[1]);
    assert_eq!(shapes[0], shapes[2]);
}

#[tokio::test]
async fn repeating_changes_nothing() {
    let (_db, mut conn) = migrated(Target::Shared).await;
    let files = "select string_agg(oid || ' ' || relfilenode, ',' order by oid) from pg_class where relnamespace = 'app'::regnamespace
        union all select string_agg(oid::text, ',' order by oid) from pg_policy
        union all select string_agg(oid::text, ',' order by oid) from pg_constraint";
    let before = (dump(&mut conn, "app").await, texts(&mut conn, files).await);
    let applied = migrate::tenant_plane(&mut conn, Target::Shared, &CLUB).await.unwrap();
    assert_eq!(applied, []);
    migrate::protect(&mut conn, Target::Shared).await.unwrap();
    assert_eq!((dump(&mut conn, "app").await, texts(&mut conn, files).await), before);
}

#[tokio::test]
async fn protecting_again_repairs_what_was_changed_by_hand() {
    let (_db, mut conn) = migrated(Target::Shared).await;
    let before = dump(&mut conn, "app").await;
    run(
        &mut conn,
        "alter table app.members no force row level security;
         drop policy tenant_floor on app.members;
         alter policy tenant_access on app.members using (true);
         grant truncate on app.members to saas_shared;
         grant select on app.members to public;
         alter table app.members alter column tenant_id drop default;
         alter table app.members owner to postgres;",
    )
    .await;
    assert_ne!(dump(&mut conn, "app").await, before);
    migrate::protect(&mut conn, Target::Shared).await.unwrap();
    assert_eq!(dump(&mut conn, "app").await, before);
}

#[tokio::test]
async fn later_files_speak_of_earlier_tables_as_if_there_were_one_tenant() {
    const FIRST: Migrations = Migrations::new(&[("1_a", STANDING)]);
    const BOTH: Migrations = Migrations::new(&[
        ("1_a", STANDING),
        (
            "2_b",
            "create table visits (id uuid primary key, member_id uuid not null references members on delete cascade);
             alter table members add column sponsor text references countries (code) on delete set null default 'xx';
             update members set sponsor = 'de';
             create unique index on members (phone);
             alter table members add constraint members_number_key unique (number);
             alter table members alter column sponsor drop default;",
        ),
    ]);
    const STANDING: &str = "create table members (id uuid primary key, phone text, number int);
        create table countries (code text primary key)";
    let db = Db::new().await;
    let mut conn = db.connect().await;
    migrate::tenant_plane(&mut conn, Target::Shared, &FIRST).await.unwrap();
    let mut app = db.connect_app().await;
    for tenant in [A, B] {
        enter(&mut app, tenant).await;
        // Both tenants use the same keys, names and numbers.
        let sql = format!(
            "insert into members values ('{ID}', '112', 7); insert into countries values ('de'), ('xx'); commit"
        );
        run(&mut app, &sql).await;
    }
    migrate::tenant_plane(&mut conn, Target::Shared, &BOTH).await.unwrap();
    run(&mut conn, "set search_path = pg_catalog").await;
    for (name, text) in [
        (
            "visits_member_id_fkey",
            "FOREIGN KEY (tenant_id, member_id) REFERENCES app.members(tenant_id, id) ON DELETE CASCADE",
        ),
        (
            "members_sponsor_fkey",
            "FOREIGN KEY (tenant_id, sponsor) REFERENCES app.countries(tenant_id, code) ON DELETE SET NULL (sponsor)",
        ),
        ("members_number_key", "UNIQUE (tenant_id, number)"),
    ] {
        assert_eq!(definition(&mut conn, "app", name).await, text, "{name}");
    }
    let left = "select count(*) from pg_namespace where nspname = 'app_keys'";
    assert_eq!(count(&mut conn, left).await, 0);
    enter(&mut app, A).await;
    run(&mut app, "delete from countries where code = 'de'; commit").await;
    let kept = "select count(*) from app.members where sponsor = 'de'";
    assert_eq!(count(&mut conn, kept).await, 1, "the other tenant's row keeps its reference");
}

fn tenant(text: &str) -> TenantId {
    text.parse().unwrap()
}

/// Everything about a schema that an application could notice.
async fn dump(conn: &mut PgConnection, schema: &str) -> Vec<String> {
    run(conn, "set search_path = pg_catalog").await;
    let sql = format!(
        "select concat_ws(' ', 'column', table_name, ordinal_position, column_name, data_type, column_default, is_nullable, generation_expression)
         from information_schema.columns where table_schema = '{schema}'
         union all
         select concat_ws(' ', 'key', conrelid::regclass, conname, pg_get_constraintdef(oid))
         from pg_constraint where connamespace = '{schema}'::regnamespace
         union all
         select concat_ws(' ', 'index', indexdef) from pg_indexes where schemaname = '{schema}'
         union all
         select concat_ws(' ', 'policy', tablename, policyname, permissive, roles, cmd, qual, with_check)
         from pg_policies where schemaname = '{schema}'
         union all
         select concat_ws(' ', 'relation', relname, relkind, relowner::regrole, relrowsecurity, relforcerowsecurity, relacl, reloptions)
         from pg_class where relnamespace = '{schema}'::regnamespace and relkind <> 'i' and relkind <> 'I'
         union all
         select concat_ws(' ', 'grant', attrelid::regclass, attname, attacl)
         from pg_attribute join pg_class c on c.oid = attrelid
         where relnamespace = '{schema}'::regnamespace and attacl is not null
         union all
         select concat_ws(' ', 'routine', proname, proowner::regrole, proacl, proconfig, prosecdef, prosrc)
         from pg_proc where pronamespace = '{schema}'::regnamespace
         union all
         select concat_ws(' ', 'type', typname, typowner::regrole) from pg_type
         where typnamespace = '{schema}'::regnamespace and typtype = 'e'
         order by 1"
    );
    let lines = texts(conn, &sql).await;
    run(conn, "reset search_path").await;
    lines
}

/// The text of a key or an index.
async fn definition(conn: &mut PgConnection, schema: &str, name: &str) -> String {
    let sql = format!(
        "select coalesce(
             (select pg_get_constraintdef(oid) from pg_constraint where connamespace = '{schema}'::regnamespace and conname = '{name}'),
             (select indexdef from pg_indexes where schemaname = '{schema}' and indexname = '{name}'),
             'absent')"
    );
    texts(conn, &sql).await.remove(0)
}
