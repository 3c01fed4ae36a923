//! Embeds Windows' application manifest, icon and version in the app: its window knows of scales, its paths are
//! long, its text is UTF-8. Elsewhere it does nothing. Not here: the plugin, whose process is its host's.

use std::env;
use std::io;

use embed_manifest::manifest::DpiAwareness;
use embed_manifest::{embed_manifest, new_manifest};
use winresource::WindowsResource;

const ICON: &str = "../../assets/icons/mertscope.ico";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_CFG_WINDOWS").is_some() {
        // Long paths and UTF-8 are what a new manifest says already.
        embed_manifest(new_manifest("Mertscope").dpi_awareness(DpiAwareness::PerMonitorV2))?;
        println!("cargo:rerun-if-changed={ICON}");
        let mut resource = WindowsResource::new();
        resource.set_icon(ICON).set("ProductName", "Mertscope");
        resource.set("FileDescription", "Mertscope").compile()?;
    }
    Ok(())
}
