//! The device section: the device that is asked for, the one in use, and why others are not.

use egui::{ComboBox, RichText, Ui};
use mertscope_model::device::Choice;

use crate::row::{end, head, row};
use crate::state::EngineChoice;
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Draws the section.
pub(super) fn section(ui: &mut Ui, context: &ViewContext<'_>) {
    head(ui, context, "Device");
    let state = context.host.state();
    let mut engine: EngineChoice = state.get().unwrap_or_default();
    let running = context.live.model.running.as_ref();
    let mut offers = vec![(Choice::Auto, "Automatic: the fastest there is".to_owned())];
    match running {
        Some(running) => offers.extend(
            running
                .devices
                .iter()
                .map(|offer| (offer.choice.clone(), offer.title.clone())),
        ),
        None => offers.push((Choice::Cpu, "CPU".to_owned())),
    }
    let chosen = offers.iter().find(|(choice, _)| *choice == engine.device);
    let title = chosen.map_or_else(|| engine.device.to_string(), |(_, title)| title.clone());
    let picked = row(
        ui,
        context.palette,
        "Run the model on",
        "Whatever is asked for, the CPU takes over where it fails",
        |ui| {
            let mut picked = None;
            let shown = ComboBox::from_id_salt("device")
                .selected_text(&title)
                .width(240.0)
                .truncate()
                .show_ui(ui, |ui| {
                    for (choice, title) in &offers {
                        if ui
                            .selectable_label(*choice == engine.device, title)
                            .clicked()
                        {
                            picked = Some(choice.clone());
                        }
                    }
                });
            shown.response.widget_info(|| {
                egui::WidgetInfo::labeled(
                    egui::accesskit::Role::ComboBox,
                    true,
                    format!("Device: {title}"),
                )
            });
            shown
                .response
                .on_hover_text("The device that the model is to run on");
            picked
        },
    );
    if let Some(picked) = picked {
        engine.device = picked;
        state.set(&engine);
        context.host.apply();
    }
    if let Some(running) = running {
        let report = &running.device;
        let words = |ui: &mut Ui, words: String, color| {
            ui.label(
                RichText::new(words)
                    .font(text::plain(Size::Small))
                    .color(color),
            );
        };
        let share = report.share.as_ref().map_or_else(String::new, |share| {
            format!(
                "; it runs {} of {} operations, the CPU the rest",
                share.there, share.all
            )
        });
        words(
            ui,
            format!("In use: {}{share}.", report.name),
            context.palette.dim,
        );
        for fallback in report.notable_fallbacks() {
            words(
                ui,
                format!("{} is not used: {}.", fallback.device, fallback.reason),
                context.palette.warn,
            );
        }
        if let Some(notice) = &report.notice {
            words(ui, notice.text.clone(), context.palette.dim);
        }
    }
    end(ui);
}
