//! Work put on one CPU that really spreads, and a task that is stolen in mid-work.

use super::small::*;
use super::steals::steal;
use super::*;

const STEALING: &str = "stealing";

/// Eight tasks on cpu0; cpu1 steals the first and runs it while cpu0 runs the second. The ninth runs on cpu0, is preempted,
/// and goes on on cpu1, which steals it.
fn spread() -> Vec<Said> {
    let mut said = vec![(0, 10, marker(Marker::RejectOffline))];
    for number in 1..=8 {
        said.extend([(0, 20, spawned(task(number), T)), (0, 20, enqueue(task(number), 0))]);
    }
    said.extend([
        (1, 30, steal(0, 1)),
        (1, 31, stolen(task(1), 0)),
        (1, 32, dispatch(task(1))),
        (0, 40, dispatch(task(2))),
        (1, 50, leave(task(1), Leave::Exit)),
        (1, 51, exit(task(1))),
        (0, 60, leave(task(2), Leave::Exit)),
        (0, 61, exit(task(2))),
    ]);
    for number in 3..=8 {
        let at = 60 + number * 10;
        said.extend([
            (0, at, dispatch(task(number))),
            (0, at + 5, leave(task(number), Leave::Exit)),
            (0, at + 6, exit(task(number))),
        ]);
    }
    said.extend(migrant());
    said.push((0, 200, marker(Marker::WorkStealing)));
    said
}

/// A task that is no other's: it was made before.
fn migrant() -> Vec<Said> {
    vec![
        (0, 150, dispatch(task(9))),
        (0, 160, leave(task(9), Leave::Preempt)),
        (0, 161, enqueue(task(9), 0)),
        (1, 170, steal(0, 1)),
        (1, 171, stolen(task(9), 0)),
        (1, 172, dispatch(task(9))),
        (1, 180, leave(task(9), Leave::Exit)),
        (1, 181, exit(task(9))),
    ]
}

/// Where it begins.
const MIGRANT: usize = 43;

/// [`spread`] with its fact at this place at another time.
fn moved(at: usize, time: u64) -> Vec<Said> {
    let (cpu, _, event) = spread()[at];
    with(&spread(), at, (cpu, time, event))
}

#[test]
fn each_task_begins_and_ends_once_and_elsewhere_only_if_stolen() {
    says(STEALING, 2, &spread(), &[]);
    let few = "7 tasks were put on one CPU, 8 are meant";
    says(STEALING, 2, &minus(&spread(), &[15, 16, 40, 41, 42]), &[few]);
    let outside = with(&spread(), 15, (0, 9, spawned(task(8), T)));
    says(STEALING, 2, &outside, &[few]);
    let elsewhere = with(&spread(), 16, (0, 20, enqueue(task(8), 1)));
    assert!(reasons(STEALING, 2, &elsewhere).contains(&few.to_owned()), "not put on its maker's CPU");
    let ended = |times: usize| format!("task 8.1 ended {times} times");
    says(STEALING, 2, &minus(&spread(), &[42]), &[&ended(0)]);
    says(STEALING, 2, &plus(&spread(), &[(0, 210, exit(task(8)))]), &[&ended(2)]);
    says(STEALING, 2, &minus(&spread(), &[40]), &["task 8.1 never ran"]);
    let strange = "task 1.1 began on cpu1, which did not steal it from cpu0";
    says(STEALING, 2, &minus(&spread(), &[18]), &[strange]);
    let mut other = spread();
    other[18] = (1, 31, stolen(task(9), 0));
    says(STEALING, 2, &other, &[strange]);
    let mut late = spread();
    late.swap(18, 19);
    let late = with(&with(&late, 18, (1, 31, dispatch(task(1)))), 19, (1, 32, stolen(task(1), 0)));
    says(STEALING, 2, &late, &[strange]);
    let placed = |target: u16, place: Place, at: u64, number: u64| {
        let mut said = spread();
        let event = Event::Enqueue { task: task(number), target: Cpu(target), place };
        said.insert(17, (0, at, event));
        reasons(STEALING, 3, &said).contains(&strange.to_owned())
    };
    assert!(placed(1, Place::Inbox, 25, 1) && placed(1, Place::Inbox, 32, 1));
    assert!(!placed(1, Place::Inbox, 33, 1), "after it began");
    assert!(
        !placed(2, Place::Inbox, 25, 1) && !placed(1, Place::Local, 25, 1) && !placed(1, Place::Inbox, 25, 2)
    );
}

