//! Key and genre over time: two ribbons on a clock, to zoom, to pan and to read; below them the
//! heads that read frames, and distances to references.
//!
//! What was laid out is kept until there is a new history, place or zoom.

mod distances;
mod lanes;
mod ribbons;
mod scale;
mod track;

use egui::accesskit::Role;
use egui::{
    Align2, CornerRadius, EventFilter, Key as Pressed, PointerButton, Rect, Response, Sense, Shape,
    Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use mertscope_heads::head::HeadInfo;
use mertscope_music::Notation;

use self::distances::Curve;
use self::lanes::Pen;
pub(crate) use self::scale::host_time;
use self::scale::{Scale, time_text};
use self::track::Track;
use crate::control::{Icon, focus_ring, icon_button};
use crate::drawing::{Drawing, Words};
use crate::text::{self, Size};
use crate::view_context::{ViewContext, entry_words};
use crate::view_settings::TimeBase;

/// Seconds that a new timeline shows.
const FIRST_SPAN_S: f64 = 120.0;
/// The least and the most that can be shown, in seconds.
const SPANS_S: std::ops::RangeInclusive<f64> = 5.0..=3600.0;
/// One press of a zoom button.
const ZOOM_STEP: f64 = 1.5;
/// Height of the clock below the lanes, in points.
const CLOCK_HEIGHT: f32 = 18.0;
/// Greatest height of the key's lane, in points.
const HIGHEST_KEYS: f32 = 72.0;
/// Height of the distances' lane, in points; with less room than this there is none.
const LEAST_DISTANCES: f32 = 20.0;
/// Greatest height of the distances' lane, in points.
const HIGHEST_DISTANCES: f32 = 84.0;
/// Height of the lane of a head that reads frames, in points.
const RIBBON: f32 = 18.0;
/// Space between the lanes, in points.
const LANE_GAP: f32 = 4.0;
/// From this height on the head with title and buttons has room.
const HEAD_FROM_HEIGHT: f32 = 110.0;

/// What shapes were made for.
#[derive(Debug, Clone, PartialEq)]
struct Cut {
    compared: Vec<Curve>,
    heads: Vec<HeadInfo>,
    version: u64,
    area: Rect,
    scale: Scale,
    notation: Notation,
    base: TimeBase,
    palette: crate::theme::Palette,
    pixels_per_point: f32,
    labels: usize,
}

/// The view's state: what is laid out, the zoom, and what is pointed at.
pub(crate) struct Timeline {
    track: Track,
    span_s: f64,
    /// The right edge in seconds heard; `None` follows the newest.
    right: Option<f64>,
    /// What the keyboard reads, in seconds heard.
    cursor: Option<f64>,
    drawn: Option<(Cut, Drawing)>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            track: Track::default(),
            span_s: FIRST_SPAN_S,
            right: None,
            cursor: None,
            drawn: None,
        }
    }
}

/// The parts of the timeline's place.
struct Places {
    keys: Rect,
    labels: Rect,
    /// Of heads that read frames.
    ribbons: Vec<Rect>,
    /// Empty without references.
    distances: Rect,
    clock: Rect,
}

impl Places {
    fn inside(rect: Rect, ribbons: usize, with_distances: bool) -> Self {
        let clock = Rect::from_min_max(pos2(rect.left(), rect.bottom() - CLOCK_HEIGHT), rect.max);
        let mut lanes = rect.with_max_y(clock.top() - 3.0);
        let mut distances = lanes.with_min_y(lanes.bottom());
        let wanted = (lanes.height() * 0.25).min(HIGHEST_DISTANCES);
        if with_distances && wanted >= LEAST_DISTANCES {
            distances.min.y -= wanted;
            lanes.max.y = distances.top() - LANE_GAP;
        }
        let mut places = Vec::new();
        for _ in 0..ribbons {
            let top = lanes.bottom() - RIBBON;
            // Key and genre keep most of the height.
            if top - LANE_GAP < rect.center().y {
                break;
            }
            places.push(lanes.with_min_y(top));
            lanes.max.y = top - LANE_GAP;
        }
        let split = lanes.top() + ((lanes.height() - LANE_GAP) * 0.36).clamp(0.0, HIGHEST_KEYS);
        Self {
            keys: lanes.with_max_y(split),
            labels: lanes.with_min_y(split + LANE_GAP),
            ribbons: places,
            distances,
            clock,
        }
    }

