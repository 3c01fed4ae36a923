//! The cheapest form of a checkpoint's graph on the CPU whose hidden states are near enough to those of single precision.
//!
//! How near each 8-bit form is can't be known from the model's name: it depends on the weights, on the layers in use and
//! on the processor. It is measured once, on the music on which 8-bit graphs are calibrated, and remembered.

use std::env::consts::ARCH;
use std::sync::Arc;

use super::input::prepared;
use super::outputs::Outputs;
use super::place::Slot;
use super::request::Request;
use super::{Session, SessionOptions};
use crate::device::Candidate;
use crate::graph::weight_form;
use crate::interrupt::Interrupt;
use crate::remembered::Place;
use crate::{HiddenStates, LayerSet, Model, Precision, Runtime, err};

/// The kind of these measurements.
const KIND: &str = "forms";

/// The 8-bit forms, the cheapest first.
const FORMS: [Precision; 2] = [Precision::Int8Fast, Precision::Int8];

/// The usual bound of live use: within it nine of ten answers of heads drawn at random stayed (docs/benchmarks.md).
pub const DEFAULT_MOST_ERR: f32 = 0.15;

/// A precision with its err, [`crate::err`]; none for single precision, which is exact.
type Form = (Precision, Option<f32>);

/// The cheapest form whose err is at most `most_err`; single precision when there is none. `None` as soon as `err_of` does
/// not know a form.
fn cheapest(most_err: f32, mut err_of: impl FnMut(Precision) -> Option<f32>) -> Option<Form> {
    for form in FORMS {
        let err = err_of(form)?;
        if err <= most_err {
            return Some((form, Some(err)));
        }
    }
    Some((Precision::Fp32, None))
}

/// The place for the err of a form of the model with these layers on this processor.
fn place(runtime: &Runtime, model: &Model, layers: &LayerSet, form: Precision) -> Option<Place> {
    let network = (model.fingerprint(), layers, form.id());
    let arithmetic = (ARCH, weight_form(form), &runtime.version);
    Place::of(KIND, &(network, arithmetic))
}

/// The cheapest form of a checkpoint for the hidden states `layers` on this CPU whose err is at most `most_err`, with its
/// err; single precision when there is none. `None` for a model that has one form, and before [`measure_forms`].
#[must_use]
pub fn measured_form(
    runtime: &Runtime,
    model: &Model,
    layers: &LayerSet,
    most_err: f32,
) -> Option<(Precision, Option<f32>)> {
    let known = |form| known_err(runtime, model, layers, form);
    cheapest(most_err, known).filter(|_| model.is_checkpoint())
}

fn known_err(runtime: &Runtime, model: &Model, layers: &LayerSet, form: Precision) -> Option<f32> {
    Some(place(runtime, model, layers, form)?.read()?.0)
}

/// Measures what [`measured_form`] needs to know, on the music on which 8-bit graphs are calibrated, with one thread:
/// it makes the graphs, and runs some dozens of windows. `true` when that is known afterwards; `interrupt` ends it.
#[must_use]
pub fn measure_forms(
    runtime: &'static Runtime,
    model: &Arc<Model>,
    layers: &LayerSet,
    most_err: f32,
    interrupt: &Arc<Interrupt>,
) -> bool {
    let options = SessionOptions {
        threads: 1,
        layers: layers.clone(),
        ..SessionOptions::default()
    };
    let request = Request {
        runtime,
        model,
        options: &options,
        outputs: &Arc::new(Outputs::of(model, &options)),
        interrupt,
        replaces: false,
    };
    let mut exact = None;
    let found = cheapest(most_err, |form| {
        let known = known_err(runtime, model, layers, form);
        known.or_else(|| request.measure(form, &mut exact))
    });
    found.is_some()
}

impl Request<'_> {
    /// Measures the err of a form and remembers it; `exact` is single precision's side of the comparison, once it is
    /// there. `None` when it can't be measured.
    fn measure(&self, form: Precision, exact: &mut Option<Vec<HiddenStates>>) -> Option<f32> {
        if exact.is_none() {
            *exact = Some(self.on_calibration_music(Precision::Fp32).ok()?);
        }
        let found = self.on_calibration_music(form).ok()?;
        let err = Some(err(exact.as_deref()?, &found) as f32).filter(|err| err.is_finite())?;
        if let Some(place) = place(self.runtime, self.model, &self.options.layers, form) {
            place.remember(&err);
        }
        Some(err)
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

    /// The form that these options leave to be chosen, as far as it was measured: on the CPU, for a checkpoint whose hidden
    /// states are averaged over time, when no precision was asked for.
    pub(super) fn chosen_form(
        &self,
        candidate: &Candidate,
        requested: Option<Precision>,
    ) -> Option<Form> {
        let options = self.options;
        let is_open = requested.is_none() && candidate.is_cpu() && !options.frames;
        let most_err = options.most_err.filter(|_| is_open)?;
        measured_form(self.runtime, self.model, &options.layers, most_err)
    }
}

impl Session {
    /// Whether a session of the same options that is opened now would run in another form, since forms were measured
    /// meanwhile.
    pub(crate) fn is_superseded(&self) -> bool {
        let options = &self.options;
        let is_open = options.precision.is_none() && self.device.is_cpu() && !options.frames;
        let chosen = options.most_err.filter(|_| is_open).and_then(|most_err| {
            measured_form(self.runtime, &self.model, &options.layers, most_err)
        });
        chosen.is_some_and(|(form, _)| form != self.device.precision)
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
        assert_eq!(
            cheapest(0.2, err_of),
            Some((Precision::Int8Fast, Some(0.18)))
        );
        assert_eq!(cheapest(0.15, err_of), Some((Precision::Int8, Some(0.09))));
        assert_eq!(cheapest(0.05, err_of), Some((Precision::Fp32, None)));
        // What is not known may be the cheapest.
        let half = |form| (form == Precision::Int8Fast).then_some(0.18);
        assert_eq!(cheapest(0.15, half), None);
        assert_eq!(cheapest(0.2, half), Some((Precision::Int8Fast, Some(0.18))));
    }
}
