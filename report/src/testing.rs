//! A small run with one of everything that is drawn.

use antler_abi::Qos;
use antler_facts::{Cpu, Event, Fact, Hart, IdleEnd, Leave, Marker, Place, Request, Seen, Task};
use antler_proof::{Case, Trace};

use crate::run::{Evidence, Run, Verdict};

/// The task that is stolen.
pub const STOLEN: Task = Task(1 << 32 | 7);

/// Two CPUs, one IPI, one theft, one CPU that leaves and comes back, two markers.
pub fn facts() -> Vec<Fact> {
    let (a, b, task, other) = (Cpu(0), Cpu(1), STOLEN, Task(2 << 32 | 8));
    let dispatch = |task| Event::Dispatch { task, class: Qos::Normal, satp: 1 };
    let online = |hart| Event::Online { hart: Hart(hart), stack: 0x1000, block: 0x2000 };
    let told = [
        (a, 5, Event::Present { cpu: a, hart: Hart(3) }),
        (b, 6, online(4)),
        (a, 8, Event::Marker { marker: Marker::Boot }),
        (b, 10, Event::IdleBegin {}),
        (a, 500, Event::Spawned { task: other, parent: Task(0), class: Qos::Normal }),
        (a, 501, Event::Spawned { task, parent: other, class: Qos::Normal }),
        (a, 502, Event::Enqueue { task, target: a, place: Place::Local }),
        (a, 1_000_000, dispatch(other)),
        (a, 1_500_000, Event::Request { target: b, n: 3, what: Request::Resched }),
        (a, 1_500_000, Event::Ring { target: b, n: 3 }),
        (a, 2_000_000, Event::Leave { task: other, why: Leave::Preempt }),
        (a, 2_000_000, dispatch(other)),
        (b, 2_500_000, Event::Seen { at: Seen::Wfi }),
        (b, 2_500_000, Event::Ack { sender: a, n: 3 }),
        (b, 2_600_000, Event::Steal { victim: a, count: 1, class: Qos::Normal }),
        (b, 2_600_000, Event::Stolen { task, victim: a }),
        (b, 2_700_000, Event::IdleEnd { why: IdleEnd::Work }),
        (b, 2_700_000, dispatch(task)),
        (b, 4_000_000, Event::Leave { task, why: Leave::Exit }),
        (b, 4_000_000, Event::Exit { task, value: 0 }),
        (b, 4_100_000, Event::Offline { hart: Hart(4) }),
        (a, 4_200_000, Event::Marker { marker: Marker::Trap }),
        (b, 5_000_000, online(4)),
        (a, 6_000_000, Event::End { code: 0 }),
    ];
    let mut seq = [0; 2];
    let number = |(cpu, time, event): (Cpu, u64, Event)| {
        let seq = &mut seq[usize::from(cpu.0)];
        *seq += 1;
        Fact { seq: *seq - 1, cpu, time, event }
    };
    told.into_iter().map(number).collect()
}

/// That run, judged (red, as it lacks nearly everything), with evidence for the first claim.
pub fn run() -> Run {
    let facts = facts();
    let bytes: Vec<u8> = facts.iter().flat_map(Fact::encode).collect();
    let console = "KINIT: boot ok\n</script><script>alert(1)</script><!-- & \u{1b}[31m\n";
    let judged = antler_proof::judge(console.as_bytes(), &bytes, &Case::new(2));
    let mut json: serde_json::Value = serde_json::from_str(&judged.to_json()).expect("the judge writes JSON");
    json["configuration"] = "smp2".into();
    json["guest"] = "the guest ended well".into();
    json["host_seconds"] = 0.5.into();
    let mut verdict: Verdict =
        serde_json::from_value(json).expect("verdict.json holds what the report shows");
    verdict.claims[0].evidence =
        vec![Evidence { cpu: 1, seq: 2, says: "<b>the doorbell</b> that it saw".into() }];
    verdict.claims[0].evidence_total = 1;
    Run {
        verdict,
        trace: Trace::from_facts(facts),
        console: console.to_owned(),
        programs: vec!["selftest".to_owned()],
        kernel: None,
        matrix: None,
    }
}
