//! Music to compare with: captured or from a file, named, colored, and how far away it is.

use std::path::Path;
use std::sync::Arc;

use egui::accesskit::Role;
use egui::{
    Align, Align2, Button, CornerRadius, Layout, Rect, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2,
};
use mertscope_heads::reference::{MAX_REFERENCES, Reference};
use mertscope_live::Request;

use super::graph::{HEIGHTS, distances_ui};
use crate::browser::{Browser, Outcome};
use crate::color;
use crate::control::{HEIGHT, Icon, entered, focus_ring, icon_button, share_bar, switch, toggle};
use crate::row::{about, small_text};
use crate::state::Comparison;
use crate::text::{self, Size};
use crate::view_context::{ViewContext, distance_to};

/// A distance that fills a bar: opposite.
const FULL: f32 = 2.0;
/// Height of a line about a layer, in points.
const LINE: f32 = 18.0;

/// What is being typed, and what can be taken back.
#[derive(Default)]
pub(super) struct References {
    name: String,
    /// The reference that is renamed, and what is typed.
    renaming: Option<(String, String)>,
    /// The reference that was removed last, and its place.
    removed: Option<(Arc<Reference>, usize)>,
    browser: Option<Browser>,
    layers: bool,
    /// The reference whose layers the engine was asked for last; nothing was asked yet.
    asked: Option<Option<String>>,
}

