//! The check of a server: what it says of itself and of the model, and whether that is the wanted model.
//!
//! The facts of an exported model are parameters of its configuration. Triton tells them at `/config`, an extension
//! of the protocol; others, such as MLServer, in the model's own metadata.

use std::time::Duration;

use serde_json::Value;

use crate::ServerError;
use crate::client::Client;

/// A parameter of an exported model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// The hash of everything that shapes its hidden states.
    Hash,
    /// The precision of its graph.
    Precision,
    /// The version of Mertscope that exported it.
    Version,
    /// The most windows at once.
    Batch,
}

/// All parameters.
pub const PARAMETERS: [Parameter; 4] = [
    Parameter::Hash,
    Parameter::Precision,
    Parameter::Version,
    Parameter::Batch,
];

impl Parameter {
    /// Its name in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hash => "mertscope_hash",
            Self::Precision => "mertscope_precision",
            Self::Version => "mertscope_version",
            Self::Batch => "mertscope_batch",
        }
    }
}

/// The model that is wanted of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name there.
    pub model: String,
    /// The hash of everything that shapes its hidden states.
    pub hash: String,
    /// The precision of its graph, such as `fp32`.
    pub precision: String,
    /// The name of its input, `[windows, samples]`.
    pub input: String,
    /// The names of the outputs, in the order in which their tensors are wanted.
    pub outputs: Vec<String>,
}

/// A server that has the wanted model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its own name and version, such as `triton 2.60.0`.
    pub name: String,
    /// The most windows that it runs at once.
    pub at_once: usize,
    /// Whether tensors are binary on the wire.
    pub binary: bool,
    /// Whether the input is in half precision on the wire.
    pub float16: bool,
}

/// Asks a server for itself and the wanted model.
pub(crate) fn check(
    client: &Client,
    wanted: &Wanted,
    float16: bool,
    limit: Duration,
) -> Result<Facts, ServerError> {
    let server = client.describe("v2", limit)?;
    let extensions = server["extensions"].as_array();
    let extensions = extensions.ok_or_else(|| nonsense("its metadata names no extensions"))?;
    let has = |name: &str| extensions.iter().any(|it| it.as_str() == Some(name));
    let of_model = |path: String| {
        client.describe(&path, limit).map_err(|error| match error {
            ServerError::Status { status, .. } if (400..500).contains(&status) => {
                ServerError::NoModel {
                    model: wanted.model.clone(),
                    status,
                }
            }
            other => other,
        })
    };
    let model = of_model(format!("v2/models/{}", wanted.model))?;
    let configuration = if has("model_configuration") {
        of_model(format!("v2/models/{}/config", wanted.model))?
    } else {
        model.clone()
    };
    let parameter = |parameter: Parameter| {
        let value = &configuration["parameters"][parameter.name()];
        // Triton wraps the text.
        let text = value.as_str().or_else(|| value["string_value"].as_str());
        text.map(str::to_owned)
    };
    let other = |difference: String| ServerError::Other {
        model: wanted.model.clone(),
        difference,
    };
    is_wanted(wanted, &parameter).map_err(other)?;
    let input_is_half = types(wanted, &model).map_err(other)?;
    let may_half = float16 && has("binary_tensor_data");
    if input_is_half && !may_half {
        return Err(other(
            "it takes half precision on the wire, which MERTSCOPE_SERVER_FLOAT16=1 allows"
                .to_owned(),
        ));
    }
    let batch = parameter(Parameter::Batch).and_then(|text| text.parse().ok());
    let name = |field: &str| printable(server[field].as_str().unwrap_or_default());
    Ok(Facts {
        name: format!("{} {}", name("name"), name("version"))
            .trim()
            .to_owned(),
        at_once: batch.unwrap_or(1).clamp(1, 64),
        binary: has("binary_tensor_data"),
        float16: input_is_half,
    })
}

/// Compares the model's parameters with those of the wanted one; the error is the difference, a phrase.
fn is_wanted(
    wanted: &Wanted,
    parameter: &dyn Fn(Parameter) -> Option<String>,
) -> Result<(), String> {
    let short = |hash: &str| printable(hash).chars().take(12).collect::<String>();
    let hash = parameter(Parameter::Hash);
    let hash =
        hash.ok_or("it was not exported by Mertscope, for its configuration names no hash")?;
    if hash != wanted.hash {
        let version = parameter(Parameter::Version).unwrap_or_default();
        return Err(format!(
            "its hash begins with {} instead of {} (exported by version {}, this is {})",
            short(&hash),
            short(&wanted.hash),
            printable(&version),
            env!("CARGO_PKG_VERSION")
        ));
    }
    let precision = parameter(Parameter::Precision).unwrap_or_default();
    if precision != wanted.precision {
        return Err(format!(
            "it runs in {} instead of {}",
            printable(&precision),
            wanted.precision
        ));
    }
    Ok(())
}

/// Checks the names and types of the model's input and outputs; returns whether its input is in half precision. The
/// error is the difference, a phrase.
fn types(wanted: &Wanted, model: &Value) -> Result<bool, String> {
    let type_of = |side: &str, name: &str| {
        let all = model[side].as_array()?;
        let named = all.iter().find(|it| it["name"].as_str() == Some(name))?;
        named["datatype"].as_str().map(str::to_owned)
    };
    let input = type_of("inputs", &wanted.input);
    let input = input.ok_or_else(|| format!("it has no input {:?}", wanted.input))?;
    for name in &wanted.outputs {
        let output = type_of("outputs", name);
        let output = output.ok_or_else(|| {
            format!("it has no output {name:?}, as the wanted hidden states need")
        })?;
        if output != input {
            return Err(format!("its output {name:?} is {}", printable(&output)));
        }
    }
    match input.as_str() {
        "FP32" => Ok(false),
        "FP16" => Ok(true),
        other => Err(format!("its input is {}", printable(other))),
    }
}

fn nonsense(reason: &str) -> ServerError {
    ServerError::Nonsense {
        reason: reason.to_owned(),
    }
}

/// A server's own word, as far as a message repeats it.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
