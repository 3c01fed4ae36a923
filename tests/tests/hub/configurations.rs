//! One file of weights beside several configurations: each gives its own results, also from a cache that
//! they share.

use std::collections::BTreeSet;
use std::fs;

use mertscope_tests::chord;

use super::checkpoints::{embed, fixture};
use super::home::{Home, files_below, succeeds};

#[test]
fn another_configuration_of_the_same_weights_gives_other_results() {
    let home = Home::new();
    let folder = home.path("model");
    fs::create_dir(&folder).unwrap();
    for file in ["preprocessor_config.json", "pytorch_model.bin"] {
        fs::copy(fixture("post-group").join(file), folder.join(file)).unwrap();
    }
    let config = fs::read_to_string(fixture("post-group").join("config.json")).unwrap();
    let audio = chord(24_000, 1.0);
    let results = |(from, to): (&str, &str)| {
        assert!(config.contains(from), "{from} is not in {config}");
        fs::write(folder.join("config.json"), config.replacen(from, to, 1)).unwrap();
        succeeds(&embed(&home, folder.to_str().unwrap(), &audio, 24_000));
        fs::read(home.path("out.npy")).unwrap()
    };
    let edits = [
        ("", ""),
        ("\"num_attention_heads\": 2", "\"num_attention_heads\": 4"),
        ("\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": 0.5"),
        (
            "\"do_stable_layer_norm\": false",
            "\"do_stable_layer_norm\": true",
        ),
    ];
    let first = edits.map(results);
    assert_eq!(BTreeSet::from(first.clone()).len(), edits.len());
    // The cache has a graph for each, and gives each its own again.
    let graphs = files_below(&home.path("cache/mertscope/graphs"));
    let is_graph = |path: &&std::path::PathBuf| path.extension().is_some_and(|it| it == "onnx");
    assert_eq!(graphs.iter().filter(is_graph).count(), edits.len());
    assert!(edits.map(results) == first);
}
