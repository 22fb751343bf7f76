use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};

/// A host name in its one normal form: lower-case ASCII, no port, no trailing dot.
///
/// 1. International names become punycode by UTS 46, so that `BÜCHER.example` and
///    `xn--bcher-kva.example` are one name.
/// 2. At most 253 bytes, labels of 1 to 63 letters, digits and inner hyphens. An underscore is
///    refused: no certificate may hold one, and DNS keeps such names for records like TXT proofs.
/// 3. An address is not a name, and neither is what browsers take for one (`127.1`, `0x7f.0.0.1`).
///
/// ```
/// use saas_tenancy::resolve::HostName;
///
/// assert_eq!("Members.ACME.example.".parse::<HostName>()?.as_str(), "members.acme.example");
/// assert!("members.acme.example:443".parse::<HostName>().is_err());
/// assert!("192.0.2.1".parse::<HostName>().is_err());
/// # Ok::<(), saas_tenancy::resolve::HostError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostName(Box<str>);

impl HostName {
    /// The longest text that is looked at, in bytes: 253 characters of four bytes each, and a dot.
    const MAX_INPUT: usize = 253 * 4 + 1;

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands in front of `base` and its dot; `None` if the name is not under it.
    ///
    /// ```
    /// use saas_tenancy::resolve::HostName;
    ///
    /// let base: HostName = "app.example".parse()?;
    /// assert_eq!("acme.app.example".parse::<HostName>()?.labels_before(&base), Some("acme"));
    /// assert_eq!("evilapp.example".parse::<HostName>()?.labels_before(&base), None);
    /// # Ok::<(), saas_tenancy::resolve::HostError>(())
    /// ```
    #[must_use]
    pub fn labels_before(&self, base: &Self) -> Option<&str> {
        self.0.strip_suffix(base.as_str())?.strip_suffix('.')
    }
}

impl FromStr for HostName {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text.len() > Self::MAX_INPUT {
            return Err(HostError::TooLong);
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(HostError::Empty);
        }
        let name = Uts46::new()
            .to_ascii(
                name.as_bytes(),
                AsciiDenyList::STD3,
                Hyphens::CheckFirstLast,
                DnsLength::Verify,
            )
            .map_err(|_| HostError::Invalid)?;
        if ends_in_a_number(&name) { Err(HostError::Address) } else { Ok(Self(name.into())) }
    }
}

impl TryFrom<String> for HostName {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        text.parse()
    }
}

impl From<HostName> for String {
    fn from(name: HostName) -> Self {
        name.0.into()
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The host of a request as it came over the wire: a name or an address. The port is dropped.
///
/// Only ASCII is taken: clients send international names as punycode, and folding look-alike
/// characters here could name another host than a proxy in front has seen.
///
/// ```
/// use saas_tenancy::resolve::Host;
///
/// assert!(matches!("Acme.localhost:8080".parse()?, Host::Name(name) if name.as_str() == "acme.localhost"));
/// assert!(matches!("[::1]:8080".parse()?, Host::Address(_)));
/// assert!("acme@evil.example".parse::<Host>().is_err());
/// # Ok::<(), saas_tenancy::resolve::HostError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, which may be a tenant's.
    Name(HostName),
    /// An address, which never is.
    Address(IpAddr),
}

impl Host {
    /// The name, unless it is an address.
    #[must_use]
    pub const fn name(&self) -> Option<&HostName> {
        match self {
            Self::Name(name) => Some(name),
            Self::Address(_) => None,
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or(HostError::Invalid)?;
            check_port(port)?;
            let address: Ipv6Addr = address.parse().map_err(|_| HostError::Invalid)?;
            return Ok(Self::Address(address.into()));
        }
        if !text.is_ascii() {
            return Err(HostError::Invalid);
        }
        let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        check_port(port)?;
        match name.parse::<Ipv4Addr>() {
            Ok(address) => Ok(Self::Address(address.into())),
            Err(_) => name.parse().map(Self::Name),
        }
    }
}

/// Why a text is not a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.as_str())]
#[non_exhaustive]
pub enum HostError {
    /// Nothing is left of it.
    Empty,
    /// It is longer than any host name.
    TooLong,
    /// What follows the colon is not a port.
    Port,
    /// It is an address, or reads like one, where a name is needed.
    Address,
    /// It holds an empty or too long label, or a character that is not allowed.
    Invalid,
}

impl HostError {
    /// What is wrong and what would be right.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "the host is empty; send a name like `acme.example.com`",
            Self::TooLong => "the host is longer than 253 characters",
            Self::Port => "the port of the host must be a number from 0 to 65535",
            Self::Address => "the host reads like an IP address; use a name",
            Self::Invalid => {
                "the host must be labels of 1 to 63 letters, digits and inner hyphens, joined by dots"
            }
        }
    }
}

