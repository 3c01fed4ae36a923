//! The architecture's rules: the allowed arrows between crates, and no circle between files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mertscope_tests::repository;
use serde_json::Value;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, UseTree};

/// A package of this workspace.
struct Package {
    name: String,
    folder: PathBuf,
    /// Names of all normal dependencies.
    dependencies: BTreeSet<String>,
}

fn packages() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(repository(""))
        .output()
        .unwrap();
    assert!(output.status.success());
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let manifest = Path::new(package["manifest_path"].as_str().unwrap());
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            Package {
                name: package["name"].as_str().unwrap().to_owned(),
                folder: manifest.parent().unwrap().to_owned(),
                dependencies: dependencies
                    .filter(|dependency| dependency["kind"].is_null())
                    .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                    .collect(),
            }
        })
        .collect()
}

/// The arrows that ARCHITECTURE.md draws, in its block marked `crates`.
fn drawn() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(repository("ARCHITECTURE.md")).unwrap();
    let block = page.split("```crates\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let names = |text: &str| {
        let names = text.split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let lines = block.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (name, below) = line.split_once("->").unwrap_or((line, ""));
            (name.trim().to_owned(), names(below))
        })
        .collect()
}

#[test]
fn the_drawing_of_the_crates_matches_their_manifests() {
    let packages = packages();
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let real: BTreeMap<String, BTreeSet<String>> = packages
        .iter()
        .map(|package| {
            let below = package.dependencies.iter();
            let below = below.filter(|name| ours.contains(name.as_str())).cloned();
            (package.name.clone(), below.collect())
        })
        .collect();
    assert_eq!(drawn(), real);
}

/// Layers of crates, lowest first: a crate uses only crates of lower layers.
const FLOORS: [&[&str]; 9] = [
    &[
        "mertscope-assets",
        "mertscope-audio",
        "mertscope-music",
        "mertscope-remote",
    ],
    &["mertscope-model"],
    &["mertscope-heads", "mertscope-hub"],
    &["mertscope-live"],
    &["mertscope-export"],
    &["mertscope-engine"],
    &["mertscope-parts"],
    &["mertscope-cli", "mertscope-python", "mertscope-ui"],
    &["mertscope", "mertscope-standalone"],
];

#[test]
fn no_crate_reaches_up() {
    let floor_of = |name: &str| FLOORS.iter().position(|floor| floor.contains(&name));
    for package in packages() {
        let Some(floor) = floor_of(&package.name) else {
            // Tests use every crate; xtask and its tools run the product as a child.
            let is_tests = package
                .folder
                .starts_with(dunce::canonicalize(repository("tests")).unwrap());
            let ours = package
                .dependencies
                .iter()
                .find(|name| floor_of(name).is_some());
            assert!(is_tests || ours.is_none(), "{} uses {ours:?}", package.name);
            continue;
        };
        for below in &package.dependencies {
            if let Some(other) = floor_of(below) {
                let app = (package.name.as_str(), below.as_str())
                    == ("mertscope-standalone", "mertscope");
                assert!(other < floor || app, "{} uses {below}", package.name);
            }
        }
        let network = ["rustls", "ureq"]
            .iter()
            .any(|name| package.dependencies.contains(*name));
        assert!(
            !network || ["mertscope-hub", "mertscope-remote"].contains(&package.name.as_str()),
            "{}",
            package.name
        );
    }
}

/// The module of a file, such as `["device", "library"]`; empty for the crate's root.
type Module = Vec<String>;

/// The imports and re-exports of a file.
#[derive(Default)]
struct Imports {
    /// Paths that begin with `crate`, `self` or `super`, or with a module of this file.
    paths: Vec<Vec<String>>,
    /// Names that are re-exported or imported, with the path of each.
    names: BTreeMap<String, Vec<String>>,
}

