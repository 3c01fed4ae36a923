//! Compares the hidden states of two safetensors files: the found and the expected ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The differences of two sets of hidden states.
pub(super) struct Closeness {
    /// The number of hidden states.
    pub states: usize,
    /// The largest difference of two numbers.
    pub largest: f64,
    /// The largest difference of a hidden state's numbers, as a fraction of its rms or of 1.
    relative: f64,
    /// The smallest cosine of two hidden states.
    pub cosine: f64,
    /// The largest rms of a hidden state.
    pub rms: f64,
}

impl Closeness {
    /// Whether every difference is at most this fraction of its hidden state's rms, or of 1.
    pub(super) fn within(&self, part: f64) -> bool {
        self.relative <= part
    }
}

/// Compares `hidden_states_0` and so on in one file with the one tensor of the other, which has
/// the hidden states one after the other.
pub(super) fn closeness(expected: &Path, found: &Path) -> Result<Closeness> {
    let expected = tensors(expected)?;
    let found: Vec<f32> = tensors(found)?.into_values().flatten().collect();
    let mut rest = found.as_slice();
    let mut close = Closeness {
        states: 0,
        largest: 0.0,
        relative: 0.0,
        cosine: 1.0,
        rms: 0.0,
    };
    while let Some(state) = expected.get(&format!("hidden_states_{}", close.states)) {
        let Some((same, others)) = rest.split_at_checked(state.len()) else {
            bail!("there are fewer hidden states than expected");
        };
        rest = others;
        let pairs = || {
            state
                .iter()
                .zip(same)
                .map(|(a, b)| (f64::from(*a), f64::from(*b)))
        };
        let [aa, bb, ab] = pairs().fold([0.0; 3], |[aa, bb, ab], (a, b)| {
            [aa + a * a, bb + b * b, ab + a * b]
        });
        let largest = pairs().fold(0.0, |largest: f64, (a, b)| largest.max((a - b).abs()));
        let rms = (aa / state.len() as f64).sqrt();
        close.states += 1;
        close.largest = close.largest.max(largest);
        close.relative = close.relative.max(largest / rms.max(1.0));
        close.cosine = close.cosine.min(ab / (aa * bb).sqrt());
        close.rms = close.rms.max(rms);
    }
    if close.states == 0 || !rest.is_empty() || !close.cosine.is_finite() {
        bail!("there are other hidden states than expected");
    }
    Ok(close)
}

/// The float32 tensors of a safetensors file.
fn tensors(path: &Path) -> Result<BTreeMap<String, Vec<f32>>> {
    let wrong = || format!("{} is no safetensors file of float32", path.display());
    let bytes = fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
    let (length, rest) = bytes.split_first_chunk::<8>().with_context(wrong)?;
    let length = usize::try_from(u64::from_le_bytes(*length))?;
    let (header, data) = rest.split_at_checked(length).with_context(wrong)?;
    let header: BTreeMap<String, Value> = serde_json::from_slice(header).with_context(wrong)?;
    let mut tensors = BTreeMap::new();
    for (name, tensor) in header {
        if name == "__metadata__" {
            continue;
        }
        let at = |n: usize| {
            let offset = tensor["data_offsets"][n].as_u64()?;
            usize::try_from(offset).ok()
        };
        let range = at(0).with_context(wrong)?..at(1).with_context(wrong)?;
        let (chunks, _) = data.get(range).with_context(wrong)?.as_chunks::<4>();
        let values = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes));
        tensors.insert(name, values.collect());
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &Path, tensors: &[(&str, &[f32])]) {
        let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
        for (name, values) in tensors {
            let start = data.len();
            data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            let entry = serde_json::json!({
                "dtype": "F32", "shape": [values.len()], "data_offsets": [start, data.len()],
            });
            header.insert((*name).to_owned(), entry);
        }
        let header = Value::Object(header).to_string();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn the_worst_hidden_state_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (expected, found) = (folder.path().join("e"), folder.path().join("f"));
        file(
            &expected,
            &[
                ("hidden_states_0", &[1.0, 1.0]),
                ("hidden_states_1", &[30.0, 40.0]),
            ],
        );
        file(&found, &[("hidden", &[1.0, 1.0, 40.0, 30.0])]);
        let close = closeness(&expected, &found).unwrap();
        assert_eq!(close.states, 2);
        assert!((close.largest - 10.0).abs() < 1e-9);
        assert!((close.cosine - 0.96).abs() < 1e-9);
        assert!(close.within(0.3) && !close.within(0.25));
        file(&found, &[("hidden", &[1.0, 1.0, 40.0])]);
        assert!(closeness(&expected, &found).is_err());
    }
}
