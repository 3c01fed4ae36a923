//! Notices: sentences to the user, with a severity.

/// How serious a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// All went well.
    Info,
    /// The work goes on, with less than was requested.
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
    /// A notice that all went well.
    #[must_use]
    pub fn info(text: impl ToString) -> Self {
        Self::new(text, Severity::Info)
    }

    /// A notice that the work goes on, with less than was requested.
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
