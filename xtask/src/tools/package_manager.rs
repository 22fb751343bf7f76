//! The system's package managers, and whether we may use them.

use std::process::Command;

use super::find;
use crate::run;

/// Installs Debian packages without starting or enabling what they bring.
const APT_SCRIPT: &str = include_str!("install_apt.sh");

/// What a tool's package is called by each manager.
#[derive(Debug)]
pub(crate) struct Packages {
    /// Debian, Ubuntu.
    pub(crate) apt: &'static str,
    /// Fedora, Red Hat.
    pub(crate) dnf: &'static str,
    /// Alpine.
    pub(crate) apk: &'static str,
    /// macOS.
    pub(crate) brew: &'static str,
}

/// A package manager that we can drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PackageManager {
    Apt,
    Dnf,
    Apk,
    Brew,
}

/// How to become the one who may install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// We are.
    Own,
    /// `sudo` asks for no password.
    Sudo,
    /// Somebody has to do it by hand.
    Lacking,
}

impl PackageManager {
    /// The one whose program is on `PATH`.
    pub(super) fn of_this_system() -> Option<Self> {
        let known = [Self::Apt, Self::Dnf, Self::Apk, Self::Brew];
        known.into_iter().find(|manager| find::is_on_path(manager.program()))
    }

    /// The name of the package that this manager installs.
    pub(super) fn package(self, packages: &Packages) -> &'static str {
        match self {
            Self::Apt => packages.apt,
            Self::Dnf => packages.dnf,
            Self::Apk => packages.apk,
            Self::Brew => packages.brew,
        }
    }

    /// The command that installs them, or `None` if we may not.
    ///
    /// Only Debian starts services by itself; there the `services` are kept from it.
    pub(super) fn install(self, packages: &[&str], services: &[&str]) -> Option<Command> {
        let (program, words) = self.words(services);
        let mut command = match self.rights() {
            Rights::Own => run::command(program),
            Rights::Sudo => {
                let mut sudo = run::command("sudo");
                sudo.args(["-n", program]);
                sudo
            }
            Rights::Lacking => return None,
        };
        command.args(words).args(packages);
        Some(command)
    }

    /// What to type to install them.
    pub(super) fn by_hand(self, packages: &[&str]) -> String {
        let packages = packages.join(" ");
        match self {
            Self::Apt => format!("sudo apt-get install -y {packages}"),
            Self::Dnf => format!("sudo dnf install -y {packages}"),
            Self::Apk => format!("sudo apk add {packages}"),
            Self::Brew => format!("brew install {packages}"),
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Apk => "apk",
            Self::Brew => "brew",
        }
    }

    /// The command line without its packages.
    fn words(self, services: &[&str]) -> (&'static str, Vec<String>) {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match self {
            Self::Apt => ("sh", words(&["-c", APT_SCRIPT, "install_apt", &services.join(" ")])),
            Self::Dnf => ("dnf", words(&["install", "-y"])),
            Self::Apk => ("apk", words(&["add"])),
            Self::Brew => ("brew", words(&["install"])),
        }
    }

    fn rights(self) -> Rights {
        let root = run::quiet(run::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
        match self {
            // Homebrew installs for the user and refuses root.
            Self::Brew if root => Rights::Lacking,
            Self::Brew => Rights::Own,
            _ if root => Rights::Own,
            _ if run::succeeds(run::command("sudo").args(["-n", "true"])) => Rights::Sudo,
            _ => Rights::Lacking,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_to_type_names_manager_and_packages() {
        let packages = ["postgresql", "pgbouncer"];
        for (manager, command) in [
            (PackageManager::Apt, "sudo apt-get install -y postgresql pgbouncer"),
            (PackageManager::Dnf, "sudo dnf install -y postgresql pgbouncer"),
            (PackageManager::Apk, "sudo apk add postgresql pgbouncer"),
            (PackageManager::Brew, "brew install postgresql pgbouncer"),
        ] {
            assert_eq!(manager.by_hand(&packages), command);
        }
    }

    #[test]
    fn the_debian_script_is_a_valid_one_and_gets_the_services_as_one_word() {
        let (program, words) = PackageManager::Apt.words(&["a", "b"]);
        assert_eq!((program, words[3].as_str()), ("sh", "a b"));
        assert!(run::succeeds(run::command("sh").args(["-n", "-c", APT_SCRIPT])));
    }
}
