use serde_json::json;

use super::{context::Context, output::Output};
use crate::failure::Failure;

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

impl Args {
    pub(super) async fn run(&self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let (faults, pending) = context
            .with_backend_as_it_is(async |backend| {
                let pending = backend.pending().await?;
                // What is not made yet cannot be looked at.
                let faults = if pending == 0 { backend.check().await? } else { Vec::new() };
                Ok((faults, pending))
            })
            .await?;
        let mut text = String::new();
        for fault in &faults {
            text.push_str(&format!(
                "{}: {} ({})\n  fix: {}\n",
                fault.severity, fault.what, fault.place, fault.fix
            ));
        }
        let refuses = faults.iter().any(|fault| fault.refuses());
        text.push_str(match (pending, faults.is_empty(), refuses) {
            (1.., ..) => "migrations are pending: run `membership migrate run --all`",
            (0, true, _) => "all is well: the database keeps tenants apart",
            (0, false, false) => "the database keeps tenants apart; see the warnings",
            (0, false, true) => "the application does not start on this database",
        });
        let answer = json!({ "faults": faults, "pending_migrations": pending });
        output.answer(&answer, &text)?;
        if refuses || pending > 0 { Err(Failure::Unsafe) } else { Ok(()) }
    }
}
