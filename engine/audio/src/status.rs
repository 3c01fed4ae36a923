//! The status of a window: analyzed, or the reason why not.

/// Whether a window was analyzed, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It was analyzed.
    Ok,
    /// Below the silence gate; not analyzed.
    Silent,
    /// Audio is missing in it; not analyzed.
    Gap,
    /// It holds NaN or infinite samples; not analyzed.
    Invalid,
    /// The model failed on it.
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
