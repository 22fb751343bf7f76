use super::{
    context::Context,
    output::{Output, table},
};
use crate::{boot::progress::Progress, demo, failure::Failure};

/// Options of `seed`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How many members the largest demo tenant, `acme`, has afterwards.
    #[arg(long, default_value_t = demo::MEMBERS, value_name = "N")]
    members: u64,
}

impl Args {
    pub(super) async fn run(&self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let progress = Progress::new();
        let loaded = context
            .with_backend(async |backend| demo::load(backend, self.members, &progress).await)
            .await?;
        progress.finish();
        let rows: Vec<_> = loaded
            .iter()
            .map(|one| [one.tenant.to_owned(), one.added.to_string(), one.members.to_string()])
            .collect();
        output.answer(&loaded, &table(["TENANT", "ADDED", "MEMBERS"], &rows))
    }
}
