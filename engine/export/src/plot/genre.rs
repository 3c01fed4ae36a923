//! The genre panel: probabilities stacked over time.

use super::colors::{self, GROUND, PANEL, UNCLEAR};
use super::font::{Weight, width_px};
use super::key::{down_to, level_at_ends};
use super::samples::Sample;
use super::shapes::{Anchor, Canvas, PathStyle, TextStyle};
use super::{GENRE, Page, hatch_skipped, legend, notice, percent_axis, title};
use crate::palette::{Color, GENRE_COUNT, are_styles, text_on};

/// Size of the names inside the bands, in pixels.
const LABEL_PX: f64 = 13.0;

/// One color of the stack.
struct Band {
    name: String,
    fill: Color,
    /// Indices of the labels that it adds up.
    labels: Vec<usize>,
}

/// Draws the panel.
pub(crate) fn draw(canvas: &mut Canvas, page: &Page<'_>) {
    let is_analyzed = page.timeline.results.iter().any(|r| r.result.is_some());
    title(canvas, GENRE, "Genre", "probability");
    if is_analyzed && page.samples.iter().all(|s| s.genre.is_none()) {
        notice(canvas, GENRE, "this model has no genre head");
        return;
    }
    canvas.rect(GENRE, PANEL);
    let bands = bands(page);
    for run in page
        .samples
        .chunk_by(|a, b| a.genre.is_some() == b.genre.is_some())
    {
        if run[0].genre.is_some() {
            stack(canvas, page, run, &bands);
        }
    }
    hatch_skipped(canvas, page, GENRE);
    percent_axis(canvas, GENRE, &[0.0, 0.5, 1.0]);
    let mut entries: Vec<_> = bands.iter().collect();
    entries.sort_by_key(|band| band.labels[0]);
    let entries: Vec<_> = entries
        .iter()
        .map(|band| (band.name.clone(), band.fill))
        .collect();
    legend(canvas, GENRE, &entries);
}

/// The bands from the bottom up, the most probable genre first. When there are more genres than
/// colors, the least probable ones are one band, “other”.
fn bands(page: &Page<'_>) -> Vec<Band> {
    let labels = &page.timeline.genre_labels;
    let mut mean = vec![0.0f32; labels.len()];
    for genre in page.samples.iter().filter_map(|s| s.genre.as_ref()) {
        mean.iter_mut().zip(genre).for_each(|(sum, p)| *sum += p);
    }
    let mut ranked: Vec<usize> = (0..labels.len()).collect();
    ranked.sort_by(|&a, &b| mean[b].total_cmp(&mean[a]));
    let is_crowded = labels.len() > GENRE_COUNT;
    let others = ranked.split_off(ranked.len().min(if is_crowded {
        GENRE_COUNT - 1
    } else {
        GENRE_COUNT
    }));
    let mut bands: Vec<Band> = ranked
        .iter()
        .enumerate()
        .map(|(rank, &label)| {
            // Labels without a color of their own have one by rank, so that no two bands share it.
            let by_rank = is_crowded && !are_styles(labels);
            let place = if by_rank { rank } else { label };
            let fill = colors::genre(labels, place);
            Band {
                name: labels[label].clone(),
                fill,
                labels: vec![label],
            }
        })
        .collect();
    if !others.is_empty() {
        bands.push(Band {
            name: "other".to_owned(),
            fill: UNCLEAR,
            labels: others,
        });
    }
    bands
}

/// The place of a sample.
struct Place {
    /// Left edge, in pixels.
    left: f64,
    /// Right edge, in pixels.
    right: f64,
    /// Whether no hatching lies over it.
    is_clear: bool,
}

