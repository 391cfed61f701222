//! Mutations: each input is a function of the corpus and one 64-bit seed, and of nothing else.

use fastrand::Rng;

use crate::corpus::Sample;

/// Longest input that is made, in bytes.
pub const MAX_INPUT: usize = 64 << 10;

/// What the mutator knows of a format.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Bytes of the unit in which the format is made: offsets and lengths are multiples of it most of the time.
    pub grain: usize,
    /// Whether its integers are big-endian.
    pub big_endian: bool,
    /// Words of the format, put in here and there.
    pub words: &'static [&'static [u8]],
}

/// Values at which readers go wrong: powers of two and their neighbours, and the format bounds of this tree.
const NUMBERS: [u64; 24] = [
    0,
    1,
    2,
    3,
    4,
    7,
    9,
    39,
    40,
    63,
    64,
    65,
    0x7f,
    0xff,
    0x200,
    0xfff,
    0x1000,
    0x1_0000,
    0x7fff_ffff,
    0xffff_ffff,
    0x8000_0000,
    0x10_0000_0000,
    i64::MAX as u64,
    u64::MAX,
];

/// The mutant number `seed` of a corpus.
///
/// # Panics
/// If the corpus is empty.
pub fn mutant(samples: &[Sample], shape: Shape, seed: u64) -> Vec<u8> {
    let mut rng = Rng::with_seed(seed);
    let (one, two) = (rng.usize(..samples.len()), rng.usize(..samples.len()));
    // Most samples are short ones that a fuzzer made; the long ones are real, and should not drown among them.
    let longer = if samples[one].bytes.len() < samples[two].bytes.len() { two } else { one };
    let mut bytes = samples[if rng.bool() { longer } else { one }].bytes.clone();
    // Few changes keep most of a sample valid, many reach far; one is the commonest count.
    let changes = 1 + rng.usize(..8).saturating_sub(rng.usize(..8));
    for _ in 0..changes {
        let other = &samples[rng.usize(..samples.len())].bytes;
        change(&mut bytes, other, shape, &mut rng);
    }
    bytes.truncate(MAX_INPUT);
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], shape: Shape, rng: &mut Rng) {
    match rng.u8(..12) {
        0 | 1 => flip(bytes, rng),
        2 | 3 => number(bytes, shape, rng),
        4 => nudge(bytes, shape, rng),
        5 => bytes.truncate(offset(bytes.len(), shape, rng)),
        6 => {
            let (from, to) = span(bytes.len(), shape, rng);
            bytes.drain(from..to);
        }
        7 => {
            let (from, to) = span(bytes.len(), shape, rng);
            let piece = bytes[from..to].to_vec();
            put_in(bytes, &piece, shape, rng);
        }
        8 => {
            let (from, to) = span(other.len(), shape, rng);
            put_in(bytes, &other[from..to], shape, rng);
        }
        9 => {
            bytes.truncate(offset(bytes.len(), shape, rng));
            bytes.extend_from_slice(&other[offset(other.len(), shape, rng)..]);
        }
        10 => swap(bytes, shape, rng),
        _ => match rng.choice(shape.words) {
            Some(word) if rng.bool() => overwrite(bytes, word, shape, rng),
            Some(word) => put_in(bytes, word, shape, rng),
            None => flip(bytes, rng),
        },
    }
}

/// A place in `0..=len`, on a grain three times out of four.
fn offset(len: usize, shape: Shape, rng: &mut Rng) -> usize {
    let at = rng.usize(..=len);
    if rng.u8(..4) == 0 { at } else { at / shape.grain * shape.grain }
}

/// A short span more often than a long one.
fn span(len: usize, shape: Shape, rng: &mut Rng) -> (usize, usize) {
    let from = offset(len, shape, rng);
    let longest = if rng.bool() { 4 * shape.grain } else { len };
    let size = offset((len - from).min(longest), shape, rng);
    (from, from + size)
}

fn flip(bytes: &mut [u8], rng: &mut Rng) {
    if let Some(byte) = pick(bytes, rng) {
        *byte ^= 1 << rng.u8(..8);
    }
}

fn pick<'a>(bytes: &'a mut [u8], rng: &mut Rng) -> Option<&'a mut u8> {
    let len = bytes.len();
    if len == 0 { None } else { bytes.get_mut(rng.usize(..len)) }
}

