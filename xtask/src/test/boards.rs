//! Boards that are odd, and boards that lie: device trees that QEMU and OpenSBI would choke on, handed to the kernel by
//! our own firmware.

use antler_abi::MachineExit;
use antler_proof::{Case, GuestEnd, Verdict};
use anyhow::Context as _;
use dtoolkit::fdt::Fdt;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};

use super::call::Call;
use super::step::{Count, Failure, Outcome, Step};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::qemu::{self, Bios, Ended, GuestExit, Machine, Own};
use crate::{build, proof, setup};

/// Harts of these machines.
const HARTS: u16 = 4;

/// Reserved ranges that overlap each other, and one that overlaps the kernel's own image.
const RESERVED: [(u64, u64); 4] =
    [(0x8300_0000, 0x10_0000), (0x8308_0000, 0x10_0000), (0x8304_0000, 0x1000), (0x8020_0000, 0x1_0000)];

/// What must come of a board.
enum End {
    /// A green proof.
    Green,
    /// Every self-test passes, but the proof is red for this reason.
    Unproved(&'static str),
    /// The kernel ends with this code and says this.
    Refused(MachineExit, &'static str),
}

/// A change to QEMU's own tree.
type Edit = fn(&mut DeviceTree) -> anyhow::Result<()>;

const REFUSED: MachineExit = MachineExit::BootRefused;

/// The boards: what they are, the change, what must come of it.
const BOARDS: [(&str, Edit, End); 13] = [
    ("as QEMU describes it", |_| Ok(()), End::Green),
    ("a hart whose status is fail", |tree| set(tree, "/cpus/cpu@2", "status", "fail"), End::Green),
    ("overlapping reserved memory", reserve, End::Green),
    ("no modern virtio", |tree| remove(tree, "/soc", "virtio_mmio@"), End::Unproved("no facts")),
    ("no /chosen", |tree| remove(tree, "/", "chosen"), End::Refused(MachineExit::BadInput, "no initrd")),
    ("no /cpus", |tree| remove(tree, "/", "cpus"), End::Refused(REFUSED, "no /cpus")),
    ("no memory", |tree| remove(tree, "/", "memory@"), End::Refused(REFUSED, "no memory")),
    (
        "all memory reserved",
        |tree| add_reserved(tree, 0x8000_0000, 0x1_0000_0000),
        End::Refused(REFUSED, "in one piece for the kernel, and 0 MiB are free"),
    ),
    (
        "the boot hart is not listed",
        |tree| remove(tree, "/cpus", "cpu@0"),
        End::Refused(REFUSED, "hart 0, which boots, is not in the device tree"),
    ),
    (
        "the boot hart is disabled",
        |tree| set(tree, "/cpus/cpu@0", "status", "disabled"),
        End::Refused(REFUSED, "hart 0, which boots, is disabled in the device tree"),
    ),
    (
        "two harts with one id",
        |tree| set(tree, "/cpus/cpu@3", "reg", 1_u32),
        End::Refused(REFUSED, "two harts have the id 1"),
    ),
    (
        "a hart without paging",
        |tree| set(tree, "/cpus/cpu@2", "mmu-type", "riscv,none"),
        End::Refused(REFUSED, "hart 2 lacks Sv39"),
    ),
    (
        "a hart id that there is not",
        |tree| set(tree, "/cpus/cpu@3", "reg", 77_u32),
        End::Refused(
            REFUSED,
            "hart 77: did not come online within 20 s of hart_start; HSM state START_PENDING",
        ),
    ),
];

/// The steps.
pub fn steps() -> Vec<Step> {
    let mut steps = vec![
        gaps("0, 2, 5 and 7 of 8 harts, our firmware", "antler", |done| done.exits(Exit::Success)?.passes()),
        gaps("0, 2, 5 and 7 of 8 harts, QEMU's firmware", "default", sparse_on_opensbi),
        Step::boots("board: 100 harts listed, 4 there", |ctx| fair(ctx, hundred)),
    ];
    steps.extend(BOARDS.iter().map(|(name, edit, end)| {
        Step::boots(format!("board: {name}"), move |ctx| fair(ctx, |ctx| board(ctx, *edit, end)))
    }));
    steps
}

/// Leaves a step out where harts starve under icount.
pub(super) fn fair(ctx: &Ctx, run: impl FnOnce(&Ctx) -> Outcome) -> Outcome {
    if setup::qemu(ctx)?.is_fair_under_icount() { run(ctx) } else { Ok(Count::SKIPPED) }
}

/// A proof on a board with gaps that trip OpenSBI 1.5: of 8 harts, those with odd places are disabled.
fn gaps(name: &str, bios: &'static str, end: fn(super::call::Done) -> Outcome) -> Step {
    Step::boots(format!("board: {name}"), move |ctx| {
        fair(ctx, |ctx| {
            let mut call = Call::new(["proof", "--icount", "--boot-hart", "0", "--bios", bios]);
            for hart in ["1", "3", "4", "6"] {
                call = call.arg("--disable-hart").arg(hart);
            }
            let call = call.set("SMP", "8").set("REQUIRE_SMP", "1").set("RUN_TIMEOUT", "180s");
            end(call.run(ctx)?)
        })
    })
}

/// OpenSBI 1.5 takes starts and doorbells away from harts whose id is another's index; other versions do not. Whichever
/// it is: right, or an end by name.
fn sparse_on_opensbi(done: super::call::Done) -> Outcome {
    if !done.stdout.contains("KINIT: FAIL") {
        return done.exits(Exit::Success)?.passes();
    }
    done.exits(Exit::BootRefused)?.says("did not come online within 20 s of hart_start; HSM state")?.passes()
}

/// A machine in virtual time with our firmware and the proof's initrd, and the tree that QEMU would give it.
fn machine(ctx: &Ctx, harts: u16) -> anyhow::Result<(Machine, Vec<u8>)> {
    let dir = ctx.out().join("test/board");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let archive = dir.join("initrd");
    let initrd = proof::initrd(&build::built(ctx)?)?;
    initrd.write(&archive)?;
    let mut machine = Machine::new(setup::qemu(ctx)?, harts, ctx.kernel(), archive, dir);
    machine.mem = qemu::enough(100, initrd.size());
    machine.append = "selftest".into();
    machine.icount = true;
    machine.limit = Some(std::time::Duration::from_secs(120));
    let tree = qemu::own_tree(&machine)?;
    Ok((machine, tree))
}

/// Boots a machine on a tree of which QEMU knows nothing.
pub(super) fn boot(machine: &mut Machine, tree: &[u8]) -> anyhow::Result<Ended> {
    let path = machine.dir.join("board.dtb");
    std::fs::create_dir_all(&machine.dir)
        .and_then(|()| std::fs::write(&path, tree))
        .with_context(|| format!("cannot write {}", path.display()))?;
    let mut own = Own::from_arg("").map_err(anyhow::Error::msg)?;
    own.tree = Some(path);
    machine.bios = Bios::Own(own.into());
    qemu::boot(machine, |_| qemu::Next::GoOn)
}

fn board(ctx: &Ctx, edit: Edit, end: &End) -> Outcome {
    let (mut machine, own) = machine(ctx, HARTS)?;
    let fdt = Fdt::new(&own).map_err(|error| anyhow::anyhow!("QEMU's device tree: {error}"))?;
    let mut tree = DeviceTree::from_fdt(&fdt);
    edit(&mut tree)?;
    let blob = tree.to_dtb();
    let ended = boot(&mut machine, &blob)?;
    let console = String::from_utf8_lossy(&ended.console).into_owned();
    let failed = |why: String| Err(Failure::one(format!("{console}{}\n{why}", ended.exit.text())));
    match end {
        End::Refused(code, says) => {
            if ended.exit != GuestExit::Code(*code) || !console.contains(says) {
                return failed(format!("expected {code:?} and {says:?}"));
            }
        }
        End::Green | End::Unproved(_) => {
            let verdict = judged(&ended, &blob)?;
            if ended.exit != GuestExit::Code(MachineExit::Success) {
                return failed("expected a good end".into());
            }
            match end {
                End::Unproved(says) if verdict.green || !console.contains(says) => {
                    return failed(format!("expected a red verdict and {says:?}; {}", verdict.line()));
                }
                End::Green if !verdict.green => return failed(verdict.reasons.join("\n")),
                _ => {}
            }
        }
    }
    Ok(Count::ONE)
}

/// The judge's word, on the harts that the tree enables.
fn judged(ended: &Ended, blob: &[u8]) -> anyhow::Result<Verdict> {
    let harts = antler_proof::enabled_harts(blob).map_err(anyhow::Error::msg)?;
    let cpus = u16::try_from(harts.len()).context("too many harts")?;
    let end = match &ended.exit {
        GuestExit::Code(code) => GuestEnd::Code(i32::from(code.code())),
        GuestExit::Other(..) => GuestEnd::Stopped,
        GuestExit::TimedOut(_) | GuestExit::Silent(_) => GuestEnd::TimedOut,
    };
    let case = Case { harts: Some(harts), end, ..Case::new(cpus) };
    let facts = std::fs::read(&ended.facts).context("cannot read the facts")?;
    Ok(antler_proof::judge(&ended.console, &facts, &case))
}

/// The tree of a machine with 100 harts, on one with four.
fn hundred(ctx: &Ctx) -> Outcome {
    let (_, tree) = machine(ctx, 100)?;
    let (mut machine, _) = machine(ctx, HARTS)?;
    let ended = boot(&mut machine, &tree)?;
    let console = String::from_utf8_lossy(&ended.console);
    let named = "hart 4: did not come online within 20 s of hart_start; HSM state START_PENDING";
    match ended.exit == GuestExit::Code(REFUSED) && console.contains(named) {
        true => Ok(Count::ONE),
        false => Err(Failure::one(format!("{console}{}\nexpected {named:?}", ended.exit.text()))),
    }
}

fn set(
    tree: &mut DeviceTree,
    node: &str,
    name: &str,
    value: impl dtoolkit::ToPropertyValue,
) -> anyhow::Result<()> {
    let node = tree.find_node_mut(node).with_context(|| format!("QEMU's tree has no {node}"))?;
    node.remove_property(name);
    node.add_property(DeviceTreeProperty::new(name, value).context("no property name")?);
    Ok(())
}

/// Removes the children whose names begin so.
fn remove(tree: &mut DeviceTree, parent: &str, begins: &str) -> anyhow::Result<()> {
    let parent = match parent {
        "/" => &mut tree.root,
        path => tree.find_node_mut(path).with_context(|| format!("QEMU's tree has no {path}"))?,
    };
    let names: Vec<String> = parent
        .children_mut()
        .map(|child| dtoolkit::Node::name(&&*child).to_owned())
        .filter(|name| name.starts_with(begins))
        .collect();
    anyhow::ensure!(!names.is_empty(), "QEMU's tree has no {begins}");
    for name in names {
        parent.remove_child(&name);
    }
    Ok(())
}

fn reserve(tree: &mut DeviceTree) -> anyhow::Result<()> {
    RESERVED.iter().try_for_each(|&(base, size)| add_reserved(tree, base, size))
}

/// Adds a range to `/reserved-memory`.
fn add_reserved(tree: &mut DeviceTree, base: u64, size: u64) -> anyhow::Result<()> {
    const PARENT: &str = "reserved-memory";
    if tree.find_node_mut("/reserved-memory").is_none() {
        let mut parent = DeviceTreeNode::new(PARENT).context("no node name")?;
        for cells in ["#address-cells", "#size-cells"] {
            parent.add_property(DeviceTreeProperty::new(cells, 2_u32).context("no property name")?);
        }
        parent.add_property(DeviceTreeProperty::new("ranges", [0_u8; 0]).context("no property name")?);
        tree.root.add_child(parent);
    }
    let parent = tree.find_node_mut("/reserved-memory").context("it was just added")?;
    let mut node = DeviceTreeNode::new(format!("range@{base:x}")).context("no node name")?;
    let reg = [base.to_be_bytes(), size.to_be_bytes()].concat();
    node.add_property(DeviceTreeProperty::new("reg", reg).context("no property name")?);
    parent.add_child(node);
    Ok(())
}
