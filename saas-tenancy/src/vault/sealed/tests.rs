use proptest::prelude::*;
use saas_core::TenantId;
use secrecy::ExposeSecret;

use super::*;
use crate::vault::context::Field;

fn id(byte: u8) -> Uuid {
    Uuid::from_bytes([byte; 16])
}

fn key(byte: u8) -> DataKey {
    DataKey::from_slice(&[byte; 32]).unwrap()
}

fn key_id() -> KeyId {
    KeyId::from_uuid(id(0xa1))
}

fn place() -> Place<'static> {
    Place::Field(TenantId::from_uuid(id(0xb2)), Field::new("members", "tax_id", id(0xc3)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Computed apart from this code, by another library, from the description of the format.
const FIELD_VECTOR: &str = concat!(
    "01a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4e5e5e5e5e5e5e5",
    "e5e5e5e5e580e3428692ed913c7f28e4df61b9421d3f9a4523d886",
);
const SYSTEM_VECTOR: &str = concat!(
    "01a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4e5e5e5e5e5e5e5",
    "e5e5e5e5e51426ae836a81b0bc286fd15efb5bea99",
);

#[test]
fn the_format_is_what_it_always_was() {
    let fresh = || Fresh { salt: [0xd4; SALT], nonce: [0xe5; NONCE_LEN] };
    let field = seal_with(&fresh(), key_id(), &key(7), &place(), b"DE 123").unwrap();
    assert_eq!(hex(field.as_bytes()), FIELD_VECTOR);
    let system = Place::System("jwt/signing-key");
    let system = seal_with(&fresh(), key_id(), &key(7), &system, b"").unwrap();
    assert_eq!(hex(system.as_bytes()), SYSTEM_VECTOR);
    assert_eq!(system.as_bytes().len(), OVERHEAD);
}

#[test]
fn a_value_opens_in_its_own_place_only() {
    let sealed = seal(key_id(), &key(7), &place(), b"DE 123").unwrap();
    assert_eq!(open(&key(7), &place(), &sealed).unwrap().expose_secret(), b"DE 123");
    let tenant = TenantId::from_uuid(id(0xb2));
    let other = TenantId::from_uuid(id(0xb3));
    let elsewhere = [
        ("tenant", Place::Field(other, Field::new("members", "tax_id", id(0xc3)))),
        ("table", Place::Field(tenant, Field::new("guests", "tax_id", id(0xc3)))),
        ("column", Place::Field(tenant, Field::new("members", "phone", id(0xc3)))),
        ("row", Place::Field(tenant, Field::new("members", "tax_id", id(0xc4)))),
        ("border", Place::Field(tenant, Field::new("memberst", "ax_id", id(0xc3)))),
        ("system", Place::System("members")),
    ];
    for (what, place) in elsewhere {
        let error = open(&key(7), &place, &sealed).expect_err(what);
        assert!(matches!(error, VaultError::Unreadable), "{what}: {error}");
    }
}

#[test]
fn a_value_is_bound_to_the_key_it_names() {
    // The same key under another name, as after a row of the key table was overwritten.
    let mut bytes = seal(key_id(), &key(7), &place(), b"DE 123").unwrap().into_bytes();
    bytes[1] ^= 1;
    assert!(matches!(open(&key(7), &place(), &bytes.into()), Err(VaultError::Unreadable)));
    let sealed = seal(key_id(), &key(7), &place(), b"DE 123").unwrap();
    assert!(matches!(open(&key(8), &place(), &sealed), Err(VaultError::Unreadable)));
}

#[test]
fn no_two_seals_of_one_value_are_alike() {
    let seal = || seal(key_id(), &key(7), &place(), b"DE 123").unwrap();
    assert_ne!(seal(), seal());
    // Neither the salt nor the nonce.
    assert_ne!(seal().as_bytes()[17..33], seal().as_bytes()[17..33]);
    assert_ne!(seal().as_bytes()[33..45], seal().as_bytes()[33..45]);
}

#[test]
fn a_value_that_is_too_long_is_refused_and_the_longest_is_not() {
    let longest = vec![1; MAX_VALUE];
    let sealed = seal(key_id(), &key(7), &place(), &longest).unwrap();
    assert_eq!(open(&key(7), &place(), &sealed).unwrap().expose_secret(), longest);
    let refused = seal(key_id(), &key(7), &place(), &[1; MAX_VALUE + 1]);
    assert!(matches!(refused, Err(VaultError::TooLarge { .. })));
}

#[test]
fn nothing_prints_a_value_or_a_key() {
    let sealed = seal(key_id(), &key(7), &place(), b"DE 123").unwrap();
    assert_eq!(format!("{sealed:?}"), "Sealed(67 bytes)");
    assert_eq!(format!("{:?}", key(7)), "DataKey(…)");
    let opened = open(&key(7), &place(), &sealed).unwrap();
    assert!(!format!("{opened:?}").contains("68"), "{opened:?}");
}

proptest! {
    #[test]
    fn what_was_sealed_opens_again(
        value in prop::collection::vec(any::<u8>(), 0..300),
        bytes in any::<[u8; 32]>(),
        row in any::<[u8; 16]>(),
    ) {
        let key = DataKey::from_slice(&bytes).unwrap();
        let tenant = TenantId::from_uuid(id(1));
        let place = Place::Field(tenant, Field::new("t", "c", Uuid::from_bytes(row)));
        let sealed = seal(key_id(), &key, &place, &value).unwrap();
        prop_assert_eq!(sealed.as_bytes().len(), value.len() + OVERHEAD);
        let opened = open(&key, &place, &sealed).unwrap();
        prop_assert_eq!(opened.expose_secret(), &value[..]);
    }

    #[test]
    fn no_bit_can_be_flipped(
        value in prop::collection::vec(any::<u8>(), 0..100),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let mut bytes = seal(key_id(), &key(7), &place(), &value).unwrap().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let opened = open(&key(7), &place(), &bytes.into());
        prop_assert!(matches!(opened, Err(VaultError::Unreadable)));
    }

    #[test]
    fn whatever_was_stored_is_taken_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        cut in any::<prop::sample::Index>(),
    ) {
        prop_assert!(open(&key(7), &place(), &bytes.into()).is_err());
        let whole = seal(key_id(), &key(7), &place(), b"value").unwrap().into_bytes();
        let part = whole[..cut.index(whole.len())].to_vec();
        prop_assert!(open(&key(7), &place(), &part.into()).is_err());
    }
}
