//! Where the programs of PostgreSQL are.
//!
//! A directory that was named (by the builder, then by `SAAS_PG_BIN`) is used or refused, never
//! passed over. Otherwise `PATH` comes first, then the usual places, newest version first. Data
//! that exists asks for its own version, wherever that is found.

use std::{
    cmp::Reverse,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::{error::EmbeddedError, user::RunAs};

/// The oldest major version that is supported.
const OLDEST: u32 = 14;

/// Parent, beginning of the version's directory, rest of the path.
const USUAL: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
];

/// The programs of one PostgreSQL installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    dir: PathBuf,
    version: u32,
}

impl Binaries {
    pub(super) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    /// The major version.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    /// Checks that `user` can get to the programs.
    pub(super) fn reachable_by(&self, user: &RunAs) -> Result<(), EmbeddedError> {
        let program = self.postgres();
        let real = program.canonicalize().map_err(EmbeddedError::io("resolve", program))?;
        user.can_reach(&real)
    }

    /// `None` when a program is missing or does not tell its version.
    fn inspect(dir: &Path) -> Option<Self> {
        if !dir.is_absolute() || !dir.join("initdb").is_file() {
            return None;
        }
        let output = RunAs::Caller.command(dir.join("postgres")).arg("--version").output().ok()?;
        let version = version_in(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { dir: dir.to_owned(), version })
    }
}

/// The number in `postgres (PostgreSQL) 15.14 (Debian …)`, also of `17beta1`.
fn version_in(text: &str) -> Option<u32> {
    let (_, number) = text.split_once("(PostgreSQL) ")?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Where to look when no directory was named.
#[derive(Debug)]
pub(super) struct Places {
    /// Searched in this order.
    path: Vec<PathBuf>,
    /// Searched from the newest version to the oldest.
    usual: Vec<PathBuf>,
}

impl Places {
    /// The directories of `PATH`, and where distributions put versions side by side.
    pub(super) fn of_machine(path: Option<OsString>) -> Self {
        let path = path.map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
        let usual = USUAL.iter().flat_map(|(parent, start)| versions(parent, start)).collect();
        Self { path, usual }
    }

    fn candidates(&self) -> Vec<Binaries> {
        let mut found: Vec<_> = self.path.iter().filter_map(|dir| Binaries::inspect(dir)).collect();
        let mut usual: Vec<_> =
            self.usual.iter().filter_map(|dir| Binaries::inspect(dir)).collect();
        usual.sort_by_key(|binaries| Reverse(binaries.version));
        found.append(&mut usual);
        found
    }
}

fn versions(parent: &str, start: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(start))
        .map(|entry| entry.path().join("bin"))
        .filter(|dir| dir.is_dir())
        .collect()
}

/// Existing data, which only programs of its own version can read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data<'a> {
    pub(super) dir: &'a Path,
    pub(super) version: u32,
}

/// The programs in exactly this directory.
pub(super) fn named(dir: &Path, data: Option<Data<'_>>) -> Result<Binaries, EmbeddedError> {
    let dir = std::path::absolute(dir).map_err(EmbeddedError::io("resolve", dir))?;
    let found = Binaries::inspect(&dir).ok_or(EmbeddedError::NotBinaries { dir })?;
    choose(vec![found], data)
}

/// The best programs of the machine.
pub(super) fn search(places: &Places, data: Option<Data<'_>>) -> Result<Binaries, EmbeddedError> {
    choose(places.candidates(), data)
}

