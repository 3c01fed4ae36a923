//! Heads fitted on synthetic hidden states with known answers.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::{AtomicUsize, Ordering};

use mertscope_heads::head::fit::{
    Example, FitError, FitOptions, Fitted, QuickExample, fit, fit_quick,
};
use mertscope_heads::head::{LayerInput, Reads};
use mertscope_model::{HiddenStates, LayerSet, Manifest, Model};

const WIDTH: usize = 256;
const LAYERS: usize = 7;

/// Noise that looks random and is equal on every machine.
fn noise(seed: usize) -> f32 {
    let x = (seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((x ^ (x >> 29)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

/// Files of three labels; only layer `informative` distinguishes them, by `strength`.
fn files(count: usize, windows: usize, informative: usize, strength: f32) -> Vec<Example> {
    let value = |file: usize, window: usize, layer: usize, n: usize| {
        let of_file = noise(file * 7919 + layer * 271 + n * 31);
        let of_window = 0.3 * noise(file * 104_729 + window * 1299 + layer * 57 + n);
        let of_label = if layer == informative && n % 3 == file % 3 {
            strength
        } else {
            0.0
        };
        // A large offset and different scales: the head must standardize.
        (of_file + of_window + of_label) * (1.0 + n as f32 / 50.0) + 20.0
    };
    (0..count)
        .map(|file| Example {
            label: file % 3,
            group: file,
            windows: (0..windows)
                .map(|window| HiddenStates {
                    layers: LAYERS,
                    which: LayerSet::All,
                    frames: None,
                    window: None,
                    width: WIDTH,
                    data: (0..LAYERS * WIDTH)
                        .map(|n| value(file, window, n / WIDTH, n % WIDTH))
                        .collect(),
                })
                .collect(),
        })
        .collect()
}

fn manifest() -> Manifest {
    Model::embedded_manifest().unwrap()
}

fn options() -> FitOptions {
    FitOptions {
        task: "mood".to_owned(),
        labels: ["calm", "tense", "wild"].map(str::to_owned).into(),
        layers: (0..LAYERS).collect(),
        mix: false,
        hidden: None,
        reads: Reads::Window,
        seed: 1,
        threads: 2,
        training_data: "made up".to_owned(),
        license: String::new(),
    }
}

fn run(examples: &[Example], options: &FitOptions) -> Result<Fitted, FitError> {
    fit(
        examples,
        options,
        &manifest(),
        &|_, _| {},
        &AtomicBool::new(false),
    )
}

#[test]
fn the_informative_layer_is_found_and_the_head_predicts_new_files() {
    let all = files(150, 2, 3, 0.45);
    let (known, new) = all.split_at(90);
    let fitted = run(known, &options()).unwrap();
    assert_eq!(fitted.head.input, LayerInput::One(3));
    assert!(fitted.files.accuracy > 0.85, "{:?}", fitted.files);
    assert_eq!(fitted.files.count, 90);
    assert_eq!(fitted.windows.count, 180);
    // The other layers are uninformative, and the table shows it.
    for row in fitted.compared.iter().filter(|row| row.layer != Some(3)) {
        assert!(row.accuracy < 0.6, "{row:?}");
    }
    let right = new.iter().filter(|example| {
        let p = fitted.head.predict(&example.windows[0]);
        let best = (0..3).max_by(|a, b| p[*a].total_cmp(&p[*b]));
        best == Some(example.label)
    });
    let right = right.count() as f64 / new.len() as f64;
    assert!(right > 0.8, "{right}");
    // The reported accuracy holds on new files.
    assert!(
        (right - fitted.windows.accuracy).abs() < 0.15,
        "{right} {:?}",
        fitted.windows
    );
}

#[test]
fn equal_data_and_seed_give_equal_bytes_on_any_number_of_threads() {
    let examples = files(30, 1, 2, 0.8);
    let layers = vec![1, 2];
    let one = FitOptions {
        threads: 1,
        layers,
        ..options()
    };
    let two = FitOptions {
        threads: 2,
        ..one.clone()
    };
    assert_eq!(
        run(&examples, &one).unwrap().bytes,
        run(&examples, &two).unwrap().bytes
    );
}

#[test]
fn scores_of_pure_noise_are_those_of_chance() {
    let examples = files(90, 1, 99, 0.0);
    let fitted = run(
        &examples,
        &FitOptions {
            layers: vec![0, 1],
            ..options()
        },
    )
    .unwrap();
    assert!(
        (0.15..0.55).contains(&fitted.files.accuracy),
        "{:?}",
        fitted.files
    );
    assert!(fitted.files.ece < 0.15, "{:?}", fitted.files);
}

#[test]
fn a_hidden_layer_learns_what_a_linear_head_can_not() {
    // Label 1 when two values have the same sign.
    let mut examples = files(120, 1, 99, 0.0);
    for (n, example) in examples.iter_mut().enumerate() {
        let (a, b) = (n % 2 == 0, (n / 2) % 2 == 0);
        example.label = usize::from(a == b);
        for (k, value) in example.windows[0].data.iter_mut().enumerate() {
            let sign = if k % 2 == 0 { a } else { b };
            *value += if sign { 40.0 } else { -40.0 };
        }
    }
    let labels = ["apart", "alike"].map(str::to_owned).into();
    let linear = FitOptions {
        layers: vec![0],
        labels,
        ..options()
    };
    let hidden = FitOptions {
        hidden: Some(8),
        ..linear.clone()
    };
    let linear = run(&examples, &linear).unwrap().files.accuracy;
    let hidden = run(&examples, &hidden).unwrap();
    assert!(
        linear < 0.7 && hidden.files.accuracy > 0.95,
        "{linear} {:?}",
        hidden.files
    );
    assert_eq!(hidden.compared.last().unwrap().hidden, Some(8));
}

#[test]
fn layers_are_mixed_only_when_they_are_alike() {
    let examples = files(45, 1, 3, 0.8);
    let mix = FitOptions {
        mix: true,
        layers: vec![2, 3, 4],
        ..options()
    };
    let error = run(&examples, &mix).unwrap_err();
    assert_eq!(error, FitError::NotMixable(manifest().id));
    let mut alike = manifest();
    alike.graph.layers_mixable = true;
    let fitted = fit(&examples, &mix, &alike, &|_, _| {}, &AtomicBool::new(false)).unwrap();
    let mixed = fitted.compared.last().unwrap();
    assert_eq!(mixed.layer, None);
    assert!(mixed.accuracy > 0.8, "{:?}", fitted.compared);
}

#[test]
fn unusable_examples_are_refused() {
    let one_label: Vec<Example> = files(30, 1, 3, 0.5)
        .into_iter()
        .filter(|e| e.label == 1)
        .collect();
    let error = run(&one_label, &options()).unwrap_err();
    assert_eq!(error, FitError::OneLabel("“tense”".to_owned()));
    assert!(matches!(
        run(&[], &options()).unwrap_err(),
        FitError::OneLabel(_)
    ));
    let mut few = files(30, 1, 3, 0.5);
    few.iter_mut().for_each(|example| example.group %= 2);
    assert_eq!(run(&few, &options()).unwrap_err(), FitError::TooFew(2));
    let mut broken = files(30, 1, 3, 0.5);
    broken[4].windows[0].data[9] = f32::NAN;
    assert!(matches!(
        run(&broken, &options()).unwrap_err(),
        FitError::Damaged(_)
    ));
    let mut narrow = files(30, 1, 3, 0.5);
    narrow[4].windows[0].width = 255;
    assert!(matches!(
        run(&narrow, &options()).unwrap_err(),
        FitError::Damaged(_)
    ));
}

#[test]
fn a_fit_can_be_cancelled() {
    let examples = files(30, 1, 3, 0.5);
    let cancelled = AtomicBool::new(false);
    let steps = AtomicUsize::new(0);
    let progress = |_: usize, _: usize| {
        steps.fetch_add(1, Ordering::Relaxed);
        cancelled.store(true, Ordering::Relaxed);
    };
    let error = fit(&examples, &options(), &manifest(), &progress, &cancelled).unwrap_err();
    assert_eq!(error, FitError::Cancelled);
    assert!(steps.load(Ordering::Relaxed) <= 2);
}

#[test]
fn a_few_marked_windows_make_a_head_at_once() {
    let examples = files(60, 1, 3, 0.8);
    let quick: Vec<QuickExample> = examples[..30]
        .iter()
        .map(|example| QuickExample {
            label: example.label,
            values: example.windows[0].layer(3).to_vec(),
        })
        .collect();
    let labels = options().labels;
    let (head, _) = fit_quick("mood", &labels, 3, &quick, &manifest()).unwrap();
    let right = examples[30..].iter().filter(|example| {
        let p = head.predict(&example.windows[0]);
        p.iter().all(|other| *other <= p[example.label])
    });
    let right = right.count();
    assert!(right >= 22, "{right} of 30");
    let error = fit_quick("mood", &labels, 3, &quick[..1], &manifest()).unwrap_err();
    assert!(error.to_string().contains("calm"), "{error}");
}
