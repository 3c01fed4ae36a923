//! The map: the path of the embedding among landmarks, with a tail that fades. Its axes are the
//! model's and never move by themselves.

mod frame;
mod references;

use std::sync::Arc;

use egui::accesskit::Role;
use egui::epaint::{Mesh, Vertex, WHITE_UV};
use egui::{
    Align2, Color32, CornerRadius, Key as Pressed, Painter, PointerButton, Pos2, Rect, Response,
    Sense, Shape, Stroke, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};
use mertscope_heads::map::Map;
use mertscope_heads::reference::Reference;
use mertscope_live::Entry;

use crate::color;
use crate::control::{Icon, focus_ring, icon_button};
use crate::drawing::{Drawing, Words};
use crate::text::{self, Size};
use crate::theme::Palette;
use crate::view_context::{ViewContext, best_label, entry_words};
use frame::{Frame, View};
use references::references;

/// Windows in the bright part of the tail; older ones are faint dots.
const TAIL: usize = 90;
/// How close the pointer has to be to a place to read it, in points.
const REACH: f32 = 12.0;
/// How far one can zoom in.
const MOST_ZOOM: f32 = 40.0;
/// One press of a zoom button.
const ZOOM_STEP: f32 = 1.5;
/// From this size on the head with title and buttons has room, in points.
const HEAD_FROM: f32 = 170.0;

/// What a picture was made for.
#[derive(Clone)]
struct Cut {
    history: Arc<Vec<Arc<Entry>>>,
    map: Arc<Map>,
    frame: Frame,
    palette: Palette,
    labels: usize,
    references: Arc<[Arc<Reference>]>,
}

impl PartialEq for Cut {
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
    view: View,
    drawn: Option<(Cut, Drawing)>,
}

impl MapView {
    /// Draws the map into `rect`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
        let map = context
            .snapshot
            .model
            .running
            .as_ref()
            .and_then(|running| running.map.clone());
        let Some(map) = map else {
            nothing(ui, context, rect);
            return;
        };
        let mut body = rect;
        if rect.height() >= HEAD_FROM && rect.width() >= HEAD_FROM {
            body.min.y += 30.0;
            self.head(ui, context, rect.with_max_y(rect.top() + 24.0));
        }
        if body.width() < 20.0 || body.height() < 20.0 {
            return;
        }
        let response = ui.interact(body, ui.scope_id().with("map"), Sense::click_and_drag());
        let frame = Frame::new(&map, body, self.view);
        self.move_view(ui, &response, frame);
        let frame = Frame::new(&map, body, self.view);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, description(context, &map)));
        let cut = Cut {
            history: Arc::clone(&context.snapshot.history),
            map: Arc::clone(&map),
            frame,
            palette: *context.palette,
            labels: context.genre_labels().len(),
            references: Arc::clone(&context.live.study.references),
        };
        let drawn = self.drawn.take().filter(|(drawn, _)| *drawn == cut);
        let drawn = drawn.unwrap_or_else(|| (cut, draw(ui.painter(), context, &map, frame)));
        let painter = ui.painter().with_clip_rect(body.intersect(ui.clip_rect()));
        self.drawn.insert(drawn).1.paint(&painter);
        focus_ring(ui, &response, context.palette, 4);
        read(&painter, context, frame, response);
    }

    fn head(&mut self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
        let font = (text::bold(Size::Body), context.palette.dim);
        text::put(
            ui.painter(),
            rect.left_center(),
            Align2::LEFT_CENTER,
            "Map",
            font,
            rect.width() / 2.0,
        );
        let builder = UiBuilder::new()
            .max_rect(rect)
            .layout(egui::Layout::right_to_left(egui::Align::Center));
        ui.scope_builder(builder, |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let whole = self.view == View::default();
            if icon_button(
                ui,
                context.palette,
                Icon::Whole,
                whole,
                "Whole map",
                "Show the whole map",
            )
            .clicked()
            {
                self.view = View::default();
            }
            if icon_button(
                ui,
                context.palette,
                Icon::ZoomIn,
                false,
                "Zoom into the map",
                "Show less, larger",
            )
            .clicked()
            {
                self.zoom(ZOOM_STEP);
            }
            if icon_button(
                ui,
                context.palette,
                Icon::ZoomOut,
                false,
                "Zoom out of the map",
                "Show more",
            )
            .clicked()
            {
                self.zoom(1.0 / ZOOM_STEP);
            }
        });
    }

    fn zoom(&mut self, factor: f32) {
        self.view.zoom = (self.view.zoom * factor).clamp(1.0, MOST_ZOOM);
        if self.view.zoom <= 1.0 {
            self.view.pan = Vec2::ZERO;
        }
    }

    fn move_view(&mut self, ui: &Ui, response: &Response, frame: Frame) {
        if response.dragged_by(PointerButton::Primary) && self.view.zoom > 1.0 {
            let by = response.drag_delta() / frame.scale;
            self.view.pan += vec2(-by.x, by.y);
        }
        if response.double_clicked() {
            self.view = View::default();
        }
        if let Some(pos) = response.hover_pos() {
            let (scroll, pinch) =
                ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
            let factor = if (pinch - 1.0).abs() > 1e-3 {
                pinch
            } else {
                (scroll / 200.0).exp()
            };
            if (factor - 1.0).abs() > 1e-4 {
                // What is under the pointer stays there.
                let from_center = (pos - frame.rect.center()) / frame.scale;
                let before = self.view.zoom;
                self.zoom(factor);
                let kept = 1.0 - before / self.view.zoom;
                self.view.pan += vec2(from_center.x, -from_center.y) * kept;
                if self.view.zoom <= 1.0 {
                    self.view.pan = Vec2::ZERO;
                }
            }
        }
        if response.has_focus() {
            let pressed = |key| ui.input(|input| input.key_pressed(key));
            if pressed(Pressed::Plus) || pressed(Pressed::Equals) {
                self.zoom(ZOOM_STEP);
            }
            if pressed(Pressed::Minus) {
                self.zoom(1.0 / ZOOM_STEP);
            }
            if pressed(Pressed::Home) {
                self.view = View::default();
            }
        }
    }
}

