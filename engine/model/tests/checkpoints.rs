//! Published checkpoints through the public interface: opened as models, run in sessions.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mertscope_model::device::Choice;
use mertscope_model::{LayerSet, Model, ModelError, Precision, Session, SessionOptions, runtime};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/checkpoints")
        .join(name)
}

/// A tensor of the reference's results.
fn expected(name: &str, tensor: &str) -> Vec<f32> {
    let bytes = fs::read(fixture(name).join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (chunks, _) = tensors.tensor(tensor).unwrap().data().as_chunks::<4>();
    chunks
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

#[test]
fn sessions_normalize_as_configured_and_give_the_requested_layers() {
    let runtime = runtime::load(None).unwrap();
    let graphs = tempfile::tempdir().unwrap();
    for (name, rate_hz, normalizes) in [
        ("post-group", 24_000, false),
        ("post-group-bias", 16_000, true),
        ("pre-layer-bias", 24_000, true),
        ("data2vec", 16_000, true),
    ] {
        let model = Model::open(&fixture(name))
            .unwrap()
            .with_graphs_in(graphs.path());
        assert_eq!(model.manifest.id, name);
        assert_eq!(model.manifest.sample_rate_hz, rate_hz);
        assert_eq!(model.manifest.normalize, normalizes, "{name}");
        assert_eq!(model.manifest.layers.len(), 3);
        let model = Arc::new(model);
        let audio = expected(name, "audio");
        for wanted in [vec![0, 1, 2], vec![1]] {
            let options = SessionOptions {
                frames: true,
                layers: LayerSet::of(wanted.iter().copied(), 3),
                precision: Some(Precision::Fp32),
                device: Choice::Cpu,
                ..SessionOptions::default()
            };
            let mut session = Session::new(runtime, Arc::clone(&model), options).unwrap();
            let hidden = session.run(&audio).unwrap();
            assert_eq!((hidden.layers, hidden.width), (wanted.len(), 24));
            for layer in 0..3 {
                if !wanted.contains(&layer) {
                    assert!(hidden.layer(layer).is_empty());
                    continue;
                }
                let expected = expected(name, &format!("hidden_states_{layer}"));
                let difference = largest_difference(hidden.layer(layer), &expected);
                assert!(difference < 1e-4, "{name}, layer {layer}: {difference}");
            }
        }
    }
}

#[test]
fn a_graph_that_can_not_be_made_is_not_blamed_on_the_runtime() {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixture("post-group")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let graphs = tempfile::tempdir().unwrap();
    let model = Model::open(folder.path())
        .unwrap()
        .with_graphs_in(graphs.path());
    fs::write(folder.path().join("pytorch_model.bin"), "another file").unwrap();
    let runtime = runtime::load(None).unwrap();
    let error = Session::new(runtime, Arc::new(model), SessionOptions::default()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("is not the file that it was") && !error.contains("ONNX Runtime"),
        "{error}"
    );
}

#[test]
fn a_graph_that_can_not_be_kept_runs_from_memory_with_a_notice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no folder");
    fs::write(&file, "").unwrap();
    let session = |graphs: &Path| {
        let model = Model::open(&fixture("post-group")).unwrap();
        let model = Arc::new(model.with_graphs_in(graphs));
        let runtime = runtime::load(None).unwrap();
        Session::new(runtime, model, SessionOptions::default()).unwrap()
    };
    let mut unkept = session(&file);
    let notice = unkept.device().notice.clone().unwrap().text;
    assert!(notice.contains("free some space"), "{notice}");
    let audio: Vec<f32> = (0..8_000).map(|n| (n as f32 * 0.03).sin()).collect();
    let kept = tempfile::tempdir().unwrap();
    let expected = session(kept.path()).run(&audio).unwrap();
    assert_eq!(unkept.run(&audio).unwrap(), expected);
}

#[test]
fn an_incomplete_folder_is_an_error_that_names_the_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let copy = |file: &str| {
        fs::copy(fixture("post-group").join(file), folder.path().join(file)).unwrap();
    };
    let find = || Model::find(Some(&path));
    assert!(matches!(find(), Err(ModelError::Unknown { .. })));
    copy("config.json");
    assert!(matches!(find(), Err(ModelError::NoWeights { .. })));
    copy("pytorch_model.bin");
    let error = find().unwrap_err().to_string();
    assert!(error.contains("preprocessor_config.json"), "{error}");
    copy("preprocessor_config.json");
    let model = find().unwrap();
    assert_eq!(model.manifest.graph.min_samples, 400);
    assert!((model.manifest.window_s() - 5.0).abs() < 1e-9);
    let short = find().unwrap().with_window_s(2.5).unwrap();
    assert_eq!(short.manifest.window_samples, 60_000);
    for wrong in [0.001, 1e6, f64::NAN] {
        assert!(matches!(
            find().unwrap().with_window_s(wrong),
            Err(ModelError::Window { .. })
        ));
    }
    let fixed = Model::embedded().unwrap().with_window_s(2.5);
    assert!(matches!(fixed, Err(ModelError::Window { .. })));
    // The weights are its identity, whatever the folder's name.
    assert_eq!(
        model.sha256(),
        Model::open(&fixture("post-group")).unwrap().sha256()
    );
}

