//! The cheapest form of a checkpoint's graph on the CPU whose hidden states are near enough to those of single precision.
//!
//! How near each 8-bit form is can't be known from the model's name: it depends on the weights, on the layers in use and
//! on the processor. It is measured once, on the music on which 8-bit graphs are calibrated, and remembered.

use std::env::consts::ARCH;

use super::SessionOptions;
use super::input::prepared;
use super::place::Slot;
use super::request::Request;
use crate::device::Candidate;
use crate::graph::weight_form;
use crate::remembered::Place;
use crate::{HiddenStates, LayerSet, Model, Precision, Runtime, err};

/// The kind of these measurements.
const KIND: &str = "forms";

/// The 8-bit forms, the cheapest first.
const FORMS: [Precision; 2] = [Precision::Int8Fast, Precision::Int8];

/// The usual bound of live use: within it nine of ten answers of heads drawn at random stayed (docs/benchmarks.md).
pub const DEFAULT_MOST_ERR: f32 = 0.15;

/// A precision with its err, [`crate::err`]; none for single precision, which is exact.
pub(super) type Form = (Precision, Option<f32>);

/// The cheapest form whose err is at most `most_err`; single precision when there is none. `err_of` measures.
fn cheapest(most_err: f32, mut err_of: impl FnMut(Precision) -> Option<f32>) -> Form {
    let found = FORMS.into_iter().find_map(|form| {
        let err = err_of(form).filter(|err| *err <= most_err)?;
        Some((form, Some(err)))
    });
    found.unwrap_or((Precision::Fp32, None))
}

/// The place for the err of a form of the model with these layers on this processor.
fn place(runtime: &Runtime, model: &Model, layers: &LayerSet, form: Precision) -> Option<Place> {
    let network = (model.fingerprint(), layers, form.id());
    let arithmetic = (ARCH, weight_form(form), &runtime.version);
    Place::of(KIND, &(network, arithmetic))
}

/// The form in which live analysis runs the hidden states `layers` of a checkpoint on this CPU within `most_err`, as far
/// as that was measured; `None` for a model that has one form, and before the first live use.
#[must_use]
pub fn measured_form(
    runtime: &Runtime,
    model: &Model,
    layers: &LayerSet,
    most_err: f32,
) -> Option<(Precision, Option<f32>)> {
    let known = |form| Some(place(runtime, model, layers, form)?.read::<f32>()?.0);
    let is_known = model.is_checkpoint() && FORMS.into_iter().any(|form| known(form).is_some());
    is_known.then(|| cheapest(most_err, known))
}

impl Request<'_> {
    /// The cheapest form of the options' hidden states whose err is at most `most_err`. What can't be measured is not
    /// used.
    pub(super) fn cheapest(&self, most_err: f32) -> Form {
        let mut exact = None;
        cheapest(most_err, |form| {
            let place = place(self.runtime, self.model, &self.options.layers, form);
            let earlier = place.as_ref().and_then(Place::read);
            if let Some((err, _)) = earlier {
                return Some(err);
            }
            if exact.is_none() {
                exact = Some(self.on_calibration_music(Precision::Fp32).ok()?);
            }
            let found = self.on_calibration_music(form).ok()?;
            let err = err(exact.as_deref()?, &found) as f32;
            if let Some(place) = place.filter(|_| err.is_finite()) {
                place.remember(&err);
            }
            Some(err)
        })
    }

    /// The hidden states of the calibration music on the CPU; the error is a phrase.
    fn on_calibration_music(&self, precision: Precision) -> Result<Vec<HiddenStates>, String> {
        let text = |error: crate::EncodeError| error.to_string();
        let graph = self.graph(&Candidate::cpu(), precision, &mut None);
        let Slot::Session(mut session) = self.cpu_session(graph.map_err(text)?)? else {
            return Err("it has no session".to_owned());
        };
        let windows = self.model.calibration_windows()?;
        let hidden = windows.iter().map(|window| {
            let audio = prepared(&self.model.manifest, window).map_err(text)?;
            let run = self.interrupt.run(None, false)?;
            let hidden = self.outputs.run(&mut session, &audio, 1, &run.options);
            Ok(hidden.map_err(text)?.swap_remove(0))
        });
        hidden.collect()
    }

    /// The bound within which these options choose the form themselves: on the CPU, for a checkpoint whose hidden states
    /// are averaged over time, when no precision was asked for.
    pub(super) fn chooses(
        &self,
        candidate: &Candidate,
        requested: Option<Precision>,
    ) -> Option<f32> {
        let SessionOptions {
            most_err, frames, ..
        } = self.options;
        let chooses = requested.is_none() && candidate.is_cpu() && !frames;
        most_err.filter(|_| chooses && self.model.is_checkpoint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_form_within_the_bound_is_taken() {
        let err_of = |form| match form {
            Precision::Int8Fast => Some(0.18),
            Precision::Int8 => Some(0.09),
            _ => None,
        };
        assert_eq!(cheapest(0.2, err_of), (Precision::Int8Fast, Some(0.18)));
        assert_eq!(cheapest(0.15, err_of), (Precision::Int8, Some(0.09)));
        assert_eq!(cheapest(0.05, err_of), (Precision::Fp32, None));
        assert_eq!(cheapest(1.0, |_| None), (Precision::Fp32, None));
    }
}
