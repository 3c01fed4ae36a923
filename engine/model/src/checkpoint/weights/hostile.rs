//! Hostile files of weights, each refused with its own message, and files with bytes changed at
//! random: nothing panics, and no tensor is larger than its file.

use std::fs;
use std::io::{Cursor, Write};

use zip::write::{SimpleFileOptions, ZipWriter};

use super::tests::fixture;
use super::*;

/// A torch archive with these entries below its folder.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in entries {
        zip.start_file(*name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn text(text: &str) -> Vec<u8> {
    let mut out = vec![b'X'];
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
    out
}

fn numbers(values: &[i32]) -> Vec<u8> {
    let mut out = vec![b'('];
    for value in values {
        out.push(b'J');
        out.extend(value.to_le_bytes());
    }
    out.push(b't');
    out
}

/// The instructions for a float tensor in `data/<key>`.
fn tensor(key: &str, count: i32, offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let number = |value: i32| [&b"J"[..], &value.to_le_bytes()].concat();
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text(key),
        text("cpu"),
        number(count),
        b"tQ".to_vec(),
        number(offset),
        numbers(shape),
        numbers(strides),
        b"\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ]
    .concat()
}

/// A dictionary with one value.
fn pickle(name: &str, value: &[u8]) -> Vec<u8> {
    [
        b"\x80\x02}".to_vec(),
        text(name),
        value.to_vec(),
        b"s.".to_vec(),
    ]
    .concat()
}

fn opened(bytes: &[u8], training: bool) -> Result<Weights, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.bin");
    fs::write(&path, bytes).unwrap();
    let weights = if training {
        Weights::open_training(&path)
    } else {
        Weights::open(&path)
    };
    weights.map_err(|error| error.to_string())
}

