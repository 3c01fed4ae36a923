use std::collections::BTreeMap;
use std::time::Duration;

use mertscope_export::AnalysisRun;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;
use crate::{FileOutcome, analysis, merge};

/// A folder of files and a folder of parts.
struct Scene {
    root: tempfile::TempDir,
    run: AnalysisRun,
}

impl Scene {
    fn with(files: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("music")).unwrap();
        let run = AnalysisRun {
            model_id: "tiny".to_owned(),
            model_sha256: "00".to_owned(),
            ..AnalysisRun::default()
        };
        let scene = Self { root, run };
        files.iter().for_each(|file| scene.put(file, file));
        scene
    }

    fn put(&self, file: &str, content: &str) {
        fs::write(self.file(file), content).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.root.path().join("music").join(name)
    }

    fn parts(&self) -> PathBuf {
        self.root.path().join("parts")
    }

    fn open(&self, shard: Shard, resume: bool) -> Result<OpenParts, PartsError> {
        OpenParts::open(Start {
            folder: &self.parts(),
            shard,
            run: PartRun::analysis(&self.run, true),
            schema: analysis::schema(&self.run),
            limits: Limits {
                files: 2,
                time: Duration::from_secs(3600),
            },
            resume,
        })
    }

    /// Does what is open of these files, `most` of them, as one run; the names of those that were done.
    fn run(&self, files: &[&str], most: usize, resume: bool) -> Vec<String> {
        let mut parts = self.open(Shard::ALL, resume).unwrap();
        let open: Vec<String> = files
            .iter()
            .filter(|name| parts.standing(name, &self.file(name)) == Standing::Open)
            .take(most)
            .map(|name| (*name).to_owned())
            .collect();
        parts.forget(&open.iter().cloned().collect()).unwrap();
        for name in &open {
            let file = self.file(name);
            let source = Source::look(name, &file).and_then(|source| source.hashed(&file));
            let outcome = FileOutcome {
                source: source.unwrap(),
                duration_s: Some(1.0),
                error: None,
                notes: vec![format!("note on {name}")],
            };
            parts
                .add(&analysis::row(&self.run, &outcome, &[], None).unwrap())
                .unwrap();
        }
        parts.finish(true).unwrap();
        open
    }

    /// The SHA-256 of each file with rows, by its path, read back from the merged file.
    fn merged(&self) -> BTreeMap<String, String> {
        let out = self.root.path().join("all.parquet");
        merge(&self.parts(), &out).unwrap();
        rows(&out)
    }
}

fn rows(path: &Path) -> BTreeMap<String, String> {
    use arrow_array::cast::AsArray;
    let file = fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    let mut rows = BTreeMap::new();
    for batch in reader {
        let batch = batch.unwrap();
        let column = |name| batch.column_by_name(name).unwrap().as_string::<i32>();
        for row in 0..batch.num_rows() {
            let earlier = rows.insert(
                column("path").value(row).to_owned(),
                column("sha256").value(row).to_owned(),
            );
            assert_eq!(earlier, None, "a file has two rows");
        }
    }
    rows
}

const FILES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn part_names(folder: &Path) -> Vec<PathBuf> {
    reader::list(folder)
        .unwrap()
        .into_iter()
        .map(|(path, _)| path)
        .collect()
}

#[test]
fn a_resumed_run_does_what_is_new_or_changed_and_nothing_else() {
    let scene = Scene::with(&FILES);
    assert_eq!(scene.run(&FILES, 3, false), ["a", "b", "c"]);
    let first = part_names(&scene.parts());
    assert_eq!(first.len(), 2, "parts of at most two files");
    assert_eq!(scene.run(&FILES, 9, true), ["d", "e"]);
    assert!(scene.run(&FILES, 9, true).is_empty());
    assert_eq!(
        part_names(&scene.parts())[..2],
        first,
        "parts that are done stay"
    );
    let before = scene.merged();
    // Another time of change alone is no change; another content is.
    let later = std::time::SystemTime::now() + Duration::from_secs(60);
    fs::File::options()
        .write(true)
        .open(scene.file("b"))
        .unwrap()
        .set_modified(later)
        .unwrap();
    scene.put("d", "another content");
    assert_eq!(scene.run(&FILES, 9, true), ["d"]);
    let after = scene.merged();
    let changed: Vec<&String> = after
        .keys()
        .filter(|path| before[*path] != after[*path])
        .collect();
    assert_eq!(changed, ["d"]);
    assert_eq!(after["d"], mertscope_model::sha256(b"another content"));
}

#[test]
fn rows_of_a_file_that_is_gone_stay() {
    let scene = Scene::with(&FILES);
    scene.run(&FILES, 9, false);
    fs::remove_file(scene.file("c")).unwrap();
    let parts = scene.open(Shard::ALL, true).unwrap();
    assert_eq!(parts.standing("c", &scene.file("c")), Standing::Gone);
    drop(parts);
    assert_eq!(scene.merged().len(), FILES.len());
}

