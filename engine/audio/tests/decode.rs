//! Decoding: every format gives back the tone that was encoded, from files and from pipes.

use std::{
    f64::consts::TAU,
    io::{self, Cursor, Read},
    path::Path,
};

use mertscope_audio::decode::{Decoder, is_audio_path};

use collect::{FORMATS, bytes_of, collect, fixture};

#[path = "decode/cases.rs"]
mod cases;
#[path = "decode/collect.rs"]
mod collect;
#[path = "decode/damage.rs"]
mod damage;
#[path = "decode/pcm.rs"]
mod pcm;
#[path = "decode/refusals.rs"]
mod refusals;

/// Amplitude of the sine of `frequency_hz` in one channel.
fn amplitude(samples: &[f32], channel: usize, rate_hz: u32, frequency_hz: f64) -> f64 {
    let (mut re, mut im, mut frames) = (0.0, 0.0, 0.0);
    for frame in samples.chunks_exact(2) {
        let phase = TAU * frequency_hz * frames / f64::from(rate_hz);
        re += f64::from(frame[channel]) * phase.cos();
        im += f64::from(frame[channel]) * phase.sin();
        frames += 1.0;
    }
    2.0 * re.hypot(im) / frames
}

/// 440 Hz left and 660 Hz right at half scale, in the original length; AAC, layer II, Opus in MP4 and
/// everything in Matroska keep padding at the end, AAC in Matroska and layer II their delay too.
#[test]
fn each_format_gives_back_its_tone() {
    let rows = [
        ("tone.wav", 8_000, 2_400, 0),
        ("tone.aiff", 8_000, 2_400, 0),
        ("tone.flac", 8_000, 2_400, 0),
        ("tone.mp3", 44_100, 17_640, 0),
        ("tone.ogg", 44_100, 17_640, 0),
        ("tone.m4a", 44_100, 17_640, 1024),
        ("tone.caf", 8_000, 2_400, 0),
        ("tone.w64", 8_000, 2_400, 0),
        ("tone.mp2", 44_100, 17_640, 2 * 1152),
        ("tone.mkv", 44_100, 17_640, 2 * 1024),
        ("tone-opus.ogg", 48_000, 19_200, 0),
        ("tone-opus.webm", 48_000, 19_200, 960),
        ("tone-opus.mp4", 48_000, 19_200, 960),
        ("tone-tracks.mp4", 44_100, 17_640, 1024),
    ];
    for (name, rate_hz, frames, excess) in rows {
        let decoder = Decoder::open(&fixture(name)).unwrap();
        assert_eq!(
            (decoder.rate_hz(), decoder.channels()),
            (rate_hz, 2),
            "{name}"
        );
        let stated = decoder.frames();
        assert!(
            stated.is_some_and(|stated| stated.abs_diff(frames) <= excess) || name == "tone.mp2",
            "{name}: {:?}",
            decoder.frames()
        );

        let sound = collect(Ok(decoder)).unwrap();
        assert_eq!((&sound.gaps[..], &sound.note), (&[][..], &None), "{name}");
        let decoded = (sound.samples.len() / 2) as u64;
        assert!(
            (frames..=frames + excess).contains(&decoded),
            "{name}: {decoded} frames"
        );

        let middle =
            &sound.samples[sound.samples.len() / 4 / 2 * 2..sound.samples.len() * 3 / 4 / 2 * 2];
        for (channel, own_hz, other_hz) in [(0, 440.0, 660.0), (1, 660.0, 440.0)] {
            let own = amplitude(middle, channel, rate_hz, own_hz);
            let other = amplitude(middle, channel, rate_hz, other_hz);
            assert!(
                (own - 0.5).abs() < 0.03 && other < 0.01,
                "{name}, channel {channel}: {own}, {other}"
            );
        }
    }
}

#[test]
fn lossless_formats_agree_to_the_bit() {
    let samples = |name| collect(Decoder::open(&fixture(name))).unwrap().samples;
    let wav = samples("tone.wav");
    assert_eq!(samples("tone.flac"), wav);
    assert_eq!(samples("tone.aiff"), wav);
    assert_eq!(samples("tone.caf"), wav);
    assert_eq!(samples("tone.w64"), wav);
    for (frame, pair) in wav.chunks_exact(2).enumerate() {
        for (sample, frequency_hz) in pair.iter().zip([440.0, 660.0]) {
            let ideal = 0.5 * (TAU * frequency_hz * frame as f64 / 8_000.0).sin();
            assert!(
                (f64::from(*sample) - ideal).abs() <= 1.0 / 32_768.0,
                "frame {frame}"
            );
        }
    }
}

/// A reader that gives one byte at a time, with interrupts by signals in between.
struct Dribble(Cursor<Vec<u8>>, bool);

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let end = buffer.len().min(1);
        self.0.read(&mut buffer[..end])
    }
}

#[test]
fn a_pipe_gives_the_same_samples_as_the_file() {
    for name in FORMATS {
        let bytes = bytes_of(name);
        let piped = collect(Decoder::from_reader(
            Dribble(Cursor::new(bytes), false),
            name,
        ))
        .unwrap();
        let opened = collect(Decoder::open(&fixture(name))).unwrap();
        assert!(piped.samples == opened.samples, "{name}");
        assert_eq!((piped.gaps, piped.note), (vec![], None), "{name}");
    }
}

#[test]
fn a_folder_walk_picks_audio_by_extension() {
    for name in [
        "a.wav",
        "b.FLAC",
        "c.Mp3",
        "d.ogg",
        "e.m4a",
        "f.aif",
        "dir.x/g.aiff",
        "h.bwf",
        "i.opus",
        "j.mp4",
        "k.MOV",
        "l.mkv",
        "m.webm",
        "n.caf",
        "o.w64",
        "p.mp2",
    ] {
        assert!(is_audio_path(Path::new(name)), "{name}");
    }
    for name in ["a.txt", "wav", ".wav", "b.wav.part", "c.mid", "d"] {
        assert!(!is_audio_path(Path::new(name)), "{name}");
    }
}
