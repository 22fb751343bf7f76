//! Programs that a command needs besides Rust: found, or installed, or named.
//!
//! 1. A tool is a row: a constant [`Tool`] of this module. Adding one takes nothing else.
//! 2. What is found is used. A directory that the user names in the tool's variable wins.
//! 3. What is missing is installed with the system's package manager if we are root, or if
//!    `sudo` asks for no password. Nothing is left running by that.
//! 4. Otherwise the message names the exact command to run.

mod find;
mod package_manager;
mod version;

use std::{env, ffi::OsString, path::PathBuf, process::Command};

use crate::{failure::Failure, run};

pub(crate) use self::package_manager::Packages;
use self::{package_manager::PackageManager, version::Version};

/// The database server. The application and the tests start private ones from its programs.
pub(crate) const POSTGRES: Tool = Tool {
    name: "PostgreSQL",
    programs: &["postgres", "initdb"],
    at_least: Version(14, 0),
    variable: Some("SAAS_PG_BIN"),
    look_in: &[
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/usr/libexec/postgresql*",
        "/opt/homebrew/opt/postgresql@*/bin",
        "/usr/local/opt/postgresql@*/bin",
    ],
    packages: Packages {
        apt: "postgresql",
        dnf: "postgresql-server",
        apk: "postgresql",
        brew: "postgresql@17",
    },
    services: &["postgresql"],
};

/// The connection pooler that deployments put in front of the database server.
pub(crate) const PGBOUNCER: Tool = Tool {
    name: "PgBouncer",
    programs: &["pgbouncer"],
    at_least: Version(1, 18),
    variable: None,
    look_in: &["/usr/sbin", "/opt/homebrew/bin", "/usr/local/bin"],
    packages: Packages { apt: "pgbouncer", dnf: "pgbouncer", apk: "pgbouncer", brew: "pgbouncer" },
    services: &["pgbouncer"],
};

/// What processes hear of changes through where there are many of them.
pub(crate) const REDIS: Tool = Tool {
    name: "Redis",
    programs: &["redis-server"],
    at_least: Version(6, 0),
    variable: None,
    look_in: &["/usr/bin", "/opt/homebrew/bin", "/usr/local/bin"],
    packages: Packages { apt: "redis-server", dnf: "redis", apk: "redis", brew: "redis" },
    services: &["redis-server"],
};

/// What the identity provider runs on that the tests sign in with.
pub(crate) const NODE: Tool = Tool {
    name: "Node.js",
    programs: &["node", "npm"],
    at_least: Version(20, 0),
    variable: None,
    look_in: &["/usr/bin", "/opt/homebrew/bin", "/usr/local/bin"],
    packages: Packages { apt: "npm", dnf: "npm", apk: "npm", brew: "node" },
    services: &[],
};

/// A program, or a few of one directory, that a command needs.
#[derive(Debug)]
pub(crate) struct Tool {
    /// What people call it.
    name: &'static str,
    /// What must stand in one directory. The first answers to `--version`.
    programs: &'static [&'static str],
    /// The oldest version that will do.
    at_least: Version,
    /// The environment variable that names the directory, for us and for what we start.
    variable: Option<&'static str>,
    /// Directories beside those of `PATH`. One `*` in a path stands for any version.
    look_in: &'static [&'static str],
    /// What to install.
    packages: Packages,
    /// Services of the packages that must not start by themselves.
    services: &'static [&'static str],
}

/// The tools of a command, at hand.
#[derive(Debug)]
pub(crate) struct Toolbox {
    variables: Vec<(&'static str, PathBuf)>,
    path: OsString,
}

impl Toolbox {
    /// Finds the tools and installs those that are missing.
    ///
    /// # Errors
    /// [`Failure::ToolsMissing`] if some are missing and may not be installed from here, or are
    /// still missing afterwards.
    pub(crate) fn prepare(tools: &[&'static Tool]) -> Result<Self, Failure> {
        let missing = missing(tools);
        if !missing.is_empty() {
            install(&missing)?;
        }
        Self::gather(tools)
    }

    /// A cargo that sees the tools.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = run::cargo();
        cargo.env("PATH", &self.path);
        cargo.envs(self.variables.iter().map(|(name, directory)| (name, directory)));
        cargo
    }

