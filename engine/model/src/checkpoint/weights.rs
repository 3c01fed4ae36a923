//! A file of named tensors. Opening it reads only the list of tensors; each tensor is read from its
//! place on request, so that the largest tensor bounds the memory, not the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::{bf16, f16};

use super::pickle::UnknownGlobals;
use super::tensor::{ElementType, Tensor};
use super::{CheckpointError, safe, shards, torch};

/// Named tensors: `pytorch_model.bin`, `model.safetensors`, an index with its files, or a training
/// checkpoint.
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    files: Vec<WeightsFile>,
    tensors: BTreeMap<String, Tensor>,
    /// The position in `files` of each tensor that is not in the first one.
    places: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct WeightsFile {
    path: PathBuf,
    file: File,
}

impl Weights {
    /// Opens a file of weights: safetensors by its extension, and otherwise the format of `torch.save`; or
    /// all the files that an index names. Nothing in it is run; anything other than weights in it is refused.
    ///
    /// # Errors
    /// [`CheckpointError`], when it can't be read or is no such file.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        if shards::is_index(&path.to_string_lossy()) {
            return Self::of_index(path);
        }
        let is_safe = path
            .extension()
            .is_some_and(|ending| ending == "safetensors");
        Self::read(path, |file| {
            if is_safe {
                safe::tensors(file)
            } else {
                torch::tensors(file, UnknownGlobals::Refused)
            }
        })
    }

    /// Opens all the files that an index names, as if they were one.
    fn of_index(path: &Path) -> Result<Self, CheckpointError> {
        let mut all = Self {
            path: path.to_owned(),
            files: Vec::new(),
            tensors: BTreeMap::new(),
            places: BTreeMap::new(),
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        for name in shards::names(path)? {
            let one = Self::open(&folder.join(name))?;
            for (name, tensor) in one.tensors {
                if all.tensors.contains_key(&name) {
                    let reason = format!("two of its files hold the tensor “{name}”");
                    return Err(CheckpointError::invalid(path, reason));
                }
                all.places.insert(name.clone(), all.files.len());
                all.tensors.insert(name, tensor);
            }
            all.files.extend(one.files);
        }
        Ok(all)
    }

    /// Opens a training checkpoint (`.ckpt`) for the tensors of its `state_dict`. Its other content is
    /// neither run nor kept.
    ///
    /// # Errors
    /// [`CheckpointError`], when it can't be read, or its `state_dict` holds anything other than tensors.
    pub fn open_training(path: &Path) -> Result<Self, CheckpointError> {
        Self::read(path, |file| torch::tensors(file, UnknownGlobals::Inert))
    }

    fn read(
        path: &Path,
        tensors: impl FnOnce(&File) -> Result<BTreeMap<String, Tensor>, String>,
    ) -> Result<Self, CheckpointError> {
        let file = File::open(path).map_err(|source| CheckpointError::unreadable(path, source))?;
        let tensors = tensors(&file).map_err(|reason| CheckpointError::invalid(path, reason))?;
        let length = file
            .metadata()
            .map_err(|source| CheckpointError::unreadable(path, source))?
            .len();
        for (name, tensor) in &tensors {
            let end = tensor
                .span()
                .and_then(|span| span.checked_mul(tensor.element.bytes()))
                .and_then(|bytes| tensor.start.checked_add(bytes));
            if end.is_none_or(|end| end > length) {
                let reason = format!("its tensor “{name}” would end beyond the file's end");
                return Err(CheckpointError::invalid(path, reason));
            }
        }
        let path = path.to_owned();
        Ok(Self {
            files: vec![WeightsFile {
                path: path.clone(),
                file,
            }],
            path,
            tensors,
            places: BTreeMap::new(),
        })
    }

    /// The file, or the index.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All the tensors by name.
    #[must_use]
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// A tensor's numbers in single precision, in the order of its shape, row by row.
    ///
    /// # Errors
    /// [`CheckpointError`], when the tensor isn't there or holds integers or NaN or infinite numbers,
    /// or when the file can't be read.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let place = self.places.get(name).copied().unwrap_or(0);
        let path = self.files.get(place).map_or(&self.path, |file| &file.path);
        let invalid = |reason: String| CheckpointError::invalid(path, reason);
        let tensor = self
            .tensors
            .get(name)
            .ok_or_else(|| invalid(format!("it has no tensor “{name}”")))?;
        let span = tensor.span().unwrap_or(0);
        let mut bytes = vec![0; (span * tensor.element.bytes()) as usize];
        let read = |mut file: &File| {
            file.seek(SeekFrom::Start(tensor.start))?;
            file.read_exact(&mut bytes)
        };
        let file = self.files.get(place).map(|file| &file.file);
        file.map_or(Ok(()), read)
            .map_err(|source| CheckpointError::unreadable(path, source))?;
        let values: Vec<f32> = match tensor.element {
            ElementType::F32 => numbers(&bytes, f32::from_le_bytes),
            ElementType::F16 => numbers(&bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            ElementType::Bf16 => numbers(&bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            ElementType::I64 => {
                return Err(invalid(format!("its tensor “{name}” holds integers")));
            }
        };
        drop(bytes);
        if values.iter().any(|value| !value.is_finite()) {
            return Err(invalid(format!(
                "its tensor “{name}” holds numbers that are not finite"
            )));
        }
        if tensor.strides == Tensor::contiguous(&tensor.shape) || values.is_empty() {
            return Ok(values);
        }
        Ok(gathered(&values, tensor))
    }
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| number(*chunk)).collect()
}

/// The elements of a tensor that is not contiguous, row by row.
fn gathered(values: &[f32], tensor: &Tensor) -> Vec<f32> {
    let mut out = Vec::new();
    let mut index = vec![0usize; tensor.shape.len()];
    loop {
        let axes = index.iter().zip(&tensor.strides);
        let at: u64 = axes.map(|(index, stride)| *index as u64 * stride).sum();
        out.extend(values.get(at as usize));
        let Some(axis) = (0..index.len())
            .rev()
            .find(|axis| index[*axis] + 1 < tensor.shape[*axis])
        else {
            return out;
        };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
