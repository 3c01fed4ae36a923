//! `mertscope models`: what can be named with `--model`.

use std::io::Write;

use mertscope_engine::model::{Length, Manifest, Model, ShortInput};

use crate::arguments::ModelsCommand;
use crate::write_out;

/// Runs the command.
pub fn run(command: ModelsCommand) -> anyhow::Result<bool> {
    match command {
        ModelsCommand::List => {
            let model = Model::embedded()?;
            write_out(|out| describe(out, &model))
        }
    }
}

fn describe(out: &mut dyn Write, model: &Model) -> anyhow::Result<()> {
    let manifest = &model.manifest;
    writeln!(out, "{}  {}", manifest.id, manifest.title)?;
    writeln!(out, "  state     compiled in, ready")?;
    writeln!(out, "  size      {:.1} MB", model.bytes() as f64 / 1e6)?;
    writeln!(out, "  sha256    {}", manifest.graph.sha256)?;
    writeln!(
        out,
        "  input     {} Hz, {} s windows, {}",
        manifest.sample_rate_hz,
        manifest.window_s(),
        short(manifest)
    )?;
    let frames = if manifest.graph.frames.is_empty() {
        "pooled over the window"
    } else {
        "pooled or frame by frame"
    };
    writeln!(
        out,
        "  output    {} layers of {}, {frames}",
        manifest.layers.len(),
        manifest.width
    )?;
    for (index, layer) in manifest.layers.iter().enumerate() {
        writeln!(out, "    {index:2}  {:10}  {}", layer.name, layer.meaning)?;
    }
    for head in &model.heads {
        writeln!(
            out,
            "  head      {}: {} labels",
            head.task,
            head.labels.len()
        )?;
    }
    writeln!(out, "  licence   {}", manifest.licence)?;
    Ok(())
}

/// What the model does with input of other lengths.
fn short(manifest: &Manifest) -> &'static str {
    match (manifest.graph.length, manifest.graph.short_input) {
        (Length::Fixed, ShortInput::Loop) => "shorter input is repeated",
        (Length::Dynamic, ShortInput::Loop) => {
            "longer at once if wanted, shorter input is repeated"
        }
        (_, ShortInput::TrueLength) => "any length",
        (_, ShortInput::Refuse) => "shorter input is refused",
    }
}
