use super::*;

/// A folder with these files; audio is empty, for only its name is read here.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn labels(files: &[LabeledFile]) -> Vec<(String, &str)> {
    let name = |file: &LabeledFile| {
        file.path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    files
        .iter()
        .map(|file| (name(file), file.label.as_str()))
        .collect()
}

fn refused(recipe: Recipe, files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    recipe.find(folder.path()).err().unwrap().to_string()
}

#[test]
fn giantsteps_has_an_annotation_per_track() {
    let set = folder(&[
        ("audio/10089.LOFI.mp3", ""),
        ("audio/2.LOFI.mp3", ""),
        ("annotations/key/10089.LOFI.key", "Eb minor\n"),
        ("annotations/key/2.LOFI.key", "F major"),
        ("annotations/key/3.LOFI.key", "C major"),
        ("annotations/genre/2.LOFI.genre", "techno"),
    ]);
    let found = Recipe::Giantsteps.find(set.path()).unwrap();
    let expected = [
        ("10089.LOFI.mp3".to_owned(), "Eb minor"),
        ("2.LOFI.mp3".to_owned(), "F major"),
    ];
    assert_eq!(labels(&found.fit), expected);
    assert!(found.notices[0].contains("1 labeled tracks") && found.test.is_empty());
    let beside = folder(&[("x/a.wav", ""), ("x/a.key", "8A")]);
    assert_eq!(Recipe::Giantsteps.find(beside.path()).unwrap().fit.len(), 1);
}

#[test]
fn revisions_of_labels_are_not_mixed() {
    let two = refused(
        Recipe::Giantsteps,
        &[
            ("a.wav", ""),
            ("key/a.key", "C major"),
            ("revised/a.key", "D major"),
        ],
    );
    assert!(
        two.contains("not mixed") && two.contains("revised"),
        "{two}"
    );
    let table = "track_id,key_and_mode\n1,C Major\n";
    let two = refused(
        Recipe::Fmak,
        &[
            ("000001.mp3", ""),
            ("fmakv2.csv", table),
            ("fma_keys_metadata.csv", table),
        ],
    );
    assert!(
        two.contains("2 tables") && two.contains("not mixed"),
        "{two}"
    );
}

#[test]
fn gtzan_has_three_lists() {
    let set = folder(&[
        ("genres/blues/blues.00000.wav", ""),
        ("genres/rock/rock.00001.wav", ""),
        ("genres/rock/rock.00099.wav", ""),
        ("genres/pop/pop.00002.wav", ""),
        ("train_filtered.txt", "blues/blues.00000.wav\n"),
        ("valid_filtered.txt", "rock/rock.00001.wav\r\n\n"),
        (
            "test_filtered.txt",
            "pop/pop.00002.wav\npop/pop.00003.wav\n",
        ),
    ]);
    let found = Recipe::Gtzan.find(set.path()).unwrap();
    let fit = [
        ("blues.00000.wav".to_owned(), "blues"),
        ("rock.00001.wav".to_owned(), "rock"),
    ];
    assert_eq!(
        labels(&found.fit),
        fit,
        "a file that no list names is left out"
    );
    assert_eq!(labels(&found.test), [("pop.00002.wav".to_owned(), "pop")]);
    assert!(
        found.notices[0].contains("pop.00003"),
        "{:?}",
        found.notices
    );
    let none = refused(Recipe::Gtzan, &[("blues/blues.00000.wav", "")]);
    assert!(
        none.contains("train_filtered.txt") && none.contains("fault-filtered"),
        "{none}"
    );
}

#[test]
fn fmak_has_a_table_of_track_numbers() {
    let table = "\u{feff}track_id,spotify_uri,key_and_mode\n000002,,C# minor\n140,,Bb Major\n000999,,A minor\n";
    let set = folder(&[
        ("fmakv2.csv", table),
        ("fma_large/000/000002.mp3", ""),
        ("fma_large/000/000140.mp3", ""),
    ]);
    let found = Recipe::Fmak.find(set.path()).unwrap();
    let expected = [
        ("000002.mp3".to_owned(), "C# minor"),
        ("000140.mp3".to_owned(), "Bb Major"),
    ];
    assert_eq!(labels(&found.fit), expected);
    assert_eq!(found.labels, "FMAKv2");
    for (_, key) in labels(&found.fit) {
        assert!(key.parse::<mertscope_music::Key>().is_ok(), "{key}");
    }
    let wrong = refused(Recipe::Fmak, &[("fmakv2.csv", "id,key\n"), ("1.mp3", "")]);
    assert!(wrong.contains("track_id"), "{wrong}");
}

#[test]
fn a_folder_without_the_layout_is_refused_with_the_reason() {
    let empty = refused(Recipe::Giantsteps, &[("a.wav", "")]);
    assert!(empty.contains("NAME.key"), "{empty}");
    let silent = refused(Recipe::Giantsteps, &[("a.key", "C major")]);
    assert!(silent.contains("no audio"), "{silent}");
    let gone = Recipe::Fmak
        .find(Path::new("gone"))
        .err()
        .unwrap()
        .to_string();
    assert!(gone.contains("gone is not a folder"), "{gone}");
}

#[test]
fn recommended_layers_come_with_their_neighbors() {
    let embedded = ModelPackage::embedded().unwrap();
    assert_eq!(Recipe::Giantsteps.layers(&embedded), None);
    // A model of this name has its recommendation in the catalogue: 3 for the key, 22 for the genre.
    let mut named = embedded;
    let mut model = std::sync::Arc::unwrap_or_clone(named.model);
    model.manifest.id = "MERT-v2-30s".to_owned();
    let last = model.manifest.layers.len() - 1;
    named.model = model.into();
    let expected: Vec<usize> = (1..=5.min(last)).collect();
    assert_eq!(Recipe::Fmak.layers(&named), Some(expected));
    assert_eq!(Recipe::Gtzan.layers(&named), None, "it has no layer 22");
}
