//! From data at rest to a server that accepts connections.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::FileExt,
    path::Path,
    process::Command,
    time::Duration,
};

use super::{
    cluster::{Site, tail},
    error::EmbeddedError,
    poll::poll,
    supervisor::{StopSignal, Supervisor},
};

/// How often another process may take the port between choosing it and listening on it.
const ATTEMPTS: u32 = 5;

/// How long a server that must not go on may take to end.
const GIVE_UP: Duration = Duration::from_secs(10);

/// Set last, so that nothing makes the server reachable from elsewhere.
const ALWAYS: [(&str, &str); 2] =
    [("listen_addresses", "127.0.0.1"), ("unix_socket_directories", "")];

/// Safety of the data against a crash, given up for speed.
const THROW_AWAY: [(&str, &str); 5] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
];

/// How the server is run.
#[derive(Debug)]
pub(super) struct Plan {
    /// Passed to the server after the defaults.
    pub(super) settings: Vec<(String, String)>,
    /// How long it may take until it accepts connections.
    pub(super) limit: Duration,
}

/// Starts the server on the first port of `next_port` that is free, and waits until it is ready.
pub(super) fn launch(
    site: &Site,
    log: &File,
    plan: &Plan,
    mut next_port: impl FnMut() -> io::Result<u16>,
) -> Result<(Supervisor, u16), EmbeddedError> {
    let dir = site.home.dir();
    let mut attempt = 1;
    loop {
        let port = next_port().map_err(EmbeddedError::io("choose a port for", dir))?;
        match try_port(site, log, plan, port)? {
            Outcome::Ready(supervisor) => return Ok((supervisor, port)),
            Outcome::Ended if attempt < ATTEMPTS && listen(port).is_err() => attempt += 1,
            Outcome::Ended => {
                return Err(EmbeddedError::Ended { dir: dir.to_owned(), log: end_of(log) });
            }
            Outcome::Late => {
                let (dir, limit) = (dir.to_owned(), plan.limit);
                return Err(EmbeddedError::NotReady { dir, limit, log: end_of(log) });
            }
        }
    }
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(listen(0)?.local_addr()?.port())
}

enum Outcome {
    Ready(Supervisor),
    Ended,
    Late,
}

fn try_port(site: &Site, log: &File, plan: &Plan, port: u16) -> Result<Outcome, EmbeddedError> {
    let dir = site.home.dir();
    let cluster = site.home.cluster();
    let stale = Status::read(&cluster);
    log.set_len(0).map_err(EmbeddedError::io("empty the log in", dir))?;
    site.lock.record(port).map_err(EmbeddedError::io("write", site.home.lock()))?;
    let mut supervisor =
        spawn(site, log, plan, port).map_err(EmbeddedError::io("start the server in", dir))?;
    let ended = poll(plan.limit, || match supervisor.has_ended() {
        Ok(true) | Err(_) => Some(true),
        Ok(false) => Status::read(&cluster)
            .filter(|status| status.port == port && status.is_ready)
            .filter(|status| stale.as_ref().is_none_or(|stale| stale.start != status.start))
            .map(|_| false),
    });
    let outcome = match ended {
        Some(false) => return Ok(Outcome::Ready(supervisor)),
        Some(true) => Outcome::Ended,
        None => Outcome::Late,
    };
    supervisor.end(GIVE_UP).map_err(EmbeddedError::io("stop the server in", dir))?;
    Ok(outcome)
}

fn spawn(site: &Site, log: &File, plan: &Plan, port: u16) -> io::Result<Supervisor> {
    let throw_away = site.home.is_throw_away();
    let mut server = Command::new(site.binaries.postgres());
    server.arg("-D").arg(site.home.cluster());
    let mut set = |name: &str, value: &str| {
        server.arg("-c").arg(format!("{name}={value}"));
    };
    for (name, value) in [("max_connections", "200"), ("shared_buffers", "64MB")] {
        set(name, value);
    }
    // The application sees the errors of its statements itself; in the log, they would show data.
    set("log_min_messages", "log");
    if throw_away {
        THROW_AWAY.iter().for_each(|(name, value)| set(name, value));
    }
    plan.settings.iter().for_each(|(name, value)| set(name, value));
    ALWAYS.iter().for_each(|(name, value)| set(name, value));
    set("port", &port.to_string());

    let mut shell = site.user.command("/bin/sh");
    // In a container, ids of processes repeat: a file of the last run that names this process must
    // not look like a server at work.
    shell.env("PG_GRANDPARENT_PID", std::process::id().to_string());
    let stop = if throw_away { StopSignal::Immediate } else { StopSignal::Fast };
    let rubbish = throw_away.then(|| site.home.dir());
    Supervisor::spawn(shell, &server, stop, rubbish, &site.lock, log)
}

/// What the server says about itself in `postmaster.pid`.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    /// Process and second of the start, which tell a file of an earlier run apart.
    start: (String, String),
    port: u16,
    is_ready: bool,
}

impl Status {
    fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let [pid, _, second, port, _, _, _, status, ..] = lines[..] else { return None };
        let start = (pid.to_owned(), second.to_owned());
        Some(Self { start, port: port.parse().ok()?, is_ready: status == "ready" })
    }
}

/// The end of the log, read through the open file: a throw-away directory may be gone.
fn end_of(log: &File) -> String {
    let mut end = [0; 4096];
    let length = log.metadata().map_or(0, |metadata| metadata.len());
    match log.read_at(&mut end, length.saturating_sub(4096)) {
        Ok(read) => tail(&end[..read]),
        Err(_) => String::new(),
    }
}

fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_when_its_file_says_so() {
        let file = "4711\n/data\n1795341600\n5433\n\n127.0.0.1\n  5433001   12\nready   \n";
        let status = Status::parse(file).unwrap();
        assert!(status.is_ready);
        assert_eq!(status.port, 5433);
        assert_eq!(status.start, ("4711".to_owned(), "1795341600".to_owned()));
        assert!(!Status::parse(&file.replace("ready   ", "starting")).unwrap().is_ready);
    }

    #[test]
    fn a_file_that_is_being_written_is_not_ready() {
        assert_eq!(Status::parse("4711\n/data\n17953"), None);
        assert_eq!(Status::parse(""), None);
    }
}
