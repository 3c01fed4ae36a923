//! Checkpoints of the published format, small and with seeded random weights, from the hub to results:
//! fetched over a connection that breaks, made into a graph that equals the reference implementation,
//! and used on files and live.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mertscope_audio::tap::{Transport, tap};
use mertscope_live::{Controls, Hop, Live, ModelState, Settings, Snapshot};
use mertscope_model::{Precision, runtime};
use mertscope_tests::hub::Faults;
use mertscope_tests::{CommandOutput, chord, mertscope, output_of, repository, wav};
use safetensors::SafeTensors;

use super::home::{Home, fails_with, files_below, succeeds};

/// Models whose lengths are not pinned, each with a small checkpoint of its kind. Such a checkpoint has
/// other layers than the model: it is refused under the model's name and accepted by its folder's path.
const MODELS: [(&str, &str); 4] = [
    ("MERT-v0-public", "post-group-bias"),
    ("MERT-v0", "post-group"),
    ("MERT-v1-330M", "pre-group"),
    ("music2vec-v1", "data2vec"),
];

pub(crate) fn fixture(kind: &str) -> PathBuf {
    repository("tests/fixtures/checkpoints").join(kind)
}

/// Publishes the checkpoint of a kind as a model of the hub.
pub(crate) fn publish(home: &Home, id: &str, kind: &str) {
    for name in [
        "config.json",
        "preprocessor_config.json",
        "pytorch_model.bin",
    ] {
        let bytes = fs::read(fixture(kind).join(name)).unwrap();
        home.hub.publish(&format!("m-a-p/{id}"), name, bytes);
    }
}

/// Makes `command` run in this home, with the ONNX Runtime of the real one.
pub(crate) fn at_home<'a>(home: &Home, command: &'a mut Command) -> &'a mut Command {
    let library = runtime::candidates(None).unwrap();
    let library = library.into_iter().find(|path| path.exists());
    command
        .env("HOME", home.path(""))
        .env("XDG_DATA_HOME", home.path("data"))
        .env("XDG_CACHE_HOME", home.path("cache"))
        .env(
            "ORT_DYLIB_PATH",
            library.expect("ONNX Runtime is installed"),
        )
}

/// Writes the frames of all hidden states of `audio` to `out.npy`.
pub(crate) fn embed(home: &Home, model: &str, audio: &[f32], rate_hz: u32) -> CommandOutput {
    let song = home.path("song.wav");
    fs::write(&song, wav(rate_hz, 1, audio)).unwrap();
    let mut embed = mertscope();
    embed
        .arg("embed")
        .arg(&song)
        .arg("--out")
        .arg(home.path("out.npy"));
    embed.args(["--model", model, "--pool", "none", "--whole"]);
    output_of(at_home(home, &mut embed))
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let value = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
    bytes.chunks_exact(4).map(value).collect()
}

#[test]
fn fetched_models_give_the_hidden_states_of_the_reference() {
    let home = Home::new();
    for (id, kind) in MODELS {
        publish(&home, id, kind);
        home.hub.fault(Faults {
            cut: Some((1, 40_000)),
            ..Faults::default()
        });
        succeeds(&home.run(&["fetch", id, "--yes"]));
        assert_eq!(home.hub.asked_second().len(), 2, "it was taken up again");
        home.hub.forget();

        let sentence = embed(&home, id, &chord(16_000, 1.0), 16_000);
        fails_with(&sentence, 1, &[id, "config.json", "layers"]);
        let folder = home.models().join(id);
        gives_the_hidden_states_of_the_reference(&home, folder.to_str().unwrap(), &fixture(kind));
    }
}