impl References {
    /// Draws the half, of which `height` points are seen at once.
    pub(super) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, height: f32) {
        about(
            ui,
            context.palette,
            "Other music to compare with. Distance 0 is the same, 1 unrelated, 2 opposite.",
        );
        self.capture_ui(ui, context);
        self.progress_ui(ui, context);
        self.removed_ui(ui, context);
        if context.live.study.references.is_empty() {
            small_text(
                ui,
                "No references yet. Play some music and capture it, or open a file.",
                context.palette.dim,
            );
            return;
        }
        ui.add_space(2.0);
        for (at, reference) in context.live.study.references.iter().enumerate() {
            ui.push_id(&reference.id, |ui| self.row(ui, context, reference, at));
        }
        self.compare_ui(ui, context, height);
    }

    /// Draws the open browser over the window.
    pub(super) fn browser_ui(&mut self, ui: &Ui, context: &ViewContext<'_>) {
        let outcome = self
            .browser
            .as_mut()
            .map(|browser| browser.ui(ui, context.palette));
        match outcome {
            Some(Outcome::Chosen(path)) => {
                self.browser = None;
                let typed = std::mem::take(&mut self.name);
                let name = match typed.trim() {
                    "" => name_of(&path),
                    typed => typed.to_owned(),
                };
                let color = next_color(context);
                context.host.ask(Request::File { path, name, color });
            }
            Some(Outcome::Closed) => self.browser = None,
            Some(Outcome::Open) | None => {}
        }
    }

    fn capture_ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        let name = next_name(context);
        let room = context.live.study.references.len() < MAX_REFERENCES;
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 190.0).clamp(60.0, 260.0);
            let field = TextEdit::singleline(&mut self.name)
                .desired_width(width)
                .align(egui::Align2::LEFT_CENTER)
                .hint_text(&name);
            let field = ui
                .add(field)
                .accessible_name("Name of the next reference")
                .on_hover_text("What the next reference is called; empty for the name shown");
            let capture = ui
                .add_enabled(room, Button::new("Capture now"))
                .on_hover_text("Make a reference of what was heard since the last start or jump");
            if room && (capture.clicked() || entered(ui, &field)) {
                let typed = std::mem::take(&mut self.name);
                let name = Some(typed.trim().to_owned()).filter(|typed| !typed.is_empty());
                context.host.ask(Request::Capture {
                    name: name.unwrap_or_else(|| next_name(context)),
                    color: next_color(context),
                });
            }
            let open = ui
                .add_enabled(room, Button::new("File…"))
                .on_hover_text("Make a reference of an audio file");
            if open.clicked() {
                self.browser = Some(Browser::at(None));
            }
        });
        if !room {
            let full = format!("{MAX_REFERENCES} references are as many as there can be.");
            small_text(ui, &full, context.palette.dim);
        }
    }

    fn progress_ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        let study = &context.live.study;
        if let Some(listening) = &study.file_progress {
            ui.horizontal(|ui| {
                let time = |seconds: f64| {
                    format!(
                        "{:.0}:{:02.0}",
                        (seconds / 60.0).floor(),
                        (seconds % 60.0).floor()
                    )
                };
                let of = listening
                    .promised_s
                    .map_or_else(String::new, |all| format!(" of {}", time(all)));
                let stop = ui
                    .add(Button::new("Stop"))
                    .on_hover_text("Don't make a reference of this file");
                if stop.clicked() {
                    context.host.ask(Request::StopFiles);
                }
                let words = format!("{}: {}{of} heard", listening.name, time(listening.done_s));
                small_text(ui, &words, context.palette.dim);
            });
        }
    }

    fn removed_ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        let Some((reference, at)) = self.removed.clone() else {
            return;
        };
        ui.horizontal(|ui| {
            let undo = ui
                .add(Button::new("Put back"))
                .on_hover_text("Undo the removal");
            if undo.clicked() {
                self.removed = None;
                context.host.ask(Request::PutBack {
                    reference: Arc::clone(&reference),
                    at,
                });
            }
            let words = format!("“{}” was removed.", reference.name);
            small_text(ui, &words, context.palette.dim);
        });
    }

    /// A reference: its name and what can be done with it, below that its distance.
    fn row(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        reference: &Arc<Reference>,
        at: usize,
    ) {
        let ink = color::reference(reference.color, context.palette.dark);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let (swatch, _) = ui.allocate_exact_size(vec2(12.0, HEIGHT), Sense::hover());
            let dot = Rect::from_center_size(swatch.center(), vec2(10.0, 10.0));
            ui.painter().rect_filled(dot, CornerRadius::same(3), ink);
            let width = (ui.available_width() - 3.0 * (HEIGHT + 4.0) - 4.0).max(20.0);
            self.name_ui(ui, context, reference, width);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let name = format!("Remove {}", reference.name);
                if icon_button(
                    ui,
                    context.palette,
                    Icon::Close,
                    false,
                    &name,
                    "Remove this reference",
                )
                .clicked()
                {
                    self.removed = Some((Arc::clone(reference), at));
                    let id = reference.id.clone();
                    context.host.ask(Request::Remove { id });
                }
                sides_ui(ui, context, reference);
            });
        });
        distance_ui(ui, context, reference, ink);
    }

    fn name_ui(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        reference: &Reference,
        width: f32,
    ) {
        let is_renamed = |(id, _): &&mut (String, String)| *id == reference.id;
        if let Some((_, typed)) = self.renaming.as_mut().filter(is_renamed) {
            let field = ui
                .add_sized(vec2(width, HEIGHT), TextEdit::singleline(typed))
                .accessible_name("New name of the reference");
            if field.lost_focus() {
                let name = std::mem::take(typed);
                self.renaming = None;
                let kept = ui.input(|input| input.key_pressed(egui::Key::Escape));
                if !kept && name.trim() != reference.name && !name.trim().is_empty() {
                    let id = reference.id.clone();
                    context.host.ask(Request::Rename { id, name });
                }
            } else if !field.has_focus() {
                field.request_focus();
            }
            return;
        }
        let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
        let label = format!("Rename {}", reference.name);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
        let ink = if response.hovered() {
            context.palette.accent
        } else {
            context.palette.text
        };
        text::put(
            ui.painter(),
            rect.left_center() + vec2(4.0, 0.0),
            Align2::LEFT_CENTER,
            &reference.name,
            (text::plain(Size::Body), ink),
            width - 8.0,
        );
        focus_ring(ui, &response, context.palette, 5);
        if response.clicked() {
            self.renaming = Some((reference.id.clone(), reference.name.clone()));
        }
        response.on_hover_text(format!("{}\nPress to rename it", reference.name));
    }

    /// The two that are looked at: which is nearer, over time, and layer by layer.
    fn compare_ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, height: f32) {
        let compared = context.compared();
        if compared.is_empty() {
            return;
        }
        ui.add_space(6.0);
        // What is left of the height but for the switch below, and the layers.
        let layers = self.shown_layers(context).len() as f32 * (LINE + ui.spacing().item_spacing.y);
        let left = height - ui.min_rect().height() - 2.0 * HEIGHT - layers;
        let size = vec2(ui.available_width(), left.clamp(HEIGHTS.0, HEIGHTS.1));
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        distances_ui(ui, context, &compared, rect);
        ui.horizontal(|ui| {
            let about = "Show the distance to A in each hidden state of the model that is in use";
            if let Some(on) = switch(ui, context.palette, self.layers, "Layer by layer", about) {
                self.layers = on;
            }
            small_text(ui, "Distance to A by layer", context.palette.dim);
        });
        let wanted = compared
            .first()
            .map(|a| a.id.as_str())
            .filter(|_| self.layers);
        let wanted = wanted.map(str::to_owned);
        if self.asked.as_ref() != Some(&wanted) {
            context.host.ask(Request::Layers(wanted.clone()));
            self.asked = Some(wanted.clone());
        }
        let ink = compared.first().map_or(context.palette.accent, |a| {
            color::reference(a.color, context.palette.dark)
        });
        let layers = self.shown_layers(context);
        for (layer, distance) in layers {
            line(ui, context, &format!("Layer {layer}"), *distance, ink);
        }
        if wanted.is_some() && layers.is_empty() {
            small_text(ui, "With the next window", context.palette.faint);
        }
    }

    /// Distances layer by layer, while they are asked for and there.
    fn shown_layers<'a>(&self, context: &ViewContext<'a>) -> &'a [(usize, f32)] {
        let layers = context.live.study.layers.as_ref();
        let layers = layers.filter(|_| self.layers);
        layers.map_or(&[], |layers| &layers.distances)
    }
}

