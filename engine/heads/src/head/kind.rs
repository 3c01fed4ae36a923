//! The kinds of heads: by their input and by the meaning of their outputs.

/// The part of a window that a head reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Reads {
    /// The mean over time.
    #[default]
    Window,
    /// Each frame; 50 or 75 per second for a model like MERT.
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

/// The meaning of a head's outputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outputs {
    /// Probabilities of labels that exclude each other; they sum to 1 (softmax).
    #[default]
    Multiclass,
    /// Probabilities of labels that are each true or not (sigmoid).
    Multilabel,
    /// Quantities, one per label, in the unit of the training data.
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
