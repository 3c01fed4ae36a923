//! What a user asks the model to be run on, as text: `auto`, `cpu`, `cuda`, `openvino`, `cuda:1`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A wish. Whether the machine can grant it is found out by trying; the CPU always can.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Choice {
    /// The fastest there is: a GPU, or else the CPU.
    #[default]
    Auto,
    /// ONNX Runtime's own CPU provider.
    Cpu,
    /// An execution provider, built into ONNX Runtime or from a library of its own.
    Provider {
        /// Its short name in lower case, such as `cuda` or `openvino`.
        name: String,
        /// Which of its devices, the first being 0; `None` leaves it to the provider.
        index: Option<u32>,
    },
}

/// Why a text names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{0}” is not the name of a device. Give auto, cpu, or a provider such as cuda, directml, coreml or openvino, with a \
     number after a colon for one of several (cuda:1); `mertscope doctor` lists what there is."
)]
pub struct NoSuchName(String);

impl Choice {
    /// A provider without a number.
    #[must_use]
    pub fn provider(name: &str) -> Self {
        Self::Provider {
            name: name.to_owned(),
            index: None,
        }
    }
}

impl FromStr for Choice {
    type Err = NoSuchName;

    fn from_str(text: &str) -> Result<Self, NoSuchName> {
        let wrong = || NoSuchName(text.to_owned());
        let lower = text.trim().to_lowercase();
        let (name, index) = match lower.split_once(':') {
            Some((name, index)) => (name, Some(index.parse().map_err(|_| wrong())?)),
            None => (lower.as_str(), None),
        };
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        match (name, index) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("auto" | "cpu" | "", _) => Err(wrong()),
            (name, index) if name.chars().all(is_plain) => Ok(Self::Provider {
                name: name.to_owned(),
                index,
            }),
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for Choice {
    type Error = NoSuchName;

    fn try_from(text: String) -> Result<Self, NoSuchName> {
        text.parse()
    }
}

impl From<Choice> for String {
    fn from(choice: Choice) -> Self {
        choice.to_string()
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Provider { name, index: None } => f.write_str(name),
            Self::Provider {
                name,
                index: Some(index),
            } => write!(f, "{name}:{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_survives_being_written_and_read() {
        for text in ["auto", "cpu", "cuda", "cuda:1", "nvtensorrtrtx", "my-own.2"] {
            let choice: Choice = text.parse().unwrap();
            assert_eq!(choice.to_string(), text);
            let json = serde_json::to_string(&choice).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Choice>(&json).unwrap(), choice);
        }
        assert_eq!(
            " TensorRT:0 ".parse::<Choice>().unwrap().to_string(),
            "tensorrt:0"
        );
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in [
            "", ":1", "cpu:1", "auto:0", "cuda:", "cuda:x", "cuda:-1", "a b", "../x",
        ] {
            let error = text.parse::<Choice>().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("doctor"), "{error}");
        }
    }
}
