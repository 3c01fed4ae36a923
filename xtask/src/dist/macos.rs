//! The packages for macOS: an installer package with a choice of parts, and a disk image, made by Apple's
//! tools, which exist only there.
//!
//! `signing` signs what is in them and lets Apple notarize them, as far as its secrets are there.

mod signing;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::release::Release;
use crate::bundle::{Bundles, OLDEST_MACOS};
use crate::platform::System;
use crate::process::{self, Progress};
use crate::workspace::Workspace;
use signing::{Secrets, Signer};

const README: &str = include_str!("readme-macos.txt");

/// Says beside the packages that they are unsigned; the draft of the release quotes it.
const UNSIGNED: &str = "unsigned-macos.txt";
const UNSIGNED_TEXT: &str = "The packages for macOS are not signed: remove the mark of quarantine by hand, as \
                             docs/packages.md says.\n";

/// A part that a user chooses.
struct Part {
    id: &'static str,
    title: &'static str,
    about: &'static str,
    /// The folder that it is installed into.
    place: &'static str,
    /// The ending of its bundle; none for the folder with the command.
    extension: Option<&'static str>,
}

const PARTS: [Part; 4] = [
    Part {
        id: "vst3",
        title: "VST3 plugin",
        about: "For hosts that load VST3.",
        place: "Library/Audio/Plug-Ins/VST3",
        extension: Some("vst3"),
    },
    Part {
        id: "clap",
        title: "CLAP plugin",
        about: "For hosts that load CLAP.",
        place: "Library/Audio/Plug-Ins/CLAP",
        extension: Some("clap"),
    },
    Part {
        id: "app",
        title: "Standalone app",
        about: "The same window without a host, for an audio input or a file.",
        place: "Applications",
        extension: Some("app"),
    },
    Part {
        id: "command",
        title: "mertscope command",
        about: "Analyzes audio files from a command line.",
        place: "usr/local/lib",
        extension: None,
    },
];

impl Part {
    /// The name of its bundle or folder.
    fn bundle(&self, bundles: &Bundles) -> String {
        let name = &bundles.names.name;
        match self.extension {
            Some(extension) => format!("{name}.{extension}"),
            None => name.clone(),
        }
    }

    /// The package's name for the system's list of installed ones.
    fn identifier(&self, bundles: &Bundles) -> String {
        format!("{}.pkg.{}", bundles.names.identifier, self.id)
    }
}

/// Signs the bundles and writes both packages into `out`; without secrets also a file that says so.
///
/// # Errors
/// When one of Apple's tools fails, and when only a part of the secrets is there.
pub(super) fn packages(
    workspace: &Workspace,
    release: &Release,
    bundles: &Bundles,
    bill: &str,
    scratch: &Path,
    out: &Path,
) -> Result<Vec<PathBuf>> {
    empty(scratch)?;
    let secrets = Secrets::read()?;
    let signer = Signer::new(secrets.as_ref(), scratch)?;
    signer.sign_bundles(bundles, scratch)?;

    let name = release.name(System::MacOs);
    let (installer, image) = (
        out.join(format!("{name}.pkg")),
        out.join(format!("{name}.dmg")),
    );
    make_installer(workspace, release, bundles, &signer, scratch, &installer)?;
    make_image(release, bundles, bill, scratch, &image)?;
    signer.sign(&image, None)?;
    let unsigned = out.join(UNSIGNED);
    let mut made = vec![installer, image];
    match secrets {
        Some(secrets) => {
            if unsigned.exists() {
                fs::remove_file(&unsigned)
                    .with_context(|| format!("{} cannot be removed", unsigned.display()))?;
            }
            for package in &made {
                secrets.notarize(package)?;
            }
        }
        None => {
            eprint!("    {UNSIGNED_TEXT}");
            put(&unsigned, UNSIGNED_TEXT)?;
            made.push(unsigned);
        }
    }
    Ok(made)
}

