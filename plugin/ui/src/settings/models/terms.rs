//! The terms of a model and of its published heads, in words.

use mertscope_model::catalogue::PublishedHeads;

/// The meaning of a license for a musician, in a few words.
pub(super) fn license_words(license: &str) -> &'static str {
    if license.to_uppercase().contains("NC") {
        "name the authors, and make no commercial use of the weights"
    } else {
        "its text says what you may do with it"
    }
}

/// The terms of the heads that come along with a model.
pub(super) fn heads_words(heads: &PublishedHeads) -> String {
    let license = match &heads.license {
        Some(license) => format!("under {license}"),
        None => "whose authors state no license".to_owned(),
    };
    let tasks: Vec<&str> = heads.tasks().collect();
    format!(
        "With it come {} heads of {}, {license}: {}. They were fitted on {}.",
        heads.head.len(),
        heads.title,
        tasks.join(", "),
        heads.fitted_on
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use mertscope_model::catalogue;

    #[test]
    fn the_terms_of_heads_say_what_they_answer_and_that_no_license_is_stated() {
        let entry = catalogue::find("MERT-v1-95M").unwrap().unwrap();
        let words = heads_words(entry.heads.as_ref().unwrap());
        for part in [
            "11 heads of Music-Descriptor",
            "state no license",
            "key, genre",
            "whole clips",
        ] {
            assert!(words.contains(part), "“{part}”: {words}");
        }
        assert!(license_words(&entry.license).contains("no commercial use"));
    }
}