fn choose(found: Vec<Binaries>, data: Option<Data<'_>>) -> Result<Binaries, EmbeddedError> {
    let newest = found.iter().max_by_key(|binaries| binaries.version).cloned();
    let newest = newest.ok_or(EmbeddedError::NoBinaries)?;
    if newest.version < OLDEST {
        return Err(EmbeddedError::TooOld { dir: newest.dir, version: newest.version });
    }
    let fits = |binaries: &Binaries| match data {
        Some(data) => binaries.version == data.version,
        None => binaries.version >= OLDEST,
    };
    match (found.into_iter().find(fits), data) {
        (Some(binaries), _) => Ok(binaries),
        (None, Some(data)) => Err(EmbeddedError::WrongVersion {
            dir: data.dir.to_owned(),
            data: data.version,
            binaries: newest.version,
        }),
        (None, None) => Err(EmbeddedError::NoBinaries),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A directory with programs that only tell a version. Another process writes them: a file
    /// that this one has open for writing when a parallel test forks cannot be run.
    fn fake(root: &TempDir, name: &str, version: &str) -> PathBuf {
        const WRITE: &str = r#"mkdir "$1" && for program in postgres initdb; do
            printf '#!/bin/sh\necho "postgres (PostgreSQL) %s"\n' "$2" > "$1/$program" &&
            chmod 755 "$1/$program" || exit; done"#;
        let dir = root.path().join(name);
        let mut command = std::process::Command::new("sh");
        command.args(["-c", WRITE, "sh"]).arg(&dir).arg(version);
        assert!(command.status().unwrap().success());
        dir
    }

    fn places(path: &[&PathBuf], usual: &[&PathBuf]) -> Places {
        let owned = |dirs: &[&PathBuf]| dirs.iter().map(|dir| (*dir).clone()).collect();
        Places { path: owned(path), usual: owned(usual) }
    }

    #[test]
    fn the_path_comes_before_a_newer_version_in_a_usual_place() {
        let root = tempfile::tempdir().unwrap();
        let (on_path, usual) = (fake(&root, "a", "15.2"), fake(&root, "b", "17.1"));
        let found = search(&places(&[&on_path], &[&usual]), None).unwrap();
        assert_eq!(found, Binaries { dir: on_path, version: 15 });
    }

    #[test]
    fn the_newest_version_of_the_usual_places_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let (old, new) = (fake(&root, "9", "14.9"), fake(&root, "10", "18beta1 (Debian 18)"));
        assert_eq!(search(&places(&[], &[&old, &new]), None).unwrap().version(), 18);
    }

    #[test]
    fn a_version_on_the_path_that_is_too_old_is_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let (on_path, usual) = (fake(&root, "a", "13.2"), fake(&root, "b", "16.1"));
        assert_eq!(search(&places(&[&on_path], &[&usual]), None).unwrap().version(), 16);
    }

    #[test]
    fn data_takes_the_programs_of_its_own_version() {
        let root = tempfile::tempdir().unwrap();
        let (on_path, usual) = (fake(&root, "a", "17.2"), fake(&root, "b", "15.1"));
        let data = Data { dir: Path::new("/data"), version: 15 };
        let places = places(&[&on_path], &[&usual]);
        assert_eq!(search(&places, Some(data)).unwrap().version(), 15);
        let error = search(&places, Some(Data { version: 16, ..data })).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the data in `/data` was made by PostgreSQL 16, but only version 17 is installed; \
             install version 16, or move the data with `pg_upgrade`, or choose another directory",
        );
    }

    #[test]
    fn only_an_old_version_names_it_and_the_fix() {
        let root = tempfile::tempdir().unwrap();
        let old = fake(&root, "a", "12.4");
        let error = named(&old, None).unwrap_err().to_string();
        assert!(error.contains("is version 12, but 14 or newer is needed"), "{error}");
        assert!(error.contains("SAAS_PG_BIN"), "{error}");
    }

    #[test]
    fn a_named_directory_without_the_programs_is_refused_not_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let error = named(root.path(), None).unwrap_err();
        assert!(matches!(error, EmbeddedError::NotBinaries { dir } if dir == root.path()));
    }

    #[test]
    fn nothing_found_says_what_to_install() {
        let error = search(&places(&[], &[]), None).unwrap_err().to_string();
        for hint in ["apt-get install postgresql", "dnf install", "brew install", "SAAS_PG_BIN"] {
            assert!(error.contains(hint), "{error}");
        }
    }
}
