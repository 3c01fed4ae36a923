//! The model of a stream: the requested one, the running one, and the switch between them.

use super::{ActiveSession, StreamState};
use crate::models::{Loaded, ModelRequest, ModelSlot, Models};
use crate::stream_input::CutCause;
use crate::study::background_job::BackgroundJob;
use mertscope_audio::resample::ResampleError;
use mertscope_heads::interpreter::Interpreter;

impl StreamState {
    pub(crate) fn model_request(&self) -> ModelRequest {
        ModelRequest {
            name: self.settings.model.clone(),
            sha256: self.settings.model_sha256.clone(),
            window_s: self.settings.window_s.filter(|window_s| !window_s.is_nan()),
            device: self.settings.device.clone(),
            precision: self.settings.precision,
            most_err: self.settings.most_err.filter(|most_err| !most_err.is_nan()),
            library_folder: self.settings.library_folder.clone(),
        }
    }

    /// The model that runs for this stream: the requested one, or the embedded one in place of a
    /// missing one.
    pub(crate) fn loaded<'a>(&self, models: &'a Models) -> Option<&'a Loaded> {
        let request = self.model_request();
        match models.get(&request)? {
            ModelSlot::Ready(loaded) => Some(loaded),
            ModelSlot::Missing(_) => models.loaded(&request.fallback()),
            ModelSlot::Loading => None,
        }
    }

    /// Whether the model that will run for this stream is still loading.
    pub(super) fn is_loading(&self, models: &Models) -> bool {
        let loads =
            |request: &ModelRequest| matches!(models.get(request), None | Some(ModelSlot::Loading));
        let request = self.model_request();
        loads(&request) || (models.is_missing(&request) && loads(&request.fallback()))
    }

    /// Cuts windows for the model that runs now, or none without a model.
    pub(super) fn follow_model(&mut self, loaded: Option<&Loaded>) -> Result<(), ResampleError> {
        let refreshed = loaded.filter(|loaded| !self.study.has_package(&loaded.package));
        if let Some(loaded) = refreshed {
            self.study.set_package(&loaded.package);
        }
        let Some(input) = &mut self.input else {
            return Ok(());
        };
        let session = self.active.as_ref().map(|active| active.session);
        if loaded.map(|loaded| loaded.session) == session {
            // The same session, but other heads may be in use.
            let is_stale = self.active.as_ref().is_some_and(|active| active.is_stale);
            if let Some(loaded) = loaded.filter(|_| is_stale || refreshed.is_some()) {
                self.active = Some(self.session_for(loaded));
                self.reset_if_relabeled(loaded);
            }
            return Ok(());
        }
        let was_cutting = input.cuts_windows();
        input.stop_windows();
        self.active = None;
        if let Some(loaded) = loaded {
            let manifest = &loaded.package.model.manifest;
            input.start_windows(manifest.sample_rate_hz, manifest.window_samples)?;
            self.active = Some(self.session_for(loaded));
        }
        if was_cutting {
            self.restart(CutCause::Start);
        }
        if let Some(loaded) = loaded {
            self.reset_if_relabeled(loaded);
        }
        Ok(())
    }

    /// Clears the history when the genre head in use has other labels: old probabilities would be
    /// shown under new labels.
    fn reset_if_relabeled(&mut self, loaded: &Loaded) {
        let head = loaded.package.head_in_use("genre", &self.settings.heads);
        let labels = head.map_or(&[][..], |head| &head.labels);
        if self.genre_labels != labels {
            self.genre_labels = labels.to_vec();
            if !self.shown.history.is_empty() {
                self.restart(CutCause::Reset);
            }
        }
    }

    /// The next background job of its study state, if there is one.
    pub(crate) fn next_job(&mut self) -> Option<BackgroundJob> {
        let request = self.model_request();
        self.study.next_job(|package| request.options(package))
    }

    pub(super) fn session_for(&self, loaded: &Loaded) -> ActiveSession {
        let heads = &self.settings.heads;
        ActiveSession {
            session: loaded.session,
            interpreter: Interpreter::with_heads(&loaded.package, heads, self.controls.smoothing),
            is_stale: false,
        }
    }
}