#[test]
fn a_broken_part_is_named_set_aside_and_made_again() {
    for damage in [0, 1] {
        let scene = Scene::with(&FILES);
        scene.run(&FILES, 9, false);
        let whole = scene.merged();
        let part = part_names(&scene.parts()).remove(1);
        let mut bytes = fs::read(&part).unwrap();
        if damage == 0 {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        } else {
            bytes.truncate(bytes.len() - 5);
        }
        fs::write(&part, bytes).unwrap();
        let error = merge(&scene.parts(), &scene.root.path().join("x"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(part.to_str().unwrap()) && error.contains("--resume"),
            "{error}"
        );
        let parts = scene.open(Shard::ALL, true).unwrap();
        let remark = parts.remarks().join(" ");
        assert!(remark.contains(part.to_str().unwrap()), "{remark}");
        drop(parts);
        assert_eq!(scene.run(&FILES, 9, true), ["c", "d"]);
        assert_eq!(scene.merged(), whole);
    }
}

/// A kill between the new part and the removal of the old one leaves rows twice.
#[test]
fn rows_that_are_there_twice_are_refused_by_a_merge_and_mended_by_a_run() {
    let scene = Scene::with(&FILES);
    scene.run(&FILES, 9, false);
    let old = part_names(&scene.parts()).remove(0);
    let bytes = fs::read(&old).unwrap();
    scene.put("a", "changed");
    assert_eq!(scene.run(&FILES, 9, true), ["a"]);
    fs::write(&old, bytes).unwrap();
    let error = merge(&scene.parts(), &scene.root.path().join("x"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("an earlier part"), "{error}");
    assert!(scene.run(&FILES, 9, true).is_empty(), "the later rows hold");
    assert_eq!(scene.merged()["a"], mertscope_model::sha256(b"changed"));
}

#[test]
fn what_a_killed_run_left_is_removed_and_a_second_run_waits_outside() {
    let scene = Scene::with(&FILES);
    scene.run(&FILES, 1, false);
    let leftover = scene.parts().join(".part-00000-of-00001-abcdef.tmp");
    fs::write(&leftover, "half").unwrap();
    let running = scene.open(Shard::ALL, true).unwrap();
    assert!(!leftover.exists());
    let error = scene.open(Shard::ALL, true).unwrap_err().to_string();
    assert!(
        error.contains("Another run is writing shard 0/1"),
        "{error}"
    );
    let error = merge(&scene.parts(), &scene.root.path().join("x")).unwrap_err();
    assert!(matches!(error, PartsError::Locked { .. }), "{error}");
    drop(running);
    assert_eq!(scene.run(&FILES, 9, true).len(), FILES.len() - 1);
}

#[test]
fn parts_of_another_run_are_not_mixed_in() {
    let mut scene = Scene::with(&FILES);
    scene.run(&FILES, 9, false);
    let refused = |scene: &Scene, shard, resume| scene.open(shard, resume).unwrap_err().to_string();
    let error = refused(&scene, Shard::ALL, false);
    assert!(error.contains("add --resume"), "{error}");
    let error = refused(&scene, Shard { index: 0, count: 2 }, true);
    assert!(error.contains("of 1 shards, not of 2"), "{error}");
    scene.run.model_sha256 = "11".to_owned();
    let error = refused(&scene, Shard::ALL, true);
    assert!(
        error.contains("is of the model tiny (00…), not of tiny (11…)"),
        "{error}"
    );
}

#[test]
fn a_merge_names_missing_shards_and_refuses_parts_that_do_not_agree() {
    let mut scene = Scene::with(&FILES);
    let shard = |index| Shard { index, count: 3 };
    // A shard without files is no missing shard.
    scene.open(shard(0), false).unwrap().finish(true).unwrap();
    let out = scene.root.path().join("all.parquet");
    let merged = merge(&scene.parts(), &out).unwrap();
    assert_eq!((merged.parts, merged.rows), (1, 0));
    assert!(
        merged.remarks.join(" ").contains("1/3, 2/3"),
        "{:?}",
        merged.remarks
    );
    fs::remove_file(&out).unwrap();
    scene.run.hop_s = 2.0;
    scene.open(shard(1), false).unwrap().finish(true).unwrap();
    let error = merge(&scene.parts(), &out).unwrap_err().to_string();
    assert!(error.contains("hop_s = 2.0, not 0.0"), "{error}");
    assert!(!out.exists());
    let empty = scene.root.path().join("music");
    assert!(
        merge(&empty, &out)
            .unwrap_err()
            .to_string()
            .contains("There are no parts")
    );
}
