bitflags::bitflags! {
    /// How a thread is spawned (`a4` of [`Syscall::Spawn`]).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SpawnFlags: usize {
        /// Run only on the CPU given in `a5`. Needs [`crate::Rights::PIN`].
        const PINNED = 1 << 0;
        /// Queue on the caller's own CPU and let others steal, whoever may be idle now.
        const LOCAL = 1 << 1;
    }
}

macro_rules! numbered {
    ($(#[$outer:meta])* $vis:vis enum $ty:ident { $($(#[$doc:meta])* $name:ident = $number:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        $vis enum $ty { $($(#[$doc])* $name = $number,)* }

        impl $ty {
            /// All of them, in numeric order.
            pub const ALL: &'static [$ty] = &[$($ty::$name),*];

            /// The one with this number, if there is one.
            pub const fn from_number(number: usize) -> Option<$ty> {
                match number { $($number => Some($ty::$name),)* _ => None }
            }

            /// Its number.
            pub const fn number(self) -> usize {
                self as usize
            }
        }
    };
}

numbered! {
    /// System calls: arguments in `a0..`, value in `a1`. Times are nanoseconds since boot.
    pub enum Syscall {
        /// `()`: does nothing. The shortest way in and out.
        Null = 0,
        /// `(code: i32)`: ends the whole program. Does not return.
        Exit = 1,
        /// `(value)`: ends the calling thread; a joiner gets `value`. Does not return.
        ThreadExit = 2,
        /// `(ptr, len) -> bytes written`: to the console, at most [`crate::CHUNK`] a call.
        Write = 3,
        /// `(name_ptr, name_len) -> index`: finds a file of the initrd by name.
        FileFind = 4,
        /// `(index, name_ptr, name_cap) -> size`: size in bytes; the name is copied, cut at `name_cap`, NUL-padded.
        FileInfo = 5,
        /// `(index, offset, ptr, len) -> bytes read`: at most [`crate::CHUNK`] a call; 0 at the end.
        FileRead = 6,
        /// `(ptr, cap) -> bytes`: copies the program's argument block: NUL-terminated strings one after another.
        Args = 7,
        /// `(addr, len) -> bytes mapped`: zeroed read-write pages at `addr`, both page-aligned; at most
        /// [`crate::CHUNK`] a call. See [`Syscall::Reserve`] for choosing `addr`.
        Map = 8,
        /// `(addr, len) -> bytes unmapped`: at most [`crate::CHUNK`] a call. Pages that were not mapped are skipped.
        Unmap = 9,
        /// `(len) -> addr`: reserves an unused page-aligned address range in `[MAP_BASE, MAP_END)`; maps nothing.
        Reserve = 10,
        /// `(entry, arg, stack_top, qos, flags, cpu) -> handle`: starts a thread at `entry` with `arg` in `a0`.
        Spawn = 11,
        /// `(handle) -> value`: waits for the thread's end and takes its value; once per thread.
        Join = 12,
        /// `()`: lets other tasks of the same class run.
        Yield = 13,
        /// `(deadline_ns)`: returns at or after the deadline.
        Sleep = 14,
        /// `(addr, expected: u32, deadline_ns)`: waits while the aligned word at `addr` holds `expected`, until woken
        /// or the deadline; `u64::MAX` for none. Errors `Changed`, `TimedOut`.
        Wait = 15,
        /// `(addr, count) -> woken`: wakes at most `count` waiters on `addr`, longest waiting first.
        Wake = 16,
        /// `() -> ns`: time since boot.
        Clock = 17,
        /// `() -> cpu`: the CPU that this call ran on. A hint unless the thread is pinned.
        Cpu = 18,
        /// `() -> count`: CPUs online now.
        CpusOnline = 19,
        /// `() -> count`: CPUs of this machine, online or not; they are numbered `0..count`.
        CpusPresent = 20,
        /// `(qos)`: sets the calling thread's class. Raising needs [`crate::Rights::QOS`].
        SetQos = 21,
        /// `(cpu)`: asks a CPU to reschedule. Needs [`crate::Rights::RESCHED`]. Errors `InvalidTarget`, `Offline`.
        Resched = 22,
        /// `(cpu)`: takes a CPU offline. Needs [`crate::Rights::HOTPLUG`].
        CpuOffline = 23,
        /// `(cpu)`: brings a CPU back. Needs [`crate::Rights::HOTPLUG`].
        CpuOnline = 24,
        /// `(probe, ..)`: one of [`Probe`]. Needs [`crate::Rights::SELFTEST`].
        Probe = 25,
    }
}

numbered! {
    /// What the self-test program may ask of the kernel, by number in `a0` of [`Syscall::Probe`]; further arguments
    /// from `a1`. Each uses the same functions as production, split at their seams.
    pub enum Probe {
        /// `(marker)`: states that the numbered self-test passed; the kernel prints its line and records the fact.
        Marker = 0,
        /// `(ptr, len)`: prints `KSELFTEST: FAIL <text>`; the machine will exit with a failure.
        Fail = 1,
        /// `() -> 1 if more remain`: sends a batch of facts to the host.
        Drain = 2,
        /// `(cpu)`: posts a reschedule request and withholds the doorbell.
        PostSilent = 3,
        /// `(cpu) -> the last id posted to cpu by the caller's CPU`.
        Posted = 4,
        /// `(cpu) -> the last id of the caller's CPU that cpu acknowledged`.
        Acked = 5,
        /// `(cpu)`: rings a doorbell that was withheld.
        RingNow = 6,
        /// `()`: every online CPU answers a Call with its identity, which the kernel records.
        CallAll = 7,
        /// `(cpu)`: the kernel itself tries to address `cpu`; returns its refusal as the error.
        Target = 8,
        /// `(victim, count) -> moved`: a steal of `count` tasks by the caller's CPU; above the bound it is refused.
        Steal = 9,
        /// `(cpu, qos)`: sets a CPU's class ceiling.
        SetCeiling = 10,
        /// `(cpu) -> queued tasks` in the CPU's run queue, all classes.
        Queued = 11,
        /// `(cpu) -> HSM state` of the CPU's hart as firmware reports it (SBI spec, chapter "Hart State Management").
        HartState = 12,
        /// `(cpu) -> system calls made on cpu so far`.
        Syscalls = 13,
        /// `() -> CPUs` that are idle and have no doorbell under way.
        IdleCount = 14,
        /// `() -> programs` that are not over yet, the caller's included.
        Programs = 15,
        /// `(cpu) -> 1` if the CPU has a doorbell under way that it has not seen yet, else 0.
        Rung = 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_round_trip() {
        for (number, &call) in Syscall::ALL.iter().enumerate() {
            assert_eq!(call.number(), number);
            assert_eq!(Syscall::from_number(number), Some(call));
        }
        for (number, &probe) in Probe::ALL.iter().enumerate() {
            assert_eq!(Probe::from_number(number), Some(probe));
        }
        assert_eq!(Syscall::from_number(Syscall::ALL.len()), None);
        assert_eq!(Probe::from_number(Probe::ALL.len()), None);
    }
}
