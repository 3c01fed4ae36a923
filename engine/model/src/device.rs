//! The device that runs a model: the chosen one or the best one available, found by trial, with a
//! reason for each device that can't be used. The CPU can always be used.
//!
//! A provider is built into ONNX Runtime or comes in a [library] of its own. Each is tried with a
//! session of its own and with errors on, since ONNX Runtime would otherwise fall back silently to the
//! CPU. Then ONNX Runtime states how much of the graph the provider took: a provider that took nothing
//! is not in use. Runs on the encoder thread.

mod avoided;
mod candidates;
pub mod checked;
mod choice;
mod cuda;
mod hardware;
pub mod library;
mod native;
mod provider;

use mertscope_audio::Notice;
use std::collections::HashSet;
use std::sync::Arc;

use ort::session::builder::SessionBuilder;

use super::{EncodeError, Operators, Precision, Runtime};
pub(super) use avoided::avoid;
pub(super) use candidates::Candidate;
use candidates::{Trials, trials};
use provider::Provider;

pub use choice::{Choice, ParseChoiceError};
pub use library::LibraryError;
pub use mertscope_remote::check_address;

/// The device that runs a model, and the devices that could not.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The device's name, such as `CPU (AMD EPYC)` or `NVIDIA H100 (CUDA)`.
    pub name: String,
    /// The requested choice.
    pub asked: Choice,
    /// The choice that selects exactly this device.
    pub used: Choice,
    /// The operators of its graph.
    pub operators: Operators,
    /// The precision of its graph.
    pub precision: Precision,
    /// The [`err`](crate::err) of an 8-bit form that was chosen as the cheapest within a bound.
    pub err: Option<f32>,
    /// The part of the graph that it runs, while the CPU runs the rest. `None` for the CPU itself.
    pub share: Option<Share>,
    /// The devices that were tried before, in that order.
    pub fallbacks: Vec<Fallback>,
    /// What the user should know: why the graph was made again or is not kept, that a smaller batch runs, or
    /// that much of the graph goes back to the CPU.
    pub notice: Option<Notice>,
}

/// A part of a graph, in operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Number that the device runs.
    pub there: usize,
    /// Number of all operations.
    pub all: usize,
}

/// A device that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The choice that selects it.
    pub choice: Choice,
    /// Its name for users.
    pub title: String,
}

/// A device that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Its name, or that of the library that should provide it.
    pub device: String,
    /// The reason, a sentence without its full stop.
    pub reason: String,
    /// Whether it is merely absent from this ONNX Runtime or machine, so that nothing is wrong.
    pub absent: bool,
}

impl std::fmt::Display for Fallback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}.", self.device, self.reason.trim_end_matches('.'))
    }
}

impl Report {
    /// Whether ONNX Runtime's own CPU provider runs the model.
    #[must_use]
    pub fn is_cpu(&self) -> bool {
        self.used == Choice::Cpu
    }

    /// The fallbacks that matter to the user: all when a device was chosen by name, and otherwise those
    /// with a fault.
    pub fn notable_fallbacks(&self) -> impl Iterator<Item = &Fallback> {
        let is_named = !matches!(self.asked, Choice::Auto | Choice::Cpu);
        self.fallbacks
            .iter()
            .filter(move |fallback| is_named || !fallback.absent)
    }

    /// The server that was chosen and gave way to this machine, with the reason.
    #[must_use]
    pub fn server_gave_way(&self) -> Option<&Fallback> {
        let is_remote = matches!(self.asked, Choice::Remote { .. });
        let gave_way = is_remote && self.used != self.asked;
        self.fallbacks.last().filter(|_| gave_way)
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

/// Calls `attempt`, which opens a session and returns it with its [`Share`], for one device of `choice`
/// after the other until one succeeds.
///
/// # Errors
/// The error of `attempt` on the CPU, or at once any error other than [`EncodeError::Load`], which
/// every device would give.
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
            err: None,
            share,
            fallbacks,
            notice: None,
        })
    };
    for candidate in candidates {
        let (reason, absent) = if candidate.is_absent() {
            (absence(&candidate), true)
        } else if avoided::is_avoided(&candidate.name()) {
            (avoided::REASON.to_owned(), false)
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

/// The part of a graph that the candidate took; `None` for the CPU. The error is ONNX Runtime's.
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

/// The devices that can be chosen here: the CPU, the providers built into this ONNX Runtime, and the
/// devices that provider libraries list. Whether one starts shows only when it is tried.
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
    let mut offers = vec![offer(Choice::Cpu, &Candidate::cpu().name())];
    offers.extend(listed.map(|(.., candidate)| offer(candidate.choice, &candidate.title)));
    offers.extend(built_in.map(|it| offer(Choice::provider(it.id()), it.title())));
    let mut seen = HashSet::new();
    offers.retain(|offer| seen.insert(offer.choice.clone()));
    offers
}

/// The choices of all providers that ONNX Runtime may have built in.
pub fn named_providers() -> impl Iterator<Item = Choice> {
    Provider::ALL
        .into_iter()
        .map(|provider| Choice::provider(provider.id()))
}

fn absence(candidate: &Candidate) -> String {
    let remedy = match candidate.ep.as_str() {
        ep if ep == Provider::Cuda.ep() || ep == Provider::TensorRt.ep() => {
            "; on Linux `cargo xtask setup --gpu` gets a build that has it"
        }
        _ => "",
    };
    format!("This ONNX Runtime was built without it{remedy}")
}

/// A message of ONNX Runtime's on one line, without its full stop. A long one loses its beginning: C++
/// signatures and paths come first, and the reason last.
pub(super) fn phrase(text: &str) -> String {
    phrase_within(text, 600)
}

/// Like [`phrase`], with at most so many characters.
fn phrase_within(text: &str, most: usize) -> String {
    let line = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    let mut text = after_signature(&line).to_owned();
    let excess = text.chars().count().saturating_sub(most);
    if excess > 0 {
        text = ['…'].into_iter().chain(text.chars().skip(excess)).collect();
    }
    text.trim_end_matches('.').to_owned()
}

/// What follows the last C++ signature: `… [with ERRTYPE = cudaError; …] message`, or the place in ONNX Runtime's
/// source with its code, `… [ONNXRuntimeError] : 1 : FAIL : message`.
fn after_signature(line: &str) -> &str {
    let mut rest = line;
    if let Some((_, coded)) = rest.rsplit_once("[ONNXRuntimeError] : ")
        && let Some(message) = coded.splitn(3, " : ").nth(2)
    {
        rest = message;
    }
    if let Some((_, types)) = rest.rsplit_once(" [with ")
        && let Some((_, message)) = types.split_once("] ")
    {
        rest = message;
    }
    if rest.trim().is_empty() {
        line
    } else {
        rest.trim()
    }
}

#[cfg(test)]
mod tests;
