use super::*;
use crate::LayerSet;
use crate::checkpoint::{self, CONFIG};
use crate::whole_file::write_whole;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/checkpoints")
        .join(name)
}

fn variant(precision: Precision) -> Variant {
    Variant {
        precision,
        operators: Operators::Fused,
        frames: false,
        layers: LayerSet::All,
        smoothing: Smoothing::default(),
    }
}

/// Calibration whose result is known: every input is 0 on average.
const CALIBRATOR: Calibrator<'static> = Calibrator {
    key: "0123456789abcdef0123456789abcdef",
    measure: &|_| Ok(Vec::new()),
};

#[test]
fn a_graph_is_made_once_and_made_again_when_it_is_damaged() {
    let root = tempfile::tempdir().unwrap();
    let folder = fixture("post-group");
    let network = checkpoint::network(&folder.join(CONFIG)).unwrap();
    let weights = folder.join("pytorch_model.bin");
    let sha256 = hash_of_file(&weights).unwrap();
    let source = CheckpointSource {
        network: &network,
        weights: &weights,
        sha256: &sha256,
    };
    let fp32 = variant(Precision::Fp32);
    let path_and_notice =
        |variant: &Variant| match file(root.path(), source, variant, &CALIBRATOR).unwrap() {
            GraphSource::File { path, notice } => {
                (path, notice.map_or_else(String::new, |notice| notice.text))
            }
            GraphSource::Memory { .. } => panic!("a graph of a checkpoint has a file"),
        };
    let get = |variant: &Variant| path_and_notice(variant).0;
    let (first, notice) = path_and_notice(&fp32);
    assert_eq!(notice, "");
    assert!(first.starts_with(root.path().join(&sha256)));
    let bytes = fs::read(&first).unwrap();
    assert_ne!(get(&variant(Precision::Int8)), first);
    // A whole file is found again and not written.
    let mut permissions = fs::metadata(&first).unwrap().permissions();
    let before = fs::metadata(&first).unwrap().modified().unwrap();
    permissions.set_readonly(true);
    fs::set_permissions(&first, permissions).unwrap();
    assert_eq!(get(&fp32), first);
    assert_eq!(fs::metadata(&first).unwrap().modified().unwrap(), before);
    // One bit, a missing half, a missing hash.
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    for damaged in [&changed[..], &bytes[..bytes.len() / 2]] {
        write_whole(&first, damaged).unwrap();
        let (path, notice) = path_and_notice(&fp32);
        assert_eq!(path, first);
        assert!(notice.contains("not the file that was written"), "{notice}");
        assert_eq!(fs::read(&first).unwrap(), bytes);
        assert_eq!(path_and_notice(&fp32).1, "");
    }
    let hash = first.with_extension("sha256");
    fs::remove_file(&hash).unwrap();
    assert!(
        path_and_notice(&fp32)
            .1
            .contains("its hash could not be read")
    );
    fs::remove_file(&first).unwrap();
    assert!(path_and_notice(&fp32).1.contains("it could not be read"));
    assert_eq!(
        fs::read_to_string(hash).unwrap(),
        hash_of_file(&first).unwrap()
    );
    // Nothing temporary is left.
    let files = fs::read_dir(root.path().join(&sha256)).unwrap().count();
    assert_eq!(files, 4);
}