impl Imports {
    fn add_tree(&mut self, prefix: &[String], tree: &UseTree) {
        let with = |name: String| [prefix, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => {
                self.add_name(name.ident.to_string(), with(name.ident.to_string()))
            }
            UseTree::Rename(name) => {
                self.add_name(name.rename.to_string(), with(name.ident.to_string()));
            }
            UseTree::Glob(_) => self.paths.push(prefix.to_vec()),
            UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|tree| self.add_tree(prefix, tree)),
        }
    }

    fn add_name(&mut self, name: String, path: Vec<String>) {
        self.names.insert(name, path.clone());
        self.paths.push(path);
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    let mut tests = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    tests.any(|attribute| {
        let condition = attribute.parse_args::<syn::Meta>();
        condition.is_ok_and(|condition| condition.path().is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if names.len() > 1 {
            self.paths.push(names);
        }
        visit::visit_path(self, path);
    }
}

/// The files of a crate below `root`, the folder of its `lib.rs` or `main.rs`.
fn files(root: &Path) -> BTreeMap<Module, PathBuf> {
    let mut all = BTreeMap::new();
    let mut folders = vec![(root.to_owned(), Module::new())];
    while let Some((folder, module)) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let here = [module.as_slice(), std::slice::from_ref(&stem)].concat();
            if path.is_dir() {
                folders.push((path, here));
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let is_root = module.is_empty() && ["lib", "main"].contains(&stem.as_str());
                all.insert(if is_root { Module::new() } else { here }, path);
            }
        }
    }
    all
}

/// The module that defines what `path` names, seen from `from`; `None` outside the crate.
fn target(
    all: &BTreeMap<Module, Imports>,
    from: &Module,
    path: &[String],
    depth: usize,
) -> Option<Module> {
    let mut at = from.clone();
    let mut rest = path;
    match path.first().map(String::as_str)? {
        "crate" => {
            at.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                at.pop()?;
                rest = &rest[1..];
            }
        }
        name => {
            let child = [from.as_slice(), &[name.to_owned()]].concat();
            if !all.contains_key(&child) {
                return None;
            }
        }
    }
    while let Some((name, after)) = rest.split_first() {
        let child = [at.as_slice(), std::slice::from_ref(name)].concat();
        if all.contains_key(&child) {
            at = child;
            rest = after;
            continue;
        }
        if depth < 8
            && let Some(handed_on) = all.get(&at).and_then(|imports| imports.names.get(name))
            && let Some(found) = target(all, &at, handed_on, depth + 1)
        {
            return Some(found);
        }
        break;
    }
    Some(at)
}

/// Circles of imports between files; a file may use what its own parent defines.
fn circles(root: &Path) -> Vec<Vec<Module>> {
    let mut all = BTreeMap::new();
    for (module, path) in files(root) {
        let text = fs::read_to_string(&path).unwrap();
        let mut imports = Imports::default();
        imports.visit_file(&syn::parse_file(&text).unwrap());
        all.insert(module, imports);
    }
    let arrows: BTreeMap<&Module, BTreeSet<Module>> = all
        .iter()
        .map(|(from, imports)| {
            let targets = imports.paths.iter();
            let targets = targets.filter_map(|path| target(&all, from, path, 0));
            (from, targets.filter(|to| !from.starts_with(to)).collect())
        })
        .collect();
    let reach = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&Module> = vec![from];
        while let Some(at) = next.pop() {
            for to in arrows.get(at).into_iter().flatten() {
                if seen.insert(to) {
                    next.push(to);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        all.keys().map(|module| (module, reach(module))).collect();
    let mut found: BTreeSet<Vec<Module>> = BTreeSet::new();
    for (module, reachable) in &reached {
        if reachable.contains(module) {
            let both = reachable
                .iter()
                .filter(|other| reached[**other].contains(module));
            found.insert(both.map(|module| (*module).clone()).collect());
        }
    }
    found.into_iter().collect()
}

#[test]
fn no_two_files_import_each_other() {
    let mut checked = 0;
    let mut found = Vec::new();
    for package in packages() {
        let root = package.folder.join("src");
        checked += files(&root).len();
        found.extend(
            circles(&root)
                .into_iter()
                .map(|circle| (package.name.clone(), circle)),
        );
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(checked > 200, "{checked}");
}

#[test]
fn a_circle_is_found_through_a_reexport_and_none_in_a_test() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod a; mod b; pub use b::B;");
    write("a.rs", "use crate::B; pub struct A(B);");
    write(
        "b.rs",
        "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
    );
    assert!(circles(folder.path()).is_empty());
    write("b.rs", "pub struct B; fn f(_: super::a::A) {}");
    let circle = [["a"], ["b"]].map(|module| module.map(str::to_owned).to_vec());
    assert_eq!(circles(folder.path()), [circle.to_vec()]);
}
