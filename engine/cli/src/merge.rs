//! `mertscope merge`: one file of the Parquet parts of all shards.

use crate::arguments::MergeArguments;
use crate::log;

/// Runs the command.
pub(crate) fn run(arguments: &MergeArguments) -> anyhow::Result<bool> {
    let merged = mertscope_parts::merge(&arguments.folder, &arguments.out)?;
    merged.remarks.iter().for_each(|remark| log(remark));
    if !arguments.quiet {
        log(&format!(
            "{} is written (files: {}, rows: {}, parts: {}).",
            arguments.out.display(),
            merged.files,
            merged.rows,
            merged.parts
        ));
    }
    Ok(true)
}
