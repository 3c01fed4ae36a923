//! References of the demo pieces: nothing is nearer to a piece than the piece itself.

use std::path::Path;

use mertscope_audio::decode::Decoder;
use mertscope_audio::model_rate_source::ModelRateSource;
use mertscope_heads::package::ModelPackage;
use mertscope_heads::reference::{Reference, ReferenceSource};
use mertscope_model::{Session, SessionOptions, runtime};

const PIECES: [&str; 5] = [
    "two-rooms.ogg",
    "corner-table.ogg",
    "headwind.ogg",
    "mirrorball-street.mp3",
    "slow-harbour.flac",
];

/// The compared hidden state of a demo piece's consecutive windows.
fn windows(package: &ModelPackage, session: &mut Session, piece: &str) -> Vec<Vec<f32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../assets/demo")
        .join(piece);
    let manifest = &package.model.manifest;
    let decoder = Decoder::open(&path).unwrap();
    let mut source = ModelRateSource::new(decoder, piece, manifest.sample_rate_hz).unwrap();
    let mut samples = Vec::new();
    while source.next(&mut samples).unwrap() {}
    let layer = package.map.as_ref().unwrap().layer;
    samples
        .chunks_exact(manifest.window_samples)
        .map(|window| session.run(window).unwrap().layer(layer).to_vec())
        .collect()
}

fn reference(package: &ModelPackage, name: &str, windows: &[Vec<f32>]) -> Reference {
    let map = package.map.as_deref();
    let source = ReferenceSource {
        name,
        color: [0; 3],
        sha256: None,
        encoder_sha256: package.sha256(),
        layer: map.unwrap().layer,
        windows,
        further: &[],
    };
    Reference::new(&source, map).unwrap()
}

#[test]
fn a_piece_has_no_distance_to_itself_and_its_second_half_is_nearer_than_other_pieces() {
    let package = ModelPackage::embedded().unwrap();
    let options = SessionOptions::default();
    let mut session = Session::new(
        runtime::load(None).unwrap(),
        std::sync::Arc::clone(&package.model),
        options,
    )
    .unwrap();
    let map = package.map.as_deref();
    let halves: Vec<(Reference, Reference)> = PIECES
        .iter()
        .map(|piece| {
            let windows = windows(&package, &mut session, piece);
            let (first, second) = windows.split_at(windows.len() / 2);
            let one = reference(&package, piece, first);
            assert!(one.distance_to(&one, map).unwrap() < 1e-6, "{piece}");
            (one, reference(&package, piece, second))
        })
        .collect();
    for (first, own) in &halves {
        let own = first.distance_to(own, map).unwrap();
        for (_, other) in halves.iter().filter(|(_, other)| other.name != first.name) {
            let to_other = first.distance_to(other, map).unwrap();
            assert!(
                own < to_other,
                "{}: {own} to its own second half, {to_other} to that of {}",
                first.name,
                other.name
            );
        }
    }
}
