//! `cargo xtask`: the commands that set up, show, test and measure Mertscope from a checkout.
//!
//! This file runs the command that `arguments` has read; each command is a module of the same name.
//! Nothing here knows the engine: the product is built and run as a child, so that `cargo xtask`
//! itself builds in seconds.

mod arguments;
mod bench;
mod bundle;
mod cross;
mod demo;
mod demo_audio;
mod dist;
mod fuzz;
mod install;
mod lint;
mod mertscope;
mod notices;
mod parity;
mod peak;
mod platform;
mod process;
mod run;
mod screenshots;
mod setup;
mod standalone;
mod test;
mod train;
mod workspace;

use std::env;
use std::process::ExitCode;

use anyhow::Result;

use arguments::{BenchArguments, Command};
use bundle::Profile;
use setup::Goal;
use test::Suite;
use workspace::Workspace;

fn main() -> ExitCode {
    let line = match arguments::parse(env::args_os()) {
        Ok(line) => line,
        // Prints the help or the error; the exit code is 0 or 2.
        Err(error) => error.exit(),
    };
    run(line.command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Setup(extra) => {
            setup::run(&workspace, Goal::Everything { extra })?;
            let has_hosts = setup::hosts(&workspace, false);
            let tools = setup::lint_tools(&workspace);
            if let Err(error) = &tools {
                eprintln!(
                    "    {error:#}\n    The step \"{}\" will be skipped.",
                    test::TEXT
                );
            }
            println!(
                "{} that `cargo xtask demo` and `cargo xtask test` need is in place.",
                if has_hosts && tools.is_ok() {
                    "Everything"
                } else {
                    "Everything else"
                }
            );
        }
        Command::Demo => return demo::run(&workspace),
        Command::Run { arguments } => return run::run(&workspace, &arguments),
        Command::DemoAudio => return demo_audio::run(&workspace),
        Command::Screenshots => screenshots::run(&workspace)?,
        Command::Test {
            full,
            hosts,
            python,
            filter,
        } => {
            let suite = Suite::from_options(full, hosts, python);
            return test::run(&workspace, suite, filter.as_deref());
        }
        Command::Fuzz { seconds, targets } => return fuzz::run(&workspace, seconds, &targets),
        Command::Bench(BenchArguments { names, models }) => {
            return match models {
                Some(models) => bench::run_models(&workspace, &models),
                None => bench::run(&workspace, &names),
            };
        }
        Command::Parity { models } => return parity::run(&workspace, &models),
        Command::Train { arguments } => return train::run(&workspace, &arguments),
        Command::Bundle { dev } => {
            for path in bundle::run(&workspace, profile(dev))?.tops() {
                println!("{}", path.display());
            }
        }
        Command::Cross {
            goal,
            build_only,
            filter,
        } => return cross::run(&workspace, goal, build_only, filter.as_deref()),
        Command::Dist {
            goal,
            dev,
            assemble,
        } => dist::run(&workspace, goal, profile(dev), assemble)?,
        Command::Install(arguments) => install::run(&workspace, arguments.scope())?,
        Command::Uninstall(arguments) => install::uninstall(arguments.scope())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn profile(dev: bool) -> Profile {
    if dev { Profile::Dev } else { Profile::Release }
}