/// A checkpoint in safetensors with the reference's results, and its tensors.
const SAFE: &str = "pre-layer-bias";

/// A folder with the configuration of [`SAFE`], without weights.
fn without_weights() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "preprocessor_config.json"] {
        fs::copy(fixture(SAFE).join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn write_tensors(path: &Path, tensors: Vec<(String, TensorView<'_>)>) {
    fs::write(path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}

/// Checks that the model in `folder` gives the reference's hidden states; returns the notice on it.
fn gives_the_reference(folder: &Path, graphs: &Path) -> String {
    let model = Model::open(folder).unwrap().with_graphs_in(graphs);
    let options = SessionOptions {
        frames: true,
        device: Choice::Cpu,
        ..SessionOptions::default()
    };
    let runtime = runtime::load(None).unwrap();
    let mut session = Session::new(runtime, Arc::new(model), options).unwrap();
    let hidden = session.run(&expected(SAFE, "audio")).unwrap();
    for layer in 0..3 {
        let expected = expected(SAFE, &format!("hidden_states_{layer}"));
        let difference = largest_difference(hidden.layer(layer), &expected);
        assert!(difference < 1e-4, "layer {layer}: {difference}");
    }
    let notice = session.device().notice.clone();
    notice.map_or_else(String::new, |notice| notice.text)
}

#[test]
fn weights_over_several_files_are_one_model() {
    let bytes = fs::read(fixture(SAFE).join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let folder = without_weights();
    let (folder, graphs) = (folder.path(), tempfile::tempdir().unwrap());
    let index = folder.join("model.safetensors.index.json");
    let shard = |n: usize| format!("model-0000{}-of-00002.safetensors", n + 1);
    let mut halves = [Vec::new(), Vec::new()];
    let mut map = serde_json::Map::new();
    for (n, (name, tensor)) in tensors.tensors().into_iter().enumerate() {
        map.insert(name.clone(), shard(n % 2).into());
        halves[n % 2].push((name, tensor));
    }
    let [first, second] = halves;
    write_tensors(&folder.join(shard(0)), first.clone());
    write_tensors(&folder.join(shard(1)), second.clone());
    let write_index = |map: &serde_json::Map<String, serde_json::Value>| {
        let text = serde_json::json!({"metadata": {}, "weight_map": map});
        fs::write(&index, text.to_string()).unwrap();
    };
    write_index(&map);
    assert_eq!(gives_the_reference(folder, graphs.path()), "");
    // Every file is a part of its identity.
    let open = || Model::open(folder).map(|model| model.sha256().to_owned());
    let before = open().unwrap();
    let path = folder.join(shard(1));
    let mut changed = fs::read(&path).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&path, &changed).unwrap();
    assert_ne!(open().unwrap(), before);

    let session = || {
        let model = Model::open(folder)?.with_graphs_in(graphs.path());
        let runtime = runtime::load(None).unwrap();
        let session = Session::new(runtime, Arc::new(model), SessionOptions::default());
        Ok::<_, ModelError>(session.map(|_| ()).map_err(|error| error.to_string()))
    };
    fs::copy(folder.join(shard(0)), &path).unwrap();
    let twice = session().unwrap().unwrap_err();
    assert!(twice.contains("two of its files hold"), "{twice}");
    fs::remove_file(&path).unwrap();
    let error = session().unwrap_err().to_string();
    assert!(error.contains(&shard(1)), "{error}");
    for name in ["../x.safetensors", "/etc/passwd", "config.json"] {
        map.insert("lm_head.weight".to_owned(), name.into());
        write_index(&map);
        let error = session().unwrap_err().to_string();
        assert!(error.contains("no file of weights beside it"), "{error}");
    }
    for text in ["{}", "[]", "{\"weight_map\": {}}", "{"] {
        fs::write(&index, text).unwrap();
        let error = session().unwrap_err().to_string();
        assert!(
            error.contains("index.json can't be used"),
            "{text}: {error}"
        );
    }
}

#[test]
fn tensors_of_a_head_are_ignored_with_a_notice_and_others_refused() {
    let bytes = fs::read(fixture(SAFE).join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let graphs = tempfile::tempdir().unwrap();
    let values = [0; 4 * 24];
    let head = TensorView::new(safetensors::Dtype::F32, vec![4, 6], &values).unwrap();
    let folder = without_weights();
    // A network that was saved as a part of another one has a prefix.
    for (prefix, heads) in [
        ("", vec!["lm_head.weight"]),
        (
            "hubert.",
            vec![
                "classifier.weight",
                "final_proj.bias",
                "projector.weight",
                "quantizer.x",
            ],
        ),
    ] {
        let own = tensors.tensors().into_iter();
        let own = own.map(|(name, tensor)| (format!("{prefix}{name}"), tensor));
        let of_heads = heads.iter().map(|name| ((*name).to_owned(), head.clone()));
        let all = own.chain(of_heads).collect();
        write_tensors(&folder.path().join("model.safetensors"), all);
        let notice = gives_the_reference(folder.path(), graphs.path());
        assert!(
            notice.contains("not used") && notice.contains(heads[0]),
            "{notice}"
        );
        let more = if heads.len() > 3 { "1 more" } else { "" };
        assert!(notice.contains(more), "{notice}");
    }
    let mut all = tensors.tensors();
    all.push(("encoder.layers.0.adapter.weight".to_owned(), head));
    write_tensors(&folder.path().join("model.safetensors"), all);
    let model = Model::open(folder.path())
        .unwrap()
        .with_graphs_in(graphs.path());
    let runtime = runtime::load(None).unwrap();
    let error = Session::new(runtime, Arc::new(model), SessionOptions::default()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("adapter") && error.contains("the same place"),
        "{error}"
    );
}

/// What people find in the place of a file, and mistakes in choosing one: each with a remedy that helps.
#[test]
fn pages_pointers_and_other_networks_are_told_with_a_remedy_that_helps() {
    const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    const PAGE: &str = "<!doctype html>\n<html><body>Sign in</body></html>";
    let config = fs::read_to_string(fixture("post-group").join("config.json")).unwrap();
    let bert = config.replace("mert_model", "bert");
    let deep = config.replace("\"deepnorm\": false", "\"deepnorm\": true");
    let wide = config.replace("\"intermediate_size\": 48", "\"intermediate_size\": 64");
    let again = "again";
    for (file, text, words, without) in [
        (
            "pytorch_model.bin",
            POINTER,
            ["Git LFS pointer", "git lfs pull"],
            again,
        ),
        (
            "pytorch_model.bin",
            PAGE,
            ["a web page", "download button"],
            again,
        ),
        (
            "config.json",
            POINTER,
            ["Git LFS pointer", "git lfs pull"],
            again,
        ),
        (
            "config.json",
            PAGE,
            ["a web page", "download button"],
            again,
        ),
        (
            "preprocessor_config.json",
            PAGE,
            ["a web page", "download button"],
            again,
        ),
        (
            "config.json",
            &config[..40],
            ["no JSON", again],
            "models list",
        ),
        (
            "config.json",
            "{\"model_type\": \"vit\"}",
            ["config.json", "models list"],
            again,
        ),
        ("config.json", &bert, ["“bert”", "models list"], again),
        ("config.json", &deep, ["deepnorm", "models list"], again),
        (
            "config.json",
            &wide,
            ["does not fit", "the same place"],
            again,
        ),
        (
            "pytorch_model.bin",
            "PK nonsense",
            ["pytorch_model.bin can't be used", again],
            "LFS",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "config.json",
            "preprocessor_config.json",
            "pytorch_model.bin",
        ] {
            fs::copy(fixture("post-group").join(name), folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join(file), text).unwrap();
        let session = Model::open(folder.path()).map(|model| {
            let model = Arc::new(model.with_graphs_in(&folder.path().join("graphs")));
            let runtime = runtime::load(None).unwrap();
            Session::new(runtime, model, SessionOptions::default()).map(|_| ())
        });
        let error = match session {
            Err(error) => error.to_string(),
            Ok(session) => session.unwrap_err().to_string(),
        };
        assert!(
            words.iter().all(|word| error.contains(word)),
            "{words:?}: {error}"
        );
        assert!(!error.contains(without), "{error}");
    }
}
