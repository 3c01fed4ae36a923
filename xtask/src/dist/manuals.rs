//! Manual pages and completions, which the built programs write themselves.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::standalone;

/// Shells, and the place of their completions in `share`.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/mertscope"),
    ("fish", "fish/vendor_completions.d/mertscope.fish"),
    ("zsh", "zsh/vendor-completions/_mertscope"),
];

/// What the programs wrote.
pub(super) struct Manuals {
    /// Names such as `mertscope.1`, and the compressed pages.
    pub pages: Vec<(String, Vec<u8>)>,
    /// Paths in `share`, and the scripts.
    pub completions: Vec<(&'static str, Vec<u8>)>,
}

/// Asks the built command, and the app beside it.
///
/// # Errors
/// When they can't be started.
pub(super) fn write(command: &Path, scratch: &Path) -> Result<Manuals> {
    fs::create_dir_all(scratch)
        .with_context(|| format!("the folder {} cannot be made", scratch.display()))?;
    output(Command::new(command).arg("man").arg(scratch))?;
    let cannot = || format!("{} cannot be read", scratch.display());
    let mut pages = Vec::new();
    for entry in fs::read_dir(scratch).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let page = fs::read(entry.path()).with_context(cannot)?;
        pages.push((
            entry.file_name().to_string_lossy().into_owned(),
            gzip(&page)?,
        ));
    }
    let help = output(Command::new(command.with_file_name(standalone::NAME)).arg("--help"))?;
    let page = app_page(&String::from_utf8_lossy(&help));
    pages.push((format!("{}.1", standalone::NAME), gzip(page.as_bytes())?));
    pages.sort();
    let completions = SHELLS
        .map(|(shell, path)| {
            let script = output(Command::new(command).args(["completions", shell]))?;
            Ok((path, script))
        })
        .into_iter()
        .collect::<Result<_>>()?;
    Ok(Manuals { pages, completions })
}

/// The app's page: its own help, as it is.
fn app_page(help: &str) -> String {
    let escaped = help.trim_end().replace('\\', "\\e").replace('-', "\\-");
    let lines = escaped.lines().map(|line| {
        // A line that begins so would be a request to the formatter.
        if line.starts_with(['.', '\'']) {
            format!("\\&{line}\n")
        } else {
            format!("{line}\n")
        }
    });
    format!(
        ".TH MERTSCOPE\\-STANDALONE 1 \"\" \"mertscope {version}\"\n\
         .SH NAME\n{name} \\- shows genre, key and embedding of an audio input or file\n\
         .SH DESCRIPTION\n.nf\n{lines}.fi\n.SH SEE ALSO\n.BR mertscope (1)\n",
        version = env!("CARGO_PKG_VERSION"),
        name = standalone::NAME.replace('-', "\\-"),
        lines = lines.collect::<String>(),
    )
}

/// Compresses without a name or a time.
pub(super) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut command = Command::new("gzip");
    command.args(["--no-name", "--best", "--stdout"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| process::could_not_start(&command))?;
    let mut pipe = child.stdin.take().context("gzip has no input")?;
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || pipe.write_all(&bytes));
    let done = child.wait_with_output().context("gzip did not end")?;
    if !done.status.success() || !matches!(writer.join(), Ok(Ok(()))) {
        bail!("gzip could not compress");
    }
    Ok(done.stdout)
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let done = command
        .output()
        .with_context(|| process::could_not_start(command))?;
    if !done.status.success() {
        bail!(
            "{} failed: {}",
            command.get_program().to_string_lossy(),
            String::from_utf8_lossy(&done.stderr).trim_end()
        );
    }
    Ok(done.stdout)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_help_text_is_a_page_without_requests_to_the_formatter() {
        let page = app_page("Usage: x --file A\\B\n.hidden\n'quoted\n");
        for line in [
            "Usage: x \\-\\-file A\\eB\n",
            "\n\\&.hidden\n",
            "\n\\&'quoted\n",
        ] {
            assert!(page.contains(line), "{page}");
        }
    }

    #[test]
    fn the_same_text_is_compressed_to_the_same_bytes() {
        let text = b"some text ".repeat(100_000);
        let packed = gzip(&text).unwrap();
        assert_eq!(packed, gzip(&text).unwrap());
        // Bytes 4 to 7 are the time, of which there is none: RFC 1952, section 2.3.1.
        assert!(packed.len() < 10_000 && packed[4..8] == [0; 4]);
    }
}
