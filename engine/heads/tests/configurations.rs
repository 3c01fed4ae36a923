//! Heads of checkpoints: the configuration is part of what a head was fitted on, not only the weights.

use std::fs;
use std::path::{Path, PathBuf};

use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::HeadError;
use mertscope_model::{HiddenStates, LayerSet, Model, hash_of_file};

/// A small checkpoint of MERT-v0's sizes in a folder called `name`, with a text replaced in a file.
fn checkpoint(root: &Path, name: &str, file: &str, [from, to]: [&str; 2]) -> Model {
    let thin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/checkpoints/thin");
    let folder: PathBuf = root.join(name);
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(thin).unwrap().flatten() {
        fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let text = fs::read_to_string(folder.join(file)).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(folder.join(file), text.replacen(from, to, 1)).unwrap();
    Model::open(&folder).unwrap()
}

#[test]
fn a_head_fits_no_other_configuration_of_its_weights() {
    let root = tempfile::tempdir().unwrap();
    let open = |n: usize, file: &str, edit: [&str; 2]| {
        checkpoint(&root.path().join(n.to_string()), "MERT-v0", file, edit)
    };
    let config = "config.json";
    let published = open(0, config, ["", ""]);
    // Heads from before configurations counted carry the hash of the weights alone.
    let weights = root.path().join("0/MERT-v0/pytorch_model.bin");
    assert_eq!(published.sha256(), hash_of_file(&weights).unwrap());

    let mut examples = LabeledExamples::default();
    for n in 0..4 {
        let value = [1.0, -1.0][n % 2];
        let hidden = HiddenStates {
            layers: 13,
            which: LayerSet::All,
            frames: None,
            window: None,
            width: 768,
            data: vec![value; 13 * 768],
        };
        let values = hidden.pooled_layer(7);
        let label = ["drop", "break"][n % 2];
        examples
            .mark(label, 7, &values, published.sha256())
            .unwrap();
    }
    let (head, _) = examples.fit("part", &published.manifest).unwrap();
    head.check(&published.manifest).unwrap();
    let preprocessor = "preprocessor_config.json";
    let edits = [
        (
            config,
            ["\"num_attention_heads\": 12", "\"num_attention_heads\": 8"],
        ),
        (
            config,
            ["\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": 0.5"],
        ),
        (
            config,
            [
                "\"do_stable_layer_norm\": false",
                "\"do_stable_layer_norm\": true",
            ],
        ),
        (
            preprocessor,
            ["\"do_normalize\": false", "\"do_normalize\": true"],
        ),
        (preprocessor, ["16000", "24000"]),
    ];
    let mut names = vec![published.sha256().to_owned()];
    for (n, (file, edit)) in edits.into_iter().enumerate() {
        let other = open(n + 1, file, edit);
        let error = head.check(&other.manifest).unwrap_err();
        assert!(
            matches!(error, HeadError::OtherModel { .. }),
            "{edit:?}: {error}"
        );
        assert!(error.to_string().contains(config), "{error}");
        names.push(other.sha256().to_owned());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 6);
}

/// The name of a configuration that is not published is kept in heads and projects: it must not change.
#[test]
fn the_name_of_a_configuration_stays() {
    let root = tempfile::tempdir().unwrap();
    let model = checkpoint(root.path(), "my own", "config.json", ["", ""]);
    assert_eq!(
        model.sha256(),
        "c3781afa3a0962fc36e83d17be8bb3d2fa5be8395760f87b3a2f9c7f5285d95b"
    );
}
