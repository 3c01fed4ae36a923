//! Live analysis: a thread pushes a file through a tap as an audio callback does; the main thread prints the results.
//!
//! `cargo run --release -p mertscope-engine --example live_stream -- song.flac`

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{env, thread};

use mertscope_engine::audio::decode::{Block, DecodeError};
use mertscope_engine::audio::downmix::downmix_interleaved;
use mertscope_engine::{Controls, Decoder, Live, LiveSettings, Tap, Transport, tap};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file] = arguments.as_slice() else {
        eprintln!("usage: live_stream FILE");
        return ExitCode::from(2);
    };
    if let Err(error) = listen(file) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn listen(file: &str) -> Result<(), Box<dyn Error>> {
    let decoder = Decoder::open(Path::new(file))?;
    // Audio comes faster than real time, and no window is skipped.
    let settings = LiveSettings {
        exact_offline: true,
        ..LiveSettings::default()
    };
    let stream = Live::acquire().open(settings, Arc::new(Controls::default));
    let (tap, reader) = tap(decoder.rate_hz());
    stream.attach(reader);
    let (ended, end) = mpsc::channel();
    thread::spawn(move || ended.send(play(decoder, tap)));
    let (mut last, mut end_s) = (None, f64::INFINITY);
    loop {
        let snapshot = stream.snapshot();
        if let Some(error) = &snapshot.error {
            return Err(error.clone().into());
        }
        for entry in snapshot.entries_since(last.as_ref()) {
            let key = entry.timed.result.as_ref().and_then(|r| r.key_label());
            let key = key.map_or_else(|| "–".to_owned(), |key| key.to_string());
            println!("{:6.1} s: {key}", entry.timed.end_s);
            last = Some(Arc::clone(entry));
        }
        let newest = snapshot.history.last();
        if newest.is_some_and(|entry| entry.timed.end_s >= end_s) {
            return Ok(());
        }
        end_s = end.try_recv().unwrap_or(Ok(end_s))?;
        thread::sleep(Duration::from_millis(20));
    }
}

/// Pushes the file and then 6 s of silence, more than a window; returns the file's length in seconds. A real audio
/// callback pushes the channels as they are, with `Tap::push`, which never waits.
fn play(mut decoder: Decoder, mut tap: Tap) -> Result<f64, DecodeError> {
    let (channels, rate_hz) = (decoder.channels(), decoder.rate_hz() as usize);
    let (mut at, patience) = (Transport::LIVE_INPUT, Duration::from_secs(60));
    at.offline = true;
    while let Some(block) = decoder.next_block()? {
        let mut mono = Vec::new();
        match block {
            Block::Samples(interleaved) => downmix_interleaved(interleaved, channels, &mut mono),
            Block::Gap { .. } => {}
            // A tap keeps its rate, as a host does: what follows at another one is left out.
            Block::NewFormat { .. } => break,
        }
        tap.push_exact(&[&mono], at, patience);
    }
    let end_s = tap.pushed_frames() as f64 / rate_hz as f64;
    tap.push_exact(&[vec![0.0; 6 * rate_hz]], at, patience);
    Ok(end_s)
}
