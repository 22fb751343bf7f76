//! `oidc-provider` in a process of its own.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

/// A running provider. It ends when it is dropped, and with this process.
#[derive(Debug)]
pub(super) struct RealProvider {
    child: Child,
    issuer: String,
}

impl RealProvider {
    /// One for all tests that do no harm to it.
    pub(super) fn shared() -> &'static Self {
        static SHARED: OnceLock<RealProvider> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// One of the test's own.
    pub(super) fn start() -> Self {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc-provider");
        assert!(
            place.join("node_modules").exists(),
            "run `npm ci` in `saas-rbac/tests/oidc-provider`, or `cargo xtask test`",
        );
        let mut child = Command::new("node")
            .arg("provider.js")
            .current_dir(place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node.js is installed");
        let output = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut lines = output.lines().map_while(Result::ok);
        let issuer = lines.find(|line| line.starts_with("http://")).expect("it says where it is");
        Self { child, issuer }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }
}

impl Drop for RealProvider {
    fn drop(&mut self) {
        // It may have ended before, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
