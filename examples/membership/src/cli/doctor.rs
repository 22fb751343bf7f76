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
                // Only the administrator can tell; the checks need nobody but the application.
                let pending = match backend.admin() {
                    Ok(_) => Some(backend.pending().await?),
                    Err(_) => None,
                };
                // What is not made yet cannot be looked at.
                let complete = pending.unwrap_or(0) == 0;
                let faults = if complete { backend.check().await? } else { Vec::new() };
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
        text.push_str(match (pending.unwrap_or(0), faults.is_empty(), refuses) {
            (1.., ..) => "migrations are pending: run `membership migrate run --all`",
            (0, true, _) => "all is well: the database keeps tenants apart",
            (0, false, false) => "the database keeps tenants apart; see the warnings",
            (0, false, true) => "the application does not start on this database",
        });
        let answer = json!({ "faults": faults, "pending_migrations": pending });
        output.answer(&answer, &text)?;
        if refuses || pending.unwrap_or(0) > 0 { Err(Failure::Unsafe) } else { Ok(()) }
    }
}
