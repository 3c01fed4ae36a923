//! Music theory and evidence: keys and their notations, smoothing over audio time, abstention.
//!
//! Knows probabilities and labels, never audio, models or files.

mod key;
mod smooth;

pub use key::{Key, Mode, Notation, PITCH_CLASSES, ParseKeyError};
pub use smooth::{GenreSmoother, KeySmoother, is_clear};
