//! The command line: what may be asked, as types.

use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::{build, check, counterfactuals, diag, fuzz, mutants, picture, proof, run, setup, sim, test, tidy};

/// Antler: set up, build, run, test and prove the kernel.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = Exit::table())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, one module each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find what building and running need; install what is missing
    Setup(setup::Args),
    /// Say what setup would find, and change nothing
    Doctor(setup::DoctorArgs),
    /// Build the kernel and the initrd into target/antler
    Build(build::Args),
    /// Boot the kernel in QEMU and run programs on it, on your own files
    Run(run::Args),
    /// Boot with the self-tests and judge what really happened
    Proof(proof::Args),
    /// Everything CI runs: format, lints, host tests, proofs, programs, refusals
    Test(test::Args),
    /// Kernels that do one thing wrong, each of which the judge must see
    Counterfactuals(counterfactuals::Args),
    /// Models, twins, simulator and fuzz targets: the nucleus without a machine under it
    Check(check::Args),
    /// Small errors put into the source, each of which the tests must notice
    Mutants(mutants::Args),
    /// Feed every reader of outside data with mutants of its corpus, or let libFuzzer look for new paths
    Fuzz(fuzz::Args),
    /// Run the scheduler on virtual harts, from many seeds, with and without faults
    Sim(sim::Args),
    /// Check kernel and programs for riscv64, warnings denied
    DiagOs(diag::Args),
    /// Draw what each hart did in a run, from its facts
    Picture(picture::Args),
    /// Check the rules of the tree that no compiler checks
    Tidy(tidy::Args),
}
