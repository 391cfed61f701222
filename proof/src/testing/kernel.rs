//! The machine that ran, its end, its traps, faults and address spaces.

use antler_facts::Hart;

use super::small::*;
use super::*;
use crate::Doorbells;
use crate::GuestEnd;

#[test]
fn the_end_is_stated_once_last_and_true() {
    let end = |code| Event::End { code };
    says("end", 1, &[(0, 10, end(0))], &[]);
    says("end", 1, &[], &["0 facts state the machine's end, one must"]);
    says("end", 1, &[(0, 10, end(0)), (0, 20, end(0))], &["2 facts state the machine's end, one must"]);
    says("end", 1, &[(0, 10, end(0)), (0, 20, WOKE)], &["cpu0 states facts after the machine's end"]);
    says("end", 2, &[(0, 10, end(0)), (1, 20, WOKE)], &[]);
    let two = ["the kernel states end code 32, the machine's was 0", "the kernel states end code 32"];
    says("end", 1, &[(0, 10, end(32))], &two);
    let late = Case { end: GuestEnd::TimedOut, ..Case::new(1) };
    assert_eq!(reasons_in("end", &late, &[(0, 10, end(32))]), ["the kernel states end code 32"]);
}

/// Three CPUs: the boot hart is 5, the others ascend.
fn board() -> Vec<Said> {
    let present = |cpu, hart| Event::Present { cpu: Cpu(cpu), hart: Hart(hart) };
    vec![
        (0, 1, Event::BootHart { hart: Hart(5) }),
        (0, 2, present(0, 5)),
        (0, 3, present(1, 2)),
        (0, 4, present(2, 9)),
        (0, 5, Event::Transport { version: 2 }),
    ]
}

#[test]
fn the_machine_is_the_one_asked_for() {
    let case = Case { harts: Some(vec![2, 5, 9]), ..Case::new(3) };
    let says = |said: &[Said], expected: &[&str]| {
        assert_eq!(reasons_in("platform", &case, said), expected);
    };
    let present = |cpu, hart| Event::Present { cpu: Cpu(cpu), hart: Hart(hart) };
    says(&board(), &[]);
    let port = |found: &str| {
        format!("the facts port must be stated once with version 2 (modern virtio-mmio); stated: {found}")
    };
    says(&minus(&board(), &[4]), &[&port("[]")]);
    says(&with(&board(), 4, (0, 5, Event::Transport { version: 1 })), &[&port("[1]")]);
    says(&plus(&board(), &[(0, 6, Event::Transport { version: 2 })]), &[&port("[2, 2]")]);
    for (at, kind) in [(0, "BootHart"), (1, "Present"), (4, "Transport")] {
        let (_, time, event) = board()[at];
        let mut said = with(&board(), at, (1, time, event));
        said.insert(0, (0, 0, Event::BootHart { hart: Hart(5) }));
        let reasons = reasons_in("platform", &case, &said);
        assert!(reasons.contains(&format!("cpu1 states {kind}, which is cpu0's to state")), "{reasons:?}");
    }
    let fewer = minus(&board(), &[3]);
    let lacking = "2 harts are stated present, 3 were asked for";
    assert!(reasons_in("platform", &case, &fewer).contains(&lacking.to_owned()));
    let gap = with(&board(), 3, (0, 4, present(3, 9)));
    says(&gap, &["CPU numbers are not 0 to 2 once each: [0, 1, 3]"]);
    let twice = plus(&board(), &[(0, 6, present(2, 9))]);
    says(
        &twice,
        &["4 harts are stated present, 3 were asked for", "CPU numbers are not 0 to 2 once each: [0, 1, 2]"],
    );
    let same = reasons_in("platform", &case, &with(&board(), 3, (0, 4, present(2, 2))));
    assert_eq!(same[0], "two CPUs have the same hart id");
    let other = with(&board(), 3, (0, 4, present(2, 8)));
    says(
        &other,
        &["harts present are {Hart(2), Hart(5), Hart(8)}, the machine has {Hart(2), Hart(5), Hart(9)}"],
    );
    let unknown = Case { harts: None, ..case.clone() };
    assert_eq!(reasons_in("platform", &unknown, &other), NOTHING);
    let crossed = with(&with(&board(), 2, (0, 3, present(1, 9))), 3, (0, 4, present(2, 2)));
    says(&crossed, &["cpu1 and up are not numbered by ascending hart id"]);
    let mut second = board();
    second.insert(0, (0, 0, Event::IdleBegin {}));
    says(&second, &["cpu0's first fact is not which hart boots"]);
    says(
        &with(&board(), 0, (0, 1, Event::BootHart { hart: Hart(2) })),
        &["hart 2 booted, but cpu0 is Some(Hart(5))"],
    );
    says(
        &plus(&board(), &[(0, 6, Event::BootHart { hart: Hart(5) })]),
        &["2 facts state the boot hart, one must"],
    );
    let wanted = |hart| Case { boot_hart: Some(hart), ..case.clone() };
    assert_eq!(reasons_in("platform", &wanted(5), &board()), NOTHING);
    assert_eq!(reasons_in("platform", &wanted(2), &board()), ["hart 5 booted, hart 2 was to"]);
}

