//! `mertscope models cache`: the graphs that are kept, and their removal.

use std::io::Write;
use std::time::SystemTime;

use anyhow::Context;
use mertscope_model::{KeptGraph, catalogue, device, kept_graphs};

use super::list::megabytes;
use crate::{log, write_out};

/// Runs the command.
pub(crate) fn run(clear: bool) -> anyhow::Result<bool> {
    let kept = kept_graphs().context(
        "There is no folder for the graphs of checkpoints: set HOME (XDG_CACHE_HOME) to a folder that you can \
         write to.",
    )?;
    let (folder, count) = (kept.folder.display(), kept.graphs.len());
    let size = megabytes(kept.bytes());
    if clear {
        let failed = || format!("Not all graphs in {folder} could be removed");
        kept.clear().with_context(failed)?;
        device::checked::forget().context("The comparisons of devices could not be removed")?;
        log(&format!("{count} graphs are removed, {size}."));
        return Ok(true);
    }
    let now = SystemTime::now();
    write_out(|out| {
        for graph in &kept.graphs {
            describe(out, graph, now)?;
        }
        let most = kept.most_bytes as f64 / 1e9;
        writeln!(
            out,
            "{count} graphs, {size} of at most {most:.1} GB, in {folder}"
        )?;
        Ok(())
    })
}

fn describe(out: &mut dyn Write, graph: &KeptGraph, now: SystemTime) -> anyhow::Result<()> {
    let age = now.duration_since(graph.last_use).unwrap_or_default();
    let used = match age.as_secs() / (24 * 60 * 60) {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    };
    let (model, form, size) = (name(&graph.weights), &graph.form, megabytes(graph.bytes));
    writeln!(out, "{model}  {form}  {size}, used {used}")?;
    Ok(())
}

/// The id of the model of the catalogue that has these weights, or the beginning of their hash.
fn name(weights: &str) -> &str {
    let has_weights = |entry: &&catalogue::CatalogueEntry| {
        let mut files = entry.files.iter();
        files.any(|file| file.sha256.as_deref() == Some(weights))
    };
    let mut entries = catalogue::all().unwrap_or_default().iter();
    let entry = entries.find(has_weights);
    entry.map_or(weights.get(..12).unwrap_or(weights), |entry| &entry.id)
}
