//! The answer to the question for the key, in words: what is copied, and what its figure promises.

use mertscope_heads::head::HeadInfo;
use mertscope_music::{Key, KeyAnswer, Standing};

use crate::text;
use crate::view_context::ViewContext;

/// The answer that is shown; `None` without a result or a key head.
pub(crate) fn shown(context: &ViewContext<'_>) -> Option<KeyAnswer> {
    context.result()?.key_answer
}

/// The keys that an answer shows: one, two, or none.
pub(crate) fn keys(answer: &KeyAnswer) -> Vec<Key> {
    match answer.standing {
        Standing::Named => vec![answer.best.0],
        Standing::Pair => vec![answer.best.0, answer.runner_up.0],
        Standing::Unclear => Vec::new(),
    }
}

/// The shown key for the clipboard, in the notation that is shown; `None` while no key is clear.
pub(crate) fn copied(context: &ViewContext<'_>) -> Option<String> {
    let keys = keys(&shown(context)?);
    let names = keys
        .iter()
        .map(|key| key.to_text(context.parameters.notation));
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then(|| names.join(" or "))
}

/// A key with its probability, in the notation that is shown.
pub(crate) fn guess(context: &ViewContext<'_>, (key, probability): (Key, f32)) -> String {
    let key = key.to_text(context.parameters.notation);
    format!("{key} {}", text::percent(probability))
}

/// An answer in a line, with the runner-up.
pub(crate) fn line(context: &ViewContext<'_>, answer: &KeyAnswer) -> String {
    let [best, second] = [answer.best, answer.runner_up].map(|of| guess(context, of));
    match answer.standing {
        Standing::Named => format!("{best}, then {second}"),
        Standing::Pair => format!("{best} or {second}?"),
        Standing::Unclear => format!("No clear key ({best}, {second})"),
    }
}

/// Whether the figures of the head for this task are not calibrated.
pub(crate) fn is_uncalibrated(context: &ViewContext<'_>, task: &str) -> bool {
    let running = context.snapshot.model.running.as_ref();
    let head: Option<&HeadInfo> = running.and_then(|running| match task {
        "key" => running.key_head.as_ref(),
        _ => running.genre_head.as_ref(),
    });
    head.is_some_and(|head| !head.is_calibrated)
}

/// What the figure beside an answer promises.
pub(crate) fn promise(context: &ViewContext<'_>, answer: &KeyAnswer) -> String {
    let meaning = match answer.standing {
        Standing::Named => "",
        Standing::Pair => {
            "A question, since neither key is sure enough yet: the two most probable keys.\n"
        }
        Standing::Unclear => "No key stands out: these are only the best two guesses.\n",
    };
    let percent = text::percent(answer.best.1);
    let figure = if is_uncalibrated(context, "key") {
        format!(
            "Not calibrated: this head's figures were not held against music, so {percent} may be right more or \
             less often than that."
        )
    } else if !context.parameters.smoothing {
        format!("{percent}: the figure of the last window by itself, because smoothing is off.")
    } else {
        let rights = (answer.best.1.clamp(0.0, 1.0) * 100.0).round();
        format!("{percent}: of a hundred answers with this figure, about {rights} are right.")
    };
    format!("{meaning}{figure}")
}
