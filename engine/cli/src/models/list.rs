//! `mertscope models list`: the models as text or JSON.

use std::io::Write;

use mertscope_heads::package::ModelPackage;
use mertscope_hub::{Library, ModelOffer, OfferState};
use mertscope_model::catalogue::{CatalogueEntry, PublishedHeads, PublishedResult};
use mertscope_model::{InputLength, Manifest, ShortInput};
use serde_json::{Value, json};

use crate::{write_json, write_out};

/// Runs the command.
pub(crate) fn run(as_json: bool) -> anyhow::Result<bool> {
    let embedded = ModelPackage::embedded()?;
    let offers = Library::shared()?.list();
    if as_json {
        let models: Vec<Value> = std::iter::once(embedded_json(&embedded))
            .chain(offers.iter().map(offer_json))
            .collect();
        return write_json(&json!({ "models": models }));
    }
    write_out(|out| {
        describe_embedded(out, &embedded)?;
        for offer in offers.iter() {
            writeln!(out)?;
            describe(out, offer)?;
        }
        Ok(())
    })
}

/// Bytes as text in MB.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

fn describe(out: &mut dyn Write, offer: &ModelOffer) -> anyhow::Result<()> {
    let entry = offer.entry;
    writeln!(out, "{}  {}", entry.id, entry.title)?;
    describe_state(out, offer)?;
    let about = if matches!(offer.state, OfferState::Installed(_)) {
        ""
    } else {
        "about "
    };
    writeln!(out, "  size      {about}{}", megabytes(offer.size()))?;
    describe_entry(out, entry)?;
    if let Some(heads) = &entry.heads {
        describe_heads(out, offer, heads)?;
    }
    let agreed = if offer.agreed {
        "agreed to"
    } else {
        "not agreed to yet"
    };
    writeln!(
        out,
        "  license   {}, {agreed}: {}",
        entry.license, entry.license_url
    )?;
    Ok(())
}

fn describe_state(out: &mut dyn Write, offer: &ModelOffer) -> anyhow::Result<()> {
    let id = &offer.entry.id;
    match &offer.state {
        OfferState::Absent => {
            writeln!(
                out,
                "  state     not installed; `mertscope models fetch {id}` installs it"
            )?;
        }
        OfferState::Partial { bytes } => {
            let stored = megabytes(*bytes);
            writeln!(
                out,
                "  state     {stored} are here; `mertscope models fetch {id}` resumes"
            )?;
        }
        OfferState::Installed(model) => {
            writeln!(out, "  state     installed in {}", model.folder.display())?;
            writeln!(out, "  source    {}", model.source)?;
            for file in &model.files {
                writeln!(out, "  sha256    {}  {}", file.sha256, file.name)?;
            }
        }
        OfferState::Broken { reason } => writeln!(out, "  state     broken: {reason}")?,
    }
    Ok(())
}

fn describe_entry(out: &mut dyn Write, entry: &CatalogueEntry) -> anyhow::Result<()> {
    let windows: Vec<_> = std::iter::once(&entry.window_s)
        .chain(&entry.other_window_s)
        .map(f64::to_string)
        .collect();
    let windows = windows.join(" or ");
    writeln!(
        out,
        "  input     {} Hz, {windows} s windows",
        entry.sample_rate_hz
    )?;
    writeln!(
        out,
        "  output    {} layers of {}, {} frames per second",
        entry.layers, entry.width, entry.frame_rate_hz
    )?;
    writeln!(
        out,
        "  states    {}; number 0 is {}",
        entry.hidden_states(),
        entry.architecture.first_state()
    )?;
    for result in &entry.published {
        let PublishedResult {
            task,
            metric,
            value,
            source,
        } = result;
        writeln!(out, "  published {task} {metric} {value} % ({source})")?;
    }
    Ok(())
}

/// A line on the published heads: which there are, and whether they are here.
fn describe_heads(
    out: &mut dyn Write,
    offer: &ModelOffer,
    heads: &PublishedHeads,
) -> anyhow::Result<()> {
    let named: Vec<String> = heads
        .head
        .iter()
        .map(|head| format!("{} ({})", head.task, head.id()))
        .collect();
    let present = match (offer.lacks_heads(), &offer.heads) {
        (false, _) => "installed",
        (true, Some(_)) => "some are installed",
        (true, None) => "come along with `mertscope models fetch`",
    };
    let license = heads.license.as_deref().unwrap_or("no stated license");
    writeln!(
        out,
        "  heads     {}: {}; {license}; {present}",
        heads.title,
        named.join(", ")
    )?;
    Ok(())
}

