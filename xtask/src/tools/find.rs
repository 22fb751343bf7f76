//! Where the programs of a tool are.

use std::{
    cmp::Reverse,
    env, fs,
    path::{Path, PathBuf},
};

use super::{Tool, version::Version};
use crate::run;

/// The directory with the tool's programs in a version that will do.
///
/// The one that the user names is the only one looked at; then `PATH`, then the usual places,
/// the newest version first.
pub(super) fn find(tool: &Tool) -> Option<PathBuf> {
    let places = match named(tool) {
        Some(directory) => vec![directory],
        None => on_path().chain(tool.look_in.iter().flat_map(|place| expand(place))).collect(),
    };
    places.into_iter().find(|directory| holds(directory, tool))
}

/// The directory that the user names in the tool's variable.
pub(super) fn named(tool: &Tool) -> Option<PathBuf> {
    tool.variable.and_then(env::var_os).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Whether a program of this name is on `PATH`.
pub(super) fn is_on_path(program: &str) -> bool {
    on_path().any(|directory| directory.join(program).is_file())
}

fn on_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn holds(directory: &Path, tool: &Tool) -> bool {
    if !tool.programs.iter().all(|program| directory.join(program).is_file()) {
        return false;
    }
    let program = directory.join(tool.programs[0]);
    let answer = run::quiet(run::command(&program.to_string_lossy()).arg("--version"));
    answer.ok().and_then(|text| Version::find(&text)).is_some_and(|found| found >= tool.at_least)
}

/// The directories that a path with one `*` stands for, the newest version first.
fn expand(place: &str) -> Vec<PathBuf> {
    let Some((before, after)) = place.split_once('*') else { return vec![place.into()] };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort_by_key(|name| Reverse(Version::find(&name[prefix.len()..])));
    names.into_iter().map(|name| format!("{parent}/{name}{after}").into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first_and_numbers_are_not_compared_as_text() {
        let place = env::temp_dir().join(format!("xtask-find-{}", std::process::id()));
        for name in ["pg-9.6", "pg-15", "pg-9.10", "other-16"] {
            fs::create_dir_all(place.join(name).join("bin")).unwrap();
        }
        let found = expand(&format!("{}/pg-*/bin", place.display()));
        fs::remove_dir_all(&place).unwrap();
        let expected = ["pg-15/bin", "pg-9.10/bin", "pg-9.6/bin"];
        assert_eq!(found, expected.map(|name| place.join(name)));
    }

    #[test]
    fn a_place_that_does_not_exist_holds_nothing() {
        assert!(expand("/no/such/*/bin").is_empty());
        assert_eq!(expand("/plain"), [PathBuf::from("/plain")]);
    }

    #[test]
    fn the_shell_is_on_the_path() {
        assert!(is_on_path("sh"));
        assert!(!is_on_path("no-such-program"));
    }
}
