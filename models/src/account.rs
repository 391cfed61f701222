/// Compares what was put in (numbers from 1 to `queued`, in this order) with what each taker got.
///
/// # Panics
/// When a number was lost, taken twice, was never queued, or came to a taker out of order.
pub fn account(queued: u32, takers: &[Vec<u32>]) {
    for got in takers {
        assert!(
            got.iter().all(|n| (1..=queued).contains(n)),
            "never queued, or its frame was not visible: {got:?}"
        );
        assert!(got.is_sorted(), "out of order: {got:?}");
    }
    for n in 1..=queued {
        let times = takers.iter().flatten().filter(|&&got| got == n).count();
        assert!(times > 0, "number {n} was lost: {takers:?}");
        assert!(times < 2, "number {n} was taken twice: {takers:?}");
    }
}
