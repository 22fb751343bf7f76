//! The demo as a user meets it: started, asked for pages, stopped, started again.

use std::{
    env,
    fs::{self, DirBuilder, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    process::{Child, ExitStatus},
    thread,
    time::Duration,
};

use super::{
    Outcome,
    http::{self, Answer},
    processes,
};
use crate::{failure::Failure, run, tools::Toolbox};

/// More than any other demo tenant has, so that it is `acme` that has them.
const MEMBERS: u32 = 1000;
/// How often something awaited is looked at.
const INTERVAL: Duration = Duration::from_millis(100);
/// How many looks until a start counts as failed: two minutes.
const LOOKS_FOR_START: u32 = 1200;
/// How many looks until a stop counts as failed: half a minute.
const LOOKS_FOR_STOP: u32 = 300;
/// What would make the application use other servers than its own, or print other addresses.
const SETTINGS_OF_THE_USER: [&str; 4] =
    ["DATABASE_URL", "ADMIN_DATABASE_URL", "REDIS_URL", "PUBLIC_URL"];

/// What is asked: the host's first label, the path, the status and a part of the answer.
const PAGES: &[(&str, &str, u16, &str)] = &[
    ("", "/healthz", 200, ""),
    ("", "/api/openapi.json", 200, "\"3.1."),
    ("acme.", "/api/v1/members?limit=1", 401, "missing_credentials"),
    ("", "/t/acme/api/v1/members?limit=1", 401, "missing_credentials"),
    ("acme.", "/api/docs/", 200, "swagger-ui"),
    ("hooli.", "/api/v1/members", 403, "tenant_suspended"),
    ("nobody.", "/api/v1/members", 404, "tenant_not_found"),
];

/// What an owner sees of the members: the tenant, and a part of the answer.
const MEMBERS_OF: &[(&str, &str)] =
    &[("acme", "\"total\":1000"), ("globex", "\"pagination\""), ("initech", "\"pagination\"")];

pub(super) fn run(tools: &Toolbox) -> Result<Outcome, Failure> {
    run::show(tools.cargo().args(["build", "--package", "membership"]))?;
    let scratch = Scratch::new()?;
    // The second start finds the data of the first, and the other signal.
    for signal in ["TERM", "INT"] {
        let mut demo = Demo::start(tools, &scratch)?;
        demo.wait_until_ready()?;
        demo.check_pages()?;
        demo.check_log_ins()?;
        demo.check_greeting()?;
        demo.stop(signal)?;
        println!("served its tenants and ended by SIG{signal}");
    }
    Ok(Outcome::Passed)
}

/// A running demo. It is killed if the test ends before it does.
struct Demo<'a> {
    child: Child,
    address: SocketAddr,
    scratch: &'a Scratch,
}

impl<'a> Demo<'a> {
    fn start(tools: &Toolbox, scratch: &'a Scratch) -> Result<Self, Failure> {
        let address = free_address()?;
        let log = File::create(scratch.log()).map_err(Failure::file(scratch.log()))?;
        let errors = log.try_clone().map_err(Failure::file(scratch.log()))?;
        let mut command = tools.cargo();
        command.args(["xtask", "demo", "--listen", &address.to_string()]);
        command.args(["--admin-listen", &free_address()?.to_string()]);
        command.arg("--data").arg(scratch.data()).args(["--members", &MEMBERS.to_string()]);
        command.stdout(log).stderr(errors);
        for variable in SETTINGS_OF_THE_USER {
            command.env_remove(variable);
        }
        let child = command.spawn().map_err(|source| run::start(&command, source))?;
        Ok(Self { child, address, scratch })
    }

    fn wait_until_ready(&mut self) -> Result<(), Failure> {
        for _ in 0..LOOKS_FOR_START {
            if let Some(status) = self.ended()? {
                return Err(self.failed(&format!("ended with {status} before it was ready")));
            }
            if http::get(self.address, "localhost", "/readyz").is_ok_and(|a| a.status == 200) {
                return Ok(());
            }
            thread::sleep(INTERVAL);
        }
        Err(self.failed("was not ready within two minutes"))
    }

