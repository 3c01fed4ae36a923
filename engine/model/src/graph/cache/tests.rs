use super::*;
use crate::LayerSet;
use crate::checkpoint::{self, CONFIG};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/checkpoints")
        .join(name)
}

fn variant(precision: Precision) -> Variant {
    Variant {
        precision,
        operators: Operators::Fused,
        frames: false,
        layers: LayerSet::All,
    }
}

#[test]
fn a_graph_is_made_once_and_made_again_when_it_is_damaged() {
    let root = tempfile::tempdir().unwrap();
    let folder = fixture("post-group");
    let network = checkpoint::network(&folder.join(CONFIG)).unwrap();
    let weights = folder.join("pytorch_model.bin");
    let sha256 = hash_of_file(&weights).unwrap();
    let source = CheckpointSource {
        network: &network,
        weights: &weights,
        sha256: &sha256,
    };
    let fp32 = variant(Precision::Fp32);
    let path_and_notice = |variant: &Variant| match file(root.path(), source, variant).unwrap() {
        GraphSource::File { path, notice } => {
            (path, notice.map_or_else(String::new, |notice| notice.text))
        }
        GraphSource::Memory(_) => panic!("a graph of a checkpoint has a file"),
    };
    let get = |variant: &Variant| path_and_notice(variant).0;
    let (first, notice) = path_and_notice(&fp32);
    assert_eq!(notice, "");
    assert!(first.starts_with(root.path().join(&sha256)));
    let bytes = fs::read(&first).unwrap();
    assert_ne!(get(&variant(Precision::Int8)), first);
    // A whole file is found again and not written.
    let mut permissions = fs::metadata(&first).unwrap().permissions();
    let before = fs::metadata(&first).unwrap().modified().unwrap();
    permissions.set_readonly(true);
    fs::set_permissions(&first, permissions).unwrap();
    assert_eq!(get(&fp32), first);
    assert_eq!(fs::metadata(&first).unwrap().modified().unwrap(), before);
    // One bit, a missing half, a missing hash.
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    for damaged in [&changed[..], &bytes[..bytes.len() / 2]] {
        fs::remove_file(&first).unwrap();
        fs::write(&first, damaged).unwrap();
        let (path, notice) = path_and_notice(&fp32);
        assert_eq!(path, first);
        assert!(notice.contains("not the file that was written"), "{notice}");
        assert_eq!(fs::read(&first).unwrap(), bytes);
        assert_eq!(path_and_notice(&fp32).1, "");
    }
    let hash = first.with_extension("sha256");
    fs::remove_file(&hash).unwrap();
    assert!(
        path_and_notice(&fp32)
            .1
            .contains("its hash could not be read")
    );
    fs::remove_file(&first).unwrap();
    assert!(path_and_notice(&fp32).1.contains("it could not be read"));
    assert_eq!(
        fs::read_to_string(hash).unwrap(),
        hash_of_file(&first).unwrap()
    );
    // Nothing temporary is left.
    let files = fs::read_dir(root.path().join(&sha256)).unwrap().count();
    assert_eq!(files, 4);
}

#[test]
fn changed_weights_and_an_unwritable_folder_are_errors() {
    let root = tempfile::tempdir().unwrap();
    let folder = fixture("post-group");
    let network = checkpoint::network(&folder.join(CONFIG)).unwrap();
    let weights = folder.join("pytorch_model.bin");
    let sha256 = hash_of_file(&weights).unwrap();
    let get = |root: &Path, sha256: &str| {
        let source = CheckpointSource {
            network: &network,
            weights: &weights,
            sha256,
        };
        file(root, source, &variant(Precision::Fp32))
            .unwrap_err()
            .to_string()
    };
    let error = get(root.path(), &"0".repeat(64));
    assert!(error.contains(&sha256), "{error}");
    let file = root.path().join("a file");
    fs::write(&file, "").unwrap();
    let error = get(&file, &sha256);
    assert!(
        error.contains("free some space") && error.contains("MB"),
        "{error}"
    );
}
