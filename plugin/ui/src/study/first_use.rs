//! The study page before its first use: an example of what references and labels will show, and the first
//! step to it.

use egui::{Button, Rect, Sense, Ui, vec2};

use super::graph::{Curve, Graph, HEIGHTS};
use crate::color;
use crate::control::HEIGHT;
use crate::row::small_text;
use crate::view_context::ViewContext;

/// Labels that are offered before the user's first own ones.
const LABELS: [&str; 2] = ["verse", "chorus"];

/// The highest example, in points.
const HIGHEST: f32 = 220.0;

/// Draws the half of the references without any.
pub(super) fn references_ui(ui: &mut Ui, context: &ViewContext<'_>, height: f32) {
    let dark = context.palette.dark;
    small_text(
        ui,
        "No references yet. Play a song that yours should sound like and press “Capture now”, or open its file. Then \
         play your own music:",
        context.palette.dim,
    );
    let inks = [0, 1].map(|n| color::reference(color::REFERENCES[n], dark));
    let nearer = |at: f32| 0.75 - 0.42 * smooth(at) + 0.03 * (at * 31.0).sin();
    let farther = |at: f32| 0.7 + 0.14 * smooth(at) + 0.04 * (at * 23.0).sin();
    let graph = Graph {
        words: "Example: Last album is nearer: 0.33, Mix 3 0.84",
        spoken: "Example of distances over time: the music comes nearer to the reference Last album, \
                 and stays away from the reference Mix 3",
        about: "An example: each line is the distance to one reference; lower is nearer",
        curves: vec![
            Curve::made_up("Last album", inks[0], nearer),
            Curve::made_up("Mix 3", inks[1], farther),
        ],
        ..Graph::distances()
    };
    let place = place(ui, height);
    graph.ui(ui, context, place);
}

/// Draws the half of the labels without any; returns the offered label that was pressed.
pub(super) fn labels_ui(
    ui: &mut Ui,
    context: &ViewContext<'_>,
    height: f32,
) -> Option<&'static str> {
    let (palette, mut pressed) = (context.palette, None);
    small_text(
        ui,
        "No labels yet. Play a verse and mark it, then a chorus; or type labels of your own.",
        palette.dim,
    );
    ui.horizontal(|ui| {
        for label in LABELS {
            let press = ui
                .add_sized(vec2(110.0, HEIGHT), Button::new(format!("Mark a {label}")))
                .on_hover_text(format!(
                    "Mark the last windows as an example of the label “{label}”"
                ));
            if press.clicked() {
                pressed = Some(label);
            }
        }
    });
    small_text(ui, "From two labels on, each has a line:", palette.dim);
    let inks = [0, 1].map(|n| color::place(n, palette.dark));
    let chorus = |at: f32| {
        let parts = smooth((at - 0.3) * 7.0) - smooth((at - 0.55) * 7.0) + smooth((at - 0.8) * 7.0);
        0.06 + 0.86 * parts + 0.02 * (at * 40.0).sin()
    };
    let graph = Graph {
        words: "Example: Chorus 92 %",
        spoken: "Example of labels over time: verse and chorus take turns",
        about: "An example: each line is the probability of one of your labels",
        curves: vec![
            Curve::made_up("Chorus", inks[1], chorus),
            Curve::made_up("Verse", inks[0], |at| 1.0 - chorus(at)),
        ],
        ..Graph::probabilities()
    };
    let place = place(ui, height);
    graph.ui(ui, context, place);
    pressed
}

/// A step from 0 to 1 that begins and ends gently.
fn smooth(at: f32) -> f32 {
    let at = at.clamp(0.0, 1.0);
    at * at * (3.0 - 2.0 * at)
}

/// The place of an example: the rest of the `height` points that are seen at once.
fn place(ui: &mut Ui, height: f32) -> Rect {
    let left = height - ui.min_rect().height() - ui.spacing().item_spacing.y;
    let size = vec2(ui.available_width(), left.clamp(HEIGHTS.0, HIGHEST));
    ui.allocate_exact_size(size, Sense::hover()).0
}
