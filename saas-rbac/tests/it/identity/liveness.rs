use std::time::Duration;

use saas_core::{Clock, SessionId, UserId};
use saas_rbac::session::{Alive, Liveness, LivenessChanges, Session};
use saas_tenancy::store::{ChangeListener, ChangeSink};
use sqlx::ConnectOptions;

use super::house::House;

const LIFE: Duration = Duration::from_secs(600);

fn liveness(house: &House) -> (Liveness, LivenessChanges) {
    Liveness::new(house.databases(), house.clock.clone(), LIFE)
}

async fn asked(liveness: &Liveness, session: &Session) -> Alive {
    liveness.is_alive(session.id, session.user, 1).await
}

#[tokio::test]
async fn while_it_is_told_it_answers_from_memory() {
    let house = House::new().await;
    house.person("ann").await;
    let session = house.log_in("ann").await.session;
    let (liveness, changes) = liveness(&house);
    changes.connected();
    assert_eq!(asked(&liveness, &session).await, Alive::Yes);
    house.shut().await;
    assert_eq!(asked(&liveness, &session).await, Alive::Yes);
    changes.changed(&format!("session:{}", session.id));
    assert_eq!(asked(&liveness, &session).await, Alive::Unknown, "never yes");
    house.open().await;
    assert_eq!(asked(&liveness, &session).await, Alive::Yes, "it was a false alarm");
}

/// J33.
#[tokio::test]
async fn a_session_that_is_told_to_have_ended_is_not_alive() {
    let house = House::new().await;
    house.person("ann").await;
    let (session, other) = (house.log_in("ann").await.session, house.log_in("ann").await.session);
    let (liveness, changes) = liveness(&house);
    changes.connected();
    assert_eq!(asked(&liveness, &session).await, Alive::Yes);
    house.sessions.revoke(session.user, session.id).await.unwrap();
    changes.changed(&format!("session:{}", session.id));
    assert_eq!(asked(&liveness, &session).await, Alive::No);
    house.shut().await;
    assert_eq!(asked(&liveness, &session).await, Alive::No, "that is remembered");
    assert_eq!(asked(&liveness, &other).await, Alive::Yes);
}

#[tokio::test]
async fn what_ended_before_it_was_told_is_read_first() {
    let house = House::new().await;
    house.person("ann").await;
    let (session, other) = (house.log_in("ann").await.session, house.log_in("ann").await.session);
    let (liveness, changes) = liveness(&house);
    house.sessions.revoke(session.user, session.id).await.unwrap();
    changes.connected();
    assert_eq!(asked(&liveness, &session).await, Alive::No);
    assert_eq!(asked(&liveness, &other).await, Alive::Yes);

    changes.disconnected();
    house.sessions.revoke(other.user, other.id).await.unwrap();
    changes.connected();
    house.shut().await;
    assert_eq!(asked(&liveness, &other).await, Alive::Unknown, "what ended cannot be read");
    house.open().await;
    assert_eq!(asked(&liveness, &other).await, Alive::No);
}

#[tokio::test]
async fn while_it_is_cut_off_it_asks_about_every_token() {
    let house = House::new().await;
    house.person("ann").await;
    let session = house.log_in("ann").await.session;
    let (liveness, changes) = liveness(&house);
    assert_eq!(asked(&liveness, &session).await, Alive::Yes);
    let nobody = UserId::generate(&Clock::system());
    assert_eq!(liveness.is_alive(session.id, nobody, 1).await, Alive::No);
    let none = SessionId::generate(&Clock::system());
    assert_eq!(liveness.is_alive(none, session.user, 1).await, Alive::No);
    house.sessions.revoke(session.user, session.id).await.unwrap();
    assert_eq!(asked(&liveness, &session).await, Alive::No);
    house.shut().await;
    assert_eq!(asked(&liveness, &session).await, Alive::Unknown);
    changes.connected();
    drop(changes);
    assert_eq!(asked(&liveness, &session).await, Alive::Unknown, "whoever tells is gone");
}

#[tokio::test]
async fn a_token_of_an_older_epoch_is_over() {
    let house = House::new().await;
    let ann = house.person("ann").await;
    let session = house.log_in("ann").await.session;
    let (liveness, changes) = liveness(&house);
    changes.connected();
    assert_eq!(asked(&liveness, &session).await, Alive::Yes);
    house.world.as_superuser("update saas_rbac.users set epoch = 2").await;
    changes.changed(&format!("user:{}", ann.id));
    assert_eq!(asked(&liveness, &session).await, Alive::No);
    assert_eq!(liveness.is_alive(session.id, ann.id, 2).await, Alive::Yes);
    house.world.as_superuser("update saas_rbac.users set disabled_at = now()").await;
    changes.changed(&format!("user:{}", ann.id));
    assert_eq!(liveness.is_alive(session.id, ann.id, 2).await, Alive::No);
    house.world.as_superuser("update saas_rbac.users set disabled_at = null").await;
    changes.changed(&format!("user:{}", ann.id));
    assert_eq!(liveness.is_alive(session.id, ann.id, 2).await, Alive::Yes);
}

#[tokio::test]
async fn whatever_is_told_can_end_nothing_by_itself() {
    let house = House::new().await;
    house.person("ann").await;
    let session = house.log_in("ann").await.session;
    let (liveness, changes) = liveness(&house);
    changes.connected();
    let (id, user) = (session.id, session.user);
    for forged in [format!("session:{id}"), format!("user:{user}"), "session:".into(), "x".into()] {
        changes.changed(&forged);
        assert_eq!(asked(&liveness, &session).await, Alive::Yes, "{forged}");
    }
}

#[tokio::test]
async fn a_session_that_ends_elsewhere_is_over_here_within_a_second() {
    let house = House::new().await;
    house.person("ann").await;
    let (liveness, changes) = liveness(&house);
    let url = house.world.app_options().to_url_lossy().to_string();
    let _listener = ChangeListener::spawn(url.into(), changes);
    let clock = Clock::system();
    for _ in 0..10 {
        let session = house.log_in("ann").await.session;
        assert_eq!(asked(&liveness, &session).await, Alive::Yes);
        house.sessions.revoke(session.user, session.id).await.unwrap();
        let revoked = clock.monotonic();
        while asked(&liveness, &session).await != Alive::No {
            assert!(clock.monotonic() - revoked < Duration::from_secs(1), "still alive");
            tokio::task::yield_now().await;
        }
    }
}
