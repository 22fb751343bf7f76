//! One list of requests to a tenant, with all that can be asked about members and their types.

use std::time::Duration;

use serde_json::{Value, json};

use super::transcript::Transcript;

const CSV: [(&str, &str); 1] = [("content-type", "text/csv")];
const STAR: [(&str, &str); 1] = [("if-match", "*")];

/// How many people are imported: more than any page that is read from the start.
const PEOPLE: usize = 640;

/// Asks it all.
pub(crate) async fn run(of: &mut Transcript<'_>) {
    let [gold, silver] = types(of).await;
    let ids = members(of, &gold, &silver).await;
    import(of).await;
    lists(of, &silver).await;
    exports(of, &silver).await;
    bulk(of, &ids, &silver).await;
    refusals(of, &gold, &ids[0]).await;
    lists(of, &silver).await;
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn kind(name: &str, amount: i64) -> Value {
    json!({
        "name": name, "price": {"amount": amount, "currency": "CHF"}, "interval": "quarter",
        "features": ["Sauna", "Gäste"],
    })
}

fn member(n: usize, kind: &str) -> Value {
    let names = ["Zoë", "O'Brien", "李小龍", "Łukasz", "Ångström", "نور", "X Æ A-12", "=1+1"];
    json!({
        "first_name": names[n % names.len()], "last_name": format!("{} {n}", names[n / 3 % 8]),
        "email": format!("Member{n}@Example.com"), "membership_type_id": kind,
    })
}

async fn types(of: &mut Transcript<'_>) -> [String; 2] {
    let path = "/membership-types";
    let key = [("idempotency-key", "gold-1")];
    let gold = of.ask("POST", path, &key, kind("Gold", 9900)).await;
    of.ask("POST", path, &key, kind("Gold", 9900)).await;
    of.ask("POST", path, &key, kind("Gold", 1)).await;
    of.ask("POST", path, &[], kind("GOLD", 1)).await;
    let silver = of.ask("POST", path, &[], kind("ärmlich", 0)).await;
    let gone = of.ask("POST", path, &[], kind("Zinc", 1)).await;
    of.ask("GET", path, &[], Value::Null).await;
    let [silver, gone] = [silver, gone].map(|one| format!("{path}/{}", text(&one["id"])));
    of.ask("GET", &silver, &[], Value::Null).await;
    of.ask("PUT", &silver, &[], kind("Silver", 5)).await;
    of.ask("PUT", &silver, &[("if-match", "\"1\"")], kind("Silver", 5)).await;
    of.ask("PUT", &silver, &[("if-match", "\"1\"")], kind("Silver", 6)).await;
    of.ask("PUT", &silver, &STAR, kind("gold", 6)).await;
    of.ask("DELETE", &gone, &[("if-match", "\"2\"")], Value::Null).await;
    of.ask("DELETE", &gone, &[], Value::Null).await;
    of.ask("DELETE", &gone, &[], Value::Null).await;
    of.ask("GET", path, &[], Value::Null).await;
    [text(&gold["id"]), silver.rsplit('/').next().unwrap().to_owned()]
}

async fn members(of: &mut Transcript<'_>, gold: &str, silver: &str) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..12 {
        let key = format!("member-{n}");
        let key = [("idempotency-key", key.as_str())];
        let made = of.ask("POST", "/members", &key, member(n, gold)).await;
        of.app.hand.advance(Duration::from_secs(1));
        ids.push(text(&made["id"]));
    }
    of.ask("POST", "/members", &[("idempotency-key", "member-1")], member(1, gold)).await;
    let mut taken = member(3, gold);
    taken["email"] = json!("MEMBER3@example.com");
    of.ask("POST", "/members", &[], taken).await;
    let path = format!("/members/{}", ids[2]);
    of.ask("GET", &path, &[], Value::Null).await;
    of.ask("PUT", &path, &[], member(2, silver)).await;
    of.ask("PUT", &path, &[("if-match", "\"1\"")], member(2, silver)).await;
    of.ask("PUT", &path, &[("if-match", "\"1\"")], member(2, gold)).await;
    of.ask("PUT", &path, &[("if-match", "W/\"2\"")], member(2, gold)).await;
    of.ask("PUT", &path, &STAR, member(3, gold)).await;
    of.ask("DELETE", &path, &[("if-match", "\"1\"")], Value::Null).await;
    of.ask("DELETE", &path, &[], Value::Null).await;
    of.ask("DELETE", &path, &[], Value::Null).await;
    of.ask("GET", &path, &[], Value::Null).await;
    of.ask("DELETE", &format!("/membership-types/{gold}"), &[], Value::Null).await;
    ids
}

