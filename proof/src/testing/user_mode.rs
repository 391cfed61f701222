//! Calls of every kind, answered and refused, and threads.

use super::small::*;
use super::*;

const USER: &str = "user mode";

const ANSWERED: [Syscall; 13] = [
    Syscall::FileFind,
    Syscall::FileInfo,
    Syscall::FileRead,
    Syscall::Args,
    Syscall::Map,
    Syscall::Unmap,
    Syscall::Reserve,
    Syscall::Spawn,
    Syscall::Join,
    Syscall::Clock,
    Syscall::Cpu,
    Syscall::CpusOnline,
    Syscall::SetQos,
];

/// Call, argument and error of each call that is refused.
const REFUSED: [(u64, u64, Error); 11] = [
    (26, 0, Error::NoSuchCall),
    (1000, 0, Error::NoSuchCall),
    (u64::MAX, 0, Error::NoSuchCall),
    (Syscall::FileFind.number() as u64, 0, Error::NoFile),
    (Syscall::FileRead.number() as u64, 9, Error::NoFile),
    (Syscall::Map.number() as u64, 0, Error::Exists),
    (Syscall::Map.number() as u64, 0, Error::BadArgument),
    (Syscall::SetQos.number() as u64, 4, Error::BadArgument),
    (Syscall::Join.number() as u64, 0, Error::BadHandle),
    (Syscall::Join.number() as u64, 1, Error::BadHandle),
    (Syscall::Join.number() as u64, 2, Error::BadHandle),
];

/// Where the two threads' facts begin, and how many each has.
const THREADS: usize = 1 + 2 * ANSWERED.len() + 3 * REFUSED.len();
const EACH: usize = 5;

fn refused(number: u64, argument: u64, error: Error) -> Event {
    Event::Refused { number, error, argument }
}

fn run() -> Vec<Said> {
    let mut events = vec![marker(Marker::Trap)];
    for call in ANSWERED {
        events.extend([trap(T, 8), syscall(T, call)]);
    }
    for (number, argument, error) in REFUSED {
        let call = Event::Syscall { number, task: T };
        events.extend([trap(T, 8), call, refused(number, argument, error)]);
    }
    for thread in [task(2), task(3)] {
        events.extend([spawned(thread, T), enqueue(thread, 0), dispatch(thread)]);
        events.extend([leave(thread, Leave::Exit), exit(thread)]);
    }
    events.push(marker(Marker::UserMode));
    events.into_iter().zip(1..).map(|(event, at)| (0, at * 10, event)).collect()
}

fn missing(calls: &str) -> String {
    format!("before the user-mode marker no call of these kinds was answered: {calls}")
}

#[test]
fn each_kind_of_call_is_answered() {
    says(USER, 1, &run(), &[]);
    for (number, call) in ANSWERED.into_iter().enumerate() {
        let at = 2 + 2 * number;
        assert_eq!(run()[at].2, syscall(T, call));
        says(USER, 1, &minus(&run(), &[at]), &[&missing(&format!("{call:?}"))]);
        // Refused, it was not answered.
        let mut wrong = run();
        wrong.insert(at + 1, (0, wrong[at].1, refused(call.number() as u64, 5, Error::NoMemory)));
        says(USER, 1, &wrong, &[&missing(&format!("{call:?}"))]);
    }
    says(USER, 1, &minus(&run(), &[2, 4]), &[&missing("FileFind, FileInfo")]);
    // What is refused behind the next entry, or behind another task's, is another call.
    for over in [trap(task(2), 8), dispatch(task(2))] {
        let mut other = run();
        other.splice(
            3..3,
            [
                (0, other[2].1, over),
                (0, other[2].1, refused(Syscall::FileFind.number() as u64, 5, Error::NoMemory)),
            ],
        );
        says(USER, 1, &other, &[]);
    }
    let mut number = run();
    number.insert(3, (0, number[2].1, refused(Syscall::Clock.number() as u64, 5, Error::NoMemory)));
    says(USER, 1, &number, &[]);
    // Whichever CPU; but between the markers.
    let moved = |cpu: u16, time: u64| plus(&minus(&run(), &[2]), &[(cpu, time, run()[2].2)]);
    let last = run()[run().len() - 1].1;
    says(USER, 2, &moved(1, 10), &[]);
    says(USER, 2, &moved(1, last), &[]);
    says(USER, 2, &moved(1, 9), &[&missing("FileFind")]);
    says(USER, 2, &moved(1, last + 1), &[&missing("FileFind")]);
}

