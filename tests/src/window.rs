//! The plugin's real window, embedded by a host on a virtual X server (Xvfb).
//!
//! A test or a tool first calls [`test_on_a_screen`] or [`tool_on_a_screen`]: it starts the server and runs the program again
//! there. The pictures, the number of paints and the keys come from the server.

mod editor;
mod frame;
mod picture;
mod rerun;
mod screen;

pub use editor::Editor;
pub use frame::Frame;
pub use picture::{Picture, Region};
pub use rerun::{test_on_a_screen, test_with_keys_on_a_screen, tool_on_a_screen};
pub use screen::Screen;
