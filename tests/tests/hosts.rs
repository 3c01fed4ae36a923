//! The bundles in real hosts: the VST3 in pedalboard, dawdreamer and Ardour (`tests/hosts/*.py`), the
//! CLAP in qtractor's scanner, the standalone app by itself, and both formats in the field's
//! validators. Each check is a process of its own, because a plugin's crash ends its host.
//!
//! Ardour and the validators take long: they run with `cargo xtask test --hosts` and `--full`. A
//! validator runs when a variable of [`VALIDATORS`] holds its path.
//!
//! A check whose host is missing is reported as ignored, with the reason, and listed in the file that
//! `MERTSCOPE_SKIPPED` names; it never counts as passed.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Failed, Trial};
use mertscope_model::Model;
use mertscope_tests::bundles::bundles;
use mertscope_tests::{
    mertscope, output_of, output_with_input, repository, run, skipped, target, welcomed_user,
};

/// Seconds between windows, in the host and in the command that it is compared with.
const HOP_S: &str = "1";

/// Validators of plugins: the variable that holds the program's path, what it is told before the
/// plugin's path, the bundle, and whether it opens the plugin's window.
const VALIDATORS: &[(&str, &[&str], &str, bool)] = &[
    ("CLAP_VALIDATOR", &["validate"], "Mertscope.clap", false),
    (
        "PLUGINVAL",
        &["--strictness-level", "10", "--validate"],
        "Mertscope.vst3",
        true,
    ),
    ("VST3_VALIDATOR", &["-e"], "Mertscope.vst3", false),
];

/// Checks in a host by a Python script: the host, the check's name in its script, and whether it
/// needs a screen.
const CHECKS: &[(&str, &str, bool)] = &[
    ("pedalboard", "loads", false),
    ("pedalboard", "passes_audio_through", false),
    ("pedalboard", "takes_every_width", false),
    ("pedalboard", "keeps_state", false),
    ("pedalboard", "two_instances", false),
    ("pedalboard", "gives_the_results_of_the_command", false),
    ("pedalboard", "mono_gives_the_results_of_the_command", false),
    ("pedalboard", SERVER_CHECK, false),
    ("pedalboard", "opens_its_editor", true),
    ("pedalboard", "shows_its_results", true),
    (
        "pedalboard",
        "plays_while_its_editor_opens_and_closes",
        true,
    ),
    ("standalone", "opens_its_window", true),
    ("standalone", "keeps_unknown_and_missing_choices", true),
    ("standalone", "ends_after_its_seconds", true),
    ("dawdreamer", "loads", false),
    ("dawdreamer", "renders_untouched", false),
    ("dawdreamer", "renders_a_mono_source", false),
    ("dawdreamer", "keeps_state", false),
    ("dawdreamer", "gives_the_results_of_the_command", false),
    (
        "dawdreamer",
        "side_chain_gives_the_results_of_the_command",
        false,
    ),
    ("dawdreamer", "shows_its_results", true),
    (ARDOUR, "exports_untouched", false),
    (ARDOUR, "keeps_state", false),
    (ARDOUR, "plays", false),
    (ARDOUR, "an_export_has_the_results_of_the_command", false),
];

/// It needs a real inference server, too.
const SERVER_CHECK: &str = "goes_on_when_its_server_dies";

