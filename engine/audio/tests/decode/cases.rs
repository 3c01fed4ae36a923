//! Files that are whole but unusual: tags around them, odd metadata, changes in the middle, tracks that
//! are switched off, lengths that were never filled in.

use std::io::Cursor;

use mertscope_audio::decode::Decoder;

use crate::collect::{Collected, FORMATS, bytes_of, collect, decode_as};

/// An ID3v1 tag.
fn id3v1() -> Vec<u8> {
    [&b"TAG"[..], &[b'x'; 125]].concat()
}

/// An APEv2 tag with a header and a footer.
fn ape() -> Vec<u8> {
    let content = b"\x05\0\0\0\0\0\0\0Title\0Tones";
    let end = |is_header: u32| {
        let size = content.len() as u32 + 32;
        let numbers = [2000, size, 1, 1 << 31 | is_header << 29].map(u32::to_le_bytes);
        [b"APETAGEX", &numbers.concat()[..], &[0; 8]].concat()
    };
    [&end(1)[..], content, &end(0)].concat()
}

/// An ID3v2 tag that is longer than what is read at once.
fn id3v2() -> Vec<u8> {
    [&b"ID3\x03\0\0\0\0\x40\0"[..], &[0; 8192]].concat()
}

fn piped(bytes: &[u8]) -> Collected {
    collect(Decoder::from_reader(Cursor::new(bytes.to_vec()), "pipe")).unwrap()
}

#[test]
fn tags_around_any_format_change_nothing() {
    for name in FORMATS {
        let bytes = bytes_of(name);
        let plain = decode_as(name, &bytes).unwrap();
        let tagged = [
            [&bytes[..], &id3v1()].concat(),
            [&bytes[..], &ape(), &id3v1()].concat(),
            [&id3v2()[..], &bytes].concat(),
            [&ape()[..], &bytes].concat(),
            [&id3v2()[..], &ape(), &bytes, &ape()].concat(),
        ];
        for (n, tagged) in tagged.iter().enumerate() {
            let from_pipe = (name == "tone.flac" || n > 1).then(|| piped(tagged));
            for found in [decode_as(name, tagged).unwrap()]
                .into_iter()
                .chain(from_pipe)
            {
                assert_eq!(found.note, None, "{name} {n}");
                assert_eq!(found.gaps, [], "{name} {n}");
                assert!(found.samples == plain.samples, "{name} {n}");
            }
        }
    }
}

#[test]
fn a_file_of_tags_alone_has_no_samples() {
    assert_eq!(
        decode_as("x.mp3", &id3v2()).unwrap_err(),
        "x.mp3 has a header but no audio samples; export or copy it again."
    );
}

/// The FLAC with these bytes at some places, and with blocks of metadata before its frames.
fn flac(patches: &[(usize, &[u8])], blocks: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = bytes_of("tone.flac");
    for (at, patch) in patches {
        bytes[*at..*at + patch.len()].copy_from_slice(patch);
    }
    let mut inserted = Vec::new();
    for (kind, content) in blocks {
        inserted.push(*kind);
        inserted.extend(&(content.len() as u32).to_be_bytes()[1..]);
        inserted.extend(*content);
    }
    // Behind the marker, a block's head, and the stream information, which is not the last block.
    assert_eq!(bytes[4], 0);
    bytes.splice(42..42, inserted);
    bytes
}

/// A checksum of a FLAC frame (RFC 9639, sections 9.1.8 and 9.3).
fn checksum(bytes: &[u8], bits: u32, polynomial: u32) -> u32 {
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << (bits - 8), |sum, _| {
            let carried = sum << 1
                ^ if sum >> (bits - 1) & 1 == 1 {
                    polynomial
                } else {
                    0
                };
            carried & ((1 << bits) - 1)
        })
    })
}

