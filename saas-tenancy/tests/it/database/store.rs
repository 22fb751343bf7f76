//! Tenants in PostgreSQL: the contract, the walls of the control plane, and what one process hears
//! of another.

use std::{process::Command, sync::Arc, time::Duration};

use saas_core::{Clock, TenantId};
use saas_tenancy::{
    Isolation, NewTenant, Slug, Status, TenancyError, Tenant, TenantStore,
    db::{DatabaseOptions, ServerAddress, TenantDatabases},
    domain::{Domain, DomainId},
    migrate::{self, Migrations},
    provision::APP_ROLE,
    resolve::HostName,
    store::{
        CachedTenantStore, ChangeListener, DEFAULT_SERVER, PostgresTenantStore, TenantChange,
        conformance, postgres::MIGRATIONS,
    },
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, Row};
use tokio::time::timeout;

use super::server::{Db, code, key, run};

/// How long a change may take to be seen everywhere.
const SECOND: Duration = Duration::from_secs(1);

/// A database with the control plane in it.
struct Database {
    db: Db,
    clock: Clock,
}

impl Database {
    async fn new() -> Self {
        let db = Db::new().await;
        let files = Migrations::new(MIGRATIONS);
        migrate::control_plane(&mut db.connect().await, "saas_tenancy", &files).await.unwrap();
        Self { db, clock: Clock::system() }
    }

    fn app_url(&self) -> SecretString {
        let mut url = self.db.url.clone();
        url.set_username(APP_ROLE).unwrap();
        url.set_password(Some(key().password(APP_ROLE).expose_secret())).unwrap();
        url.to_string().into()
    }

    /// The store of one process.
    fn store(&self) -> PostgresTenantStore {
        let address = ServerAddress::new(DEFAULT_SERVER, &self.app_url()).unwrap();
        let address = address.with_admin(&self.db.url.to_string().into()).unwrap();
        let options = DatabaseOptions::new();
        let databases = TenantDatabases::new(&options, address, [], self.clock.clone());
        PostgresTenantStore::new(databases, self.clock.clone())
    }

