//! The analysis section: input, window, hop, smoothing and CPU share.

use egui::{Slider, Ui, WidgetInfo};

use crate::control::{segments, switch};
use crate::parameters::{
    self, CPU_SHARE_STEP_PERCENT, CPU_SHARES_PERCENT, HOP_STEP_S, HOPS_S, InputSource,
    ParameterChange, hop_from_s, hop_s_from_text, s_from_hop, stepped_hop_s, text_from_hop_s,
};
use crate::row::row;
use crate::state::{EngineChoice, LogChoice, ModelChoice};
use crate::view_context::ViewContext;

/// Draws the section.
pub(super) fn section(ui: &mut Ui, context: &ViewContext<'_>) {
    let values = context.parameters;
    let in_daw = context.host_panel.is_none();
    let words = SwitchWords {
        name: parameters::ANALYZE,
        line: if in_daw {
            "Audio passes untouched either way"
        } else {
            "Files play either way"
        },
        about: "Whether audio is analyzed",
    };
    if let Some(on) = switch_row(ui, context, values.analyze, &words) {
        context.host.change(ParameterChange::Analyze(on));
    }
    if in_daw {
        source(ui, context);
    }
    window(ui, context);
    hop(ui, context);
    let words = SwitchWords {
        name: parameters::SMOOTHING,
        line: "Over the last seconds of audio, so that single windows don't flicker",
        about: "Whether results are smoothed over audio time, or shown window by window",
    };
    if let Some(on) = switch_row(ui, context, values.smoothing, &words) {
        context.host.change(ParameterChange::Smoothing(on));
    }
    engine(ui, context);
    let log: LogChoice = context.host.state().get().unwrap_or_default();
    let words = SwitchWords {
        name: "Log",
        line: "One line of JSON per window, in the folder mertscope/logs of your data",
        about: "Whether results are written to a file",
    };
    if let Some(enabled) = switch_row(ui, context, log.enabled, &words) {
        context.host.state().set(&LogChoice { enabled });
    }
}

/// The words of a row with a switch.
struct SwitchWords {
    name: &'static str,
    /// Below the name.
    line: &'static str,
    /// In the tooltip.
    about: &'static str,
}

/// Draws a row with a switch; `Some` of the new value when it was flipped.
fn switch_row(
    ui: &mut Ui,
    context: &ViewContext<'_>,
    on: bool,
    words: &SwitchWords,
) -> Option<bool> {
    let SwitchWords { name, line, about } = words;
    row(ui, context.palette, name, line, |ui| {
        switch(ui, context.palette, on, name, about)
    })
}

fn source(ui: &mut Ui, context: &ViewContext<'_>) {
    let options = [
        (InputSource::Main, "Main", "The audio that passes through"),
        (
            InputSource::SideChain,
            "Side-chain",
            "The side-chain input, when the host connects one",
        ),
    ];
    let (palette, now) = (context.palette, context.parameters.source);
    let name = parameters::SOURCE;
    let chosen = row(ui, palette, name, "The input that is analyzed", |ui| {
        segments(ui, palette, now, &options)
    });
    if let Some(source) = chosen {
        context.host.change(ParameterChange::Source(source));
    }
}

/// The window's length, for a model that has several; while the model loads, only the chosen one.
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
    let about = "The length of audio per result; a shorter one gives results sooner and costs less";
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
            let slider = Slider::new(&mut hop_s, HOPS_S)
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

/// The rows about the engine's work, which the project keeps beside the parameters.
fn engine(ui: &mut Ui, context: &ViewContext<'_>) {
    let state = context.host.state();
    let before: EngineChoice = state.get().unwrap_or_default();
    let mut choice = before.clone();
    if let Some(share) = cpu_share(ui, context, choice.cpu_share) {
        choice.cpu_share = share;
    }
    let in_daw = context.host_panel.is_none();
    let words = SwitchWords {
        name: "Exact when rendering offline",
        line: "A bounce waits for the analysis, so that there are no gaps",
        about: "Whether an offline render waits for the analysis instead of leaving gaps",
    };
    if in_daw && let Some(on) = switch_row(ui, context, choice.exact_offline, &words) {
        choice.exact_offline = on;
    }
    let words = SwitchWords {
        name: "Follow the transport",
        line: "Hear nothing while the host's transport stands",
        about: "Whether music that passes while the transport stands is left out",
    };
    if in_daw && let Some(on) = switch_row(ui, context, choice.follow_transport, &words) {
        choice.follow_transport = on;
    }
    let words = SwitchWords {
        name: "Start afresh",
        line: if in_daw {
            "Clear the history each time the transport starts"
        } else {
            "Clear the history each time a file starts to play"
        },
        about: "Whether old results are cleared at each start",
    };
    if let Some(on) = switch_row(ui, context, choice.reset_on_start, &words) {
        choice.reset_on_start = on;
    }
    if choice != before {
        state.set(&choice);
        context.host.apply();
    }
}

/// Draws the slider of the CPU share; `Some` of the new share, 0 to 1, when it was moved.
fn cpu_share(ui: &mut Ui, context: &ViewContext<'_>, share: f32) -> Option<f32> {
    let name = "CPU share";
    row(
        ui,
        context.palette,
        name,
        "Of one processor core, at most",
        |ui| {
            let mut percent = (share * 100.0).round();
            let slider = Slider::new(&mut percent, CPU_SHARES_PERCENT)
                .step_by(CPU_SHARE_STEP_PERCENT)
                .fixed_decimals(0)
                .suffix(" %");
            let response = ui.add(slider);
            response.widget_info(|| WidgetInfo::slider(true, f64::from(percent), name));
            let changed = response.changed();
            response.on_hover_text(
                "The share of one core that analysis may take; the hop grows to keep it",
            );
            changed.then(|| percent / 100.0)
        },
    )
}
