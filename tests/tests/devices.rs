//! Devices through real provider libraries: the fixture, whose providers have the faults that a device
//! can have, and OpenVINO's.

use std::env::consts::{DLL_EXTENSION, DLL_PREFIX};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mertscope_model::device::{self, Choice, LibraryError, Report};
use mertscope_model::{
    EncodeError, Encoded, Encoder, EncoderThread, Job, Model, OpenedSession, Operators, Precision,
    SessionOptions, runtime,
};
use mertscope_tests::{chord, mertscope, output_of, provider_library, repository, skipped};

/// ONNX Runtime with the providers of the fixture.
fn registered() -> &'static runtime::Runtime {
    static REGISTERED: OnceLock<&'static runtime::Runtime> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let runtime = runtime::load(None).unwrap();
        device::library::register(runtime, &provider_library()).unwrap();
        // A second registration changes nothing.
        device::library::register(runtime, &provider_library()).unwrap();
        // A copy has the other providers. It stays as long as the process, which has it loaded.
        let folder = tempfile::tempdir().unwrap().keep();
        let name = format!("{DLL_PREFIX}onnxruntime_more.{DLL_EXTENSION}");
        let copy = folder.join(name);
        std::fs::copy(provider_library(), &copy).unwrap();
        device::library::register(runtime, &copy).unwrap();
        // Windows removes no library that is loaded.
        if !cfg!(windows) {
            std::fs::remove_dir_all(folder).unwrap();
        }
        runtime
    })
}

/// The tiny model of three layers, of which two are products.
fn tiny() -> Arc<Model> {
    Arc::new(Model::open(&repository("tests/fixtures/tiny")).unwrap())
}

fn options(device: &str) -> SessionOptions {
    SessionOptions {
        threads: 1,
        frames: true,
        device: device.parse().unwrap(),
        ..SessionOptions::default()
    }
}

fn on(device: &str) -> Encoder {
    Encoder::start(registered(), tiny(), options(device)).unwrap()
}

fn run(encoder: &Encoder, peak: f32) -> Encoded {
    let (reply, replies) = crossbeam_channel::unbounded();
    let samples = (0..4_000).map(|n| peak * (n as f32 * 0.05).sin()).collect();
    encoder.submit(Job { samples, reply });
    replies.recv().unwrap()
}

fn messages(report: &Report) -> String {
    let messages: Vec<_> = report
        .notable_fallbacks()
        .map(ToString::to_string)
        .collect();
    messages.join("\n")
}

#[test]
fn the_devices_of_a_library_are_offered() {
    let offers = device::offers(registered());
    for name in ["stumbling", "broken", "idle"] {
        let offer = offers
            .iter()
            .find(|offer| offer.choice == Choice::provider(name));
        let title = &offer.unwrap_or_else(|| panic!("{name}: {offers:?}")).title;
        assert!(title.to_lowercase().starts_with(name), "{title}");
    }
}

#[test]
fn when_a_device_fails_the_cpu_runs_the_same_window() {
    // After the registration the CPU is still ONNX Runtime's own provider.
    let cpu = on("cpu");
    let device = on("stumbling");
    let report = device.device();
    assert_eq!(report.used, Choice::provider("stumbling"), "{report:?}");
    let share = report.share.unwrap();
    assert!(share.there == 2 && share.all > 2, "{report:?}");
    assert_eq!(messages(report), "");

    let expected = run(&cpu, 0.4).hidden.unwrap();
    let quiet = run(&device, 0.4);
    assert_eq!(quiet.hidden.unwrap(), expected);
    assert_eq!(quiet.device.as_ref(), Some(report));

    // Its products exceed 1: the device stays lost.
    for peak in [1.5, 0.4] {
        let after = run(&device, peak);
        assert_eq!(after.hidden.unwrap(), run(&cpu, peak).hidden.unwrap());
        let report = after.device.unwrap();
        assert!(report.is_cpu() && report.asked == Choice::provider("stumbling"));
        let messages = messages(&report);
        assert!(
            messages.contains("Stumbling") && messages.contains("the device was lost"),
            "{messages}"
        );
        assert_eq!(messages.lines().count(), 1, "{messages}");
    }
}

