//! A good run of all self-tests on any number of CPUs.

use super::*;
use antler_abi::Error;
use antler_facts::{Hart, WakeCause};

impl Script {
    /// A whole good run.
    pub(super) fn good(cpus: u16) -> Script {
        let mut run = Script::default();
        run.boot(cpus);
        let main = run.base();
        if cpus >= 2 {
            run.smp_online(main, cpus);
            run.counterfactual(main);
            for a in 0..cpus {
                for b in (0..cpus).filter(|b| *b != a) {
                    run.resched(main, a, b);
                }
            }
            run.marker(main, Marker::IpiResched);
            run.invalid(main, cpus);
            run.offline(main, cpus - 1);
            run.stealing(main, cpus);
            run.bound(main);
            run.ceiling(main);
        }
        run.marker(main, Marker::Done);
        run.exit(0, main);
        for cpu in 1..cpus {
            run.rouse(0, cpu, Request::Stop);
        }
        run.say(0, Event::End { code: 0 });
        run
    }

    fn boot(&mut self, cpus: u16) {
        let block = |cpu: u16| 0xffff_0000_0000 + 0x1000 * u64::from(cpu);
        let stack = |cpu: u16| 0xffff_8000_0000 + 0x10_0000 * u64::from(cpu);
        let hart = |cpu: u16| Hart(u64::from(cpu));
        self.say(0, Event::BootHart { hart: Hart(0) });
        self.say(0, Event::Transport { version: 2 });
        for cpu in 0..cpus {
            self.say(0, Event::Present { cpu: Cpu(cpu), hart: hart(cpu) });
        }
        self.say(0, Event::Online { hart: Hart(0), stack: stack(0), block: block(0) });
        for cpu in 1..cpus {
            self.say(0, Event::StartHart { cpu: Cpu(cpu), hart: hart(cpu) });
        }
        for cpu in 1..cpus {
            self.say(cpu, Event::Online { hart: hart(cpu), stack: stack(cpu), block: block(cpu) });
            self.rest(cpu);
        }
        for cpu in 1..cpus {
            self.say(0, Event::Verified { cpu: Cpu(cpu), hart: hart(cpu) });
        }
        self.say(0, Event::Marker { marker: Marker::Boot });
    }

    fn smp_online(&mut self, main: Task, cpus: u16) {
        let busy: Vec<(u16, Task)> = (1..cpus)
            .map(|cpu| {
                let busy = self.spawn(0, main, Qos::Normal);
                self.place(0, busy, cpu);
                self.dispatch(cpu, busy, Qos::Normal);
                (cpu, busy)
            })
            .collect();
        self.call(0, main, Syscall::Probe);
        let identity = |cpu: u16| {
            let place = u64::from(cpu);
            let (stack, block) = (0xffff_8000_0000 + 0x10_0000 * place, 0xffff_0000_0000 + 0x1000 * place);
            Event::Identity { hart: Hart(place), block, sp: stack - 512 }
        };
        for &(cpu, busy) in busy.iter().rev() {
            let n = self.post(0, cpu, Request::Call);
            self.say(0, Event::Ring { target: Cpu(cpu), n });
            self.say(cpu, Event::TrapUser { cause: SOFTWARE_INTERRUPT, task: busy });
            self.say(cpu, Event::Seen { at: Seen::Trap });
            self.say(cpu, identity(cpu));
            self.say(cpu, Event::Ack { sender: Cpu(0), n });
            self.rouse(cpu, 0, Request::Reply);
        }
        self.say(0, identity(0));
        for (cpu, busy) in busy {
            self.exit(cpu, busy);
            self.rest(cpu);
        }
        self.marker(main, Marker::SmpOnline);
    }

    fn counterfactual(&mut self, main: Task) {
        let busy = self.spawn(0, main, Qos::Normal);
        self.place(0, busy, 1);
        self.dispatch(1, busy, Qos::Normal);
        self.call(0, main, Syscall::Probe);
        let n = self.post(0, 1, Request::Resched);
        self.say(0, Event::Withheld { target: Cpu(1), n });
        for _ in 0..100 {
            self.call(1, busy, Syscall::Null);
        }
        self.call(0, main, Syscall::Probe);
        self.say(0, Event::Ring { target: Cpu(1), n });
        self.trapped(1, busy, 0, n);
        self.exit(1, busy);
        self.rest(1);
        self.marker(main, Marker::IpiCounterfactual);
    }

