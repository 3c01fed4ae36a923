use mertscope_audio::decode::Decoder;
use mertscope_audio::model_rate_source::ModelRateSource;

use super::*;
use crate::graph::Variant;
use crate::graph::tests::{fixture, outputs, session};
use crate::{LayerSet, Model, Operators, Precision, Session, SessionOptions, runtime};

#[test]
fn the_bias_is_what_the_mean_loses_to_rounding() {
    let exact = [1.25, -0.5, 0.75, 2.0];
    let rounded = [1.0, -0.5, 1.0, 1.5];
    // 2 · (0.25, 0) + 4 · (−0.25, 0.5)
    assert_eq!(bias(&[2.0, 4.0], &exact, &rounded), [-0.5, 2.0]);
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
fn the_shift_of_pooled_states_goes_on_music_that_the_calibration_did_not_hear() {
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
        let mut corrected = Session::new(runtime, Arc::clone(&model), options).unwrap();
        let plain = |precision| Variant::new(precision, Operators::Fused, false, LayerSet::All);
        let (exact, rounded) = (plain(Precision::Fp32), plain(Precision::Int8));
        let mut sessions = [&exact, &rounded].map(|variant| session(name, variant));
        let (mut before, mut after) = (0.0, 0.0);
        for window in music(model.manifest.sample_rate_hz) {
            let expected = outputs(&mut sessions[0], &exact, &window);
            let shifted = outputs(&mut sessions[1], &rounded, &window);
            let found = corrected.run(&window).unwrap();
            let found: Vec<Vec<f32>> = (0..found.layers).map(|n| found.layer(n).to_vec()).collect();
            before += distance(&shifted, &expected);
            after += distance(&found, &expected);
        }
        assert!(after < 0.7 * before, "{name}: {after} instead of {before}");
    }
}
