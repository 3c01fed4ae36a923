//! The editor without a window: every control by keyboard and by label, bad input, and pictures.

mod bad_input;
mod controls;
mod elsewhere;
mod heads;
mod pictures;
mod raster;
mod stage;
mod studied;
mod study;
mod window;
