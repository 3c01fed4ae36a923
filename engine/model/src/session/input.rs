//! Audio as a graph takes it: long enough, and normalized when the model needs it.

use std::borrow::Cow;

use crate::{EncodeError, InputLength, Manifest, ShortInput};

/// `samples` as the graph's input: long enough, and normalized when the model needs it.
pub(super) fn prepared<'a>(
    manifest: &Manifest,
    samples: &'a [f32],
) -> Result<Cow<'a, [f32]>, EncodeError> {
    let window = manifest.window_samples;
    let short = samples.len() < window;
    let needed = match (manifest.graph.short_input, manifest.graph.length) {
        (ShortInput::Loop, _) => 1,
        (ShortInput::TrueLength, _) => manifest.graph.min_samples.max(1),
        (ShortInput::Refuse, _) => window,
    };
    if samples.len() < needed {
        return Err(EncodeError::TooShort {
            model: manifest.id.clone(),
            samples: samples.len(),
            rate_hz: manifest.sample_rate_hz,
            needed,
        });
    }
    if manifest.graph.length == InputLength::Fixed && samples.len() > window {
        let reason = format!(
            "{} samples were given, but it takes {window}",
            samples.len()
        );
        return Err(EncodeError::Contract {
            model: manifest.id.clone(),
            reason,
        });
    }
    let mut audio = if short && manifest.graph.short_input == ShortInput::Loop {
        Cow::Owned(samples.iter().copied().cycle().take(window).collect())
    } else {
        Cow::Borrowed(samples)
    };
    if manifest.normalize {
        normalize(audio.to_mut());
    }
    Ok(audio)
}

/// Zero mean and unit variance, as `Wav2Vec2FeatureExtractor` does it (variance + 1e-7).
pub(crate) fn normalize(audio: &mut [f32]) {
    let count = audio.len().max(1) as f64;
    let mean = audio.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let variance = audio
        .iter()
        .map(|x| (f64::from(*x) - mean).powi(2))
        .sum::<f64>()
        / count;
    let scale = 1.0 / (variance + 1e-7).sqrt();
    for sample in audio {
        *sample = ((f64::from(*sample) - mean) * scale) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalized_audio_has_zero_mean_and_unit_variance() {
        let mut audio: Vec<f32> = (0..1000)
            .map(|n| 3.0 + 0.5 * (n as f32 * 0.1).sin())
            .collect();
        normalize(&mut audio);
        let mean = audio.iter().sum::<f32>() / 1000.0;
        let variance = audio.iter().map(|x| x * x).sum::<f32>() / 1000.0;
        assert!(
            mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4,
            "{mean} {variance}"
        );
    }
}
