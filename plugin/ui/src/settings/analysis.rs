//! The analysis section: input, window, hop, smoothing and CPU share.

use egui::{Slider, Ui, WidgetInfo};

use crate::control::{segments, switch};
use crate::parameters::{
    self, HOP_STEP_S, InputSource, LONGEST_HOP_S, ParameterChange, hop_from_s, hop_s_from_text,
    s_from_hop, stepped_hop_s, text_from_hop_s,
};
use crate::row::{end, head, row};
use crate::state::{EngineChoice, ModelChoice};
use crate::view_context::ViewContext;

/// Draws the section.
pub(super) fn section(ui: &mut Ui, context: &ViewContext<'_>) {
    head(ui, context, "Analysis");
    let (values, palette) = (context.parameters, context.palette);
    row(
        ui,
        context.palette,
        parameters::ANALYZE,
        "Audio passes untouched either way",
        |ui| {
            let about = "Whether anything is analyzed; audio passes either way";
            if let Some(on) = switch(ui, palette, values.analyze, parameters::ANALYZE, about) {
                context.host.change(ParameterChange::Analyze(on));
            }
        },
    );
    row(
        ui,
        context.palette,
        parameters::SOURCE,
        "What is listened to",
        |ui| {
            let options = [
                (InputSource::Main, "Main", "What passes through"),
                (
                    InputSource::SideChain,
                    "Side-chain",
                    "The side-chain input, where the host connects one",
                ),
            ];
            if let Some(source) = segments(ui, palette, values.source, &options) {
                context.host.change(ParameterChange::Source(source));
            }
        },
    );
    window(ui, context);
    hop(ui, context);
    row(
        ui,
        context.palette,
        parameters::SMOOTHING,
        "Over the last seconds of audio, so that single windows don't flicker",
        |ui| {
            let about = "Results smoothed over audio time, or each window for itself";
            if let Some(on) = switch(ui, palette, values.smoothing, parameters::SMOOTHING, about) {
                context.host.change(ParameterChange::Smoothing(on));
            }
        },
    );
    engine(ui, context);
    row(
        ui,
        context.palette,
        parameters::LOG,
        "A line of JSON for each window, in the folder mertscope/logs of your data",
        |ui| {
            let about = "Whether results are written to a file";
            if let Some(on) = switch(ui, palette, values.log, parameters::LOG, about) {
                context.host.change(ParameterChange::Log(on));
            }
        },
    );
    end(ui);
}

/// The window's length, for a model that has several; while it loads anew, the one that was chosen.
fn window(ui: &mut Ui, context: &ViewContext<'_>) {
    let state = context.host.state();
    let Some(choice) = state.get::<ModelChoice>() else {
        return;
    };
    let running = context.live.model.running.as_ref();
    let all = match running {
        Some(running) => running.windows_s.to_vec(),
        None => choice.window_s.into_iter().collect(),
    };
    let present = choice.window_s.or(running.map(|running| running.window_s));
    let Some(present) = present.filter(|_| all.len() > 1 || choice.window_s.is_some()) else {
        return;
    };
    let names: Vec<String> = all.iter().map(|seconds| format!("{seconds} s")).collect();
    let options: Vec<(f64, &str, &str)> = all
        .iter()
        .zip(&names)
        .map(|(seconds, name)| (*seconds, name.as_str(), "The length of a window"))
        .collect();
    let about = "How much the model hears at once; a shorter one answers sooner and costs less";
    let picked = row(ui, context.palette, "Window", about, |ui| {
        segments(ui, context.palette, present, &options)
    });
    if let Some(picked) = picked {
        state.set(&ModelChoice {
            window_s: Some(picked),
            ..choice
        });
        context.host.apply();
    }
}

fn hop(ui: &mut Ui, context: &ViewContext<'_>) {
    row(
        ui,
        context.palette,
        parameters::HOP,
        "Time from one window to the next; Auto is as short as the CPU share allows",
        |ui| {
            let mut hop_s = s_from_hop(context.parameters.hop);
            let slider = Slider::new(&mut hop_s, 0.0..=LONGEST_HOP_S)
                .step_by(f64::from(HOP_STEP_S))
                .custom_formatter(|value, _| text_from_hop_s(stepped_hop_s(value as f32)))
                .custom_parser(|text| hop_s_from_text(text).map(stepped_hop_s).map(f64::from));
            let response = ui.add(slider);
            response.widget_info(|| WidgetInfo::slider(true, f64::from(hop_s), parameters::HOP));
            if response.changed() {
                context.host.change(ParameterChange::Hop(hop_from_s(hop_s)));
            }
            response.on_hover_text("Seconds from one window to the next; 0 is Auto");
        },
    );
}

fn engine(ui: &mut Ui, context: &ViewContext<'_>) {
    let state = context.host.state();
    let before: EngineChoice = state.get().unwrap_or_default();
    let mut choice = before.clone();
    row(
        ui,
        context.palette,
        "CPU share",
        "Of one processor core, at most",
        |ui| {
            let mut percent = (choice.cpu_share * 100.0).round();
            let response = ui.add(
                Slider::new(&mut percent, 5.0..=100.0)
                    .step_by(5.0)
                    .fixed_decimals(0)
                    .suffix(" %"),
            );
            response.widget_info(|| WidgetInfo::slider(true, f64::from(percent), "CPU share"));
            if response.changed() {
                choice.cpu_share = percent / 100.0;
            }
            response.on_hover_text(
                "The share of one core that analysis may take; the hop grows to keep it",
            );
        },
    );
    row(
        ui,
        context.palette,
        "Exact when rendering offline",
        "A bounce waits for the analysis, so that there are no gaps",
        |ui| {
            let about = "Whether an offline render waits for the analysis instead of leaving gaps";
            if let Some(on) = switch(
                ui,
                context.palette,
                choice.exact_offline,
                "Exact when rendering offline",
                about,
            ) {
                choice.exact_offline = on;
            }
        },
    );
    row(
        ui,
        context.palette,
        "Start afresh",
        "Forget what was heard each time the transport starts",
        |ui| {
            let about = "Whether the history begins anew each time the transport starts";
            if let Some(on) = switch(
                ui,
                context.palette,
                choice.reset_on_start,
                "Start afresh",
                about,
            ) {
                choice.reset_on_start = on;
            }
        },
    );
    if choice != before {
        state.set(&choice);
        context.host.apply();
    }
}
