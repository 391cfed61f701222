//! A fact in bytes: 40, little endian.
//!
//! ```text
//! offset  0   seq   u32   counts this CPU's facts from 0, without holes
//!         4   cpu   u16
//!         6   kind  u16
//!         8   time  u64   ns since boot
//!        16   three words of the event, u64 each; unused ones 0
//! ```

use core::fmt;

use crate::event::{Event, Kind};
use crate::field::Cpu;

/// Bytes of one fact on the wire.
pub const RECORD: usize = 40;

/// One event with who, in which order of its own, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fact {
    /// Position among this CPU's facts, from 0.
    pub seq: u32,
    /// Who states it.
    pub cpu: Cpu,
    /// When, in ns since boot, by the CPU's own clock reading.
    pub time: u64,
    /// What happened.
    pub event: Event,
}

/// Why 40 bytes are not a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// No event has this number.
    UnknownKind(u16),
    /// A word is outside its field's range, or an unused word is not 0.
    BadField(Kind),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::UnknownKind(number) => write!(f, "no fact has kind {number}"),
            DecodeError::BadField(kind) => write!(f, "a field of this {} is out of range", kind.name()),
        }
    }
}

impl core::error::Error for DecodeError {}

impl Fact {
    /// The wire form.
    pub fn encode(&self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        put(0, &self.seq.to_le_bytes());
        put(4, &self.cpu.0.to_le_bytes());
        put(6, &(self.event.kind() as u16).to_le_bytes());
        put(8, &self.time.to_le_bytes());
        for (i, word) in self.event.to_words().into_iter().enumerate() {
            put(16 + 8 * i, &word.to_le_bytes());
        }
        bytes
    }

    /// Reads the wire form.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not a fact; every such record was damaged or forged.
    pub fn decode(bytes: &[u8; RECORD]) -> Result<Fact, DecodeError> {
        let word = |at: usize| {
            let mut part = [0; 8];
            part.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(part)
        };
        let head = word(0);
        let number = (head >> 48) as u16;
        let kind = Kind::from_number(number).ok_or(DecodeError::UnknownKind(number))?;
        let event =
            Event::from_words(kind, [word(16), word(24), word(32)]).ok_or(DecodeError::BadField(kind))?;
        Ok(Fact { seq: head as u32, cpu: Cpu((head >> 32) as u16), time: word(8), event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_round_trips_and_stays_below_the_mask_width() {
        for (number, &kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert!(number < 64, "KindMask has 64 bits");
            // 1 is a legal word for every field type, so a record of ones with unused words zeroed is legal.
            let event = (0..=3)
                .rev()
                .find_map(|n| Event::from_words(kind, [(n > 0) as u64, (n > 1) as u64, (n > 2) as u64]))
                .expect("some prefix of ones is legal");
            let fact = Fact { seq: 7, cpu: Cpu(511), time: u64::MAX, event };
            assert_eq!(Fact::decode(&fact.encode()), Ok(fact));
        }
    }

    #[test]
    fn damage_is_refused() {
        let fact = Fact { seq: 0, cpu: Cpu(0), time: 0, event: Event::IdleBegin {} };
        let mut unknown = fact.encode();
        unknown[6] = 0xff;
        assert_eq!(Fact::decode(&unknown), Err(DecodeError::UnknownKind(0xff)));
        let mut stray = fact.encode();
        stray[16] = 1;
        assert_eq!(Fact::decode(&stray), Err(DecodeError::BadField(Kind::IdleBegin)));
    }
}
