//! `cargo xtask`: what one types in a checkout of Mertscope to set it up, see it work, test it and measure it.
//!
//! This file is the command line only; each command is a module of the same name. Nothing here
//! knows the engine: the product is built and run as a child, so that `cargo xtask` itself builds
//! in seconds.

mod bench;
mod bundle;
mod demo;
mod demo_audio;
mod install;
mod lint;
mod mertscope;
mod notices;
mod parity;
mod peak;
mod process;
mod run;
mod screenshots;
mod setup;
mod standalone;
mod test;
mod train;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::prelude::*;

use bundle::Profile;
use install::Scope;
use setup::{Extra, Goal};
use workspace::Workspace;

const HELP: &str = "\
Sets up, shows, tests and measures Mertscope from a checkout.

Usage: cargo xtask <COMMAND> [OPTIONS]

Commands:
  demo     Analyses the demo pieces, draws their keys and genres over time, and plays one in the standalone app
  run      Builds the standalone app and opens it
  test     Checks formatting and lints, runs every test, builds the documentation
  bench    Measures speed, latency, memory and start-up
  parity   Compares the MERT family at full size with the reference implementation
  train    Builds the embedded model from public packages
  setup    Gets what the others need: packages and ONNX Runtime (they do it by themselves)

  bundle       Builds the VST3 and CLAP plugins and the mertscope command into target/bundled
  install      Puts them where hosts look for plugins
  uninstall    Takes them away again

  demo-audio   Renders the demo pieces in assets/demo again, after a change to their scores
  screenshots  Makes the pictures of the window in assets/pictures again, after a change to the editor

`cargo xtask <COMMAND> --help` says more.

