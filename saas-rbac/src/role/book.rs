//! All roles of one tenant at one moment, and what they give together.

use std::collections::{BTreeSet, HashMap};

use saas_core::{TenantId, permission::PermissionSet};
use saas_tenancy::db::ControlTx;

use super::{NewRole, Role, RoleId, rows};
use crate::{error::AccessError, model::AccessModel};

/// The bits that a tenant's own roles can have. Bit 63 is the sign of a bigint.
const OWN_BITS: std::ops::RangeInclusive<u8> = 16..=62;

/// How many permissions and wildcards a role may be given.
const MAX_NAMES: usize = 256;

/// A role as it is written.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) bit: u8,
    pub(super) name: String,
    pub(super) description: String,
    /// Without wildcards, in the order of their bits.
    pub(super) permissions: Vec<String>,
    pub(super) includes: i64,
}

/// A role as the database knows it; without id if it is not there yet.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: Option<RoleId>,
    pub(super) gives: PermissionSet,
    pub(super) version: i64,
    pub(super) draft: Draft,
}

/// The fixed roles and the tenant's own.
#[derive(Debug, Clone)]
pub(crate) struct Book {
    model: AccessModel,
    own: Vec<Known>,
}

impl Book {
    /// Reads the roles of the transaction's tenant.
    pub(crate) async fn load(
        tx: &mut ControlTx,
        tenant: TenantId,
        model: AccessModel,
    ) -> Result<Self, AccessError> {
        Ok(Self { model, own: rows::read(tx, tenant).await? })
    }

    /// The bit of the role with this name, for a mask.
    pub(crate) fn mask_named(&self, name: &str) -> Result<i64, AccessError> {
        if let Some(fixed) = self.model.fixed_roles().by_name(name) {
            return Ok(fixed.mask());
        }
        let own = self.own.iter().find(|known| same_name(&known.draft.name, name));
        let unknown = || AccessError::UnknownRole(name.chars().take(100).collect());
        own.map(|known| 1 << known.draft.bit).ok_or_else(unknown)
    }

    /// The names of the roles in `mask`, fixed ones first.
    pub(crate) fn names(&self, mask: i64) -> Vec<String> {
        let fixed = self.model.fixed_roles().in_mask(mask).map(|role| role.name().to_owned());
        let own = self.own.iter().filter(|known| mask & (1 << known.draft.bit) != 0);
        fixed.chain(own.map(|known| known.draft.name.clone())).collect()
    }

    /// What the roles in `mask` give together.
    pub(crate) fn permissions(&self, mask: i64) -> PermissionSet {
        let own = self.own.iter().filter(|known| mask & (1 << known.draft.bit) != 0);
        own.fold(self.model.fixed_roles().permissions(mask), |set, known| set.union(known.gives))
    }

    /// The names of permissions.
    pub(super) fn named(&self, set: PermissionSet) -> Vec<String> {
        self.model.names(set)
    }

    /// The roles as people see them.
    pub(super) fn roles(&self) -> Vec<Role> {
        let fixed = self.model.fixed_roles().iter().map(|role| Role {
            id: None,
            name: role.name().to_owned(),
            description: String::new(),
            permissions: self.model.names(role.permissions()),
            includes: Vec::new(),
            gives: role.permissions(),
            version: 0,
        });
        fixed.chain(self.own.iter().map(|known| self.shown(known))).collect()
    }

    pub(super) fn role(&self, id: RoleId) -> Result<Role, AccessError> {
        self.find(id).map(|known| self.shown(known))
    }

    pub(super) fn bit_of(&self, id: RoleId) -> Result<u8, AccessError> {
        self.find(id).map(|known| known.draft.bit)
    }

    pub(super) fn gives(&self, bit: u8) -> PermissionSet {
        self.permissions(1 << bit)
    }

    pub(super) fn free_bit(&self) -> Result<u8, AccessError> {
        let taken: BTreeSet<u8> = self.own.iter().map(|known| known.draft.bit).collect();
        OWN_BITS.into_iter().find(|bit| !taken.contains(bit)).ok_or(AccessError::TooManyRoles)
    }

