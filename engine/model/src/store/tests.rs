//! Receipts: the files match them, or there is an error message.

use super::*;
use crate::sha256;
use std::ops::ControlFlow;

/// A store with a model of two files, one of them outside the model's folder.
fn stored(root: &Path) -> (Store, Installed) {
    let store = Store::at(root.join("models"));
    let folder = store.folder("MERT-v0").unwrap();
    fs::create_dir_all(&folder).unwrap();
    let elsewhere = root.join("blob");
    let files = [
        ("config.json", folder.join("config.json"), "{}"),
        ("pytorch_model.bin", elsewhere, "weights"),
    ];
    let files = files.map(|(name, path, text)| {
        fs::write(&path, text).unwrap();
        InstalledFile {
            name: name.into(),
            path,
            size: text.len() as u64,
            sha256: sha256(text.as_bytes()),
        }
    });
    let model = Installed {
        id: "MERT-v0".into(),
        folder,
        revision: Some("0123abc".into()),
        source: "a test".into(),
        files: files.into(),
    };
    store.record(&model).unwrap();
    (store, model)
}

#[test]
fn a_recorded_model_is_found_and_removed_but_not_its_files_elsewhere() {
    let root = tempfile::tempdir().unwrap();
    let (store, model) = stored(root.path());
    assert_eq!(store.installed("MERT-v0").unwrap(), Some(model.clone()));
    assert_eq!(store.installed("MERT-v1-95M").unwrap(), None);
    assert_eq!(model.size(), 9);
    assert!(model.verify(|_| ControlFlow::Continue(())).is_ok());
    assert!(store.remove("MERT-v0").unwrap());
    assert!(!store.remove("MERT-v0").unwrap());
    assert_eq!(store.installed("MERT-v0").unwrap(), None);
    assert!(!model.folder.exists() && model.files[1].path.exists());
}

#[test]
fn a_changed_file_is_named_by_length_and_by_hash() {
    let root = tempfile::tempdir().unwrap();
    let (store, model) = stored(root.path());
    let weights = &model.files[1].path;
    fs::write(weights, "WEIGHTS").unwrap();
    assert!(
        store.installed("MERT-v0").is_ok(),
        "only the length is checked"
    );
    let error = model.verify(|_| ControlFlow::Continue(())).unwrap_err();
    // A fetch finds the lengths right, and would change nothing.
    let error = error.to_string();
    assert!(
        error.contains("SHA-256") && error.contains("models remove MERT-v0"),
        "{error}"
    );
    fs::write(weights, "short").unwrap();
    let error = store.installed("MERT-v0").unwrap_err().to_string();
    assert!(
        error.contains("blob") && error.contains("models fetch MERT-v0"),
        "{error}"
    );
    fs::remove_file(weights).unwrap();
    assert!(matches!(
        store.installed("MERT-v0"),
        Err(StoreError::Gone { .. })
    ));
    let stopped = model.verify(|_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(StoreError::Stopped)));
}

#[test]
fn an_invalid_receipt_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (store, model) = stored(root.path());
    let path = model.folder.join(RECEIPT);
    let good = fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("format = 1", "format = 2"),
        ("id = \"MERT-v0\"", "id = \"MERT-v1-95M\""),
        ("name = \"config.json\"", "name = \"../config.json\""),
        ("sha256 = \"", "sha256 = \"XY"),
        ("source = ", "surprise = "),
    ] {
        assert!(good.contains(from), "{from} is not in {good}");
        fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let error = store.installed("MERT-v0").unwrap_err();
        assert!(matches!(error, StoreError::Receipt { .. }), "{to}: {error}");
        assert!(error.to_string().contains("installed.toml"), "{error}");
    }
}

#[test]
fn an_id_never_leads_out_of_the_store() {
    let store = Store::at("/models".into());
    for id in ["", "..", ".hidden", "a/b", "a\\b", "C:x", "a\0", "é"] {
        assert!(
            matches!(store.folder(id), Err(StoreError::Name { .. })),
            "{id}"
        );
    }
    assert_eq!(
        store.folder("MERT-v0").unwrap(),
        Path::new("/models/MERT-v0")
    );
}