    fn resched(&mut self, main: Task, a: u16, b: u16) {
        // So that no task that it makes takes its place before it waits.
        self.call(0, main, Syscall::SetQos);
        let busy = self.spawn(0, main, Qos::Normal);
        self.place(0, busy, b);
        if b != 0 {
            self.dispatch(b, busy, Qos::Normal);
        }
        let sender = self.spawn(0, main, Qos::Interactive);
        self.place(0, sender, a);
        if a != 0 {
            self.dispatch(a, sender, Qos::Interactive);
        }
        self.call(0, main, Syscall::Wait);
        self.leave(0, main, Leave::Block);
        match 0 {
            cpu if cpu == a => self.dispatch(0, sender, Qos::Interactive),
            cpu if cpu == b => self.dispatch(0, busy, Qos::Normal),
            _ => self.rest(0),
        }
        let urgent = self.spawn(a, sender, Qos::PerfBurst);
        self.say(a, Event::Enqueue { task: urgent, target: Cpu(b), place: Place::Inbox });
        let n = self.post(a, b, Request::Resched);
        self.say(a, Event::Ring { target: Cpu(b), n });
        self.trapped(b, busy, a, n);
        self.leave(b, busy, Leave::Preempt);
        self.local(b, busy);
        self.dispatch(b, urgent, Qos::PerfBurst);
        self.exit(b, urgent);
        self.dispatch(b, busy, Qos::Normal);
        self.exit(b, busy);
        self.rest(b);
        self.call(a, sender, Syscall::Wake);
        self.say(a, Event::Wake { task: main, cause: WakeCause::Signal, target: Cpu(0) });
        self.place(a, main, 0);
        self.exit(a, sender);
        if a != 0 {
            self.rest(a);
        }
        self.dispatch(0, main, Qos::Normal);
    }

    fn invalid(&mut self, main: Task, cpus: u16) {
        self.refuse(main, u64::from(cpus), Error::InvalidTarget);
        self.marker(main, Marker::RejectInvalidTarget);
    }

    fn refuse(&mut self, main: Task, target: u64, error: Error) {
        for call in [Syscall::Resched, Syscall::Probe] {
            self.call(0, main, call);
            self.say(0, Event::TargetRefused { target, error });
            let argument = match call {
                Syscall::Probe => antler_abi::Probe::Target.number() as u64,
                _ => target,
            };
            self.say(0, Event::Refused { number: call.number() as u64, error, argument });
        }
    }

    fn offline(&mut self, main: Task, away: u16) {
        let hart = Hart(u64::from(away));
        self.call(0, main, Syscall::CpuOffline);
        self.called(0, away);
        self.idle.insert(away, false);
        self.say(away, Event::IdleEnd { why: IdleEnd::Offline });
        self.say(away, Event::Offline { hart });
        self.say(0, Event::HartState { cpu: Cpu(away), hart, state: 1 });
        self.refuse(main, u64::from(away), Error::Offline);
        self.call(0, main, Syscall::CpuOnline);
        self.say(0, Event::HartState { cpu: Cpu(away), hart, state: 1 });
        self.say(0, Event::StartHart { cpu: Cpu(away), hart });
        let place = u64::from(away);
        self.say(
            away,
            Event::Online {
                hart,
                stack: 0xffff_8000_0000 + 0x10_0000 * place,
                block: 0xffff_0000_0000 + 0x1000 * place,
            },
        );
        self.rest(away);
        self.say(0, Event::Verified { cpu: Cpu(away), hart });
        self.call(0, main, Syscall::Resched);
        self.rouse(0, away, Request::Resched);
        let sent = self.spawn(0, main, Qos::Normal);
        self.place(0, sent, away);
        self.dispatch(away, sent, Qos::Normal);
        // It waits there, is woken, and runs to its end on cpu0.
        self.call(away, sent, Syscall::Wait);
        self.leave(away, sent, Leave::Block);
        self.rest(away);
        self.call(0, main, Syscall::Wake);
        self.say(0, Event::Wake { task: sent, cause: WakeCause::Signal, target: Cpu(0) });
        self.local(0, sent);
        self.call(0, main, Syscall::Join);
        self.leave(0, main, Leave::Block);
        self.dispatch(0, sent, Qos::Normal);
        self.exit(0, sent);
        self.back(main, Qos::Normal);
        let taken = self.spawn(0, main, Qos::Normal);
        self.local(0, taken);
        self.rouse(0, away, Request::Resched);
        self.steal(away, 0, Qos::Normal, &[taken]);
        self.dispatch(away, taken, Qos::Normal);
        self.exit(away, taken);
        self.rest(away);
        self.marker(main, Marker::RejectOffline);
    }

