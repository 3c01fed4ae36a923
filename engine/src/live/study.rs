//! What a stream is compared with and what it is taught: references and lessons. Runs on the
//! worker; the fit itself runs on a thread of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use super::snapshot::Study;
use crate::head::{Head, HeadInfo};
use crate::model::{HiddenStates, Model};
use crate::reference::{self, Reference, Source};
use crate::teach::Lessons;

/// Windows that can still be captured or marked.
const RECENT: usize = 256;
/// The task of the head that is taught.
pub(super) const TASK: &str = "taught";

/// What can be asked of a stream about references and lessons. What can't be done is told in
/// [`Study::notice`].
#[derive(Debug, Clone)]
pub enum Request {
    /// Make a reference of the last windows, as far back as the last start, jump or reset.
    Capture {
        /// What to call it.
        name: String,
        /// Its colour, `[red, green, blue]`.
        colour: [u8; 3],
    },
    /// Have these references, instead of any before.
    References(Vec<Arc<Reference>>),
    /// Mark the last windows, so many, as examples of a label.
    Mark {
        /// The label.
        label: String,
        /// How many windows; at least 1.
        windows: usize,
    },
    /// Take the last example back.
    Undo,
    /// Have these lessons, instead of any before.
    Lessons(Lessons),
}

/// A fit that is to be run.
pub(super) struct Fit {
    pub(super) lessons: Lessons,
    pub(super) model: Arc<Model>,
}

/// A head as it was taught, or why there is none.
pub(super) type Taught = Result<(Head, Vec<u8>), String>;

/// One stream's references and lessons.
#[derive(Default)]
pub(super) struct Desk {
    pub(super) study: Study,
    /// Hidden states `[width]` of the last windows, oldest first.
    recent: VecDeque<Vec<f32>>,
    /// The hidden state that is kept, and whose it is.
    layer: usize,
    model: Option<Arc<Model>>,
    pub(super) head: Option<Head>,
    wants_fit: bool,
    is_fitting: bool,
}

/// The hidden state that references and lessons keep: the map's, else the genre head's, else the
/// first that is in use.
fn layer(model: &Model) -> usize {
    let map = model.map.as_ref().map(|map| map.layer);
    let head = || {
        model
            .heads
            .iter()
            .flat_map(|head| head.input.indices())
            .next()
    };
    map.or_else(head).unwrap_or_else(|| {
        let in_use = model.layers_in_use().indices(model.manifest.layers.len());
        in_use.first().copied().unwrap_or(0)
    })
}

impl Desk {
    /// Another model runs from here on.
    pub(super) fn listen_to(&mut self, model: &Arc<Model>) {
        let same = |old: &Arc<Model>| old.sha256() == model.sha256();
        if !self.model.as_ref().is_some_and(same) {
            self.layer = layer(model);
            self.head = None;
            self.forget_windows();
            self.wants_fit = self.study.lessons.encoder_sha256 == model.sha256();
        }
        self.model = Some(Arc::clone(model));
    }

    /// What follows does not go on from what was before.
    pub(super) fn forget_windows(&mut self) {
        self.recent.clear();
    }

