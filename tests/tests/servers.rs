//! Real inference servers: NVIDIA Triton with the exported folder in its python form, and MLServer with the graph in a
//! runtime of `tests/servers/`. Faults of servers are in `engine/remote/tests/faults.rs`.

#[path = "servers/running.rs"]
mod running;

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mertscope_model::device::Choice;
use mertscope_model::{Encoder, HiddenStates, Job, Model, Session, SessionOptions, runtime};
use mertscope_tests::repository;

use running::{PATIENCE, Running, export, free_port, python};

fn options(device: Choice) -> SessionOptions {
    SessionOptions {
        threads: 1,
        device,
        ..SessionOptions::default()
    }
}

fn session(model: &Arc<Model>, device: Choice) -> Session {
    let runtime = runtime::load(None).unwrap();
    Session::new(runtime, Arc::clone(model), options(device)).unwrap()
}

/// A session on the server, once the server has loaded the model.
fn on_server(model: &Arc<Model>, running: &Running) -> Session {
    let since = Instant::now();
    loop {
        let session = session(model, Choice::remote(&running.url()));
        if session.device().server_gave_way().is_none() {
            return session;
        }
        assert!(since.elapsed() < PATIENCE, "{:?}", session.device());
        thread::sleep(Duration::from_millis(500));
    }
}

fn windows(model: &Model, count: u32) -> Vec<Vec<f32>> {
    let window = |seed: u32| {
        let samples = 0..model.manifest.window_samples as u32;
        samples
            .map(|n| 0.3 * ((n * (seed + 3)) as f32 * 0.013).sin())
            .collect()
    };
    (0..count).map(window).collect()
}

fn embedded() -> Arc<Model> {
    Arc::new(Model::embedded().unwrap())
}

fn equals_the_cpu(test: &str, kind: &str) {
    let Some(python) = python(test) else { return };
    let folder = tempfile::tempdir().unwrap();
    let model = embedded();
    export(&model.manifest.id, folder.path(), &["--backend", "python"]);
    let running = Running::start(&python, kind, folder.path(), free_port());
    let (mut there, mut here) = (on_server(&model, &running), session(&model, Choice::Cpu));
    assert!(there.device().name.contains(kind), "{:?}", there.device());
    for window in windows(&model, 3) {
        // Not `assert_eq`: it would print thousands of numbers.
        let same = there.run(&window).unwrap() == here.run(&window).unwrap();
        assert!(same, "{kind} gives other bits");
    }
    assert!(there.device().server_gave_way().is_none());
}

#[test]
fn triton_gives_the_cpus_hidden_states_bit_for_bit() {
    equals_the_cpu("triton_gives_the_cpus_hidden_states_bit_for_bit", "triton");
}

#[test]
fn mlserver_gives_the_cpus_hidden_states_bit_for_bit() {
    equals_the_cpu(
        "mlserver_gives_the_cpus_hidden_states_bit_for_bit",
        "mlserver",
    );
}

/// Whether each value is within 1e-5 of the layer's scale.
fn assert_close(found: &HiddenStates, expected: &HiddenStates) {
    let square = |x: &f32| f64::from(*x).powi(2);
    let rms = (expected.data.iter().map(square).sum::<f64>() / expected.data.len() as f64).sqrt();
    let pairs = found.data.iter().zip(&expected.data);
    let off = pairs
        .map(|(a, b)| f64::from((a - b).abs()))
        .fold(0.0, f64::max);
    assert!(off <= 1e-5 * rms.max(1.0), "{off} at {rms}");
}

#[test]
fn eight_clients_at_once_share_batches_and_outlive_the_server() {
    let Some(python) = python("eight_clients_at_once_share_batches_and_outlive_the_server") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = repository("tests/fixtures/checkpoints/post-group");
    let path = checkpoint.to_str().unwrap();
    export(path, folder.path(), &["--backend", "python"]);
    let model = Arc::new(Model::open(&checkpoint).unwrap());
    let port = free_port();
    let running = Running::start(&python, "triton", folder.path(), port);
    assert_eq!(on_server(&model, &running).at_once(), 8);
    let windows = windows(&model, 12);
    let mut here = session(&model, Choice::Cpu);
    let expected: Vec<_> = windows
        .iter()
        .map(|window| here.run(window).unwrap())
        .collect();
    let url = running.url();
    let start = || {
        let runtime = runtime::load(None).unwrap();
        Encoder::start(runtime, Arc::clone(&model), options(Choice::remote(&url))).unwrap()
    };
    let clients: Vec<_> = (0..8).map(|_| start()).collect();
    let round = || {
        let answers: Vec<_> = clients
            .iter()
            .map(|client| {
                let (reply, replies) = crossbeam_channel::unbounded();
                for samples in windows.iter().cloned() {
                    let reply = reply.clone();
                    client.submit(Job { samples, reply });
                }
                replies
            })
            .collect();
        for replies in answers {
            for (expected, encoded) in expected.iter().zip(replies.iter()) {
                assert_close(&encoded.hidden.unwrap(), expected);
            }
        }
    };
    round();
    drop(running);
    // No window is lost.
    round();
    let running = Running::start(&python, "triton", folder.path(), port);
    let since = Instant::now();
    for client in &clients {
        loop {
            let (reply, replies) = crossbeam_channel::bounded(1);
            let samples = windows[0].clone();
            client.submit(Job { samples, reply });
            let encoded = replies.recv().unwrap();
            assert_close(&encoded.hidden.unwrap(), &expected[0]);
            if encoded.device.unwrap().server_gave_way().is_none() {
                break;
            }
            assert!(since.elapsed() < PATIENCE, "it is not used again");
            thread::sleep(Duration::from_millis(200));
        }
    }
    round();
    drop(running);
}

#[test]
fn the_onnxruntime_form_is_a_configuration_of_triton_whose_graph_runs() {
    let Some(python) = python("the_onnxruntime_form_is_a_configuration_of_triton_whose_graph_runs")
    else {
        return;
    };
    let checkpoint = repository("tests/fixtures/checkpoints/post-group");
    for (precision, batch) in [("fp32", 8), ("int8", 0)] {
        let folder = tempfile::tempdir().unwrap();
        let path = checkpoint.to_str().unwrap();
        let exported = export(path, folder.path(), &["--precision", precision]);
        assert!(!exported.join("1/model.py").exists());
        let mut command = Command::new(&python);
        command
            .arg(repository("tests/servers/serve.py"))
            .arg("check")
            .arg(&exported);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let facts: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(facts["backend"], "onnxruntime");
        assert_eq!(facts["max_batch_size"], batch, "{precision}");
        assert_eq!(facts["batches"], batch > 0, "{precision}");
        assert_eq!(facts["parameters"]["mertscope_precision"], precision);
        let hash = facts["parameters"]["mertscope_hash"].as_str().unwrap();
        assert_eq!(hash, Model::open(&checkpoint).unwrap().fingerprint());
        let (dims, shapes) = (&facts["dims"][0], &facts["shapes"][0]);
        if batch > 0 {
            assert_eq!(shapes[0], batch);
            assert_eq!(shapes[1], dims[0]);
        } else {
            assert_eq!(shapes, dims);
        }
    }
}
