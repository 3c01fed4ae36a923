//! Decoded samples of every format against those of ffmpeg, which also makes the files.

use std::path::Path;
use std::process::Command;

use mertscope_audio::decode::{Block, Decoder};
use mertscope_audio::downmix::downmix_interleaved;
use mertscope_tests::skipped;

/// Three seconds of two chords that swell, with a little noise, other ones left and right.
const SOUND: &str = "aevalsrc=\
    0.25*sin(2*PI*220*t)*(0.6+0.4*sin(2*PI*t))+0.15*sin(2*PI*1319*t)+0.02*(random(0)-0.5)|\
    0.2*sin(2*PI*330*t)+0.15*sin(2*PI*(400+300*t)*t)*(0.6+0.4*cos(2*PI*t))";

/// A format, ffmpeg's options for it, and how far the two decoders may differ.
struct Row {
    /// The file's name, which tells ffmpeg the container.
    file: &'static str,
    rate_hz: u32,
    options: &'static str,
    /// The largest difference of any two samples.
    most: f32,
    /// Frames that we may have more at the end: symphonia leaves out how much of a Matroska block is
    /// padding.
    padding_frames: usize,
}

const fn row(file: &'static str, rate_hz: u32, options: &'static str, most: f32) -> Row {
    Row {
        file,
        rate_hz,
        options,
        most,
        padding_frames: 0,
    }
}

const fn padded(row: Row, padding_frames: usize) -> Row {
    Row {
        padding_frames,
        ..row
    }
}

/// Lossless formats agree to the bit; the others to the rounding of their decoders, and libopus to that
/// of 16 bits.
const ROWS: [Row; 42] = [
    row("s16.wav", 44_100, "-c:a pcm_s16le", 0.0),
    row("s24.wav", 96_000, "-c:a pcm_s24le", 0.0),
    row("f32.wav", 48_000, "-c:a pcm_f32le", 0.0),
    row("adpcm.wav", 44_100, "-c:a adpcm_ms", 0.0),
    row("mulaw.wav", 8_000, "-c:a pcm_mulaw", 0.0),
    row("s16.w64", 44_100, "-c:a pcm_s16le", 0.0),
    row("s24.w64", 96_000, "-c:a pcm_s24le", 0.0),
    row("s16.aiff", 44_100, "-c:a pcm_s16be", 0.0),
    row("s24.aiff", 48_000, "-c:a pcm_s24be", 0.0),
    row("s16.caf", 44_100, "-c:a pcm_s16le", 0.0),
    row("s24.caf", 48_000, "-c:a pcm_s24be", 0.0),
    row("alac.caf", 44_100, "-c:a alac", 0.0),
    // Its two decoders round a step's parts and its whole.
    row("ima.caf", 44_100, "-c:a adpcm_ima_qt", 1e-2),
    row("opus.caf", 48_000, "-c:a libopus", 5e-5),
    row("alac.mkv", 44_100, "-c:a alac", 0.0),
    row("mp3.mp4", 44_100, "-c:a libmp3lame", 5e-6),
    row("s16.flac", 44_100, "-c:a flac -sample_fmt s16", 0.0),
    row("s24.flac", 96_000, "-c:a flac -sample_fmt s32", 0.0),
    row("flac.ogg", 44_100, "-c:a flac", 0.0),
    row("flac.mkv", 44_100, "-c:a flac", 0.0),
    row("flac.mp4", 44_100, "-c:a flac -strict -2", 0.0),
    row("s16.mkv", 44_100, "-c:a pcm_s16le", 0.0),
    row("s16.mov", 44_100, "-c:a pcm_s16le", 0.0),
    row("alac.m4a", 44_100, "-c:a alac", 0.0),
    row("cbr.mp3", 44_100, "-c:a libmp3lame -b:a 160k", 5e-6),
    row("vbr.mp3", 48_000, "-c:a libmp3lame -q:a 4", 5e-6),
    row("mono.mp3", 22_050, "-ac 1 -c:a libmp3lame -b:a 48k", 5e-6),
    padded(row("mp3.mkv", 44_100, "-c:a libmp3lame", 5e-6), 1152),
    row("layer2.mp2", 44_100, "-c:a mp2 -b:a 192k", 5e-5),
    row("vorbis.ogg", 44_100, "-c:a libvorbis -q:a 4", 5e-6),
    row("vorbis.webm", 48_000, "-c:a libvorbis -q:a 4", 5e-6),
    row("aac.m4a", 44_100, "-c:a aac -b:a 128k", 5e-6),
    row("video.mp4", 48_000, "-c:a aac -b:a 96k -c:v mpeg4", 5e-6),
    row("aac.mov", 44_100, "-c:a aac -b:a 128k", 5e-6),
    row("aac.mkv", 44_100, "-c:a aac -b:a 128k", 5e-6),
    row("adts.aac", 44_100, "-c:a aac -b:a 128k", 5e-6),
    row("music.opus", 48_000, "-c:a libopus -b:a 96k", 5e-5),
    row(
        "speech.opus",
        48_000,
        "-ac 1 -c:a libopus -b:a 14k -application voip",
        5e-5,
    ),
    row(
        "surround.opus",
        48_000,
        "-ac 6 -c:a libopus -b:a 256k",
        5e-5,
    ),
    padded(row("opus.webm", 48_000, "-c:a libopus -b:a 96k", 5e-5), 960),
    padded(
        row(
            "opus.mkv",
            48_000,
            "-c:a libopus -b:a 32k -frame_duration 60",
            5e-5,
        ),
        2880,
    ),
    row("opus.mp4", 48_000, "-c:a libopus -b:a 96k", 5e-5),
];

fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-loglevel", "error", "-y"]);
    let output = command.args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    output.stdout
}

/// All samples that ffmpeg decodes, interleaved. Its own decoder for Opus is less exact than libopus.
fn by_ffmpeg(file: &Path, is_opus: bool) -> Vec<f32> {
    let file = file.to_str().unwrap();
    let decoder = if is_opus {
        &["-c:a", "libopus"][..]
    } else {
        &[]
    };
    let bytes = ffmpeg(&[decoder, &["-i", file, "-f", "f32le", "-"]].concat());
    let words = bytes.chunks_exact(4);
    words
        .map(|word| f32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

/// All samples decoded here, interleaved, and their rate and channels.
fn by_us(file: &Path) -> (Vec<f32>, u32, usize) {
    let mut decoder = Decoder::open(file).unwrap_or_else(|error| panic!("{error}"));
    let format = (decoder.rate_hz(), decoder.channels());
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block().unwrap() {
        match block {
            Block::Samples(block) => samples.extend_from_slice(block),
            other => panic!("{}: {other:?}", file.display()),
        }
    }
    assert_eq!(decoder.truncated(), None, "{}", file.display());
    (samples, format.0, format.1)
}

/// The mean of the channels, whose order differs between containers when they are more than two.
fn without_order(samples: Vec<f32>, channels: usize) -> Vec<f32> {
    if channels <= 2 {
        return samples;
    }
    let mut mono = Vec::new();
    downmix_interleaved(&samples, channels, &mut mono);
    mono
}

/// Makes the row's file from `sound` in `folder`, and says how the two decodings differ if they do.
fn fault(row: &Row, sound: &Path, folder: &Path) -> Option<String> {
    let path = folder.join(row.file);
    let rate = row.rate_hz.to_string();
    let mut arguments = vec!["-i", sound.to_str().unwrap()];
    if row.options.contains("-c:v") {
        arguments.extend(["-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=3"]);
    }
    arguments.extend(["-ar", &rate]);
    arguments.extend(row.options.split(' '));
    arguments.push(path.to_str().unwrap());
    ffmpeg(&arguments);
    let (ours, rate_hz, channels) = by_us(&path);
    let ours = without_order(ours, channels);
    let theirs = by_ffmpeg(&path, row.options.contains("libopus"));
    let theirs = without_order(theirs, channels);
    let width = if channels == 2 { 2 } else { 1 };
    let pairs = ours.iter().zip(&theirs);
    let largest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let more = ours.len() as i64 / width - theirs.len() as i64 / width;
    println!("{}: {more} frames more, {largest:e} at most", row.file);
    let is_right = rate_hz == row.rate_hz
        && (0..=row.padding_frames as i64).contains(&more)
        && largest <= row.most
        && theirs.len() as i64 / width > 2 * i64::from(rate_hz);
    (!is_right).then(|| {
        format!(
            "{}: {rate_hz} Hz, {more} frames more, {largest:e}",
            row.file
        )
    })
}

#[test]
fn every_format_decodes_to_the_samples_of_ffmpeg() {
    const TEST: &str = "every_format_decodes_to_the_samples_of_ffmpeg";
    if Command::new("ffmpeg").arg("-version").output().is_err() {
        return skipped(TEST, "ffmpeg is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound.wav");
    let source = format!("{SOUND}:s=48000:d=3");
    ffmpeg(&["-f", "lavfi", "-i", &source, sound.to_str().unwrap()]);
    let faults: Vec<String> = ROWS
        .iter()
        .filter_map(|row| fault(row, &sound, folder.path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
