//! The status bar: the state, the device, times, losses; errors as sentences above it.
//!
//! Figures that have no room are in the details, which fold out above the bar.

mod banner;
mod details;
mod figures;
mod gauges;

use std::borrow::Cow;

use egui::accesskit::Role;
use egui::{CornerRadius, Rect, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use mertscope_live::Snapshot;

use crate::control::{Icon, focus_ring, icon_button};
use crate::view_context::ViewContext;

/// Height of the bar without details and errors, in points.
pub(crate) const STATUS_BAR_HEIGHT: f32 = 30.0;

/// Whether the details are folded out.
#[derive(Debug, Default)]
pub(crate) struct StatusBar {
    unfolded: bool,
}

impl StatusBar {
    /// The height at this width, with details and error, in points.
    pub(crate) fn height(&self, ui: &Ui, context: &ViewContext<'_>, width: f32) -> f32 {
        let details = if self.unfolded {
            details::height(width)
        } else {
            0.0
        };
        let banner =
            sentence(context.live).map_or(0.0, |words| banner::height(ui, context, &words, width));
        STATUS_BAR_HEIGHT + details + banner
    }

    /// Draws the status bar into `rect`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
        let palette = context.palette;
        ui.painter()
            .rect_filled(rect, CornerRadius::ZERO, palette.panel);
        ui.painter().hline(
            rect.x_range(),
            rect.top() + 0.5,
            Stroke::new(1.0, palette.rule),
        );
        let mut top = rect.top();
        if let Some(words) = sentence(context.live) {
            let height = banner::height(ui, context, &words, rect.width());
            let place = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), height));
            banner::banner_ui(ui, context, &words, place);
            top += height;
        }
        let line = rect.with_min_y(rect.bottom() - STATUS_BAR_HEIGHT);
        if self.unfolded {
            let place =
                Rect::from_min_max(pos2(rect.left(), top + 6.0), pos2(rect.right(), line.top()));
            details::details_ui(ui, context, place);
        }
        self.line(ui, context, line.shrink2(vec2(10.0, 3.0)));
    }

    fn line(&mut self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
        let fold =
            Rect::from_center_size(pos2(rect.right() - 12.0, rect.center().y), vec2(24.0, 24.0));
        ui.scope_builder(UiBuilder::new().max_rect(fold), |ui| {
            let about = if self.unfolded {
                "Fold the details away"
            } else {
                "Show all figures"
            };
            let (icon, name) = (Icon::Fold(self.unfolded), "Status details");
            if icon_button(ui, context.palette, icon, false, name, about).clicked() {
                self.unfolded = !self.unfolded;
            }
        });
        let response = ui.interact(
            rect.with_max_x(fold.left() - 4.0),
            ui.scope_id().with("status"),
            Sense::focusable_noninteractive(),
        );
        response.widget_info(|| {
            WidgetInfo::labeled(Role::Status, true, figures::description(context.live))
        });
        focus_ring(ui, &response, context.palette, 4);
        let mut left = gauges::state(ui, context, rect);
        left = gauges::level(ui, context, rect, left);
        left = gauges::window_fill(ui, context, rect, left);
        // A figure that has no room leaves it to the next, shorter one.
        for figure in figures::figures(context.live) {
            let right = fold.left() - 8.0;
            if let Some(end) = gauges::put_figure(ui, context, &figure, rect, left, right) {
                left = end;
            }
        }
    }
}

/// The sentence above the bar: an error, or why the chosen server gave way to this machine.
fn sentence(snapshot: &Snapshot) -> Option<Cow<'_, str>> {
    if let Some(error) = snapshot.error.as_deref() {
        return Some(Cow::Borrowed(error));
    }
    let running = snapshot.model.running.as_ref()?;
    let server = running.device.server_gave_way()?;
    Some(Cow::Owned(format!(
        "{server} This machine runs the model until the server is back."
    )))
}
