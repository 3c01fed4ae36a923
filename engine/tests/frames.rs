//! The embedded model's frames: what they add, and that they change nothing else.

use std::sync::Arc;

use mertscope_model::{HiddenStates, Model, Session, SessionOptions, runtime};

/// A chord for the first half of a window, noise for the second.
fn two_sounds(samples: usize) -> Vec<f32> {
    let mut state = 1u32;
    (0..samples)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if n < samples / 2 {
                let tone = |step: f32| (n as f32 * step).sin() * 0.1;
                tone(0.1) + tone(0.126) + tone(0.15)
            } else {
                (state >> 8) as f32 / 8.4e7 - 0.1
            }
        })
        .collect()
}

fn result(model: &Arc<Model>, samples: &[f32], frames: bool) -> HiddenStates {
    let options = SessionOptions {
        threads: 1,
        frames,
        ..SessionOptions::default()
    };
    let runtime = runtime::load(None).unwrap();
    let mut session = Session::new(runtime, Arc::clone(model), options).unwrap();
    session.run(samples).unwrap()
}

#[test]
fn a_window_is_the_same_with_frames_and_without() {
    let model = Arc::new(Model::embedded().unwrap());
    let manifest = &model.manifest;
    let samples = two_sounds(manifest.window_samples);
    let pooled = result(&model, &samples, false);
    assert_eq!((pooled.frames, pooled.window.as_ref()), (None, None));
    let frames = result(&model, &samples, true);
    let count = manifest.window_samples / manifest.graph.frame_samples;
    assert_eq!(frames.frames, Some(count));
    assert_eq!(
        frames.data.len(),
        manifest.layers.len() * count * manifest.width
    );
    for layer in 0..manifest.layers.len() {
        let (with, without) = (frames.pooled_layer(layer), pooled.layer(layer));
        for (with, without) in with.iter().zip(without) {
            assert!(
                (with - without).abs() < 1e-3,
                "layer {layer}: {with} {without}"
            );
        }
    }
    assert_eq!(frames.clone().pooled().data, frames.window.unwrap());
}

#[test]
fn frames_tell_what_sounds_when() {
    let model = Arc::new(Model::embedded().unwrap());
    let samples = two_sounds(model.manifest.window_samples);
    let frames = result(&model, &samples, true);
    let width = frames.width;
    for layer in 0..frames.layers {
        let values: Vec<&[f32]> = frames.layer(layer).chunks_exact(width).collect();
        // Those that hear one sound only.
        let (tone, noise) = (&values[..7], &values[13..]);
        let center = |frames: &[&[f32]]| -> Vec<f32> {
            let sum = |n: usize| frames.iter().map(|frame| frame[n]).sum::<f32>();
            (0..width).map(|n| sum(n) / frames.len() as f32).collect()
        };
        let centers = [center(tone), center(noise)];
        let distance = |frame: &[f32], center: &[f32]| {
            let squares = frame.iter().zip(center).map(|(a, b)| (a - b).powi(2));
            squares.sum::<f32>()
        };
        for (n, frame) in values.iter().enumerate() {
            let [to_tone, to_noise] = [0, 1].map(|of| distance(frame, &centers[of]));
            if !(7..13).contains(&n) {
                assert_eq!(to_tone < to_noise, n < 7, "layer {layer}, frame {n}");
            }
        }
    }
}

#[test]
fn silence_and_one_sample_give_numbers() {
    let model = Arc::new(Model::embedded().unwrap());
    let mut click = vec![0.0; model.manifest.window_samples];
    for samples in [click.clone(), {
        click[40_000] = 1.0;
        click
    }] {
        let frames = result(&model, &samples, true);
        assert!(frames.data.iter().all(|value| value.is_finite()));
    }
}
