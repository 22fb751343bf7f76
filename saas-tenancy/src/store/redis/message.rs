//! What a bridge sends.

use std::fmt;

use uuid::Uuid;

/// The form of the messages. One of another form is not understood, so it is no heartbeat.
const FORM: &str = "1";

/// The longest message that is looked at; PostgreSQL's longest payload has 7999 bytes.
const LONGEST: usize = 8192;

/// The longest payload that a message has room for.
pub(super) const LONGEST_PAYLOAD: usize = 8000;

/// A change or a heartbeat, as text: the form, the bridge, its generation, how many changes it has
/// sent in that generation, and of a change the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Who sends it.
    pub(super) bridge: Uuid,
    /// Grows whenever the bridge may have missed a change.
    pub(super) generation: u64,
    /// The number of changes since the generation began, this one included.
    pub(super) told: u64,
    /// What changed; a heartbeat has none.
    pub(super) payload: Option<&'a str>,
}

impl<'a> Message<'a> {
    /// Reads a message; `None` is one that no bridge sends.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let mut words = std::str::from_utf8(bytes).ok()?.splitn(5, ' ');
        if words.next()? != FORM {
            return None;
        }
        let bridge = words.next()?.parse().ok()?;
        let generation = words.next()?.parse().ok()?;
        let told = words.next()?.parse().ok()?;
        Some(Self { bridge, generation, told, payload: words.next() })
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bridge, generation, told, payload } = self;
        write!(f, "{FORM} {} {generation} {told}", bridge.simple())?;
        payload.map_or(Ok(()), |payload| write!(f, " {payload}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_message_is_read_as_it_was_written(
            bridge: u128, generation: u64, told: u64, payload in proptest::option::of(".{0,99}"),
        ) {
            let bridge = Uuid::from_u128(bridge);
            let payload = payload.as_deref();
            let message = Message { bridge, generation, told, payload };
            let text = message.to_string();
            prop_assert_eq!(Message::parse(text.as_bytes()), Some(message));
        }

        #[test]
        fn whatever_comes_does_no_harm(bytes: Vec<u8>) {
            Message::parse(&bytes);
        }
    }

    #[test]
    fn the_longest_payload_fits_and_what_is_longer_is_not_looked_at() {
        let payload = "x".repeat(LONGEST_PAYLOAD);
        let (bridge, generation, told) = (Uuid::max(), u64::MAX, u64::MAX);
        let message = Message { bridge, generation, told, payload: Some(&payload) };
        let mut text = message.to_string();
        assert_eq!(Message::parse(text.as_bytes()), Some(message));
        text.push_str(&"x".repeat(LONGEST));
        assert_eq!(Message::parse(text.as_bytes()), None);
    }

    #[test]
    fn what_no_bridge_sends_is_not_a_message() {
        let id = Uuid::nil().simple();
        for text in ["", "1", "hello", &format!("2 {id} 1 0"), &format!("1 {id} -1 0"), "1 x 1 0"] {
            assert_eq!(Message::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Message::parse(&[0xff, 0xfe]), None);
    }
}
