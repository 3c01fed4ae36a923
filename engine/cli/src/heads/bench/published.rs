//! Published figures of other programs, and when they may stand beside ours.

use serde_json::{Value, json};

use crate::arguments::Recipe;

/// Tracks of GiantSteps key with its original labels.
const GIANTSTEPS: usize = 604;

/// Where the figures come from.
const SOURCE: &str = "computed from the answers that openkeyscan-analyzer publishes (rekordcloud/openkeyscan-analyzer, \
                      commit 0851ca7)";

/// A program's figures on GiantSteps' 604 original labels, each 0 to 1.
struct Published {
    program: &'static str,
    exact: f64,
    both: f64,
    up: f64,
    compatible: f64,
}

const PUBLISHED: [Published; 2] = [
    Published {
        program: "Mixed In Key 10.3",
        exact: 0.694,
        both: 0.758,
        up: 0.742,
        compatible: 0.826,
    },
    Published {
        program: "rekordbox 7.12",
        exact: 0.568,
        both: 0.657,
        up: 0.641,
        compatible: 0.747,
    },
];

/// The published figures beside a table, or the reason for none.
pub(super) enum Beside {
    Shown,
    /// A sentence.
    LeftOut(String),
}

/// Whether published figures belong beside a set of `files` labeled files: only the same set of labels is compared.
pub(super) fn beside(recipe: Option<Recipe>, task: &str, files: usize) -> Beside {
    let reason = match recipe {
        _ if task != "key" => "This set is not compared with published figures.".to_owned(),
        Some(Recipe::Giantsteps) if files == GIANTSTEPS => return Beside::Shown,
        Some(Recipe::Giantsteps) => format!(
            "Published figures are of {GIANTSTEPS} tracks with their original labels; these are {files}, so they are not \
             shown beside them."
        ),
        _ => format!(
            "Published figures are of GiantSteps' {GIANTSTEPS} original labels, and are not shown beside other labels."
        ),
    };
    Beside::LeftOut(reason)
}

impl Beside {
    fn published(&self) -> &'static [Published] {
        match self {
            Self::Shown => &PUBLISHED,
            Self::LeftOut(_) => &[],
        }
    }

    /// Rows of the table of keys, without the kinds of error, which are not published.
    pub(super) fn rows(&self) -> impl Iterator<Item = Vec<String>> {
        self.published().iter().map(|one| {
            let figures = [one.exact, one.both, one.up, one.compatible];
            let figures = figures.map(|value| format!("{value:.3}"));
            let name = [
                one.program.to_owned(),
                "–".to_owned(),
                GIANTSTEPS.to_string(),
            ];
            let unknown = std::iter::repeat_n("–".to_owned(), 5);
            name.into_iter().chain(figures).chain(unknown).collect()
        })
    }

    /// A sentence on them.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Shown => format!(
                "Figures of other programs are on GiantSteps' {GIANTSTEPS} original labels: {SOURCE}. They hold here if \
                 the folder's annotations are that revision."
            ),
            Self::LeftOut(reason) => reason.clone(),
        }
    }

    /// As JSON; empty when they are left out.
    pub(super) fn json(&self) -> Value {
        let each = self.published().iter().map(|one| {
            json!({
                "program": one.program,
                "labels": "GiantSteps key, 604 tracks, original labels",
                "source": SOURCE,
                "exact": one.exact,
                "weighted_both": one.both,
                "weighted": one.up,
                "compatible": one.compatible,
            })
        });
        Value::Array(each.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_figures_stand_beside_their_own_labels_only() {
        let shown = beside(Some(Recipe::Giantsteps), "key", 604);
        let rows: Vec<_> = shown.rows().collect();
        assert_eq!(rows[0][0], "Mixed In Key 10.3");
        assert_eq!(rows[0][3..7], ["0.694", "0.758", "0.742", "0.826"]);
        assert!(rows.iter().all(|row| row.len() == 12));
        assert!(shown.words().contains("original labels") && shown.words().contains("0851ca7"));
        for (recipe, task, files) in [
            (Some(Recipe::Giantsteps), "key", 567),
            (Some(Recipe::Fmak), "key", 604),
            (None, "key", 604),
            (Some(Recipe::Gtzan), "genre", 290),
        ] {
            let left = beside(recipe, task, files);
            assert_eq!(left.rows().count(), 0, "{recipe:?}");
            assert!(left.words().contains("not") && left.json() == json!([]));
        }
    }
}
