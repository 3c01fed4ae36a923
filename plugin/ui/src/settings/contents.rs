//! The names of the sections: each scrolls its section into view, and the one that is read now is marked.

use egui::accesskit::Role;
use egui::style::ScrollAnimation;
use egui::{
    Align, Align2, CornerRadius, Layout, Rect, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::section::Section;
use crate::color;
use crate::control::{HEIGHT, focus_ring};
use crate::layout::{split, stack};
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// From this width on the names stand beside the sections, otherwise above them; in points.
const BESIDE_FROM_WIDTH: f32 = 700.0;
/// Width of the names beside the sections, in points.
const WIDTH: f32 = 124.0;
/// Space between the names and the sections, in points.
const GAP: f32 = 10.0;
/// Space on both sides of a name, in points.
const MARGIN: f32 = 8.0;

/// The names' own state.
#[derive(Default)]
pub(super) struct Contents {
    /// The section that was asked for and is not in view yet.
    wanted: Option<Section>,
    /// The section that was asked for last, until the user scrolls; the last sections are too short to come to
    /// the top.
    asked: Option<Section>,
    /// The section whose head is at the top of the view or above it, in the last frame.
    read: Option<Section>,
    /// The same for this frame, as far as it is drawn.
    reading: Option<Section>,
}

impl Contents {
    /// Draws the names into a part of `rect`; returns the rest.
    pub(super) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) -> Rect {
        self.read = self.reading.take();
        if ui.input(|input| input.smooth_scroll_delta().y != 0.0) {
            self.asked = None;
        }
        let beside = rect.width() >= BESIDE_FROM_WIDTH;
        let (place, rest) = if beside {
            split(rect, WIDTH, GAP)
        } else {
            let lines = lines(ui, context, rect.width());
            let below = rect.height() - lines * HEIGHT - GAP;
            stack(rect, below.max(0.0), GAP)
        };
        let layout = if beside {
            Layout::top_down(Align::Min)
        } else {
            Layout::left_to_right(Align::Min).with_main_wrap(true)
        };
        let builder = UiBuilder::new()
            .max_rect(place)
            .layout(layout)
            .id_salt("contents");
        ui.scope_builder(builder, |ui| {
            ui.spacing_mut().item_spacing = if beside {
                vec2(0.0, 2.0)
            } else {
                vec2(0.0, 0.0)
            };
            for section in Section::ALL {
                if let Some(title) = section.title(context) {
                    let width = if beside { WIDTH } else { width(ui, title) };
                    if self.name_ui(ui, context, (section, title), width) {
                        (self.wanted, self.asked) = (Some(section), Some(section));
                        ui.ctx().request_repaint();
                    }
                }
            }
        });
        if beside {
            let rule = egui::Stroke::new(1.0, context.palette.rule);
            let x = place.right() + GAP / 2.0;
            ui.painter().vline(x, rect.y_range(), rule);
        }
        rest
    }

    /// Draws a name; returns whether it was pressed.
    fn name_ui(
        &self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        (section, title): (Section, &str),
        width: f32,
    ) -> bool {
        let palette = context.palette;
        let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
        let is_read = self.asked.or(self.read) == Some(section);
        let words = format!("Go to {title}");
        response.widget_info(|| WidgetInfo::selected(Role::Link, true, is_read, &words));
        if is_read {
            let fill = color::mix(palette.panel, palette.raised, 0.8);
            ui.painter().rect_filled(rect, CornerRadius::same(5), fill);
        }
        let (font, ink) = match (is_read, response.hovered()) {
            (true, _) => (text::bold(Size::Body), palette.text),
            (false, true) => (text::plain(Size::Body), palette.text),
            (false, false) => (text::plain(Size::Body), palette.dim),
        };
        let at = pos2(rect.left() + MARGIN, rect.center().y);
        text::put(
            ui.painter(),
            at,
            Align2::LEFT_CENTER,
            title,
            (font, ink),
            width - MARGIN,
        );
        focus_ring(ui, &response, palette, 5);
        response.clicked()
    }

    /// Begins a section where it is drawn, and scrolls to it when it was asked for.
    pub(super) fn begin(&mut self, ui: &Ui, section: Section) {
        let top = ui.cursor().top();
        if self.wanted == Some(section) {
            self.wanted = None;
            let at = Rect::from_min_size(pos2(ui.cursor().left(), top), vec2(1.0, 1.0));
            // At once: a long way through the settings takes no time to read.
            ui.scroll_to_rect_animation(at, Some(Align::Min), ScrollAnimation::none());
        }
        if self.reading.is_none() || top <= ui.clip_rect().top() + HEIGHT {
            self.reading = Some(section);
        }
    }

    /// Ends the page; draws again when another section than in the last frame is read.
    pub(super) fn end(&self, ui: &Ui) {
        if self.reading != self.read {
            ui.ctx().request_repaint();
        }
    }
}

/// The width of a name above the sections.
fn width(ui: &Ui, title: &str) -> f32 {
    let ink = egui::Color32::WHITE;
    let line = text::line(
        ui.painter(),
        title,
        text::bold(Size::Body),
        ink,
        f32::INFINITY,
    );
    line.size().x + 2.0 * MARGIN
}

/// The number of lines that the names take above the sections.
fn lines(ui: &Ui, context: &ViewContext<'_>, room: f32) -> f32 {
    let (mut lines, mut used) = (1.0, 0.0);
    let titles = Section::ALL.iter().filter_map(|s| s.title(context));
    for width in titles.map(|title| width(ui, title)) {
        if used + width > room {
            (lines, used) = (lines + 1.0, 0.0);
        }
        used += width;
    }
    lines
}
