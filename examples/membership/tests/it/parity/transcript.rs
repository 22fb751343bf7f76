//! What was asked of a tenant and what it answered, with ids and times named instead of told.

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;

/// How long a time is at least, as RFC 3339 writes it: `2026-11-21T09:00:00Z`.
const TIME: usize = 20;

/// A tenant under examination.
#[derive(Debug)]
pub(crate) struct Transcript<'a> {
    pub(crate) app: &'a App,
    pub(crate) tenant: &'a str,
    /// One text an answer.
    pub(crate) answers: Vec<String>,
    /// Ids of the tenant's objects, as they came.
    ids: Vec<String>,
    times: Vec<String>,
}

impl<'a> Transcript<'a> {
    pub(crate) const fn new(app: &'a App, tenant: &'a str) -> Self {
        Self { app, tenant, answers: Vec::new(), ids: Vec::new(), times: Vec::new() }
    }

    /// Asks with JSON, writes the answer down and returns its body.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Value {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let headers = [&[("content-type", "application/json")], headers].concat();
        let answer = self.ask_bytes(method, path, &headers, body).await;
        serde_json::from_slice(&answer).unwrap_or_default()
    }

    /// The same with bytes.
    pub(crate) async fn ask_bytes(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Vec<u8> {
        let (status, answered, body) =
            self.app.bytes(method, path, self.tenant, headers, body).await;
        let text = self.written(status, &answered, &body);
        let path = self.named(path);
        self.answers.push(format!("{method} {path}: {text}"));
        body
    }

    fn written(&mut self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
        let mut lines: Vec<String> = headers
            .iter()
            .filter(|(name, _)| *name != "x-request-id")
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        let mut body = String::from_utf8(body.to_vec()).unwrap();
        // The id of a request is new each time, wherever it stands.
        if let Some(id) = headers.get("x-request-id") {
            body = body.replace(id.to_str().unwrap(), "<request>");
        }
        let text = format!("{status}\n{}\n{body}", lines.join("\n"));
        self.named(&text.replace(&format!("/t/{}/", self.tenant), "/t/<tenant>/"))
    }

    /// The text with every id and time replaced by the number under which it was seen first.
    fn named(&mut self, text: &str) -> String {
        let mut named = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = if let Some(id) = rest.get(..36).filter(|one| is_id(one)) {
                named.push_str(&format!("<id {}>", number(&mut self.ids, id)));
                36
            } else if let Some(length) = time(rest) {
                named.push_str(&format!("<time {}>", number(&mut self.times, &rest[..length])));
                length
            } else {
                named.push(first);
                first.len_utf8()
            };
            rest = &rest[length..];
        }
        named
    }

    /// Every id of an object that was seen.
    pub(crate) fn ids(&self) -> &[String] {
        &self.ids
    }
}

fn is_id(text: &str) -> bool {
    text.as_bytes()[8] == b'-' && Uuid::try_parse(text).is_ok()
}

/// How long the time at the start of a text is, if there is one.
fn time(text: &str) -> Option<usize> {
    let head = text.get(..TIME)?.as_bytes();
    if !head[0].is_ascii_digit() || head[4] != b'-' || head[10] != b'T' {
        return None;
    }
    text.find('Z').map(|at| at + 1).filter(|length| *length <= 40)
}

fn number(known: &mut Vec<String>, one: &str) -> usize {
    known.iter().position(|known| known == one).unwrap_or_else(|| {
        known.push(one.to_owned());
        known.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ids_and_times_are_named_in_the_order_in_which_they_come() {
        let app = App::new().await;
        let mut transcript = Transcript::new(&app, "acme");
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let text = format!("ë{a}, {b}, {a} at 2026-11-21T09:00:00.5Z");
        assert_eq!(transcript.named(&text), "ë<id 0>, <id 1>, <id 0> at <time 0>");
    }
}
