//! `mertscope heads`: trains, evaluates, compares, lists, imports, exports and removes heads.

mod bench;
mod confidence;
mod eval;
mod figures;
mod train;

use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use mertscope_heads::head::marble::{self, HeadDescription, Labels};
use mertscope_heads::head::{Head, HeadInfo, LayerInput};
use mertscope_heads::package::ModelPackage;
use mertscope_heads::user_store::{StoredKind, UserStore};
use mertscope_model::catalogue;
use mertscope_music::{Confidence, Shown};

use crate::arguments::{HeadsCommand, ImportArguments};
use crate::files;
use crate::{log, write_out};

/// Runs the command.
pub(crate) fn run(command: &HeadsCommand) -> anyhow::Result<bool> {
    match command {
        HeadsCommand::Train(arguments) => train::run(arguments),
        HeadsCommand::Eval(arguments) => eval::run(arguments),
        HeadsCommand::Bench(arguments) => bench::run(arguments),
        HeadsCommand::List { model } => list(&find_model(model.model.as_deref())?),
        HeadsCommand::Info { head, model } => info(&find_model(model.model.as_deref())?, head),
        HeadsCommand::Import(arguments) => import(arguments),
        HeadsCommand::Export { head, out, model } => {
            export(&find_model(model.model.as_deref())?, head, out)
        }
        HeadsCommand::Remove { head, model } => remove(&find_model(model.model.as_deref())?, head),
    }
}

fn find_model(name: Option<&str>) -> anyhow::Result<ModelPackage> {
    Ok(ModelPackage::find(name)?)
}

/// The head named `head`, or the head in the file `head`.
fn find_head(package: &ModelPackage, head: &str) -> anyhow::Result<Head> {
    if let Some(found) = package.heads.iter().find(|other| other.id() == head) {
        return Ok(found.clone());
    }
    let path = Path::new(head);
    if path.is_file() {
        let bytes = fs::read(path)
            .with_context(|| format!("{head} can't be read; check its permissions"))?;
        let head = Head::parse(&bytes, path)?;
        head.check(&package.model.manifest)?;
        return Ok(head);
    }
    let names: Vec<&str> = package.heads.iter().map(Head::id).collect();
    let known = if names.is_empty() {
        "it has none".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    };
    bail!(
        "The model {} has no head “{head}”, and there is no file of that name; {known}.",
        package.model.manifest.id
    )
}

/// Whether the head is in the user store, not shipped with the model.
fn is_own(package: &ModelPackage, head: &Head) -> bool {
    let store = UserStore::of(StoredKind::Heads, &package.model.manifest);
    store.is_ok_and(|store| {
        store
            .find(head.id())
            .is_some_and(|stored| stored.path == head.path())
    })
}

fn list(package: &ModelPackage) -> anyhow::Result<bool> {
    write_out(|out| {
        if package.heads.is_empty() {
            let id = &package.model.manifest.id;
            writeln!(
                out,
                "The model {id} has no heads. Train one with `mertscope heads train --data FOLDER \
                 --task NAME --model {id}`."
            )?;
        }
        for head in &package.heads {
            let info = HeadInfo::from(head);
            let origin = if is_own(package, head) {
                "yours"
            } else {
                "with the model"
            };
            writeln!(
                out,
                "{:16} {}, {} labels, {}, {origin}",
                info.id,
                info.task,
                info.labels.len(),
                info.layers_text
            )?;
        }
        Ok(())
    })?;
    package.notices.iter().for_each(|notice| log(&notice.text));
    Ok(package.notices.is_empty())
}

fn info(package: &ModelPackage, head: &str) -> anyhow::Result<bool> {
    let head = find_head(package, head)?;
    let info = HeadInfo::from(&head);
    write_out(|out| {
        writeln!(out, "{}", info.id)?;
        let mut line = |name: &str, text: &str| {
            if text.is_empty() {
                return Ok(());
            }
            writeln!(out, "  {name:14} {text}")
        };
        line("task", &info.task)?;
        line("labels", &info.labels.join(", "))?;
        line("outputs", info.outputs.name())?;
        line("model", &package.model.manifest.id)?;
        line("reads", &info.layers_text)?;
        line("figures", &info.metrics_text)?;
        line("fitted on", &info.source_text)?;
        if info.is_calibrated {
            line("confidence", &words_of(&info.confidence))?;
        }
        let mut rest: Vec<(&String, &String)> = head.metadata.iter().collect();
        rest.sort();
        for (name, text) in rest {
            let shown = [
                "task",
                "labels",
                "outputs",
                "reads",
                "layer",
                "layers",
                "metrics",
                "training_data",
                "confidence",
                "model",
                "encoder_sha256",
            ];
            if !shown.contains(&name.as_str()) {
                line(name, text)?;
            }
        }
        line("sha256", &head.sha256)?;
        line("file", &head.path().display().to_string())?;
        Ok(())
    })
}

