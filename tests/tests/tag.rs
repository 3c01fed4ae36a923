//! `mertscope tag`: the key gets into the tag, and nothing else changes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_audio::decode::{Block, Decoder};
use mertscope_tests::{
    CommandOutput, demo, mertscope, output_of, repository, skipped, target, wav,
};
use tempfile::TempDir;

/// A folder with a journal of its own.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The demo piece in A minor, as Ogg Vorbis.
    fn ogg(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::copy(repository("assets/demo/two-rooms.ogg"), &path).unwrap();
        path
    }

    /// Its first twelve seconds as WAV, without any tag.
    fn wav(&self, name: &str) -> PathBuf {
        let pieces = demo();
        let piece = pieces
            .iter()
            .find(|piece| piece.path.ends_with("two-rooms.ogg"))
            .unwrap();
        let (rate_hz, channels) = piece.decoded();
        let path = self.path(name);
        let first = &channels[0][..12 * rate_hz as usize];
        fs::write(&path, wav(rate_hz, 1, first)).unwrap();
        path
    }

    fn tag(&self, arguments: &[&str]) -> CommandOutput {
        let mut command = mertscope();
        command
            .current_dir(self.folder.path())
            .arg("tag")
            .args(arguments);
        output_of(command.arg("--journal").arg(self.path("journal.jsonl")))
    }
}

fn samples(path: &Path) -> Vec<u32> {
    let mut decoder = Decoder::open(path).unwrap();
    let mut samples = Vec::new();
    while let Some(block) = decoder.next_block().unwrap() {
        let Block::Samples(block) = block else {
            panic!("{} has a gap", path.display());
        };
        samples.extend(block.iter().map(|sample| sample.to_bits()));
    }
    samples
}

/// Whether the bytes of `part` are in the file.
fn holds(path: &Path, part: &[u8]) -> bool {
    fs::read(path)
        .unwrap()
        .windows(part.len())
        .any(|bytes| bytes == part)
}

#[test]
fn a_key_is_written_kept_replaced_and_taken_back() {
    let scene = Scene::new();
    let (ogg, wav) = (scene.ogg("a.ogg"), scene.wav("b.wav"));
    let (before, audio) = (fs::read(&ogg).unwrap(), samples(&ogg));
    let wav_audio = samples(&wav);

    let dry = scene.tag(&["a.ogg", "b.wav", "--dry-run"]);
    assert_eq!(dry.code, 0, "{}", dry.err);
    assert_eq!(
        dry.out.matches("Am would be written").count(),
        2,
        "{}",
        dry.out
    );
    assert_eq!(fs::read(&ogg).unwrap(), before);

    let first = scene.tag(&["a.ogg", "b.wav"]);
    assert_eq!(first.code, 0, "{}", first.err);
    assert_eq!(first.out.matches("Am written").count(), 2, "{}", first.out);
    assert!(holds(&ogg, b"INITIALKEY=Am") && holds(&wav, b"TKEY"));
    assert!(
        samples(&ogg) == audio && samples(&wav) == wav_audio,
        "the audio changed"
    );

    let again = scene.tag(&["a.ogg", "--notation", "camelot"]);
    assert!(again.out.contains("Am is there and stays"), "{}", again.out);
    let over = scene.tag(&["a.ogg", "--notation", "camelot", "--overwrite"]);
    assert!(over.out.contains("Am → 8A written"), "{}", over.out);
    assert!(holds(&ogg, b"INITIALKEY=8A") && !holds(&ogg, b"INITIALKEY=Am"));

    let undone = scene.tag(&["--undo"]);
    assert!(
        undone.out.contains("Am is back"),
        "{} {}",
        undone.out,
        undone.err
    );
    let undone = scene.tag(&["--undo"]);
    assert_eq!(
        undone.out.matches("the key is removed").count(),
        2,
        "{}",
        undone.out
    );
    assert!(!holds(&ogg, b"INITIALKEY") && !holds(&wav, b"TKEY"));
    assert!(
        samples(&ogg) == audio && samples(&wav) == wav_audio,
        "the audio changed"
    );
    let nothing = scene.tag(&["--undo"]);
    assert_eq!(nothing.code, 1);
    assert!(nothing.err.contains("nothing to undo"), "{}", nothing.err);
}