/// Its checks take long.
const ARDOUR: &str = "ardour";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let with_long = arguments.include_ignored || arguments.ignored;
    // No option can make a check run that has no host.
    arguments.include_ignored = false;
    let mut trials = Vec::new();
    for &(host, check, needs_screen) in CHECKS {
        let name = format!("{host}::{check}");
        let trial = move || in_python(host, check, needs_screen);
        trials.push(if host == ARDOUR && !with_long {
            long(name, trial)
        } else {
            let lacking = python_lacks(host, needs_screen);
            let lacking = lacking.or_else(|| server_lacks(check));
            trial_or_skip(&arguments, name, lacking, trial)
        });
    }
    for &(variable, words, bundle, has_window) in VALIDATORS {
        let name = format!("{}::validates", variable.to_lowercase());
        // Elsewhere a session has a screen.
        let needs_screen = has_window && cfg!(target_os = "linux");
        let trial = move || in_validator(variable, words, bundle, needs_screen);
        trials.push(if with_long {
            let reason = if env::var_os(variable).is_none() {
                Some(format!("{variable} does not hold the path of that program"))
            } else if needs_screen {
                python_lacks("standalone", true)
            } else {
                None
            };
            trial_or_skip(&arguments, name, reason, trial)
        } else {
            long(name, trial)
        });
    }
    let scanner = qtractor_scanner();
    let lacking = scanner.is_none().then_some("qtractor is not installed");
    trials.push(trial_or_skip(
        &arguments,
        "qtractor::scans".into(),
        lacking.map(str::to_owned),
        move || in_qtractor(&scanner.ok_or("there is no scanner")?),
    ));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn long(name: String, check: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::test(name, check)
        .with_ignored_flag(true)
        .with_kind("takes long")
}

fn trial_or_skip(
    arguments: &Arguments,
    name: String,
    lacking: Option<String>,
    check: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let Some(reason) = lacking else {
        return Trial::test(name, check);
    };
    if !arguments.list {
        skipped(&name, &reason);
    }
    Trial::test(name, check)
        .with_ignored_flag(true)
        .with_kind("skipped")
}

/// The interpreter of the environment with the hosts, which `cargo xtask test` sets up.
fn python() -> PathBuf {
    interpreter("hosts")
}

/// The interpreter of an environment that `cargo xtask test` sets up.
fn interpreter(environment: &str) -> PathBuf {
    let folder = target().join("venv").join(environment);
    folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    })
}

