//! The driver finds targets that panic, allocate too much, end the process or never end, keeps the
//! input and says how to run it again. This program is the driver when the tests start it as such.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};
use mertscope_fuzz::{Memory, Target};

/// Set for the program as the driver.
const DRIVER: &str = "MERTSCOPE_FUZZ_PLANTED";

const SOUND: Target = Target {
    name: "sound",
    run: |_| {},
    seeds: || vec![b"sound".to_vec()],
    tokens: &["wrong"],
    memory: Memory {
        fixed_bytes: 1 << 20,
        per_input_byte: 1,
    },
    missing: || None,
};

fn is_wrong(bytes: &[u8]) -> bool {
    bytes.windows(5).any(|word| word == b"wrong")
}

/// Targets with a defect that one word in the input shows.
const PLANTED: [Target; 6] = [
    SOUND,
    Target {
        name: "panic",
        run: |bytes| assert!(!is_wrong(bytes), "planted"),
        ..SOUND
    },
    Target {
        name: "memory",
        run: |bytes| {
            drop(std::hint::black_box(vec![
                1u8;
                if is_wrong(bytes) {
                    2 << 20
                } else {
                    1
                }
            ]))
        },
        ..SOUND
    },
    Target {
        name: "abort",
        run: |bytes| {
            if is_wrong(bytes) {
                std::process::abort();
            }
        },
        ..SOUND
    },
    Target {
        name: "hang",
        run: |bytes| {
            while is_wrong(bytes) {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        },
        ..SOUND
    },
    Target {
        name: "missing",
        missing: || Some("nothing is here".to_owned()),
        ..SOUND
    },
];

fn driver(artifacts: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .env(DRIVER, "1")
        .args(arguments)
        .arg("--artifacts")
        .arg(artifacts);
    command.output().unwrap()
}

/// Fuzzes the target, and runs the input that is kept again: both must fail, with these words.
fn is_found(target: &str, words: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let output = driver(folder.path(), &["--seconds", "60", "--seed", "1", target]);
    let (out, err) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    assert!(err.contains(words), "{err}");
    let kept: Vec<_> = fs::read_dir(folder.path().join(target))?
        .flatten()
        .collect();
    assert_eq!(kept.len(), 1, "{out}{err}");
    let file = kept[0].path();
    assert!(is_wrong(&fs::read(&file)?));
    let file = file.to_str().unwrap();
    assert!(
        out.contains(&format!("mertscope-fuzz {target} --input {file}")),
        "{out}"
    );
    let again = driver(folder.path(), &[target, "--input", file]);
    assert!(!again.status.success());
    assert!(String::from_utf8(again.stderr)?.contains(words));
    Ok(())
}

fn what_is_sound_or_missing_is_no_failure() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let output = driver(folder.path(), &["--seconds", "1", "sound", "missing"]);
    let out = String::from_utf8(output.stdout)?;
    assert!(output.status.success(), "{out}");
    assert!(
        out.contains("per second") && out.contains("executions in all"),
        "{out}"
    );
    assert!(out.contains("missing: skipped: nothing is here"), "{out}");
    let output = driver(folder.path(), &["nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr)?.contains("sound, panic"));
    Ok(())
}

fn main() -> ExitCode {
    if env::var_os(DRIVER).is_some() {
        return mertscope_fuzz::main(&PLANTED);
    }
    let trials = vec![
        Trial::test("a_panic_is_found", || is_found("panic", "planted")),
        Trial::test("too_large_an_allocation_is_found", || {
            is_found("memory", "It allocated 2097")
        }),
        Trial::test("the_end_of_the_process_is_found", || is_found("abort", "")),
        Trial::test("an_input_that_never_ends_is_found", || {
            is_found("hang", "It took longer")
        }),
        Trial::test(
            "what_is_sound_or_missing_is_no_failure",
            what_is_sound_or_missing_is_no_failure,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