    /// Takes a window in; its distances to the references, by their ids.
    pub(super) fn hear(&mut self, hidden: &HiddenStates) -> Vec<(Arc<str>, f32)> {
        let values = hidden.pooled_layer(self.layer);
        if values.is_empty() {
            return Vec::new();
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(values.to_vec());
        let map = self.model.as_ref().and_then(|model| model.map.as_deref());
        let encoder = self.model.as_ref().map_or("", |model| model.sha256());
        self.study
            .references
            .iter()
            .filter(|reference| {
                reference.encoder_sha256 == encoder && reference.layer == self.layer
            })
            .filter_map(|reference| {
                let distance = reference.distance(&values, map)?;
                Some((Arc::from(reference.id.as_str()), distance))
            })
            .collect()
    }

    /// Does what is asked.
    pub(super) fn ask(&mut self, request: Request) {
        let done = match request {
            Request::Capture { name, colour } => self.capture(&name, colour),
            Request::References(mut references) => {
                references.truncate(reference::MOST);
                self.study.references = references.into();
                Ok(())
            }
            Request::Mark { label, windows } => self.mark(&label, windows),
            Request::Undo => self.change(|lessons| {
                let undone = lessons.undo();
                undone
                    .then_some(())
                    .ok_or_else(|| "There is no example to take back.".to_owned())
            }),
            Request::Lessons(lessons) => self.change(|old| {
                *old = lessons;
                Ok(())
            }),
        };
        self.study.notice = done.err();
    }

    fn capture(&mut self, name: &str, colour: [u8; 3]) -> Result<(), String> {
        let Some(model) = &self.model else {
            return Err("No model runs yet, so there is nothing to capture.".to_owned());
        };
        if self.study.references.len() >= reference::MOST {
            let most = reference::MOST;
            return Err(format!(
                "There are {most} references already; remove one first."
            ));
        }
        let windows: Vec<Vec<f32>> = self.recent.iter().cloned().collect();
        let source = Source {
            name,
            colour,
            sha256: None,
            encoder_sha256: model.sha256(),
            layer: self.layer,
            windows: &windows,
        };
        let captured = Reference::new(&source, model.map.as_deref())
            .ok_or("Nothing was heard since the last start or jump; play some music first.")?;
        let others = self
            .study
            .references
            .iter()
            .filter(|other| other.id != captured.id);
        let mut references: Vec<Arc<Reference>> = others.cloned().collect();
        references.push(Arc::new(captured));
        self.study.references = references.into();
        Ok(())
    }

    fn mark(&mut self, label: &str, windows: usize) -> Result<(), String> {
        let Some(model) = self.model.clone() else {
            return Err("No model runs yet, so there is nothing to mark.".to_owned());
        };
        if self.recent.is_empty() {
            return Err(
                "Nothing was heard since the last start or jump; play some music first.".to_owned(),
            );
        }
        let windows = windows.clamp(1, self.recent.len());
        let from = self.recent.len() - windows;
        let marked: Vec<Vec<f32>> = self.recent.range(from..).cloned().collect();
        let layer = self.layer;
        self.change(|lessons| {
            for values in marked {
                lessons
                    .mark(label, layer, &values, model.sha256())
                    .map_err(|error| error.to_string())?;
            }
            Ok(())
        })
    }

    fn change(
        &mut self,
        change: impl FnOnce(&mut Lessons) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut lessons = Lessons::clone(&self.study.lessons);
        let done = change(&mut lessons);
        self.study.lessons = Arc::new(lessons);
        self.wants_fit = true;
        done
    }

    /// The fit that is due, if one is; [`Desk::taught`] must get its result.
    pub(super) fn due_fit(&mut self) -> Option<Fit> {
        if !self.wants_fit || self.is_fitting {
            return None;
        }
        self.wants_fit = false;
        let model = self.model.clone()?;
        let fits = self.study.lessons.encoder_sha256 == model.sha256();
        if !fits || !self.study.lessons.can_fit() {
            self.head = None;
            self.study.taught = None;
            return None;
        }
        self.is_fitting = true;
        Some(Fit {
            lessons: Lessons::clone(&self.study.lessons),
            model,
        })
    }

    /// Takes the result of a fit in.
    pub(super) fn taught(&mut self, taught: Taught) {
        self.is_fitting = false;
        match taught {
            Ok((head, bytes)) => {
                let info = HeadInfo {
                    id: TASK.to_owned(),
                    ..HeadInfo::from(&head)
                };
                self.study.taught = Some((Arc::new(info), bytes.into()));
                self.head = Some(head);
            }
            Err(reason) => self.study.notice = Some(reason),
        }
    }
}
