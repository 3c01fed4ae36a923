//! The picture of one file: key, key probabilities and genre over time, with the summary above.
//!
//! A page of [`WIDTH`] × [`HEIGHT`] logical pixels is laid out as shapes with values for paths and
//! colors. [`svg`] writes them as a document, [`png`] paints them at twice their size with the embedded
//! typeface. Neighboring windows that the page has no room for are averaged, so a picture of
//! hours is as small as one of minutes.
//!
//! ```
//! use mertscope_export::{AnalysisRun, FileReport, plot};
//!
//! let run = AnalysisRun { model_id: "embedded".to_owned(), ..AnalysisRun::default() };
//! let report = FileReport {
//!     file: "song.flac".to_owned(),
//!     duration_s: None,
//!     notices: Vec::new(),
//!     outcome: Err("song.flac is not there; check its name.".to_owned()),
//! };
//! let svg = plot::svg(&run, &report);
//! assert!(svg.starts_with("<svg") && svg.contains("song.flac is not there"));
//! let png = plot::png(&run, &report)?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), plot::PlotError>(())
//! ```

use kurbo::BezPath;

use mertscope_heads::timeline::{TimedResult, Timeline, WindowResult};

use super::segments::{Segment, merge};
use super::units::percent;
use super::{AnalysisRun, FileReport};
use crate::palette::Color;
use axis::{LABEL_PX, TimeAxis};
use colors::{DIM, GRID, GROUND, PANEL, RULE, TEXT};
use font::Weight;
use samples::{Sample, thinned};
use shapes::{Anchor, Canvas, PathStyle, Rect, TextStyle};

mod axis;
mod colors;
pub mod confusion;
mod font;
mod genre;
mod header;
mod key;
mod raster;
pub mod risk;
mod samples;
mod shapes;
mod svg;

/// Width of the page, in logical pixels.
pub const WIDTH: f64 = 1600.0;
/// Height of the page, in logical pixels.
pub const HEIGHT: f64 = 900.0;

/// Margin at both sides of the page.
const MARGIN: f64 = 48.0;
/// Left edge of the panels; their labels stand to the left of it.
const LEFT: f64 = 148.0;
/// Right edge of the panels.
const RIGHT: f64 = WIDTH - MARGIN;
/// Most samples across a panel: one per two pixels.
const MOST_SAMPLES: usize = ((RIGHT - LEFT) / 2.0) as usize;

const RIBBON: Rect = panel(202.0, 42.0);
const CONFIDENCE: Rect = panel(250.0, 46.0);
const HEAT_MAP: Rect = panel(342.0, 288.0);
const GENRE: Rect = panel(676.0, 124.0);
/// The sentence that replaces the panels when there is nothing to draw.
const WHOLE: Rect = Rect::new(MARGIN, RIBBON.y, RIGHT - MARGIN, GENRE.bottom() - RIBBON.y);
/// Baseline of the time axis' labels.
const TIME_BASELINE: f64 = 824.0;
const FOOTER_RULE: f64 = 848.0;
const FOOTER_BASELINE: f64 = 874.0;

const fn panel(y: f64, height: f64) -> Rect {
    Rect::new(LEFT, y, RIGHT - LEFT, height)
}

/// Why there is no PNG.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// Memory is too short for the pixels.
    #[error("There is not enough memory to draw the plot; close some programs and try again.")]
    Memory,
    /// The pixels could not be packed.
    #[error("The plot could not be packed as PNG ({0}); please report it.")]
    Png(String),
}

/// The data that the panels draw.
struct Page<'a> {
    timeline: &'a Timeline,
    samples: Vec<Sample>,
    axis: TimeAxis,
    /// Stretches in which nothing was analyzed, in seconds.
    skipped: Vec<(f64, f64)>,
}

