//! The device section: the device that is asked for, with the address of a server, the one in use, and why others are
//! not.

use egui::accesskit::Role;
use egui::{Color32, ComboBox, Id, RichText, Slider, TextEdit, Ui, WidgetInfo};
use mertscope_live::RunningModel;
use mertscope_model::device::Choice;

use crate::parameters::{MOST_ERR_STEP, MOST_ERRS};
use crate::row::row;
use crate::state::EngineChoice;
use crate::text::{self, Size};
use crate::view_context::ViewContext;

/// Draws the section.
pub(super) fn section(ui: &mut Ui, context: &ViewContext<'_>) {
    let running = context.live.model.running.as_ref();
    let engine: EngineChoice = context.host.state().get().unwrap_or_default();
    choose(ui, context, &offers(running, &engine));
    if let Choice::Remote { server } = &engine.device {
        address(ui, context, server.as_deref().unwrap_or_default());
    }
    if let Some(running) = running {
        if running.depth.is_some() && engine.precision.is_none() {
            most_err(ui, context, engine);
        }
        report(ui, context, running);
    }
}

/// The devices to choose from, with their titles.
fn offers(running: Option<&RunningModel>, engine: &EngineChoice) -> Vec<(Choice, String)> {
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
    let server = match &engine.device {
        chosen @ Choice::Remote { .. } => chosen.clone(),
        _ => Choice::remote(&engine.last_server),
    };
    offers.push((server, "A server".to_owned()));
    offers
}

/// Draws the list of devices, and chooses the one that is picked.
fn choose(ui: &mut Ui, context: &ViewContext<'_>, offers: &[(Choice, String)]) {
    let state = context.host.state();
    let mut engine: EngineChoice = state.get().unwrap_or_default();
    let chosen = offers.iter().find(|(choice, _)| *choice == engine.device);
    let title = chosen.map_or_else(|| engine.device.to_string(), |(_, title)| title.clone());
    let name = "Run the model on";
    let about = "When the chosen device fails, the CPU of this machine takes over";
    let picked = row(ui, context.palette, name, about, |ui| {
        let mut picked = None;
        let shown = ComboBox::from_id_salt("device")
            .selected_text(&title)
            .width(240.0)
            .truncate()
            .show_ui(ui, |ui| {
                for (choice, title) in offers {
                    let is_chosen = *choice == engine.device;
                    if ui.selectable_label(is_chosen, title).clicked() {
                        picked = Some(choice.clone());
                        // Enter picks without a click, which alone would close the list.
                        ui.close();
                    }
                }
            });
        let label = format!("Device: {title}");
        shown
            .response
            .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, &label));
        shown
            .response
            .on_hover_text("The device that the model is to run on");
        picked
    });
    if let Some(picked) = picked {
        if let Choice::Remote { server } = &engine.device {
            engine.last_server = server.clone().unwrap_or_default();
        }
        engine.device = picked;
        state.set(&engine);
        context.host.apply();
    }
}

/// Draws the field for the server's address, and uses the address once the typing has ended.
fn address(ui: &mut Ui, context: &ViewContext<'_>, in_use: &str) {
    let palette = context.palette;
    let typed = Id::unique("server address");
    let line = "An inference server; empty for the one in MERTSCOPE_SERVER";
    let ended = row(ui, palette, "Server address", line, |ui| {
        let text = ui.data(|data| data.get_temp::<String>(typed));
        let mut text = text.unwrap_or_else(|| in_use.to_owned());
        let field = ui.add(TextEdit::singleline(&mut text).desired_width(240.0));
        let about = "For example http://192.168.1.20:8000; press Enter to use it";
        let field = field.accessible_name("Server address").on_hover_text(about);
        ui.data_mut(|data| data.insert_temp(typed, text.clone()));
        field.lost_focus().then_some(text)
    });
    let Some(text) = ended else {
        return;
    };
    ui.data_mut(|data| data.remove::<String>(typed));
    if text.trim() != in_use {
        let state = context.host.state();
        let mut engine: EngineChoice = state.get().unwrap_or_default();
        engine.device = Choice::remote(&text);
        state.set(&engine);
        context.host.apply();
    }
}

/// Draws the slider of the err that 8-bit forms of a published model may have.
fn most_err(ui: &mut Ui, context: &ViewContext<'_>, mut engine: EngineChoice) {
    let name = "8-bit error limit";
    let line = "The cheapest form within it runs on the CPU; 0 is fp32";
    let moved = row(ui, context.palette, name, line, |ui| {
        let slider = Slider::new(&mut engine.most_err, MOST_ERRS)
            .step_by(MOST_ERR_STEP)
            .fixed_decimals(2)
            // Each step on the way would load the model again.
            .update_while_editing(false);
        let response = ui.add(slider);
        response.widget_info(|| WidgetInfo::slider(true, f64::from(engine.most_err), name));
        let moved = response.drag_stopped() || (response.changed() && !response.dragged());
        response.on_hover_text(
            "The error of the hidden states in use as a part of what tells music from music, measured once on the demo pieces",
        );
        moved
    });
    if moved {
        context.host.state().set(&engine);
        context.host.apply();
    }
}

/// Writes which device is in use, and why better ones are not.
fn report(ui: &mut Ui, context: &ViewContext<'_>, running: &RunningModel) {
    let (palette, report) = (context.palette, &running.device);
    let share = report.share.as_ref().map_or_else(String::new, |share| {
        format!(
            "; it runs {} of {} operations, the CPU the rest",
            share.there, share.all
        )
    });
    let form = running.form();
    line(
        ui,
        format!("In use: {} for {form}{share}.", report.name),
        palette.dim,
    );
    for fallback in report.notable_fallbacks() {
        let words = format!("{} is not used: {}.", fallback.device, fallback.reason);
        line(ui, words, palette.warn);
    }
    if let Some(notice) = &report.notice {
        line(ui, notice.text.clone(), palette.dim);
    }
}

fn line(ui: &mut Ui, words: String, color: Color32) {
    let words = RichText::new(words).font(text::plain(Size::Small));
    ui.label(words.color(color));
}
