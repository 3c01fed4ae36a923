//! Mertscope without a host: the plugin in the framework's own standalone wrapper, with JACK, ALSA
//! or a dummy as its backend. `--help` lists what it takes.

use std::process::ExitCode;

use mertscope::Mertscope;
use nih_plug::prelude::nice_export_standalone;

fn main() -> ExitCode {
    if nice_export_standalone::<Mertscope>() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
