//! MuQ and MusicFM from their files to results. Their published files have pinned lengths or sizes that no tiny
//! network has, so that MuQ runs by its folder's path, and MusicFM is fetched up to the look at its tensors.

use std::fs;

use mertscope_tests::chord;

use super::checkpoints::{embed, fixture, gives_the_hidden_states_of_the_reference};
use super::home::{Home, fails_with, succeeds};

#[test]
fn a_muq_gives_the_hidden_states_of_the_reference_without_a_word_on_its_training() {
    let home = Home::new();
    let made = fixture("muq");
    gives_the_hidden_states_of_the_reference(&home, made.to_str().unwrap(), &made);
    // Its quantizers, class token and positional convolution are passed over in silence.
    let embedded = embed(&home, made.to_str().unwrap(), &chord(24_000, 1.0), 24_000);
    succeeds(&embedded);
    assert!(!embedded.err.contains("also holds"), "{}", embedded.err);
    let short = embed(
        &home,
        made.to_str().unwrap(),
        &chord(24_000, 1.0)[..20],
        24_000,
    );
    fails_with(&short, 1, &["20 samples at 24000 Hz", "1025 or more"]);
}

#[test]
fn a_muq_with_another_activation_or_without_a_tensor_is_told() {
    let home = Home::new();
    let folder = home.path("muq");
    fs::create_dir_all(&folder).unwrap();
    let copy = |from: &str, to: &str| {
        let config = fs::read_to_string(fixture("muq").join("config.json")).unwrap();
        assert!(config.contains(from), "{from}");
        fs::write(folder.join("config.json"), config.replacen(from, to, 1)).unwrap();
        fs::copy(
            fixture("muq").join("model.safetensors"),
            folder.join("model.safetensors"),
        )
        .unwrap();
        embed(&home, folder.to_str().unwrap(), &chord(24_000, 1.0), 24_000)
    };
    let other = copy("\"swish\"", "\"gelu\"");
    fails_with(
        &other,
        1,
        &["hidden_act “gelu” is not swish", "models list"],
    );
    let deeper = copy("\"encoder_depth\": 2", "\"encoder_depth\": 3");
    let missing = "no tensor “model.conformer.layers.2.";
    fails_with(&deeper, 1, &[missing, "the same place"]);
}

#[test]
fn a_fetched_musicfm_is_read_with_its_statistics_and_checked_by_its_tensors() {
    let home = Home::new();
    for (from, to) in [
        ("msd_stats.json", "fma_stats.json"),
        ("pretrained_msd.pt", "pretrained_fma.pt"),
    ] {
        let bytes = fs::read(fixture("musicfm").join(from)).unwrap();
        home.hub.publish("minzwon/MusicFM", to, bytes);
    }
    let fetched = home.run(&[
        "fetch",
        "MusicFM-FMA",
        "--accept-licence",
        "MIT OR Apache-2.0",
    ]);
    succeeds(&fetched);
    let sentence = embed(&home, "MusicFM-FMA", &chord(24_000, 1.0), 24_000);
    let shape = "has the shape [1025, 16] instead of [1025, 128]";
    fails_with(
        &sentence,
        1,
        &["pretrained_fma.pt", shape, "the same place"],
    );
    let listed = home.run(&["list", "--json"]).json();
    let models = listed["models"].as_array().unwrap();
    let of = |id: &str| models.iter().find(|model| model["id"] == id).unwrap();
    assert_eq!(of("MusicFM-FMA")["state"], "installed");
    assert_eq!(of("MusicFM-FMA")["hidden_states"], 13);
    assert_eq!(of("MERT-v2-30s")["hidden_states"], 24);
}
