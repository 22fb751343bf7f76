//! What isolation costs: the members list of the app against a handler without any, in one run.
//!
//! `bare` is axum and sqlx on a table without policies: the page only, `where tenant_id = $1`, by
//! itself (`autocommit`) and in `begin … commit` (`plain`). Beside it the app lists the same members
//! with their exact total in each isolation. Rounds of all of them take turns, so that a noisy
//! machine is noisy for all; the figures are medians of ratios to `autocommit` of the same round.
//!
//! `BENCH_TENANTS`, `BENCH_MEMBERS`, `BENCH_ROUNDS` and `BENCH_SECONDS` make it smaller or larger.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::{sync::Arc, time::Duration};

use saas_tenancy::{Isolation, db::DatabaseOptions};
use saas_tests::load::{Load, Outcome, Script};

mod bare;
mod club;

use club::{Club, Served};

/// Client connections, and connections to the database.
const CONNECTIONS: usize = 16;

/// Rounds before those that count: each connection prepares its statements for each tenant, and the
/// server plans the first five uses of each anew.
const WARM_UP: u64 = 2;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` passes this: nothing to measure then.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let tenants = setting("BENCH_TENANTS", 50);
    let members = setting("BENCH_MEMBERS", 10_000);
    let mut contenders = Vec::new();
    // What is dropped is no longer told of changes.
    let mut clubs = Vec::new();
    println!("loading {tenants} tenants of {members} members for each contender …");
    for isolation in Isolation::ALL {
        // A connection leads to one database, so tenants with their own need some each.
        let connections = match isolation {
            Isolation::Shared | Isolation::Schema => CONNECTIONS,
            Isolation::Database => 2 * usize::try_from(tenants).unwrap_or(50) + CONNECTIONS,
        };
        let options =
            DatabaseOptions::new().with_connections(connections).with_tenant_share(CONNECTIONS);
        let mut club = Club::with_members(options, isolation, tenants, members).await;
        if isolation == Isolation::Shared {
            for (name, commit) in
                [("autocommit", bare::Commit::Auto), ("plain", bare::Commit::Plain)]
            {
                let server = bare::serve(&club, commit, CONNECTIONS).await;
                contenders.push((name.to_owned(), server, bare::script(&club)));
            }
        }
        let served = club.serve().await;
        contenders.push((isolation.to_string(), served.address, pages(&club, &served)));
        clubs.push((club, served));
    }
    compare(&contenders).await;
    drop(clubs);
    one_large_tenant().await;
}

/// The first pages of tenants, one here and one there.
fn pages(club: &Club, served: &Served) -> Script {
    let (hosts, tokens) = (club.hosts(), served.tokens.clone());
    Arc::new(move |n| {
        let one = spread(n) % hosts.len();
        let (host, token, page) = (&hosts[one], &tokens[one], n % 4 + 1);
        format!(
            "GET /api/v1/members?limit=50&page={page} HTTP/1.1\r\nHost: {host}\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        )
        .into_bytes()
    })
}

type Contender = (String, std::net::SocketAddr, Script);

async fn compare(contenders: &[Contender]) {
    let load = Load {
        connections: CONNECTIONS as u64,
        duration: Duration::from_secs(setting("BENCH_SECONDS", 4)),
    };
    let mut rounds: Vec<Vec<Outcome>> = Vec::new();
    for round in 1..=WARM_UP + setting("BENCH_ROUNDS", 7) {
        let mut outcomes = Vec::new();
        for (_, server, script) in contenders {
            outcomes.push(load.run(*server, Arc::clone(script)).await);
        }
        if round > WARM_UP {
            rounds.push(outcomes);
        }
    }
    println!("\nlist of 50 with its exact total, {CONNECTIONS} connections\n");
    println!("| handler | requests/s | of autocommit | of plain | p50 ms | p95 ms | failed |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for (at, (name, ..)) in contenders.iter().enumerate() {
        let rate = median(rounds.iter().map(|round| round[at].rate()));
        let of_auto = median(rounds.iter().map(|round| round[at].rate() / round[0].rate()));
        let of_plain = median(rounds.iter().map(|round| round[at].rate() / round[1].rate()));
        let millis = |percentile| {
            median(rounds.iter().map(|round| round[at].percentile(percentile).as_secs_f64() * 1e3))
        };
        let failed: usize = rounds.iter().map(|round| round[at].failed).sum();
        let (p50, p95) = (millis(50), millis(95));
        println!(
            "| {name} | {rate:.0} | {of_auto:.2} | {of_plain:.2} | {p50:.2} | {p95:.2} | {failed} |"
        );
    }
}

/// The list of one tenant with very many members, page by page and sorted in every way.
async fn one_large_tenant() {
    let members = setting("BENCH_LARGE", 1_000_000);
    println!("\nloading one tenant of {members} members …");
    let options =
        DatabaseOptions::new().with_connections(CONNECTIONS).with_tenant_share(CONNECTIONS);
    let mut club = Club::with_members(options, Isolation::Shared, 1, members).await;
    let served = club.serve().await;
    let (server, host, token) = (served.address, club.hosts()[0].clone(), served.tokens[0].clone());
    let load = Load {
        connections: CONNECTIONS as u64,
        duration: Duration::from_secs(setting("BENCH_SECONDS", 4)),
    };
    println!("\n| one tenant of {members} members | requests/s | p50 ms | p95 ms | failed |");
    println!("|---|--:|--:|--:|--:|");
    let deepest = members / 50;
    for (name, queries) in [
        ("first pages, newest first", queries("limit=50&page=", 10, "")),
        ("first pages, by last name", queries("limit=50&page=", 10, "&sort=last_name")),
        ("active members only", queries("limit=50&page=", 10, "&status=active")),
        ("search for a name", queries("limit=50&page=", 2, "&search=marti")),
        ("pages anywhere", queries("limit=50&page=", deepest, "")),
    ] {
        let (host, token) = (host.clone(), token.clone());
        let script: Script = Arc::new(move |n| {
            let query = queries(n);
            format!(
                "GET /api/v1/members?{query} HTTP/1.1\r\nHost: {host}\r\n\
                 Authorization: Bearer {token}\r\n\r\n"
            )
            .into_bytes()
        });
        load.run(server, Arc::clone(&script)).await;
        let outcome = load.run(server, script).await;
        let millis = |percentile| outcome.percentile(percentile).as_secs_f64() * 1e3;
        println!(
            "| {name} | {:.0} | {:.2} | {:.2} | {} |",
            outcome.rate(),
            millis(50),
            millis(95),
            outcome.failed
        );
    }
}

/// A number that looks random and is the same in every run
/// ([Fibonacci hashing](https://en.wikipedia.org/wiki/Hash_function#Fibonacci_hashing)).
fn spread(n: u64) -> usize {
    usize::try_from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).unwrap_or(0)
}

/// Queries for one of the first `pages` pages, one here and one there.
fn queries(before: &'static str, pages: u64, after: &'static str) -> impl Fn(u64) -> String {
    move |n| format!("{before}{}{after}", spread(n) as u64 % pages + 1)
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
