//! What a migration leaves in the catalogue, and what then is refused.

use saas_core::TenantId;
use saas_tenancy::{
    migrate::{self, MigrateError, Migrations, Target},
    placement::physical_name,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::server::{Db, code, count, run, texts, try_run};

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

fn tenant(text: &str) -> TenantId {
    text.parse().unwrap()
}

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

/// The error code of a statement inside a tenant's transaction, which is rolled back.
async fn refused(conn: &mut PgConnection, tenant: &str, sql: &str) -> String {
    enter(conn, tenant).await;
    let outcome = try_run(conn, sql).await;
    run(conn, "rollback").await;
    code(&outcome.expect_err(sql))
}

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
async fn tenants_see_and_change_only_their_own_rows() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    fill(&mut app).await;
    enter(&mut app, A).await;
    assert_eq!(count(&mut app, "select count(*) from members").await, 1);
    run(&mut app, "update members set first_name = 'x'; delete from members; commit").await;
    enter(&mut app, B).await;
    let names = texts(&mut app, "select first_name from members").await;
    assert_eq!(names, ["Zoë_100%"]);
}

#[tokio::test]
async fn without_a_context_nothing_is_seen_and_nothing_is_written() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    let denied = try_run(&mut app, "select from app.members").await.unwrap_err();
    assert_eq!(code(&denied), "42501", "the login itself has no rights");
    fill(&mut app).await;
    run(&mut app, "begin; set local role saas_shared").await;
    assert_eq!(count(&mut app, "select count(*) from app.members").await, 0);
    let lost = "insert into app.membership_types (id, name) values (gen_random_uuid(), 'x')";
    let error = try_run(&mut app, lost).await.unwrap_err();
    assert!(["42704", "22P02"].contains(&code(&error).as_str()), "{error}");
}

#[tokio::test]
async fn what_would_cross_tenants_is_refused() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    fill(&mut app).await;
    let only_b = "00000000-0000-7000-8000-0000000000b1";
    enter(&mut app, B).await;
    run(&mut app, &format!("insert into membership_types values ('{only_b}', 'b'); commit")).await;
    let cases = [
        // A reference to another tenant's row looks the same as one to no row.
        (format!("insert into members (id, membership_type_id, email) values (gen_random_uuid(), '{only_b}', 'q')"), "23503"),
        ("insert into members (id, membership_type_id, email) values (gen_random_uuid(), gen_random_uuid(), 'q')".to_owned(), "23503"),
        (format!("insert into members (id, membership_type_id, email) values (gen_random_uuid(), '{ID}', 'ANN@x.test')"), "23505"),
        (format!("insert into membership_types (id, name, tenant_id) values (gen_random_uuid(), 'x', '{B}')"), "42501"),
        (format!("update members set tenant_id = '{B}'"), "42501"),
        ("truncate members".to_owned(), "42501"),
        ("select set_config('app.tenant_id', '', true)".to_owned(), "42501"),
        ("select lo_create(0)".to_owned(), "42501"),
        ("select from pg_stat_activity".to_owned(), "42501"),
        ("create temp table members (id uuid)".to_owned(), "42501"),
        ("create table app.mine (id uuid)".to_owned(), "42501"),
        ("create table public.mine (id uuid)".to_owned(), "42501"),
        ("alter table members disable row level security".to_owned(), "42501"),
        ("select from events_old".to_owned(), "42501"),
        ("select from totals".to_owned(), "42501"),
        ("select from saas_migrations".to_owned(), "42501"),
        ("select setval('tickets', 1)".to_owned(), "42501"),
        ("update audit set note = 'x'".to_owned(), "42501"),
        ("delete from audit".to_owned(), "42501"),
        ("insert into countries (code) values ('x')".to_owned(), "42501"),
        ("set local role saas_admin".to_owned(), "42501"),
        ("set local role saas_owner".to_owned(), "42501"),
    ];
    for (sql, wanted) in cases {
        assert_eq!(refused(&mut app, A, &sql).await, wanted, "{sql}");
    }
}

#[tokio::test]
async fn what_an_application_needs_is_allowed() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    fill(&mut app).await;
    enter(&mut app, A).await;
    run(
        &mut app,
        "insert into audit (id, at) values (gen_random_uuid(), now());
         insert into events (id, at, kind) values (gen_random_uuid(), '2026-11-21', 'x');
         insert into bookings (id, room, during) values (gen_random_uuid(), 1, '[2026-01-01,2026-01-02)');
         update members set mood = 'good', referred_by = id;
         select * from countries, good_members, names(), nextval('tickets');
         insert into members (id, membership_type_id, email) select id, membership_type_id, 'z' from members
             on conflict (tenant_id, id) do update set email = excluded.email",
    )
    .await;
    assert_eq!(count(&mut app, "select count_members()").await, 1);
    run(&mut app, "delete from members; commit").await;
}