#[test]
fn an_undo_leaves_what_was_changed_since() {
    let scene = Scene::new();
    let ogg = scene.ogg("a.ogg");
    assert_eq!(scene.tag(&["a.ogg"]).code, 0);
    let other = scene.path("other.jsonl");
    let mut elsewhere = mertscope();
    elsewhere
        .arg("tag")
        .arg(&ogg)
        .args(["--overwrite", "--notation", "camelot", "--journal"]);
    assert_eq!(output_of(elsewhere.arg(other)).code, 0);
    let undone = scene.tag(&["--undo"]);
    assert_eq!(undone.code, 1);
    assert!(
        undone
            .err
            .contains("it has 8A now, not the Am that was written"),
        "{}",
        undone.err
    );
    assert!(holds(&ogg, b"INITIALKEY=8A"));
}

#[test]
fn lists_for_dj_programs_name_the_files() {
    let scene = Scene::new();
    scene.ogg("a & b.ogg");
    let output = scene.tag(&[
        "a & b.ogg",
        "--dry-run",
        "--m3u",
        "set.m3u8",
        "--rekordbox",
        "set.xml",
    ]);
    assert_eq!(output.code, 0, "{}", output.err);
    let playlist = fs::read_to_string(scene.path("set.m3u8")).unwrap();
    assert!(
        playlist.contains("[8A]") && playlist.contains("a & b.ogg"),
        "{playlist}"
    );
    let collection = fs::read_to_string(scene.path("set.xml")).unwrap();
    for words in [
        "Tonality=\"Am\"",
        "Location=\"file://localhost/",
        "a%20%26%20b.ogg\"",
    ] {
        assert!(collection.contains(words), "{words}: {collection}");
    }
}

/// A file without a clear key, a read-only one, one in use, one with a damaged tag, one that is no audio.
#[test]
fn files_that_can_not_be_tagged_are_left_alone_and_named() {
    let scene = Scene::new();
    let silence = scene.path("silence.wav");
    fs::write(&silence, wav(16_000, 1, &[0.0; 96_000])).unwrap();
    let output = scene.tag(&["silence.wav"]);
    assert_eq!(output.code, 0, "{}", output.err);
    assert!(output.out.contains("no clear key"), "{}", output.out);

    let refused = |name: &str, words: &str| {
        let before = fs::read(scene.path(name)).unwrap();
        let output = scene.tag(&[name]);
        assert_eq!(output.code, 1, "{}", output.out);
        assert!(
            output.err.contains(name) && output.err.contains(words),
            "{}",
            output.err
        );
        assert_eq!(fs::read(scene.path(name)).unwrap(), before);
    };
    let locked = scene.ogg("in use.ogg");
    let lock = File::open(&locked).unwrap();
    lock.lock().unwrap();
    refused("in use.ogg", "another program is using it");
    drop(lock);
    let read_only = scene.ogg("read-only.ogg");
    let mut permissions = fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).unwrap();
    refused("read-only.ogg", "read-only");
    fs::write(scene.path("text.mp3"), "no audio at all").unwrap();
    refused("text.mp3", "left alone");
    // A title in an encoding that ID3 does not know.
    let mut damaged =
        b"ID3\x04\x00\x00\x00\x00\x00\x0fTIT2\x00\x00\x00\x05\x00\x00\x09half".to_vec();
    damaged.extend(fs::read(repository("tests/fixtures/audio/tone.mp3")).unwrap());
    fs::write(scene.path("damaged.mp3"), damaged).unwrap();
    refused("damaged.mp3", "can't be read whole");
    assert!(!scene.path("journal.jsonl").exists(), "nothing was written");
}

/// A copy that can't be written leaves the file as it was. A limit on the size of files stands in for a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_file_as_it_was() {
    let scene = Scene::new();
    let ogg = scene.ogg("a.ogg");
    let before = fs::read(&ogg).unwrap();
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\""]);
    limited.arg(mertscope().get_program()).arg("tag").arg(&ogg);
    let output = output_of(limited.arg("--journal").arg(scene.path("journal.jsonl")));
    assert_eq!(output.code, 1);
    for words in ["a.ogg is as it was", "Free some space"] {
        assert!(output.err.contains(words), "{}", output.err);
    }
    assert_eq!(fs::read(&ogg).unwrap(), before);
    assert_eq!(
        fs::read_dir(scene.folder.path()).unwrap().count(),
        1,
        "no copy is left"
    );
}

