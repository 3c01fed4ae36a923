//! The programs that run another system's programs on this machine: Wine and qemu-user, each with a
//! user's folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::platform::{Platform, System};
use crate::process::{self, Progress};
use crate::setup;
use crate::workspace::Workspace;

/// How to run a program of another platform.
pub(super) struct Emulator {
    /// The words before the program's path.
    pub words: Vec<String>,
    /// Variables of the environment for it.
    pub variables: Vec<(&'static str, String)>,
    /// The folder in which its programs keep their files, when variables can't name another for each test.
    pub user: Option<PathBuf>,
}

impl Emulator {
    /// Ends the programs that a suite has left running, and removes what they have kept, but for ONNX Runtime,
    /// so that no suite finds the heads of another.
    ///
    /// # Errors
    /// When it can't be removed.
    pub(super) fn forget(&self) -> Result<()> {
        let Some(user) = &self.user else {
            return Ok(());
        };
        for order in ["--kill", "--wait"] {
            let mut server = Command::new("wineserver");
            server.arg(order);
            server.envs(self.variables.iter().map(|(name, value)| (name, value)));
            // It fails when none runs.
            process::succeeds(&mut server);
        }
        let folders = ["Local", "Roaming"].map(|folder| user.join(folder).join("mertscope"));
        let entries = folders.into_iter().flat_map(fs::read_dir).flatten();
        for entry in entries
            .flatten()
            .filter(|entry| entry.file_name() != "onnxruntime")
        {
            let path = entry.path();
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.with_context(|| format!("{} cannot be removed", path.display()))?;
        }
        Ok(())
    }

    /// Makes the user's folder with ONNX Runtime in it.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn prepare(workspace: &Workspace, platform: &Platform) -> Result<Self> {
        let target = platform.target(workspace);
        let scratch = target.join("tmp");
        fs::create_dir_all(&scratch)
            .with_context(|| format!("the folder {} cannot be made", scratch.display()))?;
        // Tests build what they run by calling cargo, which `suites` has done for them.
        let nothing = program_that_does_nothing(platform, &target)?;
        match platform.system {
            System::Windows => wine(workspace, platform, &scratch, &nothing),
            System::Linux | System::MacOs => qemu(workspace, platform, &scratch, &nothing),
        }
    }
}

/// The folder with Debian's libraries for ARM.
const ARM_LIBRARIES: &str = "/usr/aarch64-linux-gnu/lib";

fn qemu(
    workspace: &Workspace,
    platform: &Platform,
    scratch: &Path,
    nothing: &Path,
) -> Result<Emulator> {
    let root = platform.target(workspace).join("root");
    make_root(&root)?;
    let data = setup::data_folder(workspace, platform)?;
    Ok(Emulator {
        words: vec![
            "env".into(),
            format!("CARGO={}", nothing.display()),
            // Our own search for what ONNX Runtime needs would find this machine's libraries.
            format!("LD_LIBRARY_PATH={ARM_LIBRARIES}"),
            "qemu-aarch64-static".into(),
        ],
        variables: vec![
            ("XDG_DATA_HOME", data.display().to_string()),
            ("TMPDIR", scratch.display().to_string()),
            ("QEMU_LD_PREFIX", root.display().to_string()),
            // For programs that a test starts itself.
            ("MERTSCOPE_EMULATOR", "qemu-aarch64-static".into()),
        ],
        user: None,
    })
}

/// Files that describe a processor, by their paths in the root folder. ONNX Runtime reads them when it is
/// loaded, and those of another kind of machine end the process.
const ARM_PROCESSOR: [(&str, &str); 7] = [
    ("sys/devices/system/cpu/possible", "0"),
    ("sys/devices/system/cpu/present", "0"),
    ("sys/devices/system/cpu/online", "0"),
    ("sys/devices/system/cpu/cpu0/topology/physical_package_id", "0"),
    ("sys/devices/system/cpu/cpu0/topology/cluster_cpus_list", "0"),
    ("sys/devices/system/cpu/cpu0/topology/core_id", "0"),
    // A Cortex-A76, as in a Raspberry Pi 5.
    (
        "proc/cpuinfo",
        "processor\t: 0
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1
",
    ),
];

/// Makes the folder whose files qemu's programs see in the place of this machine's.
fn make_root(root: &Path) -> Result<()> {
    for (path, text) in ARM_PROCESSOR {
        let path = root.join(path);
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, format!("{text}\n")))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    #[cfg(unix)]
    if root.join("lib").symlink_metadata().is_err() {
        std::os::unix::fs::symlink(ARM_LIBRARIES, root.join("lib"))
            .with_context(|| format!("{} cannot be linked into", root.display()))?;
    }
    Ok(())
}

