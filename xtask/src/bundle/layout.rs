//! The files of the bundles on each system: a complete list, so that no other file can get in.
//!
//! VST3 is a folder on every system, and ours is complete in itself. CLAP is a folder on macOS only;
//! on other systems it is one shared library, and the files that it needs are in a folder of the same
//! name beside it: hosts search their CLAP folders for `*.clap` and open nothing else. The plugin and
//! the command look for ONNX Runtime beside themselves, and then in that folder.

use std::path::{Path, PathBuf};

use super::names::Names;
use super::property_list;
use crate::platform::System;
use crate::standalone;

/// The sources of the bundles.
pub(super) struct Parts<'a> {
    pub names: &'a Names,
    pub version: &'a str,
    /// The plugin's shared library.
    pub plugin: PathBuf,
    /// The `mertscope` command and the standalone app.
    pub programs: Vec<PathBuf>,
    /// ONNX Runtime's shared libraries, license and notices.
    pub runtime: Vec<PathBuf>,
    /// The icon in the forms of Windows and macOS.
    pub icons: Icons,
    /// Our own licenses, and their names in the bundles.
    pub licenses: Vec<(&'static str, PathBuf)>,
    /// The text of the third-party notices.
    pub notices: String,
    /// The text of the VST3 plugin's `moduleinfo.json`.
    pub module_info: String,
}

/// The files of the icon.
pub(super) struct Icons {
    pub windows: PathBuf,
    pub macos: PathBuf,
}

/// Tells Windows' Explorer the icon of the folder that a VST3 plugin is; it reads the file in folders
/// with the attribute "system", which the installer sets. The names are those of VST3's guide, "Plug-in
/// Format Structure".
const FOLDER_ICON: &str = "[.ShellClassInfo]\r\nIconResource=PlugIn.ico,0\r\n";

/// A file of a bundle.
#[derive(Debug)]
pub(super) struct File {
    /// Its path from the folder that holds the bundles.
    pub to: PathBuf,
    pub content: Content,
}

/// The source of a file's bytes.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Copy(PathBuf),
    Text(String),
}

/// All files of all bundles.
pub(super) fn files(parts: &Parts, system: System, arch: &str) -> Vec<File> {
    let name = &parts.names.name;
    let (vst3, clap) = (format!("{name}.vst3"), format!("{name}.clap"));
    let mut files = Vec::new();
    match system {
        System::Linux | System::Windows => {
            // The VST3 format fixes the folder's name; Windows on ARM has a name of its own.
            let (folder, plugin) = match (system, arch) {
                (System::Windows, "aarch64") => ("arm64-win".to_owned(), vst3.clone()),
                (System::Windows, _) => (format!("{arch}-win"), vst3.clone()),
                _ => (format!("{arch}-linux"), format!("{name}.so")),
            };
            let contents = Path::new(&vst3).join("Contents");
            let binaries = contents.join(folder);
            files.push(copy(&parts.plugin, binaries.join(plugin)));
            files.extend(libraries(parts, &binaries));
            files.extend(documents(parts, &contents.join("Resources")));
            files.push(text(&parts.module_info, vst3_module_info(name)));
            if system == System::Windows {
                let folder = Path::new(&vst3);
                files.push(text(FOLDER_ICON, folder.join("desktop.ini")));
                files.push(copy(&parts.icons.windows, folder.join("PlugIn.ico")));
            }
            files.push(copy(&parts.plugin, clap.into()));
        }
        System::MacOs => {
            for (bundle, format) in [(vst3, "vst3"), (clap, "clap")] {
                let contents = Path::new(&bundle).join("Contents");
                let binaries = contents.join("MacOS");
                files.push(copy(&parts.plugin, binaries.join(name)));
                let list = property_list::plugin(parts.names, parts.version, format);
                files.push(text(&list, contents.join("Info.plist")));
                // Type and creator codes of the classic Mac OS: a bundle without a registered
                // creator.
                files.push(text("BNDL????", contents.join("PkgInfo")));
                files.extend(libraries(parts, &binaries));
                files.extend(documents(parts, &contents.join("Resources")));
            }
            files.push(text(&parts.module_info, vst3_module_info(name)));
            files.extend(app(parts));
        }
    }
    let folder = Path::new(name);
    for program in &parts.programs {
        // On macOS the app is a bundle of its own, or it might not ask for the microphone.
        if system != System::MacOs || !is_app(program) {
            let name = program.file_name().unwrap_or_default();
            files.push(copy(program, folder.join(name)));
        }
    }
    files.extend(libraries(parts, folder));
    files.extend(documents(parts, folder));
    files
}

