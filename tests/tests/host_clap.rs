//! The built plugin in a CLAP host: its description, and calls in the orders that hosts use.

use std::collections::HashSet;

use clack_extensions::latency::PluginLatency;
use clack_extensions::note_ports::PluginNotePorts;
use clack_extensions::params::PluginParams;
use clack_extensions::tail::{PluginTail, TailLength};
use mertscope_tests::host::{CLAP_ID, Instance, entry};
use mertscope_tests::random::Random;
use serde_json::json;

/// The parameter that starts again.
const TRIGGER: &str = "Start again";

/// Its id in a project, which never changes.
const TRIGGER_ID: &str = "start-again";

/// The library has one plugin, with a name and a version, in the category of analyzers.
#[test]
fn a_scan_finds_one_analyzer() {
    let entry = entry();
    let factory = entry.get_plugin_factory().expect("a plugin factory");
    let found: Vec<_> = factory.plugin_descriptors().collect();
    let [plugin] = found.as_slice() else {
        panic!("{} plugins", found.len());
    };
    assert_eq!(plugin.id().unwrap().to_str(), Ok(CLAP_ID));
    assert_eq!(plugin.name().unwrap().to_str(), Ok("Mertscope"));
    assert_eq!(
        plugin.version().unwrap().to_str(),
        Ok(env!("CARGO_PKG_VERSION"))
    );
    let features: Vec<_> = plugin.features().map(|f| f.to_str().unwrap()).collect();
    assert!(features.contains(&"audio-effect") && features.contains(&"analyzer"));
}

/// The plugin also has no tail, and layouts with one, two, six and eight channels.
#[test]
fn latency_is_zero_and_no_note_port_exists() {
    let mut instance = Instance::default();
    let latency: PluginLatency = instance.extension();
    assert_eq!(latency.get(&instance.plugin.plugin_handle()), 0);
    let notes: Option<PluginNotePorts> = instance.plugin.plugin_handle().get_extension();
    if let Some(notes) = notes {
        let handle = instance.plugin.plugin_handle();
        assert_eq!(notes.count(&handle, true) + notes.count(&handle, false), 0);
    }
    let ports: Vec<_> = instance
        .layouts()
        .into_iter()
        .map(|(name, id)| {
            instance.choose_layout(id);
            (name, instance.ports(true), instance.ports(false))
        })
        .collect();
    let expected = [
        ("Stereo with side-chain", vec![2, 2], vec![2]),
        ("Stereo with mono side-chain", vec![2, 1], vec![2]),
        ("Stereo", vec![2], vec![2]),
        ("Mono with side-chain", vec![1, 2], vec![1]),
        ("Mono", vec![1], vec![1]),
        ("5.1 with side-chain", vec![6, 2], vec![6]),
        ("5.1", vec![6], vec![6]),
        ("7.1 with side-chain", vec![8, 2], vec![8]),
        ("7.1", vec![8], vec![8]),
        ("Mono with mono side-chain", vec![1, 1], vec![1]),
    ]
    .map(|(name, inputs, outputs)| (name.to_owned(), inputs, outputs));
    assert_eq!(ports, expected);

    let tail: PluginTail = instance.extension();
    let mut processor = instance.activate(48_000, 64);
    processor.play(64);
    assert_eq!(processor.tail(tail), TailLength::Finite(0));
    instance.deactivate(processor);
}