/// The FLAC as Flake wrote blocks of several sizes, before frames had a bit for that: numbered by their
/// first samples.
fn old_flake() -> Vec<u8> {
    let bytes = bytes_of("tone.flac");
    let is_frame = |at: &usize| {
        let frame = &bytes[*at..];
        frame.starts_with(b"\xff\xf8")
            && (5..10)
                .any(|end| frame.len() > end && checksum(&frame[..end], 8, 7) == frame[end].into())
    };
    let starts: Vec<usize> = (42..bytes.len()).filter(is_frame).collect();
    assert_eq!(starts.len(), 5, "blocks of 512 in 2400 samples");
    let mut old = flac(&[(8, &[0, 96])], &[])[..starts[0]].to_vec();
    for (n, &start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).copied().unwrap_or(bytes.len());
        let frame = &bytes[start..end];
        let head_bytes = (5..10)
            .find(|&end| checksum(&frame[..end], 8, 7) == frame[end].into())
            .unwrap();
        let mut new = frame[..4].to_vec();
        // Below 2^16, FLAC's numbers are coded as UTF-8.
        let number = char::from_u32(512 * n as u32).unwrap();
        new.extend(number.to_string().bytes());
        new.extend(&frame[5..head_bytes]);
        new.push(checksum(&new, 8, 7) as u8);
        new.extend(&frame[head_bytes + 1..frame.len() - 2]);
        new.extend((checksum(&new, 16, 0x8005) as u16).to_be_bytes());
        old.extend(new);
    }
    old
}

#[test]
fn odd_metadata_of_flac_is_passed_over() {
    let plain = decode_as("tone.flac", &bytes_of("tone.flac")).unwrap();
    // A catalog number, no lead-in, no CD; one track at sample 1, which is no CD frame.
    let cue_sheet = [&[0; 395][..], &[1], &[0, 0, 0, 0, 0, 0, 0, 1, 1], &[0; 27]].concat();
    let rows = [
        ("smallest block 0", flac(&[(8, &[0, 0])], &[])),
        ("smallest block 96", flac(&[(8, &[0, 96])], &[])),
        (
            "frames from 9 to 5 bytes",
            flac(&[(12, &[0, 0, 9, 0, 0, 5])], &[]),
        ),
        ("a cue sheet", flac(&[], &[(5, &cue_sheet)])),
        ("a broken comment", flac(&[], &[(4, b"\xff\xff\xff\x7fx")])),
        ("two seek tables", flac(&[], &[(3, &[0; 18]), (3, &[1; 7])])),
        ("a broken picture", flac(&[], &[(6, &[0xff; 30])])),
        ("old Flake", old_flake()),
    ];
    for (what, bytes) in rows {
        for found in [decode_as("x.flac", &bytes).expect(what), piped(&bytes)] {
            assert_eq!((&found.note, &found.gaps[..]), (&None, &[][..]), "{what}");
            assert!(found.samples == plain.samples, "{what}");
        }
    }
}

/// The length of its vendor's name leads out of the file.
#[test]
fn a_broken_comment_of_opus_is_passed_over() {
    let bytes = bytes_of("tone-opus.ogg");
    let plain = decode_as("tone-opus.ogg", &bytes).unwrap().samples;
    let name = b"OpusTags";
    let at = bytes.windows(8).position(|here| here == name).unwrap() + 8;
    let mut broken = bytes;
    broken[at..at + 4].copy_from_slice(b"\xff\xff\xff\x7f");
    assert!(decode_as("x.opus", &broken).unwrap().samples == plain);
    assert!(piped(&broken).samples == plain);
}

/// Each part has about its own length, and the format changes between.
#[test]
fn a_mono_part_inside_a_stereo_mp3_is_read() {
    let (stereo, mono) = (bytes_of("tone.mp3"), bytes_of("tone-mono.mp3"));
    let found = decode_as("x.mp3", &[&stereo[..], &mono, &stereo].concat()).unwrap();
    let [(0, 44_100, 2), (first, 44_100, 1), (second, 44_100, 2)] = found.formats[..] else {
        panic!("{:?}", found.formats)
    };
    let frames = second + (found.samples.len() - first * 2 - (second - first)) / 2;
    for part in [first, second - first, frames - second] {
        assert!(part.abs_diff(17_640) <= 3 * 1152, "{part} frames");
    }
    assert_eq!((found.gaps, found.note), (vec![], None));
}