    fn stealing(&mut self, main: Task, cpus: u16) {
        let mut tasks: Vec<Task> = (0..4 * cpus).map(|_| self.made(main, Qos::Normal)).collect();
        for thief in 1..cpus {
            let task = tasks.remove(0);
            self.rouse(0, thief, Request::Resched);
            self.steal(thief, 0, Qos::Normal, &[task]);
            self.dispatch(thief, task, Qos::Normal);
            tasks.push(task);
        }
        let rest = tasks.len() - usize::from(cpus - 1);
        self.call(0, main, Syscall::Join);
        self.leave(0, main, Leave::Block);
        self.dispatch(0, tasks[0], Qos::Normal);
        for (thief, &task) in (1..cpus).zip(&tasks[rest..]) {
            self.exit(thief, task);
            self.rest(thief);
        }
        // The first one's slice ends; another CPU steals it and brings it to its end.
        self.slice(0, tasks[0]);
        self.dispatch(0, tasks[1], Qos::Normal);
        self.steal(1, 0, Qos::Normal, &tasks[..1]);
        self.dispatch(1, tasks[0], Qos::Normal);
        self.exit(1, tasks[0]);
        self.rest(1);
        self.exit(0, tasks[1]);
        for &task in &tasks[2..rest] {
            self.dispatch(0, task, Qos::Normal);
            self.exit(0, task);
        }
        self.back(main, Qos::Normal);
        self.marker(main, Marker::WorkStealing);
    }

    pub(super) fn made(&mut self, main: Task, class: Qos) -> Task {
        let task = self.spawn(0, main, class);
        self.local(0, task);
        task
    }

    pub(super) fn back(&mut self, main: Task, class: Qos) {
        self.say(0, Event::Wake { task: main, cause: WakeCause::Join, target: Cpu(0) });
        self.local(0, main);
        self.dispatch(0, main, class);
    }

    fn bound(&mut self, main: Task) {
        let tasks: Vec<Task> = (0..9).map(|_| self.made(main, Qos::Normal)).collect();
        self.call(0, main, Syscall::Probe);
        let (number, error) = (Syscall::Probe.number() as u64, Error::AboveBound);
        self.say(0, Event::StealRefused { victim: Cpu(1), asked: 5, error });
        self.say(0, Event::Refused { number, error, argument: 9 });
        self.rouse(0, 1, Request::Resched);
        self.steal(1, 0, Qos::Normal, &tasks[..4]);
        self.call(0, main, Syscall::Join);
        self.leave(0, main, Leave::Block);
        for (cpu, task) in [1; 4].into_iter().chain([0; 5]).zip(&tasks) {
            self.dispatch(cpu, *task, Qos::Normal);
            self.exit(cpu, *task);
        }
        self.rest(1);
        self.back(main, Qos::Normal);
        self.marker(main, Marker::RejectStealAboveBound);
    }

    fn ceiling(&mut self, main: Task) {
        // Above what it puts on its own queue, or that would take its place.
        self.call(0, main, Syscall::SetQos);
        self.call(0, main, Syscall::Probe);
        self.say(0, Event::Ceiling { cpu: Cpu(1), class: Qos::Normal });
        let high = self.made(main, Qos::Interactive);
        let low = self.made(main, Qos::Normal);
        self.rouse(0, 1, Request::Resched);
        self.steal(1, 0, Qos::Normal, &[low]);
        self.dispatch(1, low, Qos::Normal);
        self.exit(1, low);
        self.rest(1);
        self.call(0, main, Syscall::Probe);
        self.say(0, Event::Ceiling { cpu: Cpu(1), class: Qos::PerfBurst });
        self.call(0, main, Syscall::Join);
        self.leave(0, main, Leave::Block);
        self.dispatch(0, high, Qos::Interactive);
        self.exit(0, high);
        self.back(main, Qos::PerfBurst);
        self.marker(main, Marker::RejectStealHigherQos);
    }
}