fn number(bytes: &mut [u8], shape: Shape, rng: &mut Rng) {
    let value = match rng.u8(..4) {
        0 => rng.u64(..),
        1 => bytes.len() as u64,
        _ => NUMBERS[rng.usize(..NUMBERS.len())],
    };
    field(bytes, shape, rng, |_| value);
}

fn nudge(bytes: &mut [u8], shape: Shape, rng: &mut Rng) {
    let by = rng.u64(1..=16);
    let down = rng.bool();
    field(bytes, shape, rng, |old| if down { old.wrapping_sub(by) } else { old.wrapping_add(by) });
}

/// Changes an integer of 1, 2, 4 or 8 bytes, at its natural alignment most of the time.
fn field(bytes: &mut [u8], shape: Shape, rng: &mut Rng, new: impl FnOnce(u64) -> u64) {
    let width = 1usize << rng.u8(..4);
    let Some(last) = bytes.len().checked_sub(width) else { return };
    let at = rng.usize(..=last);
    let at = if rng.u8(..4) == 0 { at } else { at / width * width };
    // The other order now and then: file systems and firmware mix them up, too.
    let big = shape.big_endian != (rng.u8(..8) == 0);
    let part = &mut bytes[at..at + width];
    let mut wide = [0; 8];
    wide[8 - width..].copy_from_slice(part);
    if !big {
        wide[8 - width..].reverse();
    }
    let value = new(u64::from_be_bytes(wide)).to_be_bytes();
    part.copy_from_slice(&value[8 - width..]);
    if !big {
        part.reverse();
    }
}

fn put_in(bytes: &mut Vec<u8>, piece: &[u8], shape: Shape, rng: &mut Rng) {
    let at = offset(bytes.len(), shape, rng);
    bytes.splice(at..at, piece.iter().copied());
}

fn overwrite(bytes: &mut [u8], piece: &[u8], shape: Shape, rng: &mut Rng) {
    if let Some(room) = bytes.len().checked_sub(piece.len()) {
        let at = offset(room, shape, rng);
        bytes[at..at + piece.len()].copy_from_slice(piece);
    }
}

/// Exchanges two grains.
fn swap(bytes: &mut [u8], shape: Shape, rng: &mut Rng) {
    let grains = bytes.len() / shape.grain;
    if grains < 2 {
        return;
    }
    let (a, b) = (rng.usize(..grains) * shape.grain, rng.usize(..grains) * shape.grain);
    for i in 0..shape.grain {
        bytes.swap(a + i, b + i);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Sample> {
        let sample = |bytes: &[u8]| Sample { name: String::new(), bytes: bytes.to_vec() };
        vec![sample(&[7; 400]), sample(b""), sample(&(0..=255).collect::<Vec<u8>>())]
    }

    #[test]
    fn a_seed_gives_one_mutant_and_different_seeds_give_many() {
        let samples = samples();
        let shape = Shape { grain: 4, big_endian: true, words: &[b"word"] };
        let all: Vec<Vec<u8>> = (0..2000).map(|seed| mutant(&samples, shape, seed)).collect();
        let again: Vec<Vec<u8>> = (0..2000).map(|seed| mutant(&samples, shape, seed)).collect();
        assert_eq!(all, again);
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert!(distinct.len() > 1000, "{} distinct mutants", distinct.len());
        assert!(all.iter().all(|bytes| bytes.len() <= MAX_INPUT));
        assert!(all.iter().any(|bytes| bytes.windows(4).any(|part| part == b"word")));
    }

    #[test]
    fn fields_are_read_and_written_in_either_order() {
        for (big_endian, expected) in [(true, [0, 0, 1, 0]), (false, [0, 1, 0, 0])] {
            // 0xff + 1 carries into the neighbour that is the more significant one.
            let shape = Shape { grain: 1, big_endian, words: &[] };
            let start: [u8; 4] = if big_endian { [0, 0, 0, 0xff] } else { [0xff, 0, 0, 0] };
            let seen = (0..4000).any(|seed| {
                let mut bytes = start;
                field(&mut bytes, shape, &mut Rng::with_seed(seed), |old| old + 1);
                bytes == expected
            });
            assert!(seen, "big-endian: {big_endian}");
        }
    }
}
