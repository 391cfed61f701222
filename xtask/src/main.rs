//! `cargo xtask`: parse the command line, run one command, end with an exit code that has a name ([`exit::Exit`]).

use std::process::ExitCode;

use clap::Parser as _;

/// Prints a line to stdout. Whoever reads it may have had enough; results are in files and exit codes as well.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

/// Prints a line to stderr, if somebody still reads it.
macro_rules! tell {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

mod build;
mod check;
mod cli;
mod counterfactuals;
mod ctx;
mod diag;
mod exit;
mod fuzz;
mod initrd;
mod mutants;
mod picture;
mod proof;
mod qemu;
mod run;
mod setup;
mod sim;
mod test;
mod tidy;
mod ui;

use cli::{Cli, Command};
use ctx::Ctx;
use exit::{Exit, Fail};

fn main() -> ExitCode {
    // clap ends usage errors itself, with 2, which is `Exit::Usage`.
    let cli = Cli::parse();
    match Ctx::new().and_then(|ctx| dispatch(cli.command, &ctx)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            tell!("error: {error:#}");
            Fail::exit_of(&error).into()
        }
    }
}

fn dispatch(command: Command, ctx: &Ctx) -> anyhow::Result<Exit> {
    match command {
        Command::Setup(args) => setup::main(args, ctx),
        Command::Doctor(args) => setup::doctor(args, ctx),
        Command::Build(args) => build::main(args, ctx),
        Command::Run(args) => run::main(args, ctx),
        Command::Proof(args) => proof::main(args, ctx),
        Command::Test(args) => test::main(args, ctx),
        Command::Check(args) => check::main(args, ctx),
        Command::Counterfactuals(args) => counterfactuals::main(args, ctx),
        Command::Mutants(args) => mutants::main(args, ctx),
        Command::Fuzz(args) => fuzz::main(args, ctx),
        Command::Sim(args) => sim::main(args, ctx),
        Command::DiagOs(args) => diag::main(args, ctx),
        Command::Picture(args) => picture::main(args, ctx),
        Command::Tidy(args) => tidy::main(args, ctx),
    }
}