#[test]
fn archives_that_torch_never_writes_are_refused() {
    let good = pickle("w", &tensor("0", 4, 0, &[2, 2], &[2, 1]));
    let entries = [("a/data.pkl", &good[..]), ("a/data/0", &[0; 16][..])];
    assert_eq!(
        opened(&archive(&entries), false)
            .unwrap()
            .floats("w")
            .unwrap(),
        [0.0; 4]
    );
    let with = |name: &'static str, bytes: &'static [u8]| {
        archive(&[&entries[..], &[(name, bytes)]].concat())
    };
    let whole = archive(&entries);
    // Method 8 instead of 0, in the entry's own header and in the directory.
    let mut compressed = whole.clone();
    for (signature, at) in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)] {
        let entry = whole
            .windows(4)
            .position(|bytes| bytes == signature)
            .unwrap();
        compressed[entry + at] = 8;
    }
    let long = vec![b'0'; (17 << 20) as usize];
    for (bytes, expected) in [
        (b"\x80\x02}q\x00.".to_vec(), "PyTorch 1.6"),
        (Vec::new(), "PyTorch 1.6"),
        (whole[..whole.len() - 30].to_vec(), "damaged"),
        (archive(&entries[1..]), "no list of names"),
        (with("b/data.pkl", b"N."), "two lists"),
        (with("a/../../etc/passwd", b""), "leads out"),
        (with("/etc/passwd", b""), "leads out"),
        (with("a/byteorder", b"big"), "big-endian"),
        (compressed, "compressed"),
        (archive(&[("a/data.pkl", &long)]), "bytes long"),
        (archive(&entries[..1]), "has no bytes"),
    ] {
        let error = opened(&bytes, false).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn pickles_that_do_more_than_name_tensors_are_refused() {
    let os = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00echo\x85R.".to_vec();
    let getattr = pickle("w", b"c__builtin__\ngetattr\n.");
    let other_storage = pickle("w", b"(X\x07\x00\x00\x00storagectorch\nDoubleStorage\n");
    for (bytes, expected) in [
        (os, "os.system"),
        (getattr, "getattr"),
        (other_storage, "torch.DoubleStorage"),
        (b"\x80\x02(I1\nios\nsystem\n.".to_vec(), "instruction"),
        (b"\x80\x02\x82\x01.".to_vec(), "instruction"),
        (b"\x80\x02}".to_vec(), "ends in the middle"),
        (
            b"\x80\x02X\xff\xff\xff\xffab.".to_vec(),
            "ends in the middle",
        ),
        (b"\x80\x02h\x05.".to_vec(), "malformed"),
        (b"\x80\x02t.".to_vec(), "malformed"),
        (b"\x80\x02].".to_vec(), "not a dictionary"),
        (pickle("w", b"N"), "no tensor"),
    ] {
        let error = opened(&archive(&[("a/data.pkl", &bytes)]), false).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    // A training checkpoint may name any global, except in its weights.
    let inert = pickle(
        "state_dict",
        &[b"}".to_vec(), text("w"), b"cos\nsystem\n)Rs".to_vec()].concat(),
    );
    for (bytes, expected) in [
        (inert, "“w” in it is a “os.system”"),
        (pickle("epoch", b"K\x01"), "no “state_dict”"),
        (pickle("state_dict", b"K\x01"), "not a dictionary"),
    ] {
        let error = opened(&archive(&[("a/data.pkl", &bytes)]), true).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn tensors_with_false_sizes_are_refused() {
    for (value, expected) in [
        (tensor("1", 4, 0, &[4], &[1]), "has no bytes"),
        (tensor("../0", 4, 0, &[4], &[1]), "has no bytes"),
        (tensor("0", 5, 0, &[4], &[1]), "promised"),
        (tensor("0", i32::MAX, 0, &[4], &[1]), "promised"),
        (tensor("0", 4, 1, &[4], &[1]), "outside"),
        (tensor("0", 4, 0, &[4], &[2]), "outside"),
        (tensor("0", 4, 0, &[i32::MAX], &[0]), "outside"),
        (
            tensor("0", 4, 0, &[i32::MAX, i32::MAX, i32::MAX], &[0, 0, 0]),
            "outside",
        ),
        (tensor("0", 4, 0, &[4], &[1, 1]), "malformed shape"),
        (tensor("0", 4, -1, &[4], &[1]), "malformed"),
        (tensor("0", 4, 0, &[-4], &[1]), "malformed"),
    ] {
        let pickle = pickle("w", &value);
        let bytes = archive(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 16])]);
        let error = opened(&bytes, false).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let infinite = f32::INFINITY.to_le_bytes();
    let pickle = pickle("w", &tensor("0", 1, 0, &[1], &[1]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.bin");
    fs::write(
        &path,
        archive(&[("a/data.pkl", &pickle), ("a/data/0", &infinite)]),
    )
    .unwrap();
    let error = Weights::open(&path).unwrap().floats("w").unwrap_err();
    assert!(error.to_string().contains("not finite"), "{error}");
}

#[test]
fn safetensors_files_with_false_headers_are_refused() {
    let file = |header: &str, bytes: usize| {
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.resize(file.len() + bytes, 0);
        file
    };
    let header = |kind: &str, shape: &str, end: usize| {
        format!(r#"{{"w":{{"dtype":"{kind}","shape":{shape},"data_offsets":[0,{end}]}}}}"#)
    };
    let mut long = vec![0xff; 7];
    long.extend([0; 32]);
    for (bytes, expected) in [
        (vec![1, 2], "shorter than a header"),
        (long, "too long"),
        (file("{", 0), "no safetensors file"),
        (file(&header("F32", "[4]", 8), 8), "no safetensors file"),
        (
            file(&header("F32", "[99999999999,99999999999]", 8), 8),
            "no safetensors file",
        ),
        (file(&header("F32", "[4]", 16), 8), "beyond the file's end"),
        (file(&header("U8", "[4]", 4), 4), "instead of F32"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        fs::write(&path, bytes).unwrap();
        let error = Weights::open(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn files_with_bytes_changed_at_random_are_read_or_refused() {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut below = move |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 11) % end as u64) as usize
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut read, mut refused) = (0, 0);
    for (name, training, rounds) in [
        ("training.ckpt", true, 1_500),
        ("post-group/pytorch_model.bin", false, 500),
        ("post-layer-half/model.safetensors", false, 500),
    ] {
        let original = fs::read(fixture(name)).unwrap();
        let path = folder.path().join(Path::new(name).file_name().unwrap());
        // The lists of names are a small part of a file; most changes are made there.
        let names = [b"PK\x01\x02".as_slice(), b"_rebuild", b"dtype"];
        let interesting: Vec<usize> = (0..original.len())
            .filter(|at| names.iter().any(|name| original[*at..].starts_with(name)))
            .collect();
        for _ in 0..rounds {
            let mut bytes = original.clone();
            for _ in 0..=below(6) {
                let near = interesting[below(interesting.len())] + below(160);
                let at = if below(4) == 0 {
                    below(bytes.len())
                } else {
                    near % bytes.len()
                };
                bytes[at] = [0, 1, 0x7f, 0xff, b'R', b'h', b'(', below(256) as u8][below(8)];
            }
            if below(8) == 0 {
                bytes.truncate(below(bytes.len()));
            }
            fs::write(&path, &bytes).unwrap();
            let weights = if training {
                Weights::open_training(&path)
            } else {
                Weights::open(&path)
            };
            let Ok(weights) = weights else {
                refused += 1;
                continue;
            };
            read += 1;
            for name in weights.tensors().keys() {
                if let Ok(values) = weights.floats(name) {
                    assert!(values.len() <= bytes.len());
                }
            }
        }
    }
    assert!(
        read > 100 && refused > 100,
        "{read} read, {refused} refused"
    );
}
