//! Command-line arguments of `cargo xtask`. Each command's module has the longer part of its help.

use std::ffi::OsString;

use clap::builder::PossibleValuesParser;
use clap::error::Error;
use clap::{Args, Parser, Subcommand, value_parser};

use crate::install::Scope;
use crate::{
    bench, bundle, cross, demo, demo_audio, dist, fuzz, install, parity, run, screenshots, setup,
    test, train,
};

/// The name in help and errors.
const NAME: &str = "cargo xtask";

const EXAMPLES: &str = "\
`cargo xtask <COMMAND> --help` says more.

Examples:
  cargo xtask demo
  cargo xtask test key

Exit codes: 0 all went well, 1 something failed, 2 the command line is wrong.";

/// Sets up, shows, tests and measures Mertscope from a checkout.
#[derive(Debug, PartialEq, Eq, Parser)]
#[command(name = NAME, bin_name = NAME, after_help = EXAMPLES)]
#[command(
    args_override_self = true,
    disable_help_subcommand = true,
    arg_required_else_help = false
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Analyzes the demo pieces, draws keys and genres over time, plays one in the app
    #[command(after_help = demo::HELP)]
    Demo,
    /// Builds the standalone app and opens it
    #[command(after_help = run::HELP)]
    Run {
        /// Arguments of the app: `cargo xtask run -- --help` lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Checks formatting and lints, runs every test, builds the documentation
    #[command(after_help = test::HELP)]
    Test {
        /// Also run the tests that take long
        #[arg(long)]
        full: bool,
        /// Run only the tests in plugin hosts, with the long ones: pedalboard, dawdreamer,
        /// qtractor, Ardour and hosts of our own
        #[arg(long, conflicts_with = "full")]
        hosts: bool,
        /// Only build the Python package, install it into an environment of its own, and run its
        /// tests; --full includes this
        #[arg(long, conflicts_with_all = ["full", "hosts", "filter"])]
        python: bool,
        /// Run only the tests whose name contains this, and no other step
        filter: Option<String>,
    },
    /// Fuzzes the code that reads untrusted bytes
    #[command(after_help = fuzz::HELP)]
    Fuzz {
        /// Seconds per target
        #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
        seconds: u64,
        /// Targets to fuzz [default: all]
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
    },
    /// Measures speed, latency, memory and start-up
    #[command(after_help = bench::HELP)]
    Bench(BenchArguments),
    /// Compares the published models at full size with reference implementations
    #[command(after_help = parity::HELP)]
    Parity {
        /// Models to compare [default: all]
        #[arg(value_name = "MODEL", value_parser = PossibleValuesParser::new(parity::MODELS))]
        models: Vec<String>,
    },
    /// Builds the embedded model from public packages
    #[command(after_help = train::HELP, override_usage = "cargo xtask train [STAGE]... [OPTIONS]")]
    Train {
        /// Stages and options of the pipeline, see below
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        arguments: Vec<OsString>,
    },
    /// Gets what the other commands need: packages and ONNX Runtime (they also do so themselves)
    #[command(after_help = setup::HELP)]
    Setup(setup::Extra),
    /// Builds the VST3 and CLAP plugins, the app and the command into target/bundled
    #[command(after_help = bundle::HELP)]
    Bundle {
        /// Build with the debug profile, which checks the audio callback for allocations, into
        /// target/bundled-dev
        #[arg(long)]
        dev: bool,
    },
    /// Builds for another system, and runs the tests there under an emulator
    #[command(after_help = cross::HELP)]
    Cross {
        /// The system
        #[arg(value_name = "SYSTEM")]
        goal: cross::Goal,
        /// Build, and run no test
        #[arg(long)]
        build_only: bool,
        /// Run only the suites of tests whose name contains this
        #[arg(conflicts_with = "build_only")]
        filter: Option<String>,
    },
    /// Makes the packages that people install, into target/dist
    #[command(after_help = dist::HELP)]
    Dist {
        /// The system [default: this one]
        #[arg(value_name = "SYSTEM")]
        goal: Option<dist::Goal>,
        /// Pack the debug build, as the tests do, into target/dist-dev
        #[arg(long)]
        dev: bool,
        /// Take the products as they are, and build nothing
        #[arg(long)]
        assemble: bool,
    },
    /// Builds the bundles and puts them where hosts look for plugins
    #[command(after_help = install::HELP)]
    Install(ScopeArguments),
    /// Removes what `cargo xtask install` put in place, and nothing else
    #[command(after_help = install::UNINSTALL_HELP)]
    Uninstall(ScopeArguments),
    /// Renders the demo pieces in assets/demo again, after a change to their scores
    #[command(after_help = demo_audio::HELP)]
    DemoAudio,
    /// Makes the pictures in assets/pictures again, after a change to the editor
    #[command(after_help = screenshots::HELP)]
    Screenshots,
}

#[derive(Debug, PartialEq, Eq, Args)]
pub(crate) struct BenchArguments {
    /// Measurements to make [default: all]
    #[arg(value_name = "NAME", hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(bench::names()))]
    pub(crate) names: Vec<String>,
    /// Measure published models at full size instead [default: all]
    #[arg(long, value_name = "MODEL", num_args = 0.., conflicts_with = "names")]
    #[arg(value_parser = PossibleValuesParser::new(parity::MODELS))]
    pub(crate) models: Option<Vec<String>>,
}

#[derive(Debug, PartialEq, Eq, Args)]
pub(crate) struct ScopeArguments {
    /// For you alone; this is the default
    #[arg(long, overrides_with = "system")]
    user: bool,
    /// For every user of this machine; needs the right to write there
    #[arg(long, overrides_with = "user")]
    system: bool,
}

impl ScopeArguments {
    pub(crate) fn scope(&self) -> Scope {
        if self.system {
            Scope::System
        } else {
            Scope::User
        }
    }
}

/// Reads the arguments, of which the first is the program's name.
///
/// # Errors
/// When they are wrong, and when they ask for help: the error then holds the help.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<CommandLine, Error> {
    let line = CommandLine::try_parse_from(arguments)?;
    // The pipeline's arguments are its own, but its help is here: it prints its own only after
    // gigabytes were downloaded for it.
    if let Command::Train { arguments } = &line.command
        && arguments
            .iter()
            .any(|word| word == "--help" || word == "-h")
    {
        return CommandLine::try_parse_from([NAME, "train", "--help"]);
    }
    Ok(line)
}

#[cfg(test)]
mod tests;
