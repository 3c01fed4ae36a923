//! Tests of installing into scratch folders instead of the hosts'.

use super::*;
use crate::bundle::Names;

struct Case {
    scratch: tempfile::TempDir,
    places: Places,
}

impl Case {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let folder = |name: &str| scratch.path().join("home").join(name);
        let places = Places {
            scope: Scope::User,
            vst3: folder(".vst3"),
            clap: folder(".clap"),
            apps: Some(folder("Applications")),
            commands: cfg!(unix).then(|| folder(".local/bin")),
            receipt: folder(".local/share/mertscope/installed.txt"),
        };
        Self { scratch, places }
    }

    /// Bundles with these files, whose content is their path and the version.
    fn bundles(&self, version: &str, files: &[&str]) -> Bundles {
        let folder = self.scratch.path().join(version);
        for file in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("{file} {version}")).unwrap();
        }
        Bundles {
            folder,
            names: Names {
                name: "Mertscope".into(),
                identifier: "org.example".into(),
            },
            files: files.iter().map(PathBuf::from).collect(),
        }
    }

    /// Every file in the home folder and its content, the receipt excepted.
    fn home(&self) -> Vec<(String, String)> {
        let home = self.scratch.path().join("home");
        let (mut folders, mut found) = (vec![home.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path != self.places.receipt {
                    let name = path.strip_prefix(&home).unwrap().to_string_lossy();
                    found.push((name.replace('\\', "/"), fs::read_to_string(&path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.scratch.path().join("home").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

const FILES: [&str; 4] = [
    "Mertscope.clap",
    "Mertscope.vst3/Contents/x86_64-linux/Mertscope.so",
    "Mertscope/mertscope",
    "Mertscope/runtime",
];

#[test]
fn a_second_installation_changes_nothing_and_uninstalling_leaves_nothing() {
    let case = Case::new();
    case.write(".vst3/Other.vst3", "another plugin");
    case.write(".clap/Other.clap", "another plugin");
    let before = case.home();
    let bundles = case.bundles("1", &FILES);
    let messages = install(&bundles, &case.places).unwrap();
    assert_eq!(messages.len(), 3, "{messages:?}");
    let installed = case.home();
    let programs = if cfg!(unix) { 5 } else { 4 };
    assert_eq!(installed.len(), before.len() + programs, "{installed:?}");
    if let Some(commands) = &case.places.commands {
        let through_the_link = fs::read_to_string(commands.join("mertscope")).unwrap();
        assert_eq!(through_the_link, "Mertscope/mertscope 1");
    }
    let messages = install(&bundles, &case.places).unwrap();
    assert_eq!(messages, ["Everything was already in place."]);
    assert_eq!(case.home(), installed);

    remove(&case.places).unwrap();
    assert_eq!(case.home(), before);
    assert!(!case.places.vst3.join("Mertscope.vst3").exists());
    assert!(!case.places.clap.join("Mertscope").exists());
    assert!(case.places.vst3.exists() && case.places.clap.exists());
    let messages = remove(&case.places).unwrap();
    assert!(
        messages[0].starts_with("Nothing is installed"),
        "{messages:?}"
    );
}

#[test]
fn a_newer_version_replaces_the_older_and_what_it_lacks_goes() {
    let case = Case::new();
    install(&case.bundles("1", &FILES), &case.places).unwrap();
    install(&case.bundles("2", &FILES[..3]), &case.places).unwrap();
    let home = case.home();
    assert!(
        home.iter().all(|(_, text)| text.ends_with(" 2")),
        "{home:?}"
    );
    assert!(
        !home.iter().any(|(path, _)| path.ends_with("runtime")),
        "{home:?}"
    );
    remove(&case.places).unwrap();
    assert!(case.home().is_empty());
}

#[test]
fn what_is_not_ours_is_neither_overwritten_nor_removed() {
    let case = Case::new();
    case.write(".clap/Mertscope.clap", "somebody's own build");
    let before = case.home();
    let bundles = case.bundles("1", &FILES);
    let error = install(&bundles, &case.places).unwrap_err().to_string();
    assert!(
        error.contains("Mertscope.clap") && error.contains("move them away"),
        "{error}"
    );
    assert_eq!(
        case.home(),
        before,
        "nothing is written if anything is in the way"
    );

    fs::remove_file(case.places.clap.join("Mertscope.clap")).unwrap();
    install(&bundles, &case.places).unwrap();
    case.write(".clap/Mertscope.clap", "somebody's own build");
    case.write(".clap/Mertscope/preset.txt", "somebody's preset");
    let messages = remove(&case.places).unwrap();
    assert!(
        messages.iter().any(|line| line.contains("was changed")),
        "{messages:?}"
    );
    let left: Vec<_> = case.home().into_iter().map(|(path, _)| path).collect();
    assert_eq!(left, [".clap/Mertscope.clap", ".clap/Mertscope/preset.txt"]);
}

#[test]
fn an_interrupted_installation_is_taken_up_again_or_undone() {
    let case = Case::new();
    let bundles = case.bundles("1", &FILES);
    let wanted = plan(&bundles, &case.places).unwrap();
    // As if it had ended after the first file: all are noted, one is there.
    Receipt(wanted.iter().map(|(_, placed)| placed.clone()).collect())
        .write(&case.places.receipt)
        .unwrap();
    place(wanted[0].0.as_deref(), &wanted[0].1).unwrap();
    install(&bundles, &case.places).unwrap();
    assert!(wanted.iter().all(|(_, placed)| placed.is_there()));
    fs::remove_file(wanted[1].1.path()).unwrap();
    remove(&case.places).unwrap();
    assert!(case.home().is_empty());
}

#[test]
fn a_damaged_receipt_stops_everything() {
    let case = Case::new();
    case.write(".local/share/mertscope/installed.txt", "no receipt");
    for error in [
        install(&case.bundles("1", &FILES), &case.places).unwrap_err(),
        remove(&case.places).unwrap_err(),
    ] {
        assert!(error.to_string().contains("is damaged"), "{error}");
    }
}

#[test]
fn on_macos_the_app_goes_where_apps_are() {
    let case = Case::new();
    let bundles = case.bundles(
        "1",
        &["Mertscope.app/Contents/Info.plist", "Mertscope/mertscope"],
    );
    install(&bundles, &case.places).unwrap();
    let names: Vec<String> = case.home().into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"Applications/Mertscope.app/Contents/Info.plist".to_owned()));
    assert!(
        names.contains(&".clap/Mertscope/mertscope".to_owned()),
        "{names:?}"
    );
    remove(&case.places).unwrap();
    assert!(case.home().is_empty(), "{:?}", case.home());
}
