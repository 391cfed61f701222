//! CPUs that come and go, as in `kernel/src/hotplug.rs`: one at a time, never cpu0.

use antler_nucleus::{CpuId, TargetError};
use shuttle::sync::atomic::Ordering;

use super::cpu::{Cpu, LEAVE, answer, pick, token};
use super::rest::{For, Where, point, unpark};
use super::world::lock;

impl Cpu {
    /// Takes a CPU offline, or brings back one that is.
    pub fn change_a_cpu(&mut self) {
        let world = self.world.clone();
        if world.changing.compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return;
        }
        // Idle ones rather than others: those may be claimed for work while they are asked to leave.
        let idle: Vec<CpuId> = world.sched.idle().iter().collect();
        let number = if !idle.is_empty() && pick(2) == 0 {
            idle[pick(idle.len())].index()
        } else {
            pick(world.plan.cpus)
        };
        match world.sched.target(number) {
            Ok(target) if number != 0 && number != self.me => {
                self.call(LEAVE, [target.cpu()].into_iter().collect());
                self.await_stopped(number);
            }
            Err(TargetError::Offline) => {
                self.await_stopped(number);
                let threads = lock(&world.rest).release(|_, cpu| cpu == number);
                unpark(threads);
                self.wait_until(For::Hotplug, |cpu| cpu.world.sched.target(number).is_ok());
            }
            _ => {}
        }
        world.changing.store(0, Ordering::SeqCst);
    }

    fn await_stopped(&mut self, number: usize) {
        self.wait_until(For::Hotplug, |cpu| lock(&cpu.world.rest).at[number] == Where::Off);
    }

    /// This CPU leaves: everything it has goes to others, then its hart stops, until somebody starts it again.
    pub fn go_offline(&mut self) {
        self.leave = false;
        let (world, me) = (self.world.clone(), self.me);
        {
            let mut ledger = lock(&world.ledger);
            ledger.lives[me] += 1;
            ledger.leaving[me] = true;
        }
        let mut again = false;
        world.sched.leave(&self.port, token(&mut self.here), |_, _, call| {
            answer(&world, me, &mut again, call);
        });
        self.done();
        assert!(!again, "asked to leave while leaving");
        // Often an audit at once, before anybody's next entry repairs what the leaving has spoiled. Not always: meetings
        // put the CPUs in step.
        lock(&world.rest).meet |= pick(2) == 0;
        self.rest(Where::Off);
        if lock(&world.rest).over {
            return;
        }
        // The new life begins with a silent doorbell; what is rung from now on stays pending.
        let mut rest = lock(&world.rest);
        (rest.bell[me], rest.timer[me]) = (false, None);
        drop(rest);
        point();
        assert!(!world.sched.online().contains(CpuId::new(me)), "online before it came");
        lock(&world.ledger).leaving[me] = false;
        world.sched.come_online(&self.port, token(&mut self.here));
        self.done();
    }
}
