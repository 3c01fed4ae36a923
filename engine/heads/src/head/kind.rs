//! The kinds of heads: what one reads of a window, and what its outputs mean.

/// What of a window a head reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Reads {
    /// The mean over time.
    #[default]
    Window,
    /// Each frame, 50 or 75 a second of a model like MERT.
    Frames,
}

impl Reads {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Window, Self::Frames];

    /// Its name in a head's file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Frames => "frames",
        }
    }
}

/// What a head's outputs mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outputs {
    /// Probabilities of labels of which one is true; they sum to 1 (softmax).
    #[default]
    Multiclass,
    /// Probabilities of labels each of which is true or not (sigmoid).
    Multilabel,
    /// Quantities, one a label, in the unit they were fitted in.
    Regression,
}

impl Outputs {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Multiclass, Self::Multilabel, Self::Regression];

    /// Its name in a head's file and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Multiclass => "multiclass",
            Self::Multilabel => "multilabel",
            Self::Regression => "regression",
        }
    }
}
