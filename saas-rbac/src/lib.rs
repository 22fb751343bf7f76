//! Who may do what: identity, sessions, roles, invitations, API keys.
