//! The key panels: the ribbon of named keys, their probability, and the probabilities of all keys.

use kurbo::BezPath;

use mertscope_audio::Status;
use mertscope_music::{Key, Mode, Notation};

use super::super::segments::{Segment, fold, merge};
use super::super::units::{percent, skipped_names, tentative, top};
use super::colors::{self, DIM, PANEL, TEXT, UNCLEAR};
use super::font::{Weight, width_px};
use super::samples::Sample;
use super::shapes::{Anchor, Canvas, PathStyle, Rect, TextStyle};
use super::{
    CONFIDENCE, HEAT_MAP, Page, RIBBON, hatch_skipped, legend, notice, percent_axis, title,
};
use crate::palette::text_on;

/// Stretches that the ribbon can show; shorter ones are folded into their neighbors.
const MOST_STRETCHES: usize = 350;
/// Steps of the heat map's color, so that equal neighbors merge.
const HEAT_LEVELS: usize = 32;
/// Size of the text on the ribbon, in pixels.
const LABEL_PX: f64 = 15.0;

/// Draws the three panels.
pub(crate) fn draw(canvas: &mut Canvas, page: &Page<'_>) {
    let is_analyzed = page.timeline.results.iter().any(|r| r.result.is_some());
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
    if is_analyzed && !has_key {
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

/// A stretch of the ribbon.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stretch {
    /// Nothing was analyzed, for this reason.
    Skipped(Status),
    /// The key that is named; `None` when no key is clear.
    Key(Option<Key>),
    /// A tentative pair, in the order of [`Key::index`].
    Pair([Key; 2]),
}

fn ribbon(canvas: &mut Canvas, page: &Page<'_>) {
    let stretches = merge(&page.timeline.results, |timed| match &timed.result {
        None => Stretch::Skipped(timed.status),
        Some(result) => tentative(result).map_or(Stretch::Key(result.key_label()), Stretch::Pair),
    });
    let stretches = fold(stretches, MOST_STRETCHES);
    let place = |stretch: &Segment<Stretch>| {
        let left = page.axis.x_from_s(stretch.start_s).round();
        let right = page.axis.x_from_s(stretch.end_s).round();
        Rect::new(left, RIBBON.y, right - left, RIBBON.height)
    };
    for stretch in &stretches {
        match stretch.label {
            Stretch::Key(Some(key)) => canvas.rect(place(stretch), colors::key(key)),
            Stretch::Key(None) | Stretch::Pair(_) => canvas.rect(place(stretch), UNCLEAR),
            Stretch::Skipped(_) => {}
        }
    }
    hatch_skipped(canvas, page, RIBBON);
    for stretch in &stretches {
        label(canvas, place(stretch), stretch.label);
    }
}

/// Writes the longest name of the stretch that has room in it.
fn label(canvas: &mut Canvas, place: Rect, stretch: Stretch) {
    let (texts, fill, is_on_hatch) = match stretch {
        Stretch::Key(Some(key)) => {
            let texts = vec![
                format!("{key}  {}", key.to_text(Notation::Camelot)),
                key.to_string(),
                short_name(key),
            ];
            (texts, text_on(colors::key(key)), false)
        }
        Stretch::Pair([one, other]) => {
            let texts = vec![
                format!("{one} or {other}?"),
                format!("{} or {}?", short_name(one), short_name(other)),
                format!("{}/{}", short_name(one), short_name(other)),
                "?".to_owned(),
            ];
            (texts, TEXT, false)
        }
        Stretch::Key(None) => {
            let texts = vec![
                "no clear key".to_owned(),
                "unclear".to_owned(),
                "?".to_owned(),
            ];
            (texts, TEXT, false)
        }
        Stretch::Skipped(status) => (
            skipped_names(status)
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
    let style = TextStyle::new(LABEL_PX, fill)
        .bold()
        .anchored(Anchor::Middle);
    canvas.text(place.center_x(), place.baseline(LABEL_PX), text, style);
}

/// The chord-like short form: `Am`, `C`.
fn short_name(key: Key) -> String {
    let suffix = match key.mode() {
        Mode::Major => "",
        Mode::Minor => "m",
    };
    format!("{}{suffix}", key.tonic_name())
}

/// The key probabilities that the ribbon rests on.
fn shown(sample: &Sample) -> Option<&[f32]> {
    sample.key_smoothed.as_deref().or(sample.key.as_deref())
}

/// The curves of the confidence panel.
#[derive(Default)]
struct Curves {
    /// The smoothed probability of the most probable key.
    smoothed: BezPath,
    /// The area below it.
    area: BezPath,
    /// The same key's probability in each window, when it differs.
    own: BezPath,
}

impl Curves {
    /// Appends a run of neighboring samples that all have probabilities, or none.
    fn add(&mut self, page: &Page<'_>, run: &[Sample]) {
        let best = |s: &Sample| shown(s).and_then(top);
        let points: Vec<_> = run.iter().filter_map(|s| Some((s, best(s)?))).collect();
        let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else {
            return;
        };
        let left = page.axis.x_from_s(first.start_s);
        let right = page.axis.x_from_s(last.end_s);
        let curve = |value: &dyn Fn(&Sample, usize, f32) -> f32| {
            let at = |&(s, (key, p)): &(&Sample, (usize, f32))| {
                let share = f64::from(value(s, key, p));
                let y = CONFIDENCE.bottom() - share * CONFIDENCE.height;
                (page.axis.x_from_s(s.center_s()), y)
            };
            level_at_ends(points.iter().map(at), left, right)
        };
        let smoothed = curve(&|_, _, p| p);
        self.area
            .extend(down_to(&smoothed, CONFIDENCE.bottom(), left));
        self.smoothed.extend(&smoothed);
        let is_smoothed = |s: &Sample| s.key_smoothed.is_some() && s.key_smoothed != s.key;
        if points.iter().any(|(s, _)| is_smoothed(s)) {
            let own = |s: &Sample, key: usize, p| s.key.as_ref().map_or(p, |own| own[key]);
            self.own.extend(&curve(&own));
        }
    }
}

/// Draws an area for the most probable key's smoothed probability, and a line for the windows' own.
fn confidence(canvas: &mut Canvas, page: &Page<'_>) {
    let mut curves = Curves::default();
    let has_key = |s: &Sample| shown(s).is_some();
    for run in page.samples.chunk_by(|a, b| has_key(a) == has_key(b)) {
        curves.add(page, run);
    }
    let has_own = !curves.own.elements().is_empty();
    canvas.path(curves.area, PathStyle::shaded(TEXT, 0.14));
    canvas.path(curves.own, PathStyle::default().stroked(DIM, 1.2, 1.0));
    canvas.path(
        curves.smoothed,
        PathStyle::default().stroked(TEXT, 1.8, 1.0),
    );
    hatch_skipped(canvas, page, CONFIDENCE);
    percent_axis(canvas, CONFIDENCE, &[0.0, 1.0]);
    if has_own {
        let entries = [("smoothed", TEXT), ("each window", DIM)];
        let entries = entries.map(|(name, fill)| (name.to_owned(), fill));
        legend(canvas, RIBBON, &entries);
    }
}

/// A path through `points` that ends at `right`; it begins at `left` and is level at both ends.
pub(crate) fn level_at_ends(
    points: impl Iterator<Item = (f64, f64)>,
    left: f64,
    right: f64,
) -> BezPath {
    let mut path = BezPath::new();
    let mut end_y = None;
    for (x, y) in points {
        if end_y.is_none() {
            path.move_to((left, y));
        }
        path.line_to((x, y));
        end_y = Some(y);
    }
    if let Some(y) = end_y {
        path.line_to((right, y));
    }
    path
}

/// The area between a path that begins at `left` and a level below it.
pub(crate) fn down_to(path: &BezPath, bottom: f64, left: f64) -> BezPath {
    let mut area = path.clone();
    if let Some(end) = path.elements().last().and_then(|last| last.end_point()) {
        area.line_to((end.x, bottom));
        area.line_to((left, bottom));
        area.close_path();
    }
    area
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
    let mut levels = vec![BezPath::new(); HEAT_LEVELS];
    for (row, key) in rows() {
        let y = HEAT_MAP.y + row as f64 * row_px;
        let level = |s: &Sample| {
            let p = s
                .key
                .as_deref()
                .or(shown(s))
                .map_or(0.0, |own| own[key.index()]);
            // The square root shows keys that are unlikely but not excluded.
            (f64::from(p).clamp(0.0, 1.0).sqrt() * (HEAT_LEVELS - 1) as f64).round() as usize
        };
        for run in page.samples.chunk_by(|a, b| level(a) == level(b)) {
            let left = page.axis.x_from_s(run[0].start_s).round();
            let right = page.axis.x_from_s(run[run.len() - 1].end_s).round();
            if level(&run[0]) > 0 {
                let cell = Rect::new(left, y, right - left, row_px);
                cell.add_to(&mut levels[level(&run[0])]);
            }
        }
        row_label(canvas, key, y + 0.5 * row_px + 4.0);
    }
    for (level, path) in levels.into_iter().enumerate() {
        let fill = colors::heat(level as f64 / (HEAT_LEVELS - 1) as f64);
        canvas.path(path, PathStyle::filled(fill).crisp());
    }
    hatch_skipped(canvas, page, HEAT_MAP);
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
    let style = TextStyle::new(11.0, fill);
    canvas.text(
        right - 82.0,
        baseline,
        &key.to_text(Notation::Camelot),
        style,
    );
    canvas.text(
        right,
        baseline,
        &key.to_string(),
        style.anchored(Anchor::End),
    );
    let chip = Rect::new(right + 6.0, baseline - 10.0, 5.0, 12.0);
    canvas.rect(chip, colors::key(key));
}
