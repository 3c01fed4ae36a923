//! The plugin's real window, embedded by a CLAP host on a virtual X server (Xvfb).
//!
//! A test or a tool first calls [`test_on_a_screen`] or [`tool_on_a_screen`]: it starts the server and runs the program again
//! there. The pictures and the number of paints come from the server.

mod editor;
mod picture;
mod rerun;

pub use editor::{Editor, Screen};
pub use picture::{Picture, Region};
pub use rerun::{test_on_a_screen, tool_on_a_screen};
