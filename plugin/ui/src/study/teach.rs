//! Teaching: the user marks the last windows as examples of a label; the engine fits a user head, which
//! answers at once and can be saved beside the model's other heads.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Align, Align2, Button, Layout, Rect, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2};
use mertscope_audio::Notice;
use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::head::HeadInfo;
use mertscope_heads::timeline::WindowResult;
use mertscope_live::Request;

use super::first_use;
use super::graph::{Curve, Graph, HEIGHTS};
use crate::color;
use crate::control::{HEIGHT, entered, focus_ring, segments, share_bar};
use crate::drawing::finite;
use crate::row::{self, about, small_text};
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Width of the columns with a label's count and its probability, in points.
const COUNT: f32 = 38.0;

/// Typed text, and the examples that were forgotten, which can be brought back.
#[derive(Default)]
pub(super) struct Teach {
    label: String,
    /// How many windows a press marks.
    windows: WindowCount,
    name: String,
    /// The examples that were forgotten last.
    forgotten: Option<Arc<LabeledExamples>>,
}

/// How many windows a press marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WindowCount(usize);

impl Default for WindowCount {
    fn default() -> Self {
        Self(3)
    }
}

impl Teach {
    /// Draws the half of the page; `height` points of it are seen at once.
    pub(super) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, height: f32) {
        about(
            ui,
            context.palette,
            "Mark the music that just played as an example of a label. With two labels or more, the model tells them apart.",
        );
        self.mark_ui(ui, context);
        let study = &context.live.study;
        let is_unused = study.labeled_examples.labels.is_empty()
            && study.labeled_examples.missing().next().is_none()
            && self.forgotten.is_none();
        if is_unused {
            if let Some(label) = first_use::labels_ui(ui, context, height) {
                self.mark(context, label);
            }
            return;
        }
        for (number, label) in study.labeled_examples.labels.iter().enumerate() {
            self.label_ui(ui, context, number, label);
        }
        self.status_ui(ui, context);
        self.undo_ui(ui, context);
        if let Some(user_head) = &study.user_head {
            self.save_ui(ui, context);
            answers_ui(ui, context, user_head, height);
        }
    }

    fn mark(&self, context: &ViewContext<'_>, label: &str) {
        let WindowCount(windows) = self.windows;
        let label = label.to_owned();
        context.host.ask(Request::Mark { label, windows });
    }

    fn mark_ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 80.0).clamp(60.0, 260.0);
            let field = TextEdit::singleline(&mut self.label)
                .desired_width(width)
                .align(egui::Align2::LEFT_CENTER)
                .hint_text("New label, for example drop");
            let field = ui
                .add(field)
                .accessible_name("New label")
                .on_hover_text("Your own label; Enter marks the last windows with it");
            let label = self.label.trim().to_owned();
            let mark = ui
                .add_enabled(!label.is_empty(), Button::new("Mark"))
                .on_hover_text("Mark the last windows as an example of the new label");
            if !label.is_empty() && (mark.clicked() || entered(ui, &field)) {
                self.mark(context, &label);
                self.label.clear();
            }
        });
        ui.horizontal(|ui| {
            small_text(ui, "Marks the last", context.palette.dim);
            let running = context.live.model.running.as_ref();
            let length_s = running.map_or(0.0, |running| running.window_s);
            let about = [1, 3, 6].map(|windows| {
                let last = match windows {
                    1 => "window".to_owned(),
                    _ => format!("{windows} windows"),
                };
                format!("A press marks the last {last}. A window is {length_s:.0} s of music.")
            });
            let options = [
                (WindowCount(1), "1", about[0].as_str()),
                (WindowCount(3), "3", about[1].as_str()),
                (WindowCount(6), "6", about[2].as_str()),
            ];
            if let Some(windows) = segments(ui, context.palette, self.windows, &options) {
                self.windows = windows;
            }
            small_text(ui, "windows", context.palette.dim);
        });
    }

    /// Draws a label: a button that marks, its count, and its probability now.
    fn label_ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, number: usize, label: &str) {
        let count = context.live.study.labeled_examples.count(number);
        let ink = color::place(number, context.palette.dark);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let press = Button::new(text::label(label)).truncate();
            let width = (ui.available_width() * 0.42).clamp(40.0, 180.0);
            let press = ui
                .add_sized(vec2(width, HEIGHT), press)
                .accessible_name(format!("Mark as {label}"))
                .on_hover_text("Press it, or Enter, to mark the last windows as examples");
            if press.clicked() {
                self.mark(context, label);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                answer_ui(ui, context, label, count, ink);
            });
        });
    }

    /// Draws the state of the fit, and notices about missing examples.
    fn status_ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        let (study, palette) = (&context.live.study, context.palette);
        let examples = &study.labeled_examples;
        let running = context.live.model.running.as_ref();
        let is_other = running.is_some_and(|running| running.sha256 != examples.encoder_sha256);
        let words = match examples.examples() {
            0 => "No examples yet.".to_owned(),
            _ if is_other => "These examples belong to another model. Choose that model again to use them, or forget them.".to_owned(),
            _ if study.is_fitting => "Learning…".to_owned(),
            count if study.user_head.is_some() => {
                format!("Learned from {count} examples of {} labels.", examples.labels.len())
            }
            1 => "1 example so far; mark another label too.".to_owned(),
            count => format!("{count} examples so far; mark another label too."),
        };
        let (rect, response) = ui.allocate_exact_size(
            vec2(ui.available_width(), 18.0),
            Sense::focusable_noninteractive(),
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &words));
        let font = (text::plain(Size::Small), palette.dim);
        let at = rect.left_center();
        text::put(
            ui.painter(),
            at,
            Align2::LEFT_CENTER,
            &words,
            font,
            rect.width(),
        );
        focus_ring(ui, &response, palette, 4);
        response.on_hover_text(&words);
        for file in examples.missing() {
            let path = context.host.examples_path(file);
            let path = path.map_or_else(|| file.to_owned(), |path| path.display().to_string());
            let notice = Notice::warning(format!(
                "Older examples are not here: {path} is missing or damaged. Copy the file from the machine where the examples were marked, and load the project again."
            ));
            row::notice(ui, palette, &notice);
        }
    }

    fn undo_ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        let examples = &context.live.study.labeled_examples;
        let any = examples.examples() > 0 || examples.missing().next().is_some();
        ui.horizontal(|ui| {
            let undo = ui
                .add_enabled(examples.examples() > 0, Button::new("Undo mark"))
                .on_hover_text("Take back the last mark");
            if undo.clicked() {
                context.host.ask(Request::Undo);
            }
            let forget = ui
                .add_enabled(any, Button::new("Forget all"))
                .on_hover_text("Forget all examples and labels; this can be undone");
            if forget.clicked() {
                self.forgotten = Some(Arc::clone(examples));
                context
                    .host
                    .ask(Request::SetExamples(LabeledExamples::default()));
            }
            if let Some(forgotten) = self.forgotten.clone().filter(|_| !any) {
                let back = ui
                    .add(Button::new("Bring back"))
                    .on_hover_text("Bring all examples and labels back");
                if back.clicked() {
                    self.forgotten = None;
                    let examples = LabeledExamples::clone(&forgotten);
                    context.host.ask(Request::SetExamples(examples));
                }
            }
        });
    }

    fn save_ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 120.0).clamp(60.0, 220.0);
            let field = TextEdit::singleline(&mut self.name)
                .desired_width(width)
                .align(egui::Align2::LEFT_CENTER)
                .hint_text("Name, for example part");
            let field = ui
                .add(field)
                .accessible_name("Name of the head")
                .on_hover_text("Letters, digits, “-” and “_”");
            let name = self.name.trim().to_owned();
            let save = ui
                .add_enabled(!name.is_empty(), Button::new("Save as head"))
                .on_hover_text(
                    "Save the user head for all projects with this model, beside its other heads",
                );
            if !name.is_empty() && (save.clicked() || entered(ui, &field)) {
                context.host.ask(Request::Save { name });
                self.name.clear();
            }
        });
    }
}