#[test]
fn a_chained_ogg_goes_on_at_its_next_rate() {
    let (first, second) = (bytes_of("tone.ogg"), bytes_of("tone-48k.ogg"));
    let opus = bytes_of("tone-opus.ogg");
    let found = decode_as("x.ogg", &[&first[..], &second, &opus, &first].concat()).unwrap();
    let samples =
        [&first, &second, &opus, &first].map(|part| decode_as("x", part).unwrap().samples);
    assert!(found.samples == samples.concat());
    // Opus is at 48 kHz as well.
    let formats = [
        (0, 44_100, 2),
        (17_640, 48_000, 2),
        (17_640 + 2 * 19_200, 44_100, 2),
    ];
    assert_eq!(found.formats, formats);
    assert_eq!((found.gaps, found.note), (vec![], None));
}

#[test]
fn a_chained_part_that_cannot_be_read_keeps_what_came_before() {
    let first = bytes_of("tone.ogg");
    let mut unknown = bytes_of("tone-48k.ogg");
    unknown[28..35].copy_from_slice(b"Unknown");
    let found = decode_as("x.ogg", &[&first[..], &unknown].concat()).unwrap();
    assert!(found.samples == decode_as("x", &first).unwrap().samples);
}

#[test]
fn the_enabled_track_of_an_mp4_is_chosen() {
    let bytes = bytes_of("tone-tracks.mp4");
    let tone = decode_as("x", &bytes_of("tone.m4a")).unwrap().samples;
    assert!(decode_as("x.mp4", &bytes).unwrap().samples == tone);
    assert!(piped(&bytes).samples == tone);
    // Without an enabled track, the first is as good as any.
    let at = bytes
        .windows(7)
        .rposition(|here| here == b"tkhd\0\0\0")
        .unwrap();
    let mut disabled = bytes;
    disabled[at + 7] &= !1;
    let silence = decode_as("x.mp4", &disabled).unwrap().samples;
    assert!(silence.iter().all(|&x| x == 0.0));
}

/// The M4A with the configuration of HE-AAC around its AAC-LC: SBR, 44.1 kHz, stereo, extended to
/// 88.2 kHz.
#[test]
fn of_he_aac_the_aac_lc_part_is_read() {
    let mut bytes = bytes_of("tone.m4a");
    let plain = decode_as("tone.m4a", &bytes).unwrap().samples;
    // The descriptor of the configuration: its tag, its length, AAC-LC at 44.1 kHz.
    let config = b"\x05\x80\x80\x80\x05\x12\x10";
    let at = bytes.windows(7).position(|here| here == config).unwrap() + 5;
    bytes[at..at + 5].copy_from_slice(&[0b0010_1010, 0b0001_0000, 0b1000_1000, 0, 0]);
    let decoder = Decoder::from_reader(Cursor::new(bytes), "x").unwrap();
    assert!(decoder.is_core_only());
    let found = collect(Ok(decoder)).unwrap();
    assert_eq!((found.note, found.gaps), (None, vec![]));
    assert!(found.samples == plain);
}

/// Pro Tools leaves 0 as the length of the samples, and the right length of the file.
#[test]
fn samples_of_length_0_go_to_the_end_that_riff_states() {
    let mut bytes = bytes_of("tone.wav");
    let plain = decode_as("tone.wav", &bytes).unwrap().samples;
    bytes[40..44].fill(0);
    let found = decode_as("x.wav", &bytes).unwrap();
    assert_eq!((&found.note, found.samples == plain), (&None, true));
    assert!(piped(&bytes).samples == plain);
    // A chunk of its own after no samples is none of them.
    let empty = [&bytes[..44], b"LIST\x04\0\0\0INFO"].concat();
    let mut empty_of_length = empty;
    empty_of_length[4..8].copy_from_slice(&48_u32.to_le_bytes());
    assert_eq!(
        decode_as("x.wav", &empty_of_length).unwrap_err(),
        "x.wav has a header but no audio samples; export or copy it again."
    );
}
