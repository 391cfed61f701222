//! `cargo xtask`: parse the command line, run one command, end with an exit code that has a name ([`exit::Exit`]).

use std::process::ExitCode;

use clap::Parser as _;

mod build;
mod cli;
mod ctx;
mod diag;
mod exit;
mod initrd;
mod picture;
mod proof;
mod qemu;
mod run;
mod setup;
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
            eprintln!("error: {error:#}");
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
        Command::DiagOs(args) => diag::main(args, ctx),
        Command::Picture(args) => picture::main(args, ctx),
        Command::Tidy(args) => tidy::main(args, ctx),
    }
}
