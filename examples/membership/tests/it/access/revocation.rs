//! What ends in one process ends in the other.

use std::time::Duration;

use saas_core::Clock;
use serde_json::Value;

use super::{as_operator, ask, signed_in};
use crate::app::{App, process::Process};

/// How often it is tried. A measurement needs more rounds; this is to notice that it is broken.
const ROUNDS: usize = 25;

/// How long a credential may be good elsewhere after it was revoked here.
const BOUND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_in_one_process_holds_in_another_within_a_second() {
    let app = App::new().await;
    let other = Process::start(&app).await;
    let clock = Clock::system();
    let mut slowest = Duration::ZERO;
    for round in 0..ROUNDS {
        let (owner, token) = signed_in(&app, "acme", "owner").await;
        let bearer = format!("Bearer {token}");
        let status = async || {
            let headers = [("authorization", &*bearer)];
            let target = ("GET", "/t/acme/api/v1/members?limit=1");
            ask(other.strict.clone(), target, &headers, Value::Null).await.status
        };
        assert_eq!(status().await, 200);
        assert_eq!(status().await, 200, "now from memory");
        let refused = match round % 3 {
            0 => {
                app.identity().sessions.revoke(owner.user, owner.session).await.unwrap();
                401
            }
            1 => {
                app.identity().users.disable(owner.user).await.unwrap();
                401
            }
            _ => {
                let sql = "delete from saas_rbac.memberships where user_id =";
                as_operator(&app, &format!("{sql} '{}'", owner.user)).await;
                403
            }
        };
        let begun = clock.monotonic();
        while status().await != refused {
            let late = clock.monotonic() - begun;
            assert!(late < BOUND, "round {round} is good for {late:?}");
        }
        slowest = slowest.max(clock.monotonic() - begun);
    }
    assert!(slowest < BOUND, "{slowest:?}");
}