/// Checks that a model gives the hidden states that its maker has written into the folder `made`.
pub(crate) fn gives_the_hidden_states_of_the_reference(home: &Home, model: &str, made: &Path) {
    let expected = fs::read(made.join("expected.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&expected).unwrap();
    let audio = floats(expected.tensor("audio").unwrap().data());
    // MuQ has no such file, and takes 24 kHz.
    let preprocessor = fs::read(made.join("preprocessor_config.json"));
    let rate_hz = preprocessor.map_or(24_000, |bytes| {
        let preprocessor: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        preprocessor["sampling_rate"].as_u64().unwrap() as u32
    });
    succeeds(&embed(home, model, &audio, rate_hz));

    let mut reference = Vec::new();
    for index in 0.. {
        match expected.tensor(&format!("hidden_states_{index}")) {
            Ok(layer) => reference.push(floats(layer.data())),
            Err(_) => break,
        }
    }
    let bytes = fs::read(home.path("out.npy")).unwrap();
    let count: usize = reference.iter().map(Vec::len).sum();
    let ours = floats(&bytes[bytes.len() - 4 * count..]);
    let mut start = 0;
    for (index, layer) in reference.iter().enumerate() {
        let ours = &ours[start..start + layer.len()];
        start += layer.len();
        let squares: f32 = layer.iter().map(|x| x * x).sum();
        let rms = (squares / layer.len() as f32).sqrt();
        let off = layer.iter().zip(ours).map(|(a, b)| (a - b).abs());
        let worst = off.fold(0.0, f32::max);
        assert!(
            worst <= 1e-4 * rms.max(1.0),
            "{model}, layer {index}: {worst}"
        );
    }
    assert!(reference.len() > 2);
}

#[test]
fn a_fetched_model_analyzes_files_and_is_removed_with_its_graphs() {
    let home = Home::new();
    let song = home.path("song.wav");
    fs::write(&song, wav(16_000, 1, &chord(16_000, 8.0))).unwrap();
    let analyze = |model: &Path| {
        let mut analyze = mertscope();
        analyze.arg("analyze").arg(&song).arg("--json");
        output_of(at_home(&home, analyze.arg("--model").arg(model)))
    };
    fails_with(&analyze(Path::new("MERT-v0")), 1, &["models fetch MERT-v0"]);
    publish(&home, "MERT-v0", "post-group");
    succeeds(&home.run(&["fetch", "MERT-v0", "--yes"]));
    let analyzed = analyze(&home.model());
    succeeds(&analyzed);
    assert_eq!(
        analyzed.json()["model"]["id"],
        "MERT-v0",
        "{}",
        analyzed.out
    );
    let graphs = home.path("cache/mertscope/graphs");
    let count = |folder: &Path| fs::read_dir(folder).map_or(0, Iterator::count);
    assert_eq!(count(&graphs), 1);
    assert!(!analyzed.err.contains("rebuilt"), "{}", analyzed.err);
    // A damaged graph is made again, with a notice.
    let is_graph = |file: &PathBuf| file.extension().is_some_and(|it| it == "onnx");
    for graph in files_below(&graphs).iter().filter(|file| is_graph(file)) {
        fs::write(graph, "nonsense").unwrap();
    }
    let again = analyze(&home.model());
    assert_eq!(again.json()["files"], analyzed.json()["files"]);
    assert!(
        again.err.contains("was rebuilt, since it is not"),
        "{}",
        again.err
    );
    succeeds(&home.run(&["remove", "MERT-v0"]));
    assert_eq!(count(&graphs), 0);
}

/// The model has the published size; all of its values are zero, so that its file is sparse.
#[test]
#[ignore = "long: builds and runs a graph of MERT-v0's full size"]
fn a_model_of_full_size_runs_under_its_name() {
    let home = Home::new();
    let source = home.path("MERT-v0");
    fs::create_dir(&source).unwrap();
    let config = fs::read_to_string(fixture("post-group").join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    for (name, value) in [
        ("num_conv_pos_embeddings", 128),
        ("num_conv_pos_embedding_groups", 16),
        ("num_hidden_layers", 12),
        ("hidden_size", 768),
        ("num_attention_heads", 12),
        ("intermediate_size", 3072),
    ] {
        config[name] = value.into();
    }
    config["conv_dim"] = vec![512; 7].into();
    fs::write(source.join("config.json"), config.to_string()).unwrap();
    let preprocessor = fixture("post-group").join("preprocessor_config.json");
    fs::copy(preprocessor, source.join("preprocessor_config.json")).unwrap();
    zeros(&source.join("model.safetensors"));
    succeeds(&home.run(&["import", source.to_str().unwrap(), "--yes"]));
    let audio = chord(16_000, 5.0);
    succeeds(&embed(&home, "MERT-v0", &audio, 16_000));
    let frames = (audio.len() - 400) / 320 + 1;
    let written = fs::metadata(home.path("out.npy")).unwrap().len();
    assert!(written > (13 * frames * 768 * 4) as u64);
}

/// A checkpoint of MERT-v0's tensors, all zero.
fn zeros(path: &Path) {
    let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
    let mut add = |name: &str, shape: &[usize]| tensors.push((name.to_owned(), shape.to_vec()));
    add("masked_spec_embed", &[768]);
    for (index, kernel) in [10, 3, 3, 3, 3, 2, 2].into_iter().enumerate() {
        let inputs = if index == 0 { 1 } else { 512 };
        let name = format!("feature_extractor.conv_layers.{index}.conv.weight");
        add(&name, &[512, inputs, kernel]);
    }
    let mut pair = |name: &str, weight: &[usize], bias: usize| {
        add(&format!("{name}.weight"), weight);
        add(&format!("{name}.bias"), &[bias]);
    };
    pair("feature_extractor.conv_layers.0.layer_norm", &[512], 512);
    pair("feature_projection.layer_norm", &[512], 512);
    pair("feature_projection.projection", &[768, 512], 768);
    pair("encoder.layer_norm", &[768], 768);
    for layer in 0..12 {
        let layer = format!("encoder.layers.{layer}");
        for linear in ["q_proj", "k_proj", "v_proj", "out_proj"] {
            pair(&format!("{layer}.attention.{linear}"), &[768, 768], 768);
        }
        pair(&format!("{layer}.layer_norm"), &[768], 768);
        let inner = format!("{layer}.feed_forward.intermediate_dense");
        pair(&inner, &[3072, 768], 3072);
        let outer = format!("{layer}.feed_forward.output_dense");
        pair(&outer, &[768, 3072], 768);
        pair(&format!("{layer}.final_layer_norm"), &[768], 768);
    }
    add("encoder.pos_conv_embed.conv.bias", &[768]);
    add("encoder.pos_conv_embed.conv.weight_g", &[1, 1, 128]);
    add("encoder.pos_conv_embed.conv.weight_v", &[768, 48, 128]);
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let entry = serde_json::json!({
            "dtype": "F32", "shape": shape, "data_offsets": [start, end],
        });
        header.insert(name, entry);
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    fs::write(path, &bytes).unwrap();
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len((bytes.len() + end) as u64).unwrap();
}

/// The live engine runs in a process of its own, whose environment names the home.
#[test]
fn a_fetched_model_runs_live() {
    const CHILD: &str = "MERTSCOPE_TEST_LIVE";
    if let Ok(folder) = env::var(CHILD) {
        let form = runs_live(&folder, "MERT-v0", None, None, |_| true);
        return assert_eq!(form, "MERT-v0, fp32");
    }
    let home = Home::new();
    publish(&home, "MERT-v0", "post-group");
    succeeds(&home.run(&["fetch", "MERT-v0", "--yes"]));
    let mut child = Command::new(env::current_exe().unwrap());
    child.args([
        "--exact",
        "checkpoints::a_fetched_model_runs_live",
        "--nocapture",
    ]);
    let ran = output_of(at_home(&home, &mut child).env(CHILD, home.model()));
    succeeds(&ran);
    assert!(ran.out.contains("1 passed"), "{}", ran.out);
}

/// Plays a chord to the model in `folder`, whose id is `id`, in the live engine of this process. Returns what
/// the status bar says of its form, once it is settled.
pub(crate) fn runs_live(
    folder: &str,
    id: &str,
    precision: Option<Precision>,
    most_err: Option<f32>,
    is_settled: impl Fn(&str) -> bool,
) -> String {
    let controls = Controls {
        hop: Hop::Seconds(1.0),
        ..Controls::default()
    };
    let settings = Settings {
        model: Some(folder.to_owned()),
        precision,
        most_err,
        exact_offline: true,
        ..Settings::default()
    };
    let stream = Live::acquire().open(settings, Arc::new(move || controls));
    let (mut tap, reader) = tap(48_000);
    stream.attach(reader);
    let wait = |what: &str, there: &dyn Fn(&Snapshot) -> bool| {
        // Only a deadlock exceeds this limit.
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let snapshot = stream.snapshot();
            if there(&snapshot) {
                return snapshot;
            }
            assert!(Instant::now() < end, "{what} never came: {snapshot:#?}");
            thread::sleep(Duration::from_millis(5));
        }
    };
    let ready = wait("the model", &|s| s.model.state != ModelState::Loading);
    assert_eq!(ready.error, None);
    let running = ready.model.running.as_ref().unwrap();
    assert_eq!(running.id, id);
    let mut transport = Transport {
        playing: true,
        position: Some(0),
        offline: true,
    };
    for block in chord(48_000, 7.5).chunks(512) {
        tap.push_exact(&[block], transport, Duration::from_secs(120));
        transport.position = transport.position.map(|at| at + block.len() as i64);
    }
    let result = wait("a window", &|s| s.analyzed_windows >= 3);
    assert_eq!(result.error, None);
    assert!(result.latest.is_some());
    let form = |s: &Snapshot| s.model.running.as_ref().unwrap().form();
    form(&wait("its form", &|s| is_settled(&form(s))))
}
