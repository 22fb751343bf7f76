//! The names of what the application does.

use saas_core::audit::Action;

/// A member was added.
pub const MEMBER_CREATE: Action = Action::literal("member.create");
/// A member was changed.
pub const MEMBER_UPDATE: Action = Action::literal("member.update");
/// A member was deactivated.
pub const MEMBER_DEACTIVATE: Action = Action::literal("member.deactivate");
/// Many members were changed at once.
pub const MEMBER_BULK: Action = Action::literal("member.bulk");
/// Members were imported from a file.
pub const MEMBER_IMPORT: Action = Action::literal("member.import");
/// A membership type was added.
pub const TYPE_CREATE: Action = Action::literal("membership_type.create");
/// A membership type was changed.
pub const TYPE_UPDATE: Action = Action::literal("membership_type.update");
/// A membership type was deleted.
pub const TYPE_DELETE: Action = Action::literal("membership_type.delete");
/// A tenant was made.
pub const TENANT_CREATE: Action = Action::literal("tenant.create");
/// Name or settings of the tenant were changed.
pub const TENANT_UPDATE: Action = Action::literal("tenant.update");
/// The looks of the tenant were changed.
pub const BRANDING_UPDATE: Action = Action::literal("tenant.update_branding");
/// The operator stopped the tenant.
pub const TENANT_SUSPEND: Action = Action::literal("tenant.suspend");
/// The operator lets the tenant go on.
pub const TENANT_RESUME: Action = Action::literal("tenant.resume");
/// A domain was claimed.
pub const DOMAIN_CLAIM: Action = Action::literal("domain.claim");
/// A domain was given up.
pub const DOMAIN_RELEASE: Action = Action::literal("domain.release");
/// The log was taken out of the application.
pub const AUDIT_EXPORT: Action = Action::literal("audit.export");
/// The log was verified.
pub const AUDIT_VERIFY: Action = Action::literal("audit.verify");
/// Somebody was refused.
pub const ACCESS_REFUSED: Action = Action::literal("access.refused");
