//! Follows a job of the library to its end, with a progress bar on a terminal.

use std::sync::Arc;

use anyhow::anyhow;
use crossbeam_channel::unbounded;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mertscope_hub::{Job, Library, Stage, UpdateHook};

use super::list::megabytes;

/// Waits for the job of `id` to end.
///
/// # Errors
/// The job's error, a sentence with the remedy.
pub(crate) fn follow(library: &Library, id: &str) -> anyhow::Result<()> {
    let (sender, updates) = unbounded();
    let hook: UpdateHook = Arc::new(move || {
        // Sending fails only after the job has ended.
        let _ = sender.send(());
    });
    library.on_update(&hook);
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(style());
    loop {
        let list = library.list();
        let Some(offer) = list.iter().find(|offer| offer.entry.id == id) else {
            return Ok(());
        };
        let Some(job) = offer.job else {
            bar.finish_and_clear();
            let error = offer.error.clone();
            return error.map_or(Ok(()), |error| Err(anyhow!(error)));
        };
        if job.total > 0 {
            bar.set_length(job.total);
            bar.set_position(job.done);
        }
        bar.set_message(message(id, &job));
        updates.recv()?;
    }
}

fn message(id: &str, job: &Job) -> String {
    let doing = match job.stage {
        Stage::Waiting => return format!("{id}: waiting for another Mertscope"),
        Stage::Asking => return format!("{id}: asking the hub"),
        Stage::Downloading => "downloading",
        Stage::Copying => "copying",
        Stage::Checking => "checking",
    };
    let (done, total) = (megabytes(job.done), megabytes(job.total));
    let mut text = format!("{id}: {doing}, {done} of {total}");
    if let Some(eta_s) = job.eta_s {
        let (speed, left_s) = (megabytes(job.speed_bytes_s as u64), eta_s.ceil() as u64);
        let left = format!("{}:{:02}", left_s / 60, left_s % 60);
        text.push_str(&format!(", {speed}/s, {left} left"));
    }
    text
}

fn style() -> ProgressStyle {
    // The template is valid (a test checks it); a bar is no reason to fail.
    ProgressStyle::with_template(TEMPLATE)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}

const TEMPLATE: &str = "{wide_msg} [{bar:24}] {percent:>3} %";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_s_progress_fits_in_a_line() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
        let mut job = Job {
            stage: Stage::Downloading,
            done: 94_000_000,
            total: 377_552_987,
            speed_bytes_s: 3_000_000.0,
            eta_s: Some(94.5),
        };
        let text = message("MERT-v0", &job);
        assert_eq!(
            text,
            "MERT-v0: downloading, 94.0 MB of 377.6 MB, 3.0 MB/s, 1:35 left"
        );
        job.eta_s = None;
        assert!(message("MERT-v0", &job).ends_with("377.6 MB"));
    }
}