    /// Checks the input and expands its wildcards.
    pub(super) fn draft(&self, new: &NewRole, bit: u8) -> Result<Draft, AccessError> {
        let name = new.name.trim();
        check_text("name", name, 1..=100)?;
        check_text("description", &new.description, 0..=500)?;
        let fixed = self.model.fixed_roles().iter().any(|role| same_name(role.name(), name));
        let mut others = self.own.iter().filter(|known| known.draft.bit != bit);
        if fixed || others.any(|known| same_name(&known.draft.name, name)) {
            return Err(AccessError::RoleNameTaken);
        }
        if new.permissions.len() > MAX_NAMES {
            return Err(AccessError::invalid("permissions", format!("at most {MAX_NAMES} names")));
        }
        let permissions = self.model.names(self.model.expand(&new.permissions)?);
        let mut includes = 0;
        for include in &new.includes {
            includes |= self.mask_named(include)?;
        }
        let (name, description) = (name.to_owned(), new.description.clone());
        Ok(Draft { bit, name, description, permissions, includes })
    }

    /// The same roles with this one as it would be, and what all of them would then give.
    pub(super) fn with(&self, draft: &Draft) -> Result<Self, AccessError> {
        let mut after = self.clone();
        match after.own.iter_mut().find(|known| known.draft.bit == draft.bit) {
            Some(known) => known.draft = draft.clone(),
            None => after.own.push(Known {
                id: None,
                gives: PermissionSet::EMPTY,
                version: 0,
                draft: draft.clone(),
            }),
        }
        let mut flattened = HashMap::new();
        for known in &after.own {
            after.flatten(known.draft.bit, &mut Vec::new(), &mut flattened)?;
        }
        for known in &mut after.own {
            known.gives = flattened.get(&known.draft.bit).copied().unwrap_or_default();
        }
        Ok(after)
    }

    /// What a role gives with all that it includes. `path` are the roles on the way to it.
    fn flatten(
        &self,
        bit: u8,
        path: &mut Vec<u8>,
        done: &mut HashMap<u8, PermissionSet>,
    ) -> Result<PermissionSet, AccessError> {
        if let Some(set) = done.get(&bit) {
            return Ok(*set);
        }
        if path.contains(&bit) {
            return Err(self.cycle(path, bit));
        }
        let Some(known) = self.own.iter().find(|known| known.draft.bit == bit) else {
            return Ok(self.model.fixed_roles().permissions(1 << bit));
        };
        path.push(bit);
        let mut set = self.model.stored(&known.draft.permissions);
        for included in (0..=62).filter(|included| known.draft.includes & (1 << included) != 0) {
            set = set.union(self.flatten(included, path, done)?);
        }
        path.pop();
        done.insert(bit, set);
        Ok(set)
    }

    fn cycle(&self, path: &[u8], bit: u8) -> AccessError {
        let circle = path.iter().skip_while(|one| **one != bit).chain([&bit]);
        let names: Vec<_> = circle.flat_map(|bit| self.names(1 << bit)).collect();
        AccessError::RoleCycle(names.join(" → "))
    }

    fn shown(&self, known: &Known) -> Role {
        Role {
            id: known.id,
            name: known.draft.name.clone(),
            description: known.draft.description.clone(),
            permissions: known.draft.permissions.clone(),
            includes: self.names(known.draft.includes),
            gives: known.gives,
            version: known.version,
        }
    }

    fn find(&self, id: RoleId) -> Result<&Known, AccessError> {
        let found = self.own.iter().find(|known| known.id == Some(id));
        found.ok_or(AccessError::NotFound("role"))
    }
}

fn same_name(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn check_text(
    field: &'static str,
    text: &str,
    length: std::ops::RangeInclusive<usize>,
) -> Result<(), AccessError> {
    if length.contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let (from, to) = (length.start(), length.end());
    Err(AccessError::invalid(field, format!("{from} to {to} characters, none of them a control")))
}
