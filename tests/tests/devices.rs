//! Devices through real provider libraries: the fixture, whose providers have the faults that a device
//! can have, and OpenVINO's.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use mertscope_model::device::{self, Choice, LibraryError, Report};
use mertscope_model::{Encoded, Encoder, Job, Model, SessionOptions, runtime};
use mertscope_tests::{chord, provider_library, repository, skipped};

/// ONNX Runtime with the providers `stumbling`, `broken` and `idle`.
fn registered() -> &'static runtime::Runtime {
    static REGISTERED: OnceLock<&'static runtime::Runtime> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let runtime = runtime::load(None).unwrap();
        device::library::register(runtime, &provider_library()).unwrap();
        // A second registration changes nothing.
        device::library::register(runtime, &provider_library()).unwrap();
        runtime
    })
}

/// The tiny model of three layers, of which two are products.
fn tiny() -> Arc<Model> {
    Arc::new(Model::open(&repository("tests/fixtures/tiny")).unwrap())
}

fn on(device: &str) -> Encoder {
    let options = SessionOptions {
        threads: 1,
        frames: true,
        device: device.parse().unwrap(),
        ..SessionOptions::default()
    };
    Encoder::start(registered(), tiny(), options).unwrap()
}

fn run(encoder: &Encoder, peak: f32) -> Encoded {
    let (reply, replies) = crossbeam_channel::unbounded();
    let samples = (0..4_000).map(|n| peak * (n as f32 * 0.05).sin()).collect();
    encoder.submit(Job { samples, reply });
    replies.recv().unwrap()
}

fn messages(report: &Report) -> String {
    let messages: Vec<_> = report.to_tell().map(ToString::to_string).collect();
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
