//! `mertscope map`: a map is fitted, used in place of the embedded one, and removed.

use std::path::Path;

use mertscope_tests::repository;

use super::case::{Case, noise_and_tone};

#[test]
fn a_map_is_fitted_used_and_removed() {
    let case = Case::new();
    noise_and_tone(&case, "sounds", 5);
    let built_in = case.run(&["map", "info"]).out;
    assert!(
        built_in.contains("jazz") && built_in.contains("sets the labels apart"),
        "{built_in}"
    );
    let fitted = case.run(&["map", "fit", "--data", "sounds", "--quiet"]);
    assert_eq!(fitted.code, 0, "{}", fitted.err);
    assert_eq!(case.run(&["map", "info"]).out, fitted.out);
    assert!(
        fitted.out.contains("noise") && !fitted.out.contains("jazz"),
        "{}",
        fitted.out
    );
    assert_eq!(case.run(&["map", "remove"]).code, 0);
    assert_eq!(case.run(&["map", "info"]).out, built_in);
    assert_eq!(case.run(&["map", "remove"]).code, 1);
    // The error for a model without a map names the remedy.
    let tiny = repository("tests/fixtures/tiny");
    let none = case.run(&["map", "info", "--model", tiny.to_str().unwrap()]);
    assert!(
        none.code == 1 && none.err.contains("mertscope map fit"),
        "{}",
        none.err
    );
    assert!(Path::new(&case.path("data/mertscope/embeddings")).is_dir());
}
