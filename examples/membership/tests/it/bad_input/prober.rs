//! Asks what no client should ask, and holds the answer to the rules.

use std::collections::HashMap;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use serde_json::{Value, json};

use crate::app::{
    App,
    document::{Document, Operation},
    rows::Rows,
};

/// The longest answer that says what is wrong, in bytes.
const LONGEST_PROBLEM: usize = 16 * 1024;

/// What must come of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It may be right after all.
    Anything,
    /// It is wrong.
    Refused,
    /// It is wrong in this way.
    Status(u16),
}

/// A request that is still to be spoilt.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) target: String,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<u8>,
}

impl Draft {
    /// Sets a header, in place of the value that it has.
    pub(crate) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.retain(|(one, _)| *one != name);
        self.headers.push((name, value));
    }

    fn request(self, method: &str) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(self.target);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body)).unwrap()
    }
}

/// The application, with a look at its tables.
#[derive(Debug)]
pub(crate) struct Prober {
    pub(crate) document: Document,
    app: App,
    rows: Rows,
    before: String,
    /// An object of each collection.
    objects: HashMap<String, String>,
    asked: usize,
    refused: usize,
}

impl Prober {
    /// `acme`, which is asked, has a membership type and two members; `hooli` has as much.
    pub(crate) async fn new() -> Self {
        let app = App::new().await;
        let mut kinds = Vec::new();
        for tenant in ["acme", "hooli"] {
            let kind = app.add_type(tenant, "Gold").await;
            app.add_member(tenant, &kind, 1).await;
            app.add_member(tenant, &kind, 2).await;
            kinds.push(kind);
        }
        let role = json!({ "name": "Known", "permissions": ["members:read"] });
        let (status, _, role) = app.request("POST", "/roles", "acme", role).await;
        assert_eq!(status, 201, "{role}");
        // To make a tenant takes long. With a name that is taken all of the request is still read.
        let known = json!({
            "membership_type_id": kinds[0], "membership_type": kinds[0], "slug": "hooli",
            "role_id": role["id"],
        });
        let mut rows = Rows::of(app.world(), &[]).await;
        let before = rows.fingerprint().await;
        let (document, objects) = (Document::new(known), HashMap::new());
        Self { document, app, rows, before, objects, asked: 0, refused: 0 }
    }

    /// A request that is right, as far as the document tells; with these fields besides the
    /// required ones.
    pub(crate) async fn draft(&mut self, operation: &Operation, with: &[&str]) -> Draft {
        let id = if operation.path.contains("{id}") { self.object(operation).await } else { None };
        let id = id.unwrap_or_else(|| uuid::Uuid::from_u128(7).to_string());
        let mut draft = Draft {
            target: operation.target("acme", &id),
            headers: vec![(header::HOST, HeaderValue::from_static("localhost"))],
            body: Vec::new(),
        };
        for one in operation.parameters("header").filter(|one| one.required) {
            let name = one.name.to_lowercase().parse().unwrap();
            draft.set(name, HeaderValue::from_static("*"));
        }
        if let Some(body) = &operation.body {
            draft.set(header::CONTENT_TYPE, body.media_type.parse().unwrap());
            draft.body = match body.media_type.as_str() {
                "application/json" => {
                    self.document.sample(&body.schema, with).to_string().into_bytes()
                }
                "text/csv" => {
                    b"first_name,last_name,email,membership_type\nA,B,c@d.example,Gold\n".to_vec()
                }
                other => panic!("no sample of `{other}`"),
            };
        }
        draft
    }

    /// The fields to send besides the required ones, so that the request gets as far as to what is
    /// stored.
    pub(crate) async fn accepted(&mut self, operation: &Operation) -> Vec<String> {
        let Some(body) = &operation.body else { return Vec::new() };
        // No sample is a password, a link that somebody has been sent, or somebody of the team.
        let unknown = ["/api/v1/auth/", "/api/v1/invitations/accept", "/api/v1/team/"];
        if unknown.iter().any(|path| operation.path.starts_with(path)) {
            return Vec::new();
        }
        let fields = self.document.fields(&body.schema);
        let optional = fields.iter().filter(|one| one.way.len() == 1 && !one.required);
        let optional: Vec<String> = optional.map(|one| one.way[0].clone()).collect();
        let choices =
            std::iter::once(Vec::new()).chain(optional.iter().map(|one| vec![one.clone()]));
        for choice in choices {
            let with: Vec<&str> = choice.iter().map(String::as_str).collect();
            let draft = self.draft(operation, &with).await;
            let status = self.ask(operation, "a sample", draft, Wanted::Anything).await;
            if status.is_success() || status == StatusCode::CONFLICT {
                return choice;
            }
        }
        panic!(
            "{} {}: the document describes no request that is taken",
            operation.method, operation.path
        )
    }

