//! What a permission check costs, beside two usual ways to do it, over one matrix of four roles.
//!
//! `grants` is ours, `names` a lookup in a `HashSet<String>` that was filled before, and `casbin` an
//! established policy engine with the same matrix as rules of one tenant. Each answers the same
//! question about a member: one permission that the role has, and one that it lacks.

use std::collections::HashSet;

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};
use divan::{Bencher, black_box};
use saas_core::permission::{Grants, Terms};
use saas_rbac::permission::{FixedRole, FixedRoles, Permission, PermissionSet};

use perm::CATALOGUE;

saas_rbac::permissions! {
    /// What people may do in the application that the matrix is from.
    mod perm {
        members {
            /// See members.
            Read: "read" = 0, Low;
            /// Add members.
            Create: "create" = 1, Low;
            /// Change members.
            Update: "update" = 2, Low;
            /// Take members out.
            Deactivate: "deactivate" = 3, High;
            /// Read members from a file.
            Import: "import" = 4, High;
            /// Write members to a file.
            Export: "export" = 5, High;
        }
        membership_types {
            /// See tiers.
            Read: "read" = 8, Low;
            /// Change tiers.
            Manage: "manage" = 9, High;
        }
        analytics {
            /// See figures.
            View: "view" = 16, Low;
        }
        documents {
            /// Read documents.
            Read: "read" = 20, Low;
            /// Write documents.
            Write: "write" = 21, Low;
        }
        messages {
            /// Read messages.
            Read: "read" = 24, Low;
            /// Write messages.
            Write: "write" = 25, Low;
        }
        events {
            /// Send events.
            Write: "write" = 28, Low;
        }
        reports {
            /// Read reports.
            Read: "read" = 32, Low;
            /// Write reports.
            Manage: "manage" = 33, Low;
        }
        team {
            /// See the team.
            Read: "read" = 40, Low;
            /// Invite people.
            Invite: "invite" = 41, High;
            /// Remove people.
            Remove: "remove" = 42, High;
            /// Change roles of people.
            UpdateRole: "update_role" = 43, High;
            /// Give the tenant to somebody else.
            TransferOwnership: "transfer_ownership" = 44, Critical;
        }
        roles {
            /// See roles.
            Read: "read" = 48, Low;
            /// Change roles.
            Manage: "manage" = 49, Critical;
        }
        api_keys {
            /// Make and revoke keys.
            Manage: "manage" = 52, High;
        }
        audit {
            /// Read the audit log.
            Read: "read" = 56, High;
        }
        settings {
            /// See settings.
            Read: "read" = 60, Low;
        }
        billing {
            /// See invoices.
            View: "view" = 64, Low;
            /// Change the plan.
            Manage: "manage" = 65, Critical;
        }
        tenant {
            /// Change settings.
            Manage: "manage" = 72, High;
            /// Close the tenant.
            Delete: "delete" = 73, Critical;
        }
    }
}

const VIEWER: PermissionSet = CATALOGUE.select(&[
    "members:read",
    "membership_types:read",
    "analytics:view",
    "documents:read",
    "messages:read",
]);
const MEMBER: PermissionSet = VIEWER.union(CATALOGUE.select(&[
    "members:create",
    "members:update",
    "documents:write",
    "messages:write",
    "events:write",
]));
const OWNER: PermissionSet = CATALOGUE.all();
const ADMIN: PermissionSet = OWNER.difference(CATALOGUE.select(&[
    "roles:manage",
    "billing:manage",
    "tenant:*",
    "team:transfer_ownership",
]));
const ROLES: FixedRoles = FixedRoles::new(&[
    FixedRole::new(0, "owner", OWNER),
    FixedRole::new(1, "admin", ADMIN),
    FixedRole::new(2, "member", MEMBER),
    FixedRole::new(3, "viewer", VIEWER),
]);

/// Who asks.
const USER: &str = "kim";

type Held = perm::members::Update;
type Lacked = perm::members::Export;