/// A task of cpu0 that traps and calls.
fn calling() -> Vec<Said> {
    vec![(0, 20, dispatch(T)), (0, 30, trap(T, 8)), (0, 40, syscall(T, Syscall::Null))]
}

#[test]
fn traps_and_calls_are_of_the_task_that_runs() {
    const TRAPS: &str = "traps";
    says(TRAPS, 1, &calling(), &[]);
    let other = with(&calling(), 1, (0, 30, trap(task(2), 8)));
    says(TRAPS, 1, &other, &["cpu0 states a trap of task 2.1 at 30 ns while it ran task 1.1"]);
    let other = with(&calling(), 2, (0, 40, syscall(task(2), Syscall::Null)));
    says(TRAPS, 1, &other, &["cpu0 states a system call of task 2.1 at 40 ns while it ran task 1.1"]);
    let after = plus(&calling(), &[(0, 70, leave(T, Leave::Block)), (0, 80, trap(T, 8))]);
    says(TRAPS, 1, &after, &["cpu0 states a trap of task 1.1 at 80 ns while it ran nothing"]);
}

#[test]
fn a_doorbell_interrupts_by_the_cause_of_its_kind() {
    let (software, external) = (SOFTWARE_INTERRUPT, 1 << 63 | 9);
    let run = |cause| plus(&calling(), &[(0, 50, trap(T, cause))]);
    let told = |doorbells, cause| reasons_in("traps", &Case { doorbells, ..Case::new(1) }, &run(cause));
    for (doorbells, its, other) in [
        (Doorbells::Firmware, software, external),
        (Doorbells::Sswi, software, external),
        (Doorbells::Imsic, external, software),
    ] {
        assert_eq!(told(doorbells, its), NOTHING);
        let name = doorbells.name();
        let wrong = format!(
            "cpu0 was interrupted at 50 ns by scause {other:#x}; on a machine whose doorbells are {name} it is {its:#x}"
        );
        assert_eq!(told(doorbells, other), [wrong]);
    }
}

/// An address in the kernel's half.
const KERNEL: u64 = 1 << 63;

/// Four wild tasks, each ended for its fault, and one that goes on.
fn wild() -> Vec<Said> {
    let mut said = Vec::new();
    for (number, cause) in [(1, 13), (2, 12), (3, 15), (4, 2)] {
        let (at, one) = (number * 100, task(number));
        said.extend([
            (0, at, spawned(one, Task(0))),
            (0, at + 10, enqueue(one, 0)),
            (0, at + 20, dispatch(one)),
            (0, at + 30, Event::Fault { task: one, cause, address: KERNEL }),
            (0, at + 40, leave(one, Leave::Exit)),
            (0, at + 50, exit(one)),
        ]);
    }
    said.push((0, 500, dispatch(task(9))));
    for call in POINTERS {
        said.extend((0..5).map(|pointer| (0, 510, bad(call, pointer))));
    }
    for number in 1..=4 {
        said.extend(
            RIGHTS.iter().flat_map(|call| [(0, 515, syscall(task(number), *call)), (0, 515, denied(*call))]),
        );
    }
    said.push((0, 520, marker(Marker::Isolation)));
    said
}

