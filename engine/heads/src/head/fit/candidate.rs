//! A head's architecture, one of several that cross-validation compares.

/// The architecture of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// One hidden state, or several for a weighted sum.
    pub(super) layers: Vec<usize>,
    /// Units of a hidden layer; `None` for a linear head.
    pub(super) hidden: Option<usize>,
}