    /// One of the tools itself.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut program = run::command(name);
        program.env("PATH", &self.path);
        program
    }

    fn gather(tools: &[&'static Tool]) -> Result<Self, Failure> {
        let still = missing(tools);
        if !still.is_empty() {
            let remedy = "install it by hand and run the command again".to_owned();
            return Err(Failure::ToolsMissing { tools: list(&still), remedy });
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let mut directories: Vec<PathBuf> = env::split_paths(&path).collect();
        let mut variables = Vec::new();
        for tool in tools {
            let Some(found) = find::find(tool) else { continue };
            match tool.variable {
                Some(variable) => variables.push((variable, found)),
                None if directories.contains(&found) => {}
                None => directories.push(found),
            }
        }
        let path = env::join_paths(directories).unwrap_or(path);
        Ok(Self { variables, path })
    }
}

fn missing(tools: &[&'static Tool]) -> Vec<&'static Tool> {
    tools.iter().copied().filter(|tool| find::find(tool).is_none()).collect()
}

fn install(tools: &[&'static Tool]) -> Result<(), Failure> {
    let fail = |remedy: String| Failure::ToolsMissing { tools: list(tools), remedy };
    if let Some((tool, directory)) = tools.iter().find_map(|tool| Some((tool, find::named(tool)?)))
    {
        let variable = tool.variable.unwrap_or_default();
        let directory = directory.display();
        return Err(fail(format!("`{variable}` names `{directory}`: correct it or unset it")));
    }
    let Some(manager) = PackageManager::of_this_system() else {
        return Err(fail("no package manager is known here: install it by hand".into()));
    };
    let packages: Vec<_> = tools.iter().map(|tool| manager.package(&tool.packages)).collect();
    let services: Vec<_> = tools.iter().flat_map(|tool| tool.services).copied().collect();
    let Some(mut command) = manager.install(&packages, &services) else {
        return Err(fail(format!("run `{}`", manager.by_hand(&packages))));
    };
    println!("Installing {} (as `{}` would)", list(tools), manager.by_hand(&packages));
    run::show(&mut command)
}

fn list(tools: &[&'static Tool]) -> String {
    let names = tools.iter().map(|tool| format!("{} ≥ {}", tool.name, tool.at_least));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOWHERE: Tool = Tool {
        name: "Nothing",
        programs: &["no-such-program"],
        look_in: &["/no/such/place", "/no/such/*/place"],
        variable: None,
        ..PGBOUNCER
    };

    const SHELL: Tool = Tool {
        name: "Bash",
        programs: &["bash"],
        at_least: Version(1, 0),
        variable: Some("XTASK_TEST_BASH"),
        ..PGBOUNCER
    };

    #[test]
    fn only_what_is_not_there_is_missing() {
        let missing = missing(&[&NOWHERE, &SHELL]);
        assert_eq!(missing.iter().map(|tool| tool.name).collect::<Vec<_>>(), ["Nothing"]);
    }

    #[test]
    fn a_version_that_is_too_old_counts_as_missing() {
        const FUTURE: Tool = Tool { at_least: Version(1_000, 0), ..SHELL };
        assert_eq!(list(&missing(&[&FUTURE])), "Bash ≥ 1000");
    }

    #[test]
    fn what_we_start_learns_where_the_tools_are() {
        let tools = Toolbox::gather(&[&SHELL]).unwrap();
        let cargo = tools.cargo();
        let told = cargo.get_envs().find(|(name, _)| *name == "XTASK_TEST_BASH");
        assert!(told.is_some_and(|(_, value)| value.is_some_and(|dir| !dir.is_empty())));
    }

    #[test]
    fn a_tool_that_is_still_missing_stops_the_command() {
        let failure = Toolbox::gather(&[&NOWHERE]).unwrap_err();
        assert!(failure.to_string().contains("Nothing ≥ 1.18"), "{failure}");
    }
}