/// Takes nothing, or a colon and a port number.
fn check_port(text: &str) -> Result<(), HostError> {
    let Some(digits) = text.strip_prefix(':') else {
        return if text.is_empty() { Ok(()) } else { Err(HostError::Invalid) };
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if plain && digits.parse::<u16>().is_ok() { Ok(()) } else { Err(HostError::Port) }
}

/// Browsers read such a name as an IPv4 address, in decimal, octal or hexadecimal parts.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    match last.strip_prefix("0x") {
        Some(hex) => hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => last.bytes().all(|b| b.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The name in `text`, or `address` where it is one.
    fn host(text: &str) -> Result<String, HostError> {
        Ok(match text.parse()? {
            Host::Name(name) => name.to_string(),
            Host::Address(address) => format!("address {address}"),
        })
    }

    #[test]
    fn every_spelling_of_a_host_has_one_normal_form() {
        for (text, normal) in [
            ("acme.localhost", "acme.localhost"),
            ("acme.localhost:8080", "acme.localhost"),
            ("ACME.LocalHost", "acme.localhost"),
            ("acme.localhost.", "acme.localhost"),
            ("acme.localhost.:443", "acme.localhost"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("localhost", "localhost"),
            ("127.0.0.1", "address 127.0.0.1"),
            ("127.0.0.1:8080", "address 127.0.0.1"),
            ("[::1]", "address ::1"),
            ("[::1]:8080", "address ::1"),
            ("[::ffff:127.0.0.1]", "address ::ffff:127.0.0.1"),
        ] {
            assert_eq!(host(text).as_deref(), Ok(normal), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        use HostError::{Address, Empty, Invalid, Port, TooLong};
        let long_label = format!("{}.example", "a".repeat(64));
        let long_name = format!("{}example", "a.".repeat(124));
        let longer = "a".repeat(2000);
        for (text, error) in [
            ("", Empty),
            (".", Empty),
            (":80", Empty),
            ("acme..localhost", Invalid),
            ("acme.localhost..", Invalid),
            (".acme.localhost", Invalid),
            ("-acme.localhost", Invalid),
            ("acme-.localhost", Invalid),
            ("ac me.localhost", Invalid),
            (" acme.localhost", Invalid),
            ("acme.localhost\t", Invalid),
            ("acme\0.localhost", Invalid),
            ("acme\r\nx", Invalid),
            ("ac_me.localhost", Invalid),
            ("%61cme.localhost", Invalid),
            ("acme@localhost", Invalid),
            ("user:pw@acme.localhost", Port),
            ("acme.localhost/t/x", Invalid),
            ("acme.localhost,globex.localhost", Invalid),
            ("büro.localhost", Invalid),
            ("ａｃｍｅ.localhost", Invalid),
            ("xn--a.localhost", Invalid),
            ("xn--acme-.localhost", Invalid),
            (&long_label, Invalid),
            (&long_name, Invalid),
            (&longer, TooLong),
            ("acme.localhost:", Port),
            ("acme.localhost:+80", Port),
            ("acme.localhost:65536", Port),
            ("acme.localhost:80:80", Port),
            ("::1", Port),
            ("[::1", Invalid),
            ("[::1]8080", Invalid),
            ("[::1%25eth0]", Invalid),
            ("[127.0.0.1]", Invalid),
            ("127.1", Address),
            ("127.0.0.1.", Address),
            ("0x7f.0.0.0x1", Address),
            ("2130706433", Address),
            ("acme.0x", Address),
        ] {
            assert_eq!(host(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_name_that_people_type_may_be_international() {
        for text in ["BÜCHER.example", "bücher。example", "xn--bcher-kva.example."] {
            assert_eq!(text.parse::<HostName>().unwrap().as_str(), "xn--bcher-kva.example");
        }
        assert_eq!("１２７.０.０.１".parse::<HostName>(), Err(HostError::Address));
    }

    #[test]
    fn json_holds_the_normal_form_and_nothing_else() {
        let name: HostName = serde_json::from_str("\"ACME.example.\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"acme.example\"");
        assert!(serde_json::from_str::<HostName>("\"acme.example:80\"").is_err());
    }

    /// What reads as a host reads back as itself, and holds nothing but plain labels.
    fn assert_normal(text: &str) {
        if let Ok(name) = text.parse::<HostName>() {
            assert_eq!(name.as_str().parse().as_ref(), Ok(&name));
            assert!(name.as_str().len() <= 253);
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            assert!(name.as_str().chars().all(plain), "{name}");
        }
        if let Ok(Host::Name(name)) = text.parse() {
            assert_eq!(name.as_str().parse().as_ref(), Ok(&name));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_and_names_are_normal(text in ".{0,300}") {
            assert_normal(&text);
        }

        #[test]
        fn likely_hosts_are_normal(text in "[a-zA-Z0-9äßＡ。.:_%@\\[\\]-]{1,40}(\\.)?(:[0-9]{0,6})?") {
            assert_normal(&text);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            assert_normal(&String::from_utf8_lossy(&bytes));
        }
    }
}
