//! The command line: what may be asked, as types.

use clap::{Command as Parse, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit::Exit;
use crate::{
    bench, build, check, counterfactuals, diag, fuzz, mutants, picture, proof, report, run, setup, sim,
    tamper, test, tidy, trace,
};

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
    /// The shipped kernel with instructions replaced, which must never be green
    Tamper(tamper::Args),
    /// Models, twins, simulator and fuzz targets: the nucleus without a machine under it
    Check(check::Args),
    /// What the shortest paths cost, in instructions
    Bench(bench::Args),
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
    /// Write a proof's run as one HTML file, from what the proof left
    Report(report::Args),
    /// Write a proof's run as a trace for Perfetto or chrome://tracing
    Trace(trace::Args),
    /// Check the rules of the tree that no compiler checks
    Tidy(tidy::Args),
}

impl Cli {
    /// Reads the command line. Ends the process when it is wrong, with 2, which is [`Exit::Usage`].
    pub fn read() -> Cli {
        let matches = parser().get_matches();
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// The parser. `-1` is a value of the option before it, so that the error names the range and not an option `-1`.
fn parser() -> Parse {
    let numbers = |arg: clap::Arg| {
        let option = !arg.is_positional() && arg.get_action().takes_values();
        if option { arg.allow_negative_numbers(true) } else { arg }
    };
    Cli::command().mut_subcommands(|command| command.mut_args(numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(args: &[&str]) -> String {
        let words = ["cargo xtask"].iter().chain(args);
        parser().try_get_matches_from(words).unwrap_err().to_string()
    }

    #[test]
    fn the_parser_is_sound_and_names_the_range_of_a_negative_number() {
        parser().debug_assert();
        assert!(error(&["sim", "--harts", "-1"]).contains("-1 is not in 1..=512"));
        assert!(error(&["mutants", "--jobs", "-1"]).contains("-1 is not in 1..=64"));
        assert!(error(&["fuzz", "--seconds", "-1"]).contains("-1 is not in 1..=86400"));
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let both = |args: &[&str]| error(args).contains("cannot be used with");
        assert!(both(&["fuzz", "dtb", "--file", "f", "--seed", "7"]));
        assert!(both(&["fuzz", "--runs", "7", "--seconds", "7"]));
    }

    #[test]
    fn a_package_is_not_taken_for_a_commit() {
        let words = ["cargo xtask", "mutants", "--in-diff", "parse"];
        let matches = parser().try_get_matches_from(words).unwrap();
        let Command::Mutants(args) = Cli::from_arg_matches(&matches).unwrap().command else { panic!() };
        assert_eq!(format!("{args:?}"), r#"Args { packages: [Parse], jobs: 1, in_diff: Some("HEAD") }"#);
    }
}