/// The first twelve seconds in all formats, with a title and a comment, made by ffmpeg.
fn in_all_formats(scene: &Scene) -> Option<Vec<PathBuf>> {
    let works = Command::new("ffmpeg").arg("-version").output();
    works.ok().filter(|output| output.status.success())?;
    let source = repository("assets/demo/two-rooms.ogg");
    let formats: [(&str, &[&str]); 8] = [
        ("new.mp3", &["-c:a", "libmp3lame", "-id3v2_version", "4"]),
        (
            "old.mp3",
            &[
                "-c:a",
                "libmp3lame",
                "-id3v2_version",
                "3",
                "-write_id3v1",
                "1",
            ],
        ),
        ("a.flac", &["-c:a", "flac"]),
        ("a.ogg", &["-c:a", "libvorbis"]),
        ("a.opus", &["-c:a", "libopus"]),
        ("a.m4a", &["-c:a", "aac"]),
        ("a.aiff", &["-c:a", "pcm_s16be", "-write_id3v2", "1"]),
        ("a.wav", &["-c:a", "pcm_s16le"]),
    ];
    let files = formats.map(|(name, options)| {
        let path = scene.path(name);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-y", "-i"]).arg(&source).args([
            "-map_metadata",
            "-1",
            "-t",
            "12",
        ]);
        ffmpeg.args(["-metadata", "title=Zwei Räume", "-metadata", "comment=kept"]);
        let made = ffmpeg.args(options).arg(&path).status().unwrap();
        assert!(made.success(), "{name}");
        path
    });
    Some(files.to_vec())
}

/// ffprobe reads the key and the title, and hashes the same packets as before.
#[test]
fn ffprobe_reads_the_key_and_the_same_packets() {
    let scene = Scene::new();
    let Some(files) = in_all_formats(&scene) else {
        return skipped(
            "ffprobe_reads_the_key_and_the_same_packets",
            "ffmpeg is missing",
        );
    };
    let packets = |path: &Path| {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg
            .args(["-v", "error", "-i"])
            .arg(path)
            .args(["-map", "0:a", "-c", "copy", "-f", "hash", "-"]);
        output_of(&mut ffmpeg).out
    };
    let before: Vec<String> = files.iter().map(|file| packets(file)).collect();
    let names: Vec<&str> = files
        .iter()
        .map(|file| file.file_name().unwrap().to_str().unwrap())
        .collect();
    let output = scene.tag(&names);
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(
        output.out.matches("Am written").count(),
        files.len(),
        "{}",
        output.out
    );
    for (file, before) in files.iter().zip(before) {
        assert_eq!(packets(file), before, "{}", file.display());
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args([
            "-v",
            "error",
            "-of",
            "json",
            "-show_entries",
            "format_tags:stream_tags",
        ]);
        let shown = output_of(ffprobe.arg(file)).out;
        assert!(
            shown.contains("Zwei Räume") && shown.contains("kept"),
            "{}: {shown}",
            file.display()
        );
        // ffprobe 5.1 reads no ID3 in WAV; mutagen does.
        let reads_key = file.extension().is_some_and(|extension| extension != "wav");
        assert!(
            !reads_key || shown.contains("\"Am\""),
            "{}: {shown}",
            file.display()
        );
    }
}

/// mutagen reads the key and all that was there before.
#[test]
fn mutagen_reads_the_key_and_the_rest_as_before() {
    let python = target().join("venv/tables/bin/python");
    let scene = Scene::new();
    let Some(files) = in_all_formats(&scene).filter(|_| python.exists()) else {
        let reason = "ffmpeg or mutagen is missing; `cargo xtask test --full` fetches mutagen";
        return skipped("mutagen_reads_the_key_and_the_rest_as_before", reason);
    };
    let script = repository("tests/readers/tags.py");
    let read = |what: &str| {
        let mut command = Command::new(&python);
        let output = output_of(command.arg(&script).arg(what).args(&files));
        assert_eq!(output.code, 0, "{}", output.err);
        output.out
    };
    read("enrich");
    let before = read("rest");
    assert!(
        before.contains("PRIV") && before.contains("APIC"),
        "{before}"
    );
    let output = scene.tag(&["."]);
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(read("rest"), before);
    let keys = read("keys");
    assert_eq!(
        keys.lines().filter(|line| line.ends_with(": Am")).count(),
        files.len(),
        "{keys}"
    );
}
