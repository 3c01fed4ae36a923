//! The checks of a manifest before anything relies on it.

use std::collections::HashSet;

use super::{FORMAT, InputLength, LONGEST_WINDOW_S, Manifest, ShortInput};

/// Whether a condition holds, and the reason to refuse the manifest when it does not.
type Check = (bool, &'static str);

impl Manifest {
    /// Refuses a manifest that contradicts itself or leads out of its folder; the error is a
    /// phrase.
    pub(super) fn check(&self) -> Result<(), String> {
        let checks = self.size_checks().into_iter();
        let mut checks = checks.chain(self.graph_checks()).chain(self.file_checks());
        match checks.find(|(holds, _)| !holds) {
            Some((_, reason)) => Err(reason.to_owned()),
            None => Ok(()),
        }
    }

    fn size_checks(&self) -> [Check; 7] {
        let longest_window = LONGEST_WINDOW_S as usize * self.sample_rate_hz as usize;
        let mut other_windows_s = self.other_windows_s.iter();
        [
            (
                self.format == FORMAT,
                "its format is not 1, the one that this version reads",
            ),
            (!self.id.trim().is_empty(), "its id is empty"),
            (
                (8_000..=192_000).contains(&self.sample_rate_hz),
                "its sample rate is not between 8 and 192 kHz",
            ),
            (
                (1..=longest_window).contains(&self.window_samples),
                "its window is empty or longer than two minutes",
            ),
            (
                other_windows_s.all(|window_s| self.takes_window_s(*window_s)),
                "its graph does not take one of its other windows",
            ),
            (
                (1..=65_536).contains(&self.width),
                "its width is not between 1 and 65536",
            ),
            (
                (1..=1_024).contains(&self.layers.len()),
                "it does not have 1 to 1024 layers",
            ),
        ]
    }

    fn graph_checks(&self) -> [Check; 6] {
        let graph = &self.graph;
        let layers = self.layers.len();
        let outputs =
            |names: &[String]| names.is_empty() || names.len() == 1 || names.len() == layers;
        let unique: HashSet<_> = graph.pooled.iter().chain(&graph.frames).collect();
        [
            (!unique.is_empty(), "its graph has no outputs"),
            (
                unique.len() == graph.pooled.len() + graph.frames.len(),
                "its graph names an output twice",
            ),
            (
                outputs(&graph.pooled) && outputs(&graph.frames),
                "its graph has neither one output nor one per layer",
            ),
            (
                (1..=self.window_samples).contains(&graph.frame_samples),
                "a frame of its graph is empty or longer than its window",
            ),
            (
                graph.fragment.is_none() || !(graph.pooled.is_empty() || graph.frames.is_empty()),
                "it has a file with a part of its graph for frames, but not both kinds of outputs",
            ),
            (
                graph.length == InputLength::Dynamic || graph.short_input != ShortInput::TrueLength,
                "a graph of fixed length can't take short input at its true length",
            ),
        ]
    }

    fn file_checks(&self) -> [Check; 2] {
        let is_plain =
            |name: &str| !name.is_empty() && !name.contains(['/', '\\', ':']) && name != "..";
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_hash = |hash: &str| hash.len() == 64 && hash.bytes().all(is_digit);
        let parts = self.heads.iter().chain(&self.map);
        let parts = parts.chain(&self.graph.fragment);
        let mut files: Vec<_> = parts.map(|part| (&part.file, &part.sha256)).collect();
        files.push((&self.graph.file, &self.graph.sha256));
        [
            (
                files.iter().all(|(file, _)| is_plain(file)),
                "a file name in it leads out of its folder",
            ),
            (
                files.iter().all(|(_, hash)| is_hash(hash)),
                "a SHA-256 in it is not 64 lower-case hexadecimal digits",
            ),
        ]
    }
}
