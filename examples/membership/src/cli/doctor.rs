use serde_json::json;

use super::{context::Context, output::Output};
use crate::failure::Failure;

const UNSEEN: &str = "\nnot looked at without `ADMIN_DATABASE_URL`: migrations, and databases that \
                      tenants have for themselves";

/// Options of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

impl Args {
    pub(super) async fn run(&self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let (faults, pending) = context
            .with_backend_as_it_is(async |backend| {
                // Only an administrator sees migrations.
                let pending = match backend.admin() {
                    Ok(_) => Some(backend.pending().await?),
                    Err(_) => None,
                };
                // What is not made yet cannot be looked at.
                let made = pending.unwrap_or(0) == 0;
                let faults = if made { backend.check().await? } else { Vec::new() };
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
        let migrated = pending.unwrap_or(0) == 0;
        text.push_str(match (migrated, faults.is_empty(), refuses) {
            (false, ..) => "migrations are pending: run `membership migrate run --all`",
            (true, true, _) => "all is well: the database keeps tenants apart",
            (true, false, false) => "the database keeps tenants apart; see the warnings",
            (true, false, true) => "the application does not start on this database",
        });
        if pending.is_none() {
            text.push_str(UNSEEN);
        }
        let answer = json!({ "faults": faults, "pending_migrations": pending });
        output.answer(&answer, &text)?;
        if refuses || !migrated { Err(Failure::NotReady) } else { Ok(()) }
    }
}