fn nothing(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
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

/// The windows that have a place, oldest first.
fn placed<'a>(
    context: &'a ViewContext<'_>,
) -> impl DoubleEndedIterator<Item = (&'a Arc<Entry>, [f32; 2])> {
    let point = |entry: &'a Arc<Entry>| Some((entry, entry.timed.result.as_ref()?.point?));
    context.snapshot.history.iter().filter_map(point)
}

fn draw(painter: &Painter, context: &ViewContext<'_>, map: &Map, frame: Frame) -> Drawing {
    let mut drawing = Drawing::default();
    let palette = context.palette;
    drawing.shapes.push(Shape::rect_filled(
        frame.rect,
        CornerRadius::same(4),
        color::mix(palette.panel, palette.raised, 0.4),
    ));
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

/// Lines at every half unit, so that zoom and pan can be seen.
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

/// The color of a window's most probable genre.
fn color_of(context: &ViewContext<'_>, entry: &Entry) -> Color32 {
    let best = best_label(context.genre_labels(), entry);
    best.map_or(context.palette.accent, |(index, _)| {
        color::label(index, context.palette.dark)
    })
}

fn path(context: &ViewContext<'_>, frame: Frame, drawing: &mut Drawing) {
    let places: Vec<(&Arc<Entry>, Pos2)> = placed(context)
        .filter_map(|(entry, at)| Some((entry, frame.pos(at)?)))
        .collect();
    let (old, tail) = places.split_at(places.len().saturating_sub(TAIL));
    let mut mesh = Mesh::default();
    for (entry, at) in old.iter().filter(|(_, at)| frame.rect.contains(*at)) {
        let color =
            color_of(context, entry).gamma_multiply(if context.palette.dark { 0.3 } else { 0.45 });
        let first = mesh.vertices.len() as u32;
        for (dx, dy) in [(-1.0, 0.0), (0.0, -1.0), (1.0, 0.0), (0.0, 1.0)] {
            mesh.vertices.push(Vertex {
                pos: *at + vec2(dx, dy) * 1.6,
                uv: WHITE_UV,
                color,
            });
        }
        mesh.add_triangle(first, first + 1, first + 2);
        mesh.add_triangle(first, first + 2, first + 3);
    }
    drawing.shapes.push(Shape::mesh(mesh));
    for (index, pair) in tail.windows(2).enumerate() {
        let [(a, from), (b, to)] = pair else { continue };
        if a.generation == b.generation {
            let age = (index + 2) as f32 / tail.len() as f32;
            let stroke = Stroke::new(
                1.2 + 1.8 * age,
                color_of(context, b).gamma_multiply(0.15 + 0.85 * age * age),
            );
            drawing
                .shapes
                .push(Shape::line_segment([*from, *to], stroke));
        }
    }
    if let Some((entry, at)) = tail.last() {
        let is_now = context
            .snapshot
            .latest
            .as_ref()
            .is_some_and(|latest| Arc::ptr_eq(latest, entry));
        let fill = if is_now {
            color_of(context, entry)
        } else {
            context.palette.faint
        };
        drawing
            .shapes
            .push(Shape::circle_filled(*at, 10.0, fill.gamma_multiply(0.25)));
        drawing
            .shapes
            .push(Shape::circle_filled(*at, 5.5, context.palette.text));
        drawing.shapes.push(Shape::circle_filled(*at, 4.0, fill));
    }
}

/// Draws the landmarks, their names where nothing is `taken`.
fn landmarks(
    painter: &Painter,
    context: &ViewContext<'_>,
    map: &Map,
    frame: Frame,
    mut taken: Vec<Rect>,
    drawing: &mut Drawing,
) {
    let font = text::plain(Size::Small);
    for landmark in &map.landmarks {
        let Some(at) = frame.pos(landmark.at).filter(|at| frame.rect.contains(*at)) else {
            continue;
        };
        let index = context
            .genre_labels()
            .iter()
            .position(|label| *label == landmark.label);
        let ink = index.map_or(context.palette.dim, |index| {
            color::label(index, context.palette.dark)
        });
        let diamond = [
            vec2(0.0, -4.5),
            vec2(4.5, 0.0),
            vec2(0.0, 4.5),
            vec2(-4.5, 0.0),
        ]
        .map(|d| at + d);
        drawing.shapes.push(Shape::convex_polygon(
            diamond.to_vec(),
            context.palette.panel,
            Stroke::new(1.6, ink),
        ));
        let name = text::label(&landmark.label);
        let size = text::line(painter, &name, font.clone(), ink, 120.0).size();
        // Beside, below or above, wherever no other name stands.
        let sides = [
            (vec2(9.0, 0.0), Align2::LEFT_CENTER),
            (vec2(-9.0, 0.0), Align2::RIGHT_CENTER),
            (vec2(0.0, 8.0), Align2::CENTER_TOP),
            (vec2(0.0, -8.0), Align2::CENTER_BOTTOM),
        ];
        let free = sides.into_iter().find_map(|(offset, anchor)| {
            let place = anchor.anchor_size(at + offset, size);
            let fits = frame.rect.contains_rect(place)
                && !taken.iter().any(|other| other.intersects(place));
            fits.then_some((at + offset, anchor, place))
        });
        if let Some((at, anchor, place)) = free {
            taken.push(place.expand(2.0));
            let color = context.palette.dim;
            drawing.words.push(Words {
                text: name,
                font: font.clone(),
                color,
                at,
                anchor,
                under: Some(context.palette.panel.gamma_multiply(0.6)),
            });
        }
    }
}

/// Reads the place or landmark that the pointer is at.
fn read(painter: &Painter, context: &ViewContext<'_>, frame: Frame, response: Response) {
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let near = placed(context)
        .rev()
        .filter_map(|(entry, at)| Some((entry, frame.pos(at)?)))
        .map(|(entry, at)| (entry, at, at.distance(pointer)))
        .filter(|(_, _, distance)| *distance <= REACH)
        .min_by(|a, b| a.2.total_cmp(&b.2));
    if let Some((entry, at, _)) = near {
        painter.circle_stroke(at, 7.0, Stroke::new(1.5, context.palette.text));
        let time = crate::timeline::host_time(entry.timed.end_s);
        response.on_hover_text_at_pointer(format!("{time}\n{}", entry_words(context, entry)));
    } else {
        response.on_hover_text_at_pointer(
            "Where the music is among the music that the model was shown: what lies close sounds alike to it. \
             Scroll to zoom, drag to move, double-click for the whole.",
        );
    }
}

/// The picture in words.
fn description(context: &ViewContext<'_>, map: &Map) -> String {
    let Some((_, at)) = placed(context).next_back() else {
        return "Map: nothing is on it yet.".to_owned();
    };
    let distance =
        |landmark: &[f32; 2]| pos2(landmark[0], landmark[1]).distance(pos2(at[0], at[1]));
    let mut near: Vec<(&str, f32)> = map
        .landmarks
        .iter()
        .map(|l| (l.label.as_str(), distance(&l.at)))
        .collect();
    near.sort_by(|a, b| a.1.total_cmp(&b.1));
    let names: Vec<String> = near
        .iter()
        .take(3)
        .map(|(label, _)| text::label(label))
        .collect();
    let references: Vec<&str> = context
        .live
        .study
        .references
        .iter()
        .filter(|reference| context.is_comparable(reference) && reference.place().is_some())
        .map(|reference| reference.name.as_str())
        .collect();
    let references = if references.is_empty() {
        String::new()
    } else {
        format!(" References on it: {}.", references.join(", "))
    };
    format!(
        "Map: the music is at {:.2}, {:.2}; closest are {}.{references}",
        at[0],
        at[1],
        names.join(", ")
    )
}
