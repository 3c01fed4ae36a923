//! `mertscope models`: lists, fetches, imports, verifies, exports and removes the models for `--model`, and
//! shows the graphs that were made of them.

mod bar;
mod cache;
mod consent;
mod export;
mod heads;
mod list;

use std::path::Path;

use anyhow::anyhow;
use mertscope_hub::{Library, ModelOffer, OfferState};
use mertscope_model::catalogue;

use crate::arguments::{ConsentArguments, ModelsCommand};
use crate::{log, write_out};

pub(crate) use heads::no_heads;

/// Runs the command.
pub(crate) fn run(command: &ModelsCommand) -> anyhow::Result<bool> {
    match command {
        ModelsCommand::List { json } => list::run(*json),
        ModelsCommand::Fetch {
            id,
            no_heads,
            consent,
        } => fetch(id, !no_heads, consent),
        ModelsCommand::Import { path, id, consent } => import(path, id.as_deref(), consent),
        ModelsCommand::Verify { id } => verify(id.as_deref()),
        ModelsCommand::Remove { id } => remove(id),
        ModelsCommand::Export(arguments) => export::run(arguments),
        ModelsCommand::Cache { clear } => cache::run(*clear),
    }
}

fn fetch(id: &str, with_heads: bool, arguments: &ConsentArguments) -> anyhow::Result<bool> {
    let library = Library::shared()?;
    let offer = offer(&library, id)?;
    let with_heads = with_heads && offer.lacks_heads();
    if let OfferState::Installed(installed) = &offer.state
        && !with_heads
    {
        let folder = installed.folder.display();
        log(&format!(
            "{} is installed already, in {folder}.",
            installed.id
        ));
        return Ok(true);
    }
    let Some(agreed) = consent::ask(&offer, with_heads, arguments)? else {
        return Ok(false);
    };
    if agreed.to_heads {
        library.fetch(id, agreed.consent)?;
    } else {
        library.fetch_without_heads(id, agreed.consent)?;
    }
    if let Err(error) = bar::follow(&library, &offer.entry.id) {
        // The model may be here all the same, when only its heads are not.
        if matches!(self::offer(&library, id)?.state, OfferState::Installed(_)) {
            installed(&library, id)?;
        }
        return Err(error);
    }
    Ok(installed(&library, id)? && heads::log_heads(&offer.entry.id))
}

fn import(path: &Path, id: Option<&str>, arguments: &ConsentArguments) -> anyhow::Result<bool> {
    let library = Library::shared()?;
    let id = match id {
        Some(id) => id,
        None => &*library.recognize(path)?.id,
    };
    let offer = offer(&library, id)?;
    let Some(agreed) = consent::ask(&offer, false, arguments)? else {
        return Ok(false);
    };
    let id = library.import(path, Some(id), agreed.consent)?;
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
    for ModelOffer {
        entry,
        state,
        heads,
        ..
    } in offers
    {
        let id = &entry.id;
        let reason = match state {
            OfferState::Installed(model) => {
                library.verify(id)?;
                match bar::follow(&library, id) {
                    Ok(()) => {
                        let all = [Some(&model), heads.as_ref()].into_iter().flatten();
                        let (files, size) = all.fold((0, 0), |(files, size), part| {
                            (files + part.files.len(), size + part.size())
                        });
                        let size = list::megabytes(size);
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
