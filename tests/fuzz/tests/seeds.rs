//! Every kept seed through its target, once: inputs that failed in the past stay good.

use mertscope_fuzz::{TARGETS, run_seeds};
use mertscope_tests::{repository, skipped};

// One test for all: the count of allocated memory is the process's.
#[test]
fn every_seed_is_read_or_refused_within_its_memory() {
    for target in &TARGETS {
        if let Some(reason) = (target.missing)() {
            skipped(&format!("fuzz seeds of {}", target.name), &reason);
            continue;
        }
        let seeds = run_seeds(target).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(seeds > 0, "{}", target.name);
    }
}

#[test]
fn kept_seeds_are_small() {
    let mut bytes = 0;
    // Without a kept seed there is no folder.
    let folders = repository("tests/fuzz/seeds").read_dir();
    for folder in folders.into_iter().flatten() {
        for seed in folder.unwrap().path().read_dir().unwrap() {
            bytes += seed.unwrap().metadata().unwrap().len();
        }
    }
    assert!(bytes < 1 << 20, "{bytes} bytes of seeds");
}
