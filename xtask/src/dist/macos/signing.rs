//! Signatures and notarization by Apple's tools, with secrets from the environment.
//!
//! Without secrets the code gets an ad-hoc signature, which names nobody: Apple silicon starts no program
//! that has none.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::bundle::Bundles;
use crate::process::{self, Progress};

/// What programs of the hardened runtime may do.
pub(super) const ENTITLEMENTS: &str = include_str!("entitlements.plist");

/// The program that gets [`ENTITLEMENTS`] outside of a bundle.
const COMMAND: &str = "Mertscope/mertscope";

/// The secrets for packages that name their makers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Secrets {
    application: String,
    installer: String,
    /// A `.p12` in base64, and its password.
    certificates: Option<(String, String)>,
    notary: Option<Notary>,
}

/// An account of Apple's notary service.
#[derive(Debug, PartialEq, Eq)]
struct Notary {
    user: String,
    password: String,
    team: String,
}

impl Secrets {
    /// Those of the environment; none when there are no identities.
    ///
    /// # Errors
    /// When others are there without what belongs to them.
    pub(super) fn read() -> Result<Option<Self>> {
        Self::from(|name| env::var(name).ok())
    }

    fn from(read: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        // A workflow without a secret sets its variable to nothing.
        let read = |name: &str| read(name).filter(|value| !value.is_empty());
        let all = |names: &[&str]| -> Result<Option<Vec<String>>> {
            let values: Vec<_> = names.iter().map(|name| read(name)).collect();
            if values.iter().all(Option::is_none) {
                return Ok(None);
            }
            let missing = names.iter().zip(&values).find(|(_, value)| value.is_none());
            if let Some((missing, _)) = missing {
                bail!(
                    "{missing} is not set, and others of {} are: set all, or none to make unsigned packages",
                    names.join(", ")
                );
            }
            Ok(Some(values.into_iter().flatten().collect()))
        };
        let identities = all(&["MACOS_APPLICATION_IDENTITY", "MACOS_INSTALLER_IDENTITY"])?;
        let certificates = all(&["MACOS_CERTIFICATES", "MACOS_CERTIFICATES_PASSWORD"])?;
        let notary = all(&[
            "MACOS_NOTARY_USER",
            "MACOS_NOTARY_PASSWORD",
            "MACOS_NOTARY_TEAM",
        ])?;
        let Some([application, installer]) = identities.as_deref() else {
            if certificates.is_some() || notary.is_some() {
                bail!(
                    "MACOS_APPLICATION_IDENTITY and MACOS_INSTALLER_IDENTITY are not set, and other secrets for macOS \
                     are: set them to the names of the two certificates, or remove the others to make unsigned packages"
                );
            }
            return Ok(None);
        };
        Ok(Some(Self {
            application: application.clone(),
            installer: installer.clone(),
            certificates: match certificates.as_deref() {
                Some([file, password]) => Some((file.clone(), password.clone())),
                _ => None,
            },
            notary: match notary.as_deref() {
                Some([user, password, team]) => Some(Notary {
                    user: user.clone(),
                    password: password.clone(),
                    team: team.clone(),
                }),
                _ => None,
            },
        }))
    }

    /// Has Apple notarize a package and attaches the ticket; nothing without an account.
    ///
    /// # Errors
    /// When Apple refuses.
    pub(super) fn notarize(&self, package: &Path) -> Result<()> {
        let Some(notary) = &self.notary else {
            eprintln!("    not notarized: MACOS_NOTARY_USER is not set");
            return Ok(());
        };
        let mut submit = Command::new("xcrun");
        submit
            .args(["notarytool", "submit"])
            .arg(package)
            .arg("--wait");
        submit.args(["--apple-id", &notary.user, "--password", &notary.password]);
        submit.args(["--team-id", &notary.team]);
        process::run("Waiting for Apple's notary", Progress::Silent, &mut submit)?;
        let mut staple = Command::new("xcrun");
        staple.args(["stapler", "staple"]).arg(package);
        process::run("Attaching its ticket", Progress::Silent, &mut staple)?;
        Ok(())
    }
}

/// Signs code, ad hoc or by name.
pub(super) struct Signer<'a> {
    secrets: Option<&'a Secrets>,
    keychain: Option<Keychain>,
}

impl<'a> Signer<'a> {
    /// Puts certificates that the secrets hold into a keychain of their own in `scratch`.
    ///
    /// # Errors
    /// When they can't be read.
    pub(super) fn new(secrets: Option<&'a Secrets>, scratch: &Path) -> Result<Self> {
        let certificates = secrets.and_then(|secrets| secrets.certificates.as_ref());
        let keychain = certificates
            .map(|(file, password)| Keychain::with(file, password, scratch))
            .transpose()?;
        Ok(Self { secrets, keychain })
    }

