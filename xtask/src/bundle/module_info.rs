//! `moduleinfo.json`: the description of a VST3 plugin for hosts that scan without loading it, in the form of
//! Steinberg's `moduleinfotool` (VST 3.7.5 and later).
//!
//! Everything in it comes from the built plugin's own factory, so the two can't differ.

use std::ffi::c_char;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use libloading::Library;
use serde_json::{Map, Value, json};
use vst3::ComPtr;
use vst3::Steinberg::{
    IPluginFactory, IPluginFactory2, IPluginFactory2Trait, IPluginFactoryTrait, PClassInfo2,
    PFactoryInfo, kResultOk,
};

use super::names::Names;

/// The flags of a factory, by their names in the file.
const FLAGS: [(&str, i32); 3] = [
    ("Unicode", 1 << 4),
    ("Classes Discardable", 1 << 0),
    ("Component Non Discardable", 1 << 3),
];

/// The content of the file, from the built plugin.
///
/// # Errors
/// When the library can't be loaded, or is no VST3 plugin.
pub(super) fn text(names: &Names, version: &str, plugin: &Path) -> Result<String> {
    let (factory_info, classes) = read(plugin)
        .with_context(|| format!("{} can't describe its VST3 plugin", plugin.display()))?;
    let classes: Vec<Value> = classes.iter().map(class).collect();
    let flags: Map<String, Value> = FLAGS
        .iter()
        .map(|(name, flag)| ((*name).to_owned(), json!(factory_info.flags & flag != 0)))
        .collect();
    let document = json!({
        "Name": names.name,
        "Version": version,
        "Factory Info": {
            "Vendor": words(&factory_info.vendor),
            "URL": words(&factory_info.url),
            "E-Mail": words(&factory_info.email),
            "Flags": flags,
        },
        "Compatibility": [],
        "Classes": classes,
    });
    Ok(format!("{document:#}\n"))
}

/// A class as the file describes it.
fn class(info: &PClassInfo2) -> Value {
    let sub_categories = words(&info.subCategories);
    let sub_categories: Vec<&str> = sub_categories.split('|').collect();
    json!({
        "CID": class_id(&info.cid),
        "Category": words(&info.category),
        "Name": words(&info.name),
        "Vendor": words(&info.vendor),
        "Version": words(&info.version),
        "SDKVersion": words(&info.sdkVersion),
        "Sub Categories": sub_categories,
        "Class Flags": info.classFlags,
        "Cardinality": info.cardinality,
        "Snapshots": [],
    })
}

/// A class id in hexadecimal digits, the same on every system: on Windows a factory has its first three parts
/// in the order of a GUID.
fn class_id(id: &[c_char; 16]) -> String {
    const GUID: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let order = if cfg!(windows) {
        GUID
    } else {
        std::array::from_fn(|n| n)
    };
    order.map(|n| format!("{:02X}", id[n] as u8)).concat()
}

/// The text in a field, up to its end.
fn words(field: &[c_char]) -> String {
    let bytes: Vec<u8> = field.iter().map(|byte| *byte as u8).collect();
    let end = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}

/// Loads the plugin and asks its factory.
fn read(plugin: &Path) -> Result<(PFactoryInfo, Vec<PClassInfo2>)> {
    // SAFETY: the library was just built from this checkout. It does nothing when it is loaded.
    let library = unsafe { Library::new(plugin)? };
    // SAFETY: the VST3 format gives this function this type. The factory needs no entry function before it.
    let factory = unsafe {
        let make: libloading::Symbol<'_, unsafe extern "system" fn() -> *mut IPluginFactory> =
            library.get(b"GetPluginFactory\0")?;
        ComPtr::from_raw(make())
    };
    let factory = factory.and_then(|factory| factory.cast::<IPluginFactory2>());
    let factory = factory.context("it has no factory of version 2")?;
    // SAFETY: all fields of these structures are numbers, for which zeros are values.
    let (mut factory_info, mut class): (PFactoryInfo, PClassInfo2) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    // SAFETY: the factory fills a structure that lives until it returns.
    let told = unsafe { factory.getFactoryInfo(&raw mut factory_info) };
    ensure!(told == kResultOk, "its factory does not tell its vendor");
    // SAFETY: it takes no arguments.
    let count = unsafe { factory.countClasses() };
    let mut classes = Vec::new();
    for index in 0..count {
        // SAFETY: as above.
        let told = unsafe { factory.getClassInfo2(index, &raw mut class) };
        ensure!(told == kResultOk, "its factory does not tell class {index}");
        classes.push(class);
    }
    Ok((factory_info, classes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_end_at_their_zero_and_ids_are_hexadecimal() {
        let field = b"Fx|Analyzer\0left over".map(|byte| byte as c_char);
        assert_eq!(words(&field), "Fx|Analyzer");
        assert_eq!(words(&b"full".map(|byte| byte as c_char)), "full");
        if cfg!(not(windows)) {
            let id = b"MertscopePlugin1".map(|byte| byte as c_char);
            assert_eq!(class_id(&id), "4D65727473636F7065506C7567696E31");
        }
    }

    #[test]
    fn a_file_that_is_no_plugin_is_named() {
        let names = Names {
            name: "Mertscope".into(),
            identifier: "org.example.mertscope".into(),
        };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let error = text(&names, "1.2.3", &file).unwrap_err();
        assert!(format!("{error:#}").contains("Cargo.toml can't describe"));
    }
}
