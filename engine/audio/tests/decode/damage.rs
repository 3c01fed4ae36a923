//! Decoding of truncated, damaged, joined and mutated files.

use std::io::Cursor;

use mertscope_audio::decode::Decoder;

use crate::collect::{FORMATS, bytes_of, collect, decode_as};

/// About half of the sound is read, with a notice; FLAC and Ogg begin with long headers.
#[test]
fn a_truncated_file_gives_the_audio_before_the_cut() {
    let rows = [
        ("wav", 0.6),
        ("aiff", 0.6),
        ("flac", 0.9),
        ("mp3", 0.6),
        ("ogg", 0.85),
        ("m4a", 0.6),
        ("caf", 0.6),
        ("w64", 0.6),
        ("mp2", 0.6),
        ("mkv", 0.6),
        ("opus.ogg", 0.7),
        ("opus.webm", 0.7),
        ("opus.mp4", 0.8),
    ];
    for (format, share) in rows {
        let separator = if format.contains('.') { '-' } else { '.' };
        let name = &format!("tone{separator}{format}");
        let bytes = bytes_of(name);
        let whole = decode_as(name, &bytes).unwrap().samples;
        let sound = decode_as(name, &bytes[..(bytes.len() as f64 * share) as usize]).unwrap();
        let frames = sound.samples.len();
        assert!(
            frames > whole.len() / 4 && frames < whole.len() * 7 / 8,
            "{name}: {frames} of {}",
            whole.len()
        );
        // The last frame of a lossy codec waits for the next.
        let shared = frames * 9 / 10;
        assert!(
            sound.samples[..shared] == whole[..shared],
            "{name}: the audio before the cut has changed"
        );
        // Layer II states no length.
        if name == "tone.mp2" {
            assert_eq!(sound.note, None);
            continue;
        }
        let note = sound.note.expect(name);
        assert!(
            note.starts_with("It ") && note.ends_with("; what is there was analyzed."),
            "{note}"
        );
    }
    let wav = bytes_of("tone.wav");
    let sound = decode_as("x.wav", &wav[..44 + 1_001 * 4 + 3]).unwrap();
    assert_eq!(sound.samples.len(), 1_001 * 2, "whole frames only");
    let note =
        "It ends after 0.1 s although its header promises 0.3 s; what is there was analyzed.";
    assert_eq!(sound.note.as_deref(), Some(note));
}

/// Damage in the middle leaves a gap, and the sound after it is read. MP3 has no checksum, so bytes
/// are removed there; it has no timestamps either, so only frames that were found and could not be
/// decoded are counted.
#[test]
fn damage_in_the_middle_is_skipped_and_reported() {
    let rows = [
        ("tone.flac", 0.93, 100, 100, 2_400..=2_400),
        ("tone.mp3", 0.5, 1_000, 0, 10_000..=17_640),
        ("tone.ogg", 0.8, 100, 100, 17_640..=17_640),
        ("tone.m4a", 0.6, 100, 100, 18_432..=19_456),
    ];
    for (name, at, lost_bytes, noise_bytes, frames) in rows {
        let mut bytes = bytes_of(name);
        let start = (bytes.len() as f64 * at) as usize;
        bytes.splice(start..start + lost_bytes, vec![0x55; noise_bytes]);
        let sound = decode_as(name, &bytes).unwrap();
        let [(before, missing)] = sound.gaps[..] else {
            panic!("{name}: {:?}", sound.gaps)
        };
        let after = sound.samples.len() / 2 - before;
        assert!(
            before > 0 && missing > 0 && after > 0,
            "{name}: {before}, {missing}, {after}"
        );
        let total = (before + after) as u64 + missing;
        assert!(frames.contains(&total), "{name}: {total}");
    }
}

#[test]
fn joined_files_are_read_to_the_end() {
    for name in ["tone.mp3", "tone.ogg"] {
        let one = bytes_of(name);
        let sound = decode_as(name, &[&one[..], &one].concat()).unwrap();
        let frames = sound.samples.len() / 2;
        assert!(
            (2 * 17_640..2 * 17_640 + 3 * 1_152).contains(&frames),
            "{name}: {frames}"
        );
        assert_eq!(sound.note, None, "{name}");
    }
}

/// Hundreds of seeded mutations: each gives audio or an error that names the file.
#[test]
fn mutated_files_neither_panic_nor_hang() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut decoded, mut refused) = (0, 0);
    for name in FORMATS {
        let original = bytes_of(name);
        for _ in 0..150 {
            let mut bytes = original.clone();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                let end = bytes.len().min(at + random(40));
                match random(4) {
                    0 => bytes[at] ^= 1 << random(8),
                    1 => bytes[at.min(60)] = random(256) as u8,
                    2 => bytes[at..end].fill(0xff),
                    _ => drop(bytes.drain(at..end)),
                }
            }
            match collect(Decoder::from_reader(Cursor::new(bytes), "mutant")) {
                Ok(_) => decoded += 1,
                Err(error) => {
                    assert!(error.to_string().contains("mutant"), "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(
        decoded > 100 && refused > 10,
        "{decoded} decoded, {refused} refused"
    );
}
