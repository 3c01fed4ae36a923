//! The key panels: the ribbon of named keys, how sure it is, and the probabilities behind it.

use mertscope_audio::Status;
use mertscope_music::{Key, Mode, Notation};

use super::super::segments::{Segment, fold, merge};
use super::super::units::{percent, top, unheard_names};
use super::canvas::{Anchor, Canvas, Look, Px, Rect, Type};
use super::colors::{self, DIM, PANEL, TEXT, UNCLEAR};
use super::font::{Weight, width_px};
use super::samples::Sample;
use super::{
    CONFIDENCE, HEAT_MAP, Page, RIBBON, hatch_unheard, legend, notice, percent_axis, rect_path,
    title,
};

/// Stretches that the ribbon can show; shorter ones are folded into their neighbors.
const MOST_STRETCHES: usize = 350;
/// Steps of the heat map's color, so that equal neighbors merge.
const HEAT_LEVELS: usize = 32;
/// Size of the text on the ribbon, in pixels.
const LABEL_PX: f64 = 15.0;

/// Draws the three panels.
pub(crate) fn draw(canvas: &mut Canvas, page: &Page<'_>) {
    let is_heard = page.timeline.results.iter().any(|r| r.result.is_some());
    let has_key = page.samples.iter().any(|s| shown(s).is_some());
    title(
        canvas,
        RIBBON,
        "Key",
        "named where it is clear, and its probability",
    );
    title(
        canvas,
        HEAT_MAP,
        "Key probability",
        "of each window, by fifths",
    );
    if is_heard && !has_key {
        canvas.rect(CONFIDENCE, PANEL);
        notice(canvas, RIBBON, "this model has no key head");
        notice(canvas, HEAT_MAP, "this model has no key head");
        return;
    }
    for panel in [RIBBON, CONFIDENCE, HEAT_MAP] {
        canvas.rect(panel, PANEL);
    }
    ribbon(canvas, page);
    confidence(canvas, page);
    heat_map(canvas, page);
}

/// What the ribbon tells apart.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stretch {
    Unheard(Status),
    WindowResult(Option<Key>),
}

fn ribbon(canvas: &mut Canvas, page: &Page<'_>) {
    let stretches = merge(&page.timeline.results, |timed| match &timed.result {
        None => Stretch::Unheard(timed.status),
        Some(result) => Stretch::WindowResult(result.key_label),
    });
    let stretches = fold(stretches, MOST_STRETCHES);
    let place = |stretch: &Segment<Stretch>| {
        let left = page.axis.x_from_s(stretch.start_s).round();
        let right = page.axis.x_from_s(stretch.end_s).round();
        Rect::new(left, RIBBON.y, right - left, RIBBON.height)
    };
    for stretch in &stretches {
        match stretch.label {
            Stretch::WindowResult(Some(key)) => canvas.rect(place(stretch), &colors::key(key)),
            Stretch::WindowResult(None) => canvas.rect(place(stretch), UNCLEAR),
            Stretch::Unheard(_) => {}
        }
    }
    hatch_unheard(canvas, page, RIBBON);
    for stretch in &stretches {
        label(canvas, place(stretch), stretch.label);
    }
}

/// Writes what the stretch is, as fully as there is room for.
fn label(canvas: &mut Canvas, place: Rect, stretch: Stretch) {
    let (texts, fill, is_on_hatch) = match stretch {
        Stretch::WindowResult(Some(key)) => {
            let texts = vec![
                format!("{key}  {}", key.to_text(Notation::Camelot)),
                key.to_string(),
                short_name(key),
            ];
            (texts, colors::on_key(key), false)
        }
        Stretch::WindowResult(None) => {
            let texts = vec![
                "no clear key".to_owned(),
                "unclear".to_owned(),
                "?".to_owned(),
            ];
            (texts, TEXT, false)
        }
        Stretch::Unheard(status) => (
            unheard_names(status)
                .iter()
                .map(|s| (*s).to_owned())
                .collect(),
            TEXT,
            true,
        ),
    };
    let width = |text: &String| width_px(text, LABEL_PX, Weight::SemiBold);
    let Some(text) = texts.iter().find(|text| width(text) + 8.0 <= place.width) else {
        return;
    };
    if is_on_hatch {
        let width = width(text) + 12.0;
        let plate = Rect::new(place.center_x() - 0.5 * width, place.y + 9.0, width, 24.0);
        canvas.rounded(plate, 4.0, PANEL);
    }
    let look = Type::new(LABEL_PX, fill).bold().anchored(Anchor::Middle);
    canvas.text(place.center_x(), place.baseline(LABEL_PX), text, look);
}

/// The chord-like short form: `Am`, `C`.
fn short_name(key: Key) -> String {
    let suffix = match key.mode() {
        Mode::Major => "",
        Mode::Minor => "m",
    };
    format!("{}{suffix}", key.tonic_name())
}

/// The key probabilities that the answer rests on.
fn shown(sample: &Sample) -> Option<&[f32]> {
    sample.key_smoothed.as_deref().or(sample.key.as_deref())
}

