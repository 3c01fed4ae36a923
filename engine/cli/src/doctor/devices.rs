//! Trial runs of the embedded model on each device.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use crossbeam_channel::unbounded;
use mertscope_model::device::{self, Choice, Report};
use mertscope_model::{EncodeError, Encoder, Job, Model, Runtime, SessionOptions};

/// Tries each device and writes the outcome, with one line per reason. All devices that this ONNX
/// Runtime was built without share one line.
pub(crate) fn try_all(
    out: &mut dyn Write,
    runtime: &'static Runtime,
    model: &Arc<Model>,
    limit: Duration,
) -> anyhow::Result<()> {
    // A doctor looks anew: what an older driver computed wrongly may be right by now.
    device::checked::forget().context("The comparisons of devices could not be removed")?;
    for (_, error) in device::library::register_found(runtime) {
        writeln!(out, "  {error}")?;
    }
    let mut choices: Vec<Choice> = vec![Choice::Cpu];
    choices.extend(device::named_providers());
    let offers = device::offers(runtime);
    choices.extend(offers.into_iter().map(|offer| offer.choice));
    let mut seen = HashSet::new();
    choices.retain(|choice| seen.insert(choice.clone()));
    let mut absent = Vec::new();
    for choice in choices {
        match try_one(runtime, model, &choice, limit) {
            Ok((report, _)) if report.fallbacks.iter().any(|it| it.absent) && report.is_cpu() => {
                absent.push((choice.to_string(), report));
            }
            Ok((report, took)) => describe(out, &choice, &report, took)?,
            Err(error) => writeln!(out, "  {choice}\n           {error}")?,
        }
    }
    if !absent.is_empty() {
        let names: Vec<_> = absent.iter().map(|(name, _)| name.as_str()).collect();
        writeln!(out, "  not in this ONNX Runtime: {}", names.join(", "))?;
    }
    let reasons = absent.iter().flat_map(|(_, report)| &report.fallbacks);
    for fallback in reasons.filter(|fallback| !fallback.absent) {
        writeln!(out, "           {fallback}")?;
    }
    Ok(())
}

/// The device that really runs the model for this choice, and the duration of one window there. A device may take
/// `limit` to start, and again for its first window.
fn try_one(
    runtime: &'static Runtime,
    model: &Arc<Model>,
    choice: &Choice,
    limit: Duration,
) -> Result<(Arc<Report>, Duration), EncodeError> {
    let options = SessionOptions {
        threads: 1,
        device: choice.clone(),
        start_limit: Some(limit),
        ..SessionOptions::default()
    };
    let encoder = Encoder::start(runtime, Arc::clone(model), options)?;
    let started = Arc::clone(encoder.device());
    let (reply, replies) = unbounded();
    encoder.submit(Job {
        samples: vec![0.0; model.manifest.window_samples],
        reply,
    });
    let ended = EncodeError::Run {
        model: model.manifest.id.clone(),
        reason: "the encoder thread ended".to_owned(),
    };
    let encoded = replies.recv().map_err(|_| ended)?;
    encoded.hidden?;
    Ok((encoded.device.unwrap_or(started), encoded.took))
}

fn describe(
    out: &mut dyn Write,
    choice: &Choice,
    report: &Report,
    took: Duration,
) -> anyhow::Result<()> {
    let id = choice.to_string();
    if report.is_cpu() && *choice != Choice::Cpu {
        writeln!(out, "  {id:9}not used")?;
    } else {
        let share = report.share.map_or_else(String::new, |share| {
            format!(", {} of {} operations", share.there, share.all)
        });
        let (name, ms) = (&report.name, took.as_secs_f64() * 1000.0);
        writeln!(out, "  {id:9}runs: {name}{share}, {ms:.0} ms per window")?;
        if *choice == Choice::Cpu && lacks_avx2() {
            writeln!(
                out,
                "           This processor has no AVX2: models run in its older instructions, and slower."
            )?;
        }
    }
    for fallback in &report.fallbacks {
        writeln!(out, "           {fallback}")?;
    }
    Ok(())
}

/// Whether this is an x86 processor without the instructions for which ONNX Runtime's kernels are made.
fn lacks_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return !std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}
