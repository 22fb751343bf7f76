use clap::Args;
use saas_core::TenantId;
use saas_tenancy::{Isolation, NewTenant, Slug, Status, TenancyError, Tenant, store::TenantChange};
use serde::Serialize;
use serde_json::json;

use super::{
    context::{self, Context},
    domain,
    output::{Output, table},
};
use crate::{boot::backend::Backend, failure::Failure};

/// How many tenants are read at once.
const PAGE: u32 = 500;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make a tenant and its home in the database.
    Create(Create),
    /// List all tenants.
    List,
    /// Show one tenant and its domains.
    Show(One),
    /// Stop serving a tenant. Its data stays.
    Suspend(One),
    /// Serve a suspended or paused tenant again.
    Resume(One),
    /// Erase a tenant and all its data. Its slug stays taken.
    Delete(Delete),
    /// Look after a tenant's own domains.
    #[command(subcommand)]
    Domain(domain::Command),
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The tenant's name in addresses.
    slug: Slug,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The tenant's name in addresses: 3 to 40 of a–z, 0–9 and `-`.
    slug: Slug,
    /// The tenant's name for people; the slug if it is left out.
    #[arg(long)]
    name: Option<String>,
    /// The wall around its data: `shared`, `schema` or `database`.
    #[arg(long, default_value_t)]
    isolation: Isolation,
}

#[derive(Debug, Args)]
pub(super) struct Delete {
    /// The tenant's name in addresses.
    slug: Slug,
    /// The same name again: nothing brings the data back.
    #[arg(long, value_name = "SLUG")]
    confirm: Slug,
}

impl Command {
    pub(super) async fn run(self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context, output).await,
            Self::List => list(context, output).await,
            Self::Show(one) => one.show(context, output).await,
            Self::Suspend(one) => one.set(Status::Suspended, context, output).await,
            Self::Resume(one) => one.set(Status::Active, context, output).await,
            Self::Delete(delete) => delete.run(context, output).await,
            Self::Domain(command) => command.run(context, output).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let name = self.name.unwrap_or_else(|| self.slug.to_string());
        let new =
            NewTenant::new(TenantId::generate(&context.clock), self.slug, name, self.isolation);
        let tenant = context
            .with_backend(async |backend| {
                backend.admin()?;
                Ok(backend.provisioner().provision(new).await?)
            })
            .await?;
        answer(output, &tenant)
    }
}

impl One {
    async fn show(&self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        let (tenant, domains) = context
            .with_backend(async |backend| {
                let tenant = context::tenant(backend, &self.slug).await?;
                let domains = backend.store().domains(tenant.id).await?;
                Ok((tenant, domains))
            })
            .await?;
        let shown = json!({ "tenant": &*tenant, "domains": domains });
        let mut text = table(HEAD, &[row(&tenant)]);
        for domain in &domains {
            let state = if domain.verified_at.is_some() { "verified" } else { "unverified" };
            text.push_str(&format!("\n{}  {state}", domain.name));
        }
        output.answer(&shown, &text)
    }

    async fn set(
        &self,
        status: Status,
        context: &Context,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let tenant = context
            .with_backend(async |backend| {
                backend.admin()?;
                let tenant = context::tenant(backend, &self.slug).await?;
                if !may_become(tenant.status, status) {
                    let text = format!(
                        "`{}` is {}, which does not become {status}",
                        self.slug, tenant.status
                    );
                    return Err(Failure::Usage(text));
                }
                let change = TenantChange { status: Some(status), ..TenantChange::default() };
                Ok(backend.store().update(tenant.id, change, Some(tenant.version)).await?)
            })
            .await?;
        answer(output, &tenant)
    }
}

impl Delete {
    async fn run(&self, context: &Context, output: &mut Output) -> Result<(), Failure> {
        if self.slug != self.confirm {
            let text = format!("`--confirm {}` does not repeat `{}`", self.confirm, self.slug);
            return Err(Failure::Usage(text));
        }
        context
            .with_backend(async |backend| {
                backend.admin()?;
                let tenant = context::tenant(backend, &self.slug).await?;
                Ok(backend.provisioner().deprovision(tenant.id).await?)
            })
            .await?;
        let text = format!("erased {}", self.slug);
        output.answer(&json!({ "deleted": self.slug }), &text)
    }
}

/// Resuming must not turn a trial into a paying tenant, nor bring back what has ended.
const fn may_become(before: Status, after: Status) -> bool {
    match after {
        Status::Active => {
            matches!(before, Status::Active | Status::Suspended | Status::Paused)
        }
        _ => !matches!(before, Status::Cancelled | Status::Deleting),
    }
}

const HEAD: [&str; 5] = ["SLUG", "NAME", "ISOLATION", "STATUS", "ID"];

fn row(tenant: &Tenant) -> [String; 5] {
    [
        tenant.slug.to_string(),
        tenant.name.clone(),
        tenant.placement.isolation.to_string(),
        tenant.status.to_string(),
        tenant.id.to_string(),
    ]
}

fn answer(output: &mut Output, tenant: &Tenant) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Answer<'a> {
        tenant: &'a Tenant,
    }
    output.answer(&Answer { tenant }, &table(HEAD, &[row(tenant)]))
}

async fn list(context: &Context, output: &mut Output) -> Result<(), Failure> {
    let tenants = context
        .with_backend(async |backend| {
            backend.admin()?;
            Ok(all(backend).await?)
        })
        .await?;
    let rows: Vec<_> = tenants.iter().map(|tenant| row(tenant)).collect();
    output.answer(&json!({ "tenants": tenants }), &table(HEAD, &rows))
}

/// Every tenant, page by page.
pub(super) async fn all(backend: &Backend) -> Result<Vec<std::sync::Arc<Tenant>>, TenancyError> {
    let mut tenants: Vec<std::sync::Arc<Tenant>> = Vec::new();
    loop {
        let after = tenants.last().map(|tenant| tenant.id);
        let page = backend.store().list(after, PAGE).await?;
        if page.is_empty() {
            return Ok(tenants);
        }
        tenants.extend(page);
    }
}