/// The app as macOS starts it.
fn app(parts: &Parts) -> Vec<File> {
    let contents = PathBuf::from(format!("{}.app", parts.names.name)).join("Contents");
    let binaries = contents.join("MacOS");
    let list = property_list::app(parts.names, parts.version, standalone::NAME);
    let mut files = vec![
        text(&list, contents.join("Info.plist")),
        text("APPL????", contents.join("PkgInfo")),
    ];
    let programs = parts.programs.iter().filter(|program| is_app(program));
    files.extend(programs.map(|program| copy(program, binaries.join(standalone::NAME))));
    files.extend(libraries(parts, &binaries));
    let resources = contents.join("Resources");
    let icon = format!("{}.icns", property_list::ICON);
    files.push(copy(&parts.icons.macos, resources.join(icon)));
    files.extend(documents(parts, &resources));
    files
}

fn is_app(program: &Path) -> bool {
    program.file_name() == Some(standalone::NAME.as_ref())
}

/// The place that the VST3 format gives the description of the plugin.
fn vst3_module_info(name: &str) -> PathBuf {
    Path::new(&format!("{name}.vst3")).join("Contents/Resources/moduleinfo.json")
}

fn copy(from: &Path, to: PathBuf) -> File {
    let content = Content::Copy(from.to_owned());
    File { to, content }
}

fn text(text: &str, to: PathBuf) -> File {
    let content = Content::Text(text.to_owned());
    File { to, content }
}

/// A document of ONNX Runtime, as opposed to a library.
fn is_document(file: &Path) -> bool {
    file.extension().is_none_or(|extension| extension == "txt")
}

fn libraries(parts: &Parts, folder: &Path) -> Vec<File> {
    let libraries = parts.runtime.iter().filter(|file| !is_document(file));
    libraries
        .map(|file| copy(file, folder.join(file.file_name().unwrap_or_default())))
        .collect()
}