    /// The id of an object at this path: one that is listed there, or else a new one.
    async fn object(&mut self, operation: &Operation) -> Option<String> {
        let collection = operation.path.strip_suffix("/{id}")?;
        if let Some(known) = self.objects.get(collection) {
            return Some(known.clone());
        }
        let of = |method| {
            let mut all = self.document.operations().iter();
            all.find(|one| one.method == method && one.path == collection)
        };
        let (list, make) = (of("GET")?, of("POST")?);
        let target = list.target("acme", "");
        // The list is an object with one array, whatever its name.
        let found = self.json("GET", &target, Vec::new()).await;
        let all = found.as_object()?.values().find_map(Value::as_array)?;
        // Fixed roles have no id.
        let id = match all.iter().rev().find_map(|one| one["id"].as_str()) {
            Some(last) => last.to_owned(),
            None => {
                let sample = self.document.sample(&make.body.as_ref()?.schema, &[]);
                let made = self.json("POST", &target, sample.to_string().into_bytes()).await;
                self.before = self.rows.fingerprint().await;
                made["id"].as_str()?.to_owned()
            }
        };
        self.objects.insert(collection.to_owned(), id.clone());
        Some(id)
    }

    async fn json(&self, method: &str, target: &str, body: Vec<u8>) -> Value {
        let request = Request::builder().method(method).uri(target);
        let request =
            request.header("host", "localhost").header("content-type", "application/json");
        let (_, _, body) = self.app.send(request.body(Body::from(body)).unwrap()).await;
        serde_json::from_slice(&body).unwrap_or_default()
    }

    /// Sends a request and holds the answer to the rules: no failure of the server, an error is a
    /// problem document, and what is refused or only reads has changed nothing.
    pub(crate) async fn ask(
        &mut self,
        operation: &Operation,
        what: &str,
        draft: Draft,
        wanted: Wanted,
    ) -> StatusCode {
        let shown: String = draft.target.chars().take(200).collect();
        let what = format!("{} {shown}: {what}", operation.method);
        let (status, headers, body) = self.app.send(draft.request(&operation.method)).await;
        self.asked += 1;
        let text = String::from_utf8_lossy(&body[..body.len().min(2_000)]).into_owned();
        assert!(!status.is_server_error(), "{what}: {status} {text}");
        match wanted {
            Wanted::Anything => {}
            Wanted::Refused => assert!(status.is_client_error(), "{what}: {status} {text}"),
            Wanted::Status(wanted) => assert_eq!(status.as_u16(), wanted, "{what}: {text}"),
        }
        if status.is_client_error() {
            self.refused += 1;
            let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
            assert_eq!(headers["content-type"], "application/problem+json", "{what}: {text}");
            assert_eq!(problem["status"], status.as_u16(), "{what}: {text}");
            assert!(
                problem["code"].as_str().is_some_and(|code| !code.is_empty()),
                "{what}: {text}"
            );
            assert_eq!(problem["request_id"], headers["x-request-id"].to_str().unwrap(), "{what}");
            assert!(body.len() < LONGEST_PROBLEM, "{what}: {} bytes", body.len());
        }
        let after = self.rows.fingerprint().await;
        if status.is_client_error() || operation.is_safe() {
            assert_eq!(after, self.before, "{what}: {status} {text}");
        }
        self.before = after;
        if operation.method == "DELETE" && status.is_success() {
            self.objects.clear();
        }
        status
    }

    /// The body of the answer to a request that only reads.
    pub(crate) async fn body(&self, operation: &Operation, draft: Draft) -> String {
        let (status, _, body) = self.app.send(draft.request(&operation.method)).await;
        assert_eq!(status, 200, "{}", operation.path);
        String::from_utf8(body).unwrap()
    }

    /// That many requests of both kinds were really sent: the test of the test.
    pub(crate) fn asked_at_least(&self, asked: usize, refused: usize) {
        assert!(self.asked >= asked && self.refused >= refused, "{} {}", self.asked, self.refused);
    }
}
