//! The study state of a stream: its references and its labeled examples. Runs on the worker; long
//! work runs beside it, see [`background_job`].

pub(super) mod background_job;
mod examples;
mod file;
mod mean;
mod references;
mod request;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self::background_job::{BackgroundJob, JobEvent};
use self::mean::LayerMeans;
use super::snapshot::{LayerDistances, Study};
use mertscope_audio::Notice;
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::Head;
use mertscope_heads::package::ModelPackage;
use mertscope_heads::reference::{self, Reference};
use mertscope_model::{HiddenStates, SessionOptions};

pub use request::Request;

/// The most windows that can be captured or marked.
const MAX_RECENT: usize = 256;
/// The task of the user head, also its id while it is not saved.
const USER_HEAD_TASK: &str = "taught";
/// The error of a capture or mark without windows.
const NOTHING_HEARD: &str =
    "No window was analyzed since the last start or jump; play some music first.";

/// One stream's references and labeled examples.
#[derive(Default)]
pub(super) struct StudyState {
    pub(super) shown: Study,
    /// Whether `shown` changed since this was last set to `false`.
    pub(super) changed: bool,
    /// Hidden states `[width]` of the last windows, oldest first.
    recent: VecDeque<Vec<f32>>,
    /// The means of all layers over the whole stretch, which `recent` ends.
    means: LayerMeans,
    /// Index of the stored hidden state.
    layer: usize,
    package: Option<Arc<ModelPackage>>,
    pub(super) head: Option<Head>,
    /// The number of examples of each mark, so that it can be undone as one.
    marks: Vec<usize>,
    wants_fit: bool,
    wants_save: Option<String>,
    files: VecDeque<(PathBuf, String, [u8; 3])>,
    /// Stops the file job that runs.
    stop: Option<Arc<AtomicBool>>,
    /// Id of the reference whose distances are shown layer by layer.
    layers_of: Option<String>,
}

impl Drop for StudyState {
    fn drop(&mut self) {
        self.stop_files();
    }
}

/// The hidden state that references and examples store: the map's, else the first that a head reads,
/// else the first in use.
fn layer(package: &ModelPackage) -> usize {
    let map = package.map.as_ref().map(|map| map.layer);
    let head = || {
        package
            .heads
            .iter()
            .flat_map(|head| head.input.indices())
            .next()
    };
    map.or_else(head).unwrap_or_else(|| {
        let in_use = package
            .layers_in_use()
            .indices(package.model.manifest.layers.len());
        in_use.first().copied().unwrap_or(0)
    })
}

impl StudyState {
    /// Follows the running model: another model, or the same with other heads.
    pub(super) fn set_package(&mut self, package: &Arc<ModelPackage>) {
        let is_same = |old: &Arc<ModelPackage>| old.sha256() == package.sha256();
        if !self.package.as_ref().is_some_and(is_same) {
            self.layer = layer(package);
            self.head = None;
            self.clear_windows();
            self.stop_files();
            self.shown.layers = None;
            self.wants_fit = true;
            self.changed = true;
        }
        self.package = Some(Arc::clone(package));
    }

    /// Whether it follows exactly this package.
    pub(super) fn has_package(&self, package: &Arc<ModelPackage>) -> bool {
        let present = self.package.as_ref();
        present.is_some_and(|present| Arc::ptr_eq(present, package))
    }

    /// Drops the windows so far: the following audio is not contiguous with them.
    pub(super) fn clear_windows(&mut self) {
        self.recent.clear();
        self.means = LayerMeans::default();
    }