#[tokio::test]
async fn search_finds_parts_of_the_tenants_own_text_only() {
    let (db, _conn) = migrated(Target::Shared).await;
    let mut app = db.connect_app().await;
    fill(&mut app).await;
    enter(&mut app, A).await;
    run(
        &mut app,
        &format!("update members set first_name = 'Secret' where tenant_id = '{A}'; commit"),
    )
    .await;
    for (term, found) in [
        ("zOË", 1),
        ("100%", 1),
        ("%", 1),
        ("1%0", 0),
        ("ë_1", 1),
        ("ë-1", 0),
        (r"\", 0),
        ("secret", 0),
        ("", 1),
        ("e' or true", 0),
    ] {
        enter(&mut app, B).await;
        let sql = format!("select count(*) from members_search('{}')", term.replace('\'', "''"));
        assert_eq!(count(&mut app, &sql).await, found, "{term}");
        run(&mut app, "commit").await;
    }
    run(&mut app, "begin; set local role saas_shared; set local search_path = app").await;
    assert_eq!(count(&mut app, "select count(*) from members_search('')").await, 0);
}

#[tokio::test]
async fn search_uses_its_index() {
    let (_db, mut conn) = migrated(Target::Shared).await;
    run(
        &mut conn,
        &format!(
            "set app.tenant_id = '{A}';
             insert into app.membership_types (id, name) values ('{ID}', 'x');
             insert into app.members (id, membership_type_id, first_name, email)
                 select gen_random_uuid(), '{ID}', md5(n::text), n || '@x.test' from generate_series(1, 20000) n;
             analyze app.members;
             set enable_seqscan = off;"
        ),
    )
    .await;
    let body =
        texts(&mut conn, "select prosrc from pg_proc where proname = 'members_search'").await;
    let plan = body[0].replace("term", "substr(md5('777'), 5, 12)");
    let plan = texts(&mut conn, &format!("explain {plan}")).await.join("\n");
    assert!(plan.contains("members_search_idx"), "{plan}");
    let found = "select count(*) from app.members_search(substr(md5('777'), 5, 12))";
    assert_eq!(count(&mut conn, found).await, 1);
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

#[tokio::test]
async fn what_cannot_be_made_safe_is_refused_with_the_remedy() {
    let cases: [(&'static [(&str, &str)], &str); 12] = [
        (
            &[("1_a", "create table a (id int primary key); insert into a values (1)")],
            "has rows already",
        ),
        (&[("1_a", "create table a (id int, tenant_id text)")], "must be of type uuid"),
        (
            &[("1_a", "create table a (id int, tenant_id uuid, unique (id, tenant_id))")],
            "leave it out",
        ),
        (
            &[(
                "1_a",
                "create table a (id int primary key, b int references a (id) on update set null)",
            )],
            "on update set null",
        ),
        (
            &[(
                "1_a",
                "create table a (x int, y int, p int, q int, primary key (x, y), foreign key (p, q) references a (x, y) match full)",
            )],
            "match full",
        ),
        (
            &[(
                "1_a",
                "create table saas_ext.a (id int primary key); create table b (id int references saas_ext.a (id))",
            )],
            "points out of its schema",
        ),
        (
            &[(
                "1_a",
                "create table a (id int); create rule r as on insert to a do instead nothing",
            )],
            "use a trigger",
        ),
        (&[("1_a", "create view v as select 1 as one")], "security_invoker = true"),
        (
            &[(
                "1_a",
                "create function f() returns int language sql security definer as 'select 1'",
            )],
            "set search_path from current",
        ),
        (
            &[(
                "1_a",
                "create function f() returns int language sql set app.tenant_id = 'x' as 'select 1'",
            )],
            "sets the tenant itself",
        ),
        (
            &[("1_a", "create function f() returns int language sql leakproof as 'select 1'")],
            "leakproof",
        ),
        (
            &[(
                "1_a",
                "create table a (id int primary key, t text); select pg_temp.searchable('a', array['t'])",
            )],
            "one column of type uuid",
        ),
    ];
    let db = Db::new().await;
    let mut conn = db.connect().await;
    for (files, wanted) in cases {
        let error = migrate::tenant_plane(&mut conn, Target::Shared, &Migrations::new(files)).await;
        let error = error.expect_err(files[0].1);
        assert!(matches!(error, MigrateError::Refused { .. }), "{error:?}");
        assert!(error.to_string().contains(wanted), "{error}");
        let left = "select count(*) from pg_class where relnamespace = to_regnamespace('app')";
        assert_eq!(count(&mut conn, left).await, 0, "{error}");
    }
}

#[tokio::test]
async fn a_failed_file_is_named_with_its_line_and_leaves_nothing() {
    const WRONG: Migrations = Migrations::new(&[
        ("1_good", "create table good (id uuid primary key)"),
        ("2_wrong", "create table half (id uuid);\n\ncreate table wrong (id nonsense);"),
    ]);
    let db = Db::new().await;
    let mut conn = db.connect().await;
    let error = migrate::tenant_plane(&mut conn, Target::Shared, &WRONG).await.unwrap_err();
    assert_eq!(error.to_string(), "migration `2_wrong` failed in schema `app` at line 3");
    let standing = migrate::status(&mut conn, "app", &WRONG).await.unwrap();
    let applied: Vec<_> = standing.iter().map(|one| one.applied_at.is_some()).collect();
    assert_eq!(applied, [true, false]);
    assert_eq!(count(&mut conn, "select count(to_regclass('app.half'))").await, 0);
}

#[tokio::test]
async fn a_file_that_ends_its_transaction_is_refused() {
    const LEAVES: Migrations = Migrations::new(&[("1_a", "commit; create table a (id uuid)")]);
    let db = Db::new().await;
    let mut conn = db.connect().await;
    let error = migrate::tenant_plane(&mut conn, Target::Shared, &LEAVES).await.unwrap_err();
    assert!(matches!(error, MigrateError::LeftTransaction { name: "1_a" }), "{error:?}");
}

#[tokio::test]
async fn history_that_does_not_fit_is_refused() {
    const ONE: Migrations = Migrations::new(&[("1_a", "select 1"), ("3_c", "select 3")]);
    const CHANGED: Migrations = Migrations::new(&[("1_a", "select 2"), ("3_c", "select 3")]);
    const OLDER: Migrations = Migrations::new(&[("1_a", "select 1")]);
    const BETWEEN: Migrations =
        Migrations::new(&[("1_a", "select 1"), ("2_b", "select 2"), ("3_c", "select 3")]);
    let db = Db::new().await;
    let mut conn = db.connect().await;
    migrate::control_plane(&mut conn, "saas_tenancy", &ONE).await.unwrap();
    for (files, wanted) in [
        (CHANGED, "migration `1_a` was changed"),
        (OLDER, "has migration `3_c`, which this program does not know"),
        (BETWEEN, "migration `2_b` comes before `3_c`"),
    ] {
        let error = migrate::control_plane(&mut conn, "saas_tenancy", &files).await.unwrap_err();
        assert!(error.to_string().contains(wanted), "{error}");
    }
    assert_eq!(migrate::control_plane(&mut conn, "saas_tenancy", &ONE).await.unwrap(), []);
}

#[tokio::test]
async fn runs_at_the_same_time_apply_each_file_once() {
    let db = Db::new().await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let mut conn = db.connect().await;
        runs.spawn(async move {
            migrate::tenant_plane(&mut conn, Target::Shared, &CLUB).await.unwrap().len()
        });
    }
    let applied: usize = runs.join_all().await.into_iter().sum();
    assert_eq!(applied, CLUB.iter().count());
}

#[tokio::test]
async fn preparing_at_the_same_time_is_safe() {
    let db = Db::bare().await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let mut conn = db.connect().await;
        runs.spawn(async move {
            let key = super::server::key();
            let password = saas_tenancy::provision::AppPassword::Derived(&key);
            saas_tenancy::provision::bootstrap(&mut conn, password).await.unwrap();
        });
    }
    runs.join_all().await;
    db.connect_app().await;
}

#[tokio::test]
async fn a_database_that_is_not_prepared_is_refused() {
    let db = Db::bare().await;
    let mut conn = db.connect().await;
    let error = migrate::tenant_plane(&mut conn, Target::Shared, &CLUB).await.unwrap_err();
    assert!(matches!(error, MigrateError::NotBootstrapped), "{error:?}");
}

#[tokio::test]
async fn a_change_of_data_by_a_role_under_policies_fails_instead_of_doing_nothing() {
    const FIX: Migrations = Migrations::new(&[
        ("1_a", "create table a (id uuid primary key, n int)"),
        ("2_b", "update a set n = 1"),
    ]);
    const FIRST: Migrations =
        Migrations::new(&[("1_a", "create table a (id uuid primary key, n int)")]);
    let db = Db::new().await;
    let mut conn = db.connect().await;
    migrate::tenant_plane(&mut conn, Target::Shared, &FIRST).await.unwrap();
    let role = format!("weak_{}", Uuid::new_v4().simple());
    let sql = format!(
        "create role {role} login password 'weak'; grant saas_owner, saas_admin, saas_shared to {role};
         do $$ begin execute format('grant all on database %I to {role}', current_database()); end $$"
    );
    run(&mut conn, &sql).await;
    let options = db.admin.clone().username(&role).password("weak");
    let mut weak = super::server::connect(&options).await;
    let error = migrate::tenant_plane(&mut weak, Target::Shared, &FIX).await.unwrap_err();
    assert!(matches!(error, MigrateError::Failed { name: "2_b", .. }), "{error:?}");
}
