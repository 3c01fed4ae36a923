//! A stream's snapshot, updated after each poll.

use super::StreamState;
use crate::Hop;
use crate::models::{ModelSlot, Models};
use crate::snapshot::{ModelState, ModelStatus, State};
use crate::stream_input::StreamInput;
use mertscope_audio::windower::SILENCE_DBFS;

impl StreamState {
    /// Updates the snapshot to publish.
    pub(super) fn show(&mut self, models: &Models, input_error: Option<String>) {
        let (model, model_error) = self.model_status(models);
        let level_dbfs = self.input.as_mut().and_then(StreamInput::take_level_dbfs);
        if let Some(input) = &self.input {
            // Until a window is full, the level tells whether there is something to hear.
            let sounds = level_dbfs.is_some_and(|level_dbfs| level_dbfs > SILENCE_DBFS);
            self.silent &= !(sounds && input.is_stopped() && input.fill() < 1.0);
        }
        let dirty = &mut self.dirty;
        let shown = &mut self.shown;
        let has_model = self.active.is_some();
        let state = match &self.input {
            Some(input) if self.controls.analyze && has_model && input.has_begun() => {
                match (self.silent || !input.is_listening(), input.is_stopped()) {
                    (false, _) => State::Analyzing,
                    (true, false) => State::Silent,
                    (true, true) => State::Stopped,
                }
            }
            _ => State::Idle,
        };
        put(&mut shown.state, state, dirty);
        put(&mut shown.model, model, dirty);
        let error = model_error
            .or(input_error)
            .or_else(|| self.window_error.clone())
            .or_else(|| self.input.as_ref().and_then(StreamInput::cancelling));
        put(&mut shown.error, error, dirty);
        // Without a comparison, since there may be many examples.
        if std::mem::take(&mut self.study.changed) {
            shown.study = self.study.shown.clone();
            *dirty = true;
        }
        let asked = match self.controls.hop {
            Hop::Auto => None,
            Hop::Seconds(seconds) => Some(seconds),
        };
        put(&mut shown.hop_asked_s, asked, dirty);
        let Some(input) = &self.input else {
            put(&mut shown.rate_hz, 0, dirty);
            put(&mut shown.window_fill, 0.0, dirty);
            put(&mut shown.level_dbfs, f32::NEG_INFINITY, dirty);
            return;
        };
        put(&mut shown.rate_hz, input.rate_hz(), dirty);
        put(&mut shown.window_fill, input.fill(), dirty);
        put(&mut shown.position_s, input.position_s(), dirty);
        put(&mut shown.lost_frames, input.lost_frames(), dirty);
        put(&mut shown.bridged_gaps, input.bridged_gaps(), dirty);
        if let Some(level_dbfs) = level_dbfs {
            // A view shows no more than a tenth of a decibel.
            put(
                &mut shown.level_dbfs,
                (level_dbfs * 10.0).round() / 10.0,
                dirty,
            );
        }
    }

    fn model_status(&self, models: &Models) -> (ModelStatus, Option<String>) {
        let request = self.model_request();
        let user_head = self.study.shown.user_head.as_deref();
        let running = self
            .loaded(models)
            .map(|loaded| loaded.running(&self.settings.heads, user_head));
        let (state, error) = match models.get(&request) {
            None | Some(ModelSlot::Loading) => (ModelState::Loading, None),
            Some(ModelSlot::Ready(_)) => (ModelState::Ready, None),
            Some(ModelSlot::Missing(error)) => (ModelState::Missing, Some(error.to_string())),
        };
        let found = running
            .as_ref()
            .filter(|_| state == ModelState::Ready)
            .map(|running| running.sha256.clone());
        let status = ModelStatus {
            asked: request.name,
            sha256: request.sha256.or(found),
            state,
            running,
        };
        (status, error)
    }
}

/// Sets a value, and `dirty` when it differs.
pub(super) fn put<T: PartialEq>(shown: &mut T, value: T, dirty: &mut bool) {
    if *shown != value {
        *shown = value;
        *dirty = true;
    }
}
