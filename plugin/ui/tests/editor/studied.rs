//! A snapshot with references, labeled examples and a user head.

use std::sync::Arc;

use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::{HeadInfo, Outputs, Reads};
use mertscope_heads::reference::{Reference, ReferenceSource};
use mertscope_heads::timeline::Ribbon;
use mertscope_live::{Snapshot, Study};
use mertscope_model::Model;

use crate::music::{map, snapshot};

/// Music with three references, two labels of the user, and a head that reads frames.
pub(crate) fn studied(windows: usize) -> Snapshot {
    let mut snapshot = snapshot(windows);
    let running = snapshot.model.running.as_mut().expect("a model");
    let user_head = HeadInfo {
        id: "taught".to_owned(),
        sha256: "taught".to_owned(),
        task: "taught".to_owned(),
        labels: ["drop", "break"].map(str::to_owned).to_vec().into(),
        outputs: Outputs::Multiclass,
        threshold: None,
        confidence: mertscope_music::Confidence::unfitted(None),
        is_calibrated: false,
        reads: Reads::Window,
        layers_text: "layer 4".to_owned(),
        metrics_text: String::new(),
        source_text: "42 windows marked by hand".to_owned(),
        license_text: String::new(),
        bytes: 2_000,
    };
    let part = HeadInfo {
        id: "part".to_owned(),
        sha256: "part".to_owned(),
        task: "part".to_owned(),
        labels: ["verse", "chorus"].map(str::to_owned).to_vec().into(),
        reads: Reads::Frames,
        ..user_head.clone()
    };
    running.heads = [part, user_head.clone()].into();
    let mut examples = LabeledExamples::default();
    for n in 0..42 {
        let label = if n % 3 == 0 { "drop" } else { "break" };
        let values = [n as f32; 8];
        let marked = examples.mark(label, 4, &values, &running.sha256);
        marked.expect("room for it");
    }
    let references = ["Last album", "Mix 3, loud chorus", "Reference 3"];
    let references = references.into_iter().enumerate();
    snapshot.study = Study {
        references: references
            .map(|(n, name)| Arc::new(reference(n, name)))
            .collect(),
        labeled_examples: Arc::new(examples),
        user_head: Some(Arc::new(user_head)),
        ..Study::default()
    };
    let study = snapshot.study.clone();
    let entries = snapshot.history.iter().map(|entry| {
        let mut entry = (**entry).clone();
        let end_s = entry.timed.end_s;
        if let Some(result) = &mut entry.timed.result {
            let wave = |period: f64| (0.62 + 0.3 * (end_s / period).sin()) as f32;
            let references = study.references.iter().zip([19.0, 31.0, 47.0]);
            result.distances = references
                .map(|(reference, period)| (Arc::from(reference.id.as_str()), wave(period)))
                .collect();
            let drop = wave(13.0);
            result.others = vec![
                (Arc::from("part"), vec![0.5, 0.5]),
                (Arc::from("taught"), vec![drop, 1.0 - drop]),
            ];
            let step = |n: usize| {
                let verse = (0.5 + 0.45 * ((end_s + n as f64 * 0.1) / 5.0).sin()) as f32;
                [verse, 1.0 - verse]
            };
            result.ribbons = vec![Ribbon {
                head_sha256: Arc::from("part"),
                step_s: 0.1,
                answers: (0..10).flat_map(step).collect(),
            }];
        }
        Arc::new(entry)
    });
    snapshot.history = Arc::new(entries.collect());
    snapshot.latest = snapshot.history.last().cloned();
    snapshot
}

/// A reference whose path wanders on the map.
pub(crate) fn reference(number: usize, name: &str) -> Reference {
    const COLORS: [[u8; 3]; 3] = [[0xe6, 0x9f, 0x00], [0x56, 0xb4, 0xe9], [0x20, 0xb8, 0x8a]];
    let width = Model::embedded_manifest().expect("a manifest").width;
    let window = |n: usize| {
        let value = |k: usize| {
            let drift = (n as f32 * 0.21 + (k * k) as f32).sin() * 2.4;
            ((k * (7 * number + 3)) as f32 * 0.7).sin() * 3.0 + drift
        };
        (0..width).map(value).collect()
    };
    let windows: Vec<Vec<f32>> = (0..40).map(window).collect();
    let source = ReferenceSource {
        name,
        color: COLORS[number % COLORS.len()],
        sha256: None,
        encoder_sha256: &"0".repeat(64),
        layer: map().layer,
        windows: &windows,
        further: &[],
    };
    Reference::new(&source, Some(map())).expect("windows")
}
