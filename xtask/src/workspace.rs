//! Where the workspace is and what it is made of, read from its manifests.
//!
//! The manifests are ours and plain, so that a few lines read them and no parser has to be
//! compiled before the first command can run.

use std::{fs, path::Path};

use crate::failure::Failure;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("xtask is a directory of the workspace")
}

/// The directories of the members, relative to the root.
pub(crate) fn members() -> Result<Vec<String>, Failure> {
    Ok(quoted_list(&read("Cargo.toml")?, "members"))
}

/// The features of a member, without `default`.
pub(crate) fn features(member: &str) -> Result<Vec<String>, Failure> {
    Ok(keys(&read(&format!("{member}/Cargo.toml"))?, "features"))
}

/// A file of the workspace, by its path from the root.
pub(crate) fn read(path: &str) -> Result<String, Failure> {
    let path = root().join(path);
    fs::read_to_string(&path).map_err(Failure::file(path))
}

fn quoted_list(manifest: &str, key: &str) -> Vec<String> {
    let after = manifest.split_once(&format!("\n{key} = [")).map_or("", |(_, after)| after);
    let list = after.split_once(']').map_or("", |(list, _)| list);
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn keys(manifest: &str, table: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| *line != format!("[{table}]")).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let keys = lines.filter(|line| !line.starts_with([' ', '#', ']']));
    let keys = keys.filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned());
    keys.filter(|key| key != "default").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_from_one_line_or_several() {
        let one = "[workspace]\nmembers = [\"a\", \"b/c\"]\n";
        let several = "[workspace]\nmembers = [\n  \"a\",\n  \"b/c\",\n]\n";
        for manifest in [one, several] {
            assert_eq!(quoted_list(manifest, "members"), ["a", "b/c"]);
        }
    }

    #[test]
    fn features_are_the_keys_of_their_table_without_default() {
        let manifest = "[features]\ndefault = [\"axum\"]\n## docs = no\naxum = [\n  \"dep:x\",\n]\n\n[dependencies]\nx = \"1\"\n";
        assert_eq!(keys(manifest, "features"), ["axum"]);
        assert!(keys("[package]\nname = \"x\"\n", "features").is_empty());
    }

    #[test]
    fn this_crate_is_a_member_of_the_workspace() {
        assert!(members().unwrap().contains(&"xtask".to_owned()));
    }
}
