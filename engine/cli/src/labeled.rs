//! Labeled music: files and their labels, from folders or a table, and the files' embeddings.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail, ensure};
use mertscope_engine::embedding_dataset::{DatasetError, EmbeddingDataset};
use mertscope_engine::labeled::{EmbeddedFile, LabeledFile, once_each};
use mertscope_heads::head::Reads;
use mertscope_heads::package::ModelPackage;
use mertscope_model::{Runtime, runtime};

use crate::arguments::{DataArguments, ModelArguments};
use crate::inputs::{self, Input};
use crate::interrupt;
use crate::log;
use crate::progress::Bar;

/// The usable files, and a sentence per file that was left out.
pub(crate) struct LabeledMusic {
    pub examples: Vec<EmbeddedFile>,
    pub left_out: Vec<String>,
}

/// The files that `arguments` name, in the order of the table or sorted by path, with notices.
pub(crate) fn find(arguments: &DataArguments) -> anyhow::Result<(Vec<LabeledFile>, Vec<String>)> {
    let data = &arguments.data;
    let is_table = data
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let (files, notices) = if data.is_dir() {
        folders(arguments)
    } else if is_table {
        table(arguments)?
    } else {
        bail!(
            "{} is neither a folder nor a .csv table; give one of these with --data.",
            data.display()
        );
    };
    if files.is_empty() {
        bail!(if notices.is_empty() {
            format!("The table {} lists no files.", data.display())
        } else {
            notices.join(" ")
        });
    }
    Ok((files, notices))
}

/// The files of folders, with a notice per folder that can't be searched: each folder directly inside the data's is a
/// label; files beside them have none.
fn folders(arguments: &DataArguments) -> (Vec<LabeledFile>, Vec<String>) {
    let root = &arguments.data;
    let inputs = inputs::find(std::slice::from_ref(root));
    if !arguments.quiet {
        inputs.remarks.iter().for_each(|remark| log(remark));
    }
    let (mut files, mut notices) = (Vec::new(), Vec::new());
    for input in inputs.list {
        match input {
            Input::File(path) => files.push(LabeledFile {
                label: label(root, &path),
                group: path.display().to_string(),
                path,
            }),
            Input::Unusable(_, reason) => notices.push(reason),
            // No folder is called like that.
            Input::Standard => {}
        }
    }
    (files, notices)
}

/// The name of the folder directly inside `root` in which `path` lies; empty for a file directly in `root`.
fn label(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    match inside.parent().and_then(|parent| parent.iter().next()) {
        Some(folder) => folder.to_string_lossy().into_owned(),
        None => String::new(),
    }
}

/// The files of a table, with a notice per row without a file.
fn table(arguments: &DataArguments) -> anyhow::Result<(Vec<LabeledFile>, Vec<String>)> {
    let path = &arguments.data;
    let name = path.display();
    let bytes = fs::read(path)
        .with_context(|| format!("The table {name} can't be read; check its name"))?;
    // Spreadsheets begin files with a byte-order mark.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let broken = || format!("{name} is not a table of comma-separated values in UTF-8");
    let columns = reader.headers().with_context(broken)?.clone();
    let column = |title: &str| {
        let found = columns.iter().position(|column| column.trim() == title);
        found.with_context(|| {
            let known: Vec<&str> = columns.iter().collect();
            format!(
                "{name} has no column “{title}”, only {}; name the right one with --label-column, \
                 --file-column or --group-column.",
                known.join(", ")
            )
        })
    };
    let file = column(&arguments.file_column)?;
    let label = column(&arguments.label_column)?;
    let group = arguments.group_column.as_deref().map(column).transpose()?;
    let beside = path.parent().unwrap_or(Path::new(""));
    let (mut files, mut notices) = (Vec::new(), Vec::new());
    for (number, row) in (1..).zip(reader.records()) {
        let row = row.with_context(broken)?;
        let field = |column: usize| row.get(column).unwrap_or_default().trim();
        if field(file).is_empty() {
            notices.push(format!(
                "Row {number} of {name} names no file; it was left out."
            ));
            continue;
        }
        let path = beside.join(field(file));
        let own_group = path.display().to_string();
        files.push(LabeledFile {
            label: field(label).to_owned(),
            group: group.map_or(own_group, |group| field(group).to_owned()),
            path,
        });
    }
    Ok((files, notices))
}