/// An area for the most probable key's smoothed probability, a line for the windows' own.
fn confidence(canvas: &mut Canvas, page: &Page<'_>) {
    let y = |p: f32| CONFIDENCE.bottom() - f64::from(p) * CONFIDENCE.height;
    let (mut area, mut edge, mut own) = (String::new(), String::new(), String::new());
    let runs = page
        .samples
        .chunk_by(|a, b| shown(a).is_some() == shown(b).is_some());
    for run in runs {
        let points: Vec<_> = run
            .iter()
            .filter_map(|s| shown(s).and_then(top).map(|best| (s, best)))
            .collect();
        let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else {
            continue;
        };
        let (left, right) = (
            page.axis.x_from_s(first.start_s),
            page.axis.x_from_s(last.end_s),
        );
        let curve = |value: &dyn Fn(&Sample, usize, f32) -> f32| {
            let at = |&(s, (key, p)): &(&Sample, (usize, f32))| {
                (page.axis.x_from_s(s.center_s()), y(value(s, key, p)))
            };
            level_at_ends(points.iter().map(at).collect(), left, right)
        };
        let smoothed = curve(&|_, _, p| p);
        area += &format!("{smoothed}V{0}H{1}z", Px(CONFIDENCE.bottom()), Px(left));
        edge += &smoothed;
        if points
            .iter()
            .any(|(s, _)| s.key_smoothed.is_some() && s.key_smoothed != s.key)
        {
            own += &curve(&|s, key, p| s.key.as_ref().map_or(p, |own| own[key]));
        }
    }
    canvas.path(&area, Look::shaded(TEXT, 0.14));
    canvas.path(&own, Look::default().stroked(DIM, 1.2, 1.0));
    canvas.path(&edge, Look::default().stroked(TEXT, 1.8, 1.0));
    hatch_unheard(canvas, page, CONFIDENCE);
    percent_axis(canvas, CONFIDENCE, &[0.0, 1.0]);
    if !own.is_empty() {
        let entries = [("smoothed", TEXT), ("each window", DIM)];
        let entries = entries.map(|(name, fill)| (name.to_owned(), fill.to_owned()));
        legend(canvas, RIBBON, &entries);
    }
}

/// A path through `points` that begins at `left` and ends at `right`, level at both ends.
pub(crate) fn level_at_ends(points: Vec<(f64, f64)>, left: f64, right: f64) -> String {
    let mut d = String::new();
    if let Some((_, y)) = points.first() {
        d += &format!("M{} {}", Px(left), Px(*y));
    }
    for (x, y) in &points {
        d += &format!("L{} {}", Px(*x), Px(*y));
    }
    if !points.is_empty() {
        d += &format!("H{}", Px(right));
    }
    d
}

/// Keys from top to bottom: once around the Camelot wheel, each minor over its relative major.
fn rows() -> impl Iterator<Item = (usize, Key)> {
    (0..12)
        .flat_map(|hour| {
            // Camelot's 1 is B major, five fifths above C.
            let major = Key::new((hour + 5) * 7, Mode::Major);
            [major.relative(), major]
        })
        .enumerate()
}

fn heat_map(canvas: &mut Canvas, page: &Page<'_>) {
    let row_px = HEAT_MAP.height / Key::COUNT as f64;
    let mut levels = vec![String::new(); HEAT_LEVELS];
    for (row, key) in rows() {
        let y = HEAT_MAP.y + row as f64 * row_px;
        let level = |s: &Sample| {
            let p = s
                .key
                .as_deref()
                .or(shown(s))
                .map_or(0.0, |own| own[key.index()]);
            // The square root shows what is unlikely but not excluded.
            (f64::from(p).clamp(0.0, 1.0).sqrt() * (HEAT_LEVELS - 1) as f64).round() as usize
        };
        for run in page.samples.chunk_by(|a, b| level(a) == level(b)) {
            let left = page.axis.x_from_s(run[0].start_s).round();
            let right = page.axis.x_from_s(run[run.len() - 1].end_s).round();
            if level(&run[0]) > 0 {
                levels[level(&run[0])] += &rect_path(left, y, right - left, row_px);
            }
        }
        row_label(canvas, key, y + 0.5 * row_px + 4.0);
    }
    for (level, d) in levels.iter().enumerate() {
        let fill = colors::heat(level as f64 / (HEAT_LEVELS - 1) as f64);
        canvas.path(d, Look::filled(&fill).crisp());
    }
    hatch_unheard(canvas, page, HEAT_MAP);
    let swatches: Vec<_> = [0.01f32, 0.1, 0.25, 0.5, 1.0]
        .iter()
        .map(|p| (percent(*p), colors::heat(f64::from(*p).sqrt())))
        .collect();
    legend(canvas, HEAT_MAP, &swatches);
}

fn row_label(canvas: &mut Canvas, key: Key, baseline: f64) {
    let fill = match key.mode() {
        Mode::Major => TEXT,
        Mode::Minor => DIM,
    };
    let right = HEAT_MAP.x - 16.0;
    let look = Type::new(11.0, fill);
    canvas.text(
        right - 82.0,
        baseline,
        &key.to_text(Notation::Camelot),
        look,
    );
    canvas.text(
        right,
        baseline,
        &key.to_string(),
        look.anchored(Anchor::End),
    );
    let chip = Rect::new(right + 6.0, baseline - 10.0, 5.0, 12.0);
    canvas.rect(chip, &colors::key(key));
}
