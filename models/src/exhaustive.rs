use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `model` in every execution that loom distinguishes with at most `preemptions` involuntary switches of thread
/// (one more in a deep run), and says how many that were. `None`: no bound at all.
///
/// # Panics
/// When an execution panics, deadlocks or races; the test is red.
pub fn explore(name: &str, preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions.map(|bound| bound + usize::from(crate::deep()));
    builder.max_branches = 100_000;
    let bound = match builder.preemption_bound {
        Some(bound) => format!("{bound} preemptions at most"),
        None => "no bound on preemptions".to_owned(),
    };
    let executions = Arc::new(AtomicUsize::new(0));
    let count = executions.clone();
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("explored {name}: {} executions, {bound}", executions.load(Ordering::Relaxed));
}