fn python_lacks(host: &str, needs_screen: bool) -> Option<String> {
    let starts = |program: &Path, argument: &str| {
        let mut command = Command::new(program);
        command.arg(argument).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    static HOSTS: OnceLock<BTreeSet<String>> = OnceLock::new();
    let hosts = HOSTS.get_or_init(|| {
        let there = |host: &&&str| {
            let import = Command::new(python())
                .args(["-c", &format!("import {host}")])
                .output();
            import.is_ok_and(|output| output.status.success())
        };
        let hosts = ["pedalboard", "dawdreamer", "numpy"];
        hosts
            .iter()
            .filter(there)
            .map(|host| (*host).to_owned())
            .collect()
    });
    // The app is its own host, but Python reads its window; pedalboard reads audio for Ardour.
    let module = match host {
        "standalone" => "numpy",
        ARDOUR => "pedalboard",
        host => host,
    };
    if host == ARDOUR && ardour_version().is_none() {
        return Some("Ardour's session tool is not installed".into());
    }
    if !hosts.contains(module) {
        return Some(format!(
            "{module} is not in target/venv/hosts; `cargo xtask test` puts it there"
        ));
    }
    if needs_screen {
        for program in ["Xvfb", "xsettingsd", "openbox"] {
            match starts(Path::new(program), "-version") {
                Ok(mut child) => {
                    // Only its presence matters, not its answer to the option.
                    let _ = child.kill();
                    let _ = child.wait();
                }
                Err(_) => return Some(format!("{program} is not installed")),
            }
        }
    }
    None
}

/// The reason why a check that needs a server can't run.
fn server_lacks(check: &str) -> Option<String> {
    let lacks = check == SERVER_CHECK && !interpreter("servers").is_file();
    lacks.then(|| "no inference servers; `cargo xtask test --full` gets them".to_owned())
}

fn in_python(host: &str, check: &str, needs_screen: bool) -> Result<(), Failed> {
    let scripts = repository("tests/hosts");
    let piece = repository("assets/demo/slow-harbour.flac");
    // The user's data folder is hidden, so that ONNX Runtime has to come from the bundle.
    let scratch = tempfile::tempdir()?;
    let expected = scratch.path().join("expected.json");
    if check.ends_with("the_results_of_the_command") || check == SERVER_CHECK {
        let analyzed = run(&[
            "analyze".as_ref(),
            piece.as_os_str(),
            "--json".as_ref(),
            "--hop".as_ref(),
            HOP_S.as_ref(),
        ]);
        assert_eq!(analyzed.code, 0, "{}", analyzed.err);
        fs::write(&expected, analyzed.out)?;
    }
    let mut command = Command::new(python());
    command.arg("-B");
    if needs_screen {
        command
            .arg(scripts.join("display.py"))
            .arg(python())
            .arg("-B");
    }
    command
        .arg(scripts.join(format!("{host}_host.py")))
        .arg(check);
    command.arg(bundles().join("Mertscope.vst3")).arg(piece);
    command
        .env("XDG_DATA_HOME", scratch.path())
        .env_remove("ORT_DYLIB_PATH");
    command.env("MERTSCOPE_EXPECTED", &expected);
    if check == SERVER_CHECK {
        let served = scratch.path().join("served");
        export_embedded(&served)?;
        command.env("MERTSCOPE_SERVED", &served);
        command.env("MERTSCOPE_SERVERS_PYTHON", interpreter("servers"));
    }
    let user = welcomed_user();
    command.env("XDG_CONFIG_HOME", user.path());
    command.env("MERTSCOPE_PICTURES", target().join("pictures"));
    let done = command.stdin(Stdio::null()).output()?;
    if done.status.success() {
        return Ok(());
    }
    let err = String::from_utf8_lossy(&done.stderr);
    Err(format!("{}\n{err}", done.status).into())
}

/// Writes the embedded model as a server's folder.
fn export_embedded(folder: &Path) -> Result<(), Failed> {
    let model = Model::embedded_manifest()?.id;
    let mut command = mertscope();
    command.args(["models", "export", &model, "--triton"]);
    let exported = output_of(command.arg(folder).args(["--backend", "python"]));
    assert_eq!(exported.code, 0, "{}", exported.err);
    Ok(())
}

/// The version in the names of Ardour's tools: `ardour7-lua`.
fn ardour_version() -> Option<u32> {
    let path = env::var_os("PATH")?;
    let mut folders = env::split_paths(&path);
    folders.find_map(|folder| {
        let there = |version: &u32| folder.join(format!("ardour{version}-lua")).is_file();
        (6..13).rev().find(there)
    })
}

/// A validator's exit code is 0 when the plugin passes.
fn in_validator(
    variable: &str,
    words: &[&str],
    bundle: &str,
    needs_screen: bool,
) -> Result<(), Failed> {
    let program = env::var_os(variable).ok_or("its path is not known")?;
    let mut command = if needs_screen {
        let mut screen = Command::new(python());
        screen.arg("-B").arg(repository("tests/hosts/display.py"));
        screen.arg(program);
        screen
    } else {
        Command::new(program)
    };
    command.args(words).arg(bundles().join(bundle));
    let done = command.stdin(Stdio::null()).output()?;
    if done.status.success() {
        return Ok(());
    }
    let out = String::from_utf8_lossy(&done.stdout);
    Err(format!("{}\n{out}", done.status).into())
}

fn qtractor_scanner() -> Option<PathBuf> {
    let libraries = fs::read_dir("/usr/lib").ok()?.flatten();
    let mut scanners = libraries.map(|folder| folder.path().join("qtractor/qtractor_plugin_scan"));
    scanners.find(|scanner| scanner.is_file())
}

/// The scanner reads `CLAP:path` and answers with the plugin's name, ports and abilities.
fn in_qtractor(scanner: &Path) -> Result<(), Failed> {
    let plugin = bundles().join("Mertscope.clap");
    let question = format!("CLAP:{}\n", plugin.display());
    let output = output_with_input(
        Command::new(scanner).env("QT_QPA_PLATFORM", "offscreen"),
        question.as_bytes(),
    );
    let fields: Vec<&str> = output.out.trim_end().split('|').collect();
    match fields[..] {
        ["CLAP", "Mertscope", ref rest @ ..] if rest.iter().any(|field| field.contains("GUI")) => {
            Ok(())
        }
        _ => Err(format!("{output:?}").into()),
    }
}