/// A component package per part, and the product with the choice of them.
fn make_installer(
    workspace: &Workspace,
    release: &Release,
    bundles: &Bundles,
    signer: &Signer,
    scratch: &Path,
    installer: &Path,
) -> Result<()> {
    let (parts, resources) = (scratch.join("parts"), scratch.join("resources"));
    empty(&parts)?;
    empty(&resources)?;
    for part in &PARTS {
        let root = scratch.join("roots").join(part.id);
        let place = root.join(part.place);
        empty(&place)?;
        copy(&bundles.folder.join(part.bundle(bundles)), &place)?;
        let mut build = Command::new("pkgbuild");
        build.arg("--root").arg(&root);
        if part.extension.is_some() {
            let list = scratch.join(format!("{}.plist", part.id));
            put(
                &list,
                &component(&format!("{}/{}", part.place, part.bundle(bundles))),
            )?;
            build.arg("--component-plist").arg(list);
        } else {
            let commands = root.join("usr/local/bin");
            empty(&commands)?;
            let target = format!("../lib/{}/mertscope", bundles.names.name);
            link(target.as_ref(), &commands.join("mertscope"))
                .with_context(|| format!("{} cannot be linked into", commands.display()))?;
        }
        build.args(["--install-location", "/", "--ownership", "recommended"]);
        build.args(["--version", release.version, "--identifier"]);
        build.arg(part.identifier(bundles));
        build.arg(parts.join(format!("{}.pkg", part.id)));
        process::run(
            &format!("Packing: {}", part.title),
            Progress::Silent,
            &mut build,
        )?;
    }
    let list = scratch.join("distribution.xml");
    put(&list, &distribution(release, bundles))?;
    let license = workspace.file("LICENSE-MIT");
    fs::copy(&license, resources.join("license.txt"))
        .with_context(|| format!("{} cannot be copied", license.display()))?;
    let mut build = Command::new("productbuild");
    build.arg("--distribution").arg(&list);
    build.arg("--package-path").arg(&parts);
    build.arg("--resources").arg(&resources);
    build.args(signer.installer_options()).arg(installer);
    process::run("Making the installer package", Progress::Silent, &mut build)?;
    Ok(())
}

/// The image has the bundles as they are, for people who put them in place by hand.
fn make_image(
    release: &Release,
    bundles: &Bundles,
    bill: &str,
    scratch: &Path,
    image: &Path,
) -> Result<()> {
    let folder = scratch.join("image");
    empty(&folder)?;
    for part in &PARTS {
        copy(&bundles.folder.join(part.bundle(bundles)), &folder)?;
    }
    put(&folder.join("README.txt"), README)?;
    put(&folder.join("mertscope.cdx.json"), bill)?;
    let mut create = Command::new("hdiutil");
    create.args(["create", "-format", "UDZO", "-ov", "-volname"]);
    create.arg(format!("{} {}", bundles.names.name, release.version));
    create.arg("-srcfolder").arg(&folder).arg(image);
    process::run("Making the disk image", Progress::Silent, &mut create)?;
    Ok(())
}

/// `pkgbuild`'s list of the bundles in a component: the installer must put this one into its place, and
/// not to wherever a copy of it lies.
fn component(path: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<array>\n  <dict>\n\
         \x20   <key>RootRelativeBundlePath</key>\n    <string>{path}</string>\n\
         \x20   <key>BundleIsRelocatable</key>\n    <false/>\n\
         \x20   <key>BundleIsVersionChecked</key>\n    <false/>\n\
         \x20   <key>BundleHasStrictIdentifier</key>\n    <true/>\n\
         \x20   <key>BundleOverwriteAction</key>\n    <string>upgrade</string>\n\
         \x20 </dict>\n</array>\n</plist>\n"
    )
}

