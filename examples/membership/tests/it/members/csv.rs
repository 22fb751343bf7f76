//! Export and import. A large file with every fault is in `people`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::app::App;

const CSV: [(&str, &str); 1] = [("content-type", "text/csv; charset=utf-8")];
const HEAD: &str = "first_name,last_name,email,status,membership_type\n";

pub(super) async fn import(app: &App, tenant: &str, query: &str, file: &[u8]) -> (u16, Value) {
    let path = format!("/members/import{query}");
    let (status, _, body) = app.bytes("POST", &path, tenant, &CSV, file.to_vec()).await;
    (status.as_u16(), serde_json::from_slice(&body).unwrap())
}

pub(super) async fn export(app: &App, tenant: &str, query: &str) -> String {
    let path = format!("/members/export?format=csv{query}");
    let (status, headers, body) = app.bytes("GET", &path, tenant, &[], Vec::new()).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"members-2026-11-21.csv\"");
    String::from_utf8(body).unwrap()
}

/// The first five cells of each row, which are the ones that can be imported.
pub(super) fn people(file: &str) -> BTreeSet<Vec<String>> {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let people = reader
        .records()
        .map(|record| record.unwrap().iter().take(5).map(str::to_owned).collect::<Vec<_>>());
    people.collect()
}

#[tokio::test]
async fn what_is_exported_can_be_imported_by_another_tenant_unchanged() {
    let app = App::with_all_isolations().await;
    for (tenant, kind) in
        [("acme", "=Gold"), ("acme", "Silver"), ("globex", "=gold"), ("globex", "Silver")]
    {
        app.add_type(tenant, kind).await;
    }
    let mut file = HEAD.to_owned();
    for n in 0..4_321 {
        let name = ["'=1+1", "@cmd", "-2", "\"a,\"\"b\"\"\"", "'t Hooft", "Zoë 🎉"][n % 6];
        let status = ["active", "inactive", "suspended", "pending"][n % 4];
        let kind = ["'=Gold", "Silver"][n % 2];
        file.push_str(&format!("{name},x,p{n}@example.com,{status},{kind}\n"));
    }
    let (status, report) = import(&app, "acme", "", file.as_bytes()).await;
    assert_eq!(status, 200, "{report}");
    let exported = export(&app, "acme", "").await;
    assert_eq!(people(&exported).len(), 4_321);
    let (status, report) = import(&app, "globex", "", exported.as_bytes()).await;
    assert_eq!((status, &report["imported"]), (200, &json!(4_321)), "{report}");
    let again = export(&app, "globex", "").await.replace("'=gold", "'=Gold");
    assert_eq!(people(&again), people(&exported));
    assert!(exported.contains("\n'@cmd,") && exported.contains("\n'=1+1,"));
}

#[tokio::test]
async fn an_export_holds_those_who_match_and_nobody_else() {
    let app = App::new().await;
    let acme = app.add_type("acme", "Gold").await;
    let hooli = app.add_type("hooli", "Gold").await;
    app.add_member("hooli", &hooli, 7).await;
    for n in 0..30 {
        let id = app.add_member("acme", &acme, n).await["id"].as_str().unwrap().to_owned();
        if n % 3 == 0 {
            app.request("DELETE", &format!("/members/{id}"), "acme", Value::Null).await;
        }
    }
    assert_eq!(people(&export(&app, "acme", "").await).len(), 30);
    assert_eq!(people(&export(&app, "acme", "&status=inactive").await).len(), 10);
    assert_eq!(people(&export(&app, "acme", "&search=member2").await).len(), 11);
    assert_eq!(people(&export(&app, "acme", "&search=member2&status=inactive").await).len(), 3);
    assert_eq!(people(&export(&app, "acme", &format!("&membership_type={hooli}")).await).len(), 0);
}

#[tokio::test]
async fn a_file_that_is_no_table_of_members_is_refused_as_a_whole() {
    let app = App::new().await;
    for (file, code) in [
        (&b""[..], "empty"),
        (b"a,b,c\n1,2,3\n", "unknown_column"),
        (b"first_name,last_name,email\nA,B,c@example.com\n", "missing_column"),
        (b"\xff\xfef\0i\0r\0s\0t\0", "unknown_column"),
        (b"first_name,last_name,email,membership_type,tenant_id\n", "unknown_column"),
    ] {
        let (status, body) = import(&app, "acme", "", file).await;
        assert_eq!((status, body["errors"][0]["code"].as_str().unwrap()), (422, code));
    }
    let json = [("content-type", "application/json")];
    let (status, ..) = app.bytes("POST", "/members/import", "acme", &json, b"{}".to_vec()).await;
    assert_eq!(status, 415);
    let (status, _) = import(&app, "acme", "?mode=some", HEAD.as_bytes()).await;
    assert_eq!(status, 422);
    let (status, report) = import(&app, "acme", "", HEAD.as_bytes()).await;
    assert_eq!((status, &report["imported"]), (200, &json!(0)));
    let huge = vec![b'a'; 17 * 1024 * 1024];
    let (status, ..) = app.bytes("POST", "/members/import", "acme", &CSV, huge).await;
    assert_eq!(status, 413);
}
