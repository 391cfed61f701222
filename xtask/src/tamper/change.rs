//! What becomes of an instruction: another one of its length.

use serde::{Deserialize, Serialize};

use super::image::Code;

/// A change of an instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// It does nothing.
    Nop,
    /// A branch goes where it does not go, and the other way round.
    Invert,
    /// Another immediate.
    Imm(i16),
    /// Another destination register.
    Rd(String),
    /// Another first source register.
    Rs1(String),
    /// Another second source register.
    Rs2(String),
}

/// Registers by their names in the calling convention.
const REGISTERS: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
    "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

/// Opcodes of the 32-bit formats (unprivileged spec, "RV32/64G Instruction Set Listings").
mod opcode {
    pub(super) const LOAD: u32 = 0x03;
    pub(super) const IMMEDIATE: u32 = 0x13;
    pub(super) const IMMEDIATE_32: u32 = 0x1b;
    pub(super) const STORE: u32 = 0x23;
    pub(super) const BRANCH: u32 = 0x63;
    pub(super) const JUMP_REGISTER: u32 = 0x67;
}

impl Change {
    /// The changed instruction.
    ///
    /// # Errors
    /// It has no such part, or the value does not fit, or nothing would change.
    pub fn of(&self, code: &Code) -> anyhow::Result<Code> {
        let new = match *code.bytes {
            [a, b] => self.short(u16::from_le_bytes([a, b])).map(|word| word.to_le_bytes().to_vec()),
            [a, b, c, d] => {
                self.long(u32::from_le_bytes([a, b, c, d])).map(|word| word.to_le_bytes().to_vec())
            }
            _ => None,
        };
        let changed = new.and_then(|bytes| Code::read(code.address, &bytes));
        let changed = changed.ok_or_else(|| {
            anyhow::anyhow!("`{}` at {:#x} cannot be changed so: {self:?}", code.text, code.address)
        })?;
        anyhow::ensure!(changed.bytes != code.bytes, "`{}` stays the same", code.text);
        anyhow::ensure!(
            changed.bytes.len() == code.bytes.len(),
            "`{}` would have another length",
            changed.text
        );
        Ok(changed)
    }

    fn long(&self, word: u32) -> Option<u32> {
        let opcode = word & 0x7f;
        // Where registers stand is the same in all formats that have them.
        let put = |value: u32, at: u32| word & !(0x1f << at) | value << at;
        match self {
            Change::Nop => Some(0x13),
            Change::Invert => (opcode == opcode::BRANCH).then_some(word ^ 1 << 12),
            Change::Imm(value) => {
                let value = u32::from(fit(*value, 12)?);
                match opcode {
                    opcode::LOAD | opcode::IMMEDIATE | opcode::IMMEDIATE_32 | opcode::JUMP_REGISTER => {
                        Some(word & 0x000f_ffff | value << 20)
                    }
                    opcode::STORE => Some(word & 0x01ff_f07f | (value >> 5) << 25 | (value & 0x1f) << 7),
                    _ => None,
                }
            }
            Change::Rd(name) => number(name).map(|number| put(number, 7)),
            Change::Rs1(name) => number(name).map(|number| put(number, 15)),
            Change::Rs2(name) => number(name).map(|number| put(number, 20)),
        }
    }

    /// Compressed ones (unprivileged spec, "C" extension): quadrant and function tell the format.
    fn short(&self, word: u16) -> Option<u16> {
        let (quadrant, function) = (word & 3, word >> 13);
        match self {
            Change::Nop => Some(1),
            // c.beqz, c.bnez
            Change::Invert => (quadrant == 1 && function >= 6).then_some(word ^ 1 << 13),
            // c.addi, c.addiw, c.li, c.andi
            Change::Imm(value) if quadrant == 1 && (function <= 2 || word & 0xec00 == 0x8800) => {
                let value = fit(*value, 6)?;
                Some(word & 0xef83 | (value >> 5) << 12 | (value & 0x1f) << 2)
            }
            // c.mv, c.add
            Change::Rs2(name) if quadrant == 2 && function == 4 && word >> 2 & 0x1f != 0 => {
                let number = number(name).filter(|&number| number != 0)?;
                Some(word & !(0x1f << 2) | (number as u16) << 2)
            }
            _ => None,
        }
    }
}

/// A signed number in so many bits.
fn fit(value: i16, bits: u32) -> Option<u16> {
    let limit = 1i16 << (bits - 1);
    (-limit..limit).contains(&value).then_some(value as u16 & ((1 << bits) - 1))
}

fn number(name: &str) -> Option<u32> {
    REGISTERS.iter().position(|register| *register == name).map(|at| at as u32)
}
