//! Damaged device trees, dozens of them, booted: cut short, a bit flipped, or made by the fuzzer's mutator. The host
//! reads each with the kernel's own reader first, so what the kernel must say is known. Thousands more are only read
//! (docs/fuzzing.md).

use antler_abi::{MachineExit, Qos, Rights};
use antler_facts::{Event, Fact, RECORD};
use antler_fuzz::{Sample, mutant, target};
use antler_parse::board::{Board, MAX_TREE, total_size};
use anyhow::Context as _;

use super::boards::{boot, fair};
use super::step::{Count, Failure, Outcome, Step};
use crate::ctx::Ctx;
use crate::initrd::Initrd;
use crate::qemu::{self, Ended, GuestExit, Machine};
use crate::{build, setup};

/// Harts of the machine.
const HARTS: u16 = 4;

/// Where the device is that ends the machine.
const TEST_DEVICE: u64 = 0x10_0000;

/// Trees of each kind; with `ANTLER_DEEP=1` so many times as many.
const EACH: u64 = 20;
const DEEP: u64 = 20;

/// Longest that one boot may take on the host. None needs a tenth of it.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// A way to damage a tree, given the tree and a number.
type Damage = fn(&[u8], u64) -> Vec<u8>;

const FLIPPED: &str = "a bit flipped";

const KINDS: [(&str, Damage); 3] = [("cut short", cut), (FLIPPED, flip), ("mutated", mutate)];

/// The steps.
pub fn steps() -> Vec<Step> {
    KINDS
        .map(|(name, damage)| {
            Step::boots(format!("damaged trees: {name}"), move |ctx| {
                fair(ctx, |ctx| campaign(ctx, name, damage))
            })
        })
        .into()
}

/// The first bytes of a tree.
fn cut(tree: &[u8], number: u64) -> Vec<u8> {
    tree[..spread(number, 0, tree.len())].to_vec()
}

fn flip(tree: &[u8], number: u64) -> Vec<u8> {
    let mut tree = tree.to_vec();
    let bit = spread(number, 1, 8 * tree.len());
    tree[bit / 8] ^= 1 << (bit % 8);
    tree
}

fn mutate(tree: &[u8], number: u64) -> Vec<u8> {
    let sample = Sample { name: "tree".into(), bytes: tree.to_vec() };
    let shape = target("dtb").map(|target| target.shape).expect("the target is in the list");
    mutant(&[sample], shape, number)
}

/// A number below `bound` that looks random and is the same each time (SplitMix64).
fn spread(number: u64, series: u64, bound: usize) -> usize {
    let mut z = (series << 32 | number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) % bound as u64) as usize
}

fn campaign(ctx: &Ctx, name: &str, damage: Damage) -> Outcome {
    let mut machine = machine(ctx)?;
    let tree = qemu::own_tree(&machine)?;
    let (mut passed, mut ran, mut failures) = (0, 0, Vec::new());
    let deep = std::env::var("ANTLER_DEEP").is_ok_and(|value| value == "1");
    for number in 0..if deep { EACH * DEEP } else { EACH } {
        let blob = damage(&tree, number);
        let ended = boot(&mut machine, &blob)?;
        match check(&ended, &blob) {
            Ok(()) => {
                passed += 1;
                ran += usize::from(ended.exit == GuestExit::Code(MachineExit::Success));
            }
            Err(why) => {
                let console = String::from_utf8_lossy(&ended.console);
                failures.push(format!("tree {number}: {}\n{console}{why}\n", ended.exit.text()));
            }
        }
    }
    // One bit is mostly one of something that the kernel does not read. A campaign in which every tree is refused, or none,
    // would show less than it says.
    if name == FLIPPED && (ran == 0 || ran == passed) {
        failures.push(format!("{ran} of {passed} trees ran; both kinds are meant to be there\n"));
    }
    let count = Count { passed, failed: failures.len(), ..Count::default() };
    if failures.is_empty() { Ok(count) } else { Err(Failure { count, output: failures.concat() }) }
}

/// A machine in virtual time that runs one small program and records facts.
fn machine(ctx: &Ctx) -> anyhow::Result<Machine> {
    let dir = ctx.out().join("test/damaged");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let none: [&str; 0] = [];
    let built = build::built(ctx)?;
    let program = built.program("hello")?;
    let initrd = Initrd::builder().program(program, "hello", Qos::Normal, Rights::empty(), none).finish()?;
    let archive = dir.join("initrd");
    initrd.write(&archive)?;
    let mut machine = Machine::new(setup::qemu(ctx)?, HARTS, ctx.kernel(), archive, dir);
    machine.append = "facts=all".into();
    machine.icount = true;
    machine.limit = Some(LIMIT);
    Ok(machine)
}

/// Whether this end is one that the tree allows: its refusal by the reader's own words; a refusal of what it describes;
/// or a run on just the harts that it enables.
fn check(ended: &Ended, blob: &[u8]) -> Result<(), String> {
    let console = String::from_utf8_lossy(&ended.console);
    // What the kernel finds behind the blob is memory that nobody wrote.
    let mut memory = blob.to_vec();
    memory.resize(blob.len().max(MAX_TREE), 0);
    let read = total_size(&memory).and_then(|size| Board::read(&memory[..size]));
    match (&ended.exit, read) {
        (GuestExit::Code(MachineExit::BootRefused), Err(error)) => {
            let text = format!(": {error}");
            console.contains(&text).then_some(()).ok_or(format!("expected it to say {text:?}"))
        }
        (_, Err(error)) => Err(format!("expected a refusal: {error}")),
        (GuestExit::Code(MachineExit::BootRefused | MachineExit::BadInput), Ok(_)) => {
            console.contains("KINIT: FAIL").then_some(()).ok_or("refused without a word".into())
        }
        (GuestExit::Code(MachineExit::Success), Ok(board)) => ran(ended, &console, &board),
        // Without its test device the kernel can only ask firmware for a shutdown, which ours ends with 1.
        (GuestExit::Other(Some(1), _), Ok(board))
            if board.test.is_none_or(|test| test.base != TEST_DEVICE) =>
        {
            if console.contains("KINIT: FAIL") {
                Ok(())
            } else {
                ran(ended, &console, &board)
            }
        }
        (_, Ok(_)) => Err("expected a refusal or a good end".into()),
    }
}

/// A run that ended well: on the harts of the tree, all of which there are.
fn ran(ended: &Ended, console: &str, board: &Board) -> Result<(), String> {
    let harts: Vec<u64> = board.harts.iter().filter(|hart| hart.enabled).map(|hart| hart.id).collect();
    let said = console.lines().filter(|line| line.starts_with("KINIT: cpu") && line.ends_with(" online"));
    let said = said.count();
    if said + 1 != harts.len() || harts.iter().any(|hart| *hart >= u64::from(HARTS)) {
        return Err(format!("{said} CPUs beside cpu0 online, the tree enables the harts {harts:?}"));
    }
    let facts = std::fs::read(&ended.facts).map_err(|error| error.to_string())?;
    let (records, _) = facts.as_chunks::<RECORD>();
    let mut online: Vec<u64> = records
        .iter()
        .filter_map(|record| match Fact::decode(record).ok()?.event {
            Event::Online { hart, .. } => Some(hart.0),
            _ => None,
        })
        .collect();
    online.sort_unstable();
    // A tree may take away the way for facts, or the argument that asks for them.
    let none = facts.is_empty() && (console.contains("no facts") || !board.bootargs.contains("facts=all"));
    match none || online == harts {
        true => Ok(()),
        false => Err(format!("harts {online:?} stated that they are online, the tree enables {harts:?}")),
    }
}
