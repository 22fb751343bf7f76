//! The same page without the framework: what isolation is compared with.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the baseline has no walls"
)]

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use chrono::{DateTime, Utc};
use membership::members::{Member, MemberId, TypeRef};
use membership::membership_types::MembershipTypeId;
use saas_tests::load::Script;
use serde::{Deserialize, Serialize};
use sqlx::{
    PgPool, Row,
    postgres::{PgPoolOptions, PgRow},
};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::{club::Club, spread};

/// How the handler ends its one statement.
#[derive(Clone, Copy)]
pub(super) enum Commit {
    /// It has no transaction.
    Auto,
    /// `begin … commit` around it.
    Plain,
}

const PAGE: &str =
    "select m.id, m.first_name, m.last_name, m.email, m.status, m.membership_type_id,
        t.name, m.created_at, m.updated_at, m.last_activity_at, m.version
     from bare.members m
     join bare.membership_types t on t.tenant_id = m.tenant_id and t.id = m.membership_type_id
     where m.tenant_id = $1 order by m.created_at desc, m.id desc limit $2 offset $3";

#[derive(Deserialize)]
struct Page {
    limit: i64,
    page: i64,
}

#[derive(Serialize)]
struct List {
    members: Vec<Member>,
}

/// Copies the members into tables without policies and serves them.
pub(super) async fn serve(club: &Club, commit: Commit, connections: usize) -> SocketAddr {
    club.world.as_superuser(include_str!("bare.sql")).await;
    let connections = u32::try_from(connections).expect("a small number");
    let pool = PgPoolOptions::new().max_connections(connections);
    let pool = pool.connect_with(club.world.app_options()).await.expect("the server runs");
    let handler = match commit {
        Commit::Auto => get(autocommit),
        Commit::Plain => get(plain),
    };
    let app = Router::new().route("/{tenant}", handler).with_state(pool);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// The first pages of tenants, one here and one there.
pub(super) fn script(club: &Club) -> Script {
    let ids: Vec<_> = club.tenants.iter().map(|tenant| tenant.id).collect();
    Arc::new(move |n| {
        let id = ids[spread(n) % ids.len()];
        let page = n % 4 + 1;
        format!("GET /{id}?limit=50&page={page} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
    })
}

async fn autocommit(
    State(pool): State<PgPool>,
    Path(tenant): Path<Uuid>,
    Query(page): Query<Page>,
) -> Json<List> {
    let query = sqlx::query(PAGE).bind(tenant).bind(page.limit).bind((page.page - 1) * page.limit);
    let rows = query.fetch_all(&pool).await.expect("the page can be read");
    Json(List { members: rows.iter().map(member).collect() })
}

async fn plain(
    State(pool): State<PgPool>,
    Path(tenant): Path<Uuid>,
    Query(page): Query<Page>,
) -> Json<List> {
    let mut tx = pool.begin().await.expect("a transaction begins");
    let query = sqlx::query(PAGE).bind(tenant).bind(page.limit).bind((page.page - 1) * page.limit);
    let rows = query.fetch_all(&mut *tx).await.expect("the page can be read");
    tx.commit().await.expect("nothing was changed");
    Json(List { members: rows.iter().map(member).collect() })
}

fn member(row: &PgRow) -> Member {
    let time = |at: usize| row.get::<DateTime<Utc>, _>(at);
    Member {
        id: MemberId::from_uuid(row.get(0)),
        first_name: row.get(1),
        last_name: row.get(2),
        email: row.get(3),
        status: row.get::<&str, _>(4).parse().expect("a known status"),
        membership_type: TypeRef { id: MembershipTypeId::from_uuid(row.get(5)), name: row.get(6) },
        created_at: time(7),
        updated_at: time(8),
        last_activity_at: row.get(9),
        version: row.get(10),
    }
}