#[test]
fn each_kind_of_error_is_given_for_different_calls() {
    let few = |error: Error, found: usize, needed: usize| {
        format!(
            "before the user-mode marker {found} different calls were refused with {error:?}, {needed} are needed"
        )
    };
    let place = |number: usize| 3 + 2 * ANSWERED.len() + 3 * number;
    for (number, (call, argument, error)) in REFUSED.into_iter().enumerate() {
        let needed = REFUSED.iter().filter(|(.., other)| *other == error).count();
        let at = place(number);
        assert_eq!(run()[at].2, refused(call, argument, error));
        // Neither the call nor what it was told.
        let reasons = reasons(USER, 1, &minus(&run(), &[at - 1, at]));
        assert_eq!(reasons, [few(error, needed - 1, needed)]);
        // The same call twice is one.
        let other = REFUSED.iter().enumerate().find(|(at, (.., e))| *at != number && *e == error);
        if let Some((_, &(call, argument, error))) = other {
            let twice = with(&run(), at, (0, run()[at].1, refused(call, argument, error)));
            let twice = with(&twice, at - 1, (0, run()[at - 1].1, Event::Syscall { number: call, task: T }));
            assert_eq!(super::small::reasons(USER, 1, &twice), [few(error, needed - 1, needed)]);
        }
    }
}

#[test]
fn two_threads_begin_run_and_end() {
    let one = "before the user-mode marker 1 threads began and ended, 2 are needed";
    let first = THREADS;
    assert_eq!(run()[first].2, spawned(task(2), T));
    assert_eq!(run()[first + EACH].2, spawned(task(3), T));
    let programs = with(&run(), first, (0, run()[first].1, spawned(task(2), Task(0))));
    says(USER, 1, &programs, &[one]);
    says(USER, 1, &minus(&run(), &[first]), &[one]);
    says(USER, 1, &minus(&run(), &[first + 2]), &[one]);
    says(USER, 1, &minus(&run(), &[first + 4]), &[one]);
    let none = one.replace("1 threads", "0 threads");
    says(USER, 1, &minus(&run(), &[first + 4, first + EACH + 4]), &[&none]);
    // Begun before the window, or ended after it; in the ticks of the markers they count.
    let end = run()[run().len() - 1].1;
    let begun = |time: u64| plus(&minus(&run(), &[first]), &[(1, time, spawned(task(2), T))]);
    let ended = |time: u64| plus(&minus(&run(), &[first + 4]), &[(1, time, exit(task(2)))]);
    says(USER, 2, &begun(9), &[one]);
    says(USER, 2, &begun(10), &[]);
    says(USER, 2, &ended(end + 1), &[one]);
    says(USER, 2, &ended(end), &[]);
}

#[test]
fn what_was_answered_and_refused_is_counted_and_shown_once() {
    let mut said = run();
    // Again what was made before.
    let end = said.len() - 1;
    let (time, found) = (said[end].1 - 1, Event::Syscall { number: 4, task: T });
    said.splice(end..end, [(0, time, trap(T, 8)), (0, time, found), (0, time, refused(4, 0, Error::NoFile))]);
    let claim = judged(USER, &Case::new(1), &said);
    assert_eq!(
        claim.found,
        "13 kinds of calls answered, 11 different calls refused, 2 threads begun and ended"
    );
    assert_eq!(claim.evidence_total, 13 + 11);
}
