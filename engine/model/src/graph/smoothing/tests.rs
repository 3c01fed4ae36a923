use mertscope_audio::decode::Decoder;
use mertscope_audio::model_rate_source::ModelRateSource;

use super::*;
use crate::graph::Variant;
use crate::graph::tests::{fixture, outputs, session};
use crate::{LayerSet, Model, Operators, Precision, Session, SessionOptions, runtime};

#[test]
fn centered_and_divided_inputs_give_the_same_products_of_far_more_even_channels() {
    let range = InputRange {
        mean: vec![40.0, 0.0],
        low: vec![36.0, -0.25],
        high: vec![44.0, 0.25],
    };
    let matrix = vec![1.0, -0.5, 0.75, 2.0];
    let divisors = range.divisors();
    assert!(
        (divisors[0] / divisors[1] - 4.0).abs() < 1e-5,
        "{divisors:?}"
    );
    assert!(
        (divisors[0] * divisors[1] - 1.0).abs() < 1e-5,
        "{divisors:?}"
    );
    let constant = range.constant(&matrix);
    assert_eq!(constant, [40.0, -20.0]);
    let weights = times(matrix, &divisors);
    let x = [43.0f32, -0.2];
    let evened = [(x[0] - 40.0) / divisors[0], x[1] / divisors[1]];
    for output in 0..2 {
        let product = evened[0] * weights[output] + evened[1] * weights[2 + output];
        let expected = [43.0 - 0.15, -21.5 - 0.4][output];
        assert!((product + constant[output] - expected).abs() < 1e-4);
    }
}

#[test]
fn a_channel_that_never_moves_gets_no_weight_beyond_measure() {
    let range = InputRange {
        mean: vec![0.0; 3],
        low: vec![-1.0, 0.0, -2.0],
        high: vec![1.0, 0.0, 0.5],
    };
    let divisors = range.divisors();
    assert!(
        divisors.iter().all(|it| (0.01..100.0).contains(it)),
        "{divisors:?}"
    );
    let still = InputRange {
        mean: vec![3.0],
        low: vec![3.0],
        high: vec![3.0],
    };
    assert_eq!(still.divisors(), [1.0]);
}

/// Four windows of 2 s of the demo piece that is no part of the calibration.
fn music(rate_hz: u32) -> Vec<Vec<f32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/demo/slow-harbour.flac");
    let mut source =
        ModelRateSource::new(Decoder::open(&path).unwrap(), "slow-harbour", rate_hz).unwrap();
    let mut samples = Vec::new();
    while source.next(&mut samples).unwrap() {}
    let windows = samples.chunks_exact(2 * rate_hz as usize);
    windows.take(4).map(<[f32]>::to_vec).collect()
}

/// The root of the sum of all squared differences.
fn distance(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    let squares = pairs.map(|(a, b)| f64::from(a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

#[test]
fn pooled_states_are_nearer_to_single_precision_on_music_that_the_calibration_did_not_hear() {
    for name in ["post-group", "pre-group"] {
        let folder = tempfile::tempdir().unwrap();
        let model = Model::open(&fixture(name)).unwrap();
        let model = Arc::new(model.with_graphs_in(folder.path()));
        let options = SessionOptions {
            precision: Some(Precision::Int8),
            threads: 1,
            ..SessionOptions::default()
        };
        let runtime = runtime::load(None).unwrap();
        let mut smoothed = Session::new(runtime, Arc::clone(&model), options).unwrap();
        let plain = |precision| Variant::new(precision, Operators::Fused, false, LayerSet::All);
        let (exact, rounded) = (plain(Precision::Fp32), plain(Precision::Int8));
        let mut sessions = [&exact, &rounded].map(|variant| session(name, variant));
        let (mut before, mut after) = (0.0, 0.0);
        for window in music(model.manifest.sample_rate_hz) {
            let expected = outputs(&mut sessions[0], &exact, &window);
            let plain_8_bit = outputs(&mut sessions[1], &rounded, &window);
            let found = smoothed.run(&window).unwrap();
            let found: Vec<Vec<f32>> = (0..found.layers).map(|n| found.layer(n).to_vec()).collect();
            before += distance(&plain_8_bit, &expected);
            after += distance(&found, &expected);
        }
        assert!(after < 0.7 * before, "{name}: {after} instead of {before}");
    }
}
