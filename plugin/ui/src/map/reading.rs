//! The map read: the window under the pointer, and the picture in words.

use egui::{Painter, Response, Stroke, pos2};
use mertscope_heads::map::{Directions, Map};

use super::frame::Frame;
use super::path::placed;
use crate::entry_words::entry_words;
use crate::text;
use crate::timeline::host_time;
use crate::view_context::ViewContext;

/// The pointer reads a place within this distance, in points.
const REACH: f32 = 12.0;

/// Shows the window closest to the pointer in a tooltip.
pub(super) fn read(
    painter: &Painter,
    context: &ViewContext<'_>,
    (map, frame): (&Map, Frame),
    response: Response,
) {
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let near = placed(context)
        .rev()
        .filter_map(|(entry, at)| Some((entry, frame.pos(at)?)))
        .map(|(entry, at)| (entry, at, at.distance(pointer)))
        .filter(|(_, _, distance)| *distance <= REACH)
        .min_by(|a, b| a.2.total_cmp(&b.2));
    if let Some((entry, at, _)) = near {
        painter.circle_stroke(at, 7.0, Stroke::new(1.5, context.palette.text));
        let time = host_time(entry.timed.end_s);
        response.on_hover_text_at_pointer(format!("{time}\n{}", entry_words(context, entry)));
    } else {
        response.on_hover_text_at_pointer(about(map));
    }
}

/// What a place on the map means.
fn about(map: &Map) -> String {
    let directions = match map.directions {
        Directions::Labels => "the two directions that tell its labels apart best",
        Directions::Variance => "the two directions in which that music differs most",
    };
    let ground = if map.density.is_some() {
        " The ground is lighter or darker where much of that music lies."
    } else {
        ""
    };
    format!(
        "The place of the music among the music that the map was fitted on, along {directions}. What is close sounds \
         alike to the model; the plane is a picture, not the classifier.{ground} Scroll to zoom, drag to move, \
         double-click for the whole map."
    )
}

/// The picture in words.
pub(super) fn description(context: &ViewContext<'_>, map: &Map) -> String {
    let Some((_, at)) = placed(context).next_back() else {
        return "Map: nothing is on it yet.".to_owned();
    };
    let distance =
        |landmark: &[f32; 2]| pos2(landmark[0], landmark[1]).distance(pos2(at[0], at[1]));
    let mut near: Vec<(&str, f32)> = map
        .landmarks
        .iter()
        .map(|l| (l.label.as_str(), distance(&l.at)))
        .collect();
    near.sort_by(|a, b| a.1.total_cmp(&b.1));
    let names: Vec<String> = near
        .iter()
        .take(3)
        .map(|(label, _)| text::label(label))
        .collect();
    let references: Vec<&str> = context
        .live
        .study
        .references
        .iter()
        .filter(|reference| context.is_comparable(reference) && reference.place().is_some())
        .map(|reference| reference.name.as_str())
        .collect();
    let references = if references.is_empty() {
        String::new()
    } else {
        format!(" References on it: {}.", references.join(", "))
    };
    format!(
        "Map: the music is at {:.2}, {:.2}; closest are {}.{references}",
        at[0],
        at[1],
        names.join(", ")
    )
}
