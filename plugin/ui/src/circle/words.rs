//! The circle in words: its text equivalent, and the tooltip of a key.

use mertscope_music::{Key, KeyAnswer, Notation, Standing};

use super::middle::waiting;
use crate::key_answer::{guess, is_uncalibrated};
use crate::text;
use crate::tuning;
use crate::view_context::ViewContext;

/// Whether a mix from one key into the other keeps all notes but at most one: true of the relative key
/// and of the neighbors on the circle in the same mode.
pub(super) fn mixes(current: Key, key: Key) -> bool {
    let same_mode = key.mode() == current.mode();
    key == current.relative()
        || same_mode && [5, 7].iter().any(|fifth| key == current.transposed(*fifth))
}

/// The tooltip of a key.
pub(super) fn about(
    context: &ViewContext<'_>,
    key: Key,
    probability: Option<f32>,
    answer: Option<&KeyAnswer>,
) -> String {
    use Notation::{Camelot, OpenKey, Traditional};
    let names = [Traditional, Camelot, OpenKey]
        .map(|notation| key.to_text(notation))
        .join(" · ");
    let probability = probability.map_or_else(String::new, |p| format!("\n{}", text::percent(p)));
    let relation = answer
        .and_then(KeyAnswer::named)
        .and_then(|current| Some((current, relation(current, key)?)))
        .map_or_else(String::new, |(current, relation)| {
            let current = current.to_text(context.parameters.notation);
            format!("\n{relation} {current}")
        });
    format!("{names}{probability}{relation}\nClick to copy")
}

fn relation(current: Key, key: Key) -> Option<&'static str> {
    match key {
        _ if key == current => Some("The current key:"),
        _ if key == current.relative() => Some("Relative key of"),
        _ if key == current.parallel() => Some("Parallel key of"),
        _ if key == current.transposed(7) => Some("A fifth above"),
        _ if key == current.transposed(5) => Some("A fifth below"),
        _ => None,
    }
}

/// The picture in words.
pub(super) fn description(context: &ViewContext<'_>, answer: Option<&KeyAnswer>) -> String {
    if context.result().is_none() {
        let (first, second) = waiting(context);
        return format!("Key: {first}. {second}.");
    }
    let Some(answer) = answer else {
        return format!("Key: {}.", context.no_head("key"));
    };
    let notation = context.parameters.notation;
    let [first, second] = [answer.best, answer.runner_up].map(|of| guess(context, of));
    let mut words = match answer.standing {
        Standing::Named => {
            let mixing = Key::all().filter(|key| mixes(answer.best.0, *key));
            let mixing: Vec<String> = mixing.map(|key| key.to_text(notation)).collect();
            let mixing = mixing.join(", ");
            format!("Key: {first}. Runner-up: {second}. Mixes with {mixing}.")
        }
        Standing::Pair => {
            let [a, b] = [answer.best, answer.runner_up].map(|(key, _)| key.to_text(notation));
            format!("Key: {a} or {b}? Not sure yet: {first}, {second}.")
        }
        Standing::Unclear => format!("Key: no clear key. Best guesses: {first}, {second}."),
    };
    if is_uncalibrated(context, "key") {
        words.push_str(" The figures are not calibrated.");
    }
    if let Some(tuning) = tuning::shown(context) {
        words.push_str(&format!(" Tuning: {}.", tuning::spoken(tuning)));
    }
    if answer.standing != Standing::Unclear {
        words.push_str(" Enter copies it.");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_mixes_with_its_relative_and_neighbors() {
        let a_minor: Key = "A minor".parse().unwrap();
        let mut mixing: Vec<String> = Key::all()
            .filter(|k| mixes(a_minor, *k))
            .map(|k| k.to_string())
            .collect();
        mixing.sort();
        assert_eq!(mixing, ["C major", "D minor", "E minor"]);
    }
}