/// Spawn twice: a thread of a higher class, and a pinned one.
const RIGHTS: [Syscall; 7] = [
    Syscall::SetQos,
    Syscall::Spawn,
    Syscall::Spawn,
    Syscall::Resched,
    Syscall::CpuOffline,
    Syscall::CpuOnline,
    Syscall::Probe,
];

fn denied(call: Syscall) -> Event {
    Event::Refused { number: call.number() as u64, error: Error::Denied, argument: 9 }
}

const POINTERS: [Syscall; 6] =
    [Syscall::Write, Syscall::FileFind, Syscall::FileInfo, Syscall::FileRead, Syscall::Wait, Syscall::Wake];

fn bad(call: Syscall, pointer: u64) -> Event {
    Event::Refused { number: call.number() as u64, error: Error::BadAddress, argument: pointer }
}

/// Where in [`wild`] another task runs, and the first bad pointer is refused.
const OTHER: usize = 24;
const BAD: usize = 25;

#[test]
fn wild_programs_end_and_only_they() {
    const ISOLATION: &str = "isolation";
    says(ISOLATION, 1, &wild(), &[]);
    let fault = |number, cause| Event::Fault { task: task(number), cause, address: KERNEL };
    for (number, page, access, what) in [
        (1, 13, 5, "a read of kernel memory (scause 13 or 5)"),
        (2, 12, 1, "a jump into the void (scause 12 or 1)"),
        (3, 15, 7, "a stack overflow (scause 15 or 7)"),
        (4, 2, 2, "an instruction that there is not (scause 2 or 2)"),
    ] {
        let at = number as usize * 6 - 3;
        let time = number * 100 + 30;
        says(ISOLATION, 1, &with(&wild(), at, (0, time, fault(number, access))), &[]);
        let missing = format!("no program was ended for {what}");
        let unknown =
            format!("task {number}.1 was ended for scause {:#x}, which no program here causes", page + 100);
        says(ISOLATION, 1, &with(&wild(), at, (0, time, fault(number, page + 100))), &[&missing, &unknown]);
    }
    let own = Event::Fault { task: T, cause: 13, address: KERNEL - 1 };
    let text = "task 1.1 was ended for reading 0x7fffffffffffffff, which is not the kernel's";
    says(ISOLATION, 1, &with(&wild(), 3, (0, 130, own)), &[text]);
    let live = "task 1.1 faulted (scause 13), but its end was not stated before the marker";
    says(ISOLATION, 1, &minus(&wild(), &[5]), &[live]);
    let late = plus(&minus(&wild(), &[5]), &[(0, 521, exit(T))]);
    says(ISOLATION, 1, &late, &[live]);
    says(ISOLATION, 1, &plus(&minus(&wild(), &[5]), &[(0, 520, exit(T))]), &[]);
    let again = plus(&wild(), &[(0, 515, dispatch(T))]);
    says(ISOLATION, 1, &again, &["task 1.1 ran again after its fault at 130 ns"]);
    // Dispatched in the tick of its fault: that was before it.
    says(ISOLATION, 1, &with(&wild(), 2, (0, 130, dispatch(T))), &[]);
    let mut twice = wild();
    twice.insert(4, (0, 135, fault(1, 13)));
    says(ISOLATION, 1, &twice, &["task 1.1 was ended for a fault twice"; 2]);
    let alone = minus(&wild(), &[OTHER]);
    says(ISOLATION, 1, &alone, &["no other task ran after the fault of task 4.1"]);
    says(
        ISOLATION,
        1,
        &plus(&alone, &[(0, 530, dispatch(task(4)))]),
        &["task 4.1 ran again after its fault at 430 ns", "no other task ran after the fault of task 4.1"],
    );
    let missing = "no program was ended for an instruction that there is not (scause 2 or 2)";
    let late = "cpu0 ends a program for a fault at 521 ns, when all wild programs have ended";
    says(ISOLATION, 1, &plus(&minus(&wild(), &[21]), &[(0, 521, fault(4, 2))]), &[late, missing]);
    // At the very moment of the marker, with the other's run behind it.
    let tick = [(0, 520, fault(4, 2)), (0, 520, dispatch(task(9)))];
    says(ISOLATION, 1, &plus(&minus(&wild(), &[21, OTHER]), &tick), &[]);
}