/// Writing fails here as on a full disk, which `tests/tests/graph_cache.rs` has.
#[test]
fn changed_weights_are_an_error_and_a_graph_that_cant_be_written_runs_from_memory() {
    let root = tempfile::tempdir().unwrap();
    let folder = fixture("post-group");
    let network = checkpoint::network(&folder.join(CONFIG)).unwrap();
    let weights = folder.join("pytorch_model.bin");
    let sha256 = hash_of_file(&weights).unwrap();
    let get = |root: &Path, sha256: &str| {
        let source = CheckpointSource {
            network: &network,
            weights: &weights,
            sha256,
        };
        file(root, source, &variant(Precision::Fp32), &CALIBRATOR)
            .unwrap_err()
            .to_string()
    };
    let error = get(root.path(), &"0".repeat(64));
    assert!(error.contains(&sha256), "{error}");
    let file = root.path().join("a file");
    fs::write(&file, "").unwrap();
    let source = CheckpointSource {
        network: &network,
        weights: &weights,
        sha256: &sha256,
    };
    let made = super::file(&file, source, &variant(Precision::Fp32), &CALIBRATOR).unwrap();
    let GraphSource::Memory { bytes, notice } = made else {
        panic!("nothing can be written: {made:?}");
    };
    let text = notice.unwrap().text;
    assert!(
        text.contains("free some space") && text.contains("made again each time"),
        "{text}"
    );
    // The same graph as in a file.
    let made = super::file(root.path(), source, &variant(Precision::Fp32), &CALIBRATOR).unwrap();
    let GraphSource::File { path, notice: None } = made else {
        panic!("this folder can be written to: {made:?}");
    };
    assert_eq!(fs::read(path).unwrap(), *bytes);
}

#[test]
fn a_graph_beyond_2_gib_that_cant_be_written_says_how_much_room_it_takes() {
    let mut network = checkpoint::network(&fixture("mert2").join(CONFIG)).unwrap();
    let Network::Mert2(mert2) = &mut network else {
        panic!("this is no MERT-v2: {network:?}");
    };
    (mert2.layers, mert2.width, mert2.feed_forward_width) = (24, 1024, 4096);
    let source = CheckpointSource {
        network: &network,
        weights: Path::new("/none"),
        sha256: "0",
    };
    let in_memory = |layers: LayerSet| {
        let variant = Variant {
            layers,
            ..variant(Precision::Fp32)
        };
        let unwritten = GraphError::Write {
            folder: PathBuf::from("graphs"),
            source: io::ErrorKind::StorageFull.into(),
            megabytes: build(&network, &variant).bytes().div_ceil(1_000_000),
        };
        super::in_memory(source, &variant, unwritten).unwrap_err()
    };
    let error = in_memory(LayerSet::All);
    assert!(matches!(error, GraphError::Write { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("about 23") && text.contains("graphs"),
        "{text}"
    );
    // One that is cut fits into memory: its weights are looked for.
    let error = in_memory(LayerSet::of(0..4, 24));
    assert!(!matches!(error, GraphError::Write { .. }), "{error}");
}

/// A network of the same weights with another number of heads, another epsilon or another order of
/// normalization is another graph.
#[test]
fn every_part_of_the_configuration_has_a_graph_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let folder = fixture("post-group");
    let network = checkpoint::network(&folder.join(CONFIG)).unwrap();
    let weights = folder.join("pytorch_model.bin");
    let sha256 = hash_of_file(&weights).unwrap();
    let Network::Wav2Vec(network) = network else {
        panic!("this is no MERT v1: {network:?}");
    };
    let mut networks = vec![network; 4];
    networks[1].heads = 4;
    networks[2].epsilon = 0.5;
    networks[3].pre_norm = true;
    let networks: Vec<_> = networks.into_iter().map(Network::Wav2Vec).collect();
    let mut graphs = std::collections::BTreeSet::new();
    for network in &networks {
        let source = CheckpointSource {
            network,
            weights: &weights,
            sha256: &sha256,
        };
        let fp32 = variant(Precision::Fp32);
        let Ok(GraphSource::File { path, .. }) = file(root.path(), source, &fp32, &CALIBRATOR)
        else {
            panic!("a graph of a checkpoint has a file");
        };
        graphs.insert(hash_of_file(&path).unwrap());
    }
    assert_eq!(graphs.len(), networks.len());
}

#[test]
fn graphs_of_older_versions_and_unused_ones_are_removed() {
    let root = tempfile::tempdir().unwrap();
    let folder = fixture("post-group");
    let network = checkpoint::network(&folder.join(CONFIG)).unwrap();
    let weights = folder.join("pytorch_model.bin");
    let sha256 = hash_of_file(&weights).unwrap();
    let (own, other) = (root.path().join(&sha256), root.path().join("0".repeat(64)));
    let now = SystemTime::now();
    let aged = |path: PathBuf, days: u64| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = File::create(&path).unwrap();
        let age = std::time::Duration::from_secs(days * 24 * 60 * 60);
        file.set_modified(now - age).unwrap();
        path
    };
    let newer = format!("fp32-fused-pooled-all-x-v{}.onnx", REVISION + 1);
    let gone = [
        aged(own.join("fp32-fused-pooled-all-v1.onnx"), 1),
        aged(own.join("fp32-fused-pooled-all-v1.sha256"), 1),
        aged(own.join(".tmpAbCdEf"), 61),
        aged(other.join("b.onnx"), 70),
        aged(other.join("b.sha256"), 61),
    ];
    let kept = [
        // Another version that is in use, and other weights.
        aged(own.join(newer), 1),
        aged(other.join("fp32-fused-pooled-all-v1.onnx"), 1),
        // Made long ago and used since.
        aged(other.join("a.onnx"), 61),
        aged(other.join("a.sha256"), 59),
        // Not ours.
        aged(root.path().join("notes/a.onnx"), 400),
    ];
    let empty = root.path().join("1".repeat(64));
    aged(empty.join("a.onnx"), 61);
    let source = CheckpointSource {
        network: &network,
        weights: &weights,
        sha256: &sha256,
    };
    let fp32 = variant(Precision::Fp32);
    let graph = || match file(root.path(), source, &fp32, &CALIBRATOR).unwrap() {
        GraphSource::File { path, .. } => path,
        GraphSource::Memory { .. } => panic!("a graph of a checkpoint has a file"),
    };
    let path = graph();
    // A graph in use stays, whatever its age.
    let hash = path.with_extension("sha256");
    let old = now - std::time::Duration::from_secs(100 * 24 * 60 * 60);
    for file in [&path, &hash] {
        File::options()
            .write(true)
            .open(file)
            .unwrap()
            .set_modified(old)
            .unwrap();
    }
    assert_eq!(graph(), path);
    prune::old_graphs(root.path(), &sha256, now);
    assert!(path.exists() && hash.exists());
    for file in gone {
        assert!(!file.exists(), "{}", file.display());
    }
    for file in kept {
        assert!(file.exists(), "{}", file.display());
    }
    assert!(!empty.exists());
}

