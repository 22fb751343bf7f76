use std::io::{self, IsTerminal, Write};

use saas_core::Clock;
use saas_tenancy::{ResolvedTenant, Slug, TenancyError};

use crate::{
    boot::{backend::Backend, data::DataDir, progress::Progress},
    config::Config,
    failure::Failure,
};

/// What every command is given.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) data: DataDir,
    pub(super) clock: Clock,
}

impl Context {
    /// Runs `work` on the application's database as its administrator, and lets go of it whatever
    /// comes of that. A private database is prepared for this version of the program first.
    pub(super) async fn with_backend<T>(
        &self,
        work: impl AsyncFnOnce(&Backend) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with_backend_as_it_is(async |backend| {
            backend.admin()?;
            if backend.is_ours() {
                let progress = Progress::new();
                backend.prepare(&progress).await?;
                progress.finish();
            } else {
                backend.require_tables().await?;
            }
            work(backend).await
        })
        .await
    }

    /// The same, without preparing anything, and with an administrator only if there is one.
    pub(super) async fn with_backend_as_it_is<T>(
        &self,
        work: impl AsyncFnOnce(&Backend) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let progress = Progress::new();
        let backend = Backend::open(&self.config, &self.data, &self.clock, &progress).await?;
        progress.finish();
        let done = work(&backend).await;
        let stopped = backend.stop().await;
        let done = done?;
        stopped.map(|()| done)
    }
}

/// The tenant of this name.
pub(super) async fn tenant(backend: &Backend, slug: &Slug) -> Result<ResolvedTenant, Failure> {
    match ResolvedTenant::by_slug(backend.store(), slug).await {
        Err(TenancyError::NotFound) => {
            Err(Failure::NotFound { kind: "tenant", name: slug.to_string() })
        }
        found => Ok(found?),
    }
}

/// Asks on the terminal. Without one nobody can agree.
pub(super) fn agreed(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    let ask = || {
        let mut terminal = io::stderr();
        write!(terminal, "{question} [y/N] ")?;
        terminal.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    };
    ask().map_err(Failure::io("ask on the terminal"))
}
