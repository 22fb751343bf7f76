// Bits are for ever: roles and keys of tenants are stored by them. Never give the bit of a permission
// to another one, not even after it is gone. Each resource has room to grow; a new one begins at the
// next free ten:
//
//   0 members   10 membership types   15 analytics   20 reports   25 documents   30 messages
//   35 events   40 team   50 roles   55 API keys   60 audit   65 settings   70 billing   80 tenant
//   90 free

saas_rbac::permissions! {
    /// The permissions of the application.
    pub mod perm {
        /// The people of a tenant: its customers, not those who sign in.
        members {
            /// See members.
            Read: "read" = 0, Low;
            /// Add members.
            Create: "create" = 1, Low;
            /// Change members, suspend and activate them.
            Update: "update" = 2, Low;
            /// Deactivate members.
            Deactivate: "deactivate" = 3, Low;
            /// Add many members from a file.
            Import: "import" = 4, High;
            /// Take all members home as a file.
            Export: "export" = 5, High;
        }
        /// The tiers that members belong to.
        membership_types {
            /// See membership types.
            Read: "read" = 10, Low;
            /// Add, change and delete membership types.
            Manage: "manage" = 11, High;
        }
        /// Figures about the tenant.
        analytics {
            /// See the figures.
            View: "view" = 15, Low;
        }
        /// Reports that people put together.
        reports {
            /// See reports.
            Read: "read" = 20, Low;
            /// Add, change and delete reports.
            Manage: "manage" = 21, High;
        }
        /// Documents that people write together.
        documents {
            /// See documents.
            Read: "read" = 25, Low;
            /// Write documents.
            Write: "write" = 26, Low;
        }
        /// Messages between people.
        messages {
            /// Read messages.
            Read: "read" = 30, Low;
            /// Send messages.
            Write: "write" = 31, Low;
        }
        /// What is told of members' activity.
        events {
            /// Tell what happened.
            Write: "write" = 35, Low;
        }
        /// The people who sign in.
        team {
            /// See the team and open invitations.
            Read: "read" = 40, Low;
            /// Invite people.
            Invite: "invite" = 41, Critical;
            /// Remove people.
            Remove: "remove" = 42, Critical;
            /// Give people other roles.
            UpdateRole: "update_role" = 43, Critical;
            /// Make somebody else the owner.
            TransferOwnership: "transfer_ownership" = 44, Critical;
        }
        /// What people may do.
        roles {
            /// See roles.
            Read: "read" = 50, Low;
            /// Add, change and delete roles.
            Manage: "manage" = 51, Critical;
        }
        /// Keys with which programs act.
        api_keys {
            /// Add, see, rotate and revoke keys.
            Manage: "manage" = 55, Critical;
        }
        /// The audit log.
        audit {
            /// Read, export and verify the audit log.
            Read: "read" = 60, High;
        }
        /// The settings of the tenant.
        settings {
            /// See settings, branding and domains.
            Read: "read" = 65, Low;
        }
        /// Plan and money.
        billing {
            /// See plan, usage and invoices.
            View: "view" = 70, High;
            /// Change the plan and pay.
            Manage: "manage" = 71, Critical;
        }
        /// The tenant itself.
        tenant {
            /// Change settings, branding and domains.
            Manage: "manage" = 80, High;
            /// Delete the tenant with all its data.
            Delete: "delete" = 81, Critical;
        }
    }
}
