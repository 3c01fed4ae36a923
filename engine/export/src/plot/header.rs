//! The top of the page: the file's name and its summary in two cards.

use mertscope_audio::Status;
use mertscope_heads::timeline::Timeline;
use mertscope_music::{Key, KeyAnswer, Notation, Standing, Tuning};

use super::super::units::{clock, finite_summary, key_and_camelot, percent};
use super::super::{AnalysisRun, FileReport};
use super::colors::{self, DIM, PANEL, RULE, TEXT, UNCLEAR};
use super::font::{elided, width_px};
use super::shapes::{Anchor, Canvas, Rect, TextStyle};
use super::{MARGIN, RIGHT};
use crate::palette::text_on;

const GENRE_CARD: Rect = Rect::new(RIGHT - 336.0, 36.0, 336.0, 116.0);
const KEY_CARD: Rect = Rect::new(GENRE_CARD.x - 16.0 - 400.0, 36.0, 400.0, 116.0);
/// Space between a card's edge and its text.
const INSET: f64 = 20.0;
/// Genres that the card names.
const TOP_GENRES: usize = 3;

/// Draws the file's name, its duration and the summary.
pub(crate) fn draw(canvas: &mut Canvas, run: &AnalysisRun, report: &FileReport) {
    let room = KEY_CARD.x - MARGIN - 32.0;
    let large = TextStyle::new(30.0, TEXT).bold();
    let style = if width_px(&report.file, large.size_px, large.weight) <= room {
        large
    } else {
        TextStyle::new(22.0, TEXT).bold()
    };
    let name = elided(&report.file, style.size_px, style.weight, room);
    canvas.text(MARGIN, 84.0, &name, style);
    let timeline = report.outcome.as_ref().ok();
    let summary = timeline.and_then(|timeline| timeline.summary());
    let summary = summary.map(finite_summary);
    let tuning = summary.as_ref().and_then(|summary| summary.tuning);
    let subtitle = subtitle(report, tuning);
    canvas.text(MARGIN, 116.0, &subtitle, TextStyle::new(16.0, DIM));

    let Some(timeline) = timeline else {
        return;
    };
    card(canvas, KEY_CARD, "KEY");
    card(canvas, GENRE_CARD, "GENRE");
    match &summary {
        None => {
            nothing(canvas, KEY_CARD, "nothing analyzed");
            nothing(canvas, GENRE_CARD, "nothing analyzed");
        }
        Some(summary) => {
            match &summary.key {
                Some(key) => {
                    key_card(canvas, &key.answer);
                    calibration(canvas, run, "key", KEY_CARD);
                }
                None => nothing(canvas, KEY_CARD, "no key head"),
            }
            if summary.genre.is_empty() {
                nothing(canvas, GENRE_CARD, "no genre head");
            } else {
                genre_card(canvas, timeline, &summary.genre);
                calibration(canvas, run, "genre", GENRE_CARD);
            }
        }
    }
}

/// Duration and number of windows, with those that have no result, and a clear tuning:
/// `3:42 · 218 windows, 4 silent · +32 cents`.
fn subtitle(report: &FileReport, tuning: Option<Tuning>) -> String {
    let mut parts: Vec<String> = report.duration_s.map(clock).into_iter().collect();
    if let Ok(timeline) = &report.outcome {
        let results = &timeline.results;
        let mut windows = match results.len() {
            1 => "1 window".to_owned(),
            count => format!("{count} windows"),
        };
        for (status, word) in [
            (Status::Silent, "silent"),
            (Status::Gap, "with gaps"),
            (Status::Invalid, "invalid"),
            (Status::Failed, "failed"),
        ] {
            let count = results.iter().filter(|r| r.status == status).count();
            if count > 0 {
                windows += &format!(", {count} {word}");
            }
        }
        parts.push(windows);
    }
    let tuning = tuning.filter(|tuning| tuning.is_clear());
    parts.extend(tuning.map(|tuning| tuning.to_string()));
    parts.join("  ·  ")
}

fn card(canvas: &mut Canvas, card: Rect, name: &str) {
    canvas.rounded(card, 8.0, PANEL);
    let style = TextStyle::new(11.5, DIM).bold();
    canvas.text(card.x + INSET, card.y + 28.0, name, style);
}

/// Says so when the figures of a card were not fitted to be true.
fn calibration(canvas: &mut Canvas, run: &AnalysisRun, task: &str, card: Rect) {
    if run.head(task).is_some_and(|head| !head.calibrated) {
        let at_right = TextStyle::new(12.5, DIM).anchored(Anchor::End);
        let y = card.bottom() - 8.0;
        canvas.text(card.right() - INSET, y, "not calibrated", at_right);
    }
}

