//! Clients that hang up in the middle of a request leave nothing behind for the next one.

use std::{sync::Arc, time::Duration};

use saas_tenancy::{Isolation, ResolvedTenant};
use saas_tests::{load::Load, server::Server};
use serde_json::{Value, json};

use crate::app::{
    App,
    wire::{Served, get, post},
};

/// How many connections to the database the application may hold.
const BUDGET: usize = 4;

/// How many connections may be open besides, to look up who asks.
const CONTROL: usize = 8;

/// How many members each tenant has.
const MEMBERS: usize = 60;

/// Of all isolations, so that the connections lead to two databases.
const TENANTS: [&str; 4] = ["acme", "hooli", "globex", "initech"];

/// How often the server is asked whether it has come to rest, and how long to wait in between.
const LOOKS: (usize, Duration) = (400, Duration::from_millis(10));

/// The tenants, each with members whose addresses tell whose they are.
async fn populated() -> (App, Vec<ResolvedTenant>) {
    let app = App::with_connections(BUDGET).await;
    app.add_isolations().await;
    let mut resolved = Vec::new();
    for tenant in TENANTS {
        fill(&app, tenant, MEMBERS).await;
        resolved.push(app.tenant(tenant).await);
    }
    (app, resolved)
}

async fn fill(app: &App, tenant: &str, members: usize) {
    app.add_type(tenant, "Gold").await;
    let mut file = "first_name,last_name,email,membership_type\n".to_owned();
    for n in 0..members {
        file.push_str(&format!("Ann,Lee,m{n}@{tenant}.example,Gold\n"));
    }
    let csv = [("content-type", "text/csv")];
    let (status, ..) = app.bytes("POST", "/members/import", tenant, &csv, file.into_bytes()).await;
    assert_eq!(status, 200);
}

/// Lists, searches, an export, and changes: `n` chooses tenant and kind.
fn request(n: u64) -> Vec<u8> {
    let tenant = TENANTS[usize::try_from(n % 4).unwrap()];
    let path = format!("/t/{tenant}/api/v1/members");
    let suspend = json!({"action": "suspend", "filter": {"search": "m1"}}).to_string();
    let activate = json!({"action": "activate", "filter": {}}).to_string();
    match n / 4 % 5 {
        0 => get(&format!("{path}?limit=50&sort=last_name")),
        1 => get(&format!("{path}?search=lee&limit=50")),
        2 => post(&format!("{path}/bulk"), &suspend),
        3 => post(&format!("{path}/bulk"), &activate),
        _ => get(&format!("{path}?page=2&limit=50&sort=-email")),
    }
    .into_bytes()
}

/// What the server says of the application's connections: all, and those that do something.
async fn connections(app: &App, tenants: &[ResolvedTenant]) -> (i64, i64) {
    let mut names: Vec<String> = tenants.iter().map(|one| app.world().role_of(one)).collect();
    names.push(app.world().database().to_owned());
    let mut conn = Server::get().await.connect("postgres").await;
    let sql = "select count(*), count(*) filter (where state <> 'idle') from pg_stat_activity
               where datname = any($1) and application_name = 'saas' and usename <> 'postgres'";
    sqlx::query_as(sql).bind(names).fetch_one(&mut conn).await.unwrap()
}

/// Waits until no connection is in a transaction, and no more are open than may be.
async fn rest(app: &App, tenants: &[ResolvedTenant]) {
    let mut seen = (0, 0);
    for _ in 0..LOOKS.0 {
        seen = connections(app, tenants).await;
        if seen.0 <= i64::try_from(BUDGET + CONTROL).unwrap() && seen.1 == 0 {
            return;
        }
        tokio::time::sleep(LOOKS.1).await;
    }
    panic!("{} connections, {} of them in a transaction, and nobody asks", seen.0, seen.1);
}

/// Asks as an honest client: every answer is right, and the tenant's own.
async fn orderly(served: &Served, number: usize) -> usize {
    let mut client = served.connect().await;
    for n in 0..25 {
        let tenant = TENANTS[(number + n) % 4];
        let query = ["limit=100", "limit=100&search=lee", "limit=100&sort=email"][n % 3];
        let path = format!("/t/{tenant}/api/v1/members?{query}");
        let reply = client.get(&path).await.unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        let body: Value = serde_json::from_slice(&reply.body).unwrap();
        let members = body["members"].as_array().unwrap();
        assert_eq!((members.len(), &body["pagination"]["total"]), (MEMBERS, &json!(MEMBERS)));
        let own = format!("@{tenant}.example");
        for member in members {
            assert!(member["email"].as_str().unwrap().ends_with(&own), "{path}: {member}");
        }
    }
    25
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_hang_up_leave_no_transaction_and_take_no_connection_along() {
    let (app, tenants) = populated().await;
    let served = Served::start(app.router()).await;
    let mut answered = 0;
    for round in 1..=6 {
        let load = Load { connections: 16, duration: Duration::from_millis(50 * round) };
        answered += load.run(served.address, Arc::new(request)).await.answered;
        // These hang up after the head, in the body, and before they read anything.
        for n in 0..32 {
            let bytes = request(n);
            let end = [bytes.len(), bytes.len() - 1, bytes.len() / 2, 20]
                [usize::try_from(n % 4).unwrap()];
            served.connect().await.send(&bytes[..end]).await;
        }
    }
    assert!(answered > 0, "they were not stopped by something else");
    rest(&app, &tenants).await;
    let clients = futures_util::future::join_all((0..16).map(|n| orderly(&served, n))).await;
    assert_eq!(clients.iter().sum::<usize>(), 16 * 25);
    rest(&app, &tenants).await;
    // Changes that were broken off are done or not done, and counted as what they are.
    for tenant in TENANTS {
        let mut of_all = 0;
        for status in ["active", "suspended"] {
            of_all += app.total(tenant, &format!("status={status}")).await;
        }
        assert_eq!(of_all, i64::try_from(MEMBERS).unwrap(), "{tenant}");
        assert_eq!(of_all, app.total(tenant, "search=lee").await, "{tenant}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_nobody_reads_to_its_end_holds_no_connection() {
    let (app, tenants) = populated().await;
    app.add_tenant("umbrella", Isolation::Shared).await;
    fill(&app, "umbrella", 10_000).await;
    let served = Served::start(app.router()).await;
    // More readers than connections. Each reads how its answer begins, and nothing of the megabyte
    // that follows.
    let mut readers = Vec::new();
    for _ in 0..3 * BUDGET {
        let mut client = served.connect_narrow().await;
        let begun = client.get("/t/umbrella/api/v1/members/export").await.unwrap();
        assert_eq!(begun.status, 200, "{}", String::from_utf8_lossy(&begun.body));
        readers.push(client);
    }
    rest(&app, &tenants).await;
    assert_eq!(orderly(&served, 1).await, 25, "the others are served");
    drop(readers);
    rest(&app, &tenants).await;
}
