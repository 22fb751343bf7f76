//! The second line of defence: raw SQL past all code of the crate.

use saas_core::{Actor, RequestId, Scope, UserId};
use saas_tenancy::{Isolation, db::ControlTx};
use sqlx::AssertSqlSafe;

use super::club::{ADMIN, Club, MEMBER, OWNER, VIEWER};

/// Runs a statement and ends the transaction; the name of the constraint that refused it, if any.
async fn attempt(mut tx: ControlTx, sql: &str) -> Result<u64, String> {
    let name = |error: &sqlx::Error| {
        let database = error.as_database_error();
        let constraint = database.and_then(|error| error.constraint().map(str::to_owned));
        constraint.unwrap_or_else(|| error.to_string())
    };
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    let done = query.execute(&mut tx).await.map_err(|error| name(&error))?;
    let committed = tx.commit().await;
    committed.map_err(|error| match std::error::Error::source(&error) {
        Some(source) => source.downcast_ref::<sqlx::Error>().map_or(String::new(), name),
        None => error.to_string(),
    })?;
    Ok(done.rows_affected())
}

/// Every statement is refused by the constraint it stands with.
async fn all_refused(club: &Club, user: UserId, statements: &[(&str, String)]) {
    for (constraint, sql) in statements {
        let refused = attempt(club.raw(user).await, sql).await;
        assert_eq!(refused, Err((*constraint).to_owned()), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_cannot_be_raised_by_raw_sql() {
    let club = Club::new().await;
    let admin = club.member("admin", ADMIN).await;
    let member = club.member("member", MEMBER).await;
    let owner = club.owner;
    let set = |what: &str, user: UserId| {
        format!("update saas_rbac.memberships set {what} where user_id = '{user}'")
    };
    all_refused(
        &club,
        member,
        &[
            ("no_escalation", set("role_mask = 2", member)),
            ("no_escalation", set("role_mask = 8", admin)),
            ("no_escalation", set("denied = ~denied", admin)),
            ("fixed_column", set(&format!("user_id = '{member}', joined_at = now()"), owner)),
            ("known_roles", set("role_mask = 1 << 20", member)),
            (
                "no_escalation",
                format!("delete from saas_rbac.memberships where user_id = '{admin}'"),
            ),
        ],
    )
    .await;
    all_refused(
        &club,
        admin,
        &[
            ("no_escalation", set("role_mask = 1", admin)),
            ("no_escalation", set("role_mask = 1", member)),
            ("no_escalation", set("role_mask = 8", owner)),
        ],
    )
    .await;
    let insert = format!(
        "insert into saas_rbac.memberships (tenant_id, user_id, role_mask, joined_at)
         values ('{}', gen_random_uuid(), 8, now())",
        club.tenant
    );
    let refused = attempt(club.raw(owner).await, &insert).await.unwrap_err();
    assert!(refused.contains("permission denied"), "nobody is added past an invitation: {refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_denied_is_not_lifted_by_the_one_it_was_taken_from() {
    let club = Club::new().await;
    let admin = club.member("admin", ADMIN).await;
    let row = format!("where user_id = '{admin}'");
    club.as_system(&format!(
        "update saas_rbac.memberships set denied = set_bit(denied, 2, 1) {row}"
    ))
    .await;
    let lift = format!("update saas_rbac.memberships set denied = set_bit(denied, 2, 0) {row}");
    all_refused(&club, admin, &[("no_escalation", lift)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_cannot_be_widened_by_raw_sql() {
    let club = Club::new().await;
    let admin = club.member("admin", ADMIN).await;
    club.role("Big", &["tenant:delete"], &[]).await;
    club.role("Small", &["members:read"], &[]).await;
    let set =
        |what: &str, name: &str| format!("update saas_rbac.roles set {what} where name = '{name}'");
    let insert = |mask: &str, names: &str| {
        format!(
            "insert into saas_rbac.roles
                 (tenant_id, id, bit, name, permissions, mask, created_at)
             values ('{}', gen_random_uuid(), 60, 'New', {names}, {mask}, now())",
            club.tenant
        )
    };
    let (none, all) = ("repeat('0', 256)::bit(256)", "repeat('1', 256)::bit(256)");
    all_refused(
        &club,
        admin,
        &[
            ("no_escalation", set("permissions = array['tenant:delete']", "Small")),
            ("no_escalation", set("includes = 1", "Small")),
            ("no_escalation", set("permissions = '{}'", "Big")),
            ("fixed_column", set("bit = 61", "Big")),
            ("known_permissions", set("permissions = array['tenant:sell']", "Small")),
            ("roles_no_cycle", set("includes = 1::bigint << bit", "Small")),
            ("no_escalation", insert(none, "array['tenant:delete']")),
            ("no_escalation", "delete from saas_rbac.roles where name = 'Big'".to_owned()),
        ],
    )
    .await;
    // A mask that is written by hand is computed anew.
    assert_eq!(
        attempt(club.raw(admin).await, &set(&format!("mask = {all}"), "Small")).await,
        Ok(1)
    );
    assert_eq!(attempt(club.raw(admin).await, &insert(all, "array['members:read']")).await, Ok(1));
    let sql = "select count(*) from saas_rbac.roles where mask = set_bit(repeat('0', 256)::bit(256), 0, 1)";
    let small: i64 = sqlx::query_scalar(sql).fetch_one(&mut club.superuser().await).await.unwrap();
    assert_eq!(small, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_and_connections_promise_no_more_than_the_actor_holds() {
    let club = Club::new().await;
    let (admin, member) = (club.member("admin", ADMIN).await, club.member("member", MEMBER).await);
    let invite = |by: UserId, mask: i64| {
        format!(
            "insert into saas_rbac.invitations
                 (tenant_id, id, email, role_mask, token_hash, invited_by, created_at, expires_at)
             values ('{}', gen_random_uuid(), gen_random_uuid()::text || '@x.test', {mask},
                 sha256(gen_random_uuid()::text::bytea), '{by}', now(), now() + interval '7 days')",
            club.tenant
        )
    };
    let connect = format!(
        "insert into saas_rbac.connections
             (id, tenant_id, name, issuer, client_id, role_mask, created_at)
         values (gen_random_uuid(), '{}', 'x', 'https://x', 'x', {OWNER}, now())",
        club.tenant
    );
    all_refused(
        &club,
        member,
        &[
            ("no_escalation", invite(member, ADMIN)),
            ("no_escalation", invite(club.owner, VIEWER)),
            ("no_escalation", connect.clone()),
        ],
    )
    .await;
    all_refused(
        &club,
        admin,
        &[("no_escalation", invite(admin, OWNER)), ("no_escalation", connect)],
    )
    .await;
    assert_eq!(attempt(club.raw(club.owner).await, &invite(club.owner, OWNER)).await, Ok(1));
    let set = |what: &str| format!("update saas_rbac.invitations set {what}");
    all_refused(
        &club,
        member,
        &[
            ("no_escalation", set("token_hash = sha256('mine')")),
            ("fixed_column", set("email = 'member@acme.test'")),
            ("fixed_column", set("role_mask = 8")),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_others_cannot_be_taken_over_by_raw_sql() {
    let club = Club::new().await;
    let member = club.member("member", MEMBER).await;
    let insert = |owner: UserId| {
        format!(
            "insert into saas_rbac.api_keys (tenant_id, id, name, prefix, secret_hash, scopes,
                 owner_id, created_at, expires_at)
             values ('{}', gen_random_uuid(), 'x', 'x', sha256('x'), array['members:read'],
                 '{owner}', now(), now() + interval '1 day')",
            club.tenant
        )
    };
    assert_eq!(attempt(club.raw(club.owner).await, &insert(club.owner)).await, Ok(1));
    let set = |what: &str| format!("update saas_rbac.api_keys set {what}");
    all_refused(
        &club,
        member,
        &[
            ("keys_of_their_owner", insert(club.owner)),
            ("keys_of_their_owner", set("secret_hash = sha256('mine')")),
            ("keys_of_their_owner", set("scopes = array['tenant:delete']")),
            ("fixed_column", set(&format!("owner_id = '{member}'"))),
        ],
    )
    .await;
    assert_eq!(attempt(club.raw(member).await, &set("revoked_at = now()")).await, Ok(1));
    all_refused(&club, club.owner, &[("stays_revoked", set("revoked_at = null"))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_is_kept_by_the_database_alone() {
    let club = Club::new().await;
    let owner = club.owner;
    let row = format!("saas_rbac.memberships where user_id = '{owner}'");
    all_refused(
        &club,
        owner,
        &[
            ("last_owner", format!("delete from {row}")),
            ("last_owner", "update saas_rbac.memberships set role_mask = 8".to_owned()),
        ],
    )
    .await;
    let mut tx = club.databases().identity().await.unwrap();
    let delete = sqlx::query("delete from saas_rbac.users where id = $1").bind(owner.as_uuid());
    delete.execute(&mut tx).await.unwrap();
    assert!(tx.commit().await.is_err(), "not even with the account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_goes_with_its_owner_and_all_else() {
    let club = Club::new().await;
    club.role("Desk", &["members:read"], &[]).await;
    club.member("desk", club.mask_of("Desk").await).await;
    club.as_system(&format!("delete from saas_tenancy.tenants where id = '{}'", club.tenant)).await;
    let sql = "select (select count(*) from saas_rbac.memberships)
                    + (select count(*) from saas_rbac.roles)";
    let left: i64 = sqlx::query_scalar(sql).fetch_one(&mut club.superuser().await).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_rows_are_out_of_sight_and_reach() {
    let club = Club::new().await;
    let other = Box::pin(club.world.tenant("globex", Isolation::Shared)).await.id;
    // An owner here is nobody there.
    let actor = Actor::User { id: club.owner };
    let there = Scope::new(other, actor, RequestId::generate(&club.clock));
    let raw = async || club.databases().control(&there).await.unwrap();
    let touched = attempt(raw().await, "update saas_rbac.memberships set role_mask = 1").await;
    assert_eq!(touched, Ok(0));
    let touched = attempt(raw().await, "delete from saas_rbac.memberships").await;
    assert_eq!(touched, Ok(0));
    let mut tx = raw().await;
    let people: i64 = sqlx::query_scalar("select count(*) from saas_rbac.users")
        .fetch_one(&mut tx)
        .await
        .unwrap();
    assert_eq!(people, 0);
    let insert = format!(
        "insert into saas_rbac.roles (tenant_id, id, bit, name, permissions, mask, created_at)
         values ('{}', gen_random_uuid(), 16, 'x', '{{}}', repeat('0', 256)::bit(256), now())",
        club.tenant
    );
    let refused = attempt(raw().await, &insert).await.unwrap_err();
    assert!(refused.contains("row-level security"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_proven_nothing_grants_nothing() {
    let club = Club::new().await;
    let user = club.person("user").await;
    let nobody = Scope::new(club.tenant, Actor::Anonymous, RequestId::generate(&club.clock));
    let insert = format!(
        "insert into saas_rbac.memberships (tenant_id, user_id, role_mask, joined_at)
         values ('{}', '{user}', 8, now())",
        club.tenant
    );
    let tx = club.databases().identity_in(&nobody).await.unwrap();
    assert_eq!(attempt(tx, &insert).await, Err("no_escalation".to_owned()));
    let tx = club.databases().identity_in(&club.scope(club.owner)).await.unwrap();
    assert_eq!(attempt(tx, &insert).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_acts_for_themselves_or_for_long() {
    let club = Club::new().await;
    let root = club.person("root").await;
    let insert = |user: UserId, hours: u8, tenant: &str| {
        format!(
            "insert into saas_rbac.sessions (id, user_id, tenant_id, kind, impersonator_id,
                 impersonation_reason, created_at, authenticated_at, last_seen_at, idle_until, expires_at)
             values (gen_random_uuid(), '{user}', {tenant}, 'token', '{root}', 'x', now(), now(),
                 now(), now(), now() + interval '{hours} hours')"
        )
    };
    let tenant = format!("'{}'", club.tenant);
    let identity = async || club.databases().identity().await.unwrap();
    for sql in
        [insert(root, 1, &tenant), insert(club.owner, 2, &tenant), insert(club.owner, 1, "null")]
    {
        let refused = attempt(identity().await, &sql).await;
        assert_eq!(refused, Err("sessions_impersonation".to_owned()), "{sql}");
    }
    assert_eq!(attempt(identity().await, &insert(club.owner, 1, &tenant)).await, Ok(1));
}
