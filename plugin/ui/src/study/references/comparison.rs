//! Comparing two references, A and B: choosing them, their distances over time, and layer by layer.

use egui::{Sense, Ui, vec2};
use mertscope_heads::reference::Reference;
use mertscope_live::Request;

use super::distance::{LAYER_ROW, layer_ui};
use crate::color;
use crate::control::{HEIGHT, switch, toggle};
use crate::row::small_text;
use crate::state::Comparison;
use crate::study::graph::{HEIGHTS, distances_ui};
use crate::view_context::ViewContext;

/// Whether distances are shown layer by layer.
#[derive(Default)]
pub(super) struct LayersSwitch {
    is_on: bool,
    /// The reference whose layers the engine was asked for last; the outer `None` before the first request.
    asked: Option<Option<String>>,
}

impl LayersSwitch {
    /// Draws the comparison of A and B: which is nearer, over time, and layer by layer. `height` points of
    /// the half are seen at once.
    pub(super) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, height: f32) {
        let compared = context.compared();
        let Some(a) = compared.first() else {
            return;
        };
        ui.add_space(6.0);
        // The rest of the height, without the switch below and the layers.
        let rows = self.layers(context).len() as f32;
        let layers_height = rows * (LAYER_ROW + ui.spacing().item_spacing.y);
        let left = height - ui.min_rect().height() - 2.0 * HEIGHT - layers_height;
        let size = vec2(ui.available_width(), left.clamp(HEIGHTS.0, HEIGHTS.1));
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        distances_ui(ui, context, &compared, rect);
        ui.horizontal(|ui| {
            let about = "Show the distance to A in each hidden state of the running model";
            if let Some(on) = switch(ui, context.palette, self.is_on, "Layer by layer", about) {
                self.is_on = on;
            }
            small_text(ui, "Distance to A by layer", context.palette.dim);
        });
        self.request(context, a);
        let ink = color::reference(a.color, context.palette.dark);
        let layers = self.layers(context);
        for (layer, distance) in layers {
            layer_ui(ui, context, *layer, *distance, ink);
        }
        if self.is_on && layers.is_empty() {
            small_text(ui, "With the next window", context.palette.faint);
        }
    }

    /// Asks the engine for the layers of A while the switch is on, once per change.
    fn request(&mut self, context: &ViewContext<'_>, a: &Reference) {
        let wanted = self.is_on.then(|| a.id.clone());
        if self.asked.as_ref() != Some(&wanted) {
            context.host.ask(Request::Layers(wanted.clone()));
            self.asked = Some(wanted);
        }
    }

    /// Distances layer by layer, while the switch is on and the engine has them.
    fn layers<'a>(&self, context: &ViewContext<'a>) -> &'a [(usize, f32)] {
        let layers = context.live.study.layers.as_ref();
        let layers = layers.filter(|_| self.is_on);
        layers.map_or(&[], |layers| &layers.distances)
    }
}

/// Draws the buttons that make the reference A or B.
pub(super) fn sides_ui(ui: &mut Ui, context: &ViewContext<'_>, reference: &Reference) {
    let compared = context.compared();
    let is = |n: usize| {
        compared
            .get(n)
            .is_some_and(|other| other.id == reference.id)
    };
    let sides = [
        (1, "B", "Show it beside A"),
        (0, "A", "Compare the timeline with it"),
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
            context
                .host
                .state()
                .set(&pressed_side(both, n, &reference.id));
        }
    }
}

/// The comparison after side `n` of the reference `id` was pressed: the other reference takes the place
/// that it leaves, and a second press leaves B empty.
fn pressed_side([a, b]: [&str; 2], n: usize, id: &str) -> Comparison {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(both: [&str; 2], n: usize, id: &str) -> [String; 2] {
        let Comparison { a, b } = pressed_side(both, n, id);
        [a, b]
    }

    #[test]
    fn sides_are_taken_swapped_and_left() {
        assert_eq!(pressed(["x", "y"], 0, "z"), ["z", "y"]);
        assert_eq!(pressed(["x", "y"], 0, "y"), ["y", "x"]);
        assert_eq!(pressed(["x", "y"], 1, "y"), ["x", ""]);
        assert_eq!(pressed(["x", "y"], 1, "x"), ["y", "x"]);
        assert_eq!(pressed(["x", ""], 1, "z"), ["x", "z"]);
    }
}
