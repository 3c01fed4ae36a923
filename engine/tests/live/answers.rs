//! The answers themselves: the same as those of `mertscope analyze`.

use std::path::Path;
use std::sync::Arc;

use mertscope_audio::Status;
use mertscope_audio::decode::{Block, Decoder};
use mertscope_engine::analyze::{AnalyzeOptions, Analyzer};
use mertscope_heads::package::ModelPackage;
use mertscope_heads::timeline::TimedResult;
use mertscope_live::{Entry, Settings, State};
use mertscope_model::device::Choice;
use mertscope_model::runtime;

use crate::stage::Stage;

#[test]
fn a_piece_played_through_a_host_is_heard_like_its_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/demo/headwind.ogg");
    let options = AnalyzeOptions {
        hop_s: 1.0,
        smoothing: true,
        threads: 1,
        precision: None,
        device: Choice::Cpu,
    };
    let package = Arc::new(ModelPackage::embedded().unwrap());
    let analyzer = Analyzer::new(runtime::load(None).unwrap(), package, options).unwrap();
    let decoder = Decoder::open(&path).unwrap();
    let file = analyzer.analyze(decoder, "it", &mut |_, _| {}).unwrap();

    let mut decoder = Decoder::open(&path).unwrap();
    let (rate_hz, channels) = (decoder.rate_hz(), decoder.channels());
    let mut stage = Stage::exact(rate_hz, 1.0, Settings::default());
    while let Some(Block::Samples(samples)) = decoder.next_block().unwrap() {
        for block in samples.chunks(480 * channels) {
            let planes: Vec<Vec<f32>> = (0..channels)
                .map(|channel| {
                    block
                        .iter()
                        .skip(channel)
                        .step_by(channels)
                        .copied()
                        .collect()
                })
                .collect();
            let patience = std::time::Duration::from_secs(240);
            stage.tap.push_exact(&planes, stage.transport, patience);
            *stage.transport.position.as_mut().unwrap() += planes[0].len() as i64;
        }
    }
    // The file's last window is aligned with its end, which a stream does not know. The resampler
    // wants a little more audio before it gives the last samples.
    stage.play(&[0.0; 4_096]);
    let windows: Vec<&TimedResult> = file
        .timeline
        .results
        .iter()
        .filter(|timed| timed.start_s.fract() < 1e-9)
        .collect();
    let end_s = windows.last().unwrap().end_s;
    let result = stage.wait_for_answer(end_s);
    let live: Vec<&Arc<Entry>> = result.history.iter().collect();
    assert_eq!(live.len(), windows.len());
    for (live, file) in live.iter().zip(&windows) {
        assert_eq!(live.timed.status, Status::Ok);
        assert!((live.timed.start_s - file.start_s).abs() < 1e-6);
        assert_eq!(live.timed.result, file.result, "at {} s", file.start_s);
        let samples = live.host_samples.clone().unwrap();
        assert_eq!(samples.start, (file.start_s * f64::from(rate_hz)) as i64);
    }
    assert_eq!(result.lost_frames, 0);
    assert_eq!(result.skipped_windows, 0);
    assert_eq!(result.error, None);
}

#[test]
fn several_streams_share_one_running_model_and_each_hears_its_own_audio() {
    let mut one = Stage::exact(44_100, 1.0, Settings::default());
    let mut other = Stage::exact(48_000, 1.0, Settings::default());
    one.play_chord(6.1);
    other.play(&vec![0.25; 48_000 * 8]); // a constant offset is silence
    let result = one.wait_for_answer(6.0);
    let silent = other.wait("silence", |s| s.state == State::Silent);
    assert_eq!(result.model.running, silent.model.running);
    assert!(result.latest.as_ref().unwrap().timed.result.is_some());
    // At most the first window, which holds the step to the offset.
    assert!(silent.analyzed_windows <= 1);
    assert!(
        (silent.level_dbfs - -12.0).abs() < 0.11,
        "{}",
        silent.level_dbfs
    );
}
