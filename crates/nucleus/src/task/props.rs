//! The pool against a model: every task with its token, its handle and what it was made with.

extern crate std;

use std::vec::Vec;

use antler_abi::{Qos, ThreadHandle};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const SLOTS: usize = 6;

/// Where a task is, with the token if somebody holds one.
enum Held {
    Queued(Runnable),
    On(Running),
    Parked(Ticket),
    Over(u64),
}

struct Member {
    handle: ThreadHandle,
    owner: u32,
    qos: Qos,
    pinned: bool,
    home: usize,
    held: Held,
}

/// Whether the pool agrees with the model on every member and every handle and ticket of the past.
fn agrees(pool: &TaskPool, members: &[Member], gone: &[ThreadHandle], stale: &[Ticket]) {
    for member in members {
        let index = member.handle.slot as usize;
        assert_eq!((pool.handle(index), pool.find(member.handle)), (member.handle, Some(index)));
        assert_eq!(pool.fact(index).0, member.handle.to_raw());
        let traits = (pool.owner(index), pool.qos(index), pool.pinned(index), pool.home(index).index());
        assert_eq!(traits, (member.owner, member.qos, member.pinned, member.home));
        let (phase, ticket) = match &member.held {
            Held::Queued(task) => (Phase::Runnable, (task.slot() == index).then_some(None)),
            Held::On(task) => (Phase::Running, (task.slot() == index).then_some(None)),
            Held::Parked(ticket) => (Phase::Parked, Some(Some(*ticket))),
            Held::Over(_) => (Phase::Zombie, Some(None)),
        };
        assert_eq!(pool.phase(member.handle.slot), phase);
        assert_eq!(Some(pool.parked(member.handle.slot)), ticket, "another slot's token, or a wrong ticket");
    }
    assert!(
        gone.iter().all(|old| pool.find(*old).is_none() && pool.reap(*old).is_none()),
        "an old handle is good"
    );
    assert!(stale.iter().all(|old| pool.claim(*old).is_none()), "an old ticket is good");
    let past = ThreadHandle { slot: SLOTS as u32, generation: 1 };
    assert_eq!(pool.find(past), None);
}

proptest! {
    #[test]
    fn a_task_has_one_token_and_one_handle(
        steps in vec((0..10u8, 0..SLOTS, any::<u64>()), 0..150),
        generation in prop_oneof![Just(0), Just(u32::MAX - 1), Just(u32::MAX)],
    ) {
        let pool = TaskPool::new(SLOTS);
        (0..SLOTS as u32).for_each(|index| pool.slot(index).generation.store(generation, Ordering::Relaxed));
        let mut members: Vec<Member> = Vec::new();
        let (mut gone, mut stale): (Vec<ThreadHandle>, Vec<Ticket>) = (Vec::new(), Vec::new());
        for (action, at, word) in steps {
            if action < 3 {
                let (owner, qos) = (word as u32, Qos::ALL[word as usize % Qos::COUNT]);
                let (pinned, home) = (word >> 40 & 1 == 1, (word >> 32) as usize % 512);
                match pool.spawn(owner, qos, CpuId::new(home), pinned) {
                    Ok(task) => {
                        prop_assert!(members.len() < SLOTS);
                        let handle = pool.handle(task.slot());
                        prop_assert!(handle.generation != 0, "0 would be no task");
                        prop_assert!(!gone.contains(&handle), "a handle came again");
                        members.push(Member { handle, owner, qos, pinned, home, held: Held::Queued(task) });
                    }
                    Err(PoolFull) => prop_assert_eq!(members.len(), SLOTS, "full with room left"),
                }
            } else if !members.is_empty() {
                let at = at % members.len();
                let mut member = members.swap_remove(at);
                let index = member.handle.slot as usize;
                member.held = match (member.held, action) {
                    (Held::Queued(task), _) => Held::On(pool.start(task)),
                    (Held::On(task), 3 | 4) => Held::Queued(pool.requeue(task)),
                    (Held::On(task), 5) => {
                        member.qos = Qos::ALL[word as usize % Qos::COUNT];
                        pool.set_qos(&task, member.qos);
                        Held::On(task)
                    }
                    (Held::On(task), 6 | 7) => {
                        let ticket = pool.next_ticket(&task);
                        prop_assert!(pool.claim(ticket).is_none(), "claimed before it was parked");
                        pool.park(task);
                        Held::Parked(ticket)
                    }
                    (Held::On(task), _) => {
                        prop_assert_eq!(pool.reap(member.handle), None, "reaped alive");
                        pool.finish(task, word);
                        Held::Over(word)
                    }
                    (Held::Parked(ticket), 9) => {
                        let from = member.home;
                        let to = word as usize % 512;
                        let wrong = CpuId::new((from + 1) % 512);
                        prop_assert!(!pool.move_home(index, wrong, CpuId::new(to)));
                        prop_assert!(pool.move_home(index, CpuId::new(from), CpuId::new(to)));
                        member.home = to;
                        Held::Parked(ticket)
                    }
                    (Held::Parked(ticket), _) => {
                        let task = pool.claim(ticket).expect("parked, and nobody else claims");
                        stale.push(ticket);
                        Held::Queued(task)
                    }
                    (Held::Over(value), _) => {
                        let other = ThreadHandle { generation: member.handle.generation ^ 1, ..member.handle };
                        prop_assert_eq!(pool.reap(other), None);
                        prop_assert_eq!(pool.reap(member.handle), Some(value));
                        gone.push(member.handle);
                        agrees(&pool, &members, &gone, &stale);
                        continue;
                    }
                };
                members.push(member);
            }
            agrees(&pool, &members, &gone, &stale);
        }
    }

    #[test]
    fn phase_and_epoch_share_a_word(epoch in 0..1u64 << 61, word: u64) {
        for phase in [Phase::Free, Phase::Runnable, Phase::Running, Phase::Parked, Phase::Zombie] {
            prop_assert_eq!(unpack(pack(phase, epoch)), (phase, epoch));
        }
        // Any word is some phase, and one that no phase wrote is no task.
        let (phase, epoch) = unpack(word);
        prop_assert!(pack(phase, epoch) == word || phase == Phase::Free);
    }
}
