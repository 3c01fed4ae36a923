//! The recipes of `docs/scale.md`.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::scene::{merged, music, output_of, rows};

/// The lines of the recipe in `docs/scale.md` that begins with `first`.
fn recipe(first: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scale.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    let mut blocks = blocks.map(|block| block.split("```").next().unwrap());
    let block = blocks.find(|block| block.contains(first)).unwrap();
    block[block.find(first).unwrap()..].to_owned()
}

/// The one line of a recipe that begins with `first`.
fn line(first: &str) -> String {
    recipe(first).lines().next().unwrap().to_owned()
}

/// Runs a script with this command on its path.
fn shell(script: &str, folder: &Path) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_mertscope"));
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).current_dir(folder);
    shell.env(
        "PATH",
        format!("{}:{path}", program.parent().unwrap().display()),
    );
    shell
}

/// The rows that a script has put into the folder `keys`, which is empty again.
fn taken(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let taken = rows(&merged(folder, "keys"));
    fs::remove_dir_all(folder.join("keys")).unwrap();
    taken
}

/// Slurm's array is a loop here, and four jobs stand for its sixteen; one of them is stopped and requeued.
#[test]
fn the_recipe_for_slurm_does_all_files() {
    let folder = music(5);
    let folder = folder.path();
    let slurm = recipe("#!/bin/sh\n#SBATCH");
    assert!(slurm.contains("\"$SLURM_ARRAY_TASK_ID/16\"") && slurm.contains("--array=0-15"));
    let slurm = slurm.replace("/16\"", "/4\"").replace("/data/", "./");
    for task in [0, 1, 2, 3, 2] {
        let mut job = shell(&slurm, folder);
        job.env("SLURM_ARRAY_TASK_ID", task.to_string())
            .env("SLURM_CPUS_PER_TASK", "1");
        let output = output_of(&mut job);
        assert_eq!(output.code, 0, "{}", output.err);
    }
    assert_eq!(taken(folder).len(), 5);
}

#[test]
fn the_recipes_for_gnu_parallel_and_xargs_do_all_files() {
    let folder = music(5);
    let folder = folder.path();
    let run = |first: &str| {
        let script = line(first).replace("Music", "music");
        let output = output_of(&mut shell(&script, folder));
        assert_eq!(output.code, 0, "{}", output.err);
        taken(folder)
    };
    let of_xargs = run("seq 0 3 |");
    assert_eq!(of_xargs.len(), 5);
    // Another program of this name is in Debian's moreutils.
    let is_gnu = output_of(&mut shell("parallel --version", folder));
    if !is_gnu.out.contains("GNU parallel") {
        return skipped("GNU parallel is missing; `cargo xtask setup` gets it");
    }
    assert_eq!(run("parallel mertscope"), of_xargs);
}

/// Lists the half that did not run for `cargo xtask test`.
fn skipped(reason: &str) {
    if let Some(list) = std::env::var_os("MERTSCOPE_SKIPPED") {
        let list = OpenOptions::new().append(true).create(true).open(list);
        let test = "the_recipes_for_gnu_parallel_and_xargs_do_all_files";
        writeln!(list.unwrap(), "{test}: {reason}").unwrap();
    }
}
