//! The steps that are a cargo command or a few.

use super::Outcome;
use crate::{failure::Failure, run, tools::Toolbox, workspace};

/// Where the identity provider is that the tests sign in with.
const OIDC_PROVIDER: &str = "saas-rbac/tests/oidc-provider";

/// What clippy and rustc must be silent about.
const NO_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

pub(super) fn fmt(tools: &Toolbox) -> Result<Outcome, Failure> {
    run::show(tools.cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed)
}

pub(super) fn clippy(tools: &Toolbox) -> Result<Outcome, Failure> {
    let everything = ["clippy", "--workspace", "--all-targets", "--all-features"];
    run::show(tools.cargo().args(everything).args(NO_WARNINGS))?;
    Ok(Outcome::Passed)
}

/// Clippy rather than a plain check: it denies warnings without compiling dependencies anew.
pub(super) fn features(tools: &Toolbox) -> Result<Outcome, Failure> {
    for member in workspace::members()? {
        let features = workspace::features(&member)?;
        if features.is_empty() {
            continue;
        }
        let package = member.rsplit('/').next().unwrap_or(&member);
        let alone = ["clippy", "--quiet", "--package", package, "--no-default-features"];
        run::show(tools.cargo().args(alone).args(NO_WARNINGS))?;
        for feature in features {
            let with = ["--features", &feature];
            run::show(tools.cargo().args(alone).args(with).args(NO_WARNINGS))?;
        }
    }
    Ok(Outcome::Passed)
}

pub(super) fn docs(tools: &Toolbox) -> Result<Outcome, Failure> {
    let everything = ["doc", "--workspace", "--no-deps", "--all-features"];
    run::show(tools.cargo().args(everything).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Outcome::Passed)
}

/// Known vulnerabilities are not part of it: their list has to be fetched, and a test run must
/// work without a network.
pub(super) fn licences(tools: &Toolbox) -> Result<Outcome, Failure> {
    if !run::succeeds(tools.cargo().args(["deny", "--version"])) {
        let how = "`cargo install --locked cargo-deny` would add what checks them";
        return Ok(Outcome::Skipped(how.into()));
    }
    let checks = ["licenses", "bans", "sources"];
    run::show(tools.cargo().args(["deny", "check", "--hide-inclusion-graph"]).args(checks))?;
    Ok(Outcome::Passed)
}

pub(super) fn test(tools: &Toolbox) -> Result<Outcome, Failure> {
    install_oidc_provider(tools)?;
    let everything = ["test", "--workspace", "--all-features", "--no-fail-fast"];
    run::show(tools.cargo().args(everything))?;
    Ok(Outcome::Passed)
}

/// Exactly what its lock file names, and none of the scripts that packages bring. What is installed
/// already is not fetched again: a test run must work without a network.
fn install_oidc_provider(tools: &Toolbox) -> Result<(), Failure> {
    let place = workspace::root().join(OIDC_PROVIDER);
    let npm = |words: &[&str]| {
        let mut npm = tools.program("npm");
        npm.args(words).current_dir(&place);
        npm
    };
    if run::succeeds(&mut npm(&["ls", "--all"])) {
        return Ok(());
    }
    run::show(&mut npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))
}
