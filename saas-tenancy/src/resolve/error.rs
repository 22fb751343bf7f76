use super::HostError;

/// Why the sources of tenants cannot be combined like this. Stops the start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// A header would choose the tenant of a signed-in user.
    #[error(
        "a header cannot name the tenant of a signed-in user unless membership is checked: \
         check it and declare `Authentication::WithMembership`, or leave the header out"
    )]
    HeaderWithoutMembership,
    /// A credential is read where there are none.
    #[error(
        "a credential cannot name the tenant where nobody signs in: \
         declare `Authentication::WithMembership` or `WithoutMembership`"
    )]
    ClaimWithoutAuthentication,
    /// A text is not a base domain.
    #[error(
        "`{domain}` is not a base domain; give a host name without a port, like `app.example.com`"
    )]
    BaseDomain {
        /// The text.
        domain: String,
        /// What is wrong with it.
        source: HostError,
    },
    /// No base domain was given.
    #[error("no base domain is given; give the host names that the application is served at")]
    NoBaseDomain,
    /// A text is not an address range.
    #[error(
        "`{0}` is not a proxy's address; give addresses or ranges, like `10.0.0.0/8, 192.0.2.7`"
    )]
    ProxyRange(String),
    /// A range of trusted proxies holds all addresses.
    #[error("a range that ends in `/0` trusts everyone; give the addresses of the proxies")]
    TrustsEveryone,
}
