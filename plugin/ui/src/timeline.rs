//! Key and genre over time: two ribbons on a clock, to zoom, to pan and to read; below them the
//! heads that read frames, and distances to references.
//!
//! The drawing is used again until the history, the place, the zoom or the look changes.

mod distances;
mod keys;
mod lanes;
mod picture;
mod places;
mod reading;
mod ribbons;
mod scale;
mod track;
mod viewport;

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Ui, WidgetInfo, vec2};

use self::picture::{DrawingKey, draw};
use self::places::Places;
use self::reading::{Moment, length_text};
use self::scale::Scale;
pub(crate) use self::scale::host_time;
use self::track::Track;
use self::viewport::Viewport;
use crate::control::{Icon, focus_ring, icon_button};
use crate::drawing::Drawing;
use crate::text::{self, Size};
use crate::theme::Palette;
use crate::view_context::ViewContext;
use crate::view_settings::TimeBase;
use crate::zoom;

/// From this height on the head with title and buttons has room.
const HEAD_FROM_HEIGHT: f32 = 110.0;

/// The view's state.
#[derive(Default)]
pub(crate) struct Timeline {
    track: Track,
    viewport: Viewport,
    drawn: Option<(DrawingKey, Drawing)>,
}

impl Timeline {
    /// Draws the timeline into `rect`.
    pub(crate) fn ui(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        base: TimeBase,
        rect: Rect,
    ) {
        self.track.follow(&context.snapshot.history);
        let mut body = rect;
        if rect.height() >= HEAD_FROM_HEIGHT && rect.width() >= 200.0 {
            body.min.y += 30.0;
            self.head(ui, context.palette, rect.with_max_y(rect.top() + 24.0));
        }
        if body.width() < 20.0 || body.height() < 30.0 {
            return;
        }
        let ribbons = ribbons::heads(context).len();
        let places = Places::inside(body, ribbons, !context.compared().is_empty());
        let id = ui.scope_id().with("timeline");
        let response = ui.interact(body, id, Sense::click_and_drag());
        let x = body.x_range();
        self.viewport.move_by_pointer(ui, &response, &self.track, x);
        self.viewport.move_by_keys(ui, &response, &self.track);
        let scale = self.viewport.scale(&self.track, x);
        let cursor = self.viewport.cursor;
        let span_s = self.viewport.span_s;
        response.widget_info(|| {
            let words = match cursor {
                Some(at) => Moment::new(context, &self.track, base, at).description(),
                None => reading::description(context, &self.track, base, span_s),
            };
            WidgetInfo::labeled(Role::Image, true, words)
        });
        self.drawing(ui, context, base, &places, scale)
            .paint(ui.painter());
        if self.track.spans.is_empty() {
            text::put(
                ui.painter(),
                places.lanes().center(),
                Align2::CENTER_CENTER,
                "Results appear here",
                (text::plain(Size::Body), context.palette.faint),
                body.width(),
            );
        }
        focus_ring(ui, &response, context.palette, 4);
        let pointed = response.hover_pos().map(|pos| scale.moment_from_x(pos.x));
        if let Some(at) = pointed.or(cursor) {
            let moment = Moment::new(context, &self.track, base, at);
            moment.show(ui, places.lanes(), scale, pointed.map(|_| response));
        }
    }

    fn head(&mut self, ui: &mut Ui, palette: &Palette, rect: Rect) {
        zoom::head(ui, palette, rect, "Timeline", |ui| {
            let (name, about) = ("Follow", "Go to the newest result and follow");
            if icon_button(
                ui,
                palette,
                Icon::ToEnd,
                self.viewport.follows(),
                name,
                about,
            )
            .clicked()
            {
                self.viewport.follow();
            }
            let zoom_in = ("Zoom in", "Show less time, larger");
            let zoom_out = ("Zoom out", "Show more time");
            if let Some(factor) = zoom::buttons(ui, palette, zoom_in, zoom_out) {
                self.viewport.enlarge(&self.track, factor, 1.0);
            }
            let (slot, _) = ui.allocate_exact_size(vec2(64.0, 24.0), Sense::hover());
            text::put_figures(
                ui.painter(),
                slot.right_center() - vec2(4.0, 0.0),
                Align2::RIGHT_CENTER,
                &length_text(self.viewport.span_s),
                (text::plain(Size::Small), palette.faint),
            );
        });
    }

    /// The drawing, made again only when something that it depends on changed.
    fn drawing(
        &mut self,
        ui: &Ui,
        context: &ViewContext<'_>,
        base: TimeBase,
        places: &Places,
        scale: Scale,
    ) -> &Drawing {
        let key = DrawingKey {
            version: self.track.version,
            area: places.lanes().union(places.clock),
            scale,
            notation: context.parameters.notation,
            base,
            palette: *context.palette,
            pixels_per_point: ui.pixels_per_point(),
            labels: context.genre_labels().len(),
            compared: distances::curves(context),
            heads: ribbons::heads(context),
        };
        let drawn = self.drawn.take().filter(|(drawn, _)| *drawn == key);
        let drawn = drawn.unwrap_or_else(|| {
            let drawing = draw(ui, context, &self.track, places, &key);
            (key, drawing)
        });
        &self.drawn.insert(drawn).1
    }
}
