//! The views of Mertscope's window, drawn with egui from one snapshot of what the engine heard.
//!
//! Knows no plugin API: a program shows [`face::Face`] and implements [`host::EditorHost`] for what the views read
//! and change. Runs on the GUI thread; nothing here computes more than layout. The crate also holds
//! what views and programs share: what a project remembers ([`state`]), the names, defaults and
//! bounds of the parameters ([`parameters`]), and the user's own file ([`user`]).

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod bar;
pub mod browser;
mod circle;
mod colour;
pub mod control;
mod desk;
mod drawing;
pub mod extra;
pub mod face;
mod genre;
pub mod host;
mod layout;
pub mod look;
mod map;
mod others;
pub mod parameters;
mod ranking;
pub mod row;
mod settings;
pub mod state;
mod strip;
mod study;
pub mod text;
pub mod theme;
mod timeline;
pub mod user;
mod welcome;
