use std::fmt;

/// A set of up to 256 permissions, by their bits. As cheap to copy as four integers.
///
/// Stored as 32 bytes ([`to_bytes`](Self::to_bytes)).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PermissionSet([u64; 4]);

impl PermissionSet {
    /// No permission.
    pub const EMPTY: Self = Self([0; 4]);

    /// Every bit, also those that no permission has yet.
    pub const ALL: Self = Self([u64::MAX; 4]);

    /// Exactly the permission with this `bit`.
    #[must_use]
    pub const fn of(bit: u8) -> Self {
        Self::EMPTY.with(bit)
    }

    /// The same set with `bit` in it.
    #[must_use]
    pub const fn with(mut self, bit: u8) -> Self {
        self.0[word(bit)] |= mask(bit);
        self
    }

    /// What is in one of the two.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a | e, b | f, c | g, d | h])
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a & e, b & f, c & g, d & h])
    }

    /// What is in this one and not in `other`.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Self([a & !e, b & !f, c & !g, d & !h])
    }

    /// Whether `bit` is in it.
    #[must_use]
    #[inline]
    pub const fn contains(self, bit: u8) -> bool {
        self.0[word(bit)] & mask(bit) != 0
    }

    /// Whether all of `other` is in it. Nobody may grant what is not in their own set.
    #[must_use]
    pub const fn contains_all(self, other: Self) -> bool {
        other.difference(self).is_empty()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        let [a, b, c, d] = self.0;
        a | b | c | d == 0
    }

    /// How many permissions are in it.
    #[must_use]
    pub const fn len(self) -> u32 {
        let [a, b, c, d] = self.0;
        a.count_ones() + b.count_ones() + c.count_ones() + d.count_ones()
    }

    /// The bits in it, from the lowest.
    #[must_use]
    pub const fn iter(self) -> Bits {
        Bits(self)
    }

    /// As a database column holds it: bit `n` is bit `n % 8` of byte `n / 8`.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let mut byte = 0;
        while byte < bytes.len() {
            bytes[byte] = self.0[byte / 8].to_le_bytes()[byte % 8];
            byte += 1;
        }
        bytes
    }

    /// The set that [`to_bytes`](Self::to_bytes) wrote.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut words = [0; 4];
        let mut byte = 0;
        while byte < bytes.len() {
            // A byte always fits into a word.
            words[byte / 8] |= (bytes[byte] as u64) << (8 * (byte % 8));
            byte += 1;
        }
        Self(words)
    }
}

impl fmt::Debug for PermissionSet {
    /// Few bits by number, many by count: a set of a role is no reading for a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            256 => f.write_str("PermissionSet(all)"),
            0..=8 => {
                f.write_str("PermissionSet").and_then(|()| f.debug_set().entries(*self).finish())
            }
            many => write!(f, "PermissionSet({many} bits)"),
        }
    }
}

impl FromIterator<u8> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bits: I) -> Self {
        bits.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl IntoIterator for PermissionSet {
    type Item = u8;
    type IntoIter = Bits;

    fn into_iter(self) -> Bits {
        self.iter()
    }
}

/// The bits of a [`PermissionSet`], from the lowest.
#[derive(Debug, Clone)]
pub struct Bits(PermissionSet);

impl Iterator for Bits {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let mut below = 0;
        for word in &mut self.0.0 {
            if *word != 0 {
                let bit = below + word.trailing_zeros();
                *word &= *word - 1;
                return u8::try_from(bit).ok();
            }
            below += u64::BITS;
        }
        None
    }
}

const fn word(bit: u8) -> usize {
    (bit / 64) as usize
}

const fn mask(bit: u8) -> u64 {
    1 << (bit % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn each_of_the_256_bits_stands_alone() {
        for bit in 0..=u8::MAX {
            let set = PermissionSet::of(bit);
            assert_eq!(set.iter().collect::<Vec<_>>(), [bit]);
            assert_eq!((set.len(), set.is_empty()), (1, false));
            assert!((0..=u8::MAX).all(|other| set.contains(other) == (other == bit)));
            assert_eq!(PermissionSet::from_bytes(set.to_bytes()), set);
        }
    }

    #[test]
    fn bytes_are_little_endian_for_ever() {
        let set: PermissionSet = [0, 9, 64, 255].into_iter().collect();
        let bytes = set.to_bytes();
        assert_eq!((bytes[0], bytes[1], bytes[8], bytes[31]), (1, 2, 1, 128));
        assert_eq!(bytes.iter().map(|byte| byte.count_ones()).sum::<u32>(), 4);
    }

    #[test]
    fn the_debug_form_is_short() {
        let few: PermissionSet = [3, 200].into_iter().collect();
        assert_eq!(format!("{few:?}"), "PermissionSet{3, 200}");
        assert_eq!(format!("{:?}", PermissionSet::ALL), "PermissionSet(all)");
        let many: PermissionSet = (0..100).collect();
        assert_eq!(format!("{many:?}"), "PermissionSet(100 bits)");
    }

    proptest! {
        #[test]
        fn the_algebra_is_that_of_sets(a: BTreeSet<u8>, b: BTreeSet<u8>, bit in any::<u8>()) {
            let set = |of: &BTreeSet<u8>| of.iter().copied().collect::<PermissionSet>();
            let back = |set: PermissionSet| set.iter().collect::<BTreeSet<u8>>();
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(back(x.union(y)), &a | &b);
            prop_assert_eq!(back(x.intersection(y)), &a & &b);
            prop_assert_eq!(back(x.difference(y)), &a - &b);
            prop_assert_eq!(x.contains_all(y), a.is_superset(&b));
            prop_assert_eq!(x.contains(bit), a.contains(&bit));
            prop_assert_eq!(usize::try_from(x.len()).unwrap(), a.len());
            prop_assert_eq!(PermissionSet::from_bytes(x.to_bytes()), x);
        }
    }
}
