//! Embeds Windows' application manifest, icon and version in the command: long paths, and text in UTF-8.
//! Elsewhere it does nothing.

use std::env;
use std::io;
use std::path::Path;

use embed_manifest::{embed_manifest, new_manifest};
use winresource::WindowsResource;

/// It is not in the package of this crate: who builds the command from there gets one without an icon.
const ICON: &str = "../../assets/icons/mertscope.ico";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_CFG_WINDOWS").is_some() {
        embed_manifest(new_manifest("Mertscope.Command"))?;
        let mut resource = WindowsResource::new();
        resource.set("ProductName", "Mertscope");
        resource.set("FileDescription", "The mertscope command");
        if Path::new(ICON).exists() {
            println!("cargo:rerun-if-changed={ICON}");
            resource.set_icon(ICON);
        }
        resource.compile()?;
    }
    Ok(())
}