    /// The store of one process with its cache, which hears of changes.
    fn cached(&self) -> (CachedTenantStore, ChangeListener) {
        let cache = CachedTenantStore::new(Arc::new(self.store()), self.clock.clone());
        let (cache, invalidations) = cache.with_invalidations();
        (cache, ChangeListener::spawn(self.app_url(), invalidations))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept_in_postgres() {
    let database = Database::new().await;
    conformance::run(&database.store(), &database.clock).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept_behind_a_cache_that_listens() {
    let database = Database::new().await;
    let (store, _listener) = database.cached();
    conformance::run(&store, &database.clock).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_in_one_process_takes_effect_in_another_within_a_second() {
    let database = Database::new().await;
    let ((here, _a), (there, _b)) = (database.cached(), database.cached());
    let tenant = ready_tenant(&here, &database, "acme").await;
    until_cached(&there, &tenant.slug).await;

    here.update(tenant.id, suspended(), None).await.unwrap();
    timeout(SECOND, until_suspended(&there, &tenant.slug)).await.expect("it is told in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tenant_is_found_where_its_name_was_known_to_lead_nowhere() {
    let database = Database::new().await;
    let ((here, _a), (there, _b)) = (database.cached(), database.cached());
    let slug: Slug = "acme".parse().unwrap();
    until_cached(&there, &slug).await;
    ready_tenant(&here, &database, "acme").await;
    let found = until(async || there.by_slug(&slug).await.unwrap().is_some());
    timeout(SECOND, found).await.expect("it is told in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_is_given_up_in_one_process_leads_nowhere_in_another() {
    let database = Database::new().await;
    let ((here, _a), (there, _b)) = (database.cached(), database.cached());
    let tenant = ready_tenant(&here, &database, "acme").await;
    let name: HostName = "members.acme.example".parse().unwrap();
    let id = DomainId::generate(&database.clock);
    let token = "token".to_owned();
    let domain = Domain { id, tenant: tenant.id, name, token, verified_at: None };
    until_cached(&there, &tenant.slug).await;
    assert!(there.by_domain(&domain.name).await.unwrap().is_none());

    here.claim_domain(domain.clone(), None).await.unwrap();
    here.set_verified(tenant.id, id, Some(database.clock.now())).await.unwrap();
    let found = until(async || there.by_domain(&domain.name).await.unwrap().is_some());
    timeout(SECOND, found).await.expect("the proof is told in time");
    here.release_domain(tenant.id, id, None).await.unwrap();
    let gone = until(async || there.by_domain(&domain.name).await.unwrap().is_none());
    timeout(SECOND, gone).await.expect("giving it up is told in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_listener_is_cut_off_every_lookup_reads_the_database() {
    let database = Database::new().await;
    let tenant = ready_tenant(&database.store(), &database, "acme").await;
    let (store, _listener) = database.cached();
    until_cached(&store, &tenant.slug).await;
    let mut outside = database.db.connect().await;
    suspend_silently(&mut outside, tenant.id).await;
    assert!(store.cached_by_slug(&tenant.slug).is_some(), "nobody told");

    // The listener is thrown out and not let in again; the store's own connection stays.
    let pid = listening_backend(&mut outside).await;
    allow_connections(&mut outside, "false").await;
    let end = sqlx::query("select pg_terminate_backend($1)").bind(pid);
    end.execute(&mut outside).await.unwrap();
    timeout(SECOND, until_suspended(&store, &tenant.slug)).await.expect("the cache is cut off");
    assert!(store.cached_by_slug(&tenant.slug).is_none(), "and keeps nothing");

    allow_connections(&mut outside, "true").await;
    until_cached(&store, &tenant.slug).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_falls_silent_cuts_the_cache_off_in_time() {
    let database = Database::new().await;
    let tenant = ready_tenant(&database.store(), &database, "acme").await;
    let (store, _listener) = database.cached();
    until_cached(&store, &tenant.slug).await;
    let mut outside = database.db.connect().await;
    let pid = listening_backend(&mut outside).await;
    signal("STOP", pid);
    suspend_silently(&mut outside, tenant.id).await;
    let seen = timeout(2 * SECOND, until_suspended(&store, &tenant.slug)).await;
    signal("CONT", pid);
    seen.expect("silence is noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applications_role_cannot_list_tenants_and_sees_only_the_one_in_context() {
    let database = Database::new().await;
    let store = database.store();
    let acme = ready_tenant(&store, &database, "acme").await;
    ready_tenant(&store, &database, "globex").await;
    let mut app = database.db.connect_app().await;
    let count = "select count(*) from saas_tenancy.tenants";
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut app).await.unwrap(), 0);

    run(&mut app, &format!("set app.tenant_id = '{}'", acme.id)).await;
    let rows = sqlx::query("select slug from saas_tenancy.tenants").fetch_all(&mut app).await;
    let slugs: Vec<String> = rows.unwrap().iter().map(|row| row.get("slug")).collect();
    assert_eq!(slugs, ["acme"]);
    let rename = "update saas_tenancy.tenants set name = 'mine', version = version + 1";
    assert_eq!(sqlx::query(rename).execute(&mut app).await.unwrap().rows_affected(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_applications_role_cannot_change_what_is_the_operators() {
    let database = Database::new().await;
    let acme = ready_tenant(&database.store(), &database, "acme").await;
    let mut app = database.db.connect_app().await;
    run(&mut app, &format!("set app.tenant_id = '{}'", acme.id)).await;
    for refused in [
        "update saas_tenancy.tenants set status = 'active'",
        "update saas_tenancy.tenants set limits = '{}'",
        "update saas_tenancy.tenants set isolation = 'shared'",
        "delete from saas_tenancy.tenants",
        "truncate saas_tenancy.domains",
        "update saas_tenancy.domains set verified_at = now()",
        "insert into saas_tenancy.domains (id, tenant_id, name, token, verified_at)
             select gen_random_uuid(), id, 'a.example', 't', now() from saas_tenancy.tenants",
        "select 1 from saas_tenancy.used_slugs",
        "select 1 from saas_tenancy.provisioning",
        "select 1 from saas_tenancy.system_audit",
        "update saas_tenancy.servers set secret_ref = 'X'",
        "alter table saas_tenancy.tenants disable row level security",
        "create table saas_tenancy.mine ()",
        "set role saas_admin",
        "set role saas_owner",
    ] {
        let error = sqlx::query(refused).execute(&mut app).await.expect_err(refused);
        assert_eq!(code(&error), "42501", "{refused}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_another_policy_nor_ownership_opens_the_control_plane() {
    let database = Database::new().await;
    ready_tenant(&database.store(), &database, "acme").await;
    let mut outside = database.db.connect().await;
    for table in ["tenants", "domains", "provisioning"] {
        run(&mut outside, &format!("grant select on saas_tenancy.{table} to saas_app")).await;
        let open = format!("create policy careless on saas_tenancy.{table} using (true)");
        run(&mut outside, &open).await;
    }
    let mut app = database.db.connect_app().await;
    sqlx::query("set role saas_owner").execute(&mut outside).await.unwrap();
    for conn in [&mut app, &mut outside] {
        let count = "select count(*) from saas_tenancy.tenants";
        assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(conn).await.unwrap(), 0);
    }
    let floors = "select count(*) from pg_policies where schemaname = 'saas_tenancy'
         and policyname = 'tenant_floor' and permissive = 'RESTRICTIVE' and cmd = 'ALL'";
    sqlx::query("reset role").execute(&mut outside).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(floors).fetch_one(&mut outside).await.unwrap(), 8);
    let forced = "select count(*) from pg_class where relnamespace = 'saas_tenancy'::regnamespace
         and relrowsecurity and relforcerowsecurity";
    assert_eq!(sqlx::query_scalar::<_, i64>(forced).fetch_one(&mut outside).await.unwrap(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_of_the_control_plane_belongs_to_a_role_that_cannot_log_in() {
    let database = Database::new().await;
    let mut outside = database.db.connect().await;
    let owners = "select distinct pg_get_userbyid(relowner)::text from pg_class
         where relnamespace = 'saas_tenancy'::regnamespace";
    let owners: Vec<String> = sqlx::query_scalar(owners).fetch_all(&mut outside).await.unwrap();
    assert_eq!(owners, ["saas_owner"]);
    let functions = "select proname::text || ' ' || pg_get_userbyid(proowner)::text || ' '
             || has_function_privilege('public', oid, 'execute')::text || ' '
             || coalesce(array_to_string(proconfig, ','), '')
         from pg_proc where pronamespace = 'saas_tenancy'::regnamespace and prosecdef order by 1";
    let functions: Vec<String> =
        sqlx::query_scalar(functions).fetch_all(&mut outside).await.unwrap();
    let pinned = "saas_admin false search_path=saas_tenancy, pg_temp";
    let names = [
        "append_audit",
        "domains_of_tenant",
        "keys_of_tenant",
        "tenant_by_domain",
        "tenant_by_id",
        "tenant_by_slug",
    ];
    assert_eq!(functions, names.map(|name| format!("{name} {pinned}")));
    let may_create = "select has_schema_privilege('saas_admin', 'saas_tenancy', 'create')";
    assert!(!sqlx::query_scalar::<_, bool>(may_create).fetch_one(&mut outside).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_leaves_a_line_in_the_audit_and_a_refused_one_does_not() {
    let database = Database::new().await;
    let store = database.store();
    let tenant = ready_tenant(&store, &database, "acme").await;
    let stale = store.update(tenant.id, suspended(), Some(9)).await;
    assert!(matches!(stale, Err(TenancyError::Stale)));
    store.remove(tenant.id).await.unwrap();
    let mut outside = database.db.connect().await;
    let reasons = "select reason from saas_tenancy.system_audit order by occurred_at, id";
    let reasons: Vec<String> = sqlx::query_scalar(reasons).fetch_all(&mut outside).await.unwrap();
    assert_eq!(reasons, ["tenant.insert", "tenant.mark_ready", "tenant.remove"]);
}

async fn ready_tenant(store: &dyn TenantStore, database: &Database, slug: &str) -> Tenant {
    let id = TenantId::generate(&database.clock);
    let new = NewTenant::new(id, slug.parse().unwrap(), slug, Isolation::Shared);
    let tenant = store.insert(new).await.unwrap();
    store.mark_ready(id).await.unwrap();
    Tenant::clone(&tenant)
}

fn suspended() -> TenantChange {
    TenantChange { status: Some(Status::Suspended), ..TenantChange::default() }
}

/// Asks again and again, and lets others run in between.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::task::yield_now().await;
    }
}

/// Looks the name up until the answer is kept: from then on the listener hears.
async fn until_cached(store: &CachedTenantStore, slug: &Slug) {
    let cached = until(async || {
        store.by_slug(slug).await.unwrap();
        store.cached_by_slug(slug).is_some()
    });
    timeout(10 * SECOND, cached).await.expect("the listener connects");
}

async fn until_suspended(store: &dyn TenantStore, slug: &Slug) {
    until(async || {
        let tenant = store.by_slug(slug).await.unwrap();
        tenant.is_some_and(|tenant| tenant.status == Status::Suspended)
    })
    .await;
}

/// Changes a tenant without telling anybody.
async fn suspend_silently(outside: &mut PgConnection, tenant: TenantId) {
    for sql in [
        "alter table saas_tenancy.tenants disable trigger tell_change",
        "update saas_tenancy.tenants set status = 'suspended' where id = $1",
        "alter table saas_tenancy.tenants enable trigger tell_change",
    ] {
        let query = sqlx::query(sql);
        let query = if sql.contains("$1") { query.bind(tenant.as_uuid()) } else { query };
        query.execute(&mut *outside).await.unwrap();
    }
}

/// The server's process behind the connection that listens.
async fn listening_backend(outside: &mut PgConnection) -> i32 {
    let sql = "select pid from pg_stat_activity
         where query ilike '%listen%' and datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query_scalar(sql).fetch_one(outside).await.unwrap()
}

/// Whether the database takes new connections. A superuser's session may look and change on.
async fn allow_connections(outside: &mut PgConnection, allowed: &str) {
    let sql = "update pg_database set datallowconn = $1::text::boolean
         where datname = current_database()";
    sqlx::query(sql).bind(allowed).execute(outside).await.unwrap();
}

fn signal(name: &str, pid: i32) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(status.unwrap().success());
}
