//! Audio that comes block by block has the results of a file of the same samples.

use std::path::Path;
use std::sync::Arc;

use mertscope_engine::analyze::{AnalyzeError, BlockAnalyzer};
use mertscope_engine::audio::decode::Block;
use mertscope_engine::{
    AnalyzeOptions, Analyzer, Decoder, DeviceChoice, ModelPackage, TimedResult, runtime,
};

/// The demo piece, interleaved, with its channels and its rate.
fn piece() -> (Vec<f32>, usize, u32) {
    let mut decoder = demo();
    let (channels, rate_hz) = (decoder.channels(), decoder.rate_hz());
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block().unwrap() {
        let Block::Samples(block) = block else {
            panic!("{block:?}");
        };
        samples.extend_from_slice(block);
    }
    (samples, channels, rate_hz)
}

fn demo() -> Decoder {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    Decoder::open(&folder.join("../assets/demo/two-rooms.ogg")).unwrap()
}

fn analyzer() -> Arc<Analyzer> {
    let options = AnalyzeOptions {
        hop_s: 6.0,
        threads: 1,
        device: DeviceChoice::Cpu,
        ..AnalyzeOptions::default()
    };
    let package = Arc::new(ModelPackage::embedded().unwrap());
    Arc::new(Analyzer::new(runtime::load(None).unwrap(), package, options).unwrap())
}

#[test]
fn blocks_have_the_results_of_their_file_however_they_are_cut() {
    let analyzer = analyzer();
    let file = analyzer.analyze(demo(), "two-rooms.ogg", &mut |_, _| {});
    let file = file.unwrap();
    let (samples, channels, rate_hz) = piece();
    for block_frames in [10_007, usize::MAX / channels] {
        let mut windows: Vec<TimedResult> = Vec::new();
        let mut sink = |timed| {
            windows.push(timed);
            Ok(())
        };
        let mut blocks = BlockAnalyzer::new(Arc::clone(&analyzer), rate_hz, "stream").unwrap();
        for block in samples.chunks(block_frames * channels) {
            blocks.push(block, channels, &mut sink).unwrap();
        }
        let end = blocks.finish(&mut sink).unwrap();
        assert_eq!(windows, file.timeline.results, "{block_frames}");
        assert_eq!(end.summary, file.timeline.summary());
        assert_eq!(end.duration_s, file.duration_s);
    }
}

#[test]
fn a_stream_without_samples_and_a_wrong_rate_are_named() {
    let analyzer = analyzer();
    let mut sink = |_| Ok(());
    let blocks = BlockAnalyzer::new(Arc::clone(&analyzer), 48_000, "cable").unwrap();
    let error = blocks.finish(&mut sink).unwrap_err();
    assert!(matches!(error, AnalyzeError::Empty { .. }), "{error}");
    let error = BlockAnalyzer::new(analyzer, 0, "cable").err().unwrap();
    assert!(error.to_string().contains("cable"), "{error}");
}
