//! Debian packages by need. A package is looked for by what it provides, so that a machine that has
//! the tool from another source passes, whatever its system.

use std::env;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::permission::{Action, Situation};
use super::programs::on_path;
use super::python;
use crate::process::{self, Progress};

/// The purpose of a package.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Any build.
    Build,
    /// Getting ONNX Runtime.
    Download,
    /// Building the standalone app.
    Standalone,
    /// `cargo xtask test`
    Test,
    /// A Python environment of our own.
    Environment,
    /// A virtual screen for the plugin's window.
    Screen,
    /// Real plugin hosts.
    Hosts,
    /// The host Ardour.
    Ardour,
    /// Rendering the music that the embedded model is trained on.
    Train,
    /// Building for Windows, and running that on this machine.
    Windows,
    /// Building for Linux on ARM, and running that on this machine.
    Arm64,
    /// Type-checking for macOS.
    MacOs,
    /// Making the packages for Linux.
    Package,
    /// Making the installer for Windows.
    Installer,
    /// Installing the packages in the tests.
    BareRoot,
}

/// A package, and the probe for what it provides.
struct Requirement {
    package: &'static str,
    why: &'static str,
    purpose: Purpose,
    probe: Probe,
}

enum Probe {
    /// One of these is on the PATH.
    Program(&'static [&'static str]),
    /// Python can load all of these.
    PythonModules(&'static [&'static str]),
    /// The dynamic linker finds this shared library.
    Library(&'static str),
    /// This program is on the PATH; only Linux has and needs it.
    OnLinux(&'static str),
    /// pkg-config knows this library; only Linux needs it.
    Development(&'static str),
    /// This file is there.
    File(&'static str),
    /// ALSA's library has this plugin for devices; only Linux has ALSA.
    AlsaPlugin(&'static str),
}

/// All packages, in the order of probing and naming.
const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        package: "gcc",
        why: "links what cargo builds",
        purpose: Purpose::Build,
        probe: Probe::Program(&["cc", "gcc", "clang"]),
    },
    Requirement {
        package: "python3-pip",
        why: "downloads ONNX Runtime",
        purpose: Purpose::Download,
        probe: Probe::PythonModules(&["pip"]),
    },
    Requirement {
        package: "pkg-config",
        why: "finds the next two libraries",
        purpose: Purpose::Standalone,
        probe: Probe::OnLinux("pkg-config"),
    },
    Requirement {
        package: "libasound2-dev",
        why: "is the standalone app's way to sound cards",
        purpose: Purpose::Standalone,
        probe: Probe::Development("alsa"),
    },
    Requirement {
        package: "libjack-jackd2-dev",
        why: "is the standalone app's way to JACK",
        purpose: Purpose::Standalone,
        probe: Probe::Development("jack"),
    },
    Requirement {
        package: "strace",
        why: "shows the tests that the audio callback makes no system call",
        purpose: Purpose::Test,
        probe: Probe::OnLinux("strace"),
    },
    Requirement {
        package: "jq",
        why: "reads the command's JSON in the tests, independently of our own code",
        purpose: Purpose::Test,
        probe: Probe::Program(&["jq"]),
    },
    Requirement {
        package: "parallel",
        why: "runs the recipe for it of docs/scale.md in the tests",
        purpose: Purpose::Test,
        probe: Probe::OnLinux("parallel"),
    },
    Requirement {
        package: "python3-venv",
        why: "keeps the Python packages of the bench and the tests apart from the system's",
        purpose: Purpose::Environment,
        probe: Probe::PythonModules(&["venv", "ensurepip"]),
    },
    Requirement {
        package: "xvfb",
        why: "is the screen that the tests open the plugin's editor on",
        purpose: Purpose::Screen,
        probe: Probe::Program(&["Xvfb"]),
    },
    Requirement {
        package: "xdotool",
        why: "presses keys and buttons on that screen",
        purpose: Purpose::Screen,
        probe: Probe::Program(&["xdotool"]),
    },
    Requirement {
        package: "xsettingsd",
        why: "owns that screen's settings, which hosts made with JUCE ask for",
        purpose: Purpose::Hosts,
        probe: Probe::Program(&["xsettingsd"]),
    },
    Requirement {
        package: "openbox",
        why: "gives windows on that screen their focus",
        purpose: Purpose::Hosts,
        probe: Probe::Program(&["openbox"]),
    },
    Requirement {
        package: "libegl1",
        why: "draws the editor there",
        purpose: Purpose::Screen,
        probe: Probe::Library("libEGL.so.1"),
    },
    Requirement {
        package: "libglib2.0-0",
        why: "is what the host dawdreamer leans on",
        purpose: Purpose::Hosts,
        probe: Probe::Library("libglib-2.0.so.0"),
    },
    Requirement {
        package: "jackd2",
        why: "feeds the standalone app audio in the tests",
        purpose: Purpose::Hosts,
        probe: Probe::OnLinux("jackd"),
    },
    Requirement {
        package: "libasound2-plugins",
        why: "is a sound card that the tests can take away, over JACK",
        purpose: Purpose::Hosts,
        probe: Probe::AlsaPlugin("jack"),
    },
    Requirement {
        package: "qtractor",
        why: "scans the CLAP plugin in the tests",
        purpose: Purpose::Hosts,
        probe: Probe::Program(&["qtractor"]),
    },
    Requirement {
        package: "ardour",
        why: "plays, exports and saves sessions with the VST3 plugin in the tests",
        purpose: Purpose::Ardour,
        probe: Probe::Program(&["ardour7-lua", "ardour8-lua", "ardour9-lua", "ardour10-lua"]),
    },
    Requirement {
        package: "mma",
        why: "makes accompaniments in a known key",
        purpose: Purpose::Train,
        probe: Probe::Program(&["mma"]),
    },
    Requirement {
        package: "fluidsynth",
        why: "renders them",
        purpose: Purpose::Train,
        probe: Probe::Program(&["fluidsynth"]),
    },
    Requirement {
        package: "fluid-soundfont-gm",
        why: "is one set of instruments for them",
        purpose: Purpose::Train,
        probe: Probe::File("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
    },
    Requirement {
        package: "musescore-general-soundfont-lossless",
        why: "is another set of instruments",
        purpose: Purpose::Train,
        probe: Probe::File("/usr/share/sounds/sf2/MuseScore_General_Full.sf2"),
    },
    Requirement {
        package: "openmpt123",
        why: "renders tracker modules among the free music",
        purpose: Purpose::Train,
        probe: Probe::Program(&["openmpt123"]),
    },
    Requirement {
        package: "gcc-mingw-w64-x86-64",
        why: "links for Windows",
        purpose: Purpose::Windows,
        probe: Probe::Program(&["x86_64-w64-mingw32-gcc"]),
    },
    Requirement {
        package: "wine",
        why: "runs Windows' programs",
        purpose: Purpose::Windows,
        probe: Probe::Program(&["wine"]),
    },
    Requirement {
        package: "gcc-aarch64-linux-gnu",
        why: "links for Linux on ARM",
        purpose: Purpose::Arm64,
        probe: Probe::Program(&["aarch64-linux-gnu-gcc"]),
    },
    Requirement {
        package: "libc6-dev-arm64-cross",
        why: "is the C library there",
        purpose: Purpose::Arm64,
        probe: Probe::File("/usr/aarch64-linux-gnu/lib/libc.so.6"),
    },
    Requirement {
        package: "libstdc++6-arm64-cross",
        why: "is the C++ library there, which ONNX Runtime needs",
        purpose: Purpose::Arm64,
        probe: Probe::File("/usr/aarch64-linux-gnu/lib/libstdc++.so.6"),
    },
    Requirement {
        package: "qemu-user-static",
        why: "runs programs for ARM",
        purpose: Purpose::Arm64,
        probe: Probe::Program(&["qemu-aarch64-static", "qemu-aarch64"]),
    },
    Requirement {
        package: "clang",
        why: "compiles the C parts for macOS",
        purpose: Purpose::MacOs,
        probe: Probe::Program(&["clang"]),
    },
    Requirement {
        package: "dpkg",
        why: "makes the Debian package",
        purpose: Purpose::Package,
        probe: Probe::Program(&["dpkg-deb"]),
    },
    Requirement {
        package: "nsis",
        why: "makes the installer for Windows",
        purpose: Purpose::Installer,
        probe: Probe::Program(&["makensis"]),
    },
    Requirement {
        package: "debootstrap",
        why: "makes the bare Debian that the tests install the package in",
        purpose: Purpose::BareRoot,
        probe: Probe::OnLinux("debootstrap"),
    },
    Requirement {
        package: "lintian",
        why: "checks the package against Debian's rules in the tests",
        purpose: Purpose::BareRoot,
        probe: Probe::OnLinux("lintian"),
    },
];

impl Requirement {
    fn is_met(&self) -> bool {
        match self.probe {
            // A linker for MSVC is found through the registry: whoever runs us has one.
            Probe::Program(_) if cfg!(windows) && self.purpose == Purpose::Build => true,
            Probe::Program(names) => names.iter().any(|name| on_path(name)),
            Probe::PythonModules(modules) => python::has_modules(modules),
            Probe::Library(name) => python::can_load(name),
            Probe::OnLinux(_) | Probe::Development(_) | Probe::AlsaPlugin(_)
                if !cfg!(target_os = "linux") =>
            {
                true
            }
            Probe::OnLinux(name) => on_path(name),
            Probe::File(path) => Path::new(path).exists(),
            Probe::Development(name) => Command::new("pkg-config")
                .args(["--exists", name])
                .status()
                .is_ok_and(|status| status.success()),
            Probe::AlsaPlugin(name) => has_alsa_plugin(name),
        }
    }
}

/// Debian keeps libraries in a folder named after the architecture, other systems do not.
fn has_alsa_plugin(name: &str) -> bool {
    let file = format!("alsa-lib/libasound_module_pcm_{name}.so");
    let beside = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut folders = beside
        .map(|entry| entry.path())
        .chain(["/usr/lib".into(), "/usr/lib64".into()]);
    folders.any(|folder| folder.join(&file).is_file())
}

/// Installs the packages that these purposes need and this machine lacks, if it is allowed to.
pub(super) fn ensure(purposes: &[Purpose]) -> Result<()> {
    let missing = missing(purposes);
    if missing.is_empty() {
        return Ok(());
    }
    process::heading("Missing on this machine");
    for requirement in &missing {
        eprintln!("    {:14} {}", requirement.package, requirement.why);
    }
    let packages: Vec<&str> = missing
        .iter()
        .map(|requirement| requirement.package)
        .collect();
    let line = format!(
        "apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    );
    match Situation::observe().decide() {
        Action::Install { with_sudo } => install(&packages, with_sudo, false)?,
        Action::AskThenInstall { with_sudo } => {
            if !agreed(&format!(
                "Run '{}{line}' now? [y/N] ",
                if with_sudo { "sudo " } else { "" }
            ))? {
                bail!("nothing was installed; run this yourself and try again:\n    {line}");
            }
            install(&packages, with_sudo, true)?;
        }
        Action::PrintLine => {
            bail!(
                "installing packages takes root, and there is no sudo that works here; as root run:\n    {line}"
            )
        }
        Action::NameNeeds => bail!(
            "there is no apt-get here; install what these Debian packages provide with your system's own installer, \
             and try again: {}",
            packages.join(", ")
        ),
    }
    if let Some(requirement) = self::missing(purposes).first() {
        bail!(
            "{} was installed, but what it provides is still not found; another one may come first on the PATH: {}",
            requirement.package,
            env::var("PATH").unwrap_or_default()
        );
    }
    Ok(())
}

fn missing(purposes: &[Purpose]) -> Vec<&'static Requirement> {
    REQUIREMENTS
        .iter()
        .filter(|requirement| purposes.contains(&requirement.purpose) && !requirement.is_met())
        .collect()
}

fn install(packages: &[&str], with_sudo: bool, attended: bool) -> Result<()> {
    let apt_get = |arguments: &[&str]| {
        let sudo: &[&str] = match (with_sudo, attended) {
            (false, _) => &[],
            (true, true) => &["sudo"],
            (true, false) => &["sudo", "-n"],
        };
        // `env`, because sudo drops the environment.
        let env = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
        let words = [sudo, &env, arguments].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    };
    let remedy = "apt-get did not succeed, see above; it needs the network, free disk space, and no other installer \
                  running at the same time";
    let (updated, _) = process::run_and_capture(
        "Updating the list of packages",
        Progress::OnTerminal,
        &mut apt_get(&["update"]),
    )?;
    if !updated.success() {
        bail!(remedy);
    }
    let mut install = apt_get(&["install", "-y", "--no-install-recommends"]);
    let what = format!("Installing {}", packages.join(", "));
    let (installed, _) =
        process::run_and_capture(&what, Progress::OnTerminal, install.args(packages))?;
    if !installed.success() {
        bail!(remedy);
    }
    Ok(())
}

fn agreed(question: &str) -> Result<bool> {
    eprint!("{question}");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_probed_only_for_what_is_wanted() {
        assert!(missing(&[]).is_empty());
        assert!(
            missing(&[Purpose::Test])
                .iter()
                .all(|requirement| requirement.purpose == Purpose::Test)
        );
    }
}
