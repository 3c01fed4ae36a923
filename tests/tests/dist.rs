//! The packages, as people install them: the Debian package in a bare Debian, the installer for Windows
//! under Wine.

#![cfg(target_os = "linux")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_tests::bundles::bundles;
use mertscope_tests::host::{Instance, load};
use mertscope_tests::{CommandOutput, output_of, repository, skipped, target, xtask};

/// Packs what is built and returns the paths that `cargo xtask dist` prints.
fn dist(arguments: &[&str]) -> Vec<PathBuf> {
    // Not that of the last commit, which may come while this runs.
    let time = ("SOURCE_DATE_EPOCH", "1700000000");
    let mut xtask = xtask();
    xtask.arg("dist").args(arguments).arg("--assemble");
    let made = output_of(xtask.env(time.0, time.1));
    assert_eq!(made.code, 0, "{}", made.err);
    made.out.lines().map(PathBuf::from).collect()
}

fn with_extension(paths: &[PathBuf], extension: &str) -> PathBuf {
    let found = paths
        .iter()
        .find(|path| path.extension() == Some(extension.as_ref()));
    found
        .unwrap_or_else(|| panic!("no {extension} in {paths:?}"))
        .clone()
}

fn is_on_path(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// A bare Debian in a folder of its own.
struct Root {
    folder: tempfile::TempDir,
}

impl Root {
    /// Copies the root that debootstrap made, once; the reason when there is none.
    fn new() -> Result<Self, String> {
        // SAFETY: it takes nothing and can't fail.
        if unsafe { libc::geteuid() } != 0 {
            return Err("a bare Debian root takes the rights of root".into());
        }
        let base = target().join("tmp/bare-debian");
        if !base.join("usr/bin/dpkg").is_file() || !base.join("made").is_file() {
            if !is_on_path("debootstrap") {
                return Err("debootstrap is not installed".into());
            }
            let _ = fs::remove_dir_all(&base);
            // What the package depends on; everything else comes from the package.
            let made = output_of(
                Command::new("debootstrap")
                    .args([
                        "--variant=minbase",
                        "--include=libasound2,libstdc++6,libgcc-s1",
                    ])
                    .arg("bookworm")
                    .arg(&base),
            );
            if made.code != 0 {
                return Err(format!("debootstrap did not succeed: {}", made.err));
            }
            fs::write(base.join("made"), "").unwrap();
        }
        let folder = tempfile::tempdir_in(target().join("tmp")).unwrap();
        let copied = output_of(
            Command::new("cp")
                .arg("-a")
                .arg(base.join("."))
                .arg(folder.path()),
        );
        assert_eq!(copied.code, 0, "{}", copied.err);
        Ok(Self { folder })
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Runs a line of shell in it, with `/proc` as every system has it and no network needed.
    fn run(&self, line: &str) -> CommandOutput {
        let script = r#"mount -t proc proc "$0/proc" && exec chroot "$0" /bin/sh -c "$1""#;
        let mut unshare = Command::new("unshare");
        unshare
            .args(["--mount", "sh", "-c", script])
            .arg(self.folder.path())
            .arg(line);
        for (name, _) in env::vars_os() {
            unshare.env_remove(name);
        }
        unshare
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root");
        output_of(&mut unshare)
    }

    /// The same line, which has to succeed; returns what it printed.
    fn succeed(&self, line: &str) -> String {
        let ended = self.run(line);
        assert_eq!(ended.code, 0, "{line}: {}{}", ended.out, ended.err);
        ended.out
    }
}

/// The same package under an older version.
fn older(package: &Path, scratch: &Path) -> PathBuf {
    let (tree, old) = (scratch.join("older"), scratch.join("older.deb"));
    let run = |command: &mut Command| assert_eq!(output_of(command).code, 0, "{command:?}");
    run(Command::new("dpkg-deb").arg("-R").arg(package).arg(&tree));
    let control = tree.join("DEBIAN/control");
    let text = fs::read_to_string(&control).unwrap();
    let version = format!("Version: {}\n", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version), "{text}");
    fs::write(&control, text.replace(&version, "Version: 0.0.9\n")).unwrap();
    // A file that the newer version no longer has.
    fs::write(tree.join("usr/lib/mertscope/left-over"), "old").unwrap();
    run(Command::new("dpkg-deb")
        .args(["-Zgzip", "-z1", "-b"])
        .arg(&tree)
        .arg(&old));
    old
}

#[test]
#[ignore = "takes minutes: packs the debug build twice and makes a bare Debian with debootstrap"]
fn the_debian_package_installs_runs_upgrades_and_is_removed() {
    const NAME: &str = "the_debian_package_installs_runs_upgrades_and_is_removed";
    const OURS: [&str; 4] = [
        "lib/mertscope",
        "lib/vst3",
        "lib/clap",
        "share/doc/mertscope",
    ];
    for program in ["dpkg-deb", "lintian"] {
        if !is_on_path(program) {
            return skipped(NAME, &format!("{program} is not installed"));
        }
    }
    assert!(bundles().is_dir());
    let made = dist(&["--dev"]);
    let package = with_extension(&made, "deb");
    let read = || {
        made.iter()
            .map(|path| fs::read(path).unwrap())
            .collect::<Vec<_>>()
    };
    let first = read();
    dist(&["--dev"]);
    assert!(read() == first, "two assemblies of the same build differ");
    let root = match Root::new() {
        Ok(root) => root,
        Err(reason) => return skipped(NAME, &reason),
    };
    let scratch = tempfile::tempdir().unwrap();
    fs::copy(older(&package, scratch.path()), root.path("older.deb")).unwrap();
    fs::copy(&package, root.path("newer.deb")).unwrap();
    fs::copy(
        repository("assets/demo/two-rooms.ogg"),
        root.path("piece.ogg"),
    )
    .unwrap();

    root.succeed("dpkg --install /older.deb");
    let kept = "~root/.local/share/mertscope/heads/mine.safetensors";
    root.succeed(&format!("mkdir -p $(dirname {kept}) && echo mine > {kept}"));
    root.succeed("dpkg --install /newer.deb");
    assert_eq!(root.succeed(&format!("cat {kept}")), "mine\n");
    assert!(!root.path("usr/lib/mertscope/left-over").exists());
    assert_eq!(root.succeed("dpkg --verify mertscope"), "");

    // The command, by its name, with nothing but what the package brought.
    let answer = root.succeed("mertscope analyze --quiet /piece.ogg");
    for part in ["C minor (5A)", "A minor (8A)", "classical"] {
        assert!(answer.contains(part), "{answer}");
    }
    // The app, by its name too: it finds ONNX Runtime beside itself.
    let app = root.succeed("mertscope-standalone --headless --seconds 8 --file /piece.ogg");
    assert!(app.contains('%'), "{app}");
    root.succeed(
        "bash -c '. /usr/share/bash-completion/completions/mertscope && complete -p mertscope'",
    );
    root.succeed("gzip --test /usr/share/man/man1/mertscope.1.gz");
    let told = root.succeed("mertscope doctor");
    for part in ["/usr/lib/mertscope/libonnxruntime", "Everything that"] {
        assert!(told.contains(part), "{told}");
    }
    // A project of the first version opens in the plugin that was installed.
    let project = fs::read(repository("tests/fixtures/states/0.1.0.state")).unwrap();
    let installed = load(&root.path("usr/lib/clap/Mertscope.clap"));
    Instance::new(&installed).open_project(&project);
    // The VST3 bundle's link to ONNX Runtime leads there.
    root.succeed("test -s /usr/lib/vst3/Mertscope.vst3/Contents/*-linux/libonnxruntime.so.*");

    root.succeed("dpkg --purge mertscope");
    for folder in OURS {
        assert!(!root.path("usr").join(folder).exists(), "{folder}");
    }
    assert_eq!(root.succeed(&format!("cat {kept}")), "mine\n");

    // The release build, unlike this one, is stripped.
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--fail-on", "error,warning"]);
    lintian.args(["--suppress-tags", "unstripped-binary-or-object"]);
    let judged = output_of(lintian.arg(&package));
    assert_eq!(judged.code, 0, "{}{}", judged.out, judged.err);
}

/// Wine with the folder that `cargo xtask cross windows` has made for it.
struct Wine {
    prefix: PathBuf,
}

impl Wine {
    /// Starts a program of Windows and waits for it.
    fn run(&self, program: &Path, arguments: &[&str]) -> CommandOutput {
        let mut wine = Command::new("wine");
        wine.arg(program)
            .args(arguments)
            .env("WINEPREFIX", &self.prefix);
        wine.env("WINEDLLOVERRIDES", "mscoree,mshtml=")
            .env("WINEDEBUG", "-all");
        output_of(wine.env_remove("DISPLAY"))
    }

    /// The user's folder `AppData/Local`.
    fn local_data(&self) -> PathBuf {
        let users = self.prefix.join("drive_c/users");
        let entries = fs::read_dir(&users).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name());
        let user = names.find(|name| name != "Public").unwrap();
        users.join(user).join("AppData/Local")
    }
}

