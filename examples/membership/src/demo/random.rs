//! Numbers that look random and are the same on every machine.

/// A sequence that its seed decides: `SplitMix64`. Good enough for demo data, for nothing else.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence number `index` of the family `seed`, so that rows can be made in any order.
    pub(super) const fn new(seed: u64, index: u64) -> Self {
        Self(mix(seed ^ mix(index)))
    }

    /// The next 64 bits.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`, which must not be 0.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        // The bias of a remainder is far below what anybody could see in demo data.
        self.next() % end
    }

    /// One of `options`.
    ///
    /// # Panics
    /// When there is none.
    pub(super) fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        let index = self.below(options.len() as u64);
        options[usize::try_from(index).expect("an index of a slice fits")]
    }

    /// One of `options`, each as often as its weight says.
    ///
    /// # Panics
    /// When there is none, or all weights are 0.
    pub(super) fn weighted<T: Copy>(&mut self, options: &[(u64, T)]) -> T {
        let mut left = self.below(options.iter().map(|(weight, _)| weight).sum());
        for (weight, option) in options {
            if left < *weight {
                return *option;
            }
            left -= weight;
        }
        options[options.len() - 1].1
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed| (0..5).map(|i| Random::new(seed, i).next()).collect::<Vec<_>>();
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
    }

    #[test]
    fn weights_decide_how_often() {
        let mut random = Random::new(7, 0);
        let many = (0..1000).filter(|_| random.weighted(&[(9, true), (1, false)])).count();
        assert!((850..950).contains(&many), "{many}");
    }
}