    /// Signs everything that is loaded or started, inner code first.
    ///
    /// # Errors
    /// When `codesign` fails.
    pub(super) fn sign_bundles(&self, bundles: &Bundles, scratch: &Path) -> Result<()> {
        let entitlements = scratch.join("entitlements.plist");
        fs::write(&entitlements, ENTITLEMENTS)
            .with_context(|| format!("{} cannot be written", entitlements.display()))?;
        for (code, is_program) in order(bundles) {
            let entitlements = is_program.then_some(entitlements.as_path());
            self.sign(&bundles.folder.join(code), entitlements)?;
        }
        Ok(())
    }

    /// Signs one file or bundle.
    ///
    /// # Errors
    /// When `codesign` fails.
    pub(super) fn sign(&self, code: &Path, entitlements: Option<&Path>) -> Result<()> {
        let mut sign = Command::new("codesign");
        sign.args(self.options());
        if let Some(entitlements) = entitlements {
            sign.arg("--entitlements").arg(entitlements);
        }
        let name = code.file_name().unwrap_or_default().display();
        process::run(&format!("Signing {name}"), Progress::Silent, sign.arg(code))?;
        Ok(())
    }

    fn options(&self) -> Vec<&str> {
        match self.secrets {
            Some(secrets) => vec![
                "--force",
                "--timestamp",
                "--options",
                "runtime",
                "--sign",
                &secrets.application,
            ],
            None => vec!["--force", "--sign", "-"],
        }
    }

    /// `productbuild`'s options for a signature.
    pub(super) fn installer_options(&self) -> Vec<PathBuf> {
        let Some(secrets) = self.secrets else {
            return Vec::new();
        };
        let mut options = vec!["--sign".into(), PathBuf::from(&secrets.installer)];
        if let Some(keychain) = &self.keychain {
            options.extend(["--keychain".into(), keychain.path.clone()]);
        }
        options
    }
}

/// What is to be signed, and whether it is a program of its own: libraries, the command, then the bundles.
fn order(bundles: &Bundles) -> Vec<(PathBuf, bool)> {
    let files = bundles.files.iter();
    let libraries = files.filter(|file| file.extension().is_some_and(|ending| ending == "dylib"));
    let mut order: Vec<_> = libraries.map(|file| (file.clone(), false)).collect();
    order.push((COMMAND.into(), true));
    for top in bundles.tops() {
        let name = top.file_name().unwrap_or_default();
        if let Some(ending) = Path::new(name).extension() {
            order.push((name.into(), ending == "app"));
        }
    }
    order
}

/// A keychain that is deleted at the end, and with that leaves the user's list of keychains.
struct Keychain {
    path: PathBuf,
    /// The certificates, encoded and decoded; they go with it.
    files: [PathBuf; 2],
}

impl Keychain {
    fn with(certificates: &str, password: &str, scratch: &Path) -> Result<Self> {
        let keychain = Self {
            path: scratch.join("signing.keychain-db"),
            files: ["p12.txt", "certificates.p12"].map(|name| scratch.join(name)),
        };
        let [encoded, decoded] = &keychain.files;
        fs::write(encoded, certificates)
            .with_context(|| format!("{} cannot be written", encoded.display()))?;
        let mut decode = Command::new("base64");
        decode.args(["--decode", "-i"]).arg(encoded);
        decode.arg("-o").arg(decoded);
        // It guards a file that lives for minutes, from nobody but this user.
        let own = format!("{}", std::process::id());
        let listed = Command::new("security")
            .args(["list-keychains", "-d", "user"])
            .output()
            .context("'security' could not be started")?;
        let others = keychains(&String::from_utf8_lossy(&listed.stdout));
        let path = &keychain.path;
        let security = |words: &[&str]| {
            let mut security = Command::new("security");
            security.args(words);
            security
        };
        let mut import = security(&["import"]);
        import
            .arg(decoded)
            .arg("-k")
            .arg(path)
            .args(["-P", password]);
        import.args(["-T", "/usr/bin/codesign", "-T", "/usr/bin/productbuild"]);
        let mut steps = [
            decode,
            security(&["create-keychain", "-p", &own]),
            security(&["unlock-keychain", "-p", &own]),
            import,
            security(&[
                "set-key-partition-list",
                "-S",
                "apple-tool:,apple:",
                "-s",
                "-k",
                &own,
            ]),
            security(&["list-keychains", "-d", "user", "-s"]),
        ];
        for index in [1, 2, 4, 5] {
            steps[index].arg(path);
        }
        steps[4].stdout(std::process::Stdio::null());
        steps[5].args(others);
        for step in &mut steps {
            process::run("Reading the certificates", Progress::Silent, step)?;
        }
        Ok(keychain)
    }
}

