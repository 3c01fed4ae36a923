//! The installer for Windows, made by NSIS: `installer.nsi` has what it does, and the lists of files
//! come from the bundles.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::release::Release;
use super::time;
use super::tree::{self, Entry};
use crate::bundle::Bundles;
use crate::platform::System;
use crate::process::{self, Progress};
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("installer.nsi");

/// Writes the installer into `out`.
///
/// # Errors
/// When `makensis` fails.
pub(super) fn make(
    workspace: &Workspace,
    release: &Release,
    bundles: &Bundles,
    scratch: &Path,
    out: &Path,
) -> Result<PathBuf> {
    let folder = scratch.join("installer");
    let mut entries: Vec<Entry> = bundles
        .files
        .iter()
        .map(|file| Entry::copy(bundles.folder.join(file), file))
        .collect();
    entries.push(Entry::bytes(SCRIPT, "installer.nsi"));
    entries.push(Entry::copy(workspace.file("LICENSE-MIT"), "license.txt"));
    let icon = workspace.file("assets/icons/mertscope.ico");
    entries.push(Entry::copy(icon, "icon.ico"));
    for part in Part::ALL {
        entries.push(Entry::bytes(
            part.install(bundles),
            format!("{}-install.nsh", part.name()),
        ));
        entries.push(Entry::bytes(
            part.remove(bundles),
            format!("{}-remove.nsh", part.name()),
        ));
    }
    tree::write(&folder, &entries, release.epoch)?;
    let installer = out.join(format!("mertscope-{}-setup.exe", release.version));
    let mut nsis = Command::new("makensis");
    nsis.current_dir(&folder)
        .args(["-V2", "-WX", "-INPUTCHARSET", "UTF8"])
        .arg(format!("-DVERSION={}", release.version))
        .arg(format!("-DINSTALLER={}", installer.display()))
        .args(release.quick.then_some("-DQUICK"))
        .arg("installer.nsi")
        .env(time::VARIABLE, release.epoch.0.to_string());
    process::run(
        "Making the installer for Windows",
        Progress::Silent,
        &mut nsis,
    )?;
    fs::metadata(&installer)
        .with_context(|| format!("makensis did not write {}", installer.display()))?;
    Ok(installer)
}

/// A part that a user chooses. Each is complete in itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Vst3,
    Clap,
    App,
    Command,
}

impl Part {
    const ALL: [Self; 4] = [Self::Vst3, Self::Clap, Self::App, Self::Command];

    fn name(self) -> &'static str {
        match self {
            Self::Vst3 => "vst3",
            Self::Clap => "clap",
            Self::App => "app",
            Self::Command => "command",
        }
    }

    /// The variable of the script with the folder that it is installed into.
    fn root(self) -> &'static str {
        match self {
            Self::Vst3 => "$Vst3Folder",
            Self::Clap => "$ClapFolder",
            Self::App | Self::Command => "$INSTDIR",
        }
    }

    /// Where a bundled file goes below the root; `None` when it is of no use to this part.
    fn place(self, file: &Path, bundles: &Bundles) -> Option<PathBuf> {
        let name = &bundles.names.name;
        let base = file.file_name()?;
        let is = |program: &str| *base == *System::Windows.program(program);
        let is_app = is(crate::standalone::NAME);
        let is_command = is("mertscope");
        let in_vst3 = file.starts_with(format!("{name}.vst3"));
        match self {
            Self::Vst3 => in_vst3.then(|| file.to_owned()),
            Self::Clap => (!in_vst3 && !is_app && !is_command).then(|| file.to_owned()),
            Self::App | Self::Command => {
                let beside = file.starts_with(name);
                let other = if self == Self::App {
                    is_command
                } else {
                    is_app
                };
                (beside && !other).then(|| base.into())
            }
        }
    }

    /// The files of this part: sources in the bundles, and places.
    fn files(self, bundles: &Bundles) -> Vec<(&PathBuf, PathBuf)> {
        let files = bundles.files.iter();
        files
            .filter_map(|file| Some((file, self.place(file, bundles)?)))
            .collect()
    }

    /// The script's lines that put the files in place.
    fn install(self, bundles: &Bundles) -> String {
        let mut lines = String::new();
        for (file, place) in self.files(bundles) {
            let folder = match place.parent().filter(|above| *above != Path::new("")) {
                Some(above) => format!("{}\\{}", self.root(), windows(above)),
                None => self.root().to_owned(),
            };
            let source = file.display();
            lines.push_str(&format!("SetOutPath \"{folder}\"\nFile \"{source}\"\n"));
        }
        lines
    }

    /// The lines that remove them, and folders that this leaves empty.
    fn remove(self, bundles: &Bundles) -> String {
        let mut lines = String::new();
        let mut folders = Vec::new();
        for (_, place) in self.files(bundles) {
            lines.push_str(&format!(
                "Delete \"{}\\{}\"\n",
                self.root(),
                windows(&place)
            ));
            let above = place.ancestors().skip(1);
            folders.extend(above.filter(|above| *above != Path::new("")).map(windows));
        }
        folders.sort_by_key(|folder| std::cmp::Reverse((folder.len(), folder.clone())));
        folders.dedup();
        for folder in folders {
            lines.push_str(&format!("RMDir \"{}\\{folder}\"\n", self.root()));
        }
        lines
    }
}

