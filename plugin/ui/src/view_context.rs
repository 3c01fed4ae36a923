//! The data that the views draw in one frame, and their way to the instance.

use std::sync::Arc;

use egui::{CornerRadius, Rect, Stroke, StrokeKind, Ui};
use mertscope_heads::reference::Reference;
use mertscope_heads::timeline::WindowResult;
use mertscope_live::{Entry, Snapshot};
use mertscope_music::Key;

use crate::drawing::finite;
use crate::host::EditorHost;
use crate::host_panel::HostPanel;
use crate::parameters::ParameterValues;
use crate::state::Comparison;
use crate::theme::Palette;

/// See the module.
pub(crate) struct ViewContext<'a> {
    /// The snapshot that is shown: the newest, or the one that is held.
    pub(crate) snapshot: &'a Arc<Snapshot>,
    /// The newest snapshot, held or not.
    pub(crate) live: &'a Arc<Snapshot>,
    /// The instance: parameters, state, and the way to the engine.
    pub(crate) host: &'a dyn EditorHost,
    /// The app's panel; `None` in a DAW, which has a side-chain, offline renders and tracks.
    pub(crate) host_panel: Option<&'a dyn HostPanel>,
    /// The parameters as they were when the frame began.
    pub(crate) parameters: ParameterValues,
    /// The theme's colors.
    pub(crate) palette: &'static Palette,
}

impl ViewContext<'_> {
    /// The result of the newest window.
    pub(crate) fn result(&self) -> Option<&WindowResult> {
        self.snapshot.result()
    }

    /// The labels of the genre head; empty without one.
    pub(crate) fn genre_labels(&self) -> &[String] {
        let running = self.snapshot.model.running.as_ref();
        running.map_or(&[], |running| &running.genre_labels)
    }

    /// Whether the most probable genre is named, at this probability.
    pub(crate) fn genre_is_clear(&self, probability: f32) -> bool {
        let running = self.snapshot.model.running.as_ref();
        let head = running.and_then(|running| running.genre_head.as_ref());
        head.is_none_or(|head| head.is_sure(probability))
    }

    /// SHA-256 of the running model's weights.
    fn encoder_sha256(&self) -> Option<&str> {
        let running = self.live.model.running.as_ref();
        running.map(|running| running.sha256.as_str())
    }

    /// Whether a reference was made with the running model.
    pub(crate) fn is_comparable(&self, reference: &Reference) -> bool {
        self.encoder_sha256() == Some(&reference.encoder_sha256)
    }

    /// The references that are compared: A, which the timeline shows, then B; each only if there is one.
    pub(crate) fn compared(&self) -> Vec<&Arc<Reference>> {
        let chosen: Comparison = self.host.state().get().unwrap_or_default();
        let all = || {
            let references = self.live.study.references.iter();
            references.filter(|reference| self.is_comparable(reference))
        };
        let find = |id: &str| all().find(|reference| reference.id == id);
        let first = find(&chosen.a).or_else(|| all().find(|other| other.id != chosen.b));
        let mut both: Vec<_> = first.into_iter().collect();
        both.extend(find(&chosen.b).filter(|b| first.is_none_or(|a| a.id != b.id)));
        both
    }

    /// Why there is no result for genre or key, in a few words.
    pub(crate) fn no_head(&self, task: &str) -> String {
        let running = self.snapshot.model.running.as_ref();
        let offered = running.map_or(&[][..], |running| &running.offered);
        if offered.iter().any(|info| info.task == task) {
            format!("The {task} head is switched off")
        } else {
            format!("This model has no {task} head; “mertscope heads” adds one")
        }
    }

    /// Draws a card; returns the room inside its margins.
    pub(crate) fn card(&self, ui: &Ui, rect: Rect) -> Rect {
        let stroke = Stroke::new(1.0, self.palette.rule);
        let fill = self.palette.panel;
        ui.painter().rect(
            rect,
            CornerRadius::same(8),
            fill,
            stroke,
            StrokeKind::Inside,
        );
        rect.shrink(if rect.width() < 260.0 || rect.height() < 260.0 {
            8.0
        } else {
            14.0
        })
    }
}

/// The label of a genre head that says that the music is none of its styles.
const NO_STYLE: &str = "none of these";

/// Whether a label is the absence of a style.
pub(crate) fn is_absence(label: &str) -> bool {
    label == NO_STYLE
}

/// The keys of a window with their probabilities, most probable first; NaN and infinite values count
/// as zero.
pub(crate) fn ranked_keys(result: &WindowResult) -> Option<Vec<(Key, f32)>> {
    let all = result.key_smoothed.as_ref()?;
    let mut ranked: Vec<(Key, f32)> = Key::all().zip(all.iter().map(|p| finite(*p))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    Some(ranked)
}

/// The most probable label of a window and its probability.
pub(crate) fn best_label(labels: &[String], entry: &Entry) -> Option<(usize, f32)> {
    let all = entry.timed.result.as_ref()?.genre_smoothed.as_ref()?;
    let pairs = all
        .iter()
        .take(labels.len())
        .map(|p| finite(*p))
        .enumerate();
    pairs.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// A window's distance to a reference.
pub(crate) fn distance_to(result: &WindowResult, reference: &Reference) -> Option<f32> {
    let own = |(id, _): &&(Arc<str>, f32)| **id == *reference.id;
    let found = result.distances.iter().find(own);
    found
        .map(|(_, distance)| *distance)
        .filter(|d| d.is_finite())
}
