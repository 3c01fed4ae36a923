//! Set-up: finds what a command needs, names what is missing, and gets it once. A second run changes
//! nothing and needs no network.

mod environment;
mod packages;
mod permission;
mod pins;
mod programs;
mod python;
mod runtime;
mod rust;

use std::path::PathBuf;

use anyhow::Result;

use crate::platform::{Platform, System};
use crate::workspace::Workspace;
pub(crate) use environment::environment;
use packages::Purpose;
pub(crate) use pins::{Kind, Pins};
pub(crate) use python::command as python;
pub(crate) use runtime::sha256;

/// The part of `--help` after the options.
pub(crate) const HELP: &str = "\
`cargo xtask demo`, `run`, `test`, `bench` and others do the same by themselves.

1. Debian packages. Each is looked for by what it provides, and only the missing ones are named and
   installed: at once when run as root without a terminal or with CI set; after a yes when run as
   root or with sudo on a terminal. Otherwise the command prints the line to run, and its exit code
   is not 0.
2. ONNX Runtime, at the version and with the SHA-256 in assets/onnxruntime.toml. It is downloaded
   with `python3 -m pip download`, which follows your pip configuration, into your data folder (on
   Linux ~/.local/share/mertscope/onnxruntime/VERSION-cpu). It is verified each time, and repaired
   when it is damaged.
3. For the tests: plugin hosts, as Debian packages and as Python packages in target/venv/hosts
   (62 MB of downloads), and the tools that check text, workflows and Python, in target/venv/lint
   (31 MB); with --full also readers of tables and tags, in target/venv/tables (120 MB), and
   inference servers, in target/venv/servers (510 MB).
   Without them the tests and the step that need them are skipped and listed; nothing else
   depends on them.

Without a network: put the wheel that assets/onnxruntime.toml names into a folder and set
MERTSCOPE_WHEELS to that folder.

Examples:
  cargo xtask setup
  cargo xtask setup --gpu --openvino
  MERTSCOPE_WHEELS=/media/stick/wheels cargo xtask setup";

/// Plugin hosts that are Python packages.
const HOSTS: [&str; 3] = ["pedalboard==0.9.26", "dawdreamer==0.9.0", "numpy==2.4.6"];

/// Readers of tables and tags that are not ours, each at the oldest version that `docs/scale.md` names.
const READERS: [&str; 6] = [
    "pyarrow==15.0.2",
    "numpy==1.26.4",
    "polars==1.0.0",
    "duckdb==1.0.0",
    "pytz==2024.1",
    "mutagen==1.47.0",
];

/// Inference servers of other makers, with the ONNX Runtime that the product runs.
const SERVERS: [&str; 4] = [
    "mlserver==1.7.1",
    "nvidia-pytriton==0.7.0",
    "onnxruntime==1.31.1",
    "tritonclient[grpc]==2.73.0",
];

/// Tools for the files that are not Rust.
const LINT_TOOLS: [&str; 4] = [
    "typos==1.52.0",
    "check-jsonschema==0.39.0",
    "zizmor==1.32.0",
    "ruff==0.17.6",
];

/// The command that the set-up is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// `cargo xtask demo`
    Demo,
    /// `cargo xtask run`
    Run,
    /// `cargo xtask bundle`
    Bundle,
    /// `cargo xtask test`
    Test,
    /// `cargo xtask bench`
    Bench,
    /// `cargo xtask train`
    Train,
    /// `cargo xtask screenshots`, and others that open the plugin's window
    Screen,
    /// `cargo xtask setup`: what the demo and the tests need
    Everything {
        /// The builds to get beside the CPU build of ONNX Runtime.
        extra: Extra,
    },
}

/// Optional parts of the set-up, as arguments of `cargo xtask setup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Extra {
    /// Also get the GPU build of ONNX Runtime (a download of 256 MB), beside the CPU build; it needs CUDA 13
    /// and cuDNN 9, which this does not get
    #[arg(long)]
    pub gpu: bool,
    /// Also get OpenVINO's provider library (a download of 53 MB), for Intel processors and
    /// graphics, into mertscope/providers/ in your data folder, where Mertscope looks for it
    #[arg(long)]
    pub openvino: bool,
}

