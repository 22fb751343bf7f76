//! An id of another tenant is an id of nothing, whichever walls stand between the two.

use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::TENANTS;
use crate::app::{
    App,
    document::{Document, Operation},
    rows::Rows,
};

/// The tenants of [`TENANTS`], each with one object of every kind.
struct Neighbours {
    app: App,
    rows: Rows,
    /// Of each tenant, in the order of [`TENANTS`].
    documents: Vec<Document>,
    members: Vec<String>,
}

impl Neighbours {
    async fn new() -> Self {
        let app = App::with_all_isolations().await;
        let (mut documents, mut members, mut resolved) = (Vec::new(), Vec::new(), Vec::new());
        for tenant in TENANTS {
            let kind = app.add_type(tenant, "Gold").await;
            let member = app.add_member(tenant, &kind, 1).await;
            members.push(member["id"].as_str().unwrap().to_owned());
            documents.push(Document::new(json!({"membership_type_id": kind})));
            resolved.push(app.tenant(tenant).await);
        }
        let rows = Rows::of(app.world(), &resolved).await;
        Self { app, rows, documents, members }
    }

    /// A new object of a tenant, at the path of an operation that takes an id.
    async fn object(&self, tenant: usize, operation: &Operation) -> String {
        let collection = operation.path.strip_suffix("/{id}").unwrap();
        let document = &self.documents[tenant];
        let mut operations = document.operations().iter();
        let make = operations.find(|one| one.method == "POST" && one.path == collection);
        let make = make.unwrap_or_else(|| panic!("{collection}: nothing can be made there"));
        let sample = document.sample(&make.body.as_ref().unwrap().schema, &[]);
        let path = make.path.strip_prefix("/api/v1").unwrap();
        let (status, _, made) = self.app.request("POST", path, TENANTS[tenant], sample).await;
        assert_eq!(status, 201, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// The answer to one tenant's request for an object, without what is new in every answer.
    async fn answer(
        &self,
        asker: usize,
        operation: &Operation,
        id: &str,
    ) -> (StatusCode, HeaderMap, String) {
        let path = operation.path.strip_prefix("/api/v1").unwrap().replace("{id}", id);
        let json = operation.body.as_ref();
        let body = json.map(|body| self.documents[asker].sample(&body.schema, &[]).to_string());
        let headers = [("content-type", "application/json"), ("if-match", "*")];
        let body = body.unwrap_or_default().into_bytes();
        let (status, mut headers, body) =
            self.app.bytes(&operation.method, &path, TENANTS[asker], &headers, body).await;
        let request = headers.insert("x-request-id", HeaderValue::from_static("-")).unwrap();
        let body = String::from_utf8(body).unwrap();
        (status, headers, body.replace(request.to_str().unwrap(), "-"))
    }
}

#[tokio::test]
async fn another_tenants_object_looks_like_one_that_never_was_on_every_route() {
    let mut all = Neighbours::new().await;
    let operations = all.documents[0].operations().to_vec();
    let with_id = operations.iter().filter(|one| one.path.ends_with("/{id}"));
    let with_id: Vec<_> = with_id.filter(|one| one.is_of_tenant()).collect();
    assert!(with_id.len() >= 7, "{}", with_id.len());
    let absent = Uuid::from_u128(7).to_string();
    for operation in with_id {
        for (owner, owner_name) in TENANTS.iter().enumerate() {
            let id = all.object(owner, operation).await;
            let before = all.rows.fingerprint().await;
            for asker in (0..TENANTS.len()).filter(|asker| *asker != owner) {
                let who = format!("{} {} of {owner_name}", operation.method, operation.path);
                let foreign = all.answer(asker, operation, &id).await;
                assert_eq!(foreign.0, 404, "{who} by {}: {}", TENANTS[asker], foreign.2);
                assert_eq!(foreign, all.answer(asker, operation, &absent).await, "{who}");
                assert_eq!(all.rows.fingerprint().await, before, "{who} by {}", TENANTS[asker]);
            }
            // To its owner it is there.
            let own = all.answer(owner, operation, &id).await;
            assert!(own.0.is_success(), "{} {}: {}", operation.method, operation.path, own.2);
        }
    }
}

#[tokio::test]
async fn one_foreign_id_among_ones_own_refuses_the_whole_change_behind_every_wall() {
    let mut all = Neighbours::new().await;
    let before = all.rows.fingerprint().await;
    let absent = Uuid::from_u128(7).to_string();
    for (asker, asker_name) in TENANTS.iter().enumerate() {
        let mut answers = Vec::new();
        let strangers = (0..TENANTS.len()).filter(|one| *one != asker).map(|one| &all.members[one]);
        for stranger in strangers.chain([&absent]) {
            for ids in [[&all.members[asker], stranger], [stranger, &all.members[asker]]] {
                let body = json!({"action": "suspend", "member_ids": ids});
                let (status, _, mut answer) =
                    all.app.request("POST", "/members/bulk", asker_name, body).await;
                answer["request_id"] = Value::Null;
                assert_eq!((status.as_u16(), &answer["code"]), (404, &json!("not_found")));
                answers.push(answer);
            }
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
    assert_eq!(all.rows.fingerprint().await, before);
    let body = json!({"action": "suspend", "member_ids": [all.members[0]]});
    let (status, ..) = all.app.request("POST", "/members/bulk", TENANTS[0], body).await;
    assert_eq!(status, 200);
    assert_ne!(all.rows.fingerprint().await, before);
}

#[tokio::test]
async fn another_tenants_type_is_unknown_behind_every_wall() {
    let mut all = Neighbours::new().await;
    let before = all.rows.fingerprint().await;
    let absent = Uuid::from_u128(7).to_string();
    let kinds: Vec<Value> =
        all.documents.iter().map(|one| one.known("membership_type_id")).collect();
    for (asker, asker_name) in TENANTS.iter().enumerate() {
        let mut answers = Vec::new();
        let strangers =
            (0..TENANTS.len()).filter(|one| *one != asker).map(|one| kinds[one].clone());
        for kind in strangers.chain([json!(absent)]) {
            let body = crate::app::member(kind.as_str().unwrap(), 2);
            let bulk = json!({
                "action": "change_type", "filter": {}, "data": {"membership_type_id": kind},
            });
            for (path, body) in [("/members", body), ("/members/bulk", bulk)] {
                let (status, _, mut answer) = all.app.request("POST", path, asker_name, body).await;
                answer["request_id"] = Value::Null;
                assert_eq!(status, 422, "{answer}");
                answers.push(answer);
            }
        }
        let [one, bulk] = [&answers[0], &answers[1]];
        assert!(answers.iter().step_by(2).all(|answer| answer == one), "{answers:?}");
        assert!(answers.iter().skip(1).step_by(2).all(|answer| answer == bulk), "{answers:?}");
    }
    assert_eq!(all.rows.fingerprint().await, before);
}
