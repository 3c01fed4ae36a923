//! The file read back event by event, by a reader of its own that knows only the standard.

use super::*;
use crate::sample;
use crate::segments::merge;
use mertscope_heads::timeline::Timeline;

/// An event: its tick, kind and data.
type Event = (u32, u8, Vec<u8>);

fn quantity(bytes: &mut &[u8]) -> u32 {
    let mut value = 0;
    loop {
        let (&first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value = value << 7 | u32::from(first & 0x7F);
        if first < 0x80 {
            return value;
        }
    }
}

fn events(file: &[u8]) -> Vec<Event> {
    assert_eq!(&file[..14], b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0");
    assert_eq!(&file[14..18], b"MTrk");
    let length = u32::from_be_bytes(file[18..22].try_into().unwrap()) as usize;
    let mut bytes = &file[22..];
    assert_eq!(bytes.len(), length);
    let (mut tick, mut events) = (0, Vec::new());
    while !bytes.is_empty() {
        tick += quantity(&mut bytes);
        assert_eq!(bytes[0], 0xFF);
        let kind = bytes[1];
        bytes = &bytes[2..];
        let length = quantity(&mut bytes) as usize;
        let (data, rest) = bytes.split_at(length);
        events.push((tick, kind, data.to_vec()));
        bytes = rest;
    }
    assert_eq!(events.last().unwrap().1, 0x2F);
    events
}

fn changes(timeline: &Timeline) -> KeyChanges {
    let mut changes = KeyChanges::default();
    timeline.results.iter().for_each(|timed| changes.add(timed));
    changes
}

fn markers(events: &[Event]) -> Vec<(u32, String)> {
    let markers = events.iter().filter(|(_, kind, _)| *kind == 0x06);
    markers
        .map(|(tick, _, text)| (*tick, String::from_utf8(text.clone()).unwrap()))
        .collect()
}

#[test]
fn a_modulation_is_two_signatures_at_the_ticks_of_its_times() {
    let timeline = sample::modulating().outcome.unwrap();
    let events = events(&midi("modulating.flac", &changes(&timeline)));
    assert_eq!(events[0], (0, 0x03, b"modulating.flac".to_vec()));
    assert_eq!(events[1], (0, 0x51, vec![0x07, 0xA1, 0x20]));
    let signatures: Vec<_> = events.iter().filter(|(_, k, _)| *k == 0x59).collect();
    let [first, second] = signatures[..] else {
        panic!("{signatures:?}");
    };
    // A minor has no accidentals, C minor three flats.
    assert_eq!((&first.2[..], &second.2[..]), (&[0, 1][..], &[253, 1][..]));
    let merged = merge(&timeline.results, |r| {
        r.result.as_ref().unwrap().key_label()
    });
    let c_minor: Key = "C minor".parse().unwrap();
    let change = merged.iter().find(|c| c.label == Some(c_minor)).unwrap();
    assert_eq!(f64::from(second.0), (change.start_s * 960.0).round());
    assert_eq!(events.last().unwrap().0, 32 * 960);
    let markers = markers(&events);
    assert_eq!(markers[0], (first.0, "A minor (8A)".to_owned()));
    assert!(markers.contains(&(second.0, "C minor (5A)".to_owned())));
}

#[test]
fn what_has_no_key_is_marked_and_has_no_signature() {
    let timeline = sample::mixed().outcome.unwrap();
    let events = events(&midi("mixed.wav", &changes(&timeline)));
    let texts: Vec<String> = markers(&events).into_iter().map(|(_, t)| t).collect();
    for text in ["silence", "audio missing", "no clear key", "G major (9B)"] {
        assert!(texts.iter().any(|t| t == text), "{text} in {texts:?}");
    }
    let named = texts.iter().filter(|text| text.contains('(')).count();
    let signatures = events.iter().filter(|(_, kind, _)| *kind == 0x59).count();
    assert_eq!(named, signatures);
}

#[test]
fn markers_spell_keys_as_musicians_do() {
    let report = sample::file("sharp.wav", 20, |_| (Status::Ok, "Gb minor", 0, 1.4));
    let events = events(&midi("sharp.wav", &changes(&report.outcome.unwrap())));
    assert!(
        markers(&events)
            .iter()
            .any(|(_, text)| text == "F# minor (11A)")
    );
}

#[test]
fn signatures_are_those_of_the_circle_of_fifths() {
    for (key, expected) in [
        ("C major", [0u8, 0]),
        ("G major", [1, 0]),
        ("B major", [5, 0]),
        ("F# major", [6, 0]),
        ("Db major", [251, 0]),
        ("F major", [255, 0]),
        ("E minor", [1, 1]),
        ("F# minor", [3, 1]),
        ("Eb minor", [250, 1]),
        ("D minor", [255, 1]),
    ] {
        let signature = signature(key.parse().unwrap());
        let [accidentals, is_minor] = expected;
        let expected = MetaMessage::KeySignature(accidentals as i8, is_minor == 1);
        assert_eq!(signature, expected, "{key}");
    }
}

#[test]
fn times_before_zero_and_very_late_ones_stay_in_the_file() {
    let mut timeline = sample::modulating().outcome.unwrap();
    for (n, timed) in timeline.results.iter_mut().enumerate() {
        timed.start_s += if n < 8 { -10.0 } else { 1e9 };
        timed.end_s += if n < 8 { -10.0 } else { 1e9 };
    }
    let long = "ä".repeat(300);
    let events = events(&midi(&long, &changes(&timeline)));
    assert_eq!(events[0].2.len(), 254);
    assert_eq!(events[2].0, 0);
    let empty = midi("", &KeyChanges::default());
    assert_eq!(self::events(&empty).len(), 3);
}
