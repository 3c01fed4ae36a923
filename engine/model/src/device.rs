//! What a model is run on: the device that was chosen or the best there is, by trying, with a
//! reason for each that it is not. The CPU always is.
//!
//! A provider comes built into ONNX Runtime or in a [library] of its own. Each is tried on
//! a session of its own with errors on, since ONNX Runtime would otherwise go on silently on the
//! CPU, and is asked afterwards what it took of the graph: one that took nothing is not in use,
//! whatever it says. Runs on the encoder thread.

mod candidates;
mod choice;
mod hardware;
pub mod library;
mod native;
mod provider;

use mertscope_audio::Notice;
use std::collections::HashSet;
use std::sync::Arc;

use ort::session::builder::SessionBuilder;

use super::{EncodeError, Operators, Precision, Runtime};
pub(super) use candidates::Candidate;
use candidates::{Trials, trials};
use provider::Provider;

pub use choice::{Choice, NoSuchName};
pub use library::LibraryError;

/// What a model runs on, and what it does not run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The device's name, such as `CPU (AMD EPYC)` or `NVIDIA H100 (CUDA)`.
    pub name: String,
    /// What was asked for.
    pub asked: Choice,
    /// The choice that asks for this very device.
    pub used: Choice,
    /// The operators of the graph it runs.
    pub operators: Operators,
    /// The arithmetic it runs in.
    pub precision: Precision,
    /// How much of the graph it runs; the CPU runs the rest. `None` for the CPU itself.
    pub share: Option<Share>,
    /// What was tried before, in that order.
    pub fallbacks: Vec<Fallback>,
    /// Why the graph that runs was made anew, if it had been there before: a sentence.
    pub notice: Option<Notice>,
}

/// A part of a graph, in operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Those that the device runs.
    pub there: usize,
    /// All of them.
    pub all: usize,
}

/// A device that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What asks for it.
    pub choice: Choice,
    /// What it is, in words.
    pub title: String,
}

/// A device that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// What it is called, or the file that should have brought it.
    pub device: String,
    /// Why not, as a sentence without its full stop.
    pub reason: String,
    /// Whether this ONNX Runtime was simply built without it, so that nothing is wrong.
    pub absent: bool,
}

impl std::fmt::Display for Fallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}.", self.device, self.reason.trim_end_matches('.'))
    }
}

impl Report {
    /// Whether it is ONNX Runtime's own CPU provider that runs.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.used == Choice::Cpu
    }

    /// The fallbacks that the user wants to hear of: all when a device was asked for by name, and
    /// otherwise those where something is wrong.
    pub fn to_tell(&self) -> impl Iterator<Item = &Fallback> {
        let asked = matches!(self.asked, Choice::Provider { .. });
        self.fallbacks
            .iter()
            .filter(move |fallback| asked || !fallback.absent)
    }

    /// The same model on the CPU, after this device failed for `reason`.
    pub(super) fn failed(&self, reason: &str, on_cpu: &Self) -> Self {
        let mut fallbacks = self.fallbacks.clone();
        fallbacks.push(Fallback {
            device: self.name.clone(),
            reason: format!("It failed while running ({})", phrase(reason)),
            absent: false,
        });
        Self {
            asked: self.asked.clone(),
            fallbacks,
            ..on_cpu.clone()
        }
    }
}

