//! What must hold when nothing moves any more.

use antler_nucleus::{CpuId, Next};

use super::Cpu;

/// Doorbells answered, in turns over all CPUs, until a model is taken to ring for ever.
const TURNS: usize = 16;

/// Lets every CPU whose doorbell is pending answer it, until none is.
///
/// # Panics
/// When that does not end.
pub fn settle(cpus: &mut [Cpu]) {
    for _ in 0..TURNS {
        let mut quiet = true;
        for cpu in cpus.iter_mut().filter(|cpu| cpu.is_online()) {
            if cpu.doorbell() {
                quiet = false;
                let _ = cpu.proceed();
            }
        }
        if quiet {
            return;
        }
    }
    panic!("doorbells ring without end");
}

/// Has whoever neither runs nor sleeps look for work, settles, and then checks: each task is in one place, and none on
/// a CPU that has left; who sleeps can be claimed, and finds nothing on another look; who runs finds no task in its
/// inbox that its tick will not find in time; who has left cannot be claimed. The CPUs are all that the world has.
///
/// # Panics
/// When one of these does not hold; the message says which.
pub fn check(mut cpus: Vec<Cpu>) -> Vec<Cpu> {
    for cpu in cpus.iter_mut().filter(|cpu| cpu.is_online() && !cpu.asleep) {
        if cpu.current().is_none() {
            let _ = cpu.proceed();
        }
    }
    settle(&mut cpus);
    let mut cpus = audit(cpus);
    cpus.iter_mut().filter(|cpu| cpu.is_online() && cpu.asleep).for_each(check_asleep);
    cpus.iter_mut().filter(|cpu| cpu.is_online() && !cpu.asleep).for_each(check_running);
    for cpu in cpus.iter().filter(|cpu| !cpu.is_online()) {
        let me = CpuId::new(cpu.number());
        assert!(!cpu.world.sched.idle().contains(me), "{me} is gone, and offers to be claimed");
        assert!(cpu.world.armed(me.index()).is_none(), "{me} is gone, and its timer is armed");
    }
    cpus
}

/// Counts every task's places twice: over all CPUs, and over those online alone.
fn audit(cpus: Vec<Cpu>) -> Vec<Cpu> {
    let (mut parts, mut tokens) = (Vec::new(), Vec::new());
    for Cpu { world, answered, here, asleep } in cpus {
        parts.push((world, answered, asleep));
        tokens.push(here);
    }
    let sched = &parts[0].0.sched;
    if let Err(error) = sched.audit(&mut tokens) {
        panic!("a task is not in one place: {error:?}");
    }
    let (mut online, offline): (Vec<_>, Vec<_>) =
        tokens.into_iter().partition(|token| sched.target(token.index()).is_ok());
    if let Err(error) = sched.audit(&mut online) {
        panic!("a task is left on a CPU that is gone: {error:?}");
    }
    let mut tokens: Vec<_> = online.into_iter().chain(offline).collect();
    tokens.sort_by_key(|token| token.index());
    let parts = parts.into_iter().zip(tokens);
    parts.map(|((world, answered, asleep), here)| Cpu { world, answered, here, asleep }).collect()
}

/// Moves the clock to `now`, lets every timer fire that is due, once, and every doorbell be answered.
///
/// # Panics
/// When that does not end.
pub fn let_timers_fire(cpus: &mut [Cpu], now: u64) {
    cpus[0].world.set_now(now);
    for cpu in cpus.iter_mut() {
        if cpu.world.armed(cpu.number()).is_some_and(|at| at <= now) {
            cpu.timer();
            let _ = cpu.proceed();
        }
    }
    settle(cpus);
}

/// How many CPUs run a task.
pub fn running(cpus: &mut [Cpu]) -> usize {
    cpus.iter_mut().filter_map(Cpu::current).count()
}

fn check_asleep(cpu: &mut Cpu) {
    let me = CpuId::new(cpu.number());
    let world = cpu.world.clone();
    let received = || world.sched.counters(me).wakes_received.get();
    let stolen = || world.sched.counters(me).tasks_stolen.get();
    let claimable = world.sched.idle().contains(me);
    let before = (received(), stolen());
    let armed = world.armed(me.index());
    cpu.look_again();
    let next = cpu.proceed();
    assert!(received() == before.0, "{me} sleeps beside a task in its inbox");
    assert!(stolen() == before.1, "{me} sleeps beside a task that it may steal");
    assert!(next == Next::Idle, "{me} sleeps beside a task in its own queue");
    assert!(world.armed(me.index()) == armed, "{me} sleeps beside a deadline that was left to it");
    assert!(claimable, "{me} sleeps, and nobody can claim it");
}

fn check_running(cpu: &mut Cpu) {
    let me = CpuId::new(cpu.number());
    let world = cpu.world.clone();
    let received = || world.sched.counters(me).wakes_received.get();
    let (before, tick) = (received(), world.armed(me.index()).is_some());
    cpu.look_again();
    let next = cpu.proceed();
    assert!(tick || received() == before, "{me} runs undisturbed beside a task in its inbox");
    assert!(next == Next::Same, "{me} has a task of a higher class wait for its tick");
}
