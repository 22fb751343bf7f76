//! Several processes at once.

use saas_tenancy::{
    migrate::{self, Target},
    provision::{AppPassword, bootstrap},
};

use super::CLUB;
use crate::database::server::{Db, key};

#[tokio::test]
async fn runs_at_the_same_time_apply_each_file_once() {
    let db = Db::new().await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let mut conn = db.connect().await;
        runs.spawn(async move {
            migrate::tenant_plane(&mut conn, Target::Shared, &CLUB).await.unwrap().len()
        });
    }
    let applied: usize = runs.join_all().await.into_iter().sum();
    assert_eq!(applied, CLUB.iter().count());
}

#[tokio::test]
async fn preparing_at_the_same_time_is_safe() {
    let db = Db::bare().await;
    let mut runs = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let mut conn = db.connect().await;
        runs.spawn(async move {
            let key = key();
            let password = AppPassword::Derived(&key);
            bootstrap(&mut conn, password).await.unwrap();
        });
    }
    runs.join_all().await;
    db.connect_app().await;
}
