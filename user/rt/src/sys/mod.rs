//! The system calls, one function each. [`Syscall`] says what each means; this module says it in types.

#[cfg(target_os = "none")]
mod ecall;
#[cfg(not(target_os = "none"))]
#[path = "host.rs"]
mod ecall;
pub mod probe;

use core::sync::atomic::AtomicU32;

use antler_abi::{Error, Qos, SpawnFlags, Syscall, ThreadHandle};

/// Deadline that never comes.
pub const NEVER: u64 = u64::MAX;

/// Any number with any arguments: status and value as the kernel left them in `a0` and `a1`.
///
/// # Safety
/// What the call does to memory and threads must be sound for this program. A bad number, pointer or handle is no
/// danger: the kernel refuses those.
pub unsafe fn raw(number: usize, args: [usize; 6]) -> (usize, usize) {
    // SAFETY: the caller's promise is the same.
    unsafe { ecall::ecall(number, args) }
}

/// One call whose arguments the callers in this module have made sound.
///
/// # Safety
/// As for [`raw`].
unsafe fn call<const N: usize>(call: Syscall, given: [usize; N]) -> Result<usize, Error> {
    const { assert!(N <= 6) };
    let mut args = [0; 6];
    args[..N].copy_from_slice(&given);
    // SAFETY: the caller's promise is the same.
    match unsafe { ecall::ecall(call.number(), args) } {
        (0, value) => Ok(value),
        (status, _) => Err(error(status)),
    }
}

/// The error a status stands for. A status outside the contract is a defect of the kernel, not of the program.
fn error(status: usize) -> Error {
    Error::from_code(status).unwrap_or_else(|| panic!("the kernel answered an unknown status {status}"))
}

