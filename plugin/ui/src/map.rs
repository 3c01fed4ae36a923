//! The map: the path of the embedding among landmarks, with a tail that fades. Its axes are the
//! model's and never move by themselves.

mod density;
mod frame;
mod landmarks;
mod path;
mod reading;
mod references;

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{
    CornerRadius, Key as Pressed, Painter, PointerButton, Rect, Response, Sense, Shape, Stroke, Ui,
    Vec2, WidgetInfo, vec2,
};
use mertscope_heads::map::Map;
use mertscope_heads::reference::Reference;
use mertscope_live::Entry;

use self::density::density;
use self::frame::{Frame, MapZoom};
use self::landmarks::landmarks;
use self::path::path;
use self::reading::{description, read};
use self::references::references;
use crate::color;
use crate::control::{Icon, focus_ring, icon_button};
use crate::drawing::Drawing;
use crate::text;
use crate::theme::Palette;
use crate::view_context::ViewContext;
use crate::zoom;

/// The strongest zoom.
const MOST_ZOOM: f32 = 40.0;
/// From this size on the head with title and buttons has room, in points.
const HEAD_FROM: f32 = 170.0;

/// Everything that a drawing depends on: while it is equal, the drawing is used again.
#[derive(Clone)]
struct DrawingKey {
    history: Arc<Vec<Arc<Entry>>>,
    map: Arc<Map>,
    frame: Frame,
    palette: Palette,
    labels: usize,
    references: Arc<[Arc<Reference>]>,
}

impl PartialEq for DrawingKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.history, &other.history)
            && Arc::ptr_eq(&self.map, &other.map)
            && Arc::ptr_eq(&self.references, &other.references)
            && (self.frame, self.palette, self.labels) == (other.frame, other.palette, other.labels)
    }
}

/// The view's state.
#[derive(Default)]
pub(crate) struct MapView {
    zoom: MapZoom,
    drawn: Option<(DrawingKey, Drawing)>,
}

impl MapView {
    /// Draws the map into `rect`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
        let running = context.snapshot.model.running.as_ref();
        let Some(map) = running.and_then(|running| running.map.clone()) else {
            without_map(ui, context, rect);
            return;
        };
        let mut body = rect;
        if rect.height() >= HEAD_FROM && rect.width() >= HEAD_FROM {
            body.min.y += 30.0;
            self.head(ui, context.palette, rect.with_max_y(rect.top() + 24.0));
        }
        if body.width() < 20.0 || body.height() < 20.0 {
            return;
        }
        let response = ui.interact(body, ui.scope_id().with("map"), Sense::click_and_drag());
        let frame = Frame::new(&map, body, self.zoom);
        self.move_by_pointer(ui, &response, frame);
        self.move_by_keys(ui, &response);
        let frame = Frame::new(&map, body, self.zoom);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, description(context, &map)));
        let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
        self.drawing(ui, context, &map, frame).paint(&painter);
        focus_ring(ui, &response, context.palette, 4);
        read(&painter, context, (&map, frame), response);
    }

    fn head(&mut self, ui: &mut Ui, palette: &Palette, rect: Rect) {
        zoom::head(ui, palette, rect, "Map", |ui| {
            let is_whole = self.zoom == MapZoom::default();
            let (name, about) = ("Whole map", "Show the whole map");
            if icon_button(ui, palette, Icon::Whole, is_whole, name, about).clicked() {
                self.zoom = MapZoom::default();
            }
            let zoom_in = ("Zoom into the map", "Show less, larger");
            let zoom_out = ("Zoom out of the map", "Show more");
            if let Some(factor) = zoom::buttons(ui, palette, zoom_in, zoom_out) {
                self.enlarge(factor);
            }
        });
    }

    fn enlarge(&mut self, factor: f64) {
        self.zoom.factor = (self.zoom.factor * factor as f32).clamp(1.0, MOST_ZOOM);
        if self.zoom.factor <= 1.0 {
            self.zoom.pan = Vec2::ZERO;
        }
    }

    fn move_by_pointer(&mut self, ui: &Ui, response: &Response, frame: Frame) {
        if response.dragged_by(PointerButton::Primary) && self.zoom.factor > 1.0 {
            let by = response.drag_delta() / frame.scale;
            self.zoom.pan += vec2(-by.x, by.y);
        }
        if response.double_clicked() {
            self.zoom = MapZoom::default();
        }
        let Some(pos) = response.hover_pos() else {
            return;
        };
        if let Some(factor) = zoom::by_pointer(ui) {
            // Keeps the place under the pointer where it is.
            let from_center = (pos - frame.rect.center()) / frame.scale;
            let before = self.zoom.factor;
            self.enlarge(factor);
            let kept = 1.0 - before / self.zoom.factor;
            self.zoom.pan += vec2(from_center.x, -from_center.y) * kept;
            if self.zoom.factor <= 1.0 {
                self.zoom.pan = Vec2::ZERO;
            }
        }
    }

    fn move_by_keys(&mut self, ui: &Ui, response: &Response) {
        if !response.has_focus() {
            return;
        }
        if let Some(factor) = zoom::by_keys(ui) {
            self.enlarge(factor);
        }
        if ui.input(|input| input.key_pressed(Pressed::Home)) {
            self.zoom = MapZoom::default();
        }
    }

    /// The drawing, made again only when something that it depends on changed.
    fn drawing(
        &mut self,
        ui: &Ui,
        context: &ViewContext<'_>,
        map: &Arc<Map>,
        frame: Frame,
    ) -> &Drawing {
        let key = DrawingKey {
            history: Arc::clone(&context.snapshot.history),
            map: Arc::clone(map),
            frame,
            palette: *context.palette,
            labels: context.genre_labels().len(),
            references: Arc::clone(&context.live.study.references),
        };
        let drawn = self.drawn.take().filter(|(drawn, _)| *drawn == key);
        let drawn = drawn.unwrap_or_else(|| (key, draw(ui.painter(), context, map, frame)));
        &self.drawn.insert(drawn).1
    }
}

