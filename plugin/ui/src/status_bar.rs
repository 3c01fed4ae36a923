//! The status status_bar: what runs, on what, how fast, what was lost; errors as sentences above it.
//!
//! What has no room is in the details, which fold out above the status bar.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, Rect, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use mertscope_live::{ModelState, Snapshot, State};

use crate::control::{Icon, icon_button};
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Height of the status bar in points.
pub(crate) const STATUS_BAR_HEIGHT: f32 = 30.0;
/// Height of a row of the details in points.
const ROW: f32 = 20.0;
/// Lowest level on the meter, in dBFS.
const METER_FLOOR_DBFS: f32 = -60.0;

/// Whether the details are folded out.
#[derive(Debug, Default)]
pub(crate) struct StatusBar {
    unfolded: bool,
}

/// One figure: its name, its value, the widest value it can have, and what it means.
struct Figure {
    name: &'static str,
    value: String,
    widest: &'static str,
    about: &'static str,
}

/// The figures, the most wanted first.
fn figures(snapshot: &Snapshot) -> Vec<Figure> {
    let figure = |name, value, widest, about| Figure {
        name,
        value,
        widest,
        about,
    };
    let running = snapshot.model.running.as_ref();
    let hop = match snapshot.hop_asked_s {
        None => format!("{:.1} s auto", snapshot.hop_s),
        Some(asked) if (asked - snapshot.hop_s).abs() < 0.05 => format!("{:.1} s", snapshot.hop_s),
        Some(asked) => format!("{:.1} s of {asked:.1} s", snapshot.hop_s),
    };
    vec![
        figure(
            "Device",
            running.map_or_else(dash, |r| r.device.name.clone()),
            "",
            "Where the model really runs, and why",
        ),
        figure(
            "Inference",
            ms(snapshot.inference_s),
            "0000 ms",
            "How long the model took for the last window",
        ),
        figure(
            "Hop",
            hop,
            "00.0 s auto",
            "Time from one window to the next: in use, and asked for where that differs",
        ),
        figure(
            "Lag",
            ms(snapshot.latency_s),
            "0000 ms",
            "From the last sample of a window to its answer",
        ),
        figure(
            "Lost",
            lost(snapshot),
            "0000",
            "Frames that there was no room for, and windows that gave way to newer ones",
        ),
        figure(
            "Next in",
            next_in(snapshot),
            "00.0 s",
            "When the next answer is due",
        ),
        figure(
            "Model",
            running.map_or_else(dash, |r| r.id.clone()),
            "",
            "The model that runs",
        ),
    ]
}

fn dash() -> String {
    "–".to_owned()
}

fn ms(seconds: Option<f64>) -> String {
    seconds.map_or_else(dash, |s| format!("{:.0} ms", s * 1000.0))
}

fn lost(snapshot: &Snapshot) -> String {
    match (snapshot.lost_frames, snapshot.skipped_windows) {
        (0, 0) => "0".to_owned(),
        (0, windows) => format!("{windows} windows"),
        (frames, 0) => format!("{frames} frames"),
        (frames, windows) => format!("{frames} frames, {windows} windows"),
    }
}

/// Seconds until the next window is due.
fn next_in(snapshot: &Snapshot) -> String {
    let latest = snapshot
        .latest
        .as_ref()
        .filter(|_| snapshot.state == State::Analyzing);
    let due = latest.map(|entry| entry.timed.end_s + snapshot.hop_s - snapshot.position_s);
    match due.filter(|due| due.is_finite() && *due <= snapshot.hop_s + 1.0) {
        Some(due) => format!("{:.1} s", due.max(0.0)),
        None => dash(),
    }
}

fn state_words(snapshot: &Snapshot) -> &'static str {
    match (snapshot.model.state, snapshot.state) {
        (ModelState::Loading, _) => "Loading model",
        (_, State::Idle) => "Idle",
        (_, State::Stopped) => "Stopped",
        (_, State::Silent) => "Silence",
        (_, State::Analyzing) => "Analyzing",
    }
}

impl StatusBar {
    /// How high the status bar is with what it has to say at this width, in points.
    pub(crate) fn height(&self, ui: &Ui, context: &ViewContext<'_>, width: f32) -> f32 {
        let details = if self.unfolded {
            ROW * rows(width) as f32 + 10.0
        } else {
            0.0
        };
        STATUS_BAR_HEIGHT
            + details
            + context
                .live
                .error
                .as_deref()
                .map_or(0.0, |words| banner_height(ui, context, words, width))
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
        if let Some(words) = context.live.error.as_deref() {
            let height = banner_height(ui, context, words, rect.width());
            banner(
                ui,
                context,
                words,
                Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), height)),
            );
            top += height;
        }
        let line = rect.with_min_y(rect.bottom() - STATUS_BAR_HEIGHT);
        if self.unfolded {
            details(
                ui,
                context,
                Rect::from_min_max(pos2(rect.left(), top + 6.0), pos2(rect.right(), line.top())),
            );
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
            if icon_button(
                ui,
                context.palette,
                Icon::Fold(self.unfolded),
                false,
                "Status details",
                about,
            )
            .clicked()
            {
                self.unfolded = !self.unfolded;
            }
        });
        let response = ui.interact(
            rect.with_max_x(fold.left() - 4.0),
            ui.scope_id().with("status"),
            Sense::focusable_noninteractive(),
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, description(context.live)));
        crate::control::focus_ring(ui, &response, context.palette, 4);
        let mut left = state(ui, context, rect);
        left = meter(ui, context, rect, left);
        left = fill(ui, context, rect, left);
        // One that has no room leaves it to the next, shorter one.
        for figure in figures(context.live) {
            if let Some(end) = put_figure(ui, context, &figure, rect, left, fold.left() - 8.0) {
                left = end;
            }
        }
    }
}