fn nothing(canvas: &mut Canvas, card: Rect, text: &str) {
    canvas.text(
        card.x + INSET,
        card.y + 70.0,
        text,
        TextStyle::new(20.0, DIM),
    );
}

fn key_card(canvas: &mut Canvas, key: &KeyAnswer) {
    let (left, right) = (KEY_CARD.x + INSET, KEY_CARD.right() - INSET);
    let big = KEY_CARD.y + 68.0;
    let at_right = |size_px, fill| TextStyle::new(size_px, fill).anchored(Anchor::End);
    let (second, probability) = key.runner_up;
    let second = format!("{}  {}", key_and_camelot(second), percent(probability));
    let (best, _) = key.best;
    let (caption, line) = match key.standing {
        Standing::Named => {
            let label = best;
            let (name, style) = (label.to_string(), TextStyle::new(36.0, TEXT).bold());
            canvas.text(left, big, &name, style);
            let width = width_px(&name, style.size_px, style.weight);
            camelot(canvas, left + width + 14.0, big, label);
            ("probability", format!("runner-up {second}"))
        }
        Standing::Pair => {
            let name = format!("{best} or {}?", key.runner_up.0);
            canvas.text(left, big, &name, TextStyle::new(24.0, DIM).bold());
            // The name has both keys, and the value beside it is the first one's.
            let camelot = |key: Key| key.to_text(Notation::Camelot);
            let both = format!("{} or {}", camelot(best), camelot(key.runner_up.0));
            let line = format!("{both}, the second {}", percent(probability));
            ("probability of the first", line)
        }
        Standing::Unclear => {
            canvas.text(left, big, "no clear key", TextStyle::new(32.0, DIM).bold());
            let best = key_and_camelot(best);
            ("best guess", format!("{best}, then {second}"))
        }
    };
    canvas.text(right, KEY_CARD.y + 28.0, caption, at_right(12.5, DIM));
    let value = percent(key.best.1);
    canvas.text(right, big, &value, at_right(32.0, TEXT).bold());
    canvas.text(left, KEY_CARD.y + 98.0, &line, TextStyle::new(14.0, DIM));
    let fill = key.named().map_or(UNCLEAR, colors::key);
    let edge = Rect::new(KEY_CARD.x, KEY_CARD.y + 14.0, 5.0, KEY_CARD.height - 28.0);
    canvas.rounded(edge, 2.5, fill);
}

/// The key's place on the Camelot wheel, as a badge on the text's baseline.
fn camelot(canvas: &mut Canvas, x: f64, baseline: f64, key: Key) {
    let text = key.to_text(Notation::Camelot);
    let fill = colors::key(key);
    let style = TextStyle::new(17.0, text_on(fill)).bold();
    let width = width_px(&text, style.size_px, style.weight) + 18.0;
    let badge = Rect::new(x, baseline - 27.0, width, 28.0);
    canvas.rounded(badge, 6.0, fill);
    let centered = style.anchored(Anchor::Middle);
    canvas.text(badge.center_x(), badge.baseline(17.0), &text, centered);
}

fn genre_card(canvas: &mut Canvas, timeline: &Timeline, genres: &[(String, f32)]) {
    let (left, right) = (GENRE_CARD.x + INSET, GENRE_CARD.right() - INSET);
    let bar = (left + 104.0, right - 58.0);
    for (row, (label, probability)) in genres.iter().take(TOP_GENRES).enumerate() {
        let baseline = GENRE_CARD.y + 52.0 + 24.0 * row as f64;
        let style = if row == 0 {
            TextStyle::new(15.0, TEXT).bold()
        } else {
            TextStyle::new(15.0, DIM)
        };
        let name = elided(label, style.size_px, style.weight, bar.0 - left - 10.0);
        canvas.text(left, baseline, &name, style);
        canvas.text(
            right,
            baseline,
            &percent(*probability),
            style.anchored(Anchor::End),
        );
        let track = Rect::new(bar.0, baseline - 9.0, bar.1 - bar.0, 8.0);
        canvas.rounded(track, 4.0, RULE);
        let index = timeline.genre_labels.iter().position(|l| l == label);
        let width = track.width * f64::from(*probability);
        if width >= 1.0 {
            let fill = colors::genre(&timeline.genre_labels, index.unwrap_or(0));
            canvas.rounded(Rect { width, ..track }, width.min(8.0) / 2.0, fill);
        }
    }
}
