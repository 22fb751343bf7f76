//! What the application declares: its permissions and the roles that every tenant has.

use saas_core::permission::PermissionSet;

use crate::{
    error::AccessError,
    permission::{Catalogue, FixedRoles},
};

/// The bit of the owner's role. A tenant always has at least one owner.
pub const OWNER_BIT: u8 = 0;

/// The permissions and the fixed roles of an application. Cheap to copy.
///
/// The fixed role with bit [`OWNER_BIT`] is the owner's; [`publish`](crate::schema::publish) refuses
/// a model without one.
#[derive(Debug, Clone, Copy)]
pub struct AccessModel {
    catalogue: Catalogue,
    fixed_roles: FixedRoles,
}

impl AccessModel {
    /// Ties the two together.
    #[must_use]
    pub const fn new(catalogue: Catalogue, fixed_roles: FixedRoles) -> Self {
        Self { catalogue, fixed_roles }
    }

    /// The permissions.
    #[must_use]
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The roles that every tenant has.
    #[must_use]
    pub const fn fixed_roles(&self) -> &FixedRoles {
        &self.fixed_roles
    }

    /// The names of the permissions in `set`. Bits that no permission has are left out.
    #[must_use]
    pub fn names(&self, set: PermissionSet) -> Vec<String> {
        self.catalogue.names(set).map(str::to_owned).collect()
    }

    /// The set that names and wildcards stand for now.
    ///
    /// # Errors
    /// [`AccessError::UnknownPermission`] with the first name that is none.
    pub fn expand(&self, names: &[String]) -> Result<PermissionSet, AccessError> {
        names.iter().try_fold(PermissionSet::EMPTY, |set, name| {
            let more = self.catalogue.expand(name);
            let unknown = |_| AccessError::UnknownPermission(name.chars().take(64).collect());
            more.map(|more| set.union(more)).map_err(unknown)
        })
    }

    /// What stored names stand for. One that the application no longer declares gives nothing.
    #[cfg(feature = "postgres")]
    pub(crate) fn stored(&self, names: &[String]) -> PermissionSet {
        let infos = names.iter().filter_map(|name| self.catalogue.parse(name));
        infos.map(|info| info.bit).collect()
    }
}
