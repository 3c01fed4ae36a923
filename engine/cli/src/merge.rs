//! `mertscope merge`: one file of the Parquet parts of all shards.

use crate::arguments::MergeArguments;
use crate::log;

/// Runs the command.
pub(crate) fn run(arguments: &MergeArguments) -> anyhow::Result<bool> {
    let merged = mertscope_parts::merge(&arguments.folder, &arguments.out)?;
    merged.remarks.iter().for_each(|remark| log(remark));
    if !arguments.quiet {
        log(&format!(
            "{} holds the {} rows of {} files in {} parts.",
            arguments.out.display(),
            merged.rows,
            merged.files,
            merged.parts
        ));
    }
    Ok(true)
}
