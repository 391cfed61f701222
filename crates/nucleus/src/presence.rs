//! What a CPU says of itself to those who might ring it: one word.

use antler_abi::Qos;
use antler_sync::atomic::{AtomicU32, Ordering};

/// The state that a CPU publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not scheduling.
    Offline,
    /// In WFI or about to be: it must be rung.
    Idle,
    /// Runs a task of this class and has no tick armed.
    Alone(Qos),
    /// Runs a task of this class with its tick armed, so it will look at its inbox soon by itself.
    Sharing(Qos),
}

/// The published word; its CPU writes, everybody reads.
#[derive(Debug)]
pub struct Presence(AtomicU32);

impl Presence {
    /// The word of a CPU that has not come yet.
    pub fn offline() -> Presence {
        Presence(AtomicU32::new(Presence::encode(State::Offline)))
    }

    const fn encode(state: State) -> u32 {
        match state {
            State::Offline => 0,
            State::Idle => 1,
            State::Alone(qos) => 4 + qos.index() as u32,
            State::Sharing(qos) => 8 + qos.index() as u32,
        }
    }

    /// Publishes a state. Who must not miss a push by it follows with a full fence and looks at its inbox again; the
    /// pusher does the mirror image (push, full fence, read this word), so one of the two sees the other.
    pub fn publish(&self, state: State) {
        self.0.store(Presence::encode(state), Ordering::Relaxed);
    }

    /// The state last published.
    pub fn read(&self) -> State {
        let word = self.0.load(Ordering::Relaxed);
        match (word >> 2, Qos::from_index(word as usize & 3)) {
            (1, Some(qos)) => State::Alone(qos),
            (2, Some(qos)) => State::Sharing(qos),
            _ if word == 1 => State::Idle,
            _ => State::Offline,
        }
    }
}

impl State {
    /// Whether a CPU in this state must be rung for a task of class `qos` in its inbox. Not if its tick will find the
    /// task in time: it shares the CPU within the task's class or a higher one.
    pub fn needs_ring(self, qos: Qos) -> bool {
        !matches!(self, State::Sharing(running) if running >= qos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_round_trips() {
        let word = Presence::offline();
        assert_eq!(word.read(), State::Offline);
        for qos in Qos::ALL {
            for state in [State::Idle, State::Alone(qos), State::Sharing(qos), State::Offline] {
                word.publish(state);
                assert_eq!(word.read(), state);
            }
        }
    }

    #[test]
    fn only_a_tick_of_the_class_or_above_saves_the_ring() {
        assert!(State::Idle.needs_ring(Qos::Idle));
        assert!(State::Alone(Qos::PerfBurst).needs_ring(Qos::Normal));
        assert!(State::Sharing(Qos::Normal).needs_ring(Qos::Interactive));
        assert!(!State::Sharing(Qos::Normal).needs_ring(Qos::Normal));
        assert!(!State::Sharing(Qos::Normal).needs_ring(Qos::Idle));
    }

    #[test]
    fn a_state_saves_a_ring_exactly_when_its_tick_serves_the_class() {
        for qos in Qos::ALL {
            assert!(State::Offline.needs_ring(qos) && State::Idle.needs_ring(qos));
            for running in Qos::ALL {
                assert!(State::Alone(running).needs_ring(qos));
                assert_eq!(State::Sharing(running).needs_ring(qos), running.index() < qos.index());
            }
        }
    }
}
