//! What a stream is compared with and what it is taught: references and lessons. Runs on the
//! worker; what takes its time runs beside it, see [`background_job`].

pub(super) mod background_job;
mod file;
mod mean;

use mertscope_audio::Notice;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use self::background_job::{BackgroundJob, JobEvent};
use self::file::FileJob;
use self::mean::LayerMeans;
use super::snapshot::{FileProgress, LayerDistances, Study};
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::{Head, HeadInfo};
use mertscope_heads::package::ModelPackage;
use mertscope_heads::reference::{self, Reference, ReferenceSource};
use mertscope_heads::user_store::{self, UserStoreError};
use mertscope_model::{HiddenStates, SessionOptions};

/// Windows that can still be captured or marked.
const RECENT: usize = 256;
/// The task of the head that is taught.
const USER_HEAD_TASK: &str = "taught";
/// Why nothing can be captured or marked.
const NOTHING_HEARD: &str =
    "Nothing was heard since the last start or jump; play some music first.";

/// What can be asked of a stream about references and lessons. What can't be done is told in
/// [`Study::notice`], what was done out of sight in [`Study::said`].
#[derive(Debug, Clone)]
pub enum Request {
    /// Make a reference of the last windows, as far back as the last start, jump or reset.
    Capture {
        /// What to call it.
        name: String,
        /// Its color, `[red, green, blue]`.
        color: [u8; 3],
    },
    /// Make a reference of an audio file; [`Study::file_progress`] shows how far that is.
    File {
        /// The file.
        path: PathBuf,
        /// What to call it.
        name: String,
        /// Its color, `[red, green, blue]`.
        color: [u8; 3],
    },
    /// Listen to no file any more.
    StopFiles,
    /// Call a reference something else.
    Rename {
        /// Its id.
        id: String,
        /// Its new name.
        name: String,
    },
    /// Have one reference less.
    Remove {
        /// Its id.
        id: String,
    },
    /// Put a reference that was removed back into its place.
    PutBack {
        /// The reference.
        reference: Arc<Reference>,
        /// Its place among the others.
        at: usize,
    },
    /// Have these references, instead of any before.
    SetReferences(Vec<Arc<Reference>>),
    /// Show the distance to the reference of this id layer by layer, from the next window on; of
    /// none with `None`.
    Layers(Option<String>),
    /// Mark the last windows, so many, as examples of a label.
    Mark {
        /// The label.
        label: String,
        /// How many windows; at least 1.
        windows: usize,
    },
    /// Take back what was marked last.
    Undo,
    /// Have these lessons, instead of any before.
    SetExamples(LabeledExamples),
    /// Keep the head that was taught on the model's shelf, under a name that is also its task.
    Save {
        /// The name, as [`user_store::is_name`] allows it.
        name: String,
    },
}

/// One stream's references and lessons.
#[derive(Default)]
pub(super) struct StudyState {
    pub(super) shown: Study,
    /// Whether `study` changed since this was last set to `false`.
    pub(super) changed: bool,
    /// Hidden states `[width]` of the last windows, oldest first.
    recent: VecDeque<Vec<f32>>,
    /// The means of all layers over the stretch that `recent` is the end of.
    means: LayerMeans,
    /// The hidden state that is kept, and whose it is.
    layer: usize,
    package: Option<Arc<ModelPackage>>,
    pub(super) head: Option<Head>,
    /// How many examples each mark brought, so that it can be taken back as one.
    marks: Vec<usize>,
    wants_fit: bool,
    wants_save: Option<String>,
    files: VecDeque<(PathBuf, String, [u8; 3])>,
    /// Ends what listens to a file.
    stop: Option<Arc<AtomicBool>>,
    layers_of: Option<String>,
}

impl Drop for StudyState {
    fn drop(&mut self) {
        self.stop_files();
    }
}

