//! The total is exact whatever happens at the same time.

use membership::members::{
    self, BulkChange, BulkTarget, GrantedChange, MemberFilter, MemberStatus,
};
use serde_json::{Value, json};

use crate::app::{App, owners};

fn granted(change: BulkChange) -> GrantedChange {
    change.granted_to(&owners::principal()).unwrap()
}

/// Many writers at once: single ones, imports and bulk changes, which must neither deadlock nor
/// lose count.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn totals_stay_exact_under_many_writers() {
    // More writers than there are slots, so that some find all of them taken.
    let app = App::with_connections(24).await;
    let kind = app.add_type("acme", "Adult").await;
    app.add_type("acme", "Child").await;
    let writer = async |n: usize| {
        for round in 0..4 {
            let at = n * 100 + round * 20;
            let body = match n % 3 {
                0 => app.add_member("acme", &kind, at).await,
                1 => import(&app, at).await,
                _ => change(&app, round).await,
            };
            assert!(body.is_object(), "{body}");
        }
    };
    futures_util::future::join_all((0..24).map(writer)).await;
    assert_exact(&app).await;
    // The sum of the counters is what is checked, so they must have been used by many.
    assert!(app.count("select count(distinct slot) from app.member_counts").await > 8);
}

/// Rows 0 to 19, of which every other one is imported by somebody else, too.
async fn import(app: &App, at: usize) -> Value {
    let mut file = "first_name,last_name,email,membership_type\n".to_owned();
    for n in 0..20 {
        let address = if n % 2 == 0 { n } else { at + n };
        file.push_str(&format!("A,B,import{address}@example.com,Adult\n"));
    }
    let csv = [("content-type", "text/csv")];
    let path = "/members/import?mode=partial";
    let (status, _, body) = app.bytes("POST", path, "acme", &csv, file.into_bytes()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

async fn change(app: &App, round: usize) -> Value {
    let action = ["suspend", "activate", "deactivate"][round % 3];
    let body = json!({"action": action, "filter": {}});
    let (status, _, body) = app.request("POST", "/members/bulk", "acme", body).await;
    assert_eq!(status, 200, "{body}");
    body
}

async fn assert_exact(app: &App) {
    let rows = app.count("select count(*) from app.members").await;
    assert!(rows > 0);
    assert_eq!(app.total("acme", "").await, rows);
    for status in MemberStatus::ALL {
        let sql = format!("select count(*) from app.members where status = '{status}'");
        let rows = app.count(&sql).await;
        assert_eq!(app.total("acme", &format!("status={status}")).await, rows, "{status}");
    }
}

/// Two transactions of several statements, each of which waits for a row of the other's if the
/// counters make it wait, too.
#[tokio::test]
async fn a_writer_never_waits_for_a_counter() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    let mut ids = Vec::new();
    for n in 0..2 {
        let member = app.add_member("acme", &kind, n).await;
        ids.push(member["id"].as_str().unwrap().parse().unwrap());
    }
    let mut handles = [app.tenant_db("acme").await, app.tenant_db("acme").await];
    let [a, b] = &mut handles;
    let (mut a, mut b) = (a.begin().await.unwrap(), b.begin().await.unwrap());
    let suspended = BulkChange::Status(MemberStatus::Suspended);
    let now = app.clock.now();
    // Neither has committed, and both have changed the same counters.
    for (tx, id) in [(&mut a, ids[0]), (&mut b, ids[1])] {
        let target = BulkTarget::Ids(vec![id]);
        members::bulk(tx, &target, granted(suspended), now).await.unwrap();
    }
    a.commit().await.unwrap();
    b.commit().await.unwrap();
    assert_eq!(app.total("acme", "status=suspended").await, 2);
    assert_eq!(app.total("acme", "status=active").await, 0);
}

#[tokio::test]
async fn what_is_rolled_back_is_not_counted() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    app.add_member("acme", &kind, 1).await;
    let mut db = app.tenant_db("acme").await;
    let mut tx = db.begin().await.unwrap();
    let all = BulkTarget::Filter(MemberFilter::default());
    let suspended = BulkChange::Status(MemberStatus::Suspended);
    members::bulk(&mut tx, &all, granted(suspended), app.clock.now()).await.unwrap();
    drop(tx);
    assert_eq!(app.total("acme", "status=active").await, 1);
    assert_eq!(app.total("acme", "status=suspended").await, 0);
}

#[tokio::test]
async fn the_application_cannot_write_the_counters() {
    let app = App::new().await;
    let mut db = app.tenant_db("acme").await;
    let mut tx = db.begin().await.unwrap();
    let wrong = sqlx::query("update member_counts set n = 0 where n > $1").bind(0_i64);
    let error = wrong.execute(&mut tx).await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().unwrap(), "42501");
}

/// A row that is deleted by an administrator is counted off as well.
#[tokio::test]
async fn deleted_rows_are_counted_off() {
    let app = App::new().await;
    let kind = app.add_type("acme", "Adult").await;
    for n in 0..3 {
        app.add_member("acme", &kind, n).await;
    }
    let tenant = "select set_config('app.tenant_id', (select tenant_id::text from app.members limit 1), false);";
    let sql = format!("{tenant} delete from app.members where email <> 'member1@example.com'");
    app.as_superuser(&sql).await;
    assert_eq!(app.total("acme", "").await, 1);
}
