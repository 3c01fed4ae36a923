//! The study page: references and labeled examples side by side; in a narrow window one of the two.

mod first_use;
mod graph;
mod references;
mod teach;

use std::path::PathBuf;

use egui::accesskit::Role;
use egui::text::LayoutJob;
use egui::{CornerRadius, Rect, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo, vec2};
use mertscope_audio::{Notice, Severity};

use crate::color;
use crate::control::{HEIGHT, focus_ring, segments};
use crate::layout::split;
use crate::text::{self, Size};
use crate::view_context::ViewContext;
use references::References;
use teach::Teach;

/// From this width on both halves stand side by side, in points.
const SIDE_BY_SIDE: f32 = 600.0;

/// A half of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Half {
    #[default]
    References,
    Teach,
}

impl Half {
    const fn title(self) -> &'static str {
        match self {
            Self::References => "References",
            Self::Teach => "Teach",
        }
    }
}

/// The view's own state.
#[derive(Default)]
pub(crate) struct StudyPage {
    shown: Half,
    references: References,
    teach: Teach,
}

impl StudyPage {
    /// Draws the page into `rect`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect, gap: f32) {
        let rect = notice_ui(ui, context, rect, gap);
        if rect.width() >= SIDE_BY_SIDE {
            let (left, right) = split(rect, (rect.width() - gap) / 2.0, gap);
            self.half(ui, context, (Half::References, true), left);
            self.half(ui, context, (Half::Teach, true), right);
        } else {
            let head = rect.with_max_y((rect.top() + HEIGHT).min(rect.bottom()));
            ui.scope_builder(UiBuilder::new().max_rect(head), |ui| {
                let option = |half: Half, about| (half, half.title(), about);
                let options = [
                    option(Half::References, "Compare with other music"),
                    option(Half::Teach, "Teach your own labels"),
                ];
                if let Some(half) = segments(ui, context.palette, self.shown, &options) {
                    self.shown = half;
                }
            });
            let below = rect.with_min_y((head.bottom() + gap).min(rect.bottom()));
            self.half(ui, context, (self.shown, false), below);
        }
        self.references.browser_ui(ui, context);
    }

    /// Makes references of files, and shows that half of the page.
    pub(crate) fn add_files(&mut self, context: &ViewContext<'_>, files: Vec<PathBuf>) {
        self.shown = Half::References;
        References::add_files(context, files);
    }

    /// Draws a half, with its title when both stand side by side.
    fn half(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        (half, titled): (Half, bool),
        rect: Rect,
    ) {
        if rect.height() < 1.0 || rect.width() < 1.0 {
            return;
        }
        let inner = context.card(ui, rect);
        let builder = UiBuilder::new()
            .max_rect(inner)
            .id_salt(("half", half as u8));
        ui.scope_builder(builder, |ui| {
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                // Room for the scroll bar that floats over the right edge.
                ui.set_width((ui.available_width() - 8.0).max(0.0));
                if titled {
                    let title = egui::RichText::new(half.title()).font(text::bold(Size::Title));
                    ui.label(title.color(context.palette.text));
                }
                match half {
                    Half::References => self.references.ui(ui, context, inner.height()),
                    Half::Teach => self.teach.ui(ui, context, inner.height()),
                }
            });
        });
    }
}

/// Writes the notice of the last request along the bottom, errors first; returns the room above it.
fn notice_ui(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect, gap: f32) -> Rect {
    let study = &context.live.study;
    let (failed, done): (Vec<Notice>, Vec<Notice>) = study
        .notice
        .iter()
        .cloned()
        .partition(|notice| notice.severity == Severity::Error);
    let examples = context.host.examples_notice();
    let Some(notice) = failed.into_iter().chain(examples).chain(done).next() else {
        return rect;
    };
    let (palette, words) = (context.palette, notice.text.as_str());
    let ink = palette.severity(notice.severity);
    let width = (rect.width() - 24.0).max(40.0);
    let font = text::plain(Size::Small);
    let mut job = LayoutJob::simple(words.to_owned(), font, palette.text, width);
    // The tooltip has the rest.
    job.wrap.max_rows = 3;
    let galley = ui.painter().layout_job(job);
    let height = (galley.size().y + 12.0).min(rect.height());
    let place = rect.with_min_y(rect.bottom() - height);
    let id = ui.scope_id().with("notice");
    let response = ui.interact(place, id, Sense::focusable_noninteractive());
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, words));
    let fill = color::mix(palette.panel, ink, 0.14);
    ui.painter().rect_filled(place, CornerRadius::same(6), fill);
    let edge = place.with_max_x(place.left() + 3.0);
    ui.painter().rect_filled(edge, CornerRadius::same(1), ink);
    ui.painter()
        .galley(place.min + vec2(12.0, 6.0), galley, palette.text);
    focus_ring(ui, &response, palette, 6);
    response.on_hover_text(words);
    rect.with_max_y((place.top() - gap).max(rect.top()))
}
