use saas_core::permission::PermissionSet;
use saas_rbac::{
    AccessError,
    oidc::{Connections, NewConnection, Newcomers, OidcError, ProviderHttp, Reach},
    user::EmailProof,
};

use super::hall::{Hall, perm, seal};

const SECRET: &str = "hunter2-hunter2";

fn at(issuer: &str) -> NewConnection {
    NewConnection::new("Acme", issuer, "club").with_client_secret(SECRET.to_owned())
}

#[tokio::test]
async fn a_tenant_sees_its_own_connections_and_those_for_all() {
    let hall = Hall::new().await;
    let (acme, globex) = (hall.tenant("acme").await, hall.tenant("globex").await);
    let own = hall.of_tenant(acme, Some("guest")).await;
    let all = hall.for_all(Newcomers::Refused).await;
    let ids = async |tenant| {
        let offered = hall.connections.offered(tenant).await.unwrap();
        offered.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some(acme)).await, [all.id, own.id]);
    assert_eq!(ids(Some(globex)).await, [all.id]);
    assert_eq!(ids(None).await, [all.id]);
    for tenant in [Some(globex), None] {
        let found = hall.connections.find(tenant, own.id).await;
        assert!(matches!(found, Err(OidcError::NoConnection)));
        assert_eq!(hall.connections.find(tenant, all.id).await.unwrap().id, all.id);
    }
    assert_eq!(hall.connections.find(Some(acme), own.id).await.unwrap().tenant, Some(acme));
    let other = hall.owner(globex).await;
    assert!(hall.connections.list(other.scope()).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_its_tenant_deletes_a_connection() {
    let hall = Hall::new().await;
    let (acme, globex) = (hall.tenant("acme").await, hall.tenant("globex").await);
    let owner = hall.owner(acme).await;
    let own = hall.connections.create(&owner, at("https://id.example"), None).await.unwrap();
    let all = hall.for_all(Newcomers::Refused).await;
    let other = hall.owner(globex).await;
    for id in [own.id, all.id] {
        let done = hall.connections.delete(&other, id).await;
        assert!(matches!(done, Err(AccessError::NotFound("connection"))));
    }
    let done = hall.connections.delete_for_all(own.id).await;
    assert!(matches!(done, Err(AccessError::NotFound("connection"))));
    hall.connections.delete(&owner, own.id).await.unwrap();
    assert!(hall.connections.list(owner.scope()).await.unwrap().is_empty());
    let noted = "select count(*) from saas_tenancy.audit_pending
        where entry like '%connection.create%' or entry like '%connection.delete%'";
    assert_eq!(hall.count(noted).await, 2);
}

#[tokio::test]
async fn the_secret_is_sealed_and_shown_nowhere() {
    let hall = Hall::new().await;
    let acme = hall.tenant("acme").await;
    let owner = hall.owner(acme).await;
    let made = hall.connections.create(&owner, at("https://id.example"), None).await.unwrap();
    assert!(!format!("{made:?}{:?}", at("https://id.example")).contains(SECRET));
    assert!(!serde_json::to_string(&made).unwrap().contains("secret"));
    let clear = "select count(*) from saas_rbac.connections
        where position('hunter2'::bytea in sealed_client_secret) > 0";
    assert_eq!(hall.count(clear).await, 0);
    let noted = "select count(*) from saas_tenancy.audit_pending where entry like '%hunter2%'";
    assert_eq!(hall.count(noted).await, 0);
}

#[tokio::test]
async fn nobody_lets_newcomers_have_what_they_do_not_hold_themselves() {
    let hall = Hall::new().await;
    let acme = hall.tenant("acme").await;
    let guest = hall.person("guest", EmailProof::Given).await.id;
    hall.join(acme, guest, 2).await;
    let as_owner = Some("owner");
    let create = async |may| {
        let acting = hall.acting(acme, guest, may);
        hall.connections.create(&acting, at("https://id.example"), as_owner).await
    };
    let done = create(perm::CATALOGUE.select(&["hall:read"])).await;
    assert!(matches!(done, Err(AccessError::NotGrantable { .. })), "{done:?}");
    // Believed to be allowed everything, the database refuses by itself.
    let done = create(PermissionSet::ALL).await;
    let refused = matches!(done, Err(AccessError::NotGrantable { .. } | AccessError::OwnersOnly));
    assert!(refused, "{done:?}");
}

#[tokio::test]
async fn a_tenant_cannot_send_us_into_the_private_network() {
    let hall = Hall::new().await;
    let acme = hall.tenant("acme").await;
    let owner = hall.owner(acme).await;
    let http = ProviderHttp::new(Reach::Public).unwrap();
    let databases = hall.world.databases.clone();
    let public = Connections::new(databases, super::hall::MODEL, seal(), http, hall.clock.clone());
    for issuer in ["http://127.0.0.1:1", "https://169.254.169.254", "https://10.0.0.1", "x"] {
        let done = public.create(&owner, at(issuer), None).await;
        assert!(matches!(done, Err(AccessError::Invalid { field: "issuer", .. })), "{issuer}");
    }
}

#[tokio::test]
async fn a_tenant_has_a_bounded_number_of_connections() {
    let hall = Hall::new().await;
    let acme = hall.tenant("acme").await;
    let owner = hall.owner(acme).await;
    for _ in 0..20 {
        hall.connections.create(&owner, at("https://id.example"), None).await.unwrap();
    }
    let done = hall.connections.create(&owner, at("https://id.example"), None).await;
    assert!(matches!(done, Err(AccessError::Invalid { field: "connections", .. })));
}
