//! What tasks do: the system calls, as in `kernel/src/syscall/tasks.rs` and `program.rs`.

use antler_abi::{Qos, ThreadHandle};
use antler_facts::Seen;
use antler_nucleus::{CeilingError, CpuId, CpuSet, Key, Placement, STEAL_BOUND, Steal, StealRefused};
use shuttle::sync::atomic::{Ordering, fence};

use super::cpu::{Cpu, pick, token};
use super::ledger::Park;
use super::plan::{Deed, PROGRAMS, STRIDE};
use super::rest::{For, Where};
use super::world::lock;

/// Deadlines are at most so far away, ns.
const AHEAD: usize = 20_000;

/// The Call that only wants an answer.
const HELLO: u64 = 1;

impl Cpu {
    /// The first tasks of each program.
    pub fn start_programs(&mut self) {
        for task in 0..(2 * self.world.plan.cpus).min(self.world.plan.tasks / 2) {
            self.make(task % PROGRAMS);
        }
    }

    fn make(&mut self, owner: usize) {
        let qos = Qos::ALL[pick(Qos::COUNT)];
        let placement = match pick(4) {
            0 | 1 => Placement::Here,
            2 => match self.world.sched.target(pick(self.world.plan.cpus)) {
                Ok(cpu) if qos <= self.world.sched.ceiling(cpu.cpu()) => Placement::Pinned(cpu.cpu()),
                _ => return,
            },
            _ => Placement::Anywhere,
        };
        let world = &self.world;
        world.programs[owner].live.fetch_add(1, Ordering::SeqCst);
        let pin = match placement {
            Placement::Pinned(cpu) => Some(cpu.index()),
            _ => None,
        };
        let here = token(&mut self.here);
        let made = world.sched.spawn(&self.port, here, owner as u32, qos, placement, |task| {
            let handle = world.sched.tasks.handle(task.slot());
            lock(&world.ledger).born(handle, qos, pin);
        });
        if made.is_err() {
            world.programs[owner].live.fetch_sub(1, Ordering::SeqCst);
        }
        self.done();
    }

    /// The current task runs, up to its next way into the kernel.
    pub fn user(&mut self) {
        loop {
            if lock(&self.world.rest).meet {
                self.rest(Where::Meeting);
            }
            let (pending, calls) = {
                let rest = lock(&self.world.rest);
                (rest.bell[self.me] || rest.due(self.me), rest.calls)
            };
            let Some(slot) = self.current() else { return };
            lock(&self.world.ledger).runs(self.me, slot);
            if pending {
                return self.handle(Seen::Trap);
            }
            if calls == 0 {
                return self.exit();
            }
            let again = lock(&self.world.ledger).rec(slot).again.take();
            if let Some(handle) = again {
                return self.join(slot, handle);
            }
            match self.choose() {
                Deed::Compute => {
                    let ns = pick(STRIDE as usize) as u64 + 1;
                    self.world.pass(ns);
                    lock(&self.world.ledger).computed(self.me, slot, ns);
                    self.world.stop_if_red();
                }
                deed => {
                    lock(&self.world.rest).calls -= 1;
                    return self.act(slot, deed);
                }
            }
        }
    }

    fn choose(&self) -> Deed {
        let mix = self.world.plan.mix;
        let mut at = pick(mix.iter().map(|&(_, weight)| weight as usize).sum());
        for &(deed, weight) in mix {
            match at.checked_sub(weight as usize) {
                None => return deed,
                Some(rest) => at = rest,
            }
        }
        Deed::Compute
    }