async fn import(of: &mut Transcript<'_>) {
    let mut file = "first_name,last_name,email,status,membership_type\n".to_owned();
    for n in 0..PEOPLE {
        let one = member(n + 100, "");
        let status = ["active", "pending", "suspended", "inactive", ""][n % 5];
        let kind = ["gold", "Silver"][n % 2];
        let [first, last, email] =
            ["first_name", "last_name", "email"].map(|name| text(&one[name]));
        file.push_str(&format!("\"{first}\",{last},{email},{status},{kind}\n"));
    }
    let bad =
        format!("{file}A,B,nobody,active,Gold\nA,B,member1@EXAMPLE.com,,Gold\nA,B,c@d.de,,Tin\n");
    of.ask_bytes("POST", "/members/import", &CSV, bad.clone().into_bytes()).await;
    of.ask_bytes("POST", "/members/import?mode=partial", &CSV, bad.into_bytes()).await;
    of.ask_bytes("POST", "/members/import", &CSV, file.into_bytes()).await;
    of.ask_bytes("POST", "/members/import", &CSV, b"a,b\n1,2\n".to_vec()).await;
    of.ask_bytes("POST", "/members/import?mode=some", &CSV, Vec::new()).await;
    // Nothing in the application writes it yet.
    let sql =
        "update members set last_activity_at = created_at - interval '1 hour' where version = $1
               and email not like '%7@%'";
    let mut db = of.app.tenant_db(of.tenant).await;
    let mut tx = db.begin().await.unwrap();
    sqlx::query(sql).bind(1_i64).execute(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// Every order with every filter, on a first, a middle, a deep and an empty page.
async fn lists(of: &mut Transcript<'_>, silver: &str) {
    let filters = [
        String::new(),
        "&status=suspended".into(),
        format!("&membership_type={silver}"),
        format!("&status=pending&membership_type={silver}"),
        "&search=member1".into(),
        "&search=%C3%A5ngstr%C3%B6m&status=active".into(),
        "&search=z".into(),
    ];
    let columns = ["first_name", "last_name", "email", "status", "created_at", "last_activity_at"];
    for (n, sort) in columns.iter().flat_map(|one| [one.to_string(), format!("-{one}")]).enumerate()
    {
        for (m, filter) in filters.iter().enumerate() {
            // All pages for some, one of them in turn for the others.
            let pages =
                ["page=1&limit=5", "page=3&limit=20", "page=6&limit=100", "page=99&limit=100"];
            let pages = if m == 0 { &pages[..] } else { &pages[(n + m) % 4..][..1] };
            for page in pages {
                let path = format!("/members?{page}&sort={sort}{filter}");
                of.ask("GET", &path, &[], Value::Null).await;
            }
        }
    }
    of.ask("GET", "/members", &[], Value::Null).await;
    of.ask("GET", "/members?page=0&limit=101&sort=id&status=x&q=1&search=%00", &[], Value::Null)
        .await;
}

async fn exports(of: &mut Transcript<'_>, silver: &str) {
    for query in [
        String::new(),
        "?format=csv&status=inactive".into(),
        "?search=member2".into(),
        format!("?search=zo%C3%AB&membership_type={silver}&status=active"),
        "?format=xlsx".into(),
        "?page=1".into(),
    ] {
        of.ask_bytes("GET", &format!("/members/export{query}"), &[], Vec::new()).await;
    }
}

async fn bulk(of: &mut Transcript<'_>, ids: &[String], silver: &str) {
    for body in [
        json!({"action": "suspend", "member_ids": &ids[..3]}),
        json!({"action": "suspend", "member_ids": &ids[2..5]}),
        json!({"action": "activate", "filter": {"search": "member1", "status": "pending"}}),
        json!({"action": "deactivate", "filter": {"membership_type": silver, "status": "suspended"}}),
        json!({"action": "change_type", "member_ids": &ids[..2], "data": {"membership_type_id": silver}}),
        json!({"action": "change_type", "filter": {}, "data": {"membership_type_id": ids[0]}}),
        json!({"action": "activate", "filter": {"search": "nobody at all"}}),
        json!({"action": "erase", "filter": {}}),
        json!({"action": "suspend"}),
    ] {
        of.ask("POST", "/members/bulk", &[], body).await;
    }
}

async fn refusals(of: &mut Transcript<'_>, gold: &str, id: &str) {
    for (field, value) in [
        ("first_name", json!("")),
        ("email", json!("nobody")),
        ("status", json!("asleep")),
        ("membership_type_id", json!(id)),
        ("tenant_id", json!(id)),
    ] {
        let mut body = member(99, gold);
        body[field] = value;
        of.ask("POST", "/members", &[], body.clone()).await;
        of.ask("PUT", &format!("/members/{id}"), &STAR, body).await;
    }
    of.ask("POST", "/members", &[("idempotency-key", "a b")], member(99, gold)).await;
    of.ask("POST", "/members", &[("content-type", "text/plain")], member(99, gold)).await;
    of.ask("PUT", &format!("/members/{id}"), &[("if-match", "1")], member(99, gold)).await;
    of.ask("PATCH", &format!("/members/{id}"), &[], Value::Null).await;
    of.ask("GET", "/nothing", &[], Value::Null).await;
    of.ask("GET", "/members/nobody", &[], Value::Null).await;
    for body in [&b"{"[..], b"[]", b"\xff", b""] {
        let json = [("content-type", "application/json")];
        of.ask_bytes("POST", "/members", &json, body.to_vec()).await;
    }
}
