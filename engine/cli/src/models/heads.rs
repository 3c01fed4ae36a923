//! The heads that came with a model, after a fetch, and how to get some for a model without.

use mertscope_heads::package::ModelPackage;
use mertscope_model::catalogue::{self, CatalogueEntry};

use crate::log;

/// Logs the heads of an installed model, or how to get some; `false` when a fetched head can't be used.
pub(crate) fn log_heads(id: &str) -> bool {
    // An unusable model is told about where it is used.
    let Ok(package) = ModelPackage::find(Some(id)) else {
        return true;
    };
    if package.heads.is_empty() {
        log(&no_heads(&package));
    } else {
        let heads: Vec<String> = package
            .heads
            .iter()
            .map(|head| format!("{} ({})", head.task, head.id()))
            .collect();
        log(&format!("Its heads: {}.", heads.join(", ")));
    }
    package.notices.iter().for_each(|notice| log(&notice.text));
    package.notices.is_empty()
}

/// A sentence for a model without heads: how to get some.
pub(crate) fn no_heads(package: &ModelPackage) -> String {
    let id = &package.model.manifest.id;
    let entry = catalogue::find(id).ok().flatten();
    let published = entry.and_then(|entry: &CatalogueEntry| entry.heads.as_ref());
    match published {
        Some(heads) => format!(
            "{id} has no heads yet, so it names neither key nor genre: `mertscope models fetch {id}` gets those of {}.",
            heads.title
        ),
        None => format!(
            "{id} has no heads, so it names neither key nor genre: `mertscope heads train --model {id} --data FOLDER \
             --recipe giantsteps` (or gtzan, fmak) fits one on a public data set."
        ),
    }
}