/// What a picture shows of a window, for those who keep a long file's windows.
#[must_use]
pub fn shown(timed: &TimedResult) -> TimedResult {
    let result = timed.result.as_ref().map(|result| WindowResult {
        genre: result.genre.clone(),
        key: result.key,
        genre_smoothed: result.genre_smoothed.clone(),
        key_smoothed: result.key_smoothed,
        key_answer: result.key_answer,
        tuning: result.tuning,
        ..WindowResult::default()
    });
    TimedResult { result, ..*timed }
}

/// The picture as an SVG document, under 1 MB for any length.
#[must_use]
pub fn svg(run: &AnalysisRun, report: &FileReport) -> String {
    svg::document(&page(run, report))
}

/// The picture as a PNG file, at twice its logical size.
///
/// # Errors
/// When memory is short.
pub fn png(run: &AnalysisRun, report: &FileReport) -> Result<Vec<u8>, PlotError> {
    raster::png(&page(run, report))
}

/// The shapes of the page.
fn page(run: &AnalysisRun, report: &FileReport) -> Canvas {
    let nothing = Timeline::default();
    let timeline = report.outcome.as_ref().unwrap_or(&nothing);
    let start_s = timeline.results.first().map_or(0.0, |r| r.start_s);
    let last_s = timeline.results.last().map_or(0.0, |r| r.end_s);
    let duration_s = report.duration_s.unwrap_or(last_s - start_s);
    let page = Page {
        timeline,
        samples: thinned(timeline, MOST_SAMPLES),
        axis: TimeAxis {
            left: LEFT,
            right: RIGHT,
            start_s,
            // A page without audio still needs an axis.
            duration_s: if duration_s > 0.0 { duration_s } else { 1.0 },
        },
        skipped: skipped(&timeline.results),
    };

    let mut canvas = Canvas::new(format!("{}: key and genre over time", report.file));
    canvas.rect(Rect::new(0.0, 0.0, WIDTH, HEIGHT), GROUND);
    header::draw(&mut canvas, run, report);
    match &report.outcome {
        Err(error) => notice(&mut canvas, WHOLE, error),
        Ok(timeline) if timeline.results.is_empty() => {
            notice(&mut canvas, WHOLE, "no window to analyze");
        }
        Ok(_) => {
            key::draw(&mut canvas, &page);
            genre::draw(&mut canvas, &page);
            time_axis(&mut canvas, &page.axis);
        }
    }
    footer(&mut canvas, run);
    canvas
}

/// Stretches in which nothing was analyzed, joined when less than a pixel lies between them.
fn skipped(results: &[TimedResult]) -> Vec<(f64, f64)> {
    let ends = results.first().zip(results.last());
    let total_s = ends.map_or(0.0, |(first, last)| last.end_s - first.start_s);
    let pixel_s = total_s / (RIGHT - LEFT);
    let mut joined: Vec<(f64, f64)> = Vec::new();
    let segments = merge(results, |r| r.result.is_some());
    for Segment { start_s, end_s, .. } in segments.into_iter().filter(|s| !s.label) {
        match joined.last_mut() {
            Some(last) if start_s - last.1 < pixel_s => last.1 = end_s,
            _ => joined.push((start_s, end_s)),
        }
    }
    joined
}

/// Hatches the page's skipped stretches across `panel`, each at least 2 px wide.
fn hatch_skipped(canvas: &mut Canvas, page: &Page<'_>, panel: Rect) {
    let mut path = BezPath::new();
    for &(start_s, end_s) in &page.skipped {
        let (left, right) = (page.axis.x_from_s(start_s), page.axis.x_from_s(end_s));
        Rect::new(left, panel.y, (right - left).max(2.0), panel.height).add_to(&mut path);
    }
    canvas.path(path, PathStyle::hatched().crisp());
}

/// Draws a panel that shows only a sentence.
fn notice(canvas: &mut Canvas, panel: Rect, text: &str) {
    canvas.rounded(panel, 3.0, PANEL);
    let style = TextStyle::new(16.0, DIM).anchored(Anchor::Middle);
    let text = font::elided(text, 16.0, style.weight, panel.width - 48.0);
    canvas.text(panel.center_x(), panel.baseline(16.0), &text, style);
}