/// The folder of cached embeddings.
fn cache_folder() -> anyhow::Result<PathBuf> {
    let data = runtime::data_folder().context(
        "There is no folder for embeddings, because the user has no home folder. Set HOME.",
    )?;
    Ok(data.join("embeddings"))
}

/// Embeds files; files that fail, and equal files with two labels, are left out.
pub(crate) fn embed(
    files: Vec<LabeledFile>,
    arguments: &DataArguments,
    runtime: &'static Runtime,
    package: &Arc<ModelPackage>,
    reads: Reads,
    model: &ModelArguments,
) -> anyhow::Result<LabeledMusic> {
    ensure!(
        reads == Reads::Window || !package.model.manifest.graph.frames.is_empty(),
        "The model {} gives one vector per window and no frames; choose a model with frames, such as \
         MERT-v1-95M.",
        package.model.manifest.id
    );
    let windows = usize::from(arguments.windows);
    let embeddings = EmbeddingDataset::new(
        runtime,
        Arc::clone(&package.model),
        reads,
        &cache_folder()?,
        windows,
        model.threads(),
    )
    .on(model.device());
    let bar = Bar::new(arguments.quiet);
    let count = files.len();
    let mut examples: Vec<EmbeddedFile> = Vec::with_capacity(count);
    let mut left_out = Vec::new();
    bar.steps(count, "embedding");
    let interrupted = interrupt::listen();
    for file in files {
        ensure!(
            !interrupted.load(Ordering::Relaxed),
            "Stopped. The embeddings so far are kept; the same command goes on from them."
        );
        match embeddings.of(&file.path) {
            Ok(embeddings) => examples.push(EmbeddedFile { file, embeddings }),
            Err(error @ (DatasetError::Start(_) | DatasetError::Cache { .. })) => {
                return Err(error.into());
            }
            Err(error) => left_out.push(error.to_string()),
        }
        bar.step();
    }
    bar.finish();
    let examples = once_each(examples, &mut left_out);
    Ok(LabeledMusic { examples, left_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(data: PathBuf) -> DataArguments {
        DataArguments {
            data,
            label_column: "label".to_owned(),
            file_column: "file".to_owned(),
            group_column: None,
            windows: 6,
            quiet: true,
        }
    }

    #[test]
    fn folders_are_labels() {
        let root = tempfile::tempdir().unwrap();
        for name in ["jazz/1.wav", "jazz/more/2.wav", "rock/3.wav", "4.wav"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let (files, notices) = find(&arguments(root.path().to_owned())).unwrap();
        let labels: Vec<&str> = files.iter().map(|file| file.label.as_str()).collect();
        assert_eq!(labels, ["", "jazz", "jazz", "rock"]);
        assert!(notices.is_empty());
    }

    #[test]
    fn tables_may_have_a_byte_order_mark_quotes_and_gaps() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("labels.csv");
        let text = "\u{feff}file,label,artist\r\n\"a, b.wav\",C major,x\r\n,D major,x\r\nc.wav\r\n";
        fs::write(&path, text).unwrap();
        let mut arguments = arguments(path.clone());
        let (files, notices) = find(&arguments).unwrap();
        assert_eq!(files[0].path, root.path().join("a, b.wav"));
        assert_eq!(files[0].label, "C major");
        assert_eq!((files.len(), files[1].label.as_str()), (2, ""));
        assert!(notices[0].contains("Row 2"), "{notices:?}");
        arguments.group_column = Some("artist".to_owned());
        assert_eq!(find(&arguments).unwrap().0[0].group, "x");
        arguments.label_column = "genre".to_owned();
        let error = find(&arguments).unwrap_err().to_string();
        assert!(
            error.contains("genre") && error.contains("artist"),
            "{error}"
        );
    }

    #[test]
    fn data_that_is_neither_folder_nor_table_is_refused() {
        for name in ["gone.csv", "gone", "song.wav"] {
            let error = find(&arguments(PathBuf::from(name))).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