fn windows(path: &Path) -> String {
    path.display().to_string().replace('/', "\\")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::bundle::Names;

    fn bundles() -> Bundles {
        let files = [
            "Mertscope.clap",
            "Mertscope.vst3/Contents/x86_64-win/Mertscope.vst3",
            "Mertscope.vst3/Contents/x86_64-win/onnxruntime.dll",
            "Mertscope/mertscope.exe",
            "Mertscope/mertscope-standalone.exe",
            "Mertscope/onnxruntime.dll",
        ];
        Bundles {
            folder: "bundled".into(),
            names: Names {
                name: "Mertscope".into(),
                identifier: "org.example.mertscope".into(),
            },
            files: files.map(PathBuf::from).to_vec(),
        }
    }

    #[test]
    fn each_part_is_complete_and_takes_no_file_of_another() {
        let bundles = bundles();
        let places = |part: Part| -> Vec<String> {
            let files = part.files(&bundles).into_iter();
            files.map(|(_, place)| windows(&place)).collect()
        };
        let binaries = r"Mertscope.vst3\Contents\x86_64-win";
        let vst3 = ["Mertscope.vst3", "onnxruntime.dll"].map(|name| format!(r"{binaries}\{name}"));
        assert_eq!(places(Part::Vst3), vst3);
        assert_eq!(
            places(Part::Clap),
            ["Mertscope.clap", r"Mertscope\onnxruntime.dll"]
        );
        assert_eq!(
            places(Part::App),
            ["mertscope-standalone.exe", "onnxruntime.dll"]
        );
        assert_eq!(places(Part::Command), ["mertscope.exe", "onnxruntime.dll"]);
    }

    #[test]
    fn what_is_installed_is_removed_and_the_hosts_folders_stay() {
        let bundles = bundles();
        for part in Part::ALL {
            let (install, remove) = (part.install(&bundles), part.remove(&bundles));
            assert_eq!(
                install.matches("File ").count(),
                remove.matches("Delete ").count()
            );
            let roots = [
                r#"RMDir "$Vst3Folder""#,
                r#"RMDir "$ClapFolder""#,
                r#"RMDir "$Vst3Folder\""#,
            ];
            assert!(roots.iter().all(|root| !remove.contains(root)), "{remove}");
        }
        // Inner folders first.
        let remove = Part::Vst3.remove(&bundles);
        let inner = remove
            .find(r#"RMDir "$Vst3Folder\Mertscope.vst3\Contents\x86_64-win"#)
            .unwrap();
        assert!(
            inner
                < remove
                    .rfind(r#"RMDir "$Vst3Folder\Mertscope.vst3""#)
                    .unwrap(),
            "{remove}"
        );
    }
}