fn documents(parts: &Parts, folder: &Path) -> Vec<File> {
    let ours = parts
        .licenses
        .iter()
        .map(|(name, file)| copy(file, folder.join(name)));
    let runtimes = parts.runtime.iter().filter(|file| is_document(file));
    let runtimes = runtimes.map(|file| {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        copy(file, folder.join(format!("ONNXRuntime-{stem}.txt")))
    });
    let notices = text(&parts.notices, folder.join("THIRD-PARTY-NOTICES.txt"));
    ours.chain(runtimes).chain([notices]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths in a system's bundles, sorted.
    fn paths(
        system: System,
        arch: &str,
        plugin: &str,
        programs: [&str; 2],
        runtime: &str,
    ) -> Vec<String> {
        let names = Names {
            name: "Mertscope".into(),
            identifier: "org.example.mertscope".into(),
        };
        let parts = Parts {
            names: &names,
            version: "1.2.3",
            plugin: plugin.into(),
            programs: programs.map(PathBuf::from).to_vec(),
            runtime: [runtime, "LICENSE", "ThirdPartyNotices.txt"]
                .map(PathBuf::from)
                .to_vec(),
            icons: Icons {
                windows: "icon.ico".into(),
                macos: "icon.icns".into(),
            },
            licenses: vec![("LICENSE-MIT.txt", "LICENSE-MIT".into())],
            notices: "thanks".into(),
            module_info: "{}".into(),
        };
        let mut paths: Vec<String> = files(&parts, system, arch)
            .iter()
            .map(|file| file.to.to_string_lossy().replace('\\', "/"))
            .collect();
        paths.sort();
        paths
    }

    const DOCUMENTS: [&str; 4] = [
        "LICENSE-MIT.txt",
        "ONNXRuntime-LICENSE.txt",
        "ONNXRuntime-ThirdPartyNotices.txt",
        "THIRD-PARTY-NOTICES.txt",
    ];

    fn check(found: &[String], programs: &[&str], document_folders: &[&str]) {
        let mut expected: Vec<String> = programs.iter().map(|path| (*path).to_owned()).collect();
        for folder in document_folders {
            expected.extend(DOCUMENTS.map(|document| format!("{folder}/{document}")));
        }
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn linux_and_windows_have_a_folder_for_vst3_and_a_file_for_clap() {
        let library = "libonnxruntime.so.1.31.1";
        check(
            &paths(
                System::Linux,
                "x86_64",
                "libmertscope.so",
                ["mertscope", "mertscope-standalone"],
                library,
            ),
            &[
                "Mertscope.clap",
                "Mertscope.vst3/Contents/Resources/moduleinfo.json",
                "Mertscope.vst3/Contents/x86_64-linux/Mertscope.so",
                "Mertscope.vst3/Contents/x86_64-linux/libonnxruntime.so.1.31.1",
                "Mertscope/libonnxruntime.so.1.31.1",
                "Mertscope/mertscope",
                "Mertscope/mertscope-standalone",
            ],
            &["Mertscope.vst3/Contents/Resources", "Mertscope"],
        );
        let library = "onnxruntime.dll";
        check(
            &paths(
                System::Windows,
                "aarch64",
                "mertscope.dll",
                ["mertscope.exe", "mertscope-standalone.exe"],
                library,
            ),
            &[
                "Mertscope.clap",
                "Mertscope.vst3/Contents/Resources/moduleinfo.json",
                "Mertscope.vst3/Contents/arm64-win/Mertscope.vst3",
                "Mertscope.vst3/Contents/arm64-win/onnxruntime.dll",
                "Mertscope.vst3/PlugIn.ico",
                "Mertscope.vst3/desktop.ini",
                "Mertscope/mertscope.exe",
                "Mertscope/mertscope-standalone.exe",
                "Mertscope/onnxruntime.dll",
            ],
            &["Mertscope.vst3/Contents/Resources", "Mertscope"],
        );
    }

    #[test]
    fn macos_has_folders_for_both_with_a_property_list() {
        let library = "libonnxruntime.1.31.1.dylib";
        let mut programs = vec![
            "Mertscope.vst3/Contents/Resources/moduleinfo.json".to_owned(),
            "Mertscope.app/Contents/Resources/Mertscope.icns".to_owned(),
            "Mertscope/libonnxruntime.1.31.1.dylib".to_owned(),
            "Mertscope/mertscope".to_owned(),
        ];
        for (bundle, program) in [
            ("Mertscope.app", "MacOS/mertscope-standalone"),
            ("Mertscope.clap", "MacOS/Mertscope"),
            ("Mertscope.vst3", "MacOS/Mertscope"),
        ] {
            for file in [
                "Info.plist",
                program,
                "MacOS/libonnxruntime.1.31.1.dylib",
                "PkgInfo",
            ] {
                programs.push(format!("{bundle}/Contents/{file}"));
            }
        }
        let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
        check(
            &paths(
                System::MacOs,
                "aarch64",
                "libmertscope.dylib",
                ["mertscope", "mertscope-standalone"],
                library,
            ),
            &programs,
            &[
                "Mertscope.app/Contents/Resources",
                "Mertscope.clap/Contents/Resources",
                "Mertscope.vst3/Contents/Resources",
                "Mertscope",
            ],
        );
    }
}
