//! Embeds Windows' application manifest in the command: long paths, and text in UTF-8. Elsewhere it does
//! nothing.

use std::env;
use std::io;

use embed_manifest::{embed_manifest, new_manifest};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_CFG_WINDOWS").is_some() {
        embed_manifest(new_manifest("Mertscope.Command"))?;
    }
    Ok(())
}
