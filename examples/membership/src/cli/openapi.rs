use std::{fs, path::PathBuf};

use super::output::Output;
use crate::{app, failure::Failure};

/// Options of `openapi`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write to this file in place of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Args {
    pub(super) fn run(&self, output: &mut Output) -> Result<(), Failure> {
        let document = app::document().map_err(Failure::other("guard every route by its rule"))?;
        let text = document.to_pretty_json().map_err(Failure::other("write the document"))?;
        let Some(file) = &self.output else { return output.answer(&document, &text) };
        let name = file.display().to_string();
        fs::write(file, text + "\n").map_err(Failure::io(format!("write `{name}`")))?;
        output.answer(&serde_json::json!({ "written": name }), &format!("wrote {name}"))
    }
}