/// Draws the probability of each label over the last minutes.
fn answers_ui(ui: &mut Ui, context: &ViewContext<'_>, user_head: &HeadInfo, height: f32) {
    ui.add_space(6.0);
    let left = height - ui.min_rect().height() - ui.spacing().item_spacing.y;
    let size = vec2(ui.available_width(), left.clamp(HEIGHTS.0, HEIGHTS.1));
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let examples = &context.live.study.labeled_examples;
    let curve = |(index, label): (usize, &String)| {
        let number = examples.labels.iter().position(|other| other == label);
        let ink = color::place(number.unwrap_or(index), context.palette.dark);
        Curve::of_history(context, ink, |result: &WindowResult| {
            let answer = result.prediction_of(&user_head.sha256)?;
            answer.get(index).map(|p| finite(*p))
        })
    };
    let labels = user_head.labels.iter();
    let best = labels.filter_map(|label| Some((label, answer(context, label)?)));
    let best = best.max_by(|a, b| a.1.total_cmp(&b.1));
    let words = best.map_or_else(
        || "No result yet".to_owned(),
        |(label, p)| format!("{} {}", text::label(label), text::percent(p)),
    );
    let graph = Graph {
        words: &words,
        spoken: &format!("Taught labels over time, now: {words}"),
        about: "The last two minutes, by the user head that was fitted last",
        curves: user_head.labels.iter().enumerate().map(curve).collect(),
        ..Graph::probabilities()
    };
    graph.ui(ui, context, rect);
}

/// Draws, from right to left: the count of examples, the probability now, and its bar.
fn answer_ui(
    ui: &mut Ui,
    context: &ViewContext<'_>,
    label: &str,
    count: usize,
    ink: egui::Color32,
) {
    let probability = answer(context, label);
    let (rect, response) = ui.allocate_exact_size(
        vec2(ui.available_width(), HEIGHT),
        Sense::focusable_noninteractive(),
    );
    let share = probability.map_or_else(|| "–".to_owned(), text::percent);
    let examples = if count == 1 {
        "1 example".to_owned()
    } else {
        format!("{count} examples")
    };
    let words = format!("{label}: {examples}, now {share}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
    let small = || text::plain(Size::Small);
    text::put_figures(
        ui.painter(),
        pos2(rect.right(), rect.center().y),
        Align2::RIGHT_CENTER,
        &format!("×{count}"),
        (small(), context.palette.faint),
    );
    let at = pos2(rect.right() - COUNT, rect.center().y);
    let inked = (small(), context.palette.dim);
    text::put_figures(ui.painter(), at, Align2::RIGHT_CENTER, &share, inked);
    let end = pos2((at.x - COUNT).max(rect.left()), rect.bottom());
    let slot = Rect::from_min_max(rect.min, end);
    if slot.width() > 12.0 {
        share_bar(ui, context.palette, slot, probability.unwrap_or(0.0), ink);
    }
    focus_ring(ui, &response, context.palette, 4);
    response.on_hover_text(words);
}

/// The user head's probability of a label in the newest window.
fn answer(context: &ViewContext<'_>, label: &str) -> Option<f32> {
    let user_head = context.live.study.user_head.as_ref()?;
    let index = user_head.labels.iter().position(|other| other == label)?;
    // A window from before the fit has no prediction of this head.
    let result = context.live.result()?;
    let answer = result.prediction_of(&user_head.sha256)?;
    answer.get(index).map(|p| finite(*p))
}
