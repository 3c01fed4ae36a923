//! The user's choice of a device, as text: `auto`, `cpu`, `cuda`, `openvino`, `cuda:1`, `remote`,
//! `remote:https://gpu.example:8000`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A requested device. Whether the machine has it shows only when it is tried; the CPU is always there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Choice {
    /// The fastest one available: a GPU, or else the CPU.
    #[default]
    Auto,
    /// ONNX Runtime's own CPU provider.
    Cpu,
    /// An execution provider, built into ONNX Runtime or from a library of its own.
    Provider {
        /// Its short name in lower case, such as `cuda` or `openvino`.
        name: String,
        /// The index of its device, from 0; `None` leaves it to the provider.
        index: Option<u32>,
    },
    /// A server of the open inference protocol v2.
    Remote {
        /// Its address; `None` for the one in `MERTSCOPE_SERVER`.
        server: Option<String>,
    },
}

/// The error for a text that names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{0}” is not the name of a device. Give auto, cpu, remote, or a provider such as cuda, directml, coreml or openvino, \
     with a number after a colon for one of several (cuda:1); `mertscope doctor` lists the devices."
)]
pub struct ParseChoiceError(String);

impl Choice {
    /// A provider without a number.
    #[must_use]
    pub fn provider(name: &str) -> Self {
        Self::Provider {
            name: name.to_owned(),
            index: None,
        }
    }

    /// A server at this address, or the one in `MERTSCOPE_SERVER` when it is empty.
    #[must_use]
    pub fn remote(server: &str) -> Self {
        let server = server.trim();
        Self::Remote {
            server: (!server.is_empty()).then(|| server.to_owned()),
        }
    }
}

impl FromStr for Choice {
    type Err = ParseChoiceError;

    fn from_str(text: &str) -> Result<Self, ParseChoiceError> {
        let wrong = || ParseChoiceError(text.to_owned());
        if let Some(server) = text.trim().strip_prefix("remote:") {
            // What is wrong with an address shows when it is used.
            return Ok(Self::remote(server));
        }
        let lower = text.trim().to_lowercase();
        let (name, index) = match lower.split_once(':') {
            Some((name, index)) => (name, Some(index.parse().map_err(|_| wrong())?)),
            None => (lower.as_str(), None),
        };
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        match (name, index) {
            ("auto", None) => Ok(Self::Auto),
            ("cpu", None) => Ok(Self::Cpu),
            ("remote", None) => Ok(Self::remote("")),
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
    type Error = ParseChoiceError;

    fn try_from(text: String) -> Result<Self, ParseChoiceError> {
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
            Self::Remote { server: None } => f.write_str("remote"),
            Self::Remote {
                server: Some(server),
            } => write!(f, "remote:{server}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_back_as_written() {
        for text in [
            "auto",
            "cpu",
            "cuda",
            "cuda:1",
            "nvtensorrtrtx",
            "my-own.2",
            "remote",
            "remote:http://192.168.1.20:8000/Path",
        ] {
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
    fn a_text_that_names_no_device_is_refused() {
        for text in [
            "", ":1", "cpu:1", "auto:0", "cuda:", "cuda:x", "cuda:-1", "a b", "../x",
        ] {
            let error = text.parse::<Choice>().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("doctor"), "{error}");
        }
    }
}