/// Has `attempt` open a session on what `choice` stands for, one device after the other, until one
/// succeeds. What it returns beside the session is its [`Share`].
///
/// # Errors
/// What `attempt` said about the CPU, or anything other than [`EncodeError::Load`] at once: that
/// would be the same everywhere.
pub(super) fn open<S>(
    runtime: &Runtime,
    choice: &Choice,
    mut attempt: impl FnMut(&Candidate) -> Result<(S, Option<Share>), EncodeError>,
) -> Result<(S, Arc<Report>), EncodeError> {
    let Trials {
        candidates,
        mut fallbacks,
    } = trials(runtime, choice);
    let report = |candidate: Candidate, share, fallbacks| {
        Arc::new(Report {
            name: candidate.name(),
            asked: choice.clone(),
            used: candidate.choice,
            operators: candidate.operators,
            precision: candidate.precision,
            share,
            fallbacks,
            notice: None,
        })
    };
    for candidate in candidates {
        let (reason, absent) = if candidate.is_absent() {
            (absence(&candidate), true)
        } else {
            match attempt(&candidate) {
                Ok((_, Some(Share { there: 0, all }))) => (
                    format!("It runs none of the model's {all} operations"),
                    false,
                ),
                Ok((session, share)) => {
                    return Ok((session, report(candidate, share, fallbacks)));
                }
                Err(EncodeError::Load { reason, .. }) => (phrase(&reason), false),
                Err(error) => return Err(error),
            }
        };
        fallbacks.push(Fallback {
            device: candidate.title,
            reason,
            absent,
        });
    }
    let cpu = Candidate::cpu();
    let (session, share) = attempt(&cpu)?;
    Ok((session, report(cpu, share, fallbacks)))
}

/// Prepares `builder` for a candidate. The error is ONNX Runtime's.
pub(super) fn add(
    runtime: &Runtime,
    candidate: &Candidate,
    builder: SessionBuilder,
    threads: usize,
) -> Result<SessionBuilder, String> {
    let (key, value) = native::RECORD_OPERATIONS;
    let builder = builder
        .with_config_entry(key, value)
        .map_err(|error| error.to_string())?;
    candidate.add(runtime, builder, threads)
}

/// How much of a graph the candidate took; `None` for the CPU. The error is ONNX Runtime's.
pub(super) fn share(
    candidate: &Candidate,
    session: &ort::session::Session,
) -> Result<Option<Share>, String> {
    if candidate.is_cpu() {
        return Ok(None);
    }
    let operations = native::operations(session)?;
    Ok(Some(Share {
        there: operations.get(&candidate.ep).copied().unwrap_or(0),
        all: operations.values().sum(),
    }))
}

/// What can be asked for here: the CPU, what this ONNX Runtime has built in, and what provider
/// libraries list. Whether it starts shows when it is tried.
#[must_use]
pub fn offers(runtime: &Runtime) -> Vec<Offer> {
    let offer = |choice, title: &str| Offer {
        choice,
        title: title.to_owned(),
    };
    let listed = candidates::listed(runtime).into_iter();
    let built_in = Provider::ALL
        .into_iter()
        .filter(|provider| provider.is_built_in());
    let mut offers = vec![
        offer(Choice::Auto, "the best there is"),
        offer(Choice::Cpu, &Candidate::cpu().name()),
    ];
    offers.extend(listed.map(|(.., candidate)| offer(candidate.choice, &candidate.title)));
    offers.extend(built_in.map(|it| offer(Choice::provider(it.id()), it.title())));
    let mut seen = HashSet::new();
    offers.retain(|offer| seen.insert(offer.choice.clone()));
    offers
}

/// All providers by name that [`Choice`] knows without a library.
pub fn known() -> impl Iterator<Item = Choice> {
    Provider::ALL
        .into_iter()
        .map(|provider| Choice::provider(provider.id()))
}

fn absence(candidate: &Candidate) -> String {
    let more = match candidate.ep.as_str() {
        ep if ep == Provider::Cuda.ep() || ep == Provider::TensorRt.ep() => {
            "; on Linux `cargo xtask setup --gpu` gets a build that has it"
        }
        _ => "",
    };
    format!("This ONNX Runtime was built without it{more}")
}

/// What ONNX Runtime said, without its source positions and on one line.
fn phrase(text: &str) -> String {
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut text = line.collect::<Vec<_>>().join(" ");
    const LONGEST: usize = 400;
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).chain(['…']).collect();
    }
    text.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
