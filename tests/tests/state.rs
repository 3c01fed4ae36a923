//! The plugin's state in a project: saved, loaded, of other versions, and damaged.

use std::fs;

use mertscope_tests::host::{AudioProcessor, Instance};
use mertscope_tests::random::Random;
use mertscope_tests::repository;
use serde_json::{Value, json};

/// The name of our object among the plugin's persistent fields.
const FIELD: &str = "mertscope";

fn object(state: &Value) -> Value {
    serde_json::from_str(state["fields"][FIELD].as_str().unwrap()).unwrap()
}

/// Sets every parameter to a random value of its range.
fn shuffle(instance: &mut Instance, processor: &mut AudioProcessor, random: &mut Random) {
    for parameter in instance.parameters() {
        processor.set(parameter.id, parameter.any_value(random));
    }
    processor.play(64);
}

/// A new instance that loads a state saves the same bytes, with any parameters, active or not.
#[test]
fn a_state_is_the_same_byte_for_byte_after_a_round_trip() {
    let mut random = Random::new(6);
    let mut instance = Instance::default();
    for _ in 0..50 {
        let mut processor = instance.activate(48_000, 64);
        shuffle(&mut instance, &mut processor, &mut random);
        let active = instance.save();
        instance.deactivate(processor);
        let saved = instance.save();
        assert_eq!(saved, active);

        let mut other = Instance::default();
        assert!(other.load(&saved));
        assert_eq!(other.save(), saved);
        for parameter in instance.parameters() {
            let values = [&mut instance, &mut other].map(|i| i.value(parameter.id).to_bits());
            assert_eq!(values[0], values[1], "{}", parameter.name);
        }
    }
}

/// A new instance saves the embedded model.
#[test]
fn the_model_is_saved_by_id_and_hash() {
    let object = object(&Instance::default().state());
    let model = mertscope_model::Model::embedded().unwrap();
    assert_eq!(object["model"]["id"], model.manifest.id.as_str());
    assert_eq!(object["model"]["sha256"], model.sha256());
    assert_eq!(object["version"], 1);
}

/// Fields of a later version, and the id of a missing model, survive loading and saving.
#[test]
fn unknown_fields_and_a_missing_model_are_kept() {
    let mut instance = Instance::default();
    let mut state = instance.state();
    let object = r#"{"later":{"z":[1e400,-0.0,0.1000000000000000055],"a":"\u00e9"},"model":{"id":"gone","sha256":"00","licence":"x"},"version":9}"#;
    state["fields"][FIELD] = json!(object);
    assert!(instance.load_state(&state));
    let mut processor = instance.activate(48_000, 64);
    processor.play(64);
    let saved = instance.state();
    assert_eq!(saved["fields"][FIELD], json!(object));
    instance.deactivate(processor);
}

/// States without a newer parameter or field, and states with a removed parameter, load; a value that
/// they don't have keeps its default.
#[test]
fn older_states_load() {
    let fresh = Instance::default().state();
    let mut without_object = fresh.clone();
    without_object["fields"] = json!({});
    let mut nearly_empty = fresh.clone();
    nearly_empty["params"] = json!({ "gone": { "f32": 1.0 } });
    nearly_empty["fields"][FIELD] = json!("{}");
    let mut unnamed_version = fresh.clone();
    unnamed_version.as_object_mut().unwrap().remove("version");
    for old in [without_object, nearly_empty, unnamed_version] {
        let mut instance = Instance::default();
        assert!(instance.load_state(&old), "{old}");
        assert_eq!(instance.state(), fresh, "{old}");
    }
}

/// `0.1.0.state` was saved by that version, with every parameter changed but the trigger; it is never made again.
#[test]
fn a_project_of_the_first_version_opens() {
    let project = fs::read(repository("tests/fixtures/states/0.1.0.state")).unwrap();
    let mut instance = Instance::default();
    assert_ne!(instance.save(), project);
    instance.open_project(&project);
}

/// Random bytes, up to a megabyte, and states cut at any byte are refused and change nothing.
#[test]
fn random_and_truncated_states_are_refused() {
    let mut random = Random::new(7);
    let mut instance = Instance::default();
    let before = instance.save();
    for bytes in [0, 1, 7, 8, 9, 100, 1 << 20] {
        let noise: Vec<u8> = (0..bytes).map(|_| random.bits() as u8).collect();
        assert!(!instance.load(&noise), "{bytes} bytes of noise");
    }
    for _ in 0..100 {
        let cut = random.below(before.len());
        assert!(!instance.load(&before[..cut]), "cut at {cut}");
    }
    let mut framed_noise = ((1u64 << 20).to_le_bytes()).to_vec();
    framed_noise.extend((0..1 << 20).map(|_| random.bits() as u8));
    assert!(!instance.load(&framed_noise));
    assert_eq!(instance.save(), before);
}

/// The plugin keeps the object that it has.
#[test]
fn an_oversized_or_malformed_object_is_ignored() {
    let mut instance = Instance::default();
    let before = instance.save();
    for object in [
        format!(r#"{{"taught":"{}"}}"#, "x".repeat(2 << 20)),
        "[".repeat(1 << 16),
        "null".to_owned(),
        "{".to_owned(),
        String::new(),
    ] {
        let mut state = instance.state();
        state["fields"][FIELD] = json!(object);
        instance.load_state(&state);
        assert_eq!(instance.save(), before);
    }
}

/// Changed bytes anywhere in a state never crash the plugin, and the state that it then saves loads
/// again.
#[test]
fn damaged_states_leave_the_plugin_running() {
    let mut random = Random::new(8);
    let mut instance = Instance::default();
    let whole = instance.save();
    for _ in 0..500 {
        let mut damaged = whole.clone();
        for _ in 0..=random.below(4) {
            let at = 8 + random.below(damaged.len() - 8);
            damaged[at] = random.bits() as u8;
        }
        instance.load(&damaged);
        let mut processor = instance.activate(48_000, 64);
        processor.play(64);
        instance.deactivate(processor);
        let saved = instance.save();
        assert!(instance.load(&saved));
        assert_eq!(instance.save(), saved);
    }
}
