//! The label files of published heads: `GS.id2class.json`, which names a class for each output, or a
//! text with one label per line.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::head::Outputs;
use mertscope_music::Key;

/// Separates a tag's category from the tag in MTG-Jamendo: `mood/theme---film`.
const TAG: &str = "---";

/// GTZAN's genres in MARBLE's order, for its published file of labels is empty.
const GTZAN: [&str; 10] = [
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
];

/// The labels of a head, in the order of its outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Their names.
    pub names: Vec<String>,
    /// The meaning of the outputs, inferred from names and task.
    pub outputs: Outputs,
}

impl Labels {
    /// The labels of a task whose published label file is empty, `genre` or `GTZAN`, in MARBLE's order; `None` for
    /// other tasks.
    #[must_use]
    pub fn of_task(task: &str) -> Option<Self> {
        ["genre", "GTZAN"].contains(&task).then(|| Self {
            names: GTZAN.map(str::to_owned).into(),
            outputs: Outputs::Multiclass,
        })
    }

    /// Reads a label file for a head of the task `task`; an empty one as [`Labels::of_task`]. Keys may be in
    /// any notation. Several tags of MTG-Jamendo may hold at once; their labels leave out the category.
    ///
    /// # Errors
    /// A phrase with the reason.
    pub fn parse(text: &str, task: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if ["", "{}"].contains(&text) {
            return Self::of_task(task).ok_or_else(|| "it is empty".to_owned());
        }
        let names = if text.starts_with('{') {
            of_classes(text)?
        } else {
            let lines = text.lines().map(str::trim);
            lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let outputs = outputs(&names, task);
        let tags: Vec<String> = names
            .iter()
            .map(|name| {
                name.split_once(TAG)
                    .map_or(&**name, |(_, tag)| tag)
                    .to_owned()
            })
            .collect();
        let is_duplicate = |(n, tag): (usize, &String)| tags[..n].contains(tag);
        let names = if tags.iter().enumerate().any(is_duplicate) {
            names
        } else {
            tags
        };
        // A key head must name the 24 keys in their order, with our labels.
        let name = |name: String| match name.parse::<Key>() {
            Ok(key) if task == "key" => key.label(),
            _ => name,
        };
        Ok(Self {
            names: names.into_iter().map(name).collect(),
            outputs,
        })
    }
}

/// EMO's two outputs are quantities; several tags of MTG-Jamendo and MagnaTagATune may hold at once.
fn outputs(names: &[String], task: &str) -> Outputs {
    let is_of = |data_set: &str| {
        let start = task.get(..data_set.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(data_set))
    };
    if names == ["arousal", "valence"] || is_of("EMO") {
        Outputs::Regression
    } else if names.iter().all(|name| name.contains(TAG)) || is_of("MTG") || is_of("MTT") {
        Outputs::Multilabel
    } else {
        Outputs::Multiclass
    }
}

/// `{"0": "C major", …}`: a class for each output, a name or a number.
fn of_classes(text: &str) -> Result<Vec<String>, String> {
    let classes: BTreeMap<String, Value> = serde_json::from_str(text)
        .map_err(|error| format!("it is not a JSON object of classes ({error})"))?;
    let name = |output: usize| match classes.get(&output.to_string()) {
        Some(Value::String(name)) => Ok(name.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        _ => Err(format!("it names no class for output {output}")),
    };
    (0..classes.len()).map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, task: &str) -> (Vec<String>, Outputs) {
        let labels = Labels::parse(text, task).unwrap();
        (labels.names, labels.outputs)
    }

    #[test]
    fn classes_are_in_the_order_of_the_outputs() {
        let text = r#"{"10": "k", "0": "a", "1": 2, "2": "c", "3": "d", "4": "e", "5": "f", "6": "g", "7": "h", "8": "i", "9": "j"}"#;
        let (labels, outputs) = names(text, "letter");
        assert_eq!(labels.concat(), "a2cdefghijk");
        assert_eq!(outputs, Outputs::Multiclass);
        assert_eq!(names("\u{feff} a\r\n\nb\n", "letter").0, ["a", "b"]);
        assert_eq!(names("8A\n1m", "key").0, ["A minor", "A minor"]);
        assert_eq!(names("8A\n1m", "letter").0, ["8A", "1m"]);
    }

    #[test]
    fn an_empty_file_is_gtzans() {
        for text in ["", "{}\n", "\u{feff}"] {
            let (labels, outputs) = names(text, "genre");
            assert_eq!((labels.len(), outputs), (10, Outputs::Multiclass));
            assert_eq!((labels[4].as_str(), labels[9].as_str()), ("hiphop", "rock"));
            let refused = Labels::parse(text, "mood").unwrap_err();
            assert!(refused.contains("empty"), "{refused}");
        }
    }

    #[test]
    fn several_tags_may_hold_at_once_and_lose_their_category() {
        let moods = r#"{"0": "mood/theme---film", "1": "mood/theme---sad"}"#;
        assert_eq!(
            names(moods, "mood"),
            (vec!["film".into(), "sad".into()], Outputs::Multilabel)
        );
        // Unless two labels would be equal.
        let top = "genre---folk\nmood/theme---folk";
        let (labels, outputs) = names(top, "top50");
        assert_eq!(labels, ["genre---folk", "mood/theme---folk"]);
        assert_eq!(outputs, Outputs::Multilabel);
        for (text, task, outputs) in [
            ("a\nb", "mttTags", Outputs::Multilabel),
            ("arousal\nvalence", "emotion", Outputs::Regression),
            ("x\ny", "EMO", Outputs::Regression),
            ("x\ny", "µ", Outputs::Multiclass),
        ] {
            assert_eq!(names(text, task).1, outputs, "{task}");
        }
    }

    #[test]
    fn a_file_without_labels_is_refused_with_the_reason() {
        for (text, expected) in [
            (r#"{"0": "a", "2": "b"}"#, "output 1"),
            (r#"{"0": "a", "1": null}"#, "output 1"),
            ("{", "not a JSON"),
        ] {
            let reason = Labels::parse(text, "x").unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
