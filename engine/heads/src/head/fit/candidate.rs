//! A way to make a head, one of several that are compared.

/// A way to make a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// One hidden state, or several to be mixed.
    pub(super) layers: Vec<usize>,
    /// Units of a hidden layer.
    pub(super) hidden: Option<usize>,
}
