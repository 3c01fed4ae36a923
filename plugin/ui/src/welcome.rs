//! The first-run notice: where to put the plugin, and which model is built in. Each user sees it once.

use egui::accesskit::Role;
use egui::{
    Align2, CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use crate::text::{self, Size};
use crate::user::User;
use crate::view_context::ViewContext;

/// Height of the notice in a wide and in a narrow window, in points.
const HEIGHTS: (f32, f32) = (62.0, 92.0);

const IN_A_DAW: &str = "Put Mertscope on a track, a bus or the master, and play.";
const IN_THE_APP: &str = "Choose an input or a file above, and play.";
const UNTOUCHED: &str = "Audio passes untouched. ";
const WORDS: &str = "The first result comes after five seconds of music. A small model is built in and works offline; \
                     you can fetch the MERT models in the settings.";

/// The notice, while it is still to be shown.
pub(crate) struct Welcome {
    user: User,
    wanted: bool,
}

impl Welcome {
    pub(crate) fn new(user: User) -> Self {
        let wanted = !user.is_welcomed();
        Self { user, wanted }
    }

    /// The height of the notice, in points; 0 once it was dismissed.
    pub(crate) fn height(&self, width: f32) -> f32 {
        match (self.wanted, width < 640.0) {
            (false, _) => 0.0,
            (true, false) => HEIGHTS.0,
            (true, true) => HEIGHTS.1,
        }
    }

    /// Draws the notice over all of `rect`.
    pub(crate) fn ui(&mut self, ui: &mut Ui, context: &ViewContext<'_>, rect: Rect) {
        let palette = context.palette;
        let (title, words) = match context.host_panel {
            None => (IN_A_DAW, format!("{UNTOUCHED}{WORDS}")),
            Some(_) => (IN_THE_APP, WORDS.to_owned()),
        };
        let card = rect.shrink2(vec2(8.0, 4.0)).translate(vec2(0.0, 2.0));
        let fill = crate::color::mix(palette.panel, palette.accent, 0.12);
        let stroke = Stroke::new(1.0, palette.accent.gamma_multiply(0.6));
        ui.painter().rect(
            card,
            CornerRadius::same(8),
            fill,
            stroke,
            StrokeKind::Inside,
        );
        let button =
            Rect::from_center_size(pos2(card.right() - 52.0, card.center().y), vec2(80.0, 26.0));
        let left = pos2(card.left() + 14.0, card.top() + 8.0);
        let width = button.left() - left.x - 12.0;
        let response = ui.interact(card, ui.scope_id().with("welcome"), Sense::hover());
        let spoken = format!("{title} {words}");
        response.widget_info(|| WidgetInfo::labeled(Role::Note, true, &spoken));
        let title = text::put(
            ui.painter(),
            left,
            Align2::LEFT_TOP,
            title,
            (text::bold(Size::Body), palette.text),
            width,
        );
        let mut job = egui::text::LayoutJob::simple(
            words,
            text::plain(Size::Small),
            palette.dim,
            width.max(40.0),
        );
        job.wrap.max_rows = 4;
        let galley = ui.painter().layout_job(job);
        ui.painter()
            .galley(pos2(left.x, title.bottom() + 2.0), galley, palette.dim);
        ui.scope_builder(UiBuilder::new().max_rect(button), |ui| {
            let pressed = ui
                .add_sized(button.size(), egui::Button::new("Got it"))
                .clicked();
            if pressed {
                self.wanted = false;
                // When this can't be saved, the notice comes again next time; no more is lost.
                let _ = self.user.welcome();
            }
        });
    }
}