#[test]
fn each_wild_program_is_refused_what_takes_a_right() {
    const ISOLATION: &str = "isolation";
    let begin = BAD + 5 * POINTERS.len();
    for (number, call) in RIGHTS.into_iter().enumerate() {
        // What the third program asks for, and what it is told.
        let at = begin + 2 * (2 * RIGHTS.len() + number);
        let asked = wild()[at];
        assert_eq!((asked.2, wild()[at + 1].2), (syscall(task(3), call), denied(call)));
        let (found, wanted) = if call == Syscall::Spawn { (1, 2) } else { (0, 1) };
        let few = format!(
            "task 3.1 was refused {call:?} for want of a right {found} times before the marker; {wanted} are needed"
        );
        says(ISOLATION, 1, &minus(&wild(), &[at + 1]), &[&few]);
        let other = Event::Refused { number: call.number() as u64, error: Error::InvalidTarget, argument: 9 };
        says(ISOLATION, 1, &with(&wild(), at + 1, (0, 515, other)), &[&few]);
        // Somebody else's refusal is not its own.
        says(ISOLATION, 1, &with(&wild(), at, (0, 515, syscall(task(4), call))), &[&few]);
        let late = |time| plus(&minus(&wild(), &[at, at + 1]), &[asked, (0, time, denied(call))]);
        says(ISOLATION, 1, &late(521), &[&few]);
        says(ISOLATION, 1, &late(520), &[]);
    }
}

#[test]
fn each_call_that_takes_a_pointer_refuses_five_bad_ones() {
    const ISOLATION: &str = "isolation";
    for (number, call) in POINTERS.into_iter().enumerate() {
        let at = BAD + 5 * number;
        assert_eq!(wild()[at].2, bad(call, 0));
        let few = |times: usize| {
            format!("{call:?} was refused for {times} bad pointers before the marker; 5 are needed")
        };
        says(ISOLATION, 1, &minus(&wild(), &[at]), &[&few(4)]);
        says(ISOLATION, 1, &minus(&wild(), &[at, at + 1, at + 2, at + 3, at + 4]), &[&few(0)]);
        let Event::Refused { number, argument, .. } = wild()[at].2 else { panic!("a refusal") };
        let other = Event::Refused { number, error: Error::Denied, argument };
        says(ISOLATION, 1, &with(&wild(), at, (0, 510, other)), &[&few(4)]);
        // What is stated after the marker proves nothing for it; at the very moment it does.
        says(ISOLATION, 1, &plus(&minus(&wild(), &[at]), &[(0, 521, bad(call, 0))]), &[&few(4)]);
        says(ISOLATION, 1, &plus(&minus(&wild(), &[at]), &[(0, 520, bad(call, 0))]), &[]);
        // The same one again is another only where the pointer is not what the fact states.
        let again = reasons(ISOLATION, 1, &with(&wild(), at, (0, 510, bad(call, 1))));
        let states_it = !matches!(call, Syscall::FileInfo | Syscall::FileRead);
        assert_eq!(again, if states_it { vec![few(4)] } else { vec![] }, "{call:?}");
    }
}

