//! Nothing that can be sent makes the server fail, and what is refused changes nothing.
//!
//! The requests come from the OpenAPI document, so a new route is covered as soon as it is there.
//! What single fields are told is in `members::bad_input`.

mod prober;
mod values;
mod wire;

use http::{HeaderName, HeaderValue, header::HOST};
use serde_json::Value;

use self::{
    prober::{Draft, Prober, Wanted},
    values::Kind,
};
use crate::app::document::{Field, Operation};

/// Stands for the place in a body where bytes are put that no JSON value could hold.
const HERE: &str = "@here@";

#[tokio::test]
async fn no_value_of_a_field_makes_the_server_fail() {
    let mut prober = Prober::new().await;
    for operation in operations_with_json(&prober) {
        let accepted = prober.accepted(&operation).await;
        let schema = &operation.body.as_ref().unwrap().schema;
        for field in prober.document.fields(schema) {
            for with in companions(&accepted, &field) {
                spoil(&mut prober, &operation, &field, &with).await;
            }
        }
    }
    prober.asked_at_least(1_500, 1_000);
}

/// With what else a field is sent: with what makes the request complete, and by itself.
fn companions(accepted: &[String], field: &Field) -> Vec<Vec<String>> {
    let mut with = vec![accepted.to_vec()];
    if !accepted.is_empty() {
        with.push(vec![field.way[0].clone()]);
    }
    with
}

async fn spoil(prober: &mut Prober, operation: &Operation, field: &Field, with: &[String]) {
    let types = prober.document.types(&field.schema);
    let name = field.way.join(".");
    for (kind, value) in values::json() {
        let draft = prober.draft(operation, &borrowed(with)).await;
        let draft = with_value(draft, field, &value);
        let wanted = match kind {
            Kind::Of(kind) if types.iter().any(|one| one == kind) => Wanted::Anything,
            Kind::Of(_) | Kind::Malformed => Wanted::Refused,
        };
        let shown = String::from_utf8_lossy(&value[..value.len().min(60)]).into_owned();
        prober.ask(operation, &format!("`{name}` is {shown}"), draft, wanted).await;
    }
    for (what, change) in [
        ("is missing", Change::Remove),
        ("is there twice", Change::Double),
        ("has a stranger beside it", Change::Stranger),
    ] {
        let draft = prober.draft(operation, &borrowed(with)).await;
        let refused = match change {
            Change::Remove => field.required,
            // Of an element of an array there may be two.
            Change::Double | Change::Stranger => field.way.last().unwrap() != "0",
        };
        let Some(draft) = changed(draft, field, change) else { continue };
        let wanted = if refused { Wanted::Refused } else { Wanted::Anything };
        prober.ask(operation, &format!("`{name}` {what}"), draft, wanted).await;
    }
}

/// What is done to the object around a field.
#[derive(Debug, Clone, Copy)]
enum Change {
    Remove,
    Double,
    Stranger,
}

/// The body with `value` in the place of a field, which need not have been there.
fn with_value(draft: Draft, field: &Field, value: &[u8]) -> Draft {
    let mut body: Value = serde_json::from_slice(&draft.body).unwrap();
    let mut place = &mut body;
    for step in &field.way {
        place = match step.parse::<usize>() {
            Ok(_) => {
                if !place.is_array() {
                    *place = Value::Array(Vec::new());
                }
                let all = place.as_array_mut().unwrap();
                if all.is_empty() {
                    all.push(Value::Null);
                }
                &mut all[0]
            }
            Err(_) => &mut place[step],
        };
    }
    *place = HERE.into();
    let text = body.to_string();
    let (before, after) = text.split_once(&format!("\"{HERE}\"")).unwrap();
    Draft { body: [before.as_bytes(), value, after.as_bytes()].concat(), ..draft }
}

/// The body with another object around a field, if the field is there.
fn changed(draft: Draft, field: &Field, change: Change) -> Option<Draft> {
    let body: Value = serde_json::from_slice(&draft.body).unwrap();
    let value = body.pointer(&format!("/{}", field.way.join("/")))?.clone();
    let name = field.way.last().unwrap();
    let text = match change {
        Change::Remove => {
            let mut body = body;
            let outer = &field.way[..field.way.len() - 1];
            let outer: String = outer.iter().map(|step| format!("/{step}")).collect();
            match body.pointer_mut(&outer)? {
                Value::Object(fields) => drop(fields.remove(name)),
                Value::Array(all) => all.clear(),
                _ => return None,
            }
            return Some(Draft { body: body.to_string().into_bytes(), ..draft });
        }
        Change::Double if name == "0" => format!("{value},{value}"),
        Change::Double => format!("{value},\"{name}\":{value}"),
        Change::Stranger if name == "0" => return None,
        Change::Stranger => {
            format!("{value},\"tenant_id\":\"00000000-0000-0000-0000-000000000007\"")
        }
    };
    Some(with_value(draft, field, text.as_bytes()))
}