/// Draws a run of samples that all have values.
fn stack(canvas: &mut Canvas, page: &Page<'_>, run: &[Sample], bands: &[Band]) {
    let is_hatched = |s: &Sample| {
        let overlaps = |&(start_s, end_s): &(f64, f64)| start_s < s.end_s && end_s > s.start_s;
        page.skipped.iter().any(overlaps)
    };
    let place = |s: &Sample| Place {
        left: page.axis.x_from_s(s.start_s),
        right: page.axis.x_from_s(s.end_s),
        is_clear: !is_hatched(s),
    };
    let places: Vec<Place> = run.iter().map(place).collect();
    let (left, right) = (places[0].left, places[places.len() - 1].right);
    let edges = edges(run, bands);
    // Each band is drawn down to the bottom and covered by those below it: no seams between them.
    for (band, tops) in bands.iter().zip(&edges[1..]).rev() {
        let centers = places.iter().map(|p| 0.5 * (p.left + p.right));
        let top = level_at_ends(centers.zip(tops.iter().copied()), left, right);
        let area = down_to(&top, GENRE.bottom(), left);
        canvas.path(area, PathStyle::filled(band.fill).stroked(GROUND, 0.8, 1.0));
    }
    for (index, band) in bands.iter().enumerate() {
        let width = width_px(&band.name, LABEL_PX, Weight::SemiBold);
        if let Some((x, y)) = spot(&places, &edges[index], &edges[index + 1], width) {
            let style = TextStyle::new(LABEL_PX, text_on(band.fill))
                .bold()
                .anchored(Anchor::Middle);
            canvas.text(x, y + 0.36 * LABEL_PX, &band.name, style);
        }
    }
}

/// Upper edges of the bands in pixels, `[bands + 1][samples]`; the first is the panel's bottom.
fn edges(run: &[Sample], bands: &[Band]) -> Vec<Vec<f64>> {
    let mut share = vec![0.0f64; run.len()];
    let mut edges = vec![vec![GENRE.bottom(); run.len()]];
    for band in bands {
        for (share, sample) in share.iter_mut().zip(run) {
            let genre = sample.genre.as_deref().unwrap_or_default();
            let values = band.labels.iter().filter_map(|label| genre.get(*label));
            *share += f64::from(values.sum::<f32>());
        }
        let y = |share: &f64| GENRE.bottom() - share.min(1.0) * GENRE.height;
        edges.push(share.iter().map(y).collect());
    }
    edges
}

/// Center of a place for a name `width` px wide between a band's edges: the middle of its longest
/// thick stretch, clear of hatching. `None` when there is no room.
fn spot(places: &[Place], lower: &[f64], upper: &[f64], width: f64) -> Option<(f64, f64)> {
    let thickness = |i: usize| lower[i] - upper[i];
    let most = (0..places.len()).map(thickness).fold(0.0, f64::max);
    let is_thick = |i: usize| places[i].is_clear && thickness(i) >= 0.8 * most;
    let indices: Vec<usize> = (0..places.len()).collect();
    let stretch = indices
        .chunk_by(|&a, &b| is_thick(a) == is_thick(b))
        .filter(|stretch| is_thick(stretch[0]))
        .max_by_key(|stretch| stretch.len())?;
    let left = places[stretch[0]].left;
    let right = places[stretch[stretch.len() - 1]].right;
    let x = 0.5 * (left + right);
    // The samples under the name, and the next one at each side: edges are straight between them.
    let half = 0.5 * width + 6.0;
    let first = places
        .partition_point(|p| p.right < x - half)
        .saturating_sub(1);
    let last = places
        .partition_point(|p| p.left <= x + half)
        .min(places.len() - 1);
    let is_clear = places[first].left <= x - half
        && places[last].right >= x + half
        && places[first..=last].iter().all(|p| p.is_clear);
    let top = upper[first..=last].iter().copied().fold(f64::MIN, f64::max);
    let bottom = lower[first..=last].iter().copied().fold(f64::MAX, f64::min);
    (is_clear && bottom - top >= LABEL_PX + 4.0).then_some((x, 0.5 * (top + bottom)))
}
