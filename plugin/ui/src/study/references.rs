//! The references: music to compare with, captured or from a file, named and colored, each with its
//! distance.

mod comparison;
mod distance;
mod naming;

use std::path::PathBuf;
use std::sync::Arc;

use egui::accesskit::Role;
use egui::{
    Align, Align2, Button, CornerRadius, Key, Layout, Rect, Sense, TextEdit, Ui, WidgetInfo, vec2,
};
use mertscope_heads::reference::{MAX_REFERENCES, Reference};
use mertscope_live::{FileProgress, Request};

use self::comparison::{LayersSwitch, sides_ui};
use self::distance::distance_ui;
use self::naming::{name_from_path, next_color, next_colors, next_name};
use super::first_use;
use crate::browser::{Browser, Outcome};
use crate::color;
use crate::control::{HEIGHT, Icon, entered, focus_ring, icon_button};
use crate::row::{about, small_text};
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Typed text, and the last removal, which can be undone.
#[derive(Default)]
pub(super) struct References {
    name: String,
    /// The id of the reference that is being renamed, and the name typed so far.
    renaming: Option<(String, String)>,
    /// The reference that was removed last, and its place.
    removed: Option<(Arc<Reference>, usize)>,
    browser: Option<Browser>,
    layers: LayersSwitch,
}

impl References {
    /// Draws the half of the page; `height` points of it are seen at once.
    pub(super) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, height: f32) {
        about(
            ui,
            context.palette,
            "Other music to compare with. Distance 0 is the same, 1 unrelated, 2 opposite.",
        );
        self.capture_ui(ui, context);
        progress_ui(ui, context);
        self.removed_ui(ui, context);
        if context.live.study.references.is_empty() {
            first_use::references_ui(ui, context, height);
            return;
        }
        ui.add_space(2.0);
        for (at, reference) in context.live.study.references.iter().enumerate() {
            ui.push_id(&reference.id, |ui| self.row(ui, context, reference, at));
        }
        self.layers.ui(ui, context, height);
    }

    /// Makes references of files, each with a color of its own, as far as there is room.
    pub(super) fn add_files(context: &ViewContext<'_>, files: Vec<PathBuf>) {
        for (path, color) in files.into_iter().zip(next_colors(context)) {
            let name = name_from_path(&path);
            context.host.ask(Request::File { path, name, color });
        }
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
                    "" => name_from_path(&path),
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
                .on_hover_text("Name of the next reference; empty for the name shown");
            let capture = ui
                .add_enabled(room, Button::new("Capture now"))
                .on_hover_text("Make a reference of the music since the last start or jump");
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
            let full = format!("There can be at most {MAX_REFERENCES} references.");
            small_text(ui, &full, context.palette.dim);
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

    /// Draws a reference: its name and its buttons, below them its distance.
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
                let about = "Remove this reference";
                if icon_button(ui, context.palette, Icon::Close, false, &name, about).clicked() {
                    self.removed = Some((Arc::clone(reference), at));
                    let id = reference.id.clone();
                    context.host.ask(Request::Remove { id });
                }
                sides_ui(ui, context, reference);
            });
        });
        distance_ui(ui, context, reference, ink);
    }

    /// Draws the name, or the field with the new one while it is being renamed.
    fn name_ui(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        reference: &Reference,
        width: f32,
    ) {
        let is_renamed = |(id, _): &&mut (String, String)| *id == reference.id;
        let Some((_, typed)) = self.renaming.as_mut().filter(is_renamed) else {
            if name_button(ui, context, &reference.name, width) {
                self.renaming = Some((reference.id.clone(), reference.name.clone()));
            }
            return;
        };
        let field = ui
            .add_sized(vec2(width, HEIGHT), TextEdit::singleline(typed))
            .accessible_name("New name of the reference");
        if field.lost_focus() {
            let name = std::mem::take(typed);
            self.renaming = None;
            let is_canceled = ui.input(|input| input.key_pressed(Key::Escape));
            if !is_canceled && name.trim() != reference.name && !name.trim().is_empty() {
                let id = reference.id.clone();
                context.host.ask(Request::Rename { id, name });
            }
        } else if !field.has_focus() {
            field.request_focus();
        }
    }
}

/// Draws a reference's name; whether it was pressed, to rename it.
fn name_button(ui: &mut Ui, context: &ViewContext<'_>, name: &str, width: f32) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
    let label = format!("Rename {name}");
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
        name,
        (text::plain(Size::Body), ink),
        width - 8.0,
    );
    focus_ring(ui, &response, context.palette, 5);
    let pressed = response.clicked();
    response.on_hover_text(format!("{name}\nPress to rename it"));
    pressed
}

/// Draws how far the file is that a reference is being made of.
fn progress_ui(ui: &mut Ui, context: &ViewContext<'_>) {
    let Some(progress) = &context.live.study.file_progress else {
        return;
    };
    ui.horizontal(|ui| {
        let stop = ui
            .add(Button::new("Stop"))
            .on_hover_text("Make no reference of this file");
        if stop.clicked() {
            context.host.ask(Request::StopFiles);
        }
        small_text(ui, &progress_text(progress), context.palette.dim);
    });
}

fn progress_text(progress: &FileProgress) -> String {
    let time = |seconds: f64| {
        format!(
            "{:.0}:{:02.0}",
            (seconds / 60.0).floor(),
            (seconds % 60.0).floor()
        )
    };
    let of = progress
        .promised_s
        .map_or_else(String::new, |all| format!(" of {}", time(all)));
    format!("{}: {}{of} analyzed", progress.name, time(progress.done_s))
}
