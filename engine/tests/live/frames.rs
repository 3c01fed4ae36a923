//! A head of frames, live: it is found while the engine runs, and follows what sounds when.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mertscope_heads::head::Reads;
use mertscope_heads::head::fit::{Example, FitOptions, fit};
use mertscope_heads::user_store::{StoredKind, UserStore};
use mertscope_live::Settings;
use mertscope_model::{HiddenStates, Model, Session, SessionOptions, runtime};

use crate::own_data::has_own_data;
use crate::stage::{Stage, chord};

const RATE_HZ: u32 = 16_000;

/// `seconds` of white noise, never the same twice for another `seed`.
fn noise(seed: u32, seconds: f64) -> Vec<f32> {
    let mut state = seed + 1;
    (0..(seconds * f64::from(RATE_HZ)) as usize)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8.4e7 - 0.1
        })
        .collect()
}

/// The frames of a window, as hidden states of their own.
fn frames(session: &mut Session, window: &[f32]) -> Vec<HiddenStates> {
    let hidden = session.run(window).unwrap();
    let (count, width) = (hidden.frames.unwrap(), hidden.width);
    let frame = |n: usize| {
        let layers = hidden.data.chunks_exact(count * width);
        let values = layers.flat_map(|layer| &layer[n * width..(n + 1) * width]);
        HiddenStates {
            frames: None,
            window: None,
            data: values.copied().collect(),
            ..hidden.clone()
        }
    };
    (0..count).step_by(3).map(frame).collect()
}

/// A head that tells a chord from noise, frame by frame.
fn head(model: &Arc<Model>) -> Vec<u8> {
    let options = SessionOptions {
        threads: 1,
        frames: true,
        ..SessionOptions::default()
    };
    let runtime = runtime::load(None).unwrap();
    let mut session = Session::new(runtime, Arc::clone(model), options).unwrap();
    let examples: Vec<Example> = (0..8)
        .map(|n| {
            let start = n as usize * 100;
            let audio = match n % 2 {
                0 => chord(RATE_HZ, 5.5)[start..start + 80_000].to_vec(),
                _ => noise(n, 5.0),
            };
            Example {
                label: n as usize % 2,
                group: n as usize,
                windows: frames(&mut session, &audio),
            }
        })
        .collect();
    let options = FitOptions {
        task: "sound".to_owned(),
        labels: ["chord", "noise"].map(str::to_owned).to_vec(),
        layers: vec![4],
        mix: false,
        hidden: None,
        reads: Reads::Frames,
        seed: 0,
        threads: 1,
        training_data: "two sounds".to_owned(),
        license: String::new(),
    };
    let still = AtomicBool::new(false);
    let fitted = fit(&examples, &options, &model.manifest, &|_, _| {}, &still);
    fitted.unwrap().bytes
}

#[test]
fn a_head_of_frames_is_found_and_heard_while_the_engine_runs() {
    if !has_own_data("frames::a_head_of_frames_is_found_and_heard_while_the_engine_runs") {
        return;
    }
    let window = [&chord(RATE_HZ, 2.5)[..], &noise(9, 2.5)].concat();
    let mut stage = Stage::exact(RATE_HZ, 5.0, Settings::default());
    stage.play(&window);
    stage.play(&window[..8_000]);
    let before = stage.wait_for_answer(5.0);
    let before = before.result().unwrap();
    assert!(before.ribbons.is_empty());

    let model = Arc::new(Model::embedded().unwrap());
    let store = UserStore::of(StoredKind::Heads, &model.manifest).unwrap();
    store.put("sound", &head(&model)).unwrap();
    stage.stream.refresh_models();
    let has_it = |s: &mertscope_live::Snapshot| {
        let running = s.model.running.as_ref();
        running.is_some_and(|r| r.heads.iter().any(|head| head.id == "sound"))
    };
    stage.wait("the head", has_it);
    // A jump starts a fresh window.
    stage.transport.position = Some(100 * i64::from(RATE_HZ));
    stage.play(&window);
    stage.play(&window[..8_000]);
    let result = stage.wait_for_answer(105.0);
    let result = result.result().unwrap();
    let [ribbon] = &result.ribbons[..] else {
        panic!("{:?}", result.ribbons);
    };
    assert!((ribbon.step_s - 0.25).abs() < 1e-9);
    let steps: Vec<&[f32]> = ribbon.answers.chunks_exact(2).collect();
    assert_eq!(steps.len(), 20);
    assert!(steps[..8].iter().all(|step| step[0] > 0.5), "{steps:?}");
    assert!(steps[12..].iter().all(|step| step[1] > 0.5), "{steps:?}");
    // What came with the model says the same as without.
    let (with, without) = (result.genre.as_ref(), before.genre.as_ref());
    for (with, without) in with.unwrap().iter().zip(without.unwrap()) {
        assert!((with - without).abs() < 1e-3, "{with} {without}");
    }
}
