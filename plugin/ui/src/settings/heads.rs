//! The heads section: per head its task, quality and origin, and a switch.

use egui::{RichText, Ui};
use mertscope_heads::head::HeadInfo;
use mertscope_live::RunningModel;
use mertscope_model::catalogue;

use crate::control::switch;
use crate::row::{row, small_text};
use crate::state::HeadChoice;
use crate::text;
use crate::view_context::ViewContext;

/// Draws the section.
pub(super) fn section(ui: &mut Ui, context: &ViewContext<'_>) {
    let faint = context.palette.faint;
    match &context.live.model.running {
        None => small_text(ui, "No model runs yet.", faint),
        Some(running) if running.offered.is_empty() => {
            small_text(ui, no_heads(&running.id), faint);
        }
        Some(running) => list(ui, context, running),
    }
    small_text(
        ui,
        "The command “mertscope heads” trains further heads on labeled music, or imports them; they appear when \
         you open this page. Each task has one head at a time.",
        faint,
    );
}

/// A sentence for a model without heads.
fn no_heads(id: &str) -> &'static str {
    let entry = catalogue::find(id).ok().flatten();
    if entry.is_some_and(|entry| entry.heads.is_some()) {
        "This model has no heads yet. “Get heads” under Models gets those that were published for it."
    } else {
        "This model has no heads yet, so it names neither key nor genre: “mertscope heads train” fits some."
    }
}

fn list(ui: &mut Ui, context: &ViewContext<'_>, running: &RunningModel) {
    for info in running.offered.iter() {
        let named = running.offered.iter().filter(|o| o.task == info.task);
        let name = if named.count() > 1 {
            format!("{}: {}", text::label(&info.task), info.id)
        } else {
            text::label(&info.task)
        };
        let flipped = row(ui, context.palette, &name, &facts(info), |ui| {
            let about = format!("Whether this head answers for {}", text::label(&info.task));
            let name = format!("Head {}", info.id);
            switch(ui, context.palette, in_use(running, info), &name, &about)
        });
        if let Some(on) = flipped {
            choose(context, running, info, on);
        }
        origin(ui, context, info);
    }
    // The user head is no file yet, so it has no switch.
    for info in running.heads.iter().filter(|h| !is_offered(running, h)) {
        ui.label(RichText::new(text::label(&info.task)).color(context.palette.text));
        small_text(ui, &facts(info), context.palette.faint);
        origin(ui, context, info);
    }
}

fn is_offered(running: &RunningModel, info: &HeadInfo) -> bool {
    running.offered.iter().any(|other| other.id == info.id)
}

fn in_use(running: &RunningModel, info: &HeadInfo) -> bool {
    let known = running.genre_head.iter().chain(&running.key_head);
    known.chain(running.heads.iter()).any(|o| o.id == info.id)
}

/// Switches a head on in this project, or its task off.
fn choose(context: &ViewContext<'_>, running: &RunningModel, info: &HeadInfo, on: bool) {
    let state = context.host.state();
    let mut choice: HeadChoice = state.get().unwrap_or_default();
    let first = running.offered.iter().find(|o| o.task == info.task);
    if on && first.is_some_and(|first| first.id == info.id) {
        // The default: left out of the choice, so that it stays the default when its id changes.
        choice.0.remove(&info.task);
    } else {
        let id = if on { info.id.clone() } else { String::new() };
        choice.0.insert(info.task.clone(), id);
    }
    state.set(&choice);
    context.host.apply();
}

/// A head's size, layers and license, in a few words.
fn facts(info: &HeadInfo) -> String {
    let labels = format!("{} labels", info.labels.len());
    let size = text::bytes(info.bytes);
    joined(&[&labels, &info.layers_text, &size, &info.license_text])
}

/// Writes a head's quality and origin below it.
fn origin(ui: &mut Ui, context: &ViewContext<'_>, info: &HeadInfo) {
    let words = joined(&[&info.metrics_text, &info.source_text]);
    if !words.is_empty() {
        small_text(ui, &words, context.palette.faint);
        ui.add_space(6.0);
    }
}

fn joined(facts: &[&str]) -> String {
    let facts = facts.iter().copied().filter(|fact| !fact.is_empty());
    facts.collect::<Vec<_>>().join(" · ")
}
