//! The views of Mertscope's window, drawn with egui from one snapshot of the engine's results.
//!
//! Knows no plugin API: a program shows [`editor_ui::EditorUi`] and implements
//! [`host::EditorHost`], through which the views read and change an instance. Runs on the GUI
//! thread; nothing here computes more than layout. The crate also holds the types that views and
//! programs share: the state that a project keeps ([`state`]), the names, defaults and bounds of the
//! parameters ([`parameters`]), and the user's own file ([`user`]).

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
mod color;
pub mod control;
mod drawing;
pub mod editor_ui;
mod entry_words;
mod extra_heads;
pub mod file_drop;
mod genre;
pub mod host;
pub mod host_panel;
mod key_answer;
mod layout;
mod map;
pub mod parameters;
mod ranking;
pub mod row;
mod settings;
pub mod shortcuts;
pub mod state;
mod status_bar;
mod study;
pub mod text;
pub mod theme;
mod timeline;
mod tuning;
pub mod user;
mod view_context;
pub mod view_settings;
mod welcome;
mod zoom;
