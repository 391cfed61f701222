//! The part of the good run that every machine has: traps, user mode, timer, isolation.

use super::*;
use antler_facts::WakeCause;

impl Script {
    pub(super) fn base(&mut self) -> Task {
        let programs = [(); 5].map(|()| {
            let task = self.spawn(0, Task(0), Qos::Normal);
            self.local(0, task);
            task
        });
        let [wild @ .., main] = programs;
        for (cause, wild) in [13, 12, 15, 2].into_iter().zip(wild) {
            self.dispatch(0, wild, Qos::Normal);
            self.oversteps(wild);
            self.say(0, Event::TrapUser { cause, task: wild });
            self.say(0, Event::Fault { task: wild, cause, address: 1 << 63 | 8 });
            self.leave(0, wild, Leave::Exit);
            self.say(0, Event::Exit { task: wild, value: 139 });
        }
        self.dispatch(0, main, Qos::Normal);
        self.returns(main);
        self.marker(main, Marker::Trap);
        self.user_mode(main);
        self.marker(main, Marker::UserMode);
        for _ in 0..3 {
            self.sleep(main);
        }
        self.marker(main, Marker::Timer);
        self.bad_pointers(main);
        self.marker(main, Marker::Isolation);
        main
    }

    /// Asks for everything that takes a right.
    fn oversteps(&mut self, wild: Task) {
        use Syscall::{CpuOffline, CpuOnline, Probe, Resched, SetQos, Spawn};
        for call in [SetQos, Spawn, Spawn, Resched, CpuOffline, CpuOnline, Probe] {
            self.refused(wild, call.number() as u64, Error::Denied, 9);
        }
    }

    fn returns(&mut self, main: Task) {
        for _ in 0..16 {
            self.call(0, main, Syscall::Null);
            self.call(0, main, Syscall::Yield);
            self.leave(0, main, Leave::Yield);
            self.local(0, main);
            self.dispatch(0, main, Qos::Normal);
        }
        for _ in 0..5 {
            self.slice(0, main);
            self.dispatch(0, main, Qos::Normal);
        }
    }

    fn user_mode(&mut self, main: Task) {
        use Syscall::{
            Args, Clock, Cpu, CpusOnline, FileFind, FileInfo, FileRead, Join, Map, Reserve, SetQos, Unmap,
        };
        for call in [FileFind, FileInfo, FileRead, Args, Map, Unmap, Reserve, Clock, Cpu, CpusOnline, SetQos]
        {
            self.call(0, main, call);
        }
        for _ in 0..2 {
            let thread = self.made(main, Qos::Normal);
            self.call(0, main, Join);
            self.leave(0, main, Leave::Block);
            self.dispatch(0, thread, Qos::Normal);
            self.exit(0, thread);
            self.back(main, Qos::Normal);
        }
        let kinds = [
            (FileFind, Error::NoFile),
            (FileRead, Error::NoFile),
            (Map, Error::Exists),
            (Map, Error::BadArgument),
            (SetQos, Error::BadArgument),
        ];
        for (call, error) in kinds {
            self.refused(main, call.number() as u64, error, 4);
        }
        for handle in [0, 7, u64::MAX] {
            self.refused(main, Join.number() as u64, Error::BadHandle, handle);
        }
        for number in [26, 1000, u64::MAX] {
            self.refused(main, number, Error::NoSuchCall, 0);
        }
    }

    /// Sleeps until a moment that comes when its CPU has gone idle.
    fn sleep(&mut self, main: Task) {
        self.call(0, main, Syscall::Sleep);
        let at = self.now + 350;
        self.say(0, Event::Deadline { task: main, at });
        self.leave(0, main, Leave::Block);
        self.rest(0);
        self.say(0, Event::Timer { deadline: at });
        self.say(0, Event::Wake { task: main, cause: WakeCause::Deadline, target: Cpu(0) });
        self.local(0, main);
        self.dispatch(0, main, Qos::Normal);
    }

    fn bad_pointers(&mut self, main: Task) {
        use Syscall::{FileFind, FileInfo, FileRead, Wait, Wake, Write};
        for call in [Write, FileFind, FileInfo, FileRead, Wait, Wake] {
            for pointer in 0..5 {
                self.refused(main, call.number() as u64, Error::BadAddress, pointer);
            }
        }
    }
}
