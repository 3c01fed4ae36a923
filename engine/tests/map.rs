//! The path on the map: a property of the audio alone.

use std::path::Path;
use std::sync::Arc;

use mertscope_audio::decode::Decoder;
use mertscope_engine::analyze::{AnalyzeOptions, Analyzer};
use mertscope_heads::package::ModelPackage;
use mertscope_model::device::Choice;
use mertscope_model::runtime;

/// The path of a demo piece, one point a window.
fn path(analyzer: &Analyzer, piece: &str) -> Vec<[f32; 2]> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../assets/demo")
        .join(piece);
    let decoder = Decoder::open(&file).unwrap();
    let analysis = analyzer.analyze(decoder, piece, &mut |_, _| {}).unwrap();
    let results = analysis.timeline.results.iter();
    results
        .filter_map(|timed| timed.result.as_ref()?.point)
        .collect()
}

fn analyzer(smoothing: bool) -> Analyzer {
    let options = AnalyzeOptions {
        hop_s: 4.0,
        smoothing,
        threads: 1,
        precision: None,
        device: Choice::Cpu,
    };
    let package = Arc::new(ModelPackage::embedded().unwrap());
    Analyzer::new(runtime::load(None).unwrap(), package, options).unwrap()
}

#[test]
fn equal_audio_gives_an_equal_path_whatever_came_before() {
    let first = path(&analyzer(true), "two-rooms.ogg");
    assert!(first.len() > 5, "{first:?}");
    let other = analyzer(false);
    let between = path(&other, "headwind.ogg");
    assert_eq!(path(&other, "two-rooms.ogg"), first);
    assert_ne!(between, first);
}

#[test]
fn pieces_of_different_music_lie_apart_and_within_reach() {
    let map = ModelPackage::embedded().unwrap().map.unwrap();
    let analyzer = analyzer(true);
    let center = |piece| {
        let path = path(&analyzer, piece);
        let sum = path
            .iter()
            .fold([0.0; 2], |s, p| [s[0] + p[0], s[1] + p[1]]);
        sum.map(|sum| sum / path.len() as f32)
    };
    let distance = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let [rock, jazz] = ["headwind.ogg", "corner-table.ogg"].map(center);
    // The unit is the spread of the music that the map was fitted on.
    assert!(distance(rock, jazz) > 0.5, "{rock:?} {jazz:?}");
    for [x, y] in [rock, jazz] {
        assert!(x.abs() < 4.0 && y.abs() < 4.0, "{x} {y}");
    }
    let shown: f32 = map.explained_variance.iter().sum();
    assert!((0.2..1.0).contains(&shown), "{shown}");
}
