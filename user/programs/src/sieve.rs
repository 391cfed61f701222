//! Counting primes by pieces: the sieve of Eratosthenes, segmented.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// Numbers sieved at a time, one byte each: small enough for a first-level cache.
const SEGMENT: u64 = 32 * 1024;

/// Most chunks a range is cut into, so that a large limit does not need more threads than there can be.
pub const CHUNKS_MAX: u64 = 256;

/// Cuts `0..=limit` into chunks of nearly equal length that together cover it: one per 32 Ki numbers, at most
/// [`CHUNKS_MAX`].
pub fn plan(limit: u64) -> Vec<Range<u64>> {
    let end = limit.saturating_add(1);
    let count = end.div_ceil(SEGMENT).clamp(1, CHUNKS_MAX);
    let (length, longer) = (end / count, end % count);
    // The first `longer` chunks have one number more.
    let start = |chunk: u64| chunk * length + chunk.min(longer);
    (0..count).map(|chunk| start(chunk)..start(chunk + 1)).collect()
}

/// The primes up to the square root of `limit`, which is what [`count`] needs for numbers up to `limit`.
pub fn base_primes(limit: u64) -> Vec<u32> {
    let root = limit.isqrt() as usize;
    let mut composite = vec![false; root + 1];
    let mut primes = Vec::new();
    for number in 2..=root {
        if !composite[number] {
            primes.push(number as u32);
            (number * number..=root).step_by(number).for_each(|multiple| composite[multiple] = true);
        }
    }
    primes
}

/// How many primes lie in `chunk`, given [`base_primes`] of its last number or of a larger one.
pub fn count(chunk: Range<u64>, base: &[u32]) -> u64 {
    let mut composite = vec![false; (chunk.end - chunk.start).min(SEGMENT) as usize];
    let mut primes = 0;
    // 0 and 1 are neither prime nor anybody's multiple here.
    let mut start = chunk.start.max(2);
    while start < chunk.end {
        let end = chunk.end.min(start + SEGMENT);
        let segment = &mut composite[..(end - start) as usize];
        segment.fill(false);
        for prime in base.iter().map(|&prime| u64::from(prime)).take_while(|prime| prime * prime < end) {
            let first = start.next_multiple_of(prime).max(prime * prime);
            (first..end)
                .step_by(prime as usize)
                .for_each(|multiple| segment[(multiple - start) as usize] = true);
        }
        primes += segment.iter().filter(|&&composite| !composite).count() as u64;
        start = end;
    }
    primes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up_to(limit: u64) -> u64 {
        let base = base_primes(limit);
        plan(limit).into_iter().map(|chunk| count(chunk, &base)).sum()
    }

    #[test]
    fn counts_are_the_known_ones() {
        // OEIS A000720 and A006880.
        for (limit, primes) in [(1, 0), (2, 1), (3, 2), (4, 2), (10, 4), (100, 25), (10_000_000, 664_579)] {
            assert_eq!(up_to(limit), primes, "up to {limit}");
        }
        assert_eq!(up_to(2_000_000), 148_933);
    }

    #[test]
    fn counts_agree_with_trial_division() {
        let prime = |n: u64| n >= 2 && (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
        let mut primes = 0;
        for limit in 1..2_000 {
            primes += u64::from(prime(limit));
            assert_eq!(up_to(limit), primes, "up to {limit}");
        }
    }

    #[test]
    fn a_plan_covers_the_range_without_gap_or_overlap() {
        for limit in [1, 2, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2_000_000, 9_999_999_967] {
            let chunks = plan(limit);
            assert!(chunks.len() as u64 <= CHUNKS_MAX);
            assert_eq!(chunks[0].start, 0);
            assert_eq!(chunks.last().unwrap().end, limit + 1);
            assert!(chunks.windows(2).all(|pair| pair[0].end == pair[1].start));
            let lengths = || chunks.iter().map(|chunk| chunk.end - chunk.start);
            assert!(lengths().max().unwrap() - lengths().min().unwrap() <= 1);
        }
    }
}