/// What the GPU build needs besides, as its libraries name it (`DT_NEEDED`); cuDNN is loaded with the first
/// convolution, and TensorRT's libraries only by TensorRT.
const GPU_NEEDS: &str = "\
    The GPU build is for NVIDIA cards. It needs, besides a driver for CUDA 13:
      CUDA 13    libcudart.so.13, libcublas.so.13, libcublasLt.so.13, libcurand.so.10
      cuDNN 9    libcudnn.so.9
      TensorRT   libnvinfer.so.10 and libnvonnxparser.so.10, for --device tensorrt only
    They come with NVIDIA's packages for your system, or from Python's index (1.6 GB) with
      python3 -m venv cuda && cuda/bin/pip install 'onnxruntime-gpu[cuda,cudnn]'
    whose folders nvidia/*/lib then belong into LD_LIBRARY_PATH. `mertscope doctor` names what is missing.";

/// Gets what `goal` needs and this machine lacks.
///
/// # Errors
/// When it can't be had; the error names the remedy.
pub(crate) fn run(workspace: &Workspace, goal: Goal) -> Result<()> {
    let pins = Pins::read(workspace)?;
    let mut builds = vec![pins.build(Kind::Cpu)?];
    if let Goal::Everything { extra } = goal {
        let wanted = [(extra.gpu, Kind::Gpu), (extra.openvino, Kind::OpenVino)];
        for (_, kind) in wanted.into_iter().filter(|(wanted, _)| *wanted) {
            builds.push(pins.build(kind)?);
        }
    }
    let data = runtime::data_folder()?;
    let mut missing = Vec::new();
    for build in builds {
        if !runtime::is_installed(&data, &pins, build) {
            missing.push(build);
        }
    }

    let mut purposes = vec![Purpose::Build];
    if !missing.is_empty() {
        purposes.push(Purpose::Download);
    }
    match goal {
        Goal::Demo => {}
        Goal::Run | Goal::Bundle => purposes.push(Purpose::Standalone),
        Goal::Test | Goal::Everything { .. } => {
            purposes.extend([Purpose::Standalone, Purpose::Test]);
        }
        Goal::Bench => purposes.push(Purpose::Environment),
        Goal::Train => purposes.extend([Purpose::Environment, Purpose::Train]),
        Goal::Screen => purposes.push(Purpose::Screen),
    }
    packages::ensure(&purposes)?;
    for build in missing {
        runtime::install(&data, &pins, build)?;
    }
    if matches!(goal, Goal::Everything { extra } if extra.gpu) {
        eprintln!("{GPU_NEEDS}");
    }
    Ok(())
}

/// The libraries and documents of ONNX Runtime's CPU build for a platform, as [`run`] or [`cross`] has
/// put them in place.
pub(crate) fn runtime_files(workspace: &Workspace, platform: &Platform) -> Result<Vec<PathBuf>> {
    let pins = Pins::read(workspace)?;
    let build = pins.build_for(Kind::Cpu, platform.system.os(), platform.arch)?;
    Ok(runtime::files(
        &data_folder(workspace, platform)?,
        &pins,
        build,
    ))
}

/// The version of ONNX Runtime that the bundles hold.
pub(crate) fn runtime_version(workspace: &Workspace) -> Result<String> {
    Ok(Pins::read(workspace)?.version)
}

/// The data folder of the products for a platform: the user's, or for a cross build one of its own.
pub(crate) fn data_folder(workspace: &Workspace, platform: &Platform) -> Result<PathBuf> {
    match platform.triple {
        None => runtime::data_folder(),
        Some(_) => Ok(platform.target(workspace).join("data")),
    }
}

/// Gets what building for another platform needs and this machine lacks: Debian packages, Rust's
/// standard library, ONNX Runtime.
///
/// # Errors
/// When it can't be had; the error names the remedy.
pub(crate) fn cross(workspace: &Workspace, platform: &Platform) -> Result<()> {
    let purpose = match platform.system {
        System::Windows => Purpose::Windows,
        System::Linux => Purpose::Arm64,
        System::MacOs => Purpose::MacOs,
    };
    packages::ensure(&[Purpose::Build, Purpose::Download, purpose])?;
    rust::ensure(workspace, platform)?;
    if platform.system == System::MacOs {
        // Its code is type-checked and never linked: nothing would load the library.
        return Ok(());
    }
    let data = data_folder(workspace, platform)?;
    let pins = Pins::read(workspace)?;
    let build = pins.build_for(Kind::Cpu, platform.system.os(), platform.arch)?;
    if !runtime::is_installed(&data, &pins, build) {
        runtime::install(&data, &pins, build)?;
    }
    Ok(())
}

/// Gets what the packages of `cargo xtask dist` need and this machine lacks.
///
/// # Errors
/// When it can't be had; the error names the remedy.
pub(crate) fn packaging(platform: &Platform) -> Result<()> {
    packages::ensure(match platform.system {
        System::Windows => &[Purpose::Installer],
        System::Linux => &[Purpose::Package],
        // Apple's tools come with the linker that the build needs.
        System::MacOs => &[],
    })
}

/// Gets real plugin hosts for the tests: a Python environment with them, and the packages that they
/// need; with `ardour` also that host. Nothing else depends on them: a
/// failure is printed, and the tests skip those hosts. Returns whether the hosts are there.
pub(crate) fn hosts(workspace: &Workspace, ardour: bool) -> bool {
    let mut purposes = vec![Purpose::Environment, Purpose::Screen, Purpose::Hosts];
    if ardour {
        purposes.push(Purpose::Ardour);
    }
    let got = packages::ensure(&purposes)
        .and_then(|()| environment(workspace, "hosts", &HOSTS.map(str::to_owned)));
    if let Err(error) = &got {
        eprintln!("    {error:#}\n    The tests of plugin hosts that are missing will be skipped.");
    }
    got.is_ok()
}

/// Gets what the tests of packages need. Nothing else depends on it: a failure is printed, and those
/// tests are skipped.
pub(crate) fn package_tests() {
    let purposes = [Purpose::Package, Purpose::BareRoot];
    if let Err(error) = packages::ensure(&purposes) {
        eprintln!("    {error:#}\n    The tests of packages will be skipped.");
    }
}

/// Gets readers of other makers for tables and tags. Nothing else depends on it: a failure is printed, and the tests that
/// read with them are skipped.
pub(crate) fn readers(workspace: &Workspace) {
    let got = packages::ensure(&[Purpose::Environment])
        .and_then(|()| environment(workspace, "tables", &READERS.map(str::to_owned)));
    if let Err(error) = got {
        eprintln!(
            "    {error:#}\n    The tests that read tables and tags back with other programs will be skipped."
        );
    }
}

/// Gets inference servers of other makers for the tests. Nothing else depends on it: a failure is printed, and the tests
/// with them are skipped.
pub(crate) fn servers_for_tests(workspace: &Workspace) {
    if let Err(error) = servers(workspace) {
        eprintln!("    {error:#}\n    The tests with inference servers will be skipped.");
    }
}

/// Gets inference servers of other makers; returns the interpreter of their Python environment.
///
/// # Errors
/// When they can't be had; the error names the remedy.
pub(crate) fn servers(workspace: &Workspace) -> Result<PathBuf> {
    packages::ensure(&[Purpose::Environment])?;
    environment(workspace, "servers", &SERVERS.map(str::to_owned))
}

/// Gets the tools that check text, workflows and Python; returns the interpreter of their Python
/// environment.
///
/// # Errors
/// When they can't be had; the error names the remedy.
pub(crate) fn lint_tools(workspace: &Workspace) -> Result<PathBuf> {
    packages::ensure(&[Purpose::Environment])?;
    environment(workspace, "lint", &LINT_TOOLS.map(str::to_owned))
}
