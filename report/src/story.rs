//! The run as a story: a chapter for each self-test, in words for somebody who has not read the code.

use antler_facts::Marker;

/// A chapter: the time until a marker was stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// A few words, for a label on the timeline.
    pub title: &'static str,
    /// What happens in it.
    pub tells: &'static str,
}

/// The chapter that ends with this marker.
pub fn chapter(marker: Marker) -> Chapter {
    let (title, tells) = match marker {
        Marker::Boot => (
            "Boot",
            "Firmware hands the machine to one hart. It reads the device tree, asks firmware to start the others, and \
             each of them reports from its own stack. The boot hart checks every report before it counts a hart in.",
        ),
        Marker::Trap => (
            "Traps",
            "The first programs run. One of them drives the self-tests; four others misbehave on purpose. System calls, \
             a yield and ended time slices must give every register back as it was.",
        ),
        Marker::UserMode => (
            "User mode",
            "System calls are tried with good arguments and bad ones: memory, threads, files, rights.",
        ),
        Marker::Timer => (
            "Timers",
            "Sleeps and waits with deadlines. No timer may fire early, and the earlier of two ends first. Long idle \
             stretches here are tasks asleep.",
        ),
        Marker::Isolation => (
            "Isolation",
            "Pointers into the kernel and into nowhere are refused, and what takes a right that a program has not. The wild \
             programs were ended; nobody else noticed.",
        ),
        Marker::SmpOnline => (
            "All online",
            "Every CPU is called, and answers with what its own registers say: its hart, its stack, its block. No two \
             may be alike.",
        ),
        Marker::IpiCounterfactual => (
            "No bell, no reply",
            "A CPU is busy in U-mode. A request is posted and its doorbell withheld: through more than a hundred system \
             calls nothing happens. Then the bell rings, and it answers. So it was the bell.",
        ),
        Marker::IpiResched => (
            "One bell, one switch",
            "For every ordered pair of CPUs: a task of higher class is queued on a busy CPU, and a single IPI makes that \
             CPU run it, with everyone else idle.",
        ),
        Marker::RejectInvalidTarget => (
            "Nobody there",
            "A CPU that does not exist is addressed, from a program and from the kernel. Both are refused, nothing is sent.",
        ),
        Marker::RejectOffline => (
            "Gone and back",
            "A real CPU leaves: it hands on its tasks and stops its hart. While firmware says STOPPED, requests to it are \
             refused. Then it is brought back, and must do an IPI and a steal again.",
        ),
        Marker::WorkStealing => (
            "Stealing",
            "Many tasks are put on one CPU. Idle CPUs take some of them until all CPUs run at once; each task runs \
             exactly once.",
        ),
        Marker::RejectStealAboveBound => (
            "Not too many",
            "Asking for more than the bound is refused. Then a CPU with nine tasks meets an idle one, which takes at most \
             four.",
        ),
        Marker::RejectStealHigherQos => (
            "Not too high",
            "A CPU with a class ceiling idles beside a task above it, and leaves it alone. A lower one it takes.",
        ),
        Marker::Done => {
            ("Done", "Every self-test ran. The last facts leave, and the kernel ends the machine.")
        }
    };
    Chapter { title, tells }
}

/// What one is looking at, before the first chapter. Each is a paragraph.
pub const INTRODUCTION: [&str; 2] = [
    "This is one run of a small kernel on a machine with several processors (harts). While it ran, the kernel wrote down \
     facts: one line for each thing that happened, on the CPU where it happened. Afterwards a judge, which is another \
     program and shares no expected value with the kernel, decided what those facts prove.",
    "Each row of the timeline is a hart. Coloured bars are tasks, thin lines idleness, small ticks below a bar entries \
     into the kernel. Blue arrows are IPIs, from the request to the answer; dashed orange ones are stolen tasks, from \
     where they were queued. The numbered chapters end with a line on the console, and with what it claims.",
];

/// Claims that belong to no single chapter.
pub const THROUGHOUT: &str = "These hold from the first fact to the last.";

/// What no report of this kind shows.
pub const LIMITS: [&str; 6] = [
    "One run. It says what happened in it; interleavings that did not happen are the business of models and simulator.",
    "Facts that lie. A fact is stated by kernel code beside the act; a kernel that states an act it does not perform, \
     consistently with everything else, is believed.",
    "Stale translations. QEMU flushes everything at any change of satp, so a forgotten flush cannot be seen.",
    "LR/SC reservations across traps, incoherent instruction caches, and the fence before a doorbell: QEMU hides them all.",
    "Weak memory order. On an x86 host a missing barrier mostly stays hidden; under virtual time harts run in turns.",
    "Time. Without virtual time the times are the host's. No verdict rests on how long something took.",
];
