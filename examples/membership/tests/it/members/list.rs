//! Pages: every order, filter and depth, against the same done in memory.

use std::cmp::Ordering;

use membership::members::MemberId;
use serde_json::Value;

use crate::app::{App, member};

const COLUMNS: [&str; 6] =
    ["first_name", "last_name", "email", "status", "created_at", "last_activity_at"];

/// Whether a member is one that a query asks for.
type Matches<'a> = &'a dyn Fn(&Value) -> bool;

/// 1,300 members of `acme` in two types, some of whom were never active; and some of `hooli`.
async fn populated() -> (App, [String; 2]) {
    let app = App::new().await;
    let kinds = [app.add_type("acme", "Adult").await, app.add_type("acme", "Child").await];
    let other = app.add_type("hooli", "Adult").await;
    app.add_member("hooli", &other, 1).await;
    let mut file = "first_name,last_name,email,status,membership_type\n".to_owned();
    for n in 0..1300 {
        let one = member("", n);
        let status = ["active", "active", "active", "pending", "suspended"][n % 5];
        let kind = ["Adult", "Child"][usize::from(n % 3 == 0)];
        let text = |field: &str| one[field].as_str().unwrap().to_owned();
        let (first, last, email) = (text("first_name"), text("last_name"), text("email"));
        file.push_str(&format!("{first},{last},{email},{status},{kind}\n"));
    }
    let csv = [("content-type", "text/csv")];
    let (status, _, body) =
        app.bytes("POST", "/members/import", "acme", &csv, file.into_bytes()).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    app.as_superuser(
        "select set_config('app.tenant_id', (select tenant_id::text from app.members limit 1), false);
         update app.members set created_at = created_at + (substr(email, 7, 1)::int || ' days')::interval,
             last_activity_at = case when email like '%7@%' then null
                 else created_at - (substr(email, 7, 1) || ' hours')::interval end",
    )
    .await;
    (app, kinds)
}

async fn page(app: &App, query: &str) -> (Vec<Value>, i64, i64) {
    let (status, _, body) =
        app.request("GET", &format!("/members?{query}"), "acme", Value::Null).await;
    assert_eq!(status, 200, "{query}: {body}");
    let number = |name: &str| body["pagination"][name].as_i64().unwrap();
    (body["members"].as_array().unwrap().clone(), number("total"), number("pages"))
}

/// All pages, in order.
async fn all(app: &App, query: &str) -> Vec<Value> {
    let mut members = Vec::new();
    for number in 1.. {
        let (page, total, pages) = page(app, &format!("page={number}&limit=97&{query}")).await;
        if number > pages {
            assert!(page.is_empty(), "{query}");
            assert_eq!(usize::try_from(total).unwrap(), members.len(), "{query}");
            return members;
        }
        members.extend(page);
    }
    unreachable!("some page is the last one")
}

fn compare(a: &Value, b: &Value, column: &str) -> Ordering {
    let key = |member: &Value| member[column].as_str().map(str::to_owned);
    let id = |member: &Value| member["id"].as_str().unwrap().parse::<MemberId>().unwrap();
    // A missing value is smaller than any other, as it is for `Option`.
    key(a).cmp(&key(b)).then_with(|| id(a).cmp(&id(b)))
}

#[tokio::test]
async fn every_order_is_complete_and_right_on_all_pages() {
    let (app, _) = populated().await;
    for column in COLUMNS {
        let up = all(&app, &format!("sort={column}")).await;
        assert_eq!(up.len(), 1300);
        assert!(up.is_sorted_by(|a, b| compare(a, b, column) == Ordering::Less), "{column}");
        let mut down = all(&app, &format!("sort=-{column}")).await;
        down.reverse();
        assert_eq!(up, down, "{column}");
    }
}

#[tokio::test]
async fn filters_and_search_give_the_same_as_looking_at_every_member() {
    let (app, kinds) = populated().await;
    let everybody = all(&app, "sort=email").await;
    let adult = kinds[0].as_str();
    let cases: [(String, Matches<'_>); 7] = [
        ("status=pending".into(), &|m| m["status"] == "pending"),
        (format!("membership_type={adult}"), &|m| m["membership_type"]["id"] == adult),
        (format!("status=active&membership_type={adult}"), &|m| {
            m["status"] == "active" && m["membership_type"]["id"] == adult
        }),
        ("search=FIRST+00".into(), &|m| m["first_name"].as_str().unwrap().starts_with("First 00")),
        ("search=member12&status=active".into(), &|m| {
            m["status"] == "active" && m["email"].as_str().unwrap().contains("member12")
        }),
        ("search=%25".into(), &|_| false),
        // Too short for the index.
        ("search=T+1&status=active".into(), &|m| {
            let of = |field: &str| m[field].as_str().unwrap().to_lowercase();
            let text = format!("{} {} {}", of("first_name"), of("last_name"), of("email"));
            m["status"] == "active" && text.contains("t 1")
        }),
    ];
    for (query, matches) in cases {
        let wanted: Vec<_> = everybody.iter().filter(|m| matches(m)).cloned().collect();
        assert_eq!(all(&app, &format!("sort=email&{query}")).await, wanted, "{query}");
        let mut down = all(&app, &format!("sort=-email&{query}")).await;
        down.reverse();
        assert_eq!(down, wanted, "{query}");
    }
}

#[tokio::test]
async fn a_page_behind_the_last_one_is_empty_and_still_tells_the_total() {
    let (app, _) = populated().await;
    for query in ["", "status=pending", "search=member", "sort=-last_name"] {
        let (members, total, _) = page(&app, &format!("page=1000000000&limit=100&{query}")).await;
        assert!(members.is_empty(), "{query}");
        assert_eq!(total, app.total("acme", query).await, "{query}");
        assert!(total > 0, "{query}");
    }
}

#[tokio::test]
async fn a_list_without_parameters_shows_twenty_and_only_the_tenants_own() {
    let (app, _) = populated().await;
    let (members, total, pages) = page(&app, "").await;
    assert_eq!((members.len(), total, pages), (20, 1300, 65));
    assert_eq!(app.total("hooli", "").await, 1);
}
