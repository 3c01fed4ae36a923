//! The accuracy of a form of a graph, as `engine/benches/model_error.rs` measures it.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// What the program prints; its head defines the figures.
#[derive(Debug, PartialEq)]
pub(super) struct Accuracy {
    pub err: f64,
    centered_cosine: f64,
    cosine: f64,
    heads: f64,
}

impl Accuracy {
    /// All but err.
    pub(super) fn others(&self) -> String {
        format!(
            "centered cosine {:.4}, cosine {:.5}, heads agree on {:.1} % of windows",
            self.centered_cosine,
            self.cosine,
            100.0 * self.heads
        )
    }
}

/// Runs the program.
pub(super) fn compare(mut command: Command) -> Result<Accuracy> {
    let output = command
        .output()
        .with_context(|| process::could_not_start(&command))?;
    if !output.status.success() {
        bail!(
            "the accuracy can't be measured: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    parsed(&text).with_context(|| format!("model_error said '{text}'"))
}

fn parsed(text: &str) -> Option<Accuracy> {
    let numbers: Option<Vec<f64>> = text
        .split_whitespace()
        .map(|word| word.parse().ok())
        .collect();
    let [err, centered_cosine, cosine, heads] = numbers?.try_into().ok()?;
    Some(Accuracy {
        err,
        centered_cosine,
        cosine,
        heads,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_numbers_are_read_and_nothing_else() {
        let found = parsed("0.125 0.99 0.9999 0.995\n").unwrap();
        assert_eq!(found.err, 0.125);
        assert_eq!(
            found.others(),
            "centered cosine 0.9900, cosine 0.99990, heads agree on 99.5 % of windows"
        );
        assert_eq!(parsed("0.1 0.2 0.3"), None);
        assert_eq!(parsed("0.1 0.2 0.3 x"), None);
    }
}