#[test]
fn each_task_runs_in_one_address_space_of_its_program() {
    const SPACES: &str = "address spaces";
    let run = |number, space: u64| Event::Dispatch {
        task: task(number),
        class: Qos::Normal,
        satp: 8 << 60 | space,
    };
    // A program of two threads, then one that gets the same space after it, and one beside it.
    let good = vec![
        (0, 10, spawned(task(1), Task(0))),
        (0, 20, run(1, 7)),
        (0, 30, spawned(task(2), task(1))),
        (0, 40, run(2, 7)),
        (0, 50, exit(task(1))),
        (0, 50, exit(task(2))),
        (0, 50, spawned(task(3), Task(0))),
        (0, 50, run(3, 7)),
        (0, 60, spawned(task(4), Task(0))),
        (0, 70, run(4, 8)),
        (0, 80, exit(task(3))),
        (0, 90, exit(task(4))),
    ];
    says(SPACES, 1, &good, &[]);
    says(SPACES, 1, &[], &["no task was ever dispatched"]);
    let bare = Event::Dispatch { task: task(4), class: Qos::Normal, satp: 8 };
    says(SPACES, 1, &with(&good, 9, (0, 70, bare)), &["cpu0 runs task 4.1 with satp 0x8, which is not Sv39"]);
    let moved = plus(&good, &[(0, 95, run(4, 9))]);
    let text = "cpu0 runs task 4.1 with satp 0x8000000000000009, elsewhere it had 0x8000000000000008";
    says(SPACES, 1, &moved, &[text]);
    let text = "task 2.1 runs in another space than its parent task 1.1";
    says(SPACES, 1, &with(&good, 3, (0, 40, run(2, 9))), &[text]);
    let text = "programs of task 4.1 and task 3.1 run in one address space";
    says(SPACES, 1, &with(&good, 9, (0, 70, run(4, 7))), &[text]);
    // Before the one ended; and by one that never ended.
    let overlap = with(&good, 4, (0, 51, exit(task(1))));
    says(SPACES, 1, &overlap, &["programs of task 3.1 and task 1.1 run in one address space"]);
    says(SPACES, 1, &minus(&good, &[4]), &["programs of task 3.1 and task 1.1 run in one address space"]);
    // The program lives as long as any of its threads.
    for alive in [with(&good, 5, (0, 51, exit(task(2)))), minus(&good, &[5])] {
        says(SPACES, 1, &alive, &["programs of task 3.1 and task 1.1 run in one address space"]);
    }
    // One that begins in the moment in which the other ends.
    let meet = with(&with(&good, 9, (0, 80, run(4, 7))), 8, (0, 75, spawned(task(4), Task(0))));
    says(SPACES, 1, &meet, &[]);
    let swapped = [
        (0, 10, spawned(task(3), Task(0))),
        (0, 20, run(3, 7)),
        (0, 80, exit(task(3))),
        (0, 80, spawned(task(1), Task(0))),
        (0, 80, run(1, 7)),
    ];
    says(SPACES, 1, &swapped, &[]);
    // Who shares with several is told beside the one that lives longest; of two that end together, beside the later one.
    let many = |second: (u64, u64)| {
        let mut said = Vec::new();
        for (number, begin, end) in [(1, 10, 90), (2, second.0, second.1), (3, 50, 60)] {
            said.push((0, begin, spawned(task(number), Task(0))));
            said.push((0, begin, run(number, 7)));
            said.push((0, end, exit(task(number))));
        }
        said.sort_by_key(|(_, time, _)| *time);
        reasons(SPACES, 1, &said)
    };
    let pair =
        |high: u64, low: u64| format!("programs of task {high}.1 and task {low}.1 run in one address space");
    assert_eq!(many((20, 30)), [pair(2, 1), pair(3, 1)]);
    assert_eq!(many((20, 90)), [pair(2, 1), pair(3, 2)]);
    // One that never ran is in nobody's space.
    let mut unborn = good.clone();
    unborn.remove(9);
    unborn.push((0, 95, spawned(task(5), Task(0))));
    says(SPACES, 1, &unborn, &[]);
}
