//! Work done by several threads at once.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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

/// The same of work that can fail: the first error in order, after which no more is begun.
pub fn all<T: Sync, R: Send>(
    jobs: usize,
    items: &[T],
    work: impl Fn(usize, &T) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    let failed = AtomicBool::new(false);
    let results = side_by_side(jobs, items, |at, item| {
        (!failed.load(Ordering::Relaxed))
            .then(|| work(at, item).inspect_err(|_| failed.store(true, Ordering::Relaxed)))
    });
    // Who was not begun stands behind an error: they are begun in order.
    results.into_iter().flatten().collect()
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

    #[test]
    fn an_error_ends_the_work_and_is_told() {
        let items: Vec<u64> = (0..40).collect();
        for jobs in [1, 3] {
            let begun = AtomicUsize::new(0);
            let work = |_, item: &u64| {
                begun.fetch_add(1, Ordering::Relaxed);
                anyhow::ensure!(*item != 5, "five");
                Ok(*item)
            };
            assert_eq!(all(jobs, &items, work).unwrap_err().to_string(), "five");
            assert!(jobs > 1 || begun.into_inner() == 6);
            assert_eq!(all(jobs, &items, |_, item| Ok(*item)).unwrap(), items);
        }
    }
}