fn main() {
    divan::main();
}

#[divan::bench_group(name = "one_that_the_role_has")]
mod held {
    use super::{Bencher, CoreApi, Held, Permission, black_box, enforcer, grants, names, parts};

    #[divan::bench(name = "grants")]
    fn by_bit(bencher: Bencher<'_, '_>) {
        let grants = grants();
        assert!(grants.allows::<Held>());
        bencher.bench_local(|| black_box(&grants).allows::<Held>());
    }

    #[divan::bench(name = "names")]
    fn by_name(bencher: Bencher<'_, '_>) {
        let names = names();
        assert!(names.contains(Held::NAME));
        bencher.bench_local(|| black_box(&names).contains(black_box(Held::NAME)));
    }

    #[divan::bench(name = "casbin")]
    fn by_policy(bencher: Bencher<'_, '_>) {
        let enforcer = enforcer();
        assert!(matches!(enforcer.enforce(parts::<Held>()), Ok(true)));
        bencher.bench_local(|| enforcer.enforce(black_box(parts::<Held>())));
    }
}

#[divan::bench_group(name = "one_that_it_lacks")]
mod lacked {
    use super::{Bencher, CoreApi, Lacked, Permission, black_box, enforcer, grants, names, parts};

    #[divan::bench(name = "grants")]
    fn by_bit(bencher: Bencher<'_, '_>) {
        let grants = grants();
        assert!(!grants.allows::<Lacked>());
        bencher.bench_local(|| black_box(&grants).allows::<Lacked>());
    }

    #[divan::bench(name = "names")]
    fn by_name(bencher: Bencher<'_, '_>) {
        let names = names();
        assert!(!names.contains(Lacked::NAME));
        bencher.bench_local(|| black_box(&names).contains(black_box(Lacked::NAME)));
    }

    #[divan::bench(name = "casbin")]
    fn by_policy(bencher: Bencher<'_, '_>) {
        let enforcer = enforcer();
        assert!(matches!(enforcer.enforce(parts::<Lacked>()), Ok(false)));
        bencher.bench_local(|| enforcer.enforce(black_box(parts::<Lacked>())));
    }
}

/// What is done once a request, before any check.
#[divan::bench]
fn compute_the_grants(bencher: Bencher<'_, '_>) {
    let terms = Terms { plan: ADMIN, ..Terms::of_roles(MEMBER) };
    bencher.bench_local(|| Grants::new(black_box(terms)));
}

fn grants() -> Grants {
    Grants::new(Terms::of_roles(MEMBER))
}

fn names() -> HashSet<String> {
    CATALOGUE.names(MEMBER).map(str::to_owned).collect()
}

/// A question as casbin takes it.
fn parts<P: Permission>() -> (&'static str, &'static str, &'static str) {
    let (resource, action) = split(P::NAME);
    (USER, resource, action)
}

fn split(name: &'static str) -> (&'static str, &'static str) {
    name.split_once(':').expect("the catalogue has checked it")
}

/// The same four roles as rules.
fn enforcer() -> Enforcer {
    const MODEL: &str = "
        [request_definition]
        r = sub, obj, act
        [policy_definition]
        p = sub, obj, act
        [role_definition]
        g = _, _
        [policy_effect]
        e = some(where (p.eft == allow))
        [matchers]
        m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
    ";
    let rules = ROLES.iter().flat_map(|role| {
        CATALOGUE.names(role.permissions()).map(split).map(|(resource, action)| {
            vec![role.name().to_owned(), resource.to_owned(), action.to_owned()]
        })
    });
    let rules: Vec<Vec<String>> = rules.collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("no resources");
    let made = runtime.block_on(async {
        let model = DefaultModel::from_str(MODEL).await?;
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
        enforcer.add_policies(rules).await?;
        enforcer.add_grouping_policy(vec![USER.to_owned(), "member".to_owned()]).await?;
        Ok::<_, casbin::Error>(enforcer)
    });
    made.expect("the model and the rules are constants")
}
