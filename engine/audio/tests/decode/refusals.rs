//! Input that can't be decoded, and its error messages.

use std::{
    io::{self, Cursor, Read},
    path::PathBuf,
};

use mertscope_audio::decode::Decoder;

use crate::collect::{bytes_of, decode_as, fixture};

const SUPPORTED: &str = "Supported are WAV, Wave64, AIFF, CAF, FLAC, MP1 to MP3, Ogg Vorbis, Opus, AAC/M4A, and \
    the audio of MP4, MOV, Matroska and WebM; convert it to FLAC or WAV if it holds sound.";

fn refusal(name: &str, bytes: &[u8]) -> String {
    decode_as(name, bytes).expect_err(name)
}

#[test]
fn paths_without_a_readable_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: PathBuf| Decoder::open(&path).unwrap_err().to_string();
    let missing = folder.path().join("no.wav");
    assert_eq!(
        message(missing.clone()),
        format!("There is no file {}; check the path.", missing.display())
    );
    assert_eq!(
        message(folder.path().to_owned()),
        format!(
            "{} is a folder, not an audio file; name a file inside it.",
            folder.path().display()
        )
    );
    let file = fixture("tone.wav");
    let inside_file = message(file.join("x.wav"));
    assert!(
        inside_file.contains("could not be opened (")
            && inside_file.ends_with("check its permissions and its disk.")
    );
}

#[test]
fn content_that_is_no_audio_is_named() {
    let rows: [(&[u8], &str); 4] = [
        (b"Dear diary,\ntoday I renamed this to .wav\n", "plain text"),
        (b"<!DOCTYPE html><title>404</title>", "a web page"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture"),
        (
            &[0; 300],
            "nothing but zero bytes, as in a download that never finished",
        ),
    ];
    for (bytes, found) in rows {
        let expected =
            format!("x.wav is not audio that can be read here: it holds {found}. {SUPPORTED}");
        assert_eq!(refusal("x.wav", bytes), expected);
    }
    let unknown = "data of an unknown kind (its first bytes are 01 02 03 81 82 83 00 01)";
    let expected =
        format!("x.mp3 is not audio that can be read here: it holds {unknown}. {SUPPORTED}");
    assert_eq!(
        refusal("x.mp3", b"\x01\x02\x03\x81\x82\x83\0\x01\x02"),
        expected
    );
}

#[test]
fn unusable_headers_are_refused_with_a_reason() {
    let wav = bytes_of("tone.wav");
    let patched = |at: usize, bytes: &[u8]| {
        let mut wav = wav.clone();
        wav[at..at + bytes.len()].copy_from_slice(bytes);
        wav
    };
    let no_samples = "x has a header but no audio samples; export or copy it again.";
    let damaged =
        |detail| format!("The header of x is damaged ({detail}); export or download it again.");
    let rows = [
        (
            vec![],
            "x is empty (0 bytes); export or copy it again.".to_owned(),
        ),
        (wav[..44].to_vec(), no_samples.to_owned()),
        (wav[..30].to_vec(), damaged("it breaks off")),
        (
            patched(24, &[0; 4]),
            damaged("it claims a sample rate of 0 Hz"),
        ),
        (
            patched(22, &[0xff, 0xff]),
            damaged("it claims 65535 channels"),
        ),
        (patched(12, b"junk"), damaged("it has no format chunk")),
        (
            patched(20, b"\x55\0"),
            "x holds MP3-in-WAV audio, which cannot be decoded here; convert it to FLAC or WAV."
                .into(),
        ),
        (
            patched(34, b"\x40\0"),
            "x holds 64-bit PCM audio, which cannot be decoded here; convert it to FLAC or WAV."
                .into(),
        ),
        (
            m4a_of_profile(0x0a),
            "x holds AAC Main profile audio, which cannot be decoded here; convert it to FLAC or WAV."
                .into(),
        ),
        (
            m4a_of_profile(0x22),
            "x holds AAC LTP audio, which cannot be decoded here; convert it to FLAC or WAV.".into(),
        ),
        (
            // The first frame of an ADTS stream of the Main profile.
            b"\xff\xf1\x10\x80\x02\x1f\xfc\0\0\0".to_vec(),
            "x holds AAC Main profile audio, which cannot be decoded here; convert it to FLAC or WAV."
                .into(),
        ),
    ];
    for (bytes, expected) in rows {
        assert_eq!(refusal("x", &bytes), expected);
    }
    for name in ["tone.flac", "tone.mp3", "tone.ogg", "tone.m4a"] {
        let message = refusal(name, &bytes_of(name)[..64]);
        assert!(
            message.contains(name) && message.ends_with('.'),
            "{message}"
        );
    }
}

/// The M4A with another first byte of its configuration, which holds the profile.
fn m4a_of_profile(first: u8) -> Vec<u8> {
    let mut bytes = bytes_of("tone.m4a");
    // The descriptor of the configuration: its tag, its length, AAC-LC at 44.1 kHz.
    let config = b"\x05\x80\x80\x80\x05\x12\x10";
    let at = bytes.windows(7).position(|here| here == config).unwrap();
    bytes[at + 5] = first;
    bytes
}

/// The top-level boxes of an MP4.
fn boxes(mp4: &[u8]) -> Vec<&[u8]> {
    let mut rest = mp4;
    let mut boxes = Vec::new();
    while let Some(size) = rest.first_chunk::<4>() {
        let (one, after) = rest.split_at(u32::from_be_bytes(*size) as usize);
        boxes.push(one);
        rest = after;
    }
    boxes
}

#[test]
fn m4a_with_its_index_last_is_refused_from_a_pipe() {
    let bytes = bytes_of("tone.m4a");
    let (index, others): (Vec<_>, Vec<_>) = boxes(&bytes)
        .into_iter()
        .partition(|one| &one[4..8] == b"moov");
    let index_last = [others.concat(), index.concat()].concat();
    let error = Decoder::from_reader(Cursor::new(index_last), "standard input").unwrap_err();
    assert_eq!(
        error.to_string(),
        "standard input is audio whose index stands at its end, so it cannot be read from a pipe; save it as a file \
         and open that, or rewrite an MP4 with `ffmpeg -i IN.m4a -c copy -movflags +faststart OUT.m4a`."
    );
    let without_index = refusal("x.m4a", &others.concat());
    assert!(
        without_index.starts_with("The header of x.m4a is damaged ("),
        "{without_index}"
    );
}

#[test]
fn a_reader_that_fails_is_distinguished_from_one_that_ends() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("cable out"))
        }
    }
    let at_once = Decoder::from_reader(Failing, "the line")
        .unwrap_err()
        .to_string();
    let expected = "the line could not be opened (cable out); check its permissions and its disk.";
    assert_eq!(at_once, expected);

    let mut start = [&bytes_of("tone.wav")[..44], &[1; 80_000]].concat();
    start[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    let reader = Cursor::new(start).chain(Failing);
    let mut decoder = Decoder::from_reader(reader, "the line").unwrap();
    let error = loop {
        match decoder.next_block() {
            Ok(block) => assert!(block.is_some(), "it ended"),
            Err(error) => break error,
        }
    };
    assert_eq!(
        error.to_string(),
        "Reading the line failed after 2.0 s of audio (cable out); \
         check its disk or connection and try again."
    );
    assert_eq!(decoder.next_block().unwrap(), None, "an error ends it");
}
