//! Requests and answers as bytes: JSON, with the tensors behind it in binary where the server takes that.

mod document;

use half::f16;
use serde_json::{Value, json};

use crate::ServerError;
use crate::check::{Facts, Wanted};
use crate::client::{Answer, JSON_LENGTH};
use document::{Document, Output};

/// A tensor of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its sizes.
    pub shape: Vec<i64>,
    /// Its values, as many as the product of the sizes.
    pub values: Vec<f32>,
}

/// A request: its bytes, and the length of its JSON when a tensor follows.
pub(crate) struct Message {
    pub(crate) body: Vec<u8>,
    pub(crate) json_length: Option<usize>,
}

/// The request for `count` windows of equal length, `audio`, `[count, samples]`.
pub(crate) fn request(wanted: &Wanted, facts: &Facts, audio: &[f32], count: usize) -> Message {
    let datatype = if facts.float16 { "FP16" } else { "FP32" };
    let mut input = json!({
        "name": wanted.input,
        "shape": [count, audio.len() / count.max(1)],
        "datatype": datatype,
    });
    let names = wanted.outputs.iter();
    let outputs: Vec<Value> = if facts.binary {
        names
            .map(|name| json!({"name": name, "parameters": {"binary_data": true}}))
            .collect()
    } else {
        names.map(|name| json!({"name": name})).collect()
    };
    if !facts.binary {
        // In double precision, so that the same number comes out whoever reads it.
        input["data"] = audio.iter().map(|x| f64::from(*x)).collect();
        let body = json!({"inputs": [input], "outputs": outputs}).to_string();
        return Message {
            body: body.into_bytes(),
            json_length: None,
        };
    }
    let bytes: Vec<u8> = if facts.float16 {
        let halves = audio.iter().map(|x| f16::from_f32(*x));
        halves.flat_map(f16::to_le_bytes).collect()
    } else {
        audio.iter().flat_map(|x| x.to_le_bytes()).collect()
    };
    input["parameters"] = json!({"binary_data_size": bytes.len()});
    let mut body = json!({"inputs": [input], "outputs": outputs})
        .to_string()
        .into_bytes();
    let json_length = Some(body.len());
    body.extend(bytes);
    Message { body, json_length }
}

/// The tensors of an answer, in the order of the wanted outputs.
pub(crate) fn tensors(wanted: &Wanted, answer: &Answer) -> Result<Vec<Tensor>, ServerError> {
    read(wanted, answer).map_err(|reason| ServerError::Nonsense { reason })
}

fn read(wanted: &Wanted, answer: &Answer) -> Result<Vec<Tensor>, String> {
    let length = match answer.headers.get(JSON_LENGTH) {
        Some(text) => {
            let length = text.to_str().ok().and_then(|text| text.trim().parse().ok());
            length.ok_or("the length of its JSON is no number")?
        }
        None => answer.body.len(),
    };
    let (json, mut rest) = answer
        .body
        .split_at_checked(length)
        .ok_or("its JSON is longer than its answer")?;
    let document: Document = serde_json::from_slice(json)
        .map_err(|error| format!("its answer is no list of outputs in JSON ({error})"))?;
    let mut all: Vec<Option<Tensor>> = vec![None; wanted.outputs.len()];
    // Binary tensors follow each other in the order of the outputs.
    for output in document.outputs {
        let size = output
            .parameters
            .as_ref()
            .and_then(|it| it.binary_data_size);
        let binary = match size {
            Some(size) => {
                let split = rest.split_at_checked(usize::try_from(size).unwrap_or(usize::MAX));
                let (bytes, after) = split.ok_or("its tensors end early")?;
                rest = after;
                Some(bytes)
            }
            None => None,
        };
        if let Some(place) = wanted.outputs.iter().position(|it| *it == output.name) {
            all[place] = Some(tensor(output, binary)?);
        }
    }
    let named = all.into_iter().zip(&wanted.outputs);
    named
        .map(|(tensor, name)| tensor.ok_or_else(|| format!("its answer lacks the output {name:?}")))
        .collect()
}

/// One output; `binary` when it is not in the JSON.
fn tensor(output: Output, binary: Option<&[u8]>) -> Result<Tensor, String> {
    let shape = output.shape.unwrap_or_default();
    if shape.is_empty() || shape.iter().any(|size| *size < 1) {
        return Err("a shape is not one of numbers above 0".to_owned());
    }
    let values = match (binary, output.datatype.as_str()) {
        (Some(bytes), "FP32") => {
            let (fours, rest) = bytes.as_chunks::<4>();
            whole(rest)?;
            fours.iter().map(|four| f32::from_le_bytes(*four)).collect()
        }
        (Some(bytes), "FP16") => {
            let (twos, rest) = bytes.as_chunks::<2>();
            whole(rest)?;
            twos.iter()
                .map(|two| f16::from_le_bytes(*two).to_f32())
                .collect()
        }
        (None, "FP32" | "FP16") => {
            let data = output.data.unwrap_or_default();
            if data.has_others {
                return Err("its data is not a list of numbers".to_owned());
            }
            data.numbers
        }
        _ => return Err("its hidden states are neither FP32 nor FP16".to_owned()),
    };
    let count = shape
        .iter()
        .try_fold(1i64, |all, size| all.checked_mul(*size));
    if count != i64::try_from(values.len()).ok() {
        return Err(format!("{} values have the shape {shape:?}", values.len()));
    }
    Ok(Tensor { shape, values })
}