/// The constants of confidence in words.
fn words_of(confidence: &Confidence) -> String {
    let newest = match confidence.context {
        Some(_) => ", with what the newest window adds",
        None => "",
    };
    let limits = |shown: &Shown| {
        format!(
            "scale {}, one label from {:.0} %, a pair from {:.0} %",
            shown.scale,
            100.0 * shown.named,
            100.0 * shown.pair
        )
    };
    format!(
        "live: mean over {} s{newest}, {}; of a file: {}",
        confidence.time_s,
        limits(&confidence.live),
        limits(&confidence.file)
    )
}

fn import(arguments: &ImportArguments) -> anyhow::Result<bool> {
    let package = find_model(arguments.model.model.as_deref())?;
    let path = &arguments.file;
    let is_checkpoint = path.extension().is_some_and(|ending| ending == "ckpt");
    let bytes = if is_checkpoint {
        published(arguments, &package)?
    } else {
        fs::read(path)
            .with_context(|| format!("{} can't be read; check its name", path.display()))?
    };
    let head = Head::parse(&bytes, path)?;
    head.check(&package.model.manifest)?;
    if is_checkpoint {
        let (path, reads) = (path.display(), HeadInfo::from(&head).layers_text);
        match head.input {
            LayerInput::One(_) => log(&format!(
                "{path} reads {reads} by MARBLE's numbers, where 0 is the embedding; --layer names \
                 another one."
            )),
            LayerInput::Weighted(_) => log(&format!("{path} reads a {reads}.")),
        }
    }
    let name = arguments.name.as_deref().unwrap_or(head.id());
    store(&package, name, &bytes)?;
    Ok(true)
}

/// A published head of MARBLE, converted to our format.
fn published(arguments: &ImportArguments, package: &ModelPackage) -> anyhow::Result<Vec<u8>> {
    let path = arguments.file.display();
    let task = arguments
        .task
        .as_deref()
        .with_context(|| format!("{path} does not name its task; name it with --task"))?;
    let labels = arguments.labels.as_ref().with_context(|| {
        format!("{path} does not name its labels; name a file of labels with --labels")
    })?;
    let text = fs::read_to_string(labels)
        .with_context(|| format!("{} can't be read; check its name", labels.display()))?;
    let labels = Labels::parse(&text, task)
        .map_err(|reason| anyhow!("{} is not a file of labels: {reason}.", labels.display()))?;
    // The catalogue names tasks by MARBLE's data sets.
    let data_set = match task {
        "key" => "GS",
        "genre" => "GTZAN",
        other => other,
    };
    let entry = catalogue::find(&package.model.manifest.id)?;
    let description = HeadDescription {
        task,
        labels: &labels,
        layer: arguments.layer,
        usual_layer: entry.and_then(|entry| entry.best_layers.get(data_set).copied()),
        outputs: arguments.outputs.unwrap_or(labels.outputs),
        license: "",
    };
    Ok(marble::import(
        &arguments.file,
        &description,
        &package.model.manifest,
    )?)
}

/// Stores a head in the model's user store.
fn store(package: &ModelPackage, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let is_shipped = |head: &Head| head.id() == name && !is_own(package, head);
    ensure!(
        !package.heads.iter().any(is_shipped),
        "The model {} came with a head named “{name}”; choose another name with --name.",
        package.model.manifest.id
    );
    let stored = UserStore::of(StoredKind::Heads, &package.model.manifest)?.put(name, bytes)?;
    log(&format!(
        "The head “{name}” of the model {} is in {}.",
        package.model.manifest.id,
        stored.path.display()
    ));
    Ok(())
}

fn export(package: &ModelPackage, head: &str, out: &Path) -> anyhow::Result<bool> {
    let head = find_head(package, head)?;
    let bytes = package.head_bytes(&head)?;
    files::write("head", out, &bytes)?;
    log(&format!(
        "The head “{}” is in {}.",
        head.id(),
        out.display()
    ));
    Ok(true)
}

fn remove(package: &ModelPackage, name: &str) -> anyhow::Result<bool> {
    if UserStore::of(StoredKind::Heads, &package.model.manifest)?.remove(name)? {
        log(&format!("The head “{name}” is removed."));
        return Ok(true);
    }
    let head = find_head(package, name)?;
    bail!(
        "The head “{}” is not one of yours: it came with the model {} and stays.",
        head.id(),
        package.model.manifest.id
    )
}