/// The state with a light: lit while windows are analyzed.
fn state(ui: &Ui, context: &ViewContext<'_>, rect: Rect) -> f32 {
    let (palette, snapshot) = (context.palette, context.live);
    let light = match (snapshot.model.state, snapshot.state) {
        (ModelState::Missing, _) => palette.warn,
        (ModelState::Ready, State::Analyzing) => palette.good,
        _ => palette.faint,
    };
    let at = rect.left_center() + vec2(5.0, 0.0);
    ui.painter().circle_filled(at, 4.0, light);
    let font = (text::bold(Size::Small), palette.text);
    let slot = 84.0;
    text::put(
        ui.painter(),
        at + vec2(10.0, 0.0),
        Align2::LEFT_CENTER,
        state_words(snapshot),
        font,
        slot,
    );
    at.x + 10.0 + slot
}

/// The input's level: a bar and its figure.
fn meter(ui: &Ui, context: &ViewContext<'_>, rect: Rect, left: f32) -> f32 {
    let (palette, level) = (context.palette, context.live.level_dbfs);
    let track = Rect::from_center_size(pos2(left + 32.0, rect.center().y), vec2(64.0, 6.0));
    ui.painter()
        .rect_filled(track, CornerRadius::same(3), palette.raised);
    let share = if level.is_finite() {
        (1.0 - level / METER_FLOOR_DBFS).clamp(0.0, 1.0)
    } else {
        0.0
    };
    if share > 0.0 {
        let color = if level > -1.0 {
            palette.warn
        } else {
            palette.good
        };
        let lit = Rect::from_min_size(track.min, vec2(track.width() * share, track.height()));
        ui.painter().rect_filled(lit, CornerRadius::same(3), color);
    }
    let words = level_text(level);
    let font = (text::plain(Size::Small), palette.dim);
    text::put_figures(
        ui.painter(),
        pos2(track.right() + 56.0, rect.center().y),
        Align2::RIGHT_CENTER,
        &words,
        font,
    );
    track.right() + 68.0
}

fn level_text(level_dbfs: f32) -> String {
    if level_dbfs.is_finite() {
        format!("{level_dbfs:.1} dB").replace('-', "−")
    } else {
        "−∞ dB".to_owned()
    }
}

/// How full the window is.
fn fill(ui: &Ui, context: &ViewContext<'_>, rect: Rect, left: f32) -> f32 {
    let (palette, fill) = (
        context.palette,
        crate::drawing::finite(context.live.window_fill),
    );
    let font = (text::plain(Size::Small), palette.faint);
    let name = text::put(
        ui.painter(),
        pos2(left, rect.center().y),
        Align2::LEFT_CENTER,
        "Window",
        font,
        60.0,
    );
    let track = Rect::from_min_size(
        pos2(name.right() + 6.0, rect.center().y - 3.0),
        vec2(40.0, 6.0),
    );
    ui.painter()
        .rect_filled(track, CornerRadius::same(3), palette.raised);
    let lit = Rect::from_min_size(track.min, vec2(track.width() * fill, track.height()));
    ui.painter()
        .rect_filled(lit, CornerRadius::same(3), palette.accent);
    track.right() + 14.0
}

/// Writes a figure from `left` on if it ends before `right`; gives where the next may begin.
fn put_figure(
    ui: &Ui,
    context: &ViewContext<'_>,
    figure: &Figure,
    rect: Rect,
    left: f32,
    right: f32,
) -> Option<f32> {
    let (painter, palette) = (ui.painter(), context.palette);
    let font = text::plain(Size::Small);
    let name = text::line(
        painter,
        figure.name,
        font.clone(),
        palette.faint,
        f32::INFINITY,
    );
    let value = text::figures(painter, &figure.value, &font, palette.dim);
    let slot = text::figures(painter, figure.widest, &font, palette.dim)
        .size()
        .x
        .max(value.size().x);
    let end = left + name.size().x + 6.0 + slot;
    if end > right {
        return None;
    }
    let y = rect.center().y;
    let at = |x, galley: &egui::Galley| {
        Align2::LEFT_CENTER
            .anchor_size(pos2(x, y), galley.size())
            .min
    };
    let value_left = left + name.size().x + 6.0;
    painter.galley(at(left, &name), name, palette.faint);
    painter.galley(at(value_left, &value), value, palette.dim);
    Some(end + 16.0)
}