#[test]
#[ignore = "takes minutes: starts Wine, and needs the bundles of cargo xtask cross windows --build-only"]
fn the_installer_for_windows_installs_and_removes_what_it_installed() {
    const NAME: &str = "the_installer_for_windows_installs_and_removes_what_it_installed";
    for program in ["wine", "makensis"] {
        if !is_on_path(program) {
            return skipped(NAME, &format!("{program} is not installed"));
        }
    }
    let cross = target().join("cross/x86_64-pc-windows-gnu");
    let wine = Wine {
        prefix: cross.join("wine"),
    };
    let is_built = cross.join("release/mertscope-standalone.exe").is_file();
    if !is_built || !wine.prefix.join("system.reg").is_file() {
        let reason = "there is no build for Windows: cargo xtask cross windows --build-only";
        return skipped(NAME, reason);
    }
    let installer = with_extension(&dist(&["windows"]), "exe");
    let installed = wine.run(&installer, &["/S", "/CurrentUser"]);
    assert_eq!(installed.code, 0, "{}", installed.err);
    let local = wine.local_data();
    let (plugins, app) = (
        local.join("Programs/Common"),
        local.join("Programs/Mertscope"),
    );
    for file in [
        plugins.join("VST3/Mertscope.vst3/Contents/x86_64-win/Mertscope.vst3"),
        plugins.join("VST3/Mertscope.vst3/Contents/x86_64-win/onnxruntime.dll"),
        plugins.join("CLAP/Mertscope.clap"),
        plugins.join("CLAP/Mertscope/onnxruntime.dll"),
        app.join("mertscope-standalone.exe"),
        app.join("mertscope.exe"),
        app.join("uninstall.exe"),
    ] {
        assert!(file.is_file(), "{}", file.display());
    }
    // What was installed runs, with the ONNX Runtime beside it.
    let piece = format!("Z:{}", repository("assets/demo/two-rooms.ogg").display());
    let answer = wine.run(&app.join("mertscope.exe"), &["analyze", "--quiet", &piece]);
    assert_eq!(answer.code, 0, "{}", answer.err);
    assert!(answer.out.contains("C minor (5A)"), "{}", answer.out);

    // Another plugin, and what is the user's own.
    let others = plugins.join("CLAP/Other.clap");
    fs::write(&others, "not ours").unwrap();
    let mine = local.join("mertscope/heads/mine.safetensors");
    fs::create_dir_all(mine.parent().unwrap()).unwrap();
    fs::write(&mine, "mine").unwrap();
    // In its own folder, or it would copy itself elsewhere and go on after it seems to have ended.
    let folder = r"_?=C:\users\".to_owned()
        + &local.iter().nth_back(2).unwrap().to_string_lossy()
        + r"\AppData\Local\Programs\Mertscope";
    let removed = wine.run(&app.join("uninstall.exe"), &["/S", "/CurrentUser", &folder]);
    assert_eq!(removed.code, 0, "{}", removed.err);
    assert!(others.is_file() && mine.is_file());
    fs::remove_file(others).unwrap();
    fs::remove_file(mine).unwrap();
    for gone in [
        plugins.join("VST3/Mertscope.vst3"),
        plugins.join("CLAP/Mertscope.clap"),
        plugins.join("CLAP/Mertscope"),
        app.join("mertscope.exe"),
        app.join("onnxruntime.dll"),
    ] {
        assert!(!gone.exists(), "{}", gone.display());
    }
}