impl Drop for Keychain {
    fn drop(&mut self) {
        for file in &self.files {
            // It may never have been written.
            let _ = fs::remove_file(file);
        }
        process::succeeds(
            Command::new("security")
                .arg("delete-keychain")
                .arg(&self.path),
        );
    }
}

/// The paths in the answer of `security list-keychains`: one a line, in quotes.
fn keychains(answer: &str) -> Vec<String> {
    let lines = answer.lines().map(|line| line.trim().trim_matches('"'));
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Names;

    const ALL: [&str; 7] = [
        "MACOS_APPLICATION_IDENTITY",
        "MACOS_INSTALLER_IDENTITY",
        "MACOS_CERTIFICATES",
        "MACOS_CERTIFICATES_PASSWORD",
        "MACOS_NOTARY_USER",
        "MACOS_NOTARY_PASSWORD",
        "MACOS_NOTARY_TEAM",
    ];

    fn secrets(set: &[&str]) -> Result<Option<Secrets>> {
        Secrets::from(|name| {
            let value = if set.contains(&name) { name } else { "" };
            Some(value.to_owned())
        })
    }

    #[test]
    fn secrets_come_in_groups_and_a_missing_one_is_named() {
        assert_eq!(secrets(&[]).unwrap(), None);
        let all = secrets(&ALL).unwrap().unwrap();
        assert!(all.certificates.is_some() && all.notary.is_some());
        let own_keychain = secrets(&ALL[..2]).unwrap().unwrap();
        assert!(own_keychain.certificates.is_none() && own_keychain.notary.is_none());
        for left_out in 0..ALL.len() {
            let mut set = ALL.to_vec();
            let missing = set.remove(left_out);
            let error = secrets(&set).unwrap_err().to_string();
            assert!(error.starts_with(missing), "{error}");
        }
        let error = secrets(&ALL[2..]).unwrap_err().to_string();
        assert!(error.contains("MACOS_APPLICATION_IDENTITY"), "{error}");
    }

    #[test]
    fn libraries_are_signed_before_the_bundles_that_hold_them() {
        let files = [
            "Mertscope.app/Contents/MacOS/mertscope-standalone",
            "Mertscope.app/Contents/MacOS/libonnxruntime.1.dylib",
            "Mertscope.vst3/Contents/MacOS/Mertscope",
            "Mertscope.vst3/Contents/MacOS/libonnxruntime.1.dylib",
            "Mertscope/mertscope",
            "Mertscope/libonnxruntime.1.dylib",
        ];
        let bundles = Bundles {
            folder: "bundled".into(),
            names: Names {
                name: "Mertscope".into(),
                identifier: "org.example.mertscope".into(),
            },
            files: files.map(PathBuf::from).to_vec(),
        };
        let order = order(&bundles);
        let text = |(path, is_program): &(PathBuf, bool)| {
            format!(
                "{} {is_program}",
                path.display().to_string().replace('\\', "/")
            )
        };
        let order: Vec<String> = order.iter().map(text).collect();
        let mut expected: Vec<String> = [files[1], files[3], files[5]]
            .map(|library| format!("{library} false"))
            .to_vec();
        let rest = [
            "Mertscope/mertscope true",
            "Mertscope.app true",
            "Mertscope.vst3 false",
        ];
        expected.extend(rest.map(str::to_owned));
        assert_eq!(order, expected);
    }

    #[test]
    fn unsigned_code_is_signed_ad_hoc_and_signed_code_with_the_hardened_runtime() {
        let scratch = Path::new("unused");
        let ad_hoc = Signer::new(None, scratch).unwrap();
        assert_eq!(ad_hoc.options(), ["--force", "--sign", "-"]);
        assert!(ad_hoc.installer_options().is_empty());
        let secrets = secrets(&ALL[..2]).unwrap().unwrap();
        let by_name = Signer::new(Some(&secrets), scratch).unwrap();
        let options = by_name.options().join(" ");
        assert!(options.contains("--options runtime --sign MACOS_APPLICATION_IDENTITY"));
        let installer = by_name.installer_options();
        assert_eq!(
            installer,
            ["--sign", "MACOS_INSTALLER_IDENTITY"].map(PathBuf::from)
        );
    }

    #[test]
    fn the_keychains_of_a_user_are_read_from_the_tools_answer() {
        let answer = "    \"/Users/a b/login.keychain-db\"\n    \"/Library/System.keychain\"\n";
        let expected = ["/Users/a b/login.keychain-db", "/Library/System.keychain"];
        assert_eq!(keychains(answer), expected);
    }
}
