//! The published models: listing, fetching, importing, checking and removing them.
//!
//! A job runs on the library's thread; the calling thread follows it, tells the progress and looks for Ctrl-C.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use mertscope_engine::hub::{ModelOffer, OfferState};
use mertscope_engine::{Consent, Library};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::json;

use crate::errors::{self, HubError};
use crate::watch::Watch;

/// The time between two looks at a job, as often as a display shows it.
const PATIENCE: Duration = Duration::from_millis(100);

/// The published models with their state on this machine, as JSON.
#[pyfunction]
pub(crate) fn list_models(py: Python<'_>) -> PyResult<String> {
    let library = py
        .detach(Library::shared)
        .map_err(errors::raised::<HubError>)?;
    let offers = library.list();
    let models: Vec<_> = offers.iter().map(described).collect();
    Ok(json!(models).to_string())
}

fn described(offer: &ModelOffer) -> serde_json::Value {
    let (state, folder) = match &offer.state {
        OfferState::Absent => ("absent", None),
        OfferState::Partial { .. } => ("partial", None),
        OfferState::Installed(installed) => ("installed", Some(&installed.folder)),
        OfferState::Broken { .. } => ("broken", None),
    };
    let problem = match &offer.state {
        OfferState::Broken { reason } => Some(reason),
        _ => None,
    };
    json!({
        "id": offer.entry.id,
        "title": offer.entry.title,
        "license": offer.entry.license,
        "license_url": offer.entry.license_url,
        "agreed": offer.agreed,
        "state": state,
        "folder": folder.map(|folder| folder.display().to_string()),
        "bytes": offer.size(),
        "problem": problem,
    })
}

/// What to do with a model.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Order {
    /// `fetch`, `import`, `verify` or `remove`.
    action: String,
    /// The model; `None` where an import recognizes it.
    id: Option<String>,
    /// The folder to import.
    path: Option<PathBuf>,
    accept_license: Option<String>,
}

/// Carries out an order and waits for its end; returns the model's id.
#[pyfunction]
pub(crate) fn change_model(
    py: Python<'_>,
    order: Order,
    progress: Option<Py<PyAny>>,
) -> PyResult<String> {
    let watch = Watch::new(progress);
    py.detach(|| {
        let library = Library::shared().map_err(errors::raised::<HubError>)?;
        let id = begin(&library, &order)?;
        follow(&library, &id, &watch)?;
        Ok(id)
    })
}

fn begin(library: &Library, order: &Order) -> PyResult<String> {
    let raised = errors::raised::<HubError>;
    let id = match (&order.id, &order.path) {
        (Some(id), _) => id.clone(),
        (None, Some(path)) => library.recognize(path).map_err(raised)?.id.clone(),
        (None, None) => return Err(PyValueError::new_err("Name a model.")),
    };
    let path = order.path.clone().unwrap_or_default();
    match order.action.as_str() {
        "fetch" => library.fetch(&id, consent(library, &id, order)?),
        "import" => {
            let consent = consent(library, &id, order)?;
            library.import(&path, Some(&id), consent).map(|_| ())
        }
        action => {
            installed(&library.list(), &id, action)?;
            if action == "verify" {
                library.verify(&id)
            } else {
                library.remove(&id)
            }
        }
    }
    .map_err(raised)?;
    Ok(id)
}

/// Whether there is something to verify or to remove.
fn installed(offers: &[ModelOffer], id: &str, action: &str) -> PyResult<()> {
    let state = offers.iter().find(|offer| offer.entry.id == id);
    match state.map(|offer| &offer.state) {
        Some(OfferState::Broken { reason }) if action == "verify" => {
            Err(errors::raised::<HubError>(reason))
        }
        Some(OfferState::Absent) => Err(errors::raised::<HubError>(format!(
            "{id} is not installed; `mertscope models fetch {id}` installs it."
        ))),
        // An unknown model is the library's to name.
        _ => Ok(()),
    }
}

/// The user's consent: an earlier one, or the license by name.
fn consent(library: &Library, id: &str, order: &Order) -> PyResult<Consent> {
    let list = library.list();
    // An unknown model is the library's to name.
    let Some(offer) = list.iter().find(|offer| offer.entry.id == id) else {
        return Ok(Consent::OnRecord);
    };
    let (license, url) = (&offer.entry.license, &offer.entry.license_url);
    match &order.accept_license {
        Some(accepted) if accepted.eq_ignore_ascii_case(license) => Ok(Consent::Given),
        Some(accepted) => Err(errors::raised::<HubError>(format!(
            "{id} is under {license}, not under {accepted}; nothing was done."
        ))),
        None if offer.agreed => Ok(Consent::OnRecord),
        None => Err(errors::raised::<HubError>(format!(
            "{id} is published by its authors under {license}, not under Mertscope's license: {url}. It needs your \
             consent: give accept_license=\"{license}\"."
        ))),
    }
}

fn follow(library: &Library, id: &str, watch: &Watch) -> PyResult<()> {
    loop {
        let list = library.list();
        let Some(offer) = list.iter().find(|offer| offer.entry.id == id) else {
            return Ok(());
        };
        let Some(job) = offer.job else {
            let error = offer.error.clone();
            return error.map_or(Ok(()), |error| Err(errors::raised::<HubError>(error)));
        };
        watch.step(job.done as f64, (job.total > 0).then_some(job.total as f64));
        if let Err(stopped) = watch.go_on_or_raise() {
            // What was downloaded stays, and another fetch goes on from it.
            library.cancel(id);
            return Err(stopped);
        }
        thread::sleep(PATIENCE);
    }
}
