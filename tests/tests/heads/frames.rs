//! Heads that read frames: their answers change within a window.

use std::fs;

use mertscope_tests::{repository, wav};
use serde_json::Value;

use super::case::{Case, RATE_HZ, noise_and_tone};

/// Copies the embedded model, without its frames, into the case's folder; returns the copy's path.
fn pooled_only(case: &Case) -> String {
    let embedded = repository("assets/embedded");
    for entry in fs::read_dir(&embedded).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let name = format!("pooled/{}", entry.file_name().to_str().unwrap());
            case.write(&name, &fs::read(entry.path()).unwrap());
        }
    }
    let text = fs::read_to_string(embedded.join("manifest.toml")).unwrap();
    let (before, rest) = text.split_once("[graph.fragment]").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let text = format!("{before}{after}").replace("frames = [\"frames\"]\n", "");
    case.write("pooled/manifest.toml", text.as_bytes());
    case.path("pooled").to_str().unwrap().to_owned()
}

/// A head of the embedded model's frames tells two sounds apart that alternate within a window; the
/// results of the embedded heads stay the same beside it.
#[test]
fn a_head_of_frames_follows_sounds_that_alternate_within_a_window() {
    let case = Case::new();
    noise_and_tone(&case, "sounds", 4);
    let mut samples = Vec::new();
    for name in ["noise", "tone"] {
        let bytes = fs::read(case.path(&format!("sounds/{name}/2.wav"))).unwrap();
        let one: Vec<f32> = bytes[bytes.len() - 4 * 5 * RATE_HZ as usize..]
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        samples.push(one);
    }
    // Noise, tone, noise and tone, 2.5 s each.
    let half = 5 * RATE_HZ as usize / 2;
    let turns = [
        &samples[0][..half],
        &samples[1][..half],
        &samples[0][half..],
        &samples[1][half..],
    ];
    case.write("turns.wav", &wav(RATE_HZ, 1, &turns.concat()));
    let analyze = ["analyze", "turns.wav", "--hop", "5", "--json", "--quiet"];
    let before: Value = serde_json::from_str(&case.run(&analyze).out).unwrap();

    let trained = case.run(&[
        "heads", "train", "--data", "sounds", "--task", "sound", "--frames", "--quiet",
    ]);
    assert_eq!(trained.code, 0, "{}", trained.err);
    let result: Value = serde_json::from_str(&case.run(&analyze).out).unwrap();
    for (window, before) in [0, 1].map(|n| {
        let of = |all: &Value| all["files"][0]["timeline"][n].clone();
        (of(&result), of(&before))
    }) {
        let ribbon = &window["ribbons"]["sound"];
        assert_eq!(ribbon["step_s"], 0.25);
        let steps = ribbon["answers"].as_array().unwrap();
        assert_eq!(steps.len(), 20);
        for (n, step) in steps.iter().enumerate() {
            // Within half a second of the change the frames hold both sounds.
            if !(8..12).contains(&n) {
                let tone = step["tone"].as_f64().unwrap();
                assert_eq!(tone > 0.5, n >= 10, "step {n} of {steps:?}");
            }
        }
        assert_eq!(window["genre"], before["genre"]);
        assert_eq!(window["key"], before["key"]);
    }
}

/// A head that reads frames needs a model with frames; its answers change within a window.
#[test]
fn a_head_of_frames_needs_a_model_with_frames() {
    let case = Case::new();
    noise_and_tone(&case, "sounds", 4);
    let checkpoint = repository("tests/fixtures/checkpoints/post-group");
    let model = checkpoint.to_str().unwrap();
    let train = [
        "heads", "train", "--data", "sounds", "--task", "sound", "--frames", "--quiet",
    ];
    let folder = pooled_only(&case);
    let refused = case.run(&[&train[..], &["--model", &folder]].concat());
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("no frames"), "{}", refused.err);
    let trained = case.run(&[&train[..], &["--model", model]].concat());
    assert_eq!(trained.code, 0, "{}", trained.err);
    // Eight frames of each of the eight windows.
    assert!(trained.out.contains("frames"), "{}", trained.out);
    let info = case.run(&["heads", "info", "sound", "--model", model]).out;
    assert!(info.contains("frame by frame"), "{info}");
    let judged = case.run(&[
        "heads", "eval", "sound", "--data", "sounds", "--model", model, "--json", "--quiet",
    ]);
    let judged: Value = serde_json::from_str(&judged.out).unwrap();
    assert_eq!(judged["files"]["count"], 8);
    assert_eq!(judged["windows"]["count"], 64);
    let result = case.run(&[
        "analyze",
        "sounds/tone/0.wav",
        "--model",
        model,
        "--json",
        "--quiet",
    ]);
    let result: Value = serde_json::from_str(&result.out).unwrap();
    let ribbon = &result["files"][0]["timeline"][0]["ribbons"]["sound"];
    // A step is eight of the 374 frames of a window, at 75 frames per second.
    assert_eq!(ribbon["step_s"], 8.0 / 75.0);
    let steps = ribbon["answers"].as_array().unwrap();
    let right = |step: &&Value| step["tone"].as_f64() > Some(0.5);
    assert_eq!(steps.len(), 46);
    assert!(steps.iter().filter(right).count() > 23, "{ribbon:#}");
    assert!(
        judged["files"]["accuracy"].as_f64().unwrap() > 0.9,
        "{judged:#}"
    );
}
