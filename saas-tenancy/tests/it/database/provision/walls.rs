//! Who reaches what.

use saas_tenancy::{
    Isolation,
    placement::physical_name,
    provision::{AppPassword, Provisioner, Step, bootstrap},
};
use sqlx::ConnectOptions;

use super::{Fleet, NOTES, app_address};
use crate::database::server::{self, count, key, run};

#[tokio::test]
async fn a_tenants_login_reaches_its_own_database_only() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let mut names = Vec::new();
    for slug in ["initech", "iota"] {
        let tenant = provisioner.provision(Fleet::wanted(slug, Isolation::Database)).await.unwrap();
        names.push(physical_name(tenant.id));
    }
    let login = |role: &str, database: &str| {
        let password = key().password(role);
        let options = fleet.db.admin.clone().username(role).database(database);
        let options = options.password(secrecy::ExposeSecret::expose_secret(&password));
        async move { options.connect().await.map(|_| ()).map_err(|e| server::code(&e)) }
    };
    let common = fleet.db.admin.get_database().unwrap();
    let denied = Err("42501".to_owned());
    assert_eq!(login(&names[0], &names[0]).await, Ok(()));
    assert_eq!(login(&names[0], &names[1]).await, denied);
    assert_eq!(login(&names[0], common).await, denied);
    assert_eq!(login("saas_app", &names[0]).await, denied);
    assert_eq!(login("saas_app", common).await, Ok(()));
}

#[tokio::test]
async fn a_schemas_role_reaches_its_own_schema_only() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let mut names = Vec::new();
    for (slug, isolation) in
        [("globex", Isolation::Schema), ("gamma", Isolation::Schema), ("acme", Isolation::Shared)]
    {
        let tenant = provisioner.provision(Fleet::wanted(slug, isolation)).await.unwrap();
        names.push(physical_name(tenant.id));
    }
    let mut app = fleet.db.connect_app().await;
    let own = format!("begin; set local role {0}; select from {0}.notes; rollback", names[0]);
    run(&mut app, &own).await;
    for foreign in [names[1].as_str(), "app"] {
        let sql = format!("begin; set local role {}; select from {foreign}.notes", names[0]);
        let error = server::try_run(&mut app, &sql).await.unwrap_err();
        assert_eq!(server::code(&error), "42501");
        run(&mut app, "rollback").await;
    }
}

#[tokio::test]
async fn a_database_is_closed_before_anybody_can_connect() {
    let fleet = Fleet::new().await;
    let provisioner = fleet.provisioner(NOTES);
    let wanted = Fleet::wanted("initech", Isolation::Database);
    let made = Step::of(Isolation::Database).iter().position(|s| *s == Step::CreateDatabase);
    provisioner.provision_partly(wanted.clone(), made.unwrap() + 1).await.unwrap();
    let name = physical_name(wanted.id);
    let sql = format!(
        "select count(*) from pg_database where datname = '{name}' and has_database_privilege('public', oid, 'connect')"
    );
    assert_eq!(count(&mut fleet.db.connect().await, &sql).await, 0);
}

#[tokio::test]
async fn an_administrator_need_not_be_a_superuser() {
    let fleet = Fleet::new().await;
    let name = format!("operator_{}", uuid::Uuid::new_v4().simple());
    let sql = format!(
        "create role {name} login createrole createdb bypassrls password 'operator';
         grant saas_owner, saas_admin, saas_shared to {name} with admin option;
         grant all on all tables in schema saas_tenancy to {name};
         do $$ begin execute format('alter database %I owner to {name}', current_database()); end $$"
    );
    run(&mut fleet.db.connect().await, &sql).await;
    let mut url = fleet.db.url.clone();
    url.set_username(&name).unwrap();
    url.set_password(Some("operator")).unwrap();
    let mut operator = server::connect(&url.as_str().parse().unwrap()).await;
    bootstrap(&mut operator, AppPassword::Kept).await.unwrap();
    let address = app_address(&fleet.db, fleet.address.id());
    let address = address.with_admin(&url.as_str().into()).unwrap().with_key(key());
    let provisioner = Provisioner::new(fleet.store.clone(), address, NOTES);
    for isolation in Isolation::ALL {
        let wanted = Fleet::wanted(isolation.as_str(), isolation);
        provisioner.provision(wanted.clone()).await.unwrap();
        fleet.assert_ready(&wanted).await;
        provisioner.deprovision(wanted.id).await.unwrap();
        assert_eq!(fleet.traces(wanted.id).await, [""; 0]);
    }
}
