use clap::{ArgGroup, Args};
use saas_tenancy::Slug;
use serde::Serialize;

use super::{
    context::{self, Context},
    output::{Output, table},
};
use crate::{
    boot::{
        backend::Backend,
        plane::{self, Plane},
        progress::Progress,
    },
    failure::Failure,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show which migrations are applied where.
    Status,
    /// Apply what is pending.
    Run(Run),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true))]
pub(super) struct Run {
    /// Only where this tenant's tables are.
    #[arg(long, value_name = "SLUG", group = "where")]
    tenant: Option<Slug>,
    /// The control plane and every tenant.
    #[arg(long, group = "where")]
    all: bool,
    /// Say what would be applied, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A migration in one place.
#[derive(Debug, Serialize)]
struct Line {
    place: String,
    migration: String,
    state: &'static str,
}

impl Command {
    pub(super) async fn run(self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let lines = match self {
            Self::Status => {
                let backend =
                    async |backend: &Backend| standing(backend, backend.planes().await?).await;
                context.with_backend_as_it_is(backend).await?
            }
            Self::Run(run) => {
                context.with_backend_as_it_is(async |backend| run.apply(backend).await).await?
            }
        };
        let rows: Vec<_> = lines
            .iter()
            .map(|line| [line.place.clone(), line.migration.clone(), line.state.to_owned()])
            .collect();
        output.answer(&lines, &table(["PLACE", "MIGRATION", "STATE"], &rows))
    }
}

impl Run {
    async fn apply(&self, backend: &Backend) -> Result<Vec<Line>, Failure> {
        let admin = backend.admin()?;
        if !self.dry_run && self.all {
            // Everything that the start of the application does, checks included.
            let progress = Progress::new();
            backend.prepare(&progress).await?;
            progress.finish();
        }
        let planes = match &self.tenant {
            Some(slug) => {
                let tenant = context::tenant(backend, slug).await?;
                vec![Plane::of(&tenant)]
            }
            None => backend.planes().await?,
        };
        if !self.dry_run && !self.all {
            for plane in &planes {
                plane::migrate(admin, plane).await?;
            }
        }
        standing(backend, planes).await
    }
}

async fn standing(backend: &Backend, planes: Vec<Plane>) -> Result<Vec<Line>, Failure> {
    let admin = backend.admin()?;
    let mut lines = Vec::new();
    for place in planes {
        for one in plane::status(admin, &place).await? {
            let state = if one.applied_at.is_some() { "applied" } else { "pending" };
            let migration = one.migration.name.to_owned();
            lines.push(Line { place: place.to_string(), migration, state });
        }
    }
    Ok(lines)
}
