//! The mailbox, one step at a time, against what its documentation says of each step.

use antler_facts::Request;
use antler_nucleus::{CpuId, Mailbox, Post};
use proptest::prelude::*;

const SENDERS: usize = 70;

#[derive(Clone, Copy, Debug)]
enum Step {
    Post(usize, Request),
    /// What a CPU does when it saw its doorbell, cut off before the senders if false.
    Drain(bool),
    RingFails,
    /// What a CPU does when it leaves: close, then meet the senders unless somebody posts in between.
    Close,
    MeetSenders,
    Open,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = proptest::sample::select(Request::ALL);
    let sender = prop_oneof![3 => 0..3usize, 1 => 0..SENDERS];
    let step = prop_oneof![
        8 => (sender, kind).prop_map(|(sender, kind)| Step::Post(sender, kind)),
        3 => any::<bool>().prop_map(Step::Drain),
        2 => Just(Step::RingFails),
        1 => Just(Step::Close),
        2 => Just(Step::MeetSenders),
        2 => Just(Step::Open),
    ];
    proptest::collection::vec(step, 0..120)
}

#[derive(Default)]
struct Model {
    open: bool,
    rung: bool,
    kinds: Vec<Request>,
    /// Senders with a request that no ack covers yet.
    waiting: Vec<usize>,
    posted: Vec<u64>,
    acked: Vec<u64>,
}

impl Model {
    fn meet(&mut self, mailbox: &Mailbox<2>) {
        let senders: Vec<usize> = mailbox.take_senders().iter().map(CpuId::index).collect();
        self.waiting.sort_unstable();
        self.waiting.dedup();
        assert_eq!(senders, self.waiting, "senders met");
        for sender in self.waiting.drain(..) {
            let cpu = CpuId::new(sender);
            mailbox.ack(cpu, mailbox.posted(cpu));
            self.acked[sender] = self.posted[sender];
        }
    }
}

proptest! {
    #[test]
    fn every_step_does_what_it_says(steps in steps()) {
        let mailbox = Mailbox::<2>::closed(SENDERS);
        let mut model =
            Model { posted: vec![0; SENDERS], acked: vec![0; SENDERS], ..Model::default() };
        for step in steps {
            match step {
                Step::Post(sender, kind) => {
                    let cpu = CpuId::new(sender);
                    prop_assert_eq!(mailbox.next_number(cpu), model.posted[sender] + 1);
                    model.posted[sender] += 1;
                    let mut attached = false;
                    let post = mailbox.post_with(cpu, kind, || {
                        attached = true;
                        assert_eq!(mailbox.posted(cpu), model.posted[sender], "attached before its number");
                    });
                    prop_assert!(attached);
                    let expected = match (model.open, model.rung) {
                        // The leaving CPU meets the earlier request, and this one with it.
                        (false, _) if model.waiting.contains(&sender) => Post::Rides,
                        (false, _) => Post::Closed,
                        (true, true) => Post::Rides,
                        (true, false) => Post::Ring,
                    };
                    prop_assert_eq!(post, expected);
                    if model.open {
                        model.kinds.push(kind);
                        model.waiting.push(sender);
                        model.rung = true;
                    }
                }
                // Only a CPU that is there drains.
                Step::Drain(whole) if model.open => {
                    let kinds = mailbox.take();
                    for kind in Request::ALL {
                        prop_assert_eq!(kinds.has(*kind), model.kinds.contains(kind));
                    }
                    model.kinds.clear();
                    model.rung = false;
                    if whole {
                        model.meet(&mailbox);
                    }
                }
                // Only who found the bell silent rings it, so it is rung.
                Step::RingFails if model.rung || !model.open => {
                    prop_assert_eq!(mailbox.ring_failed(), model.open);
                }
                Step::Close if model.open => {
                    let kinds = mailbox.close();
                    for kind in Request::ALL {
                        prop_assert_eq!(kinds.has(*kind), model.kinds.contains(kind), "closing lost {:?}", kind);
                    }
                    model.kinds.clear();
                    (model.open, model.rung) = (false, false);
                }
                Step::MeetSenders => model.meet(&mailbox),
                Step::Open if !model.open => {
                    // The last thing that a leaving CPU does is to meet who still waits.
                    model.meet(&mailbox);
                    mailbox.open();
                    model.open = true;
                }
                _ => {}
            }
            if model.open {
                prop_assert_eq!(mailbox.is_rung(), model.rung);
            }
            for sender in 0..SENDERS {
                let cpu = CpuId::new(sender);
                prop_assert_eq!(mailbox.posted(cpu), model.posted[sender]);
                prop_assert_eq!(mailbox.acked(cpu), model.acked[sender]);
            }
        }
    }
}
