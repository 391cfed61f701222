//! Facts: written by each CPU into a ring of its own, carried to the host in batches.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use antler_facts::{Event, Fact, KindMask, RECORD};
use antler_nucleus::CpuId;
use antler_sync::{Line, Lock};
use spin::Once;

use crate::faults::{Fault, commits};
use crate::machine::Here;
use crate::time;

mod port;

pub(crate) use port::{PortError, find as find_port};

/// Facts that a ring holds; a power of two.
const CAPACITY: u32 = 8192;

/// Words of a fact on the wire.
const WORDS: usize = RECORD / 8;

/// Facts sent with one request to the device: what one kernel entry may move.
const BATCH: usize = antler_abi::CHUNK / RECORD;

/// One CPU's facts. The CPU writes at the tail, whoever holds [`PORT`] reads at the head.
struct Ring {
    cells: Box<[[AtomicU64; WORDS]]>,
    head: Line<AtomicU32>,
    tail: Line<AtomicU32>,
    seq: AtomicU32,
    dropped: AtomicU32,
}

static MASK: AtomicU64 = AtomicU64::new(0);
static RINGS: Once<Vec<Ring>> = Once::new();
static PORT: Lock<Option<port::Port>, { u8::MAX }> = Lock::new(None);

/// Makes a ring for each of `cpus` CPUs and starts writing facts down.
pub(crate) fn init(cpus: usize, port: port::Port) {
    let ring = |_| Ring {
        cells: (0..CAPACITY).map(|_| [const { AtomicU64::new(0) }; WORDS]).collect(),
        head: Line(AtomicU32::new(0)),
        tail: Line(AtomicU32::new(0)),
        seq: AtomicU32::new(0),
        dropped: AtomicU32::new(0),
    };
    RINGS.call_once(|| (0..cpus).map(ring).collect());
    PORT.with(&Here, |place| *place = Some(port));
    MASK.store(KindMask::ALL.0, Ordering::Release);
}

/// Whether any facts are stated.
pub(crate) fn is_on() -> bool {
    MASK.load(Ordering::Relaxed) != 0
}

/// States a fact, as the CPU that we are on.
pub(crate) fn state(cpu: CpuId, event: Event) {
    if KindMask(MASK.load(Ordering::Relaxed)).has(event.kind()) {
        write(cpu, event);
    }
}

#[cold]
fn write(cpu: CpuId, event: Event) {
    let Some(ring) = RINGS.get().and_then(|rings| rings.get(cpu.index())) else { return };
    let tail = ring.tail.load(Ordering::Relaxed);
    // Acquire: the cells below head have been read and may be written again.
    let used = tail.wrapping_sub(ring.head.load(Ordering::Acquire));
    let lost = ring.dropped.load(Ordering::Relaxed);
    // Two places are kept for saying how many were lost.
    if used >= CAPACITY - 2 {
        ring.dropped.store(lost + 1, Ordering::Relaxed);
        return;
    }
    let mut next = tail;
    let mut put = |event| {
        let seq = ring.seq.load(Ordering::Relaxed);
        ring.seq.store(seq.wrapping_add(1), Ordering::Relaxed);
        let fact = Fact { seq, cpu: cpu.fact(), time: time::now(), event };
        if commits(Fault::FactLost) {
            return;
        }
        let cell = &ring.cells[(next & (CAPACITY - 1)) as usize];
        for (word, bytes) in cell.iter().zip(fact.encode().chunks_exact(8)) {
            word.store(u64::from_le_bytes(bytes.try_into().unwrap_or_default()), Ordering::Relaxed);
        }
        next = next.wrapping_add(1);
    };
    if lost > 0 {
        ring.dropped.store(0, Ordering::Relaxed);
        put(Event::Dropped { count: u64::from(lost) });
    }
    put(event);
    // Release: the reader that sees the tail sees the cells.
    ring.tail.store(next, Ordering::Release);
}

/// Sends one batch of facts to the host; true if more are waiting.
///
/// # Errors
/// [`PortError`] when the device does not take them; they stay in their rings.
pub(crate) fn drain() -> Result<bool, PortError> {
    PORT.with(&Here, send_batch)
}

/// Sends what is left after a panic, as far as the port can be had: whoever held it may never give it back.
pub(crate) fn drain_after_panic() {
    let mut more = true;
    for _ in 0..=batches() {
        if !core::mem::take(&mut more) {
            break;
        }
        // A port that takes nothing has nowhere to say so; the judge will miss the facts.
        let _held = PORT.try_with(|port| more = send_batch(port).unwrap_or(false));
    }
}

/// Batches that all rings fill at most.
fn batches() -> usize {
    RINGS.get().map_or(0, |rings| rings.len() * (CAPACITY as usize).div_ceil(BATCH))
}

fn send_batch(port: &mut Option<port::Port>) -> Result<bool, PortError> {
    let (Some(rings), Some(port)) = (RINGS.get(), port) else { return Ok(false) };
    let mut filled = 0;
    for ring in rings {
        let mut head = ring.head.load(Ordering::Relaxed);
        let tail = ring.tail.load(Ordering::Acquire);
        while head != tail && filled < BATCH {
            let cell = &ring.cells[(head & (CAPACITY - 1)) as usize];
            let record = &mut port.buffer()[filled * RECORD..][..RECORD];
            for (word, bytes) in cell.iter().zip(record.chunks_exact_mut(8)) {
                bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
            }
            head = head.wrapping_add(1);
            filled += 1;
        }
        // Release: our reads of the cells come before the CPU's next writes to them.
        ring.head.store(head, Ordering::Release);
    }
    port.send(filled * RECORD)?;
    Ok(filled == BATCH)
}

/// Sends everything that is left, at the machine's end, when every other CPU has stopped. Bounded by what the rings hold.
pub(crate) fn drain_all() -> Result<(), PortError> {
    let rings = RINGS.get().map_or(&[][..], |rings| rings);
    let drain_rings = || -> Result<(), PortError> {
        for _ in 0..=batches() {
            if !drain()? {
                break;
            }
        }
        Ok(())
    };
    drain_rings()?;
    // A CPU that dropped facts says so with its next one; those that have stopped will state no more, so we do it.
    for (index, ring) in rings.iter().enumerate() {
        let lost = ring.dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            write(CpuId::new(index), Event::Dropped { count: u64::from(lost) });
        }
    }
    drain_rings()
}

/// The last facts of a CPU that are still in its ring, oldest first, at most `count`; for the post-mortem.
pub(crate) fn last(cpu: CpuId, count: u32) -> impl Iterator<Item = Fact> {
    let ring = RINGS.get().and_then(|rings| rings.get(cpu.index()));
    let tail = ring.map_or(0, |ring| ring.tail.load(Ordering::Acquire));
    let first = ring
        .map_or(0, |ring| tail.wrapping_sub(tail.wrapping_sub(ring.head.load(Ordering::Acquire)).min(count)));
    (0..tail.wrapping_sub(first)).filter_map(move |offset| {
        let cell = &ring?.cells[(first.wrapping_add(offset) & (CAPACITY - 1)) as usize];
        let mut record = [0; RECORD];
        for (word, bytes) in cell.iter().zip(record.chunks_exact_mut(8)) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        Fact::decode(&record).ok()
    })
}
