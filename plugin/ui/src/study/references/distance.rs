//! Distances as rows: to a reference, and of one layer.

use egui::accesskit::Role;
use egui::{Align2, Color32, Rect, Sense, Ui, WidgetInfo, pos2, vec2};
use mertscope_heads::reference::Reference;

use crate::control::{focus_ring, share_bar};
use crate::row::small_text;
use crate::text::{self, Size};
use crate::view_context::{ViewContext, distance_to};

/// The distance that fills a bar: opposite.
const FULL: f32 = 2.0;
/// Height of the row of a layer, in points.
pub(super) const LAYER_ROW: f32 = 18.0;

/// Draws the distance to a reference with its bar, or the reason why there is none.
pub(super) fn distance_ui(
    ui: &mut Ui,
    context: &ViewContext<'_>,
    reference: &Reference,
    ink: Color32,
) {
    if !context.is_comparable(reference) {
        let words = "Made with another model: it can't be compared with this one.";
        small_text(ui, words, context.palette.faint);
        return;
    }
    let latest = context.live.latest.as_ref();
    let result = latest.and_then(|latest| latest.timed.result.as_ref());
    let distance = result.and_then(|result| distance_to(result, reference));
    let (rect, response) = ui.allocate_exact_size(
        vec2(ui.available_width(), 16.0),
        Sense::focusable_noninteractive(),
    );
    let figure = distance.map_or_else(|| "–".to_owned(), |d| format!("{d:.2}"));
    let label = format!("Distance to {}: {figure}", reference.name);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &label));
    let slot = Rect::from_min_max(rect.min + vec2(20.0, 0.0), rect.max - vec2(44.0, 0.0));
    share_bar(
        ui,
        context.palette,
        slot,
        distance.unwrap_or(0.0) / FULL,
        ink,
    );
    put_figure(ui, context, rect, &figure);
    focus_ring(ui, &response, context.palette, 4);
    response.on_hover_text(format!(
        "{label}\n0 is the same, 1 unrelated, 2 opposite, to the model"
    ));
}

/// Draws the distance in one layer with its bar.
pub(super) fn layer_ui(
    ui: &mut Ui,
    context: &ViewContext<'_>,
    layer: usize,
    distance: f32,
    ink: Color32,
) {
    let name = format!("Layer {layer}");
    let (rect, response) = ui.allocate_exact_size(
        vec2(ui.available_width(), LAYER_ROW),
        Sense::focusable_noninteractive(),
    );
    let figure = format!("{distance:.2}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {figure}")));
    let font = (text::plain(Size::Small), context.palette.dim);
    text::put(
        ui.painter(),
        rect.left_center(),
        Align2::LEFT_CENTER,
        &name,
        font,
        60.0,
    );
    let slot = Rect::from_min_max(rect.min + vec2(64.0, 0.0), rect.max - vec2(44.0, 0.0));
    share_bar(ui, context.palette, slot, distance / FULL, ink);
    put_figure(ui, context, rect, &figure);
    focus_ring(ui, &response, context.palette, 4);
    response.on_hover_text("Layers differ in scale: compare each with itself over time");
}

fn put_figure(ui: &Ui, context: &ViewContext<'_>, rect: Rect, figure: &str) {
    let font = (text::plain(Size::Small), context.palette.dim);
    text::put_figures(
        ui.painter(),
        pos2(rect.right(), rect.center().y),
        Align2::RIGHT_CENTER,
        figure,
        font,
    );
}
