use saas_core::TenantId;
use saas_rbac::{
    operate::{Operator, Staff},
    password::{PasswordHash, PasswordOptions, Passwords},
    user::{Email, EmailProof, NewUser, User, Users},
};
use saas_tenancy::ResolvedTenant;

use super::tenants::ALL;
use crate::{access::ROLES, boot::backend::Backend, failure::Failure};

/// The password of everybody in the demo.
pub const PASSWORD: &str = "demo-password-1";

/// Somebody who belongs to two tenants, with a role in each.
const CONSULTANT: (&str, [(&str, &str); 2]) =
    ("consultant@saas.test", [("acme", "member"), ("globex", "viewer")]);

/// Who runs the application.
const ROOT: &str = "root@saas.test";

/// Everybody who can sign in to the demo: each role of each tenant, and two more.
#[must_use]
pub fn emails() -> Vec<String> {
    let of_tenants = ALL.iter().flat_map(|tenant| {
        ROLES.iter().map(move |role| format!("{}@{}.test", role.name(), tenant.slug))
    });
    of_tenants.chain([CONSULTANT.0, ROOT].map(str::to_owned)).collect()
}

/// Makes those who are missing. Whoever is there stays as they are.
pub(super) async fn make(backend: &Backend) -> Result<(), Failure> {
    let mut people = People::of(backend);
    for tenant in &ALL {
        let id = find(backend, tenant.slug).await?;
        for role in ROLES.iter() {
            let email = format!("{}@{}.test", role.name(), tenant.slug);
            let name = format!("{} {}", tenant.name, role.name());
            let user = people.find_or_make(&email, &name).await?;
            people.operator.enlist(id, user.id, role.name()).await?;
        }
    }
    let (email, memberships) = CONSULTANT;
    let user = people.find_or_make(email, "Consultant").await?;
    for (slug, role) in memberships {
        people.operator.enlist(find(backend, slug).await?, user.id, role).await?;
    }
    let root = people.find_or_make(ROOT, "Root").await?;
    if !root.is_super_admin {
        people.operator.set_staff(root.id, Staff::SuperAdmin).await?;
    }
    Ok(())
}

async fn find(backend: &Backend, slug: &str) -> Result<TenantId, Failure> {
    let slug = slug.parse().map_err(Failure::other("name a tenant of the demo"))?;
    Ok(ResolvedTenant::by_slug(backend.store(), &slug).await?.id)
}

/// Makes people, all with one password that is hashed once at most.
struct People {
    users: Users,
    operator: Operator,
    passwords: Passwords,
    hash: Option<PasswordHash>,
}

impl People {
    fn of(backend: &Backend) -> Self {
        let passwords = Passwords::new(PasswordOptions::new());
        Self { users: backend.users(), operator: backend.operator(), passwords, hash: None }
    }

    async fn find_or_make(&mut self, email: &str, name: &str) -> Result<User, Failure> {
        let email = Email::parse(email).map_err(Failure::other("read an address of the demo"))?;
        if let Some(user) = self.users.by_email(&email).await? {
            return Ok(user);
        }
        let hash = self.hash().await?;
        let new = NewUser::new(email, name)?.with_password(hash).with_proof(EmailProof::Given);
        Ok(self.users.create(new).await?)
    }

    async fn hash(&mut self) -> Result<PasswordHash, Failure> {
        if let Some(hash) = &self.hash {
            return Ok(hash.clone());
        }
        let hash = self.passwords.hash(&PASSWORD.into()).await;
        let hash = hash.map_err(Failure::other("hash the password of the demo"))?;
        Ok(self.hash.insert(hash).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_of_the_demo_is_listed() {
        let emails = emails();
        assert_eq!(emails.len(), 4 * ALL.len() + 2);
        for email in ["owner@acme.test", "viewer@umbrella.test", CONSULTANT.0, ROOT] {
            assert!(emails.iter().any(|one| one == email), "{email}");
        }
    }
}
