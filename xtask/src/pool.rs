//! Work done by several threads at once.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many at once as there are cores.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does `work` for every item, `jobs` at once, begun in order. The results, in order.
pub fn side_by_side<T: Sync, R: Send>(
    jobs: usize,
    items: &[T],
    work: impl Fn(usize, &T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(at, item)));
        }
    };
    let mut all: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<'_, _>| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        workers.into_iter().flat_map(join).collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items_however_long_each_takes() {
        let items: Vec<u64> = (0..40).collect();
        let results = side_by_side(3, &items, |at, &item| {
            std::thread::sleep(Duration::from_millis((40 - item) % 3));
            (at, item * item)
        });
        let expected: Vec<_> = (0..40).map(|item| (item as usize, item * item)).collect();
        assert_eq!(results, expected);
    }
}