/// Writes a panel's title over its left edge, with dimmer words behind it.
fn title(canvas: &mut Canvas, panel: Rect, title: &str, aside: &str) {
    let (y, style) = (panel.y - 11.0, TextStyle::new(15.0, TEXT).bold());
    canvas.text(panel.x, y, title, style);
    let width = font::width_px(title, style.size_px, style.weight);
    canvas.text(panel.x + width + 12.0, y, aside, TextStyle::new(13.0, DIM));
}

/// Draws swatches with their names, ending at the panel's right edge, on its title's line.
fn legend(canvas: &mut Canvas, panel: Rect, entries: &[(String, Color)]) {
    let (size_px, swatch_px) = (12.5, 11.0);
    let baseline = panel.y - 11.0;
    let mut right = panel.right();
    for (name, fill) in entries.iter().rev() {
        canvas.text(
            right,
            baseline,
            name,
            TextStyle::new(size_px, DIM).anchored(Anchor::End),
        );
        right -= font::width_px(name, size_px, Weight::Regular) + swatch_px + 6.0;
        canvas.rounded(
            Rect::new(right, baseline - 9.5, swatch_px, swatch_px),
            2.0,
            *fill,
        );
        right -= 16.0;
    }
}

/// Writes the labels of a 0–100 % axis at the panel's left edge.
fn percent_axis(canvas: &mut Canvas, panel: Rect, shares: &[f32]) {
    for &share in shares {
        let y = panel.bottom() - f64::from(share) * panel.height;
        // Labels of the ends stay inside the panel's height, away from their neighbors.
        let baseline = (y + 4.0).clamp(panel.y + 9.0, panel.bottom());
        let style = TextStyle::new(12.0, DIM).anchored(Anchor::End);
        canvas.text(panel.x - 10.0, baseline, &percent(share), style);
    }
}

/// Draws gridlines through all panels and the labels below them.
fn time_axis(canvas: &mut Canvas, axis: &TimeAxis) {
    let bottom = GENRE.bottom();
    let mut grid = BezPath::new();
    for (time_s, label) in axis.ticks() {
        let x = axis.x_from_s(time_s).floor() + 0.5;
        for panel in [RIBBON, CONFIDENCE, HEAT_MAP, GENRE] {
            grid.move_to((x, panel.y));
            grid.line_to((x, panel.bottom()));
        }
        canvas.line((x, bottom), (x, bottom + 6.0), DIM);
        let width = font::width_px(&label, LABEL_PX, Weight::Regular);
        // The first and the last stay within the panels instead of hanging over the margins.
        let center = x.clamp(LEFT + 0.5 * width, RIGHT - 0.5 * width);
        let style = TextStyle::new(LABEL_PX, DIM).anchored(Anchor::Middle);
        canvas.text(center, TIME_BASELINE, &label, style);
    }
    canvas.path(grid, PathStyle::default().stroked(GRID, 1.0, 0.09));
    canvas.text(
        MARGIN,
        TIME_BASELINE,
        axis.title(),
        TextStyle::new(12.0, DIM),
    );
}

fn footer(canvas: &mut Canvas, run: &AnalysisRun) {
    canvas.line((MARGIN, FOOTER_RULE), (RIGHT, FOOTER_RULE), RULE);
    let text = format!(
        "Model {}  ·  window {} s  ·  hop {} s  ·  {}, {}",
        run.model_id, run.window_s, run.hop_s, run.device, run.precision
    );
    let text = font::elided(&text, 12.5, Weight::Regular, RIGHT - MARGIN - 140.0);
    canvas.text(MARGIN, FOOTER_BASELINE, &text, TextStyle::new(12.5, DIM));
    let style = TextStyle::new(12.5, DIM).bold().anchored(Anchor::End);
    canvas.text(RIGHT, FOOTER_BASELINE, "Mertscope", style);
}

#[cfg(test)]
mod tests;
