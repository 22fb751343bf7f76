//! The operator's listener: metrics as Prometheus reads them.

use std::time::Duration;

use axum::{Router, routing::get};
use http::header;
use metrics_exporter_prometheus::PrometheusHandle;

/// How often histograms are tidied up. Scrapes may be rarer, and memory must not grow meanwhile.
const UPKEEP: Duration = Duration::from_secs(15);

/// `/metrics`. Starts the upkeep of the recorder, which ends with the runtime.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn router(recorder: PrometheusHandle) -> Router {
    let upkeep = recorder.clone();
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(UPKEEP);
        loop {
            interval.tick().await;
            upkeep.run_upkeep();
        }
    });
    let render = async move || {
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], recorder.render())
    };
    Router::new().route("/metrics", get(render))
}
