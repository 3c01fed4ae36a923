//! The bundles where people put them: homes with odd and long names, folders that nobody may write, beside an older
//! version and its data. The command is started from its bundle, and the plugin is loaded from there.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_tests::bundles::bundles;
use mertscope_tests::host::{Instance, load};
use mertscope_tests::{CommandOutput, output_of, repository, skipped, target};
use tempfile::TempDir;

/// A home of its own.
struct Home {
    _scratch: TempDir,
    path: PathBuf,
}

impl Home {
    fn new(name: &str) -> Self {
        // On the disk of the bundles, so that links to them can be made.
        let tests = target().join("tmp");
        fs::create_dir_all(&tests).unwrap();
        let scratch = tempfile::tempdir_in(tests).unwrap();
        let path = scratch.path().join(name);
        fs::create_dir_all(&path).unwrap();
        Self {
            _scratch: scratch,
            path,
        }
    }

    /// Puts the CLAP plugin and its folder into a folder of this home. Links suffice: they are other paths to the
    /// same files.
    fn install(&self, place: &str) -> PathBuf {
        let place = self.path.join(place);
        for entry in [Path::new("Mertscope.clap"), Path::new("Mertscope")] {
            link_all(&bundles().join(entry), &place.join(entry));
        }
        place
    }

    /// Starts a program of an installation, as this home's user.
    fn run(&self, mut command: Command) -> CommandOutput {
        for name in [
            "ORT_DYLIB_PATH",
            "XDG_DATA_HOME",
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
        ] {
            command.env_remove(name);
        }
        output_of(command.env("HOME", &self.path))
    }

    fn mertscope(&self, place: &Path, arguments: &[&str]) -> CommandOutput {
        let mut command = Command::new(place.join("Mertscope/mertscope"));
        command.args(arguments);
        self.run(command)
    }

    /// Asserts that an installation works, with its own ONNX Runtime.
    fn assert_works(&self, place: &Path) {
        let told = self.mertscope(place, &["doctor"]);
        assert_eq!(told.code, 0, "{told:?}");
        let used = told.out.lines().find(|line| line.contains("is used"));
        let own = place.join("Mertscope/libonnxruntime");
        assert!(used.unwrap().contains(own.to_str().unwrap()), "{told:?}");

        let piece = repository("assets/demo/two-rooms.ogg");
        let analyzed = self.mertscope(place, &["analyze", "--quiet", piece.to_str().unwrap()]);
        assert_eq!(analyzed.code, 0, "{analyzed:?}");
        assert!(analyzed.out.contains("C minor (5A)"), "{analyzed:?}");
    }
}

fn link_all(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            link_all(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::hard_link(from, to).unwrap();
    }
}

#[test]
fn a_home_may_have_spaces_umlauts_and_three_hundred_characters() {
    let long = ["Zoë Müller-Groß 音楽", &"ä ".repeat(60), &"b".repeat(200)].join("/");
    let home = Home::new(&long);
    assert!(home.path.to_str().unwrap().chars().count() > 300);
    let place = home.install(".clap");
    home.assert_works(&place);
    let project = fs::read(repository("tests/fixtures/states/0.1.0.state")).unwrap();
    Instance::new(&load(&place.join("Mertscope.clap"))).open_project(&project);
}

/// An older version's ONNX Runtime lies in the data folder, and what belongs to the user.
#[test]
fn an_older_versions_data_folder_is_left_as_it_is() {
    let home = Home::new("home");
    let data = home.path.join(".local/share/mertscope");
    let files = [
        "onnxruntime/1.20.1-cpu/libonnxruntime.so.1.20.1",
        "heads/mine/head.safetensors",
        "models/gone/manifest.toml",
        "installed.txt",
    ];
    for file in files {
        let path = data.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    let place = home.install(".clap");
    home.assert_works(&place);
    for file in files {
        assert_eq!(fs::read_to_string(data.join(file)).unwrap(), file);
    }
}

#[test]
fn two_installations_at_once_use_each_its_own_runtime() {
    let home = Home::new("home");
    for place in [home.install(".clap"), home.install("usr/lib/clap")] {
        home.assert_works(&place);
    }
}

/// Root may write everywhere, so as root the command runs without that right.
#[test]
fn an_installation_that_nobody_may_write_works() {
    let home = Home::new("home");
    let place = home.install(".clap");
    let allow = |mode| {
        for folder in [&place, &place.join("Mertscope"), &home.path] {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    allow(0o555);
    let program = place.join("Mertscope/mertscope");
    let mut command = Command::new(&program);
    if fs::write(home.path.join("written"), "").is_ok() {
        const WITHOUT: &str = "--bounding-set=-dac_override,-dac_read_search";
        let works = Command::new("setpriv").args([WITHOUT, "true"]).status();
        if !works.is_ok_and(|status| status.success()) {
            allow(0o755);
            return skipped(
                "an_installation_that_nobody_may_write_works",
                "root may write everywhere, and there is no setpriv",
            );
        }
        command = Command::new("setpriv");
        command.arg(WITHOUT).arg(&program);
    }
    let piece = repository("assets/demo/two-rooms.ogg");
    let analyzed = home.run({
        command.args(["analyze", "--quiet"]).arg(piece);
        command
    });
    allow(0o755);
    assert_eq!(analyzed.code, 0, "{analyzed:?}");
    assert!(analyzed.out.contains("C minor (5A)"), "{analyzed:?}");
}
