//! A sentence to the user, and how serious it is.

/// How serious a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// All is well.
    Info,
    /// The work goes on, with less than was asked for.
    Warning,
    /// The work was not done.
    Error,
}

/// A whole sentence to the user: an outcome, or a failure and its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The sentence.
    pub text: String,
    /// How serious it is.
    pub severity: Severity,
}

impl Notice {
    /// A notice that all is well.
    #[must_use]
    pub fn info(text: impl ToString) -> Self {
        Self::new(text, Severity::Info)
    }

    /// A notice that the work goes on, with less than was asked for.
    #[must_use]
    pub fn warning(text: impl ToString) -> Self {
        Self::new(text, Severity::Warning)
    }

    /// A notice that the work was not done.
    #[must_use]
    pub fn error(text: impl ToString) -> Self {
        Self::new(text, Severity::Error)
    }

    fn new(text: impl ToString, severity: Severity) -> Self {
        Self {
            text: text.to_string(),
            severity,
        }
    }
}