#[test]
fn several_cpus_have_tasks_begun_and_not_ended_at_one_moment() {
    let alone = |most: usize, needed: usize| {
        format!(
            "at most {most} CPUs had one of the tasks begun and not ended at one moment, {needed} are needed"
        )
    };
    // The first ends before the second begins; in the moment in which it begins; after it.
    says(STEALING, 2, &moved(22, 39), &[&alone(1, 2)]);
    says(STEALING, 2, &moved(22, 40), &[&alone(1, 2)]);
    says(STEALING, 2, &moved(22, 41), &[]);
    // Two at once on one CPU are one CPU.
    let many = reasons(STEALING, 3, &spread());
    assert_eq!(many, ["8 tasks were put on one CPU, 12 are meant", &alone(2, 3)]);
    // Preempted on one CPU and gone on with on another: it counts where it was dispatched last.
    let mut handed = spread();
    handed.splice(
        23..23,
        [(1, 41, leave(task(1), Leave::Yield)), (1, 42, enqueue(task(1), 0)), (0, 43, dispatch(task(1)))],
    );
    handed[20] = (0, 44, dispatch(task(2)));
    assert_eq!(reasons(STEALING, 2, &handed), [alone(1, 2)]);
}

#[test]
fn a_task_is_stolen_in_mid_work_and_goes_on_elsewhere() {
    let none = "no task was taken off its CPU by the end of a slice or a higher class, stolen, and went on elsewhere";
    let event = |at: usize| spread()[MIGRANT + at].2;
    let told = |at: usize, cpu: u16, time: u64, event: Event| {
        reasons(STEALING, 3, &with(&spread(), MIGRANT + at, (cpu, time, event))).contains(&none.to_owned())
    };
    assert_eq!((event(0), event(7)), (dispatch(task(9)), exit(task(9))));
    says(STEALING, 2, &spread(), &[]);
    says(STEALING, 2, &minus(&spread(), &(MIGRANT..MIGRANT + 8).collect::<Vec<_>>()), &[none]);
    for missing in [0, 1, 4, 5] {
        says(STEALING, 2, &minus(&spread(), &[MIGRANT + missing]), &[none]);
    }
    // It left because it wanted to.
    for why in [Leave::Yield, Leave::Block, Leave::Offline] {
        assert!(told(1, 0, 160, leave(task(9), why)), "{why:?}");
    }
    // Stolen from another CPU, another task, or by another than who runs it then.
    assert!(told(4, 1, 171, stolen(task(9), 2)) && told(4, 1, 171, stolen(task(8), 0)));
    assert!(told(4, 2, 171, stolen(task(9), 0)));
    // Stolen before it left, or after it went on; at the very moments it counts.
    let stolen_at = |time: u64| {
        let mut said = minus(&spread(), &[MIGRANT + 4]);
        let place = said.iter().rposition(|(cpu, at, _)| *cpu == 1 && *at <= time).map_or(0, |at| at + 1);
        said.insert(place, (1, time, stolen(task(9), 0)));
        !reasons(STEALING, 2, &said).contains(&none.to_owned())
    };
    assert_eq!([159, 160, 172, 173].map(stolen_at), [false, true, true, false]);
    // Between the markers all of it.
    let after = |at: u64| {
        let mut said = spread();
        let last = said.len() - 1;
        said[last].1 = at;
        reasons(STEALING, 2, &said).contains(&none.to_owned())
    };
    assert_eq!([171, 172].map(after), [true, false]);
    let begun = |at: u64| {
        let said = with(&spread(), 0, (2, at, marker(Marker::RejectOffline)));
        reasons(STEALING, 3, &said).contains(&none.to_owned())
    };
    assert_eq!([160, 161].map(begun), [false, true]);
    let claim = judged(STEALING, &Case::new(2), &spread());
    let found = "8 tasks put on cpu0, 1 of them begun elsewhere, 2 CPUs at once; 1 stolen in mid-work";
    assert_eq!(claim.found, found);
    let shown: Vec<&str> = claim.evidence.iter().rev().take(3).map(|one| one.says.as_str()).collect();
    assert!(shown[0].contains("task 9.1") && shown.len() == 3, "{shown:?}");
}