macro_rules! plain {
    ($(
        $(#[$doc:meta])*
        $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty = $call:ident, $value:ident => $convert:expr;
    )*) => {
        $($(#[$doc])*
        pub fn $name($($arg: $ty),*) -> Result<$ret, Error> {
            // SAFETY: this call takes numbers only, and touches no memory of the program.
            unsafe { call(Syscall::$call, [$($arg as usize),*]) }.map(|$value| $convert)
        })*
    };
}

plain! {
    /// Does nothing: the shortest way in and out of the kernel.
    null() -> () = Null, _value => ();
    /// Lets other tasks of the same class run.
    yield_now() -> () = Yield, _value => ();
    /// Returns at or after `deadline` (ns since boot).
    sleep_until(deadline: u64) -> () = Sleep, _value => ();
    /// Nanoseconds since boot.
    clock() -> u64 = Clock, ns => ns as u64;
    /// The CPU this call ran on; a hint unless the thread is pinned.
    cpu() -> usize = Cpu, cpu => cpu;
    /// How many CPUs are online now.
    cpus_online() -> usize = CpusOnline, count => count;
    /// How many CPUs the machine has, online or not; they are numbered `0..count`.
    cpus_present() -> usize = CpusPresent, count => count;
    /// Sets the calling thread's class. Errors: `Denied` when raising without the right `qos`.
    set_qos(qos: Qos) -> () = SetQos, _value => ();
    /// Asks a CPU to reschedule. Errors: `Denied` without the right `resched`, `InvalidTarget`, `Offline`.
    resched(cpu: usize) -> () = Resched, _value => ();
    /// Takes a CPU offline. Errors: `Denied` without the right `hotplug`, `InvalidTarget`, `Offline`, `Busy`,
    /// `BadArgument` for cpu0 and for the last one.
    cpu_offline(cpu: usize) -> () = CpuOffline, _value => ();
    /// Brings a CPU back. Errors: `Denied` without the right `hotplug`, `InvalidTarget`, `Busy`, `Hardware`.
    cpu_online(cpu: usize) -> () = CpuOnline, _value => ();
    /// Reserves `len` bytes (whole pages) of unused address space and maps nothing. Errors: `BadArgument`, `NoMemory`.
    reserve(len: usize) -> usize = Reserve, addr => addr;
    /// Maps zeroed read-write pages at `addr`, both page-aligned; answers how many bytes, at most 64 KiB a call.
    /// Errors: `BadArgument`, `BadAddress`, `Exists`, `NoMemory`.
    map(addr: usize, len: usize) -> usize = Map, bytes => bytes;
}

/// Ends the whole program with `code`.
pub fn exit(code: i32) -> ! {
    // SAFETY: ending the program leaves nobody to observe its memory.
    let status = unsafe { ecall::ecall(Syscall::Exit.number(), [code as usize, 0, 0, 0, 0, 0]) };
    ecall::returned(status)
}

/// Ends the calling thread; a joiner gets `value`.
///
/// # Safety
/// Nothing on this thread's stack may be borrowed by, or lent to, anybody who outlives it: no destructor runs, and a
/// joiner may free the stack.
pub unsafe fn thread_exit(value: usize) -> ! {
    // SAFETY: the caller's promise.
    let status = unsafe { ecall::ecall(Syscall::ThreadExit.number(), [value, 0, 0, 0, 0, 0]) };
    ecall::returned(status)
}

/// Writes to the console: bytes written, at most 64 KiB a call.
pub fn write(bytes: &[u8]) -> Result<usize, Error> {
    // SAFETY: the kernel only reads the slice, during the call.
    unsafe { call(Syscall::Write, [bytes.as_ptr() as usize, bytes.len()]) }
}

/// The index of the initrd's file called `name`. Errors: `NoFile`, `BadArgument` for an impossible length.
pub fn file_find(name: &[u8]) -> Result<usize, Error> {
    // SAFETY: the kernel only reads the slice, during the call.
    unsafe { call(Syscall::FileFind, [name.as_ptr() as usize, name.len()]) }
}

/// Size in bytes of file `index`; its name is copied to `name`, cut or padded with NULs to fit. Errors: `NoFile`.
pub fn file_info(index: usize, name: &mut [u8]) -> Result<u64, Error> {
    // SAFETY: the kernel writes within the slice, which is exclusively ours, during the call.
    unsafe { call(Syscall::FileInfo, [index, name.as_mut_ptr() as usize, name.len()]) }
        .map(|size| size as u64)
}

/// Reads from file `index` at byte `offset`: bytes read, at most 64 KiB a call, 0 at the end. Errors: `NoFile`.
pub fn file_read(index: usize, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
    // SAFETY: the kernel writes within the slice, which is exclusively ours, during the call.
    unsafe { call(Syscall::FileRead, [index, offset as usize, buffer.as_mut_ptr() as usize, buffer.len()]) }
}

/// Copies the program's argument block, NUL-terminated strings one after another: bytes copied.
pub fn args(buffer: &mut [u8]) -> Result<usize, Error> {
    // SAFETY: the kernel writes within the slice, which is exclusively ours, during the call.
    unsafe { call(Syscall::Args, [buffer.as_mut_ptr() as usize, buffer.len()]) }
}

/// Unmaps pages: bytes gone through, at most 64 KiB a call; pages that were not mapped are skipped.
///
/// # Safety
/// Nothing may refer to the range any more.
pub unsafe fn unmap(addr: usize, len: usize) -> Result<usize, Error> {
    // SAFETY: the caller's promise.
    unsafe { call(Syscall::Unmap, [addr, len]) }
}

/// Where and how a raw thread starts.
#[derive(Clone, Copy, Debug)]
pub struct Spawn {
    /// First instruction, with `arg` in `a0`, `sp` at `stack_top` and every other register 0.
    pub entry: usize,
    /// Handed over in `a0`.
    pub arg: usize,
    /// Initial stack pointer, 16-byte aligned.
    pub stack_top: usize,
    /// Its class.
    pub qos: Qos,
    /// Run there only; needs the right `pin`.
    pub cpu: Option<usize>,
    /// Queue on the caller's CPU, for others to steal.
    pub local: bool,
}

/// Starts a thread. Errors: `Denied` for a class above the caller's or for pinning without the right, `NoTask`,
/// `NoMemory`, `BadAddress`, `InvalidTarget`, `Offline`.
///
/// # Safety
/// `entry` must be code that is sound to run with `arg` on a stack that is its own until it was joined.
pub unsafe fn spawn(spawn: Spawn) -> Result<ThreadHandle, Error> {
    let mut flags = SpawnFlags::empty();
    flags.set(SpawnFlags::PINNED, spawn.cpu.is_some());
    flags.set(SpawnFlags::LOCAL, spawn.local);
    let Spawn { entry, arg, stack_top, qos, cpu, .. } = spawn;
    let args = [entry, arg, stack_top, qos.index(), flags.bits(), cpu.unwrap_or(0)];
    // SAFETY: the caller's promise.
    unsafe { call(Syscall::Spawn, args) }.map(|raw| ThreadHandle::from_raw(raw as u64))
}

/// Waits for the thread's end and takes its exit value; once per thread. Errors: `BadHandle`, `Deadlock`.
pub fn join(handle: ThreadHandle) -> Result<usize, Error> {
    // SAFETY: this call takes a number only, and touches no memory of the program.
    unsafe { call(Syscall::Join, [handle.to_raw() as usize]) }
}

/// Waits while `word` holds `expected`, until woken or `deadline` (ns since boot; [`NEVER`] for none). It may also
/// return early: look at the word again. Errors: `Changed` when the word held something else, `TimedOut`.
pub fn wait(word: &AtomicU32, expected: u32, deadline: u64) -> Result<(), Error> {
    // SAFETY: the kernel only reads the word, atomically.
    unsafe { call(Syscall::Wait, [word.as_ptr() as usize, expected as usize, deadline as usize]) }.map(|_| ())
}

/// Wakes at most `count` threads that wait on `word`, longest waiting first: how many.
pub fn wake(word: &AtomicU32, count: usize) -> Result<usize, Error> {
    // SAFETY: the address is a name here; nothing is read or written.
    unsafe { call(Syscall::Wake, [word.as_ptr() as usize, count]) }
}