/// Ids are unique; each parameter starts at its described value and reads the text that it writes.
#[test]
fn parameters_start_in_range_and_read_their_own_text() {
    let mut instance = Instance::default();
    let parameters = instance.parameters();
    let ids: HashSet<_> = parameters.iter().map(|p| p.id.get()).collect();
    assert_eq!(ids.len(), parameters.len());
    let names: Vec<_> = parameters.iter().map(|p| p.name.as_str()).collect();
    for name in ["Analyze", "Hop", "Smoothing", "Source", "Hold", "Notation"] {
        assert!(names.contains(&name), "{name} is missing in {names:?}");
    }
    let mut random = Random::new(4);
    for parameter in parameters {
        let [lowest, highest, first] = parameter.values;
        assert!((lowest..=highest).contains(&first), "{parameter:?}");
        assert_eq!(instance.value(parameter.id).to_bits(), first.to_bits());
        let params: PluginParams = instance.extension();
        let handle = instance.plugin.plugin_handle();
        for _ in 0..20 {
            let value = lowest + random.unit() * (highest - lowest);
            let value = if parameter.stepped {
                value.round()
            } else {
                value
            };
            let mut room = [0u8; 128];
            let text = params
                .value_to_text(&handle, parameter.id, value, &mut room)
                .unwrap();
            let text = std::ffi::CString::new(text).unwrap();
            let read = params
                .text_to_value(&handle, parameter.id, &text)
                .unwrap_or_else(|| panic!("{} can't read its {text:?}", parameter.name));
            let mut room = [0u8; 128];
            let again = params
                .value_to_text(&handle, parameter.id, read, &mut room)
                .unwrap();
            assert_eq!(again, text.as_bytes(), "{}", parameter.name);
        }
    }
}

/// A value that an event has set is read back.
#[test]
fn automation_changes_the_parameter() {
    let mut random = Random::new(5);
    let mut instance = Instance::default();
    for parameter in instance.automatable() {
        // Pressed rather than switched, see below.
        if parameter.name == TRIGGER {
            continue;
        }
        let mut processor = instance.activate(48_000, 64);
        let value = parameter.any_value(&mut random);
        processor.set(parameter.id, value);
        processor.play(64);
        instance.deactivate(processor);
        // A stepped parameter rounds to the nearest step.
        let step = if parameter.stepped { 1e-6 } else { 0.02 };
        assert!(
            (instance.value(parameter.id) - value).abs() <= step,
            "{} at {value}",
            parameter.name
        );
    }
}

/// The trigger is pressed by each "on", reads off at once, and no project stores it as on or presses it.
#[test]
fn the_trigger_is_off_again_whatever_a_host_or_a_project_sets() {
    let mut instance = Instance::default();
    let trigger = instance.automatable();
    let trigger = trigger.iter().find(|p| p.name == TRIGGER).unwrap().clone();
    assert_eq!((trigger.values, trigger.stepped), ([0.0, 1.0, 0.0], true));
    let mut processor = instance.activate(48_000, 64);
    for value in [1.0, 1.0, 0.0, 1.0] {
        processor.set(trigger.id, value);
        processor.play(64);
        let state = instance.state();
        assert_eq!(state["params"][TRIGGER_ID], json!({ "bool": false }));
        assert_eq!(instance.value(trigger.id), 0.0);
    }
    instance.deactivate(processor);
    let mut state = instance.state();
    let saved = instance.save();
    state["params"][TRIGGER_ID] = json!({ "bool": true });
    assert!(instance.load_state(&state));
    assert_eq!(instance.save(), saved);
}

/// Any number of instances is activated repeatedly.
#[test]
fn instances_start_and_end_at_any_sample_rate() {
    let entry = entry();
    let mut instances: Vec<_> = (0..16).map(|_| Instance::new(&entry)).collect();
    for round in 0..6 {
        let mut decks = Vec::new();
        for (n, instance) in instances.iter_mut().enumerate() {
            let rate_hz = [44_100, 48_000, 96_000][(n + round) % 3];
            let mut processor = instance.activate(rate_hz, 512);
            for _ in 0..20 {
                processor.play(512);
            }
            processor.reset();
            decks.push(processor);
        }
        for (instance, processor) in instances.iter_mut().zip(decks) {
            instance.deactivate(processor);
        }
        // The last but one is dropped, and the others go on.
        instances.pop();
    }
    assert_eq!(instances.len(), 10);
}