#[test]
fn a_device_without_memory_gives_way_with_its_own_words() {
    let encoder = on("broken");
    assert!(encoder.device().is_cpu());
    let messages = messages(encoder.device());
    assert!(
        messages.contains("Broken on") && messages.contains("out of memory"),
        "{messages}"
    );
    assert!(run(&encoder, 0.5).hidden.is_ok());
}

#[test]
fn a_device_that_runs_no_node_is_not_reported_as_used() {
    let encoder = on("idle");
    assert!(encoder.device().is_cpu());
    let messages = messages(encoder.device());
    assert!(
        messages.contains("none of the model's") && messages.contains("Idle on"),
        "{messages}"
    );
}

#[test]
fn a_device_number_that_does_not_exist_is_named() {
    let encoder = on("idle:99");
    let messages = messages(encoder.device());
    assert!(
        encoder.device().is_cpu() && messages.contains("idle:99"),
        "{messages}"
    );
}

#[test]
fn a_device_that_computes_wrongly_is_refused_with_the_size_of_its_error() {
    let cpu = on("cpu");
    // The second time the outcome is remembered.
    for _ in 0..2 {
        let device = on("crooked");
        assert!(device.device().is_cpu(), "{:?}", device.device());
        let messages = messages(device.device());
        // Layer 2 is a product; layer 1 is a product plus 1, and less off.
        for words in ["Crooked on", "wrong numbers", "layer 2", "10.0 %", "0.2 %"] {
            assert!(messages.contains(words), "{words}: {messages}");
        }
        let (found, expected) = (run(&device, 0.4), run(&cpu, 0.4));
        assert_eq!(found.hidden.unwrap(), expected.hidden.unwrap());
    }
}

#[test]
fn a_device_that_gives_nan_makes_way_for_the_cpu() {
    let (cpu, device) = (on("cpu"), on("numberless"));
    assert_eq!(device.device().used, Choice::provider("numberless"));
    let after = run(&device, 1.5);
    assert_eq!(after.hidden.unwrap(), run(&cpu, 1.5).hidden.unwrap());
    let messages = messages(&after.device.unwrap());
    assert!(messages.contains("not finite"), "{messages}");
}

/// The sessions of an encoder thread with one of them open, as the live engine has them.
fn live(device: &str) -> (EncoderThread, OpenedSession) {
    let thread = EncoderThread::spawn(|| {}).unwrap();
    let (sender, opened) = crossbeam_channel::bounded(1);
    let options = options(device);
    thread.live(move |sessions| {
        let opened = sessions.open(registered(), &tiny(), options);
        sender.send(opened.unwrap()).unwrap();
    });
    let opened = opened.recv().unwrap();
    (thread, opened)
}

#[test]
fn a_device_that_hangs_is_left_behind_and_not_tried_again() {
    let (thread, opened) = live("hanging");
    assert_eq!(opened.device.used, Choice::provider("hanging"));
    let (sender, encoded) = crossbeam_channel::bounded(2);
    let session = opened.session;
    let loud: Vec<f32> = (0..4_000).map(|n| 1.5 * (n as f32 * 0.05).sin()).collect();
    let expected = run(&on("cpu"), 1.5).hidden.unwrap();
    let limit = Some(Duration::from_millis(100));
    thread.live(move |sessions| {
        for limit in [limit, None] {
            let encoded = sessions.encode(session, loud.clone(), limit);
            sender.send(encoded).unwrap();
        }
    });
    // A live window is stale after its limit; the next one runs on the CPU.
    let overlong = encoded.recv().unwrap();
    assert!(
        matches!(overlong.hidden, Err(EncodeError::Overlong { .. })),
        "{overlong:?}"
    );
    let after = encoded.recv().unwrap();
    assert_eq!(after.hidden.unwrap(), expected);
    let report = after.device.unwrap();
    assert!(report.is_cpu() && messages(&report).contains("no answer within"));
    drop(thread);
    let again = on("hanging");
    let messages = messages(again.device());
    assert!(messages.contains("not tried again"), "{messages}");
}

