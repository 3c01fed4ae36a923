//! The tuning of the music, quiet while it is uncertain or as good as none.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Ui, UiBuilder, WidgetInfo};
use mertscope_music::Tuning;

use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// A smaller deviation is not worth a word, in cents: listeners don't notice it.
const QUIET_CENTS: f32 = 5.0;

/// The tuning, when there is something to say about it.
pub(crate) fn shown(context: &ViewContext<'_>) -> Option<Tuning> {
    notable(context.result()?.tuning_smoothed?)
}

/// A tuning, if it is certain and far enough from A = 440 Hz.
pub(crate) fn notable(tuning: Tuning) -> Option<Tuning> {
    (tuning.is_clear() && tuning.cents.abs() >= QUIET_CENTS).then_some(tuning)
}

/// A tuning with its A in hertz.
pub(crate) fn spoken(tuning: Tuning) -> String {
    format!("{tuning}, A = {:.0} Hz", tuning.reference_hz())
}

/// Writes the tuning into the lower left corner of `rect`.
pub(crate) fn tuning_ui(ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
    let Some(tuning) = shown(context) else {
        return;
    };
    let words = tuning.to_string();
    let (font, ink) = (text::bold(Size::Small), context.palette.dim);
    let galley = text::line(ui.painter(), &words, font, ink, rect.width());
    let place = Align2::LEFT_BOTTOM.align_size_within_rect(galley.size(), rect);
    ui.painter().galley(place.min, galley, ink);
    let builder = UiBuilder::new().max_rect(place).id_salt("tuning");
    ui.scope_builder(builder, |ui| {
        let response = ui.interact(place, ui.scope_id(), Sense::hover());
        let spoken = spoken(tuning);
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
        response.on_hover_text_at_pointer(format!(
            "The music is tuned to A = {:.0} Hz, {words} from A = 440 Hz: played faster or slower, or tuned like \
             this. Keys are named by the nearest semitone.",
            tuning.reference_hz()
        ));
    });
}