    fn act(&mut self, slot: usize, deed: Deed) {
        let soon = lock(&self.world.rest).now + pick(AHEAD) as u64 + 1;
        match deed {
            Deed::Compute => {}
            Deed::Yield => self.world.sched.yield_now(token(&mut self.here)),
            Deed::Sleep => {
                let owner = self.world.sched.tasks.owner(slot) as usize;
                lock(&self.world.ledger).parks(slot, Park::Sleep(soon));
                self.world.sched.sleep(&self.port, token(&mut self.here), soon);
                self.parked(owner);
            }
            Deed::Wait => self.wait(slot, (pick(2) == 0).then_some(soon)),
            Deed::Wake => self.wake_word(pick(super::plan::WORDS), 1 + pick(3)),
            Deed::WakeAll => self.wake_word(pick(super::plan::WORDS), usize::MAX),
            Deed::Spawn => self.make(self.world.sched.tasks.owner(slot) as usize),
            Deed::SetQos => self.set_qos(slot),
            Deed::Exit => self.exit(),
            Deed::Join => {
                let owner = self.world.sched.tasks.owner(slot);
                let handle = self.world.sched.tasks.handle(pick(self.world.plan.tasks));
                if handle.slot as usize != slot && self.world.sched.tasks.owner(handle.slot as usize) == owner
                {
                    self.join(slot, handle);
                }
            }
            Deed::Kill => self.end_program(slot),
            Deed::CallAll => {
                let mut targets = self.world.sched.online();
                targets.remove(CpuId::new(self.me));
                self.call(HELLO, targets);
            }
            Deed::Hotplug => self.change_a_cpu(),
            Deed::Ceiling => self.set_ceiling(),
            Deed::Steal => self.steal(),
            Deed::Meet => lock(&self.world.rest).meet = true,
        }
    }

    fn wait(&mut self, slot: usize, deadline: Option<u64>) {
        let word = pick(super::plan::WORDS);
        let (world, key) = (&self.world, Key::Address(0, word as u64 * 4));
        let owner = world.sched.tasks.owner(slot) as usize;
        let value = world.words[word].load(Ordering::SeqCst);
        lock(&world.ledger).parks(slot, Park::Word { word, value, deadline });
        let waits = world.sched.wait(&self.port, token(&mut self.here), key, deadline, |_| {
            if world.words[word].load(Ordering::SeqCst) == value { Ok(()) } else { Err(()) }
        });
        match waits {
            Ok(()) => self.parked(owner),
            Err(()) => lock(&world.ledger).stays(slot),
        }
    }

    /// Mirror of `end_program`: the caller has parked, perhaps too late to be found.
    fn parked(&mut self, owner: usize) {
        fence(Ordering::SeqCst);
        if self.world.programs[owner].doomed.load(Ordering::SeqCst) != 0 {
            self.world.sched.rouse(&self.port, token(&mut self.here), owner as u32);
        }
    }

    fn join(&mut self, slot: usize, handle: ThreadHandle) {
        let world = &self.world;
        if world.sched.tasks.find(handle).is_none() {
            return;
        }
        if let Some(value) = world.sched.tasks.reap(handle) {
            return lock(&world.ledger).reaped(handle, value);
        }
        // Woken by the thread's end, the caller makes the call again and finds the value.
        {
            let mut ledger = lock(&world.ledger);
            ledger.rec(slot).again = Some(handle);
            ledger.parks(slot, Park::End(handle));
        }
        let (key, owner) = (Key::End(handle.to_raw()), world.sched.tasks.owner(slot) as usize);
        let waits = world.sched.wait(&self.port, token(&mut self.here), key, None, |_| {
            let over = world.sched.has_ended(handle) || world.sched.tasks.find(handle).is_none();
            if over { Err(()) } else { Ok(()) }
        });
        match waits {
            Ok(()) => self.parked(owner),
            Err(()) => lock(&world.ledger).stays(slot),
        }
    }

    fn set_qos(&mut self, slot: usize) {
        let qos = Qos::ALL[pick(Qos::COUNT)];
        if self.world.sched.tasks.pinned(slot) && qos > self.world.sched.ceiling(CpuId::new(self.me)) {
            return;
        }
        lock(&self.world.ledger).set_qos(self.me, slot, qos);
        self.world.sched.set_qos(token(&mut self.here), qos);
    }

    fn exit(&mut self) {
        let Some(slot) = self.current() else { return };
        let value = self.world.sched.tasks.handle(slot).to_raw() ^ 0x5a5a;
        self.end_thread(value);
    }

