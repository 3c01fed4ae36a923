#![doc = include_str!("../README.md")]
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

pub mod analyse;
pub mod corpus;
pub mod embed;

pub use mertscope_audio::{capture, decode, feed, fold, resample, window};
pub use mertscope_export as export;
pub use mertscope_export::{oklch, osc};
pub use mertscope_heads::{head, listen, map, package, reference, shelf, teach, timeline};
pub use mertscope_hub as hub;
pub use mertscope_live as live;
pub use mertscope_model as model;
pub use mertscope_music as music;