Examples:
  cargo xtask demo
  cargo xtask test key
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Help(&'static str),
    Setup { extra: Extra },
    Demo,
    Run { arguments: Vec<OsString> },
    DemoAudio,
    Screenshots,
    Test { full: bool, filter: Option<String> },
    Bench { names: Vec<String> },
    Parity { models: Vec<&'static str> },
    Train { arguments: Vec<OsString> },
    BenchModels { names: Vec<&'static str> },
    Bundle { profile: Profile },
    Install { scope: Scope },
    Uninstall { scope: Scope },
}

fn main() -> ExitCode {
    let command = match parse(lexopt::Parser::from_env()) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error:#}; `cargo xtask --help` says what there is");
            return ExitCode::from(2);
        }
    };
    run(command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Help(text) => print!("{text}"),
        Command::Setup { extra } => {
            setup::run(&workspace, Goal::Everything { extra })?;
            setup::hosts(&workspace);
            println!("Everything that `cargo xtask demo` and `cargo xtask test` need is in place.");
        }
        Command::Demo => return demo::run(&workspace),
        Command::Run { arguments } => return run::run(&workspace, &arguments),
        Command::DemoAudio => demo_audio::make(&workspace.file("assets/demo"))?,
        Command::Screenshots => screenshots::run(&workspace)?,
        Command::Test { full, filter } => return test::run(&workspace, full, filter.as_deref()),
        Command::Bench { names } => return bench::run(&workspace, &names),
        Command::Parity { models } => return parity::run(&workspace, &models),
        Command::Train { arguments } => return train::run(&workspace, &arguments),
        Command::BenchModels { names } => return bench::run_models(&workspace, &names),
        Command::Bundle { profile } => {
            for path in bundle::run(&workspace, profile)?.tops() {
                println!("{}", path.display());
            }
        }
        Command::Install { scope } => install::run(&workspace, scope)?,
        Command::Uninstall { scope } => install::uninstall(scope)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `cargo xtask train`: what follows is the pipeline's to read.
fn train_command(arguments: Vec<OsString>) -> Result<Command> {
    let asks_for_help = |argument: &OsString| argument == "--help" || argument == "-h";
    Ok(if arguments.iter().any(asks_for_help) {
        Command::Help(train::HELP)
    } else {
        Command::Train { arguments }
    })
}

/// `cargo xtask bench` so far.
fn nothing_named() -> Command {
    Command::Bench { names: Vec::new() }
}

fn parse(mut arguments: lexopt::Parser) -> Result<Command> {
    let (mut command, help) = match arguments.next()? {
        None => bail!("a command is missing"),
        Some(Short('h') | Long("help")) => return Ok(Command::Help(HELP)),
        Some(Value(name)) => match name.string()?.as_str() {
            "setup" => {
                let extra = Extra::default();
                (Command::Setup { extra }, setup::HELP)
            }
            "demo" => (Command::Demo, demo::HELP),
            "run" => return Ok(parse_run(arguments.raw_args()?.collect())),
            "demo-audio" => (Command::DemoAudio, demo_audio::HELP),
            "screenshots" => (Command::Screenshots, screenshots::HELP),
            "test" => (
                Command::Test {
                    full: false,
                    filter: None,
                },
                test::HELP,
            ),
            "parity" => (Command::Parity { models: Vec::new() }, parity::HELP),
            "train" => return train_command(arguments.raw_args()?.collect()),
            "bench" => (nothing_named(), bench::HELP),
            "bundle" => (
                Command::Bundle {
                    profile: Profile::Release,
                },
                bundle::HELP,
            ),
            "install" => (Command::Install { scope: Scope::User }, install::HELP),
            "uninstall" => (
                Command::Uninstall { scope: Scope::User },
                install::UNINSTALL_HELP,
            ),
            other => bail!("there is no command '{other}'"),
        },
        Some(other) => return Err(other.unexpected().into()),
    };
    while let Some(argument) = arguments.next()? {
        match (argument, &mut command) {
            (Short('h') | Long("help"), _) => return Ok(Command::Help(help)),
            (Long("gpu"), Command::Setup { extra }) => extra.gpu = true,
            (Long("openvino"), Command::Setup { extra }) => extra.openvino = true,
            (Long("full"), Command::Test { full, .. }) => *full = true,
            (Long("dev"), Command::Bundle { profile }) => *profile = Profile::Dev,
            (Long("user"), Command::Install { scope } | Command::Uninstall { scope }) => {
                *scope = Scope::User;
            }
            (Long("system"), Command::Install { scope } | Command::Uninstall { scope }) => {
                *scope = Scope::System;
            }
            (
                Value(text),
                Command::Test {
                    filter: filter @ None,
                    ..
                },
            ) => *filter = Some(text.string()?),
            (Long("models"), command @ Command::Bench { .. }) if *command == nothing_named() => {
                *command = Command::BenchModels { names: Vec::new() };
            }
            (Value(name), Command::BenchModels { names }) => {
                names.push(parity::known(&name.string()?)?);
            }
            (Value(name), Command::Bench { names }) => names.push(bench::known(&name.string()?)?),
            (Value(name), Command::Parity { models }) => {
                models.push(parity::known(&name.string()?)?);
            }
            (other, _) => return Err(other.unexpected().into()),
        }
    }
    Ok(command)
}

/// All that follows is the app's, but for a first request for help about the command itself.
fn parse_run(mut arguments: Vec<OsString>) -> Command {
    match arguments.first().and_then(|first| first.to_str()) {
        Some("-h" | "--help") => return Command::Help(run::HELP),
        Some("--") => drop(arguments.remove(0)),
        _ => {}
    }
    Command::Run { arguments }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command> {
        parse(lexopt::Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn command_lines_are_read() {
        for (line, command) in [
            ("--help", Command::Help(HELP)),
            (
                "setup",
                Command::Setup {
                    extra: Extra::default(),
                },
            ),
            (
                "setup --openvino --gpu",
                Command::Setup {
                    extra: Extra {
                        gpu: true,
                        openvino: true,
                    },
                },
            ),
            ("demo", Command::Demo),
            ("demo -h", Command::Help(demo::HELP)),
            ("demo-audio", Command::DemoAudio),
            ("run --help", Command::Help(run::HELP)),
            (
                "run -- --help",
                Command::Run {
                    arguments: vec!["--help".into()],
                },
            ),
            (
                "run --file a.flac -- b",
                Command::Run {
                    arguments: ["--file", "a.flac", "--", "b"].map(OsString::from).to_vec(),
                },
            ),
            ("screenshots", Command::Screenshots),
            (
                "test",
                Command::Test {
                    full: false,
                    filter: None,
                },
            ),
            (
                "test key --full",
                Command::Test {
                    full: true,
                    filter: Some("key".into()),
                },
            ),
            ("bench", Command::Bench { names: Vec::new() }),
            (
                "bench start speed",
                Command::Bench {
                    names: vec!["start".into(), "speed".into()],
                },
            ),
            (
                "bench --models music2vec-v1",
                Command::BenchModels {
                    names: vec!["music2vec-v1"],
                },
            ),
            (
                "bundle --dev",
                Command::Bundle {
                    profile: Profile::Dev,
                },
            ),
            (
                "parity MERT-v0",
                Command::Parity {
                    models: vec!["MERT-v0"],
                },
            ),
            ("train --help", Command::Help(train::HELP)),
            (
                "train key --seed 1",
                Command::Train {
                    arguments: vec!["key".into(), "--seed".into(), "1".into()],
                },
            ),
            ("install", Command::Install { scope: Scope::User }),
            (
                "uninstall --system",
                Command::Uninstall {
                    scope: Scope::System,
                },
            ),
        ] {
            assert_eq!(parsed(line).unwrap(), command, "{line}");
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        for (line, named) in [
            ("", "missing"),
            ("fly", "fly"),
            ("--fast", "--fast"),
            ("demo --gpu", "--gpu"),
            ("demo loud", "loud"),
            ("test one two", "two"),
            ("bench luck", "luck"),
            ("parity MERT-v9", "MERT-v9"),
            ("bench --models MERT-v9", "MERT-v9"),
            ("bench start --models", "--models"),
            ("setup --system", "--system"),
        ] {
            let error = parsed(line).unwrap_err().to_string();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