    /// Ends the current thread; with the last one, its program.
    pub fn end_thread(&mut self, value: u64) {
        let Some(slot) = self.current() else { return };
        let world = &self.world;
        let owner = world.sched.tasks.owner(slot);
        let handle = world.sched.tasks.handle(slot);
        lock(&world.ledger).ends(handle, value);
        world.sched.exit(&self.port, token(&mut self.here), value);
        lock(&world.rest).outside_in_vain = 0;
        if world.programs[owner as usize].live.fetch_sub(1, Ordering::SeqCst) == 1 {
            for slot in 0..world.sched.tasks.capacity() {
                let handle = world.sched.tasks.handle(slot);
                if world.sched.tasks.owner(slot) == owner
                    && let Some(value) = world.sched.tasks.reap(handle)
                {
                    lock(&world.ledger).reaped(handle, value);
                }
            }
        }
        self.done();
    }

    fn end_program(&mut self, slot: usize) {
        let owner = self.world.sched.tasks.owner(slot) as usize;
        self.doom(owner);
        self.end_thread(1);
    }

    /// Marks a program as over and makes every thread of it notice.
    pub fn doom(&mut self, owner: usize) {
        // A caller outside of the program has nobody to count as itself.
        let own = u32::from(self.current().is_some());
        let program = &self.world.programs[owner];
        if program.doomed.swap(1, Ordering::SeqCst) == 0 && program.live.load(Ordering::SeqCst) > own {
            fence(Ordering::SeqCst);
            self.world.sched.rouse(&self.port, token(&mut self.here), owner as u32);
            self.done();
        }
    }

    /// Calls `targets` and waits until each has answered.
    pub fn call(&mut self, op: u64, targets: CpuSet<1>) {
        let world = self.world.clone();
        let argument = lock(&world.ledger).new_call();
        let call = antler_nucleus::Call { op, argument };
        let reached = world.sched.call(&self.port, token(&mut self.here), call, &targets);
        self.done();
        self.wait_until(For::Answers, |cpu| world.sched.call_done(token(&mut cpu.here)));
        // Each CPU that was reached answers, one that leaves meanwhile on its way out.
        let must: Vec<usize> = reached.iter().map(CpuId::index).collect();
        lock(&world.ledger).call_is_over(self.me, argument, &must);
    }

    fn set_ceiling(&mut self) {
        let (cpu, class) = (pick(self.world.plan.cpus), Qos::ALL[pick(Qos::COUNT)]);
        let refused = cpu == 0 && class != Qos::PerfBurst;
        match self.world.sched.set_ceiling(cpu, class) {
            // Nobody can act between the store and this line: shuttle switches before accesses only.
            Ok(()) if !refused => lock(&self.world.ledger).set_ceiling(cpu, class),
            Ok(()) => panic!("cpu0 took a ceiling"),
            Err(error) => assert!(refused && error == CeilingError::BootCpu, "a ceiling was refused"),
        }
        // What is queued here may have found a taker; what is queued there may have to go, or there is more to steal now.
        self.world.sched.look_again(token(&mut self.here));
        if let Ok(target) = self.world.sched.target(cpu)
            && cpu != self.me
        {
            // A CPU that left meanwhile looks when it comes back.
            let _left = self.world.sched.resched(&self.port, token(&mut self.here), target);
        }
    }

    fn steal(&mut self) {
        let (victim, count) = (pick(self.world.plan.cpus), pick(STEAL_BOUND + 2));
        let Ok(victim) = self.world.sched.target(victim) else { return };
        let got = self.world.sched.steal(&self.port, token(&mut self.here), victim, count);
        let right = match got {
            Err(StealRefused::AboveBound) => count > STEAL_BOUND,
            Err(StealRefused::Own) => count <= STEAL_BOUND && victim.cpu().index() == self.me,
            Ok(Steal::Took(n)) => n >= 1 && n <= count && count <= STEAL_BOUND,
            Ok(Steal::Nothing | Steal::Lost) => count <= STEAL_BOUND,
        };
        assert!(right, "a steal of {count} from {} by cpu{} ended as {got:?}", victim.cpu(), self.me);
    }
}