/// The reason in place of a map.
fn without_map(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let words = if context.snapshot.model.running.is_some() {
        "This model has no map yet. “mertscope map fit” makes one."
    } else {
        "No model yet"
    };
    let response = ui.interact(
        rect,
        ui.scope_id().with("map"),
        Sense::focusable_noninteractive(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Map: {words}")));
    text::put_sentence(ui.painter(), rect, words, context.palette.faint);
}

fn draw(painter: &Painter, context: &ViewContext<'_>, map: &Map, frame: Frame) -> Drawing {
    let mut drawing = Drawing::default();
    let palette = context.palette;
    drawing.shapes.push(Shape::rect_filled(
        frame.rect,
        CornerRadius::same(4),
        color::mix(palette.panel, palette.raised, 0.4),
    ));
    density(map, frame, palette, &mut drawing);
    grid(frame, palette, &mut drawing);
    path(context, frame, &mut drawing);
    let marks = map.landmarks.iter().filter_map(|mark| frame.pos(mark.at));
    let marks: Vec<Rect> = marks
        .map(|at| Rect::from_center_size(at, Vec2::splat(9.0)))
        .collect();
    let taken = references(painter, context, frame, marks, &mut drawing);
    landmarks(painter, context, map, frame, taken, &mut drawing);
    drawing
}

/// Lines at every half unit, which show zoom and pan.
fn grid(frame: Frame, palette: &Palette, drawing: &mut Drawing) {
    let step = (0.5 * frame.scale).max(1.0);
    let step = step * (48.0 / step).log2().ceil().max(0.0).exp2();
    let stroke = Stroke::new(1.0, palette.rule.gamma_multiply(0.55));
    let Some(origin) = frame.pos([0.0, 0.0]) else {
        return;
    };
    let first = |at: f32, low: f32| low + (at - low).rem_euclid(step);
    let mut x = first(origin.x, frame.rect.left());
    while x < frame.rect.right() {
        drawing
            .shapes
            .push(Shape::vline(x, frame.rect.y_range(), stroke));
        x += step;
    }
    let mut y = first(origin.y, frame.rect.top());
    while y < frame.rect.bottom() {
        drawing
            .shapes
            .push(Shape::hline(frame.rect.x_range(), y, stroke));
        y += step;
    }
}