    /// Adds a window and returns its distances to the references, by their ids.
    pub(super) fn add_window(&mut self, hidden: &HiddenStates) -> Vec<(Arc<str>, f32)> {
        let values = hidden.pooled_layer(self.layer);
        let Some(package) = self.package.as_ref().filter(|_| !values.is_empty()) else {
            return Vec::new();
        };
        if self.recent.len() == MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(values.to_vec());
        self.means.add(hidden, package.model.manifest.layers.len());
        let map = package.map.as_deref();
        let (encoder, layer) = (package.sha256(), self.layer);
        let is_comparable = |reference: &&Arc<Reference>| {
            reference.encoder_sha256 == encoder && reference.layer == layer
        };
        let references = self.shown.references.iter().filter(is_comparable);
        let distance = |reference: &Arc<Reference>| {
            let distance = reference.distance(&values, map)?;
            Some((Arc::from(reference.id.as_str()), distance))
        };
        let distances = references.clone().filter_map(distance).collect();
        if let Some(id) = &self.layers_of {
            let found = references.clone().find(|reference| reference.id == *id);
            self.shown.layers = found.map(|reference| LayerDistances {
                id: id.clone(),
                distances: reference.distances(hidden, map),
            });
            self.changed = true;
        }
        distances
    }

    /// Carries out a request.
    pub(super) fn ask(&mut self, request: Request) {
        let done = match request {
            Request::Capture { name, color } => self.capture(&name, color),
            Request::File { path, name, color } => self.add_file(path, name, color),
            Request::StopFiles => {
                self.stop_files();
                Ok(())
            }
            Request::Rename { id, name } => self.rename(&id, &name),
            Request::Remove { id } => {
                self.change_references(|all| all.retain(|reference| reference.id != id));
                Ok(())
            }
            Request::PutBack { reference, at } => {
                self.check_room().map(|()| self.add(reference, Some(at)))
            }
            Request::SetReferences(mut references) => {
                references.truncate(reference::MAX_REFERENCES);
                self.shown.references = references.into();
                Ok(())
            }
            Request::Layers(id) => {
                self.layers_of = id;
                self.shown.layers = None;
                self.changed = true;
                // The notice on an earlier request still holds.
                return;
            }
            Request::Mark { label, windows } => self.mark(&label, windows),
            Request::Undo => self.undo(),
            Request::SetExamples(examples) => {
                self.marks.clear();
                self.change_examples(|old| {
                    *old = examples;
                    Ok(())
                })
            }
            Request::Save { name } => self.save(name),
        };
        self.shown.notice = done.err().map(Notice::error);
        self.changed = true;
    }

    /// The next job to run beside the worker, if there is one; [`StudyState::on_event`] must get its
    /// events. `options` gives the stream's options for its model.
    pub(super) fn next_job(
        &mut self,
        options: impl FnOnce(&ModelPackage) -> SessionOptions,
    ) -> Option<BackgroundJob> {
        let package = self.package.clone()?;
        if let Some(name) = self.wants_save.take() {
            return Some(BackgroundJob::Save {
                examples: LabeledExamples::clone(&self.shown.labeled_examples),
                package,
                name,
            });
        }
        self.next_fit_job(&package).or_else(|| {
            self.next_file_job(package, options)
                .map(BackgroundJob::File)
        })
    }

    /// Takes a job's event; `true` when a head was saved.
    pub(super) fn on_event(&mut self, event: JobEvent) -> bool {
        self.changed = true;
        match event {
            JobEvent::Fitted(result) => {
                self.shown.is_fitting = false;
                match result {
                    Ok(head) => self.set_user_head(*head),
                    Err(reason) => self.shown.notice = Some(Notice::error(reason)),
                }
            }
            JobEvent::Saved(Ok(sentence)) => {
                self.shown.notice = Some(Notice::info(sentence));
                return true;
            }
            JobEvent::Saved(Err(reason)) => self.shown.notice = Some(Notice::error(reason)),
            JobEvent::Progress(done_s, promised_s) => {
                if let Some(progress) = &mut self.shown.file_progress {
                    (progress.done_s, progress.promised_s) = (done_s, promised_s);
                }
            }
            JobEvent::File(result) => self.file_ended(result),
        }
        false
    }
}
