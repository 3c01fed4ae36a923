//! The editor without a window: every control by keyboard and by label, bad input, and pictures.

mod answers;
mod bad_input;
mod controls;
mod file_drop;
mod heads;
mod host;
mod host_panel;
mod models;
mod music;
mod pictures;
mod raster;
mod reach;
mod settings;
mod stage;
mod start_again;
mod studied;
mod study;
mod window;

type Stage = stage::Stage<host::TestHost>;
type Window = window::Window<host::TestHost>;
