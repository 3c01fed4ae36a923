//! A small CLAP host: it loads the built plugin and drives it as hosts do.
//!
//! The first test that asks for the plugin builds it, in the profile of the tests, which has the
//! framework's check for allocations in the audio callback: it aborts the program.

mod callbacks;
mod instance;
mod library;
mod processor;

pub use callbacks::Host;
pub use instance::{CLAP_ID, Instance, Parameter};
pub use library::{entry, library, load};
pub use processor::{AudioProcessor, transport};