/// A published checkpoint of the tests, whose graph takes batches.
fn checkpoint(graphs: &Path) -> Arc<Model> {
    let model = Model::open(&repository("tests/fixtures/checkpoints/post-group"));
    Arc::new(model.unwrap().with_graphs_in(graphs))
}

#[test]
fn windows_that_wait_together_run_at_once_and_a_smaller_batch_follows_when_memory_ends() {
    let graphs = tempfile::tempdir().unwrap();
    let model = checkpoint(graphs.path());
    let rate_hz = f64::from(model.manifest.sample_rate_hz);
    let window = |n: usize| {
        let hz = 100.0 * (n + 1) as f64;
        let sample = |t: usize| (0.3 * (t as f64 * hz / rate_hz).sin()) as f32;
        (0..model.manifest.window_samples)
            .map(sample)
            .collect::<Vec<f32>>()
    };
    let encode = |device: &str| {
        let thread = EncoderThread::spawn(|| {}).unwrap();
        let (sender, answer) = crossbeam_channel::bounded(1);
        let (model, options) = (Arc::clone(&model), options(device));
        let windows = (0..5).map(window).collect();
        thread.live(move |sessions| {
            let opened = sessions.open(registered(), &model, options).unwrap();
            let encoded = sessions.encode_together(opened.session, windows, None);
            let later = sessions.at_once(opened.session);
            sender.send((opened, later, encoded)).unwrap();
        });
        answer.recv().unwrap()
    };
    let (opened, _, expected) = encode("cpu");
    assert_eq!(opened.at_once, 1);
    let (opened, later, found) = encode("narrow");
    assert_eq!(opened.device.used, Choice::provider("narrow"));
    // Five, then two at a time.
    assert_eq!((opened.at_once, later), (8, 2));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.into_iter().zip(expected) {
        let report = found.device.unwrap();
        assert!(!report.is_cpu(), "{report:?}");
        let notice = report.notice.as_ref().unwrap().text.clone();
        assert!(
            notice.contains("could not run 5 windows at once") && notice.contains("out of memory"),
            "{notice}"
        );
        let (found, expected) = (found.hidden.unwrap(), expected.hidden.unwrap());
        let pairs = found.data.iter().zip(&expected.data);
        let largest = pairs.fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(largest <= 1e-4, "{largest}");
    }
}

#[test]
fn the_windows_of_a_file_come_back_in_order_from_a_device() {
    let graphs = tempfile::tempdir().unwrap();
    let run = |device: &str| {
        let model = checkpoint(graphs.path());
        let encoder = Encoder::start(registered(), model, options(device)).unwrap();
        let (reply, replies) = crossbeam_channel::unbounded();
        for n in 1..=7 {
            // The last one is shorter.
            let samples = if n == 7 { 2_000 } else { 4_000 };
            let samples = (0..samples).map(|t| (t as f32 * 0.01 * n as f32).sin());
            encoder.submit(Job {
                samples: samples.collect(),
                reply: reply.clone(),
            });
        }
        drop((encoder, reply));
        let hidden = replies.iter().map(|encoded| encoded.hidden.unwrap());
        hidden.collect::<Vec<_>>()
    };
    let (expected, found) = (run("cpu"), run("narrow"));
    assert_eq!(found.len(), 7);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.frames, expected.frames);
        let pairs = found.data.iter().zip(&expected.data);
        let largest = pairs.fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(largest <= 1e-4, "{largest}");
    }
}

#[test]
fn int8_that_goes_back_to_the_cpu_is_told_and_a_cpu_that_takes_over_gets_a_form_of_its_own() {
    let graphs = tempfile::tempdir().unwrap();
    let report = |device: &str, precision| {
        let options = SessionOptions {
            precision: Some(precision),
            ..options(device)
        };
        let encoder = Encoder::start(registered(), checkpoint(graphs.path()), options).unwrap();
        Arc::clone(encoder.device())
    };
    let on_device = report("narrow", Precision::Int8);
    assert!(on_device.notice.is_some(), "{on_device:?}");
    let notice = on_device.notice.as_ref().unwrap().text.clone();
    assert!(
        notice.contains("in int8 go back") && notice.contains("--precision fp16"),
        "{notice}"
    );
    // The CPU that takes over gets a form made for it: single precision, in fused operators.
    let replaced = report("broken", Precision::Fp16);
    assert!(replaced.is_cpu());
    assert_eq!(replaced.precision, Precision::Fp32);
    assert_eq!(replaced.operators, Operators::Fused);
    assert_eq!(report("cpu", Precision::Fp16).precision, Precision::Fp16);
}