/// The hidden state that references and lessons keep: the map's, else the genre head's, else the
/// first that is in use.
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
    /// Another model runs from here on, or the same with other heads.
    pub(super) fn set_package(&mut self, package: &Arc<ModelPackage>) {
        let same = |old: &Arc<ModelPackage>| old.sha256() == package.sha256();
        if !self.package.as_ref().is_some_and(same) {
            self.layer = layer(package);
            self.head = None;
            self.forget_windows();
            self.stop_files();
            self.shown.layers = None;
            self.wants_fit = true;
            self.changed = true;
        }
        self.package = Some(Arc::clone(package));
    }

    /// Whether this very model runs.
    pub(super) fn has_package(&self, package: &Arc<ModelPackage>) -> bool {
        let own = self.package.as_ref();
        own.is_some_and(|own| Arc::ptr_eq(own, package))
    }

    /// What follows does not go on from what was before.
    pub(super) fn forget_windows(&mut self) {
        self.recent.clear();
        self.means = LayerMeans::default();
    }

    /// Takes a window in; its distances to the references, by their ids.
    pub(super) fn add_window(&mut self, hidden: &HiddenStates) -> Vec<(Arc<str>, f32)> {
        let values = hidden.pooled_layer(self.layer);
        let Some(package) = self.package.as_ref().filter(|_| !values.is_empty()) else {
            return Vec::new();
        };
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(values.to_vec());
        self.means.add(hidden, package.model.manifest.layers.len());
        let map = package.map.as_deref();
        let (encoder, layer) = (package.sha256(), self.layer);
        let comparable = |reference: &&Arc<Reference>| {
            reference.encoder_sha256 == encoder && reference.layer == layer
        };
        let references = self.shown.references.iter().filter(comparable);
        let distance = |reference: &Arc<Reference>| {
            let distance = reference.distance(&values, map)?;
            Some((Arc::from(reference.id.as_str()), distance))
        };
        let distances = references.clone().filter_map(distance).collect();
        if let Some(id) = &self.layers_of {
            let of = references.clone().find(|reference| reference.id == *id);
            self.shown.layers = of.map(|reference| LayerDistances {
                id: id.clone(),
                distances: reference.distances(hidden, map),
            });
            self.changed = true;
        }
        distances
    }

    /// Does what is asked.
    pub(super) fn ask(&mut self, request: Request) {
        let done = match request {
            Request::Capture { name, color } => self.capture(&name, color),
            Request::File { path, name, color } => self.file(path, name, color),
            Request::StopFiles => {
                self.stop_files();
                Ok(())
            }
            Request::Rename { id, name } => self.rename(&id, &name),
            Request::Remove { id } => {
                self.references(|all| all.retain(|reference| reference.id != id));
                Ok(())
            }
            Request::PutBack { reference, at } => {
                self.room().map(|()| self.add(reference, Some(at)))
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
                // What was said of other requests still holds.
                return;
            }
            Request::Mark { label, windows } => self.mark(&label, windows),
            Request::Undo => self.undo(),
            Request::SetExamples(labeled_examples) => {
                self.marks.clear();
                self.change(|old| {
                    *old = labeled_examples;
                    Ok(())
                })
            }
            Request::Save { name } => self.save(name),
        };
        self.shown.notice = done.err().map(Notice::error);
        self.changed = true;
    }

    /// Changes the list of references.
    fn references(&mut self, change: impl FnOnce(&mut Vec<Arc<Reference>>)) {
        let mut references = self.shown.references.to_vec();
        change(&mut references);
        self.shown.references = references.into();
    }

    /// Adds a reference, in place of one of the same music.
    fn add(&mut self, reference: Arc<Reference>, at: Option<usize>) {
        self.references(|all| {
            all.retain(|other| other.id != reference.id);
            all.insert(at.unwrap_or(all.len()).min(all.len()), reference);
        });
    }

    /// Whether one more reference may come.
    fn room(&self) -> Result<(), String> {
        let most = reference::MAX_REFERENCES;
        if self.shown.references.len() + self.files.len() < most {
            return Ok(());
        }
        Err(format!(
            "There are {most} references already; remove one first."
        ))
    }

    fn capture(&mut self, name: &str, color: [u8; 3]) -> Result<(), String> {
        let Some(package) = self.package.clone() else {
            return Err("No package runs yet, so there is nothing to capture.".to_owned());
        };
        self.room()?;
        let windows: Vec<Vec<f32>> = self.recent.iter().cloned().collect();
        let source = ReferenceSource {
            name,
            color,
            sha256: None,
            encoder_sha256: package.sha256(),
            layer: self.layer,
            windows: &windows,
            further: &self.means.further(self.layer),
        };
        let captured = Reference::new(&source, package.map.as_deref()).ok_or(NOTHING_HEARD)?;
        self.add(Arc::new(captured), None);
        Ok(())
    }

    fn file(&mut self, path: PathBuf, name: String, color: [u8; 3]) -> Result<(), String> {
        if self.package.is_none() {
            return Err("No package runs yet; wait until one does.".to_owned());
        }
        self.room()?;
        self.files.push_back((path, name, color));
        Ok(())
    }

    fn stop_files(&mut self) {
        self.files.clear();
        if let Some(stop) = &self.stop {
            stop.store(true, Ordering::Relaxed);
        }
    }

    fn rename(&mut self, id: &str, name: &str) -> Result<(), String> {
        let name = name.trim();
        if name.is_empty() {
            return Err("A reference has a name; give it one.".to_owned());
        }
        self.references(|all| {
            for reference in all.iter_mut().filter(|reference| reference.id == id) {
                Arc::make_mut(reference).name = name.to_owned();
            }
        });
        Ok(())
    }

    fn mark(&mut self, label: &str, windows: usize) -> Result<(), String> {
        let Some(package) = self.package.clone() else {
            return Err("No package runs yet, so there is nothing to mark.".to_owned());
        };
        if self.recent.is_empty() {
            return Err(NOTHING_HEARD.to_owned());
        }
        let windows = windows.clamp(1, self.recent.len());
        let from = self.recent.len() - windows;
        let marked: Vec<Vec<f32>> = self.recent.range(from..).cloned().collect();
        let (layer, before) = (self.layer, self.shown.labeled_examples.examples());
        let done = self.change(|labeled_examples| {
            for values in marked {
                labeled_examples
                    .mark(label, layer, &values, package.sha256())
                    .map_err(|error| error.to_string())?;
            }
            Ok(())
        });
        let came = self.shown.labeled_examples.examples() - before;
        if came > 0 {
            self.marks.push(came);
        }
        done
    }

    fn undo(&mut self) -> Result<(), String> {
        // Of marks from before the project was loaded nothing but the examples is known.
        let examples = self.marks.pop().unwrap_or(1);
        self.change(|labeled_examples| {
            let undone = (0..examples).filter(|_| labeled_examples.undo()).count();
            (undone > 0)
                .then_some(())
                .ok_or_else(|| "There is no example to take back.".to_owned())
        })
    }

    fn change(
        &mut self,
        change: impl FnOnce(&mut LabeledExamples) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut labeled_examples = LabeledExamples::clone(&self.shown.labeled_examples);
        let done = change(&mut labeled_examples);
        self.shown.labeled_examples = Arc::new(labeled_examples);
        self.wants_fit = true;
        done
    }

    fn save(&mut self, name: String) -> Result<(), String> {
        if self.shown.user_head.is_none() {
            return Err(
                "There is no head to save yet; mark examples of two labels first.".to_owned(),
            );
        }
        if !user_store::is_name(&name) {
            return Err(UserStoreError::Name { name }.to_string());
        }
        self.wants_save = Some(name);
        Ok(())
    }

    /// What is to be done beside the worker, if something is; [`StudyState::on_event`] must get its
    /// result. `options` are those that the stream runs its model with.
    pub(super) fn background_job(
        &mut self,
        options: impl FnOnce(&ModelPackage) -> SessionOptions,
    ) -> Option<BackgroundJob> {
        let package = self.package.clone()?;
        if let Some(name) = self.wants_save.take() {
            let labeled_examples = LabeledExamples::clone(&self.shown.labeled_examples);
            return Some(BackgroundJob::Save {
                labeled_examples,
                package,
                name,
            });
        }
        self.due_fit(&package)
            .or_else(|| self.due_file(package, options).map(BackgroundJob::File))
    }

    fn due_fit(&mut self, package: &Arc<ModelPackage>) -> Option<BackgroundJob> {
        if !self.wants_fit || self.shown.is_fitting {
            return None;
        }
        self.wants_fit = false;
        self.changed = true;
        let fits = self.shown.labeled_examples.encoder_sha256 == package.sha256();
        if !fits || !self.shown.labeled_examples.can_fit() {
            self.head = None;
            self.shown.user_head = None;
            return None;
        }
        self.shown.is_fitting = true;
        Some(BackgroundJob::Fit {
            labeled_examples: LabeledExamples::clone(&self.shown.labeled_examples),
            package: Arc::clone(package),
        })
    }

    fn due_file(
        &mut self,
        package: Arc<ModelPackage>,
        options: impl FnOnce(&ModelPackage) -> SessionOptions,
    ) -> Option<FileJob> {
        if self.stop.is_some() {
            return None;
        }
        let (path, name, color) = self.files.pop_front()?;
        let stop = Arc::clone(self.stop.insert(Arc::default()));
        self.shown.file_progress = Some(FileProgress {
            name: name.clone(),
            done_s: 0.0,
            promised_s: None,
        });
        self.changed = true;
        Some(FileJob {
            options: options(&package),
            layer: self.layer,
            path,
            name,
            color,
            package,
            stop,
        })
    }

    /// Takes the news of an errand in. The head that was saved, if one was.
    pub(super) fn on_event(&mut self, news: JobEvent) -> bool {
        self.changed = true;
        match news {
            JobEvent::Fitted(Ok(head)) => {
                self.shown.is_fitting = false;
                let is_of =
                    |package: &Arc<ModelPackage>| head.check(&package.model.manifest).is_ok();
                if self.package.as_ref().is_some_and(is_of) {
                    let info = HeadInfo {
                        id: USER_HEAD_TASK.to_owned(),
                        ..HeadInfo::from(&head)
                    };
                    self.shown.user_head = Some(Arc::new(info));
                    self.head = Some(head);
                }
            }
            JobEvent::Fitted(Err(reason)) => {
                self.shown.is_fitting = false;
                self.shown.notice = Some(Notice::error(reason));
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

    fn file_ended(&mut self, result: Result<Reference, String>) {
        self.shown.file_progress = None;
        let stop = self.stop.take();
        if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            // Nobody wants it any more.
            return;
        }
        match result.and_then(|reference| self.room().map(|()| reference)) {
            Ok(reference) => self.add(Arc::new(reference), None),
            Err(reason) => self.shown.notice = Some(Notice::error(reason)),
        }
    }
}
