//! The file format of `torch.save` since version 1.6: a zip archive with uncompressed entries
//! `<root>/data.pkl`, the names, and `<root>/data/<key>`, the bytes.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::fs::File;
use std::io::{BufReader, Read};

use zip::CompressionMethod;
use zip::read::{ZipArchive, ZipFile};

use super::pickle::{Pickle, Ref, TensorView, UnknownGlobals, Value};
use super::tensor::Tensor;

/// Bytes of the largest list of names that is read: a hundred times that of the largest MERT model.
const MAX_PICKLE_BYTES: u64 = 16 << 20;

/// An archive: its list of names, and the places of its entries.
struct Archive {
    /// The folder of all entries.
    root: String,
    pickle: Vec<u8>,
    entries: HashMap<String, Entry>,
}

/// The place of an entry's bytes in the file.
struct Entry {
    start: u64,
    bytes: u64,
}

/// The tensors in the file, or in its `state_dict`, which a training checkpoint has; the error is a phrase.
pub(super) fn tensors(
    file: &File,
    unknown: UnknownGlobals,
) -> Result<BTreeMap<String, Tensor>, String> {
    let archive = Archive::open(file)?;
    let pickle = Pickle::read(&archive.pickle, unknown)?;
    let mapping = |at: Ref, subject: &str| match pickle.value(at) {
        Value::Mapping(mapping) => Ok(mapping),
        _ => Err(format!("{subject} is not a dictionary")),
    };
    let mut names = mapping(pickle.root(), "its content")?;
    let state = names
        .iter()
        .find_map(|(key, value)| match pickle.value(*key) {
            Value::Text(key) if key == "state_dict" => Some(*value),
            _ => None,
        });
    match state {
        Some(state) => names = mapping(state, "its “state_dict”")?,
        None if unknown == UnknownGlobals::Inert => {
            return Err("it has no “state_dict”".to_owned());
        }
        None => {}
    }
    let mut tensors = BTreeMap::new();
    for (key, value) in names {
        let Value::Text(name) = pickle.value(*key) else {
            return Err("it has a tensor without a name".to_owned());
        };
        let view = match pickle.value(*value) {
            Value::Tensor(view) => view,
            Value::Inert(global) => {
                return Err(format!(
                    "“{name}” in it is a “{}” instead of a tensor",
                    global.escape_debug()
                ));
            }
            _ => return Err(format!("“{name}” in it is no tensor")),
        };
        let tensor = archive
            .placed(view)
            .map_err(|reason| format!("its tensor “{name}” {reason}"))?;
        if tensors.insert(name.clone(), tensor).is_some() {
            return Err(format!("it has two tensors called “{name}”"));
        }
    }
    Ok(tensors)
}

impl Archive {
    fn open(file: &File) -> Result<Self, String> {
        let mut start = [0; 4];
        let mut reader = file;
        let read = reader.read(&mut start).unwrap_or(0);
        if read < 4 || start != *b"PK\x03\x04" {
            return Err(
                "it is not the zip archive that PyTorch 1.6 and newer write; save it again with \
                 a newer PyTorch, or as safetensors"
                    .to_owned(),
            );
        }
        let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(&e))?;
        let mut entries = HashMap::new();
        let mut found = None;
        for index in 0..archive.len() {
            let mut entry = archive.by_index_raw(index).map_err(|e| damaged(&e))?;
            let name = entry.name().map_err(|e| damaged(&e))?.into_owned();
            check(&name, &entry)?;
            if let Some(root) = name.strip_suffix("/data.pkl") {
                if entry.size() > MAX_PICKLE_BYTES {
                    return Err(format!("its list of names is {} bytes long", entry.size()));
                }
                let mut pickle = Vec::new();
                entry.read_to_end(&mut pickle).map_err(|e| damaged(&e))?;
                if found.replace((root.to_owned(), pickle)).is_some() {
                    return Err("it has two lists of names".to_owned());
                }
            }
            if name.ends_with("/byteorder") {
                let mut order = Vec::new();
                let read = entry.by_ref().take(16).read_to_end(&mut order);
                read.map_err(|e| damaged(&e))?;
                if order != b"little" {
                    return Err("it was written on a big-endian machine".to_owned());
                }
            }
            let place = Entry {
                start: entry.data_start().ok_or("its zip archive is damaged")?,
                bytes: entry.size(),
            };
            entries.insert(name, place);
        }
        let (root, pickle) = found.ok_or("it has no list of names (data.pkl)")?;
        Ok(Self {
            root,
            pickle,
            entries,
        })
    }

    /// A tensor's place in the file; the error continues a sentence that begins with the tensor's name.
    fn placed(&self, view: &TensorView) -> Result<Tensor, String> {
        let storage = &view.storage;
        let entry = self
            .entries
            .get(&format!("{}/data/{}", self.root, storage.key))
            .ok_or_else(|| format!("has no bytes (data/{})", storage.key.escape_debug()))?;
        let element_bytes = storage.element.bytes();
        if storage.count.checked_mul(element_bytes) != Some(entry.bytes) {
            return Err(format!(
                "has {} bytes instead of the {} promised numbers",
                entry.bytes, storage.count
            ));
        }
        if view.strides.len() != view.shape.len() {
            return Err("has a malformed shape".to_owned());
        }
        let tensor = Tensor {
            shape: view.shape.clone(),
            element: storage.element,
            start: view
                .offset
                .checked_mul(element_bytes)
                .and_then(|offset| entry.start.checked_add(offset))
                .ok_or("lies outside its bytes")?,
            strides: view.strides.clone(),
        };
        let fits = |count: Option<u64>| {
            count
                .and_then(|count| count.checked_add(view.offset))
                .is_some_and(|end| end <= storage.count)
        };
        // The count is checked too: strides of 0 would make many numbers out of a few bytes.
        if !fits(tensor.span()) || !fits(Tensor::count(&tensor.shape)) {
            return Err("lies outside its bytes".to_owned());
        }
        Ok(tensor)
    }
}

fn damaged(error: &dyn Display) -> String {
    format!("its zip archive is damaged ({error})")
}

/// Refuses entries that `torch.save` never writes. No entry is ever unpacked, whatever its name.
fn check<R: Read>(name: &str, entry: &ZipFile<'_, R>) -> Result<(), String> {
    let shown = name.escape_debug();
    let leads_out = name.starts_with('/') || name.contains(['\\', ':']);
    if leads_out || name.split('/').any(|part| part == "..") {
        return Err(format!("its entry “{shown}” leads out of it"));
    }
    if entry.encrypted() {
        return Err(format!("its entry “{shown}” is encrypted"));
    }
    if entry.compression() != CompressionMethod::Stored || entry.size() != entry.compressed_size() {
        return Err(format!(
            "its entry “{shown}” is compressed, which PyTorch never does"
        ));
    }
    Ok(())
}
