//! The heads in use: what each tells, what it reads, how good it is and where it comes from.

use egui::{RichText, Ui};

use super::super::desk::Desk;
use super::super::text::{self, Size};
use super::row::{end, head};

/// Draws the section.
pub fn section(ui: &mut Ui, desk: &Desk<'_>) {
    head(ui, desk, "Heads");
    let small = |ui: &mut Ui, words: &str| {
        let words = RichText::new(words)
            .font(text::plain(Size::Small))
            .color(desk.palette.faint);
        ui.add(egui::Label::new(words).wrap());
    };
    let running = desk.live.model.running.as_ref();
    let heads = running.map_or(&[][..], |running| &running.heads);
    let has_genre = running.is_some_and(|running| !running.genre_labels.is_empty());
    small(
        ui,
        match (running.is_some(), has_genre) {
            (false, _) => "No model runs yet.",
            (true, true) => "Key and genre come with the model.",
            (true, false) => "This model has no genre head.",
        },
    );
    for info in heads {
        let labels = format!("{} labels", info.labels.len());
        ui.label(RichText::new(text::label(&info.task)).color(desk.palette.text));
        let facts = [
            info.id.as_str(),
            &labels,
            &info.layers_text,
            &info.metrics_text,
            &info.source_text,
        ];
        let facts: Vec<&str> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
        small(ui, &facts.join(" · "));
    }
    small(
        ui,
        "“mertscope heads” fits further ones from labelled music; they appear here and on the genre page.",
    );
    end(ui);
}
