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
pub mod capture;
mod compact;
pub mod corpus;
pub mod decode;
pub mod embed;
pub mod export;
pub mod feed;
pub mod fold;
pub mod head;
pub mod hub;
pub mod listen;
pub mod live;
pub mod map;
pub mod model;
pub mod music;
pub mod oklch;
pub mod osc;
pub mod reference;
pub mod resample;
pub mod shelf;
pub mod teach;
mod tensors;
pub mod timeline;
pub mod window;