/// The published heads, with the hidden state of each and whether it is here.
fn heads_json(offer: &ModelOffer) -> Value {
    let Some(heads) = &offer.entry.heads else {
        return Value::Null;
    };
    let is_here = |name: &str| {
        let installed = offer.heads.as_ref();
        installed.is_some_and(|installed| installed.file(name).is_some())
    };
    let each = heads.head.iter().map(|head| {
        json!({
            "id": head.id(),
            "task": head.task,
            "layer": head.layer,
            "installed": head.files().all(|file| is_here(&file.name)),
        })
    });
    json!({
        "title": heads.title,
        "repository": heads.repo,
        "licence": heads.license,
        "licence_url": heads.license_url,
        "agreed": offer.heads_agreed,
        "fitted_on": heads.fitted_on,
        "heads": each.collect::<Vec<_>>(),
    })
}

fn offer_json(offer: &ModelOffer) -> Value {
    let entry = offer.entry;
    let (state, files) = match &offer.state {
        OfferState::Absent => ("absent", json!([])),
        OfferState::Partial { .. } => ("partial", json!([])),
        OfferState::Broken { .. } => ("broken", json!([])),
        OfferState::Installed(model) => {
            let files = model.files.iter().map(|file| {
                json!({
                    "name": file.name,
                    "path": file.path,
                    "size": file.size,
                    "sha256": file.sha256,
                })
            });
            ("installed", Value::Array(files.collect()))
        }
    };
    let published = entry.published.iter().map(|result| {
        json!({
            "task": result.task,
            "metric": result.metric,
            "percent": result.value,
            "source": result.source,
        })
    });
    json!({
        "id": entry.id,
        "title": entry.title,
        "state": state,
        "size": offer.size(),
        "licence": entry.license,
        "licence_url": entry.license_url,
        "agreed": offer.agreed,
        "repository": entry.repo,
        "sample_rate_hz": entry.sample_rate_hz,
        "frame_rate_hz": entry.frame_rate_hz,
        "layers": entry.layers,
        "hidden_states": entry.hidden_states(),
        "width": entry.width,
        "window_s": entry.window_s,
        "best_layers": entry.best_layers,
        "published": published.collect::<Vec<_>>(),
        "files": files,
        "heads": heads_json(offer),
    })
}

fn embedded_json(package: &ModelPackage) -> Value {
    let manifest = &package.model.manifest;
    json!({
        "id": manifest.id,
        "title": manifest.title,
        "state": "embedded",
        "size": package.model.bytes(),
        "licence": manifest.license,
        "sha256": manifest.graph.sha256,
        "sample_rate_hz": manifest.sample_rate_hz,
        "layers": manifest.layers.len(),
        "width": manifest.width,
        "window_s": manifest.window_s(),
        "frame_rate_hz": frame_rate_hz(manifest),
    })
}

/// Frames per second; `None` for a model without frames.
fn frame_rate_hz(manifest: &Manifest) -> Option<f64> {
    (!manifest.graph.frames.is_empty()).then(|| 1.0 / manifest.frame_s())
}

fn describe_embedded(out: &mut dyn Write, package: &ModelPackage) -> anyhow::Result<()> {
    let manifest = &package.model.manifest;
    writeln!(out, "{}  {}", manifest.id, manifest.title)?;
    writeln!(out, "  state     compiled in, ready")?;
    writeln!(
        out,
        "  size      {:.1} MB",
        package.model.bytes() as f64 / 1e6
    )?;
    writeln!(out, "  sha256    {}", manifest.graph.sha256)?;
    writeln!(
        out,
        "  input     {} Hz, {} s windows, {}",
        manifest.sample_rate_hz,
        manifest.window_s(),
        short(manifest)
    )?;
    let frames = if manifest.graph.frames.is_empty() {
        "pooled over the window".to_owned()
    } else {
        let rate = 1.0 / manifest.frame_s();
        format!("pooled over the window, or {rate:.0} frames per second")
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
    for head in &package.heads {
        writeln!(
            out,
            "  head      {}: {} labels",
            head.task,
            head.labels.len()
        )?;
    }
    writeln!(out, "  license   {}", manifest.license)?;
    Ok(())
}

/// The model's treatment of input of other lengths.
fn short(manifest: &Manifest) -> &'static str {
    match (manifest.graph.length, manifest.graph.short_input) {
        (InputLength::Fixed, ShortInput::Loop) => "shorter input is repeated",
        (InputLength::Dynamic, ShortInput::Loop) => {
            "longer input in one pass, shorter input is repeated"
        }
        (_, ShortInput::TrueLength) => "any length",
        (_, ShortInput::Refuse) => "shorter input is refused",
    }
}
