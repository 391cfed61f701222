//! A CPU's ceiling changes while it falls asleep, or while a task is sent to it, and it is asked to look: it takes what
//! it may take now, and keeps nothing that it may not.
//!
//! Three CPUs: cpu1's ceiling changes, cpu2 sets it and asks, cpu0 has the task; one kernel entry each, then every
//! doorbell is answered; three preemptions (deep: four). A ceiling is read and written without an order of its own: what
//! is checked here is that the request behind it carries it. Not covered: two who set one ceiling, and a ceiling that is
//! set without a request, which takes effect at the next look.
#![cfg(loom)]

use antler_abi::Qos;
use antler_models::explore;
use antler_models::world::{Cpu, World, check, running, settle};
use antler_nucleus::{CpuId, Next, Placement};

/// Sets cpu1's ceiling and asks it to look, as the kernel does.
fn set(cpu2: &mut Cpu, class: Qos) {
    assert_eq!(cpu2.world.sched.set_ceiling(1, class), Ok(()));
    assert_eq!(cpu2.resched(1), Ok(()));
}

/// All online, the last of them with a pinned task that keeps it busy and that nobody steals.
fn cpus() -> [Cpu; 3] {
    let mut cpus = World::online(4);
    cpus[2].spawn_pinned(Qos::Normal, 2);
    assert!(matches!(cpus[2].proceed(), Next::Run(_)));
    cpus
}

/// Everybody answers; then cpu1 runs nothing that its ceiling forbids, and the task runs elsewhere if it must.
fn stays_below_its_ceiling(cpus: [Cpu; 3]) {
    let (world, mut cpus) = (cpus[0].world.clone(), Vec::from(cpus));
    settle(&mut cpus);
    let ceiling = world.sched.ceiling(CpuId::new(1));
    let above = cpus[1].current().filter(|&slot| world.sched.tasks.qos(slot) > ceiling);
    assert!(above.is_none(), "cpu1 goes on above its ceiling");
    let mut cpus = check(cpus);
    assert!(running(&mut cpus) == 2, "a task runs nowhere");
}

/// cpu0 has a task to spare that cpu1 may take from now on.
#[test]
fn who_may_take_more_does_not_sleep_beside_it() {
    for asleep in [false, true] {
        explore(&format!("a ceiling is raised, its CPU asleep: {asleep}"), Some(3), move || {
            let [mut cpu0, mut cpu1, cpu2] = cpus();
            assert_eq!(cpu0.world.sched.set_ceiling(1, Qos::Idle), Ok(()));
            cpu0.spawn(Qos::Normal, Placement::Here);
            assert!(matches!(cpu0.proceed(), Next::Run(_)));
            if asleep {
                assert_eq!(cpu1.proceed(), Next::Idle);
            }
            let cpu1 = cpu1.run(move |cpu1| {
                if cpu1.doorbell() || !asleep {
                    let _ = cpu1.proceed();
                }
            });
            let cpu2 = cpu2.run(|cpu2| set(cpu2, Qos::Normal));
            cpu0.spawn(Qos::Normal, Placement::Here);
            let _ = cpu0.proceed();
            let mut cpus = check(vec![cpu0, cpu1.join().0, cpu2.join().0]);
            assert!(running(&mut cpus) == 3, "cpu1 sleeps beside a task that it may take now");
        });
    }
}

/// A task is sent to cpu1, which sleeps and may run it until now.
#[test]
fn who_may_take_less_passes_on_what_is_sent() {
    explore("a ceiling is lowered against a wake", Some(3), || {
        let [mut cpu0, mut cpu1, cpu2] = cpus();
        assert_eq!(cpu1.proceed(), Next::Idle);
        let cpu1 = cpu1.run(|cpu1| {
            if cpu1.doorbell() {
                let _ = cpu1.proceed();
            }
        });
        let cpu2 = cpu2.run(|cpu2| set(cpu2, Qos::Idle));
        cpu0.spawn(Qos::Normal, Placement::Anywhere);
        let _ = cpu0.proceed();
        stays_below_its_ceiling([cpu0, cpu1.join().0, cpu2.join().0]);
    });
}

/// cpu1 runs the task when its ceiling falls.
#[test]
fn who_may_take_less_gives_up_what_it_runs() {
    explore("a ceiling is lowered against a running task", Some(3), || {
        let [mut cpu0, mut cpu1, cpu2] = cpus();
        cpu1.spawn(Qos::Normal, Placement::Here);
        assert!(matches!(cpu1.proceed(), Next::Run(_)));
        let cpu1 = cpu1.run(|cpu1| {
            if cpu1.doorbell() {
                let _ = cpu1.proceed();
            }
        });
        let cpu2 = cpu2.run(|cpu2| set(cpu2, Qos::Idle));
        let _ = cpu0.proceed();
        stays_below_its_ceiling([cpu0, cpu1.join().0, cpu2.join().0]);
    });
}
