//! The whole pipeline as a library: its results do not depend on how the input is cut, and follow a
//! transposition of the music.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use mertscope_audio::decode::{Block, Decoder};
use mertscope_engine::analyze::{Analysis, AnalyzeOptions, Analyzer};
use mertscope_heads::package::ModelPackage;
use mertscope_model::device::Choice;
use mertscope_model::runtime;
use mertscope_music::Key;
use mertscope_tests::{demo, wav};

fn analyzer(hop_s: f64) -> Analyzer {
    let options = AnalyzeOptions {
        hop_s,
        smoothing: true,
        threads: 2,
        precision: None,
        device: Choice::Cpu,
    };
    let runtime = runtime::load(None).expect("ONNX Runtime; `cargo xtask setup` installs it");
    Analyzer::new(
        runtime,
        Arc::new(ModelPackage::embedded().unwrap()),
        options,
    )
    .unwrap()
}

fn analyze(analyzer: &Analyzer, decoder: Decoder) -> Analysis {
    analyzer.analyze(decoder, "piece", &mut |_, _| {}).unwrap()
}

/// All samples of a file, downmixed to mono, and their rate.
fn mono(path: &std::path::Path) -> (Vec<f32>, u32) {
    let mut decoder = Decoder::open(path).unwrap();
    let mut mono = Vec::new();
    let channels = decoder.channels();
    while let Some(block) = decoder.next_block().unwrap() {
        if let Block::Samples(samples) = block {
            mertscope_audio::downmix::downmix_interleaved(samples, channels, &mut mono);
        }
    }
    (mono, decoder.rate_hz())
}

/// A reader that returns at most `most` bytes per call.
struct Dripping<R> {
    inner: R,
    most: usize,
}

impl<R: Read> Read for Dripping<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.most.min(buffer.len());
        self.inner.read(&mut buffer[..most])
    }
}

#[test]
fn the_result_does_not_depend_on_how_the_input_arrives() {
    let analyzer = analyzer(2.0);
    for piece in demo() {
        let bytes = std::fs::read(&piece.path).unwrap();
        let results: Vec<Analysis> = [1_000_000, 4_096, 997]
            .map(|most| {
                let inner = Cursor::new(bytes.clone());
                let decoder = Decoder::from_reader(Dripping { inner, most }, "piece").unwrap();
                analyze(&analyzer, decoder)
            })
            .into();
        let file = piece.path.display();
        assert!(results[0].timeline.results.len() > 5, "{file}");
        assert!(
            results.windows(2).all(|pair| pair[0] == pair[1]),
            "{file}: bit for bit"
        );
    }
}

#[test]
fn short_and_padded_files_keep_their_windows() {
    // The audio after a window must not change its result.
    let analyzer = analyzer(1.0);
    let (samples, rate_hz) = mono(&demo()[4].path);
    let short = &samples[..rate_hz as usize * 10];
    let mut padded = short.to_vec();
    padded.resize(rate_hz as usize * 20, 0.0);
    let result = |samples: &[f32]| {
        let bytes = wav(rate_hz, 1, samples);
        analyze(
            &analyzer,
            Decoder::from_reader(Cursor::new(bytes), "piece").unwrap(),
        )
    };
    let (short, padded) = (result(short), result(&padded));
    // The last window touches the end, where the resampler's filter reaches the audio after it.
    let whole = short.timeline.results.len() - 1;
    assert!(whole >= 5);
    assert_eq!(
        short.timeline.results[..whole],
        padded.timeline.results[..whole]
    );
}

/// The most frequent key of a piece's windows when it plays faster or slower by `semitones`.
fn result(analyzer: &Analyzer, samples: &[f32], rate_hz: u32, semitones: i32) -> Key {
    let faster = (f64::from(semitones) / 12.0).exp2();
    let rate_hz = (f64::from(rate_hz) * faster).round() as u32;
    let bytes = wav(rate_hz, 1, samples);
    let decoder = Decoder::from_reader(Cursor::new(bytes), "piece").unwrap();
    let summary = analyze(analyzer, decoder).timeline.summary().unwrap();
    summary.key.unwrap().answer.best.0
}

/// Transposing the audio by n semitones moves the answer by n in ≥ 95 % of cases.
#[test]
fn transposing_the_audio_transposes_the_answer() {
    let analyzer = analyzer(5.0);
    let (mut right, mut all, mut wrong) = (0, 0, Vec::new());
    for piece in demo() {
        let (samples, rate_hz) = mono(&piece.path);
        // A section in one key.
        let end = piece.keys.get(1).map_or(samples.len(), |(at_s, _)| {
            (at_s * f64::from(rate_hz)) as usize
        });
        let (_, original) = piece.keys[0];
        for semitones in -5..=6 {
            let key = result(&analyzer, &samples[..end], rate_hz, semitones);
            all += 1;
            if key == original.transposed(semitones) {
                right += 1;
            } else {
                wrong.push(format!("{original} {semitones:+}: {key}"));
            }
        }
    }
    println!("{right} of {all} transpositions followed");
    assert!(right * 100 >= all * 95, "{right} of {all}: {wrong:?}");
}
