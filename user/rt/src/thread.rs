//! Threads.

use alloc::boxed::Box;
use alloc::sync::Arc;

use antler_abi::{Error, Qos, ThreadHandle};

use crate::stack::Stack;
use crate::sync::Mutex;
use crate::sys;

/// Stack of a thread that asks for none, in bytes.
pub const STACK_SIZE: usize = 64 * 1024;

/// How a thread is to be started.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Builder {
    qos: Option<Qos>,
    cpu: Option<usize>,
    local: bool,
    stack_size: usize,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder::new()
    }
}

impl Builder {
    /// Class `Normal`, or the caller's if that is lower; any CPU; a stack of [`STACK_SIZE`].
    pub const fn new() -> Builder {
        Builder { qos: None, cpu: None, local: false, stack_size: STACK_SIZE }
    }

    /// Runs in this class, and no other. Above the caller's own it needs the right `qos`.
    pub const fn qos(mut self, qos: Qos) -> Builder {
        self.qos = Some(qos);
        self
    }

    /// Runs on this CPU alone. Needs the right `pin`.
    pub const fn cpu(mut self, cpu: usize) -> Builder {
        self.cpu = Some(cpu);
        self
    }

    /// Starts in the caller's CPU's queue, where idle CPUs may steal it from.
    pub const fn local(mut self) -> Builder {
        self.local = true;
        self
    }

    /// Size of its stack in bytes, rounded up to whole pages.
    pub const fn stack_size(mut self, bytes: usize) -> Builder {
        self.stack_size = bytes;
        self
    }

    /// Starts the thread. Errors: `Denied`, `NoTask`, `NoMemory`, `InvalidTarget`, `Offline`; the closure is then
    /// dropped without having run.
    pub fn spawn<T, F>(self, body: F) -> Result<JoinHandle<T>, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let value = Arc::new(Mutex::new(None));
        let theirs = Arc::clone(&value);
        let body: Body = Box::new(move || {
            let value = body();
            *theirs.lock() = Some(value);
        });
        let stack = Stack::new(self.stack_size)?;
        // Boxed twice, since a box of a closure is two words and `a0` is one.
        let arg = Box::into_raw(Box::new(body));
        match self.spawn_on(&stack, arg.expose_provenance()) {
            Ok(handle) => Ok(JoinHandle { thread: Some((handle, stack)), value }),
            Err(error) => {
                // SAFETY: no thread was started, so box and stack are still ours alone.
                unsafe {
                    drop(Box::from_raw(arg));
                    stack.release();
                }
                Err(error)
            }
        }
    }

    fn spawn_on(&self, stack: &Stack, arg: usize) -> Result<ThreadHandle, Error> {
        let spawn = |qos| {
            let entry = entry as extern "C" fn(usize) -> ! as usize;
            let Builder { cpu, local, .. } = *self;
            // SAFETY: `entry` takes the box that `arg` is, once; the stack is given up only after a join, or if this
            // fails.
            unsafe { sys::spawn(sys::Spawn { entry, arg, stack_top: stack.top(), qos, cpu, local }) }
        };
        match self.qos {
            Some(qos) => spawn(qos),
            // Normal is refused for its class only when the caller's is the one below.
            None => match spawn(Qos::Normal) {
                Err(Error::Denied) => spawn(Qos::Idle),
                outcome => outcome,
            },
        }
    }
}

/// Starts a thread as [`Builder::new`] describes.
pub fn spawn<T, F>(body: F) -> Result<JoinHandle<T>, Error>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    Builder::new().spawn(body)
}

type Body = Box<dyn FnOnce() + Send>;

/// First function of every thread.
extern "C" fn entry(arg: usize) -> ! {
    let body: *mut Body = core::ptr::with_exposed_provenance_mut(arg);
    // SAFETY: `spawn` made this box for this thread alone.
    let body = unsafe { Box::from_raw(body) };
    body();
    // SAFETY: the closure has been consumed, and this frame holds nothing that anybody borrows.
    unsafe { sys::thread_exit(0) }
}

/// A thread that somebody waits for: dropping the handle waits as well, since the kernel keeps an ended thread until
/// it is joined.
#[must_use = "dropping the handle waits for the thread's end"]
pub struct JoinHandle<T> {
    /// `None` once joined.
    thread: Option<(ThreadHandle, Stack)>,
    value: Arc<Mutex<Option<T>>>,
}

impl<T> JoinHandle<T> {
    /// The thread's name in system calls.
    pub fn handle(&self) -> Option<ThreadHandle> {
        self.thread.as_ref().map(|thread| thread.0)
    }

    /// Waits for the thread's end: what its closure returned. Errors: `Deadlock` when the thread waits for itself,
    /// `BadHandle` when somebody joined it by a raw call.
    pub fn join(mut self) -> Result<T, Error> {
        self.wait()?;
        // A thread that ended without a value ended itself by a raw call.
        self.value.lock().take().ok_or(Error::BadHandle)
    }

    fn wait(&mut self) -> Result<(), Error> {
        let Some((handle, stack)) = self.thread.take() else { return Ok(()) };
        // On an error the stack is left alone: somebody may still run on it.
        sys::join(handle)?;
        // SAFETY: the join says that the thread has ended.
        unsafe { stack.release() };
        Ok(())
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // A thread that cannot be joined cannot be cleaned up after; it ends with the program.
        let _ = self.wait();
    }
}
