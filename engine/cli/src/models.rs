//! `mertscope models`: lists, fetches, imports, verifies and removes the models for `--model`, and shows the
//! graphs that were made of them.

mod bar;
mod cache;
mod consent;
mod list;

use std::path::Path;

use anyhow::anyhow;
use mertscope_hub::{Library, ModelOffer, OfferState};
use mertscope_model::catalogue;

use crate::arguments::{ConsentArguments, ModelsCommand};
use crate::{log, write_out};

/// Runs the command.
pub(crate) fn run(command: &ModelsCommand) -> anyhow::Result<bool> {
    match command {
        ModelsCommand::List { json } => list::run(*json),
        ModelsCommand::Fetch { id, consent } => fetch(id, consent),
        ModelsCommand::Import { path, id, consent } => import(path, id.as_deref(), consent),
        ModelsCommand::Verify { id } => verify(id.as_deref()),
        ModelsCommand::Remove { id } => remove(id),
        ModelsCommand::Cache { clear } => cache::run(*clear),
    }
}

fn fetch(id: &str, arguments: &ConsentArguments) -> anyhow::Result<bool> {
    let library = Library::shared()?;
    let offer = offer(&library, id)?;
    if let OfferState::Installed(installed) = &offer.state {
        let folder = installed.folder.display();
        log(&format!(
            "{} is installed already, in {folder}.",
            installed.id
        ));
        return Ok(true);
    }
    let Some(consent) = consent::ask(&offer, arguments)? else {
        return Ok(false);
    };
    library.fetch(id, consent)?;
    bar::follow(&library, &offer.entry.id)?;
    installed(&library, id)
}

fn import(path: &Path, id: Option<&str>, arguments: &ConsentArguments) -> anyhow::Result<bool> {
    let library = Library::shared()?;
    let id = match id {
        Some(id) => id,
        None => &*library.recognize(path)?.id,
    };
    let offer = offer(&library, id)?;
    let Some(consent) = consent::ask(&offer, arguments)? else {
        return Ok(false);
    };
    let id = library.import(path, Some(id), consent)?;
    bar::follow(&library, id)?;
    installed(&library, id)
}

/// Logs the folder of an installed model; `true` when it is installed.
fn installed(library: &Library, id: &str) -> anyhow::Result<bool> {
    match offer(library, id)?.state {
        OfferState::Installed(model) => {
            let (id, folder) = (model.id, model.folder.display());
            log(&format!(
                "{id} is installed in {folder}; use it with --model {id}."
            ));
            Ok(true)
        }
        OfferState::Broken { reason } => Err(anyhow!(reason)),
        _ => Ok(false),
    }
}

fn verify(id: Option<&str>) -> anyhow::Result<bool> {
    let library = Library::shared()?;
    let offers = match id {
        Some(id) => vec![offer(&library, id)?],
        None => {
            let all = library.list();
            let installed = all.iter().filter(|offer| {
                !matches!(offer.state, OfferState::Absent | OfferState::Partial { .. })
            });
            installed.cloned().collect()
        }
    };
    if offers.is_empty() {
        log("No model is installed besides the embedded one.");
    }
    let mut all_whole = true;
    for ModelOffer { entry, state, .. } in offers {
        let id = &entry.id;
        let reason = match state {
            OfferState::Installed(model) => {
                library.verify(id)?;
                match bar::follow(&library, id) {
                    Ok(()) => {
                        let (files, size) = (model.files.len(), list::megabytes(model.size()));
                        write_out(|out| Ok(writeln!(out, "{id}: whole, {files} files, {size}")?))?;
                        continue;
                    }
                    Err(error) => error.to_string(),
                }
            }
            OfferState::Broken { reason } => reason,
            _ => format!("{id} is not installed; `mertscope models fetch {id}` installs it."),
        };
        log(&reason);
        all_whole = false;
    }
    Ok(all_whole)
}

fn remove(id: &str) -> anyhow::Result<bool> {
    let library = Library::shared()?;
    let offer = offer(&library, id)?;
    let id = &offer.entry.id;
    if offer.state == OfferState::Absent {
        log(&format!("{id} is not installed."));
        return Ok(false);
    }
    library.remove(id)?;
    bar::follow(&library, id)?;
    log(&format!("{id} is removed."));
    Ok(true)
}

/// The model with this id, in its present state.
fn offer(library: &Library, id: &str) -> anyhow::Result<ModelOffer> {
    let entry = catalogue::find(id)?;
    let list = library.list();
    let offer = list.iter().find(|offer| Some(offer.entry) == entry);
    offer.cloned().ok_or_else(|| {
        let known: Vec<_> = list.iter().map(|offer| &*offer.entry.id).collect();
        let known = known.join(", ");
        anyhow!("There is no published model “{id}”. There are {known}.")
    })
}