    fn check_pages(&self) -> Result<(), Failure> {
        for (tenant, path, status, part) in PAGES {
            let host = format!("{tenant}localhost:{}", self.address.port());
            let page = format!("`GET {path}` for `{host}`");
            let answer = http::get(self.address, &host, path)
                .map_err(|error| self.failed(&format!("did not answer {page}: {error}")))?;
            let Answer { status: found, body } = &answer;
            if found != status || !body.contains(part) {
                let wanted = format!("{status} with `{part}`");
                let found = format!("answered {page} with {found} instead of {wanted}: {body}");
                return Err(self.failed(&found));
            }
        }
        Ok(())
    }

    /// The owners of the demo sign in and see their members.
    fn check_log_ins(&self) -> Result<(), Failure> {
        for (tenant, part) in MEMBERS_OF {
            let host = format!("{tenant}.localhost:{}", self.address.port());
            let body = format!(r#"{{"email":"owner@{tenant}.test","password":"demo-password-1"}}"#);
            let done = http::post(self.address, &host, "/api/v1/auth/login", &body);
            let done = done.map_err(|error| self.failed(&format!("took no log-in: {error}")))?;
            let token = done.body.split("\"access_token\":\"").nth(1);
            let token = token.and_then(|rest| rest.split('"').next());
            let token = token.ok_or_else(|| {
                self.failed(&format!("did not sign in the owner of {tenant}: {}", done.body))
            })?;
            let members = http::get_as(self.address, &host, "/api/v1/members?limit=1", token);
            let Answer { status, body } =
                members.map_err(|error| self.failed(&format!("did not list members: {error}")))?;
            if status != 200 || !body.contains(part) {
                let text =
                    format!("showed the owner of {tenant} {status} instead of `{part}`: {body}");
                return Err(self.failed(&text));
            }
        }
        Ok(())
    }

    /// What a user needs to go on stands in the terminal.
    fn check_greeting(&self) -> Result<(), Failure> {
        let log = self.scratch.read_log();
        let port = self.address.port();
        for needed in [
            format!("curl -s 'http://acme.localhost:{port}/api/v1/auth/login'"),
            format!("'http://acme.localhost:{port}/api/v1/members"),
            format!("'http://localhost:{port}/t/acme/api/v1/members"),
            format!("http://acme.localhost:{port}/api/docs/"),
            "owner@acme.test".to_owned(),
        ] {
            if !log.contains(&needed) {
                return Err(self.failed(&format!("did not print `{needed}`")));
            }
        }
        Ok(())
    }

    /// Asks it to end. Neither it nor its database server may remain.
    fn stop(&mut self, signal: &str) -> Result<(), Failure> {
        let data = self.scratch.data().display().to_string();
        let id = self.child.id();
        if !processes::naming(&data)?.iter().any(|p| p.id != id && p.line.contains("postgres")) {
            return Err(self.failed("runs no PostgreSQL server of its own"));
        }
        processes::signal(id, signal)?;
        for _ in 0..LOOKS_FOR_STOP {
            match self.ended()? {
                Some(status) if !status.success() => {
                    return Err(self.failed(&format!("ended with {status} after SIG{signal}")));
                }
                Some(_) if processes::naming(&data)?.is_empty() => return Ok(()),
                _ => thread::sleep(INTERVAL),
            }
        }
        let left = processes::naming(&data)?;
        Err(self.failed(&format!("did not end within half a minute of SIG{signal}: {left:?}")))
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>, Failure> {
        self.child.try_wait().map_err(Failure::file("the demo's process"))
    }

    fn failed(&self, what: &str) -> Failure {
        let log = self.scratch.read_log();
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(30)..].join("\n");
        Failure::Demo { what: what.to_owned(), log: last }
    }
}

impl Drop for Demo<'_> {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A directory for one run of the test, removed afterwards.
struct Scratch(PathBuf);

impl Scratch {
    /// Others may pass through but not look: as root the server runs as another user.
    fn new() -> Result<Self, Failure> {
        let parent = env::temp_dir();
        let parent = parent.canonicalize().map_err(Failure::file(parent))?;
        let path = parent.join(format!("saas-demo-{}", std::process::id()));
        DirBuilder::new().mode(0o711).create(&path).map_err(Failure::file(&path))?;
        Ok(Self(path))
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    fn read_log(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("warning: cannot remove `{}`: {error}", self.0.display());
        }
    }
}

/// An address of this machine that nobody listens on.
fn free_address() -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| listener.local_addr()).map_err(Failure::file("127.0.0.1:0"))
}