/// The way of graphs beyond 2 GiB: the data are checked each time as the graph is.
#[test]
fn a_graph_with_data_in_a_second_file_is_known_by_both() {
    let root = tempfile::tempdir().unwrap();
    let folder = fixture("mert2");
    let network = checkpoint::network(&folder.join(CONFIG)).unwrap();
    let weights = folder.join("model.safetensors");
    let sha256 = hash_of_file(&weights).unwrap();
    let fp32 = variant(Precision::Fp32);
    let source = CheckpointSource {
        network: &network,
        weights: &weights,
        sha256: &sha256,
    };
    let path = root
        .path()
        .join(&sha256)
        .join(format!("{}.onnx", name(&network, &fp32, CALIBRATOR.key)));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let checkpoint = Checkpoint::open(network.clone(), &weights).unwrap();
    let hashes = write_graph(&path, &build(&network, &fp32), &checkpoint, true).unwrap();
    fs::write(path.with_extension("sha256"), hashes).unwrap();
    let find = || match file(root.path(), source, &fp32, &CALIBRATOR) {
        Ok(GraphSource::File { notice, .. }) => notice.map(|notice| notice.text),
        other => panic!("{other:?}"),
    };
    assert_eq!(find(), None);
    let data = path.with_extension("data");
    let mut bytes = fs::read(&data).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&data, bytes).unwrap();
    let notice = find().expect("the data are not those that were written");
    assert!(notice.contains("was rebuilt"), "{notice}");
    assert_eq!(find(), None);
}
