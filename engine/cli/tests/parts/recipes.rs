//! The recipes of `docs/scale.md`.

use std::fs;
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

/// Slurm's array is a loop here, and four jobs stand for its sixteen.
#[test]
fn the_recipes_of_the_documents_do_all_files() {
    let folder = music(5);
    let folder = folder.path();
    let slurm = recipe("#!/bin/sh\n#SBATCH");
    assert!(slurm.contains("\"$SLURM_ARRAY_TASK_ID/16\"") && slurm.contains("--array=0-15"));
    let slurm = slurm.replace("/16\"", "/4\"").replace("/data/", "./");
    for task in 0..4 {
        let mut job = shell(&slurm, folder);
        job.env("SLURM_ARRAY_TASK_ID", task.to_string())
            .env("SLURM_CPUS_PER_TASK", "1");
        let output = output_of(&mut job);
        assert_eq!(output.code, 0, "{}", output.err);
    }
    let whole = rows(&merged(folder, "keys"));
    assert_eq!(whole.len(), 5);
    fs::remove_dir_all(folder.join("keys")).unwrap();
    let xargs = recipe("seq 0 3 |").replace("Music", "music");
    let output = output_of(&mut shell(&xargs, folder));
    assert_eq!(output.code, 0, "{}", output.err);
    assert_eq!(rows(&merged(folder, "keys")), whole);
}
