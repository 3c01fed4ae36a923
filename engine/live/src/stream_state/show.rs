//! What a stream shows, put together from what it knows after each poll.

use super::StreamState;
use crate::Hop;
use crate::models::{Models, ModelSlot};
use crate::snapshot::{ModelState, ModelStatus, State};

impl StreamState {
    /// Brings what is shown up to date.
    pub(super) fn show(&mut self, models: &Models, intake_error: Option<String>) {
        let (model, model_error) = self.model_status(models);
        let dirty = &mut self.dirty;
        let shown = &mut self.shown;
        let listens = self.active.is_some();
        let state = match &self.input {
            Some(input) if self.controls.analyze && listens && input.has_begun() => {
                if !input.is_playing() {
                    State::Stopped
                } else if self.silent {
                    State::Silent
                } else {
                    State::Analyzing
                }
            }
            _ => State::Idle,
        };
        put(&mut shown.state, state, dirty);
        put(&mut shown.model, model, dirty);
        let error = model_error
            .or(intake_error)
            .or_else(|| self.window_error.clone());
        put(&mut shown.error, error, dirty);
        // Not by comparing: there may be many examples in it.
        if std::mem::take(&mut self.study.changed) {
            shown.study = self.study.shown.clone();
            *dirty = true;
        }
        let asked = match self.controls.hop {
            Hop::Auto => None,
            Hop::Seconds(seconds) => Some(seconds),
        };
        put(&mut shown.hop_asked_s, asked, dirty);
        let Some(input) = &mut self.input else {
            put(&mut shown.rate_hz, 0, dirty);
            put(&mut shown.window_fill, 0.0, dirty);
            put(&mut shown.level_dbfs, f32::NEG_INFINITY, dirty);
            return;
        };
        put(&mut shown.rate_hz, input.rate_hz(), dirty);
        put(&mut shown.window_fill, input.fill(), dirty);
        put(&mut shown.position_s, input.position_s(), dirty);
        put(&mut shown.lost_frames, input.lost_frames(), dirty);
        if let Some(level_dbfs) = input.take_level_dbfs() {
            // A tenth of a decibel is as much as anyone sees.
            put(
                &mut shown.level_dbfs,
                (level_dbfs * 10.0).round() / 10.0,
                dirty,
            );
        }
    }

    fn model_status(&self, models: &Models) -> (ModelStatus, Option<String>) {
        let wanted = self.wanted();
        let user_head = self.study.shown.user_head.as_deref();
        let running = self
            .loaded(models)
            .map(|loaded| loaded.running(&self.settings.heads, user_head));
        let (state, error) = match models.get(&wanted) {
            None | Some(ModelSlot::Loading) => (ModelState::Loading, None),
            Some(ModelSlot::Ready(_)) => (ModelState::Ready, None),
            Some(ModelSlot::Missing(error)) => (ModelState::Missing, Some(error.to_string())),
        };
        let found = running
            .as_ref()
            .filter(|_| state == ModelState::Ready)
            .map(|running| running.sha256.clone());
        let status = ModelStatus {
            asked: wanted.name,
            sha256: wanted.sha256.or(found),
            state,
            running,
        };
        (status, error)
    }
}

/// Changes a value, and takes note if it is another.
pub(super) fn put<T: PartialEq>(slot: &mut T, value: T, dirty: &mut bool) {
    if *slot != value {
        *slot = value;
        *dirty = true;
    }
}
