use clap::Args;
use saas_tenancy::{Slug, resolve::HostName};
use serde_json::json;

use super::{
    context::{self, Context},
    output::Output,
};
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// State that a domain's TXT record was seen, so that the domain leads to the tenant.
    ///
    /// Look it up first: `dig TXT _saas-verify.DOMAIN` must show the token of the claim.
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The tenant's name in addresses.
    slug: Slug,
    /// The domain it claims.
    domain: HostName,
    /// You have seen the record. Without this the command asks on the terminal.
    #[arg(long)]
    yes: bool,
}

impl Command {
    pub(super) async fn run(self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let Self::Verify(verify) = self;
        verify.run(context, output).await
    }
}

impl Verify {
    async fn run(&self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let verified = context
            .with_backend(async |backend| {
                backend.admin()?;
                let tenant = context::tenant(backend, &self.slug).await?;
                let domains = backend.store().domains(tenant.id).await?;
                let claim = domains.into_iter().find(|domain| domain.name == self.domain);
                let claim = claim.ok_or_else(|| Failure::NotFound {
                    kind: "domain",
                    name: self.domain.to_string(),
                })?;
                let record = format!("_saas-verify.{} TXT {}", claim.name, claim.token);
                if !self.yes && !context::agreed(&format!("Does the DNS show `{record}`?"))? {
                    let text = format!("not verified; publish `{record}` first, or use `--yes`");
                    return Err(Failure::Usage(text));
                }
                let now = backend.clock().now();
                backend.store().set_verified(tenant.id, claim.id, Some(now)).await?;
                Ok(json!({ "domain": claim.name, "verified_at": now }))
            })
            .await?;
        output.answer(&verified, &format!("{} leads to {} now", self.domain, self.slug))
    }
}