/// Whether the reference is looked at as A or B.
fn sides_ui(ui: &mut Ui, context: &ViewContext<'_>, reference: &Reference) {
    let compared = context.compared();
    let is = |n: usize| {
        compared
            .get(n)
            .is_some_and(|other| other.id == reference.id)
    };
    let sides = [
        (1, "B", "Look at it beside A"),
        (0, "A", "The timeline compares with it"),
    ];
    for (n, side, about) in sides {
        let label = format!("{} as {side}", reference.name);
        let usable = context.is_comparable(reference);
        let pressed = ui
            .add_enabled_ui(usable, |ui| {
                toggle(ui, context.palette, is(n), side, &label, about)
            })
            .inner;
        if pressed {
            let both = [0, 1].map(|n| compared.get(n).map_or("", |other| other.id.as_str()));
            context.host.state().set(&choice(both, n, &reference.id));
        }
    }
}

/// What is looked at after side `n` of a reference was pressed: another one takes the place that
/// it leaves, and B can be left.
fn choice([a, b]: [&str; 2], n: usize, id: &str) -> Comparison {
    let (a, b) = match n {
        0 if id == b => (b, a),
        0 => (id, b),
        _ if id == b => (a, ""),
        _ if id == a => (b, a),
        _ => (a, id),
    };
    Comparison {
        a: a.to_owned(),
        b: b.to_owned(),
    }
}

fn distance_ui(ui: &mut Ui, context: &ViewContext<'_>, reference: &Reference, ink: egui::Color32) {
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
        "{label}\n0 is alike, 1 unrelated, 2 opposite, as the model hears it"
    ));
}

/// A named distance with its bar.
fn line(ui: &mut Ui, context: &ViewContext<'_>, name: &str, distance: f32, ink: egui::Color32) {
    let (rect, response) = ui.allocate_exact_size(
        vec2(ui.available_width(), LINE),
        Sense::focusable_noninteractive(),
    );
    let figure = format!("{distance:.2}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {figure}")));
    let font = (text::plain(Size::Small), context.palette.dim);
    text::put(
        ui.painter(),
        rect.left_center(),
        Align2::LEFT_CENTER,
        name,
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

/// The first name of its kind that no reference has.
fn next_name(context: &ViewContext<'_>) -> String {
    let taken = |name: &String| {
        let mut references = context.live.study.references.iter();
        references.any(|reference| reference.name == *name)
    };
    let names = (1..=MAX_REFERENCES + 1).map(|n| format!("Reference {n}"));
    names
        .into_iter()
        .find(|name| !taken(name))
        .unwrap_or_default()
}

/// The first color that no reference has.
fn next_color(context: &ViewContext<'_>) -> [u8; 3] {
    let taken = |color: &[u8; 3]| {
        let mut references = context.live.study.references.iter();
        references.any(|reference| reference.color == *color)
    };
    let free = color::REFERENCES.into_iter().find(|color| !taken(color));
    free.unwrap_or(color::REFERENCES[0])
}

fn name_of(path: &Path) -> String {
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    stem.unwrap_or_else(|| "File".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(both: [&str; 2], n: usize, id: &str) -> [String; 2] {
        let Comparison { a, b } = choice(both, n, id);
        [a, b]
    }

    #[test]
    fn sides_are_swapped_left_and_taken() {
        assert_eq!(chosen(["x", "y"], 0, "z"), ["z", "y"]);
        assert_eq!(chosen(["x", "y"], 0, "y"), ["y", "x"]);
        assert_eq!(chosen(["x", "y"], 1, "y"), ["x", ""]);
        assert_eq!(chosen(["x", "y"], 1, "x"), ["y", "x"]);
        assert_eq!(chosen(["x", ""], 1, "z"), ["x", "z"]);
    }

    #[test]
    fn files_are_called_by_their_names() {
        assert_eq!(name_of(Path::new("/music/My mix.v2.wav")), "My mix.v2");
    }
}
