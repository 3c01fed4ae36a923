//! Recipes for public data sets, on small sets of our own in the published layouts, and the comparison of heads.

use mertscope_music::{Key, Mode};

use super::case::{Case, cadence, noise_and_tone};

/// Writes a small set in the layout of GiantSteps key: four keys in three timbres.
fn giantsteps(case: &Case) {
    for (n, key) in [
        (0, Mode::Major),
        (7, Mode::Major),
        (9, Mode::Minor),
        (4, Mode::Minor),
    ]
    .map(|(tonic, mode)| Key::new(tonic, mode))
    .into_iter()
    .enumerate()
    {
        for timbre in 0..3 {
            let id = 1_000 + 10 * n + timbre;
            case.write(&format!("gs/audio/{id}.LOFI.wav"), &cadence(key, timbre));
            let annotation = format!("gs/annotations/key/{id}.LOFI.key");
            case.write(&annotation, format!("{key}\n").as_bytes());
        }
    }
    case.write("gs/annotations/key/9999.LOFI.key", b"A minor");
}

#[test]
fn giantsteps_is_trained_and_compared_without_published_figures_of_other_labels() {
    let case = Case::new();
    giantsteps(&case);
    let trained = case.run(&[
        "heads",
        "train",
        "--recipe",
        "giantsteps",
        "--data",
        "gs",
        "--layers",
        "2",
        "--quiet",
    ]);
    // One annotation has no audio, which is told and is not a success.
    assert_eq!(trained.code, 1, "{trained:?}");
    assert!(
        trained.err.contains("9999") && trained.err.contains("key-own"),
        "{}",
        trained.err
    );
    for words in [
        "files: MIREX",
        "fifth below",
        "fifths both ways",
        "compatible",
    ] {
        assert!(trained.out.contains(words), "“{words}”: {}", trained.out);
    }
    let bench = [
        "heads",
        "bench",
        "--recipe",
        "giantsteps",
        "--data",
        "gs",
        "--quiet",
    ];
    let compared = case.run(&bench);
    assert_eq!(compared.code, 1, "{compared:?}");
    for words in ["key-own", "MIREX both", "these are 12", "not shown"] {
        assert!(compared.out.contains(words), "“{words}”: {}", compared.out);
    }
    assert!(!compared.out.contains("Mixed In Key"), "{}", compared.out);
    let json = case.run(&[&bench[..], &["--json"]].concat()).json();
    let heads = json["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 2, "the built-in key head and ours: {json:#}");
    for head in heads {
        let key = &head["figures"]["key"];
        let value = |name: &str| key[name].as_f64().unwrap();
        assert!(value("weighted_both") >= value("weighted"), "{key}");
        assert!(value("compatible") >= value("exact"), "{key}");
        assert_eq!(head["figures"]["count"], 12);
    }
}

#[test]
fn gtzan_is_fitted_on_its_training_lists_and_judged_on_its_test_list() {
    let case = Case::new();
    noise_and_tone(&case, "made", 6);
    let mut lists = ["train", "valid", "test"].map(|name| (name, String::new()));
    for genre in ["noise", "tone"] {
        for n in 0..6 {
            let bytes = std::fs::read(case.path(&format!("made/{genre}/{n}.wav"))).unwrap();
            case.write(&format!("gtzan/genres/{genre}/{genre}.0000{n}.wav"), &bytes);
            lists[n / 2].1 += &format!("{genre}/{genre}.0000{n}.wav\n");
        }
    }
    for (name, text) in lists {
        case.write(&format!("gtzan/{name}_filtered.txt"), text.as_bytes());
    }
    let trained = case.run(&[
        "heads", "train", "--recipe", "gtzan", "--data", "gtzan", "--layers", "1", "--name", "two",
        "--json", "--quiet",
    ]);
    assert_eq!(trained.code, 0, "{trained:?}");
    let json = trained.json();
    assert_eq!(json["task"], "genre");
    assert_eq!(
        (&json["files"]["count"], &json["test"]["count"]),
        (&8.into(), &4.into()),
        "{json:#}"
    );
    assert!(json["test"]["accuracy"].as_f64().unwrap() > 0.9, "{json:#}");
    let compared = case.run(&[
        "heads", "bench", "--recipe", "gtzan", "--data", "gtzan", "--quiet",
    ]);
    assert_eq!(compared.code, 0, "{compared:?}");
    assert!(
        compared.out.contains("two") && compared.out.contains("test files"),
        "{}",
        compared.out
    );
}

#[test]
fn a_folder_that_is_no_such_set_is_refused_with_its_layout() {
    let case = Case::new();
    noise_and_tone(&case, "sounds", 1);
    for (recipe, words) in [
        ("giantsteps", "annotations/key"),
        ("gtzan", "train_filtered.txt"),
        ("fmak", "fmakv2.csv"),
    ] {
        for command in ["train", "bench"] {
            let refused = case.run(&["heads", command, "--recipe", recipe, "--data", "sounds"]);
            assert_eq!(refused.code, 1, "{refused:?}");
            assert!(refused.err.contains(words), "{recipe}: {}", refused.err);
        }
    }
    let none = case.run(&["heads", "train", "--data", "sounds"]);
    assert!(none.code == 2 && none.err.contains("--task"), "{none:?}");
}
