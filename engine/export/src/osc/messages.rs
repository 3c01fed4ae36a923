//! The messages that `docs/osc.md` describes, of core types only (`i`, `f`, `s`).

use rosc::{OscMessage, OscPacket, OscType};

use mertscope_heads::timeline::TimedResult;
use mertscope_live::{ModelState, Snapshot, State};
use mertscope_music::{Key, KeyAnswer, Notation, Standing};

/// The most labels of a message, the most probable ones: it has to fit into one datagram.
const MOST_LABELS: usize = 16;

/// The longest text of a message, in bytes.
const LONGEST_TEXT: usize = 200;

fn message(address: &str, arguments: Vec<OscType>) -> OscPacket {
    OscPacket::Message(OscMessage {
        addr: address.to_owned(),
        args: arguments,
    })
}

/// A text without nulls, since an OSC string ends at its first one.
fn text(text: &str) -> OscType {
    let mut length = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    OscType::String(text[..length].replace('\0', "\u{fffd}"))
}

/// `/mertscope/state`
pub(super) fn state(instance: &str, snapshot: &Snapshot) -> OscPacket {
    let state = match snapshot.state {
        State::Idle => "idle",
        State::Stopped => "stopped",
        State::Silent => "silent",
        State::Analyzing => "analysing", // spelling as stored
    };
    let model = match snapshot.model.state {
        ModelState::Loading => "loading",
        ModelState::Ready => "ready",
        ModelState::Missing => "missing",
    };
    let running = snapshot.model.running.as_ref();
    let id = running.map_or("", |running| running.id.as_str());
    let mut arguments = [instance, state, model, id].map(text).to_vec();
    let restarts = i32::try_from(snapshot.restarts).unwrap_or(i32::MAX);
    arguments.push(OscType::Int(restarts));
    message("/mertscope/state", arguments)
}

/// The messages of one analyzed window.
pub(super) fn window<'a>(
    instance: &'a str,
    snapshot: &'a Snapshot,
    timed: &'a TimedResult,
) -> impl Iterator<Item = OscPacket> + use<'a> {
    let result = timed.result.as_ref();
    let begin = move || {
        vec![
            text(instance),
            OscType::Float(timed.start_s as f32),
            OscType::Float(timed.end_s as f32),
        ]
    };
    let key = result.and_then(|result| {
        let probabilities = result.key_smoothed.as_ref()?;
        let mut arguments = begin();
        arguments.extend(key(result.key_label(), probabilities)?);
        arguments.extend(result.key_answer.as_ref().map_or_else(Vec::new, standing));
        Some(message("/mertscope/key", arguments))
    });
    let genre = result.and_then(|result| {
        let labels = &snapshot.model.running.as_ref()?.genre_labels;
        let mut arguments = begin();
        arguments.extend(ranked(labels, result.genre_smoothed.as_ref()?));
        Some(message("/mertscope/genre", arguments))
    });
    let tuning = result.and_then(|result| {
        let tuning = result.tuning_smoothed?;
        let mut arguments = begin();
        arguments.extend([
            OscType::Float(tuning.cents),
            OscType::Float(tuning.certainty),
        ]);
        arguments.push(OscType::Int(i32::from(tuning.is_clear())));
        Some(message("/mertscope/tuning", arguments))
    });
    let running = snapshot.model.running.as_ref();
    let heads = running.map_or(&[][..], |running| &running.heads);
    let heads = heads.iter().filter_map(move |head| {
        let probabilities = result?.prediction_of(&head.sha256)?;
        let mut arguments = begin();
        arguments.extend([text(&head.id), text(&head.task)]);
        arguments.extend(ranked(&head.labels, probabilities));
        Some(message("/mertscope/head", arguments))
    });
    let distances = result.map_or(&[][..], |result| &result.distances);
    let references = distances.iter().filter_map(move |(id, distance)| {
        let mut all = snapshot.study.references.iter();
        let reference = all.find(|reference| *reference.id == **id)?;
        let mut arguments = begin();
        arguments.extend([text(&reference.name), OscType::Float(*distance)]);
        Some(message("/mertscope/reference", arguments))
    });
    let place = result.and_then(|result| result.point).map(|[x, y]| {
        let mut arguments = begin();
        arguments.extend([OscType::Float(x), OscType::Float(y)]);
        message("/mertscope/map", arguments)
    });
    key.into_iter()
        .chain(genre)
        .chain(tuning)
        .chain(heads)
        .chain(place)
        .chain(references)
}

/// The label and index of the key that is named (empty and -1 without one), then the label, the place on
/// the Camelot wheel and the probability of the most probable key.
fn key(named: Option<Key>, probabilities: &[f32; Key::COUNT]) -> Option<[OscType; 5]> {
    let indexed = probabilities.iter().enumerate();
    let (index, probability) = indexed.max_by(|a, b| a.1.total_cmp(b.1))?;
    let best = Key::from_index(index)?;
    Some([
        text(&named.map_or_else(String::new, Key::label)),
        OscType::Int(named.map_or(-1, |key| key.index() as i32)),
        text(&best.label()),
        text(&best.to_text(Notation::Camelot)),
        OscType::Float(*probability),
    ])
}

/// The runner-up, its probability, and how sure the answer is: `named`, `pair` or `unclear`.
fn standing(answer: &KeyAnswer) -> Vec<OscType> {
    let (second, probability) = answer.runner_up;
    let standing = match answer.standing {
        Standing::Named => "named",
        Standing::Pair => "pair",
        Standing::Unclear => "unclear",
    };
    vec![
        text(&second.label()),
        OscType::Float(probability),
        text(standing),
    ]
}

/// Labels and their probabilities, the most probable first.
fn ranked(labels: &[String], probabilities: &[f32]) -> Vec<OscType> {
    let mut ranked: Vec<_> = labels.iter().zip(probabilities).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(a.1));
    ranked
        .into_iter()
        .take(MOST_LABELS)
        .flat_map(|(label, probability)| [text(label), OscType::Float(*probability)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_labels() {
        let f_sharp_minor: Key = "F# minor".parse().unwrap();
        let mut probabilities = [0.0; Key::COUNT];
        probabilities[f_sharp_minor.index()] = 1.0;
        let arguments = key(Some(f_sharp_minor), &probabilities).unwrap();
        let label = OscType::String("Gb minor".to_owned());
        assert_eq!((&arguments[0], &arguments[2]), (&label, &label));
    }
}
