//! Arrays on disk: `.npy` (NumPy format 1.0) and `.safetensors`, streamed, in constant memory.
//!
//! Layers are the first dimension of the result, but frames arrive window by window: each layer goes to
//! a temporary file, and the files are joined at the end. The result gets its name only when it is
//! complete.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use mertscope_model::HiddenStates;
use serde_json::json;
use tempfile::NamedTempFile;

/// Writes one array to disk. A link at its path stays one, and a pipe or device is written to.
pub(crate) struct ArrayWriter {
    path: PathBuf,
    is_special: bool,
    folder: PathBuf,
    layers: Vec<BufWriter<File>>,
    frames: Option<usize>,
    width: usize,
}

impl ArrayWriter {
    /// A writer for `path`, which appears only with [`ArrayWriter::finish`].
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let is_special = fs::metadata(path).is_ok_and(|there| !there.is_file());
        let path = match dunce::canonicalize(path) {
            Ok(target) if !is_special => target,
            _ => path.to_owned(),
        };
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        // A folder that can't be written fails now rather than after an hour of work.
        NamedTempFile::new_in(&folder)?;
        Ok(Self {
            path,
            is_special,
            folder,
            layers: Vec::new(),
            frames: None,
            width: 0,
        })
    }

    /// Appends frames `[layers, frames, width]`, or the one pooled result `[layers, width]`.
    pub(crate) fn push(&mut self, hidden: &HiddenStates) -> io::Result<()> {
        while self.layers.len() < hidden.layers {
            self.layers
                .push(BufWriter::new(tempfile::tempfile_in(&self.folder)?));
        }
        for (layer, file) in self.layers.iter_mut().enumerate() {
            for value in hidden.layer(layer) {
                file.write_all(&value.to_le_bytes())?;
            }
        }
        self.width = hidden.width;
        if let Some(frames) = hidden.frames {
            *self.frames.get_or_insert(0) += frames;
        }
        Ok(())
    }

    /// Writes the file, with `metadata` if the format supports it, and returns the shape:
    /// `[layers, frames, width]`, or `[layers, width]` when pooled; without the first dimension if
    /// `squeeze`.
    pub(crate) fn finish(
        self,
        metadata: &BTreeMap<&str, String>,
        squeeze: bool,
    ) -> io::Result<Vec<usize>> {
        let mut shape = vec![self.layers.len()];
        shape.extend(self.frames);
        shape.push(self.width);
        if squeeze {
            shape.remove(0);
        }
        let npy = self
            .path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("npy"));
        let header = if npy {
            npy_header(&shape)
        } else {
            safetensors_header(&shape, metadata)
        };
        if self.is_special {
            let mut target = File::options().write(true).open(&self.path)?;
            join(&header, self.layers, &mut target)?;
            return Ok(shape);
        }
        let mut target = NamedTempFile::new_in(&self.folder)?;
        join(&header, self.layers, &mut target)?;
        allow_reading(target.as_file())?;
        target.persist(&self.path).map_err(|error| error.error)?;
        Ok(shape)
    }
}

/// Writes the header and the layers after each other.
fn join(header: &[u8], layers: Vec<BufWriter<File>>, target: &mut dyn Write) -> io::Result<()> {
    target.write_all(header)?;
    for layer in layers {
        let mut file = layer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut file, target)?;
    }
    Ok(())
}

/// Makes the result as readable as the user's other files; temporary files are private.
#[cfg(unix)]
fn allow_reading(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn allow_reading(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Magic, version 1.0, header length, and a Python dictionary padded to a multiple of 64 bytes
/// (`numpy.lib.format`).
fn npy_header(shape: &[usize]) -> Vec<u8> {
    let numbers: Vec<String> = shape.iter().map(ToString::to_string).collect();
    // A tuple of one element needs its comma.
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut dictionary = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{comma}), }}",
        numbers.join(", ")
    );
    const PREFIX: usize = 10;
    let padding = (64 - (PREFIX + dictionary.len() + 1) % 64) % 64;
    dictionary.extend(std::iter::repeat_n(' ', padding));
    dictionary.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((dictionary.len() as u16).to_le_bytes());
    header.extend(dictionary.bytes());
    header
}

/// Header length and a JSON object padded to a multiple of 8 bytes.
fn safetensors_header(shape: &[usize], metadata: &BTreeMap<&str, String>) -> Vec<u8> {
    let bytes = shape.iter().product::<usize>() * 4;
    let mut text = json!({
        "__metadata__": metadata,
        "hidden_states": {"dtype": "F32", "shape": shape, "data_offsets": [0, bytes]},
    })
    .to_string();
    text.extend(std::iter::repeat_n(' ', (8 - text.len() % 8) % 8));
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.extend(text.bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::SafeTensors;

    fn window(first: f32) -> HiddenStates {
        HiddenStates {
            layers: 2,
            which: mertscope_model::LayerSet::All,
            frames: Some(2),
            window: None,
            width: 2,
            data: (0..8).map(|n| first + n as f32).collect(),
        }
    }

    /// Layer 0 of both windows, then layer 1 of both.
    const JOINED: [f32; 16] = [
        0., 1., 2., 3., 10., 11., 12., 13., 4., 5., 6., 7., 14., 15., 16., 17.,
    ];

    fn written(name: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut writer = ArrayWriter::new(&path).unwrap();
        writer.push(&window(0.0)).unwrap();
        writer.push(&window(10.0)).unwrap();
        assert!(!path.exists());
        let metadata = BTreeMap::from([("model", "tiny".to_owned())]);
        assert_eq!(writer.finish(&metadata, false).unwrap(), [2, 4, 2]);
        std::fs::read(path).unwrap()
    }

    #[test]
    fn npy_has_its_header_and_layers_first() {
        let bytes = written("x.npy");
        assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!((10 + length) % 64, 0);
        let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
        assert!(
            header.contains("'shape': (2, 4, 2)") && header.ends_with('\n'),
            "{header}"
        );
        let values: Vec<u8> = JOINED.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(bytes[10 + length..], values);
        assert!(String::from_utf8_lossy(&npy_header(&[7])).contains("'shape': (7,), "));
    }

    #[test]
    fn safetensors_reads_back_with_its_metadata() {
        let bytes = written("x.safetensors");
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = tensors.tensor("hidden_states").unwrap();
        assert_eq!(tensor.shape(), [2, 4, 2]);
        let values: Vec<u8> = JOINED.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(tensor.data(), values);
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap()["model"], "tiny");
    }

    #[test]
    fn a_missing_folder_fails_at_once() {
        assert!(ArrayWriter::new(Path::new("/nonexistent/folder/x.npy")).is_err());
    }
}