#[tokio::test]
async fn no_body_makes_the_server_fail() {
    let mut prober = Prober::new().await;
    for operation in prober.document.operations().to_vec() {
        let accepted = prober.accepted(&operation).await;
        let json =
            operation.body.as_ref().is_some_and(|body| body.media_type == "application/json");
        let wanted = if json { Wanted::Refused } else { Wanted::Anything };
        for body in values::bodies() {
            let draft = prober.draft(&operation, &borrowed(&accepted)).await;
            prober.ask(&operation, "another body", Draft { body, ..draft }, wanted).await;
        }
        for parts in 0..8 {
            let mut draft = prober.draft(&operation, &borrowed(&accepted)).await;
            draft.body.truncate(draft.body.len() * parts / 8);
            prober.ask(&operation, "half a body", draft, wanted).await;
        }
        for fill in [b' ', b'x', 0, 0xff] {
            let mut draft = prober.draft(&operation, &borrowed(&accepted)).await;
            draft.body.resize(2 * 1024 * 1024, fill);
            let wanted = if json { Wanted::Status(413) } else { Wanted::Anything };
            prober.ask(&operation, "a body of 2 MiB", draft, wanted).await;
        }
    }
    prober.asked_at_least(500, 250);
}

#[tokio::test]
async fn no_address_makes_the_server_fail() {
    let mut prober = Prober::new().await;
    for operation in prober.document.operations().to_vec() {
        let accepted = prober.accepted(&operation).await;
        for id in values::path().into_iter().filter(|_| operation.path.contains("{id}")) {
            let mut draft = prober.draft(&operation, &borrowed(&accepted)).await;
            draft.target = operation.target("acme", &id);
            prober.ask(&operation, "no id", draft, Wanted::Refused).await;
        }
        for slug in values::path().into_iter().filter(|_| operation.is_of_tenant()) {
            let mut draft = prober.draft(&operation, &borrowed(&accepted)).await;
            draft.target = operation.target(&slug, "00000000-0000-0000-0000-000000000007");
            prober.ask(&operation, "no tenant", draft, Wanted::Refused).await;
        }
        let named: Vec<String> =
            operation.parameters("query").map(|one| one.name.clone()).collect();
        for name in &named {
            for value in values::query() {
                for query in [format!("{name}={value}"), format!("{name}={value}&{name}={value}")] {
                    let mut draft = prober.draft(&operation, &borrowed(&accepted)).await;
                    draft.target.push_str(&format!("?{query:.60000}"));
                    prober.ask(&operation, "a parameter", draft, Wanted::Anything).await;
                }
            }
        }
        for query in ["tenant_id=7", "%00=%00", "%FF", "&&==&", "a[]=1&a[b]=2"] {
            let mut draft = prober.draft(&operation, &borrowed(&accepted)).await;
            draft.target.push_str(&format!("?{query}"));
            let known = named.is_empty() || query == "&&==&";
            let wanted = if known { Wanted::Anything } else { Wanted::Status(422) };
            prober.ask(&operation, "an unknown parameter", draft, wanted).await;
        }
    }
    prober.asked_at_least(900, 600);
}

#[tokio::test]
async fn no_header_makes_the_server_fail() {
    let mut prober = Prober::new().await;
    for operation in prober.document.operations().to_vec() {
        let accepted = prober.accepted(&operation).await;
        let mut names: Vec<String> = values::HEADERS.map(str::to_owned).to_vec();
        names.extend(operation.parameters("header").map(|one| one.name.to_lowercase()));
        names.sort();
        names.dedup();
        for name in names {
            let name: HeaderName = name.parse().unwrap();
            for value in values::header() {
                let shown = String::from_utf8_lossy(&value[..value.len().min(60)]).into_owned();
                let mut draft = prober.draft(&operation, &borrowed(&accepted)).await;
                draft.set(name.clone(), HeaderValue::from_bytes(&value).unwrap());
                let what = format!("`{name}: {shown}`");
                prober.ask(&operation, &what, draft, Wanted::Anything).await;
            }
            let mut draft = prober.draft(&operation, &borrowed(&accepted)).await;
            for value in ["*", "hooli"] {
                draft.headers.push((name.clone(), HeaderValue::from_static(value)));
            }
            prober.ask(&operation, &format!("`{name}` three times"), draft, Wanted::Anything).await;
        }
    }
    prober.asked_at_least(2_500, 800);
}

#[tokio::test]
async fn no_header_that_a_client_makes_up_chooses_the_tenant() {
    let mut prober = Prober::new().await;
    let operations = prober.document.operations().to_vec();
    // That the log was taken home stands in the log: it is another one each time.
    let steady = operations.iter().filter(|one| !one.path.starts_with("/api/v1/audit"));
    for operation in steady.filter(|one| one.is_safe() && one.is_of_tenant()) {
        // Nobody of the team has the id of a sample.
        if operation.path.contains("{user_id}") {
            continue;
        }
        let plain = prober.draft(operation, &[]).await;
        let wanted = prober.body(operation, plain.clone()).await;
        assert!(wanted.len() > 2, "{}", operation.path);
        // Without the credential it is nobody's request.
        let made_up = values::HEADERS.into_iter();
        for name in made_up.filter(|name| !["host", "authorization"].contains(name)) {
            for value in ["hooli", "hooli.localhost", "host=hooli.localhost;for=127.0.0.1"] {
                let mut draft = plain.clone();
                draft.set(name.parse().unwrap(), HeaderValue::from_static(value));
                let answer = prober.body(operation, draft).await;
                assert_eq!(answer, wanted, "{} with `{name}: {value}`", operation.path);
            }
        }
        // Two sources that disagree are no tenant at all.
        let mut draft = plain.clone();
        draft.set(HOST, HeaderValue::from_static("hooli.localhost"));
        prober.ask(operation, "two tenants", draft, Wanted::Status(400)).await;
    }
}

fn operations_with_json(prober: &Prober) -> Vec<Operation> {
    let mut all = prober.document.operations().to_vec();
    all.retain(|one| one.body.as_ref().is_some_and(|body| body.media_type == "application/json"));
    all
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
