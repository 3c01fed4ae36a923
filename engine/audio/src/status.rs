//! Why a window has an answer, or has none.

/// Why a window has an answer, or has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It was analyzed.
    Ok,
    /// Below the silence gate; not analyzed.
    Silent,
    /// Audio is missing in it; not analyzed.
    Gap,
    /// It holds samples that are no numbers (NaN or infinite); not analyzed.
    Invalid,
    /// The model could not be run on it.
    Failed,
}

impl Status {
    /// Its name in the JSON and CSV outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Silent => "silent",
            Self::Gap => "gap",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }
}