    fn lanes(&self) -> Rect {
        let lanes = self
            .ribbons
            .iter()
            .fold(self.keys, |all, one| all.union(*one));
        lanes.union(self.labels).union(self.distances)
    }
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
            self.head(ui, context, rect.with_max_y(rect.top() + 24.0));
        }
        if body.width() < 20.0 || body.height() < 30.0 {
            return;
        }
        let ribbons = ribbons::heads(context).len();
        let places = Places::inside(body, ribbons, !context.compared().is_empty());
        let response = ui.interact(
            body,
            ui.scope_id().with("timeline"),
            Sense::click_and_drag(),
        );
        let scale = self.scale(body);
        self.move_by_pointer(ui, &response, scale);
        self.move_by_keys(ui, &response);
        let scale = self.scale(body);
        response.widget_info(|| {
            WidgetInfo::labeled(Role::Image, true, self.description(context, base))
        });
        self.drawing(ui, context, base, &places, scale)
            .paint(ui.painter());
        if self.track.spans.is_empty() {
            let font = (text::plain(Size::Body), context.palette.faint);
            let words = "What is heard appears here";
            text::put(
                ui.painter(),
                places.lanes().center(),
                Align2::CENTER_CENTER,
                words,
                font,
                body.width(),
            );
        }
        focus_ring(ui, &response, context.palette, 4);
        self.read(ui, context, base, &places, scale, response);
    }

    fn scale(&self, body: Rect) -> Scale {
        let to = self.right.unwrap_or(self.track.extent().1);
        Scale {
            from: to - self.span_s,
            to,
            x: body.x_range(),
        }
    }

    fn head(&mut self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
        let font = (text::bold(Size::Body), context.palette.dim);
        text::put(
            ui.painter(),
            rect.left_center(),
            Align2::LEFT_CENTER,
            "Timeline",
            font,
            rect.width() / 2.0,
        );
        let builder = UiBuilder::new()
            .max_rect(rect)
            .layout(egui::Layout::right_to_left(egui::Align::Center));
        ui.scope_builder(builder, |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let follows = self.right.is_none();
            let about = "Go to the newest and follow it";
            if icon_button(ui, context.palette, Icon::ToEnd, follows, "Follow", about).clicked() {
                self.right = None;
                self.cursor = None;
            }
            if icon_button(
                ui,
                context.palette,
                Icon::ZoomIn,
                false,
                "Zoom in",
                "Show less time, larger",
            )
            .clicked()
            {
                self.zoom(1.0 / ZOOM_STEP, 1.0);
            }
            if icon_button(
                ui,
                context.palette,
                Icon::ZoomOut,
                false,
                "Zoom out",
                "Show more time",
            )
            .clicked()
            {
                self.zoom(ZOOM_STEP, 1.0);
            }
            let shown = length_text(self.span_s);
            let (slot, _) = ui.allocate_exact_size(vec2(64.0, 24.0), Sense::hover());
            let font = (text::plain(Size::Small), context.palette.faint);
            text::put_figures(
                ui.painter(),
                slot.right_center() - vec2(4.0, 0.0),
                Align2::RIGHT_CENTER,
                &shown,
                font,
            );
        });
    }

    /// Shows `factor` times as much; `share` of the width stays where it is, 0 left to 1 right.
    fn zoom(&mut self, factor: f64, share: f64) {
        let to = self.right.unwrap_or(self.track.extent().1);
        let fixed = to - self.span_s * (1.0 - share);
        self.span_s = (self.span_s * factor).clamp(*SPANS_S.start(), *SPANS_S.end());
        if self.right.is_some() || share < 0.98 {
            self.go_to(fixed + self.span_s * (1.0 - share));
        }
    }

    /// Puts the right edge at a moment, or follows where that is the newest or later.
    fn go_to(&mut self, right: f64) {
        let (begin, end) = self.track.extent();
        let right = right.max(begin + self.span_s * 0.25);
        self.right = (right < end - 1e-3).then_some(right);
    }

    fn move_by_pointer(&mut self, ui: &Ui, response: &Response, scale: Scale) {
        if response.dragged_by(PointerButton::Primary) {
            let by = scale.moment_from_x(0.0) - scale.moment_from_x(response.drag_delta().x);
            self.go_to(scale.to + by);
        }
        if let Some(pos) = response.hover_pos() {
            let (scroll, pinch) =
                ui.input(|input| (input.smooth_scroll_delta(), input.zoom_delta()));
            let share = f64::from((pos.x - scale.x.min) / scale.x.span().max(1.0));
            if (pinch - 1.0).abs() > 1e-3 {
                self.zoom(f64::from(1.0 / pinch), share);
            } else if scroll.y != 0.0 {
                self.zoom((f64::from(-scroll.y) / 200.0).exp(), share);
            }
            if scroll.x != 0.0 {
                let by = scale.moment_from_x(0.0) - scale.moment_from_x(scroll.x);
                self.go_to(scale.to + by);
            }
        }
    }

    fn move_by_keys(&mut self, ui: &Ui, response: &Response) {
        if !response.has_focus() {
            self.cursor = None;
            return;
        }
        let filter = EventFilter {
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        if pressed(Pressed::Plus) || pressed(Pressed::Equals) {
            self.zoom(1.0 / ZOOM_STEP, 1.0);
        }
        if pressed(Pressed::Minus) {
            self.zoom(ZOOM_STEP, 1.0);
        }
        let (begin, end) = self.track.extent();
        let at = self.cursor.unwrap_or(self.right.unwrap_or(end));
        let step = |index: Option<usize>| {
            index
                .and_then(|i| self.track.spans.get(i))
                .map(|span| (span.from + span.to) / 2.0)
        };
        let here = self.track.spans.partition_point(|span| span.to < at);
        let to = if pressed(Pressed::ArrowLeft) {
            step(if self.cursor.is_none() {
                Some(here)
            } else {
                here.checked_sub(1)
            })
        } else if pressed(Pressed::ArrowRight) {
            step(Some(here + 1))
        } else if pressed(Pressed::Home) {
            Some(begin)
        } else if pressed(Pressed::End) {
            self.right = None;
            Some(end)
        } else {
            None
        };
        if let Some(to) = to {
            self.cursor = Some(to);
            let right = self.right.unwrap_or(end);
            if to < right - self.span_s || to > right {
                self.go_to(to + self.span_s / 2.0);
            }
        }
    }

    /// What is drawn, made anew only if something of it changed.
    fn drawing(
        &mut self,
        ui: &Ui,
        context: &ViewContext<'_>,
        base: TimeBase,
        places: &Places,
        scale: Scale,
    ) -> &Drawing {
        let cut = Cut {
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
        let drawn = self.drawn.take().filter(|(drawn, _)| *drawn == cut);
        let drawn = drawn.unwrap_or_else(|| {
            let drawing = self.draw(ui, context, places, &cut);
            (cut, drawing)
        });
        &self.drawn.insert(drawn).1
    }

    fn draw(&self, ui: &Ui, context: &ViewContext<'_>, places: &Places, cut: &Cut) -> Drawing {
        let (palette, scale) = (context.palette, cut.scale);
        let mut drawing = Drawing::default();
        let painter = ui.painter().with_clip_rect(places.lanes());
        let pen = Pen {
            painter: &painter,
            palette,
            scale,
        };
        let own = [places.keys, places.labels, places.distances];
        for lane in own.iter().chain(&places.ribbons) {
            drawing.shapes.push(Shape::rect_filled(
                *lane,
                CornerRadius::ZERO,
                color_of_empty(context),
            ));
        }
        let spans = self.track.within(scale.from, scale.to);
        lanes::keys(pen, spans, places.keys, cut.notation, &mut drawing);
        lanes::labels(
            pen,
            spans,
            places.labels,
            context.genre_labels(),
            &mut drawing,
        );
        for (lane, head) in places.ribbons.iter().zip(&cut.heads) {
            ribbons::lane(pen, spans, *lane, head, &mut drawing);
        }
        if places.distances.height() > 0.0 {
            distances::lane(pen, spans, places.distances, &cut.compared, &mut drawing);
        }
        lanes::marks(pen, spans, places.lanes(), &mut drawing);
        for stretch in self.track.stretches.iter().skip(1) {
            if (scale.from..scale.to).contains(&stretch.from) {
                let x = scale.x_from_moment(stretch.from);
                drawing.shapes.push(Shape::vline(
                    x,
                    places.lanes().y_range(),
                    Stroke::new(2.0, palette.ground),
                ));
                let flag = [(0.0, 0.0), (6.0, 3.0), (0.0, 6.0)]
                    .map(|(dx, dy)| pos2(x + dx, places.keys.top() + dy));
                drawing.shapes.push(Shape::convex_polygon(
                    flag.to_vec(),
                    palette.text,
                    Stroke::NONE,
                ));
                drawing.shapes.push(Shape::vline(
                    x,
                    places.lanes().y_range(),
                    Stroke::new(1.0, palette.text),
                ));
            }
        }
        self.draw_clock(ui, context, places.clock, cut, &mut drawing);
        drawing
    }

    fn draw_clock(
        &self,
        ui: &Ui,
        context: &ViewContext<'_>,
        clock: Rect,
        cut: &Cut,
        drawing: &mut Drawing,
    ) {
        let mut free_from = clock.left();
        for (moment, time) in cut.scale.ticks(&self.track, cut.base) {
            let x = cut.scale.x_from_moment(moment);
            let galley = text::figures(
                ui.painter(),
                &time,
                &text::plain(Size::Small),
                context.palette.faint,
            );
            let place = Align2::CENTER_BOTTOM.anchor_size(pos2(x, clock.bottom()), galley.size());
            let stroke = Stroke::new(1.0, context.palette.hatch);
            drawing.shapes.push(Shape::vline(
                x,
                clock.top() - 2.0..=clock.top() + 3.0,
                stroke,
            ));
            if place.left() >= free_from && place.right() <= clock.right() {
                free_from = place.right() + 8.0;
                drawing.words.push(Words {
                    text: time,
                    font: text::plain(Size::Small),
                    color: context.palette.faint,
                    at: pos2(x, clock.bottom()),
                    anchor: Align2::CENTER_BOTTOM,
                    under: None,
                });
            }
        }
    }

    /// Reads what is under the pointer or the keyboard's cursor.
    fn read(
        &self,
        ui: &Ui,
        context: &ViewContext<'_>,
        base: TimeBase,
        places: &Places,
        scale: Scale,
        response: Response,
    ) {
        let pointed = response.hover_pos().map(|pos| scale.moment_from_x(pos.x));
        let Some(moment) = pointed.or(self.cursor) else {
            return;
        };
        let x = scale.x_from_moment(moment);
        if self.track.spans.is_empty() || !scale.x.contains(x) {
            return;
        }
        let lanes = places.lanes();
        ui.painter().vline(
            x,
            lanes.y_range(),
            Stroke::new(3.0, context.palette.panel.gamma_multiply(0.7)),
        );
        ui.painter()
            .vline(x, lanes.y_range(), Stroke::new(1.0, context.palette.text));
        let words = self.words_at(context, base, moment);
        if pointed.is_some() {
            response.on_hover_text_at_pointer(words);
        } else {
            cursor_box(ui, context, lanes, x, &words);
        }
    }

    fn words_at(&self, context: &ViewContext<'_>, base: TimeBase, moment: f64) -> String {
        let time = time_text(&self.track, moment, base);
        let words = match self.track.at(moment) {
            Some(span) => {
                let mut lines = vec![entry_words(context, &span.entry)];
                lines.extend(ribbons::words(context, span, moment));
                lines.join("\n")
            }
            None => "Nothing was heard here".to_owned(),
        };
        format!("{time}\n{words}")
    }

    /// The picture in words.
    fn description(&self, context: &ViewContext<'_>, base: TimeBase) -> String {
        if let Some(cursor) = self.cursor {
            return format!(
                "Timeline at {}",
                self.words_at(context, base, cursor).replace('\n', ", ")
            );
        }
        let (begin, end) = self.track.extent();
        let mut changes: Vec<String> = Vec::new();
        let mut last = None;
        for span in self.track.within(end - self.span_s, end) {
            let key = span
                .entry
                .timed
                .result
                .as_ref()
                .and_then(|result| result.key_label);
            if key.is_some() && key != last {
                let name =
                    key.map_or_else(String::new, |key| key.to_text(context.parameters.notation));
                changes.push(format!(
                    "{name} from {}",
                    time_text(&self.track, span.from, base)
                ));
                last = key;
            }
        }
        let first = changes.len().saturating_sub(12);
        format!(
            "Timeline: {} heard. Keys: {}. Arrows read it, plus and minus zoom.",
            length_text(end - begin),
            if changes.is_empty() {
                "none clear".to_owned()
            } else {
                changes[first..].join(", ")
            }
        )
    }
}

fn color_of_empty(context: &ViewContext<'_>) -> egui::Color32 {
    crate::color::mix(context.palette.panel, context.palette.raised, 0.55)
}

fn cursor_box(ui: &Ui, context: &ViewContext<'_>, lanes: Rect, x: f32, words: &str) {
    let galley = ui.painter().layout_no_wrap(
        words.to_owned(),
        text::plain(Size::Body),
        context.palette.text,
    );
    let size = galley.size() + vec2(16.0, 12.0);
    let left = (x + 8.0).min(lanes.right() - size.x).max(lanes.left());
    let rect = Rect::from_min_size(pos2(left, lanes.top() + 4.0), size);
    let stroke = Stroke::new(1.0, context.palette.rule);
    ui.painter().rect(
        rect,
        CornerRadius::same(6),
        context.palette.panel,
        stroke,
        StrokeKind::Inside,
    );
    ui.painter()
        .galley(rect.min + vec2(8.0, 6.0), galley, context.palette.text);
}

/// A length of time in words: `45 s`, `2 min`.
fn length_text(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else if seconds < 5400.0 {
        format!("{:.1} min", seconds / 60.0).replace(".0 ", " ")
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}