/// The installer's choices, and the machines that it refuses: Intel Macs, and systems that the pinned
/// ONNX Runtime is not built for.
///
/// <https://developer.apple.com/library/archive/documentation/DeveloperTools/Reference/DistributionDefinitionRef>
fn distribution(release: &Release, bundles: &Bundles) -> String {
    let (mut outline, mut choices) = (String::new(), String::new());
    for part in &PARTS {
        let (id, title, about) = (part.id, part.title, part.about);
        let (identifier, version) = (part.identifier(bundles), release.version);
        outline.push_str(&format!("    <line choice=\"{id}\"/>\n"));
        choices.push_str(&format!(
            "  <choice id=\"{id}\" title=\"{title}\" description=\"{about}\">\n    <pkg-ref id=\"{identifier}\"/>\n  \
             </choice>\n  <pkg-ref id=\"{identifier}\" version=\"{version}\">{id}.pkg</pkg-ref>\n"
        ));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <installer-gui-script minSpecVersion=\"2\">\n\
         \x20 <title>{name} {version}</title>\n\
         \x20 <options customize=\"allow\" require-scripts=\"false\" hostArchitectures=\"arm64\"/>\n\
         \x20 <domains enable_localSystem=\"true\"/>\n\
         \x20 <volume-check>\n    <allowed-os-versions>\n      <os-version min=\"{OLDEST_MACOS}\"/>\n    \
         </allowed-os-versions>\n  </volume-check>\n\
         \x20 <license file=\"license.txt\"/>\n\
         \x20 <choices-outline>\n{outline}  </choices-outline>\n{choices}</installer-gui-script>\n",
        name = bundles.names.name,
        version = release.version,
    )
}

/// Copies with what signing has added, which no list of ours knows.
fn copy(from: &Path, into: &Path) -> Result<()> {
    let mut copy = Command::new("cp");
    copy.arg("-R").arg(from).arg(into);
    process::run(
        &format!("Copying {}", from.file_name().unwrap_or_default().display()),
        Progress::Silent,
        &mut copy,
    )?;
    Ok(())
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))
}

fn put(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_target: &Path, _at: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::super::archive::tests::{RELEASE, bundles};
    use super::*;

    #[test]
    fn the_installer_offers_each_part_and_refuses_other_macs() {
        let folder = tempfile::tempdir().unwrap();
        let bundles = bundles(folder.path());
        let list = distribution(&RELEASE, &bundles);
        for part in &PARTS {
            let id = part.id;
            let package = format!("<pkg-ref id=\"org.example.mertscope.pkg.{id}\"");
            // Once in its choice, once with its file.
            assert_eq!(list.matches(&package).count(), 2, "{list}");
            for piece in [
                format!("<line choice=\"{id}\"/>"),
                format!("<choice id=\"{id}\""),
                format!(">{id}.pkg</pkg-ref>"),
            ] {
                assert!(list.contains(&piece), "{piece}: {list}");
            }
        }
        for piece in [
            "hostArchitectures=\"arm64\"",
            "<os-version min=\"14.0\"/>",
            "Mertscope 1.2.3",
        ] {
            assert!(list.contains(piece), "{piece}: {list}");
        }
    }

    #[test]
    fn a_bundle_is_installed_where_hosts_look_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let bundles = bundles(folder.path());
        let names: Vec<_> = PARTS.iter().map(|part| part.bundle(&bundles)).collect();
        let expected = [
            "Mertscope.vst3",
            "Mertscope.clap",
            "Mertscope.app",
            "Mertscope",
        ];
        assert_eq!(names, expected);
        let list = component("Applications/Mertscope.app");
        assert!(list.contains("<string>Applications/Mertscope.app</string>"));
        assert!(list.contains("<key>BundleIsRelocatable</key>\n    <false/>"));
    }

    /// Python's parsers for both formats, which are not ours.
    #[test]
    fn the_lists_are_well_formed() {
        let folder = tempfile::tempdir().unwrap();
        let bundles = bundles(folder.path());
        let (list, plist) = (folder.path().join("d.xml"), folder.path().join("c.plist"));
        put(&list, &distribution(&RELEASE, &bundles)).unwrap();
        put(&plist, &component("Applications/Mertscope.app")).unwrap();
        let entitlements = folder.path().join("e.plist");
        put(&entitlements, signing::ENTITLEMENTS).unwrap();
        let script = "import plistlib, sys, xml.dom.minidom as m\n\
                      m.parse(sys.argv[1])\n\
                      for path in sys.argv[2:]: plistlib.load(open(path, 'rb'))";
        let mut python = crate::setup::python();
        python.args(["-c", script]);
        python.args([&list, &plist, &entitlements]);
        let done = python.output().unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{error}");
    }
}
