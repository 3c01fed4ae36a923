//! The safetensors format: a JSON header with the tensors' names, types, shapes and places, then the
//! bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::tensor::{ElementType, Tensor};

/// Bytes of the largest header that is read.
const MAX_HEADER_BYTES: u64 = 16 << 20;

/// The tensors in the file; the error is a phrase.
pub(super) fn tensors(mut file: &File) -> Result<BTreeMap<String, Tensor>, String> {
    let wrong = |detail: &str| format!("it is no safetensors file ({detail})");
    let mut length = [0; 8];
    file.read_exact(&mut length)
        .map_err(|_| wrong("it is shorter than a header"))?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES {
        return Err(wrong("its header is too long"));
    }
    let mut header = Vec::new();
    file.take(length)
        .read_to_end(&mut header)
        .map_err(|error| wrong(&error.to_string()))?;
    // Also checks that the tensors follow each other and have the lengths of their shapes.
    let metadata: Metadata =
        serde_json::from_slice(&header).map_err(|error| wrong(&error.to_string()))?;
    metadata
        .tensors()
        .into_iter()
        .map(|(name, info)| {
            let element = match info.dtype {
                Dtype::F32 => ElementType::F32,
                Dtype::F16 => ElementType::F16,
                Dtype::BF16 => ElementType::Bf16,
                Dtype::I64 => ElementType::I64,
                other => {
                    return Err(format!(
                        "its tensor “{name}” holds {other:?} instead of F32, F16 or BF16"
                    ));
                }
            };
            let tensor = Tensor {
                strides: Tensor::contiguous(&info.shape),
                shape: info.shape.clone(),
                element,
                start: 8 + length + info.data_offsets.0 as u64,
            };
            Ok((name, tensor))
        })
        .collect()
}
