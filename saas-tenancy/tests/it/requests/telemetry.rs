//! What operators see: few series, and the tenant's id on every line.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use http::Request;
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tracing::Instrument;

use super::app::{App, get, resolvers};
use saas_tenancy::Presence;

#[tokio::test]
async fn requests_are_counted_by_outcome_and_isolation_alone() {
    let recorder = Counted::default();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let app = App::with(resolvers(), Presence::Required);
    for host in [
        "acme.localhost",
        "acme.localhost",
        "globex.localhost",
        "nobody.localhost",
        "localhost",
        "hooli.localhost",
        "deleting.localhost",
        "a..b",
    ] {
        app.ask(get("/", host)).await;
    }
    app.ask(get("/t/globex", "acme.localhost")).await;
    app.ask(get("/", "paused.localhost").method("POST")).await;
    app.ask(get("/", "umbrella.localhost")).await;
    App::with(resolvers(), Presence::Optional).ask(get("/", "localhost")).await;
    let mut lines = recorder.0.lock().unwrap().clone();
    lines.sort();
    assert_eq!(
        lines,
        [
            "saas_requests_total{outcome=bad_address,isolation=none} 1",
            "saas_requests_total{outcome=conflict,isolation=none} 1",
            "saas_requests_total{outcome=no_tenant,isolation=none} 1",
            "saas_requests_total{outcome=not_found,isolation=none} 1",
            "saas_requests_total{outcome=not_found,isolation=none} 1",
            "saas_requests_total{outcome=not_found,isolation=none} 1",
            "saas_requests_total{outcome=read_only,isolation=none} 1",
            "saas_requests_total{outcome=served,isolation=database} 1",
            "saas_requests_total{outcome=served,isolation=schema} 1",
            "saas_requests_total{outcome=served,isolation=shared} 1",
            "saas_requests_total{outcome=served,isolation=shared} 1",
            "saas_requests_total{outcome=suspended,isolation=none} 1",
        ]
    );
}

#[tokio::test]
async fn the_tenant_is_on_the_span_that_the_request_runs_in() {
    let (log, _guard) = capture();
    let app = App::new();
    let id = app.store.id("acme").to_string();
    app.ask(get("/", "acme.localhost")).await;
    assert!(log.text().contains(&format!("tenant{{tenant.id={id}}}")), "{}", log.text());
}

#[tokio::test]
async fn a_span_that_declares_the_field_gets_it_and_no_second_one_is_made() {
    let (log, _guard) = capture();
    let app = App::new();
    let id = app.store.id("acme").to_string();
    let outer = tracing::info_span!("request", tenant.id = tracing::field::Empty);
    app.ask(get("/", "acme.localhost")).instrument(outer).await;
    assert!(log.text().contains(&format!("request{{tenant.id={id}}}")), "{}", log.text());
    assert!(!log.text().contains("tenant{"), "{}", log.text());
}

#[tokio::test]
async fn a_conflict_is_logged_without_what_the_client_sent() {
    let (log, _guard) = capture();
    let request = Request::get("/t/globex").header("host", "acme.localhost");
    App::new().ask(request).await;
    assert!(log.text().contains("refused a request that names two tenants"), "{}", log.text());
    assert!(!log.text().contains("globex"));
}

#[derive(Debug, Default)]
struct Counted(Arc<Mutex<Vec<String>>>);

impl Recorder for Counted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
        let name = format!("{}{{{}}}", key.name(), labels.collect::<Vec<_>>().join(","));
        Counter::from_arc(Arc::new(Line { name, lines: Arc::clone(&self.0) }))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

struct Line {
    name: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl CounterFn for Line {
    fn increment(&self, value: u64) {
        self.lines.lock().unwrap().push(format!("{} {value}", self.name));
    }

    fn absolute(&self, value: u64) {
        self.increment(value);
    }
}

#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes events with their spans; the handler of [`App`] makes one.
fn capture() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}
