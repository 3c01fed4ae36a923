//! The inputs of a run: the seeds as they are, then changed ones. An input follows from the run's
//! seed and its own number alone, so that one that ended the process can be made again.

use fastrand::Rng;

use crate::mutate;
use crate::target::Target;

/// Changes per input: 1 to 2 to the power of this.
const MOST_CHANGES_LOG2: u32 = 4;
/// How much longer than the longest seed an input may be, in bytes.
const ROOM_BYTES: usize = 4096;

/// A target's seeds, ready to be changed.
pub(crate) struct Corpus {
    seeds: Vec<Seed>,
    tokens: &'static [&'static str],
    longest: usize,
}

struct Seed {
    bytes: Vec<u8>,
    /// Places of the format's words: what they name is worth changing more than long data.
    places: Vec<usize>,
}

impl Corpus {
    /// The corpus of a target.
    ///
    /// # Panics
    /// If there are no seeds.
    pub(crate) fn new(target: &Target) -> Self {
        let seeds: Vec<Seed> = (target.seeds)()
            .into_iter()
            .map(|bytes| Seed {
                places: places(&bytes, target.tokens),
                bytes,
            })
            .collect();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        let longest = seeds.iter().map(|seed| seed.bytes.len()).max();
        Self {
            seeds,
            tokens: target.tokens,
            longest: longest.unwrap_or(0) + ROOM_BYTES,
        }
    }

    /// The input of this number in the run of this seed.
    pub(crate) fn input(&self, seed: u64, number: u64) -> Vec<u8> {
        let as_it_is = usize::try_from(number).ok();
        if let Some(seed) = as_it_is.and_then(|number| self.seeds.get(number)) {
            return seed.bytes.clone();
        }
        // Neighboring numbers must not give neighboring states of the generator.
        let mixed = (seed ^ number.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = Rng::with_seed(mixed ^ number);
        let base = &self.seeds[random.usize(..self.seeds.len())];
        let mut bytes = base.bytes.clone();
        if random.u8(..8) == 0 {
            let other = &self.seeds[random.usize(..self.seeds.len())].bytes;
            mutate::splice(&mut bytes, other, &mut random);
        }
        let most = 1 << random.u32(..=MOST_CHANGES_LOG2);
        for _ in 0..random.u32(1..=most) {
            let at = place(&bytes, &base.places, &mut random);
            mutate::change(&mut bytes, at, self.tokens, &mut random);
        }
        bytes.truncate(self.longest);
        bytes
    }
}

/// Where the words stand in the bytes, in order.
fn places(bytes: &[u8], tokens: &[&str]) -> Vec<usize> {
    let is_word = |at: &usize| {
        let rest = &bytes[*at..];
        tokens
            .iter()
            .any(|token| rest.starts_with(token.as_bytes()))
    };
    (0..bytes.len()).filter(is_word).collect()
}

/// A place for a change: anywhere, near the start, near the end, or near a word of the format.
fn place(bytes: &[u8], places: &[usize], random: &mut Rng) -> usize {
    let length = bytes.len().max(1);
    let at = match random.u8(..8) {
        0 | 1 => random.usize(..length),
        2 => random.usize(..length.min(128)),
        3 => length - 1 - random.usize(..length.min(256)),
        _ => match places.len() {
            0 => random.usize(..length),
            count => places[random.usize(..count)] + random.usize(..64),
        },
    };
    at % length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_follow_from_seed_and_number_and_differ() {
        let target = &crate::state::TARGET;
        let (one, two) = (Corpus::new(target), Corpus::new(target));
        let seeds = (target.seeds)();
        let first: Vec<Vec<u8>> = (0..200).map(|number| one.input(7, number)).collect();
        assert_eq!(first[..seeds.len()], seeds);
        for (number, input) in first.iter().enumerate() {
            assert_eq!(*input, two.input(7, number as u64));
        }
        let changed: std::collections::BTreeSet<_> = first[seeds.len()..].iter().collect();
        let other = (0..200).filter(|number| two.input(8, *number) != first[*number as usize]);
        assert!(changed.len() > 150, "{}", changed.len());
        assert!(other.count() > 150);
    }
}
