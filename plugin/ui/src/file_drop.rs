//! Files that a user drags over the window and drops on it: a sentence says what a drop would do, and a
//! drop does it.
//!
//! Reads egui's own list of dragged and dropped files. Deliberately not here: the windowing system, from
//! which the program around the window takes the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::accesskit::Role;
use egui::{
    Color32, CornerRadius, DroppedFile, HoveredFile, Id, LayerId, Order, Rect, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, vec2,
};
use mertscope_heads::reference::MAX_REFERENCES;

use crate::color;
use crate::text::{self, Size};
use crate::view_context::ViewContext;
use crate::view_settings::Page;

/// Hands egui the files that are over the window and those that were dropped on it, for this frame. For a
/// window whose own library does not. `hovered` is empty for files without names, and `None` without files.
pub fn hand_over(egui: &egui::Context, hovered: Option<&[PathBuf]>, dropped: Vec<PathBuf>) {
    egui.input_mut(|input| {
        input.raw.hovered_files = match hovered {
            Some([]) => vec![HoveredFile::default()],
            Some(paths) => paths.iter().map(hovered_file).collect(),
            None => Vec::new(),
        };
        let dropped = dropped.into_iter();
        input.raw.dropped_files = dropped.map(|path| Arc::new(Dropped(path)) as _).collect();
    });
}

fn hovered_file(path: impl AsRef<Path>) -> HoveredFile {
    HoveredFile {
        path: Some(path.as_ref().to_owned()),
        ..HoveredFile::default()
    }
}

/// A dropped file, as egui wants it.
#[derive(Debug)]
struct Dropped(PathBuf);

impl DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

/// The use of dropped files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// The app plays the first of them.
    Play,
    /// Each becomes a reference.
    Compare,
}

impl Use {
    /// The use on a page: only the app plays files, and the study page compares everywhere.
    pub(crate) fn on(page: Page, context: &ViewContext<'_>) -> Self {
        if context.host_panel.is_some() && page != Page::Study {
            Self::Play
        } else {
            Self::Compare
        }
    }

    /// What a drop of these files would do, as a sentence, and whether it would do anything.
    fn sentence(self, context: &ViewContext<'_>, files: &[PathBuf]) -> (String, bool) {
        let name = files.first().and_then(|file| file.file_name());
        let name = name.map_or("the file".to_owned(), |name| {
            format!("“{}”", text::short(&name.to_string_lossy()))
        });
        match (self, files.len()) {
            (Self::Compare, _) if context.live.study.references.len() >= MAX_REFERENCES => {
                let full = format!(
                    "There are {MAX_REFERENCES} references already. Remove one on the Study page, then drop the file again."
                );
                (full, false)
            }
            (Self::Play, 0 | 1) => (format!("Drop to play {name}"), true),
            (Self::Play, _) => (format!("Drop to play {name}, the first of them"), true),
            (Self::Compare, 0 | 1) => (format!("Drop to compare with {name}"), true),
            (Self::Compare, count) => (format!("Drop to compare with {count} files"), true),
        }
    }
}

/// The files that were dropped in this frame.
pub(crate) fn dropped(ui: &Ui) -> Vec<PathBuf> {
    ui.input(|input| {
        let dropped = input.raw.dropped_files.iter();
        dropped.map(|file| file.path().to_owned()).collect()
    })
}

/// Draws, over all of the window, what a drop of the files that are over it would do.
pub(crate) fn hover_ui(ui: &Ui, context: &ViewContext<'_>, page: Page) {
    let hovered: Option<Vec<PathBuf>> = ui.input(|input| {
        let files = &input.raw.hovered_files;
        let paths = files.iter().filter_map(|file| file.path.clone());
        (!files.is_empty()).then(|| paths.collect())
    });
    let Some(files) = hovered else {
        return;
    };
    let (words, works) = Use::on(page, context).sentence(context, &files);
    let (palette, window) = (context.palette, ui.max_rect());
    let layer = LayerId::new(Order::Foreground, Id::unique("file drop"));
    let painter = ui.ctx().layer_painter(layer);
    let veil = palette.ground;
    let veil = Color32::from_rgba_unmultiplied(veil.r(), veil.g(), veil.b(), 215);
    painter.rect_filled(window, CornerRadius::ZERO, veil);
    let ink = if works { palette.accent } else { palette.warn };
    let size = vec2(
        (window.width() - 32.0).min(460.0),
        (window.height() - 32.0).min(120.0),
    );
    let card = Rect::from_center_size(window.center(), size);
    let fill = color::mix(palette.panel, ink, 0.14);
    let edge = Stroke::new(2.0, ink);
    painter.rect(card, CornerRadius::same(10), fill, edge, StrokeKind::Inside);
    let mut job = egui::text::LayoutJob::simple(
        words.clone(),
        text::bold(Size::Title),
        palette.text,
        size.x - 40.0,
    );
    job.halign = egui::Align::Center;
    let galley = painter.layout_job(job);
    let at = card.center() - vec2(0.0, galley.size().y / 2.0);
    painter.galley(at, galley, palette.text);
    let response = ui.interact(window, ui.scope_id().with("file drop"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &words));
}
