//! What goes into a project and comes out of it again.

use mertscope_tests::host::{Deck, Instance};
use mertscope_tests::random::Random;
use serde_json::{Value, json};

/// The name of our object among the plugin's persistent fields.
const FIELD: &str = "mertscope";

fn object(state: &Value) -> Value {
    serde_json::from_str(state["fields"][FIELD].as_str().unwrap()).unwrap()
}

/// Sets every parameter to some value of its range.
fn shuffle(instance: &mut Instance, deck: &mut Deck, random: &mut Random) {
    for parameter in instance.parameters() {
        deck.set(parameter.id, parameter.any_value(random));
    }
    deck.play(64);
}

/// Saved, loaded into a new instance and saved again: the same bytes, whatever the parameters
/// are, active or not.
#[test]
fn a_state_is_the_same_byte_for_byte_after_a_round_trip() {
    let mut random = Random::new(6);
    let mut instance = Instance::default();
    for _ in 0..50 {
        let mut deck = instance.activate(48_000, 64);
        shuffle(&mut instance, &mut deck, &mut random);
        let active = instance.save();
        instance.deactivate(deck);
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

/// A new instance names the model that it works with, by id and hash.
#[test]
fn the_model_is_saved_by_id_and_hash() {
    let object = object(&Instance::default().state());
    let model = mertscope_model::Model::embedded().unwrap();
    assert_eq!(object["model"]["id"], model.manifest.id.as_str());
    assert_eq!(object["model"]["sha256"], model.sha256());
    assert_eq!(object["version"], 1);
}

/// What a later version wrote, and a model that is not there, survive being saved by this one.
#[test]
fn unknown_fields_and_a_missing_model_are_kept() {
    let mut instance = Instance::default();
    let mut state = instance.state();
    let object = r#"{"later":{"z":[1e400,-0.0,0.1000000000000000055],"a":"\u00e9"},"model":{"id":"gone","sha256":"00","licence":"x"},"version":9}"#;
    state["fields"][FIELD] = json!(object);
    assert!(instance.load_state(&state));
    let mut deck = instance.activate(48_000, 64);
    deck.play(64);
    let saved = instance.state();
    assert_eq!(saved["fields"][FIELD], json!(object));
    instance.deactivate(deck);
}

/// States of before a parameter or a field existed, and ones with parameters that are gone, load;
/// what they don't name stays as it is in a new instance.
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

/// Noise, a megabyte of it, and states cut anywhere are refused, and change nothing.
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

/// An object beyond the limit, or of a wrong shape, is left aside; the plugin keeps the one it has.
#[test]
fn an_oversized_or_misshapen_object_is_left_aside() {
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

/// Bytes flipped anywhere in a state never bring the plugin down, and what is saved after that
/// loads again.
#[test]
fn damaged_states_do_no_harm() {
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
        let mut deck = instance.activate(48_000, 64);
        deck.play(64);
        instance.deactivate(deck);
        let saved = instance.save();
        assert!(instance.load(&saved));
        assert_eq!(instance.save(), saved);
    }
}