fn wine(
    workspace: &Workspace,
    platform: &Platform,
    scratch: &Path,
    nothing: &Path,
) -> Result<Emulator> {
    let prefix = platform.target(workspace).join("wine");
    let variables = vec![
        ("WINEPREFIX", prefix.display().to_string()),
        ("WINEARCH", "win64".into()),
        // No browser and no .NET: Wine would ask for them on a screen. What we give it comes before its own.
        ("WINEDLLOVERRIDES", "mscoree,mshtml=;dxgi=n".into()),
        ("WINEDEBUG", "-all".into()),
        ("LIBGL_ALWAYS_SOFTWARE", "1".into()),
    ];
    if !prefix.join("system.reg").is_file() {
        let mut boot = Command::new("wine");
        boot.args(["wineboot", "--init"]);
        boot.envs(variables.iter().map(|(name, value)| (name, value)));
        process::run("Making a folder for Wine", Progress::Silent, &mut boot)?;
    }
    for library in &LIBRARIES {
        install_library(&prefix, library)?;
    }
    install_runtime(workspace, platform, &prefix)?;
    let user = user_data(&prefix)?;
    Ok(Emulator {
        words: vec![
            "env".into(),
            format!("CARGO={}", windows_path(nothing)),
            // On the drive of the checkout: tests name its files by paths that have no drive.
            format!("TMP={}", windows_path(scratch)),
            format!("TEMP={}", windows_path(scratch)),
            format!("MERTSCOPE_USER_OF_TESTS={}", windows_path(&user)),
            "wine".into(),
        ],
        variables,
        user: Some(user),
    })
}

/// Wine's name for a file of this machine, by an absolute path.
pub(super) fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', "\\")
}

/// A library that Wine gets from us: its name, and its source, whose first lines say why.
struct Library {
    name: &'static str,
    source: &'static str,
}

const LIBRARIES: [Library; 2] = [
    Library {
        name: "bcryptprimitives",
        source: include_str!("process_prng.c"),
    },
    Library {
        name: "dxgi",
        source: include_str!("no_dxgi.c"),
    },
];

/// Compiles a library into Windows' own folder, in the place of Wine's.
fn install_library(prefix: &Path, library: &Library) -> Result<()> {
    let source = prefix.join(library.name).with_extension("c");
    fs::write(&source, library.source)
        .with_context(|| format!("{} cannot be written", source.display()))?;
    let folder = prefix.join("drive_c/windows/system32");
    let product = folder.join(library.name).with_extension("dll");
    let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
    compiler.args(["-shared", "-O1", "-o"]).arg(&product);
    compiler.arg(&source).arg("-ladvapi32");
    let what = format!("Giving Wine a library: {}", library.name);
    process::run(&what, Progress::Silent, &mut compiler)?;
    Ok(())
}

/// Puts ONNX Runtime where Windows' programs look for it: in the local data folder of Wine's user.
fn install_runtime(workspace: &Workspace, platform: &Platform, prefix: &Path) -> Result<()> {
    let files = setup::runtime_files(workspace, platform)?;
    let from = files
        .first()
        .and_then(|file| file.parent())
        .context("ONNX Runtime has no files")?;
    let version = from.file_name().context("ONNX Runtime has no folder")?;
    let to = user_data(prefix)?
        .join("Local/mertscope/onnxruntime")
        .join(version);
    fs::create_dir_all(&to)
        .with_context(|| format!("the folder {} cannot be made", to.display()))?;
    for file in &files {
        let to = to.join(file.file_name().unwrap_or_default());
        fs::copy(file, &to).with_context(|| format!("{} cannot be written", to.display()))?;
    }
    Ok(())
}

/// The folder with `%LOCALAPPDATA%` (`Local`) and `%APPDATA%` (`Roaming`) of Wine's user.
fn user_data(prefix: &Path) -> Result<PathBuf> {
    let users = prefix.join("drive_c/users");
    let entries =
        fs::read_dir(&users).with_context(|| format!("{} cannot be read", users.display()))?;
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| name != "Public");
    names.sort();
    let user = names.first().context("Wine made no user")?;
    Ok(users.join(user).join("AppData"))
}

/// Compiles a program that ends at once with success.
fn program_that_does_nothing(platform: &Platform, target: &Path) -> Result<PathBuf> {
    if platform.system != System::Windows {
        return Ok("/bin/true".into());
    }
    let (source, program) = (target.join("nothing.rs"), target.join("nothing.exe"));
    fs::write(&source, "fn main() {}\n")
        .with_context(|| format!("{} cannot be written", source.display()))?;
    let mut rustc = Command::new("rustc");
    rustc.args(["--target", platform.triple.unwrap_or_default(), "-o"]);
    rustc.arg(&program).arg(&source);
    process::run(
        "Compiling a stand-in for cargo",
        Progress::Silent,
        &mut rustc,
    )?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wine_names_files_of_this_machine_on_drive_z() {
        assert_eq!(windows_path(Path::new("/a b/c")), r"Z:\a b\c");
    }

    #[test]
    fn qemus_programs_see_a_processor_of_their_own_kind() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        // A second run changes nothing.
        for _ in 0..2 {
            make_root(&root).unwrap();
        }
        let described = fs::read_to_string(root.join("proc/cpuinfo")).unwrap();
        assert!(described.contains("CPU implementer"), "{described}");
        assert!(root.join("sys/devices/system/cpu/possible").is_file());
    }

    #[test]
    fn the_data_folder_is_that_of_wines_user() {
        let prefix = tempfile::tempdir().unwrap();
        for user in ["Public", "ada"] {
            fs::create_dir_all(prefix.path().join("drive_c/users").join(user)).unwrap();
        }
        let folder = user_data(prefix.path()).unwrap();
        assert!(folder.ends_with("users/ada/AppData"), "{folder:?}");
    }
}