/// OpenVINO's own library, where `cargo xtask setup --openvino` put it.
fn openvino() -> Option<PathBuf> {
    let providers = runtime::data_folder()?.join("providers");
    let folders = std::fs::read_dir(providers).ok()?;
    let library = |folder: PathBuf| folder.join("libonnxruntime_providers_openvino_plugin.so");
    let mut libraries = folders.filter_map(|folder| Some(library(folder.ok()?.path())));
    libraries.find(|library| library.is_file())
}

#[test]
fn openvino_gives_the_hidden_states_of_the_cpu() {
    let Some(library) = openvino() else {
        let reason = "`cargo xtask setup --openvino` was not run";
        return skipped("openvino_gives_the_hidden_states_of_the_cpu", reason);
    };
    let runtime = registered();
    if let Err(error) = device::library::register(runtime, &library) {
        // OpenVINO drives Intel's processors and graphics only.
        assert!(matches!(error, LibraryError::NoDevice { .. }), "{error}");
        let reason = format!("no Intel processor or graphics here: {error}");
        return skipped("openvino_gives_the_hidden_states_of_the_cpu", &reason);
    }
    let model = Arc::new(Model::embedded().unwrap());
    let window: Vec<f32> = chord(16_000, 5.0);
    let hear = |device: &str| {
        let options = SessionOptions {
            threads: 1,
            device: device.parse().unwrap(),
            ..SessionOptions::default()
        };
        let encoder = Encoder::start(runtime, Arc::clone(&model), options).unwrap();
        let (reply, replies) = crossbeam_channel::unbounded();
        let samples = window.clone();
        encoder.submit(Job { samples, reply });
        (
            replies.recv().unwrap().hidden.unwrap(),
            Arc::clone(encoder.device()),
        )
    };
    let (expected, _) = hear("cpu");
    let (found, report) = hear("openvino");
    assert_eq!(report.used, Choice::provider("openvino"), "{report:?}");
    assert!(report.share.unwrap().there > 0, "{report:?}");
    let largest = expected
        .data
        .iter()
        .fold(0.0f32, |most, x| most.max(x.abs()));
    for (found, expected) in found.data.iter().zip(&expected.data) {
        assert!(
            (found - expected).abs() <= 1e-4 * largest,
            "{found} {expected}"
        );
    }
}

#[test]
fn auto_does_not_choose_a_device_that_is_the_cpu() {
    let encoder = on("auto");
    assert!(
        !encoder.device().name.contains("Stumbling"),
        "{:?}",
        encoder.device()
    );
    assert!(!messages(encoder.device()).contains("Broken"));
}

#[test]
fn doctor_gives_each_device_its_time_and_compares_it_anew() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder
        .path()
        .join(format!("{DLL_PREFIX}onnxruntime_more.{DLL_EXTENSION}"));
    std::fs::copy(provider_library(), &copy).unwrap();
    let libraries = std::env::join_paths([provider_library(), copy]).unwrap();
    let mut doctor = mertscope();
    doctor
        .args(["doctor", "--device-limit", "1"])
        .env("MERTSCOPE_PROVIDER_LIBRARY", libraries)
        .env("XDG_CACHE_HOME", folder.path());
    let report = output_of(&mut doctor);
    assert_eq!(report.code, 0, "{report:?}");
    // The embedded model has louder products than the tiny one.
    for words in [
        "Hanging on",
        "It did not answer within",
        "Crooked on",
        "It computes wrong numbers",
        "runs: CPU",
        "Everything that an analysis needs is there",
    ] {
        assert!(report.out.contains(words), "{words}: {}", report.out);
    }
}
