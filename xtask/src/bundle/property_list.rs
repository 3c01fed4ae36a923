//! `Info.plist`: what macOS reads about a bundle before it starts or loads it.
//!
//! <https://developer.apple.com/documentation/bundleresources/information-property-list>

use super::names::Names;

/// The oldest system that the pinned ONNX Runtime is built for: the tag of its wheel in
/// `assets/onnxruntime.toml` says it.
pub(crate) const OLDEST_SYSTEM: &str = "14.0";

/// The sentence with which the system asks the user.
const MICROPHONE: &str = "Mertscope listens to the input that you choose, and shows its key and genre. Nothing is recorded or sent.";

/// The name of the app's icon in `Resources`, without `.icns`.
pub(super) const ICON: &str = "Mertscope";

/// The list of a plugin's bundle. macOS tells bundles apart by their identifiers, so the two formats have
/// two.
pub(super) fn plugin(names: &Names, version: &str, format: &str) -> String {
    let identifier = format!("{}.{format}", names.identifier);
    list(&names.name, &identifier, names, version, "BNDL", &[])
}

/// The list of the app, whose program is `program`.
pub(super) fn app(names: &Names, version: &str, program: &str) -> String {
    let identifier = format!("{}.app", names.identifier);
    // A plugin's host asks for its own process; the app is a process of its own.
    let more = [
        ("CFBundleIconFile", ICON),
        ("LSApplicationCategoryType", "public.app-category.music"),
        ("NSMicrophoneUsageDescription", MICROPHONE),
    ];
    list(program, &identifier, names, version, "APPL", &more)
}

fn list(
    program: &str,
    identifier: &str,
    names: &Names,
    version: &str,
    kind: &str,
    more: &[(&str, &str)],
) -> String {
    let entries = [
        ("CFBundleDevelopmentRegion", "en"),
        ("CFBundleExecutable", program),
        ("CFBundleIdentifier", identifier),
        ("CFBundleInfoDictionaryVersion", "6.0"),
        ("CFBundleName", &names.name),
        ("CFBundlePackageType", kind),
        ("CFBundleShortVersionString", version),
        ("CFBundleSignature", "????"),
        ("CFBundleVersion", version),
        ("LSMinimumSystemVersion", OLDEST_SYSTEM),
    ];
    let entries: String = entries
        .iter()
        .chain(more)
        .map(|(key, value)| format!("    <key>{key}</key>\n    <string>{value}</string>\n"))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n{entries}    <key>NSHighResolutionCapable</key>\n    <true/>\n</dict>\n</plist>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_and_app_have_names_versions_and_the_oldest_system_of_onnx_runtime() {
        let names = Names {
            name: "Mertscope".into(),
            identifier: "org.example.mertscope".into(),
        };
        let [vst3, clap] = ["vst3", "clap"].map(|format| plugin(&names, "1.2.3", format));
        let app = app(&names, "1.2.3", "program");
        for list in [&vst3, &clap, &app] {
            assert!(list.contains("<string>1.2.3</string>"), "{list}");
            assert!(list.contains("<string>14.0</string>"), "{list}");
            assert!(list.contains("NSHighResolutionCapable"), "{list}");
        }
        for (list, format) in [(&vst3, "vst3"), (&clap, "clap"), (&app, "app")] {
            let identifier = format!("<string>org.example.mertscope.{format}</string>");
            assert!(list.contains(&identifier), "{list}");
        }
        assert!(app.contains("<string>program</string>") && app.contains("NSMicrophone"));
        assert!(app.contains("CFBundleIconFile"), "{app}");
        assert!(!vst3.contains("NSMicrophone") && !clap.contains("NSMicrophone"));
        // The wheel's tag has the same version.
        let pins = include_str!("../../../assets/onnxruntime.toml");
        assert!(pins.contains("macosx_14_0_arm64"));
    }
}