fn columns(width: f32) -> usize {
    ((width / 300.0).floor() as usize).clamp(1, 4)
}

fn rows(width: f32) -> usize {
    8usize.div_ceil(columns(width))
}

/// All figures in columns, each with its meaning as a tooltip.
fn details(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let columns = columns(rect.width());
    let width = (rect.width() - 20.0) / columns as f32;
    let window = Figure {
        name: "Window",
        value: text::percent(context.live.window_fill),
        widest: "",
        about: "How much of a window has been heard since the last start or jump",
    };
    for (index, figure) in std::iter::once(window)
        .chain(figures(context.live))
        .enumerate()
    {
        let (row, column) = (index / columns, index % columns);
        let min = rect.min + vec2(10.0 + width * column as f32, ROW * row as f32);
        let cell = Rect::from_min_size(min, vec2(width - 10.0, ROW));
        let response = ui.interact(
            cell,
            ui.scope_id().with(("figure", figure.name)),
            Sense::hover(),
        );
        let words = format!("{}: {}", figure.name, figure.value);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
        let named = (text::plain(Size::Small), context.palette.faint);
        text::put(
            ui.painter(),
            cell.left_center(),
            Align2::LEFT_CENTER,
            figure.name,
            named,
            60.0,
        );
        let valued = (text::plain(Size::Small), context.palette.text);
        let at = cell.left_center() + vec2(66.0, 0.0);
        text::put(
            ui.painter(),
            at,
            Align2::LEFT_CENTER,
            &figure.value,
            valued,
            cell.width() - 66.0,
        );
        response.on_hover_text(format!("{words}\n{}", figure.about));
    }
}

fn banner_height(ui: &Ui, context: &ViewContext<'_>, words: &str, width: f32) -> f32 {
    banner_galley(ui, context, words, width).size().y + 14.0
}

fn banner_galley(
    ui: &Ui,
    context: &ViewContext<'_>,
    words: &str,
    width: f32,
) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple(
        words.to_owned(),
        text::plain(Size::Small),
        context.palette.text,
        (width - 44.0).max(40.0),
    );
    // More of it than this is in the tooltip.
    job.wrap.max_rows = 4;
    ui.painter().layout_job(job)
}

fn banner(ui: &Ui, context: &ViewContext<'_>, words: &str, rect: Rect) {
    let palette = context.palette;
    let response = ui.interact(
        rect,
        ui.scope_id().with("notice"),
        Sense::focusable_noninteractive(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, words));
    ui.painter().rect_filled(
        rect,
        CornerRadius::ZERO,
        crate::color::mix(palette.panel, palette.warn, 0.14),
    );
    ui.painter().rect_filled(
        rect.with_max_x(rect.left() + 3.0),
        CornerRadius::ZERO,
        palette.warn,
    );
    let sign = pos2(rect.left() + 20.0, rect.center().y);
    let triangle = [vec2(0.0, -6.5), vec2(7.0, 5.5), vec2(-7.0, 5.5)]
        .map(|d| sign + d)
        .to_vec();
    ui.painter().add(egui::Shape::convex_polygon(
        triangle,
        palette.warn,
        Stroke::NONE,
    ));
    let mark = (
        text::bold(Size::Points(9.0)),
        crate::color::on(palette.warn),
    );
    text::put(
        ui.painter(),
        sign + vec2(0.0, 1.5),
        Align2::CENTER_CENTER,
        "!",
        mark,
        10.0,
    );
    let galley = banner_galley(ui, context, words, rect.width());
    ui.painter()
        .galley(rect.min + vec2(34.0, 7.0), galley, palette.text);
    crate::control::focus_ring(ui, &response, palette, 2);
    response.on_hover_text(words);
}

/// The status bar in words.
fn description(snapshot: &Snapshot) -> String {
    let mut words = vec![
        format!("Status: {}", state_words(snapshot)),
        format!("level {}", level_text(snapshot.level_dbfs)),
        format!("window {} full", text::percent(snapshot.window_fill)),
    ];
    words.extend(
        figures(snapshot)
            .iter()
            .map(|figure| format!("{} {}", figure.name.to_lowercase(), figure.value)),
    );
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_without_a_value_are_dashes() {
        let snapshot = Snapshot {
            level_dbfs: f32::NAN,
            hop_s: f64::NAN,
            ..Snapshot::default()
        };
        assert!(
            figures(&snapshot)
                .iter()
                .all(|figure| !figure.value.is_empty())
        );
        assert_eq!(next_in(&snapshot), "–");
        assert_eq!(level_text(f32::NEG_INFINITY), "−∞ dB");
    }

    #[test]
    fn what_was_lost_is_counted_in_its_unit() {
        let lost = |lost_frames, skipped_windows| {
            lost(&Snapshot {
                lost_frames,
                skipped_windows,
                ..Snapshot::default()
            })
        };
        assert_eq!(lost(0, 0), "0");
        assert_eq!(lost(480, 0), "480 frames");
        assert_eq!(lost(480, 2), "480 frames, 2 windows");
    }
}
