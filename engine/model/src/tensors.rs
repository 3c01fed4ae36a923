//! Safetensors files of named float tensors with metadata: read as data, and written so that equal
//! content gives equal bytes.
//!
//! Nothing in a file is run. Every shape and number is checked before use, and the file's own size
//! bounds the memory.

use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, SafeTensors};
use serde::de::DeserializeOwned;
use serde_json::json;

/// A parsed file.
pub struct TensorFile<'a> {
    tensors: SafeTensors<'a>,
    /// Its metadata.
    pub metadata: HashMap<String, String>,
}

/// A tensor's shape and values.
pub type ShapeAndValues = (Vec<usize>, Vec<f32>);

impl<'a> TensorFile<'a> {
    /// Parses a file; the error is a phrase that names the fault.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let no_file = |error| format!("no safetensors file ({error})");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(no_file)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(no_file)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        Ok(Self { tensors, metadata })
    }

    /// A field of the metadata.
    pub fn text(&self, name: &str) -> Result<&str, String> {
        self.metadata
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| format!("its metadata has no “{name}”"))
    }

    /// A field of the metadata that holds a JSON list.
    pub fn list<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>, String> {
        serde_json::from_str(self.text(name)?)
            .map_err(|_| format!("“{name}” in its metadata is not a JSON list"))
    }

    /// A float32 tensor with its shape, if it is there; a NaN or infinite number in it is an error.
    pub fn floats(&self, name: &str) -> Result<Option<ShapeAndValues>, String> {
        let Ok(tensor) = self.tensors.tensor(name) else {
            return Ok(None);
        };
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("“{name}” is {:?} instead of F32", tensor.dtype()));
        }
        let values: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .filter_map(|bytes| bytes.try_into().ok().map(f32::from_le_bytes))
            .collect();
        if values.iter().any(|value| !value.is_finite()) {
            return Err(format!("“{name}” holds numbers that are not finite"));
        }
        Ok(Some((tensor.shape().to_vec(), values)))
    }

    /// The values of a float32 tensor, which must exist and have this shape.
    pub fn shaped(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, String> {
        match self.floats(name)? {
            None => Err(format!("it has no “{name}”")),
            Some((shape, values)) if shape == expected => Ok(values),
            Some((shape, _)) => Err(format!(
                "“{name}” has the shape {shape:?} instead of {expected:?}"
            )),
        }
    }
}

/// The bytes of a file of float32 tensors (name, shape, values), in the given order.
///
/// The `safetensors` crate writes metadata in the order of a hash map, which differs in each run;
/// here the same content gives the same bytes, and so the same SHA-256.
pub fn serialize(
    metadata: &BTreeMap<String, String>,
    tensors: &[(&str, &[usize], &[f32])],
) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), json!(metadata));
    let mut end = 0;
    for (name, shape, values) in tensors {
        let start = end;
        end += 4 * values.len();
        let entry = json!({"dtype": "F32", "shape": shape, "data_offsets": [start, end]});
        header.insert((*name).to_owned(), entry);
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    // The format aligns the data to 8 bytes with spaces.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    for (.., values) in tensors {
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_file_is_read_back_and_equal_content_gives_equal_bytes() {
        let metadata: BTreeMap<String, String> = (0..20)
            .map(|n| (format!("field {n}"), format!("“{n}”")))
            .collect();
        let write = || {
            serialize(
                &metadata,
                &[("b", &[2, 1], &[1.5, -0.25]), ("a", &[1], &[3.0])],
            )
        };
        let bytes = write();
        assert_eq!(bytes, write());
        let file = TensorFile::parse(&bytes).unwrap();
        assert_eq!(file.text("field 7"), Ok("“7”"));
        assert_eq!(file.shaped("b", &[2, 1]).unwrap(), [1.5, -0.25]);
        assert_eq!(file.floats("a").unwrap(), Some((vec![1], vec![3.0])));
        assert!(file.floats("c").unwrap().is_none());
        assert!(file.shaped("a", &[2]).unwrap_err().contains("[1]"));
    }
}