fn whole(rest: &[u8]) -> Result<(), String> {
    match rest {
        [] => Ok(()),
        _ => Err("a tensor ends within a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use ureq::http::HeaderMap;

    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            model: "m".into(),
            hash: String::new(),
            precision: "fp32".into(),
            input: "audio".into(),
            outputs: vec!["a".into(), "b".into()],
        }
    }

    fn answer(json: &Value, tensors: Option<&[u8]>) -> Answer {
        let mut body = json.to_string().into_bytes();
        let mut headers = HeaderMap::new();
        if let Some(tensors) = tensors {
            headers.insert(JSON_LENGTH, body.len().into());
            body.extend(tensors);
        }
        Answer { headers, body }
    }

    #[test]
    fn binary_tensors_are_found_in_whatever_order_they_come() {
        let output = |name: &str, size: usize| {
            json!({"name": name, "datatype": "FP32", "shape": [1, size / 4],
                "parameters": {"binary_data_size": size}})
        };
        let json = json!({"outputs": [output("b", 8), output("x", 4), output("a", 4)]});
        let bytes: Vec<u8> = [1.5f32, -0.1, 9.0, 7.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let all = tensors(&wanted(), &answer(&json, Some(&bytes))).unwrap();
        assert_eq!(
            (&*all[0].values, &*all[1].values),
            (&[7.0][..], &[1.5, -0.1][..])
        );
        assert_eq!(all[1].shape, [1, 2]);
        let error = tensors(&wanted(), &answer(&json, Some(&bytes[..12]))).unwrap_err();
        assert!(error.to_string().contains("end early"), "{error}");
        let json = json!({"outputs": [output("b", 4), output("a", 5)]});
        let error = tensors(&wanted(), &answer(&json, Some(&bytes[..9]))).unwrap_err();
        assert!(error.to_string().contains("within a number"), "{error}");
    }

    #[test]
    fn nested_lists_and_outputs_of_other_types_are_read() {
        let output = |name: &str, datatype: &str, data: Value| json!({"name": name, "datatype": datatype, "shape": [1, 2], "data": data});
        let json = json!({"model_name": "m", "outputs": [
            output("text", "BYTES", json!(["x", {"y": [1]}])),
            output("a", "FP32", json!([[1, -2.5]])),
            output("b", "FP16", json!([3, 4])),
        ]});
        let all = tensors(&wanted(), &answer(&json, None)).unwrap();
        assert_eq!(
            (&*all[0].values, &*all[1].values),
            (&[1.0, -2.5][..], &[3.0, 4.0][..])
        );
    }

    #[test]
    fn every_number_survives_json() {
        let audio: Vec<f32> = (0..2000u32)
            .map(|n| f32::from_bits(n.wrapping_mul(2_654_435_761) % 0x7f00_0000))
            .collect();
        let facts = Facts {
            name: String::new(),
            at_once: 1,
            binary: false,
            float16: false,
        };
        let message = request(&wanted(), &facts, &audio, 2);
        let sent: Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!(sent["inputs"][0]["shape"], json!([2, 1000]));
        let output = json!({"name": "a", "datatype": "FP32", "shape": [2000], "data": sent["inputs"][0]["data"]});
        let read: Output = serde_json::from_value(output).unwrap();
        assert_eq!(tensor(read, None).unwrap().values, audio);
    }

    #[test]
    fn what_is_no_tensor_is_named() {
        let one = |output: Value| answer(&json!({"outputs": [output]}), None);
        for (answer, words) in [
            (answer(&json!([]), None), "no list of outputs"),
            (
                answer(&json!({"outputs": vec![json!({}); 1025]}), None),
                "more than 1024 outputs",
            ),
            (
                one(json!({"name": "a", "datatype": "FP32", "shape": [3], "data": [1, 2]})),
                "2 values",
            ),
            (
                one(json!({"name": "a", "datatype": "BYTES", "shape": [1], "data": ["x"]})),
                "neither",
            ),
            (
                one(json!({"name": "a", "datatype": "FP32", "shape": [-1], "data": []})),
                "shape",
            ),
            (
                one(json!({"name": "a", "datatype": "FP32", "shape": [1], "data": [null]})),
                "not a list of numbers",
            ),
            (
                one(json!({"name": "a", "datatype": "FP32", "shape": [1], "data": [1]})),
                "lacks",
            ),
        ] {
            let error = tensors(&wanted(), &answer).unwrap_err().to_string();
            assert!(error.contains(words), "{words}: {error}");
        }
    }
}
