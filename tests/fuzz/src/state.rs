//! Target `state`: the state that a project keeps beside the parameters, with all of its fields.

use std::sync::OnceLock;

use mertscope_export::osc;
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::few_shot::saved::SavedExamples;
use mertscope_heads::reference::{Reference, ReferenceSource};
use mertscope_model::{HiddenStates, LayerSet, Manifest, Model};
use mertscope_ui::state::{
    Comparison, EngineChoice, HeadChoice, LogChoice, ModelChoice, OscChoice, PluginState, RawState,
    SavedReferences, StateField, WindowSize,
};

use crate::seeds;
use crate::target::{Memory, Target};

/// The target.
pub const TARGET: Target = Target {
    name: "state",
    run,
    seeds: || {
        let mut all = seeds::of("state", &[]);
        all.push(whole());
        all
    },
    tokens: &[
        "\"version\":",
        "\"model\":",
        "\"id\":",
        "\"sha256\":",
        "\"window_s\":",
        "\"heads\":",
        "\"references\":",
        "\"name\":",
        "\"colour\":", // spelling as stored
        "\"source_sha256\":",
        "\"encoder_sha256\":",
        "\"layer\":",
        "\"centroid\":",
        "\"path\":",
        "\"further\":",
        "\"comparison\":",
        "\"a\":",
        "\"b\":",
        "\"lessons\":",
        "\"labels\":",
        "\"files\":",
        "\"examples\":",
        "\"label\":",
        "\"values\":",
        "\"engine\":",
        "\"cpu_share\":",
        "\"exact_offline\":",
        "\"reset_on_start\":",
        "\"follow_transport\":",
        "\"log\":",
        "\"device\":",
        "\"cuda:1\"",
        "\"precision\":",
        "\"int8\"",
        "\"osc\":",
        "\"enabled\":",
        "\"address\":",
        "\"127.0.0.1:9000\"",
        "\"[::1]:9\"",
        "\"window\":",
        "\"width\":",
        "\"height\":",
        "7c00",
        "7bff",
        "fc00",
        "+fff",
        "\\u0000",
        "{",
        "}",
        "[",
        "]",
        ",",
    ],
    // JSON unfolds: `[],` is three bytes, and an empty vector of strings is some dozens.
    memory: Memory {
        fixed_bytes: 1 << 20,
        per_input_byte: 64,
    },
    missing: Target::never_missing,
};

/// Loads a project's state, and uses each field as an instance does.
pub fn run(bytes: &[u8]) {
    let Ok(raw) = serde_json::from_slice::<RawState>(bytes) else {
        return;
    };
    let text = serde_json::to_string(&raw).expect("what was read can be written");
    let again: RawState = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(serde_json::to_string(&again).ok().as_ref(), Some(&text));
    let state = PluginState::default();
    state.load(raw);
    rewritten::<ModelChoice>(&state);
    rewritten::<HeadChoice>(&state);
    rewritten::<Comparison>(&state);
    rewritten::<EngineChoice>(&state);
    rewritten::<LogChoice>(&state);
    rewritten::<WindowSize>(&state);
    if let Some(choice) = rewritten::<OscChoice>(&state) {
        drop(osc::parse(&choice.address));
    }
    if let Some(SavedReferences(references)) = rewritten(&state) {
        compare(&references);
    }
    if let Some(saved) = rewritten::<SavedExamples>(&state) {
        teach(saved);
    }
    // A field that says the same is left as it was.
    assert_eq!(
        state.read(|raw| serde_json::to_string(raw).ok()),
        Some(text)
    );
}

/// A field of the state, which is written back, and into an empty one.
fn rewritten<F: StateField + PartialEq>(state: &PluginState) -> Option<F> {
    let field: F = state.get()?;
    state.set(&field);
    let mut empty = RawState::default();
    empty.set(&field);
    assert!(empty.get::<F>().is_some());
    Some(field)
}

/// Places and distances, as the map and the timeline ask for them.
fn compare(references: &[Reference]) {
    let (_, hidden) = model();
    for reference in references {
        let mut points = reference.path().chain(reference.place());
        assert!(points.all(|[x, y]| x.is_finite() && y.is_finite()));
        drop(reference.distances(hidden, None));
        for other in references {
            let distance = reference.distance_to(other, None);
            assert!(distance.is_none_or(|distance| (0.0..=2.0).contains(&distance)));
        }
    }
}

/// A head of the examples, as the window fits it, and all of them taken back.
fn teach(saved: SavedExamples) {
    let is_whole = saved.is_whole();
    let mut taught: LabeledExamples = saved.load(None);
    assert_eq!(is_whole, taught.missing().count() == 0);
    for label in 0..taught.labels.len() {
        assert!(taught.count(label) <= taught.examples());
    }
    if taught.can_fit() {
        drop(taught.fit("mood", &model().0));
    }
    drop(taught.save_inside());
    while taught.undo() {}
}

/// The embedded model, with hidden states as it gives them.
fn model() -> &'static (Manifest, HiddenStates) {
    static MODEL: OnceLock<(Manifest, HiddenStates)> = OnceLock::new();
    MODEL.get_or_init(|| {
        let manifest = Model::embedded_manifest().expect("the embedded model");
        let (layers, width) = (manifest.layers.len(), manifest.width);
        let hidden = HiddenStates {
            layers,
            which: LayerSet::All,
            frames: None,
            window: None,
            width,
            data: (0..layers * width).map(|n| (n as f32).sin()).collect(),
        };
        (manifest, hidden)
    })
}

/// A state with every field, of the embedded model.
fn whole() -> Vec<u8> {
    let (manifest, hidden) = model();
    let window = |layer: usize| hidden.layer(layer).to_vec();
    let mut state = RawState::default();
    let reference = |name, layer| {
        let source = ReferenceSource {
            name,
            color: [10, 200, 30],
            sha256: None,
            encoder_sha256: manifest.sha256(),
            layer,
            windows: &[window(layer)],
            further: &[(0, window(0))],
        };
        Reference::new(&source, None).expect("a reference")
    };
    state.set(&SavedReferences(vec![
        reference("mix", 6),
        reference("master", 5),
    ]));
    let mut taught = LabeledExamples::default();
    for (label, layer) in [("calm", 1), ("tense", 2), ("calm", 3)] {
        let marked = taught.mark(label, 6, &window(layer), manifest.sha256());
        marked.expect("room for an example");
    }
    state.set(&taught.save_inside().expect("few examples"));
    state.set(&HeadChoice(
        [("genre".to_owned(), "genre".to_owned())].into(),
    ));
    state.set(&Comparison {
        a: "0123456789abcdef".to_owned(),
        b: String::new(),
    });
    state.set(&EngineChoice {
        cpu_share: 0.25,
        ..EngineChoice::default()
    });
    state.set(&OscChoice {
        enabled: true,
        ..OscChoice::default()
    });
    state.set(&WindowSize {
        width: 900,
        height: 600,
    });
    serde_json::to_vec(&state).expect("a state can be written")
}
