//! The inbox against a queue.

use std::collections::VecDeque;

use antler_abi::Qos;
use antler_nucleus::{CpuId, Inbox, Runnable, TaskPool};
use proptest::collection::vec;
use proptest::prelude::*;

const TASKS: usize = 12;

proptest! {
    /// Two inboxes, since a task's link serves whichever it is in. Each task comes out once, oldest first, of the inbox
    /// it was put in, unless that was closed: then it never went in.
    #[test]
    fn what_goes_in_comes_out_in_order(steps in vec((0..2usize, 0..8u8), 0..200)) {
        let pool = TaskPool::new(TASKS);
        let mut idle: VecDeque<Runnable> =
            (0..TASKS).map(|_| pool.spawn(0, Qos::Normal, CpuId::BOOT, false).unwrap()).collect();
        let inboxes = [Inbox::closed(), Inbox::closed()];
        let mut model: [Option<Vec<usize>>; 2] = [None, None];
        for (which, action) in steps {
            let (inbox, held) = (&inboxes[which], &mut model[which]);
            match action {
                0..=4 => {
                    let Some(task) = idle.pop_front() else { continue };
                    let slot = task.slot();
                    match (inbox.push(&pool, task), held.as_mut()) {
                        (Ok(()), Some(held)) => held.push(slot),
                        (Err(task), None) => {
                            prop_assert_eq!(task.slot(), slot, "another task was given back");
                            idle.push_front(task);
                        }
                        (result, _) => prop_assert!(false, "{:?}", result),
                    }
                }
                5 | 6 => {
                    let mail: Vec<Runnable> = inbox.take(&pool).collect();
                    let slots: Vec<usize> = mail.iter().map(Runnable::slot).collect();
                    prop_assert_eq!(slots, held.as_mut().map(std::mem::take).unwrap_or_default());
                    idle.extend(mail);
                }
                _ if held.is_some() => {
                    let mail: Vec<Runnable> = inbox.close(&pool).collect();
                    let slots: Vec<usize> = mail.iter().map(Runnable::slot).collect();
                    prop_assert_eq!(slots, held.take().unwrap_or_default());
                    idle.extend(mail);
                }
                _ => {
                    inbox.open();
                    *held = Some(Vec::new());
                }
            }
            for (inbox, held) in inboxes.iter().zip(&model) {
                prop_assert_eq!(inbox.has_mail(), held.as_ref().is_some_and(|held| !held.is_empty()));
            }
            let inside: usize = model.iter().flatten().map(Vec::len).sum();
            prop_assert_eq!(idle.len() + inside, TASKS, "a task was lost or doubled");
        }
    }
}
