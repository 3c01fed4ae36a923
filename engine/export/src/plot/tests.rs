//! The whole page: well-formed, bounded, and drawn for every kind of result.

use mertscope_audio::Status;

use resvg::usvg;

use super::*;
use crate::sample;

fn tree(svg: &str) -> usvg::Tree {
    usvg::Tree::from_str(svg, &usvg::Options::default()).unwrap()
}

#[test]
fn every_kind_of_file_gives_a_well_formed_page_of_one_size() {
    let mut reports = sample::all();
    reports.push(sample::without_heads());
    for report in reports {
        let svg = svg(&sample::run(), &report);
        let size = tree(&svg).size();
        assert_eq!((size.width(), size.height()), (1600.0, 900.0));
        assert!(
            !svg.contains("NaN") && !svg.contains("inf"),
            "{}",
            report.file
        );
        assert!(svg.contains(&report.file));
    }
}

#[test]
fn names_are_escaped_and_long_ones_elided() {
    let mut report = sample::silent();
    report.file = "a<b>&\"c\".wav".to_owned();
    let page = svg(&sample::run(), &report);
    assert!(page.contains("a&lt;b&gt;&amp;&quot;c&quot;.wav"));
    tree(&page);

    report.file = format!("{}.flac", "x".repeat(200));
    let timeline = report.outcome.as_mut().unwrap();
    timeline.genre_labels[0] = "<label>".repeat(40);
    let page = svg(&sample::run(), &report);
    assert!(page.contains("x…x"));
    tree(&page);
}

#[test]
fn two_restless_hours_stay_under_a_megabyte() {
    let hours = sample::file("long.mp3", 7200, |s| {
        let keys = ["A minor", "D major", "Gb major", "B minor"];
        let is_gap = (s as usize).is_multiple_of(11);
        let status = if is_gap { Status::Gap } else { Status::Ok };
        let confidence = 0.4 + (s * 0.37).sin().abs() as f32;
        (
            status,
            keys[s as usize / 3 % 4],
            s as usize / 5 % 10,
            confidence,
        )
    });
    let page = svg(&sample::run(), &hours);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    tree(&page);
}

#[test]
fn what_was_not_analyzed_is_named_and_hatched() {
    let page = svg(&sample::run(), &sample::mixed());
    for words in ["silence", ">gap<", "no clear key", "url(#hatch)", "G major"] {
        assert!(page.contains(words), "{words}");
    }
    let page = svg(&sample::run(), &sample::modulating());
    assert!(!page.contains("url(#hatch)"));
    assert!(page.contains("A minor  8A") && page.contains("C minor  5A"));
}

#[test]
fn a_pair_names_each_of_its_keys_once() {
    let page = svg(&sample::run(), &sample::doubtful());
    assert!(page.contains("C major or A minor?"));
    assert!(page.contains("8B or 8A, the second "));
    assert!(!page.contains("runner-up"));
}

#[test]
fn keys_are_spelled_as_musicians_do() {
    let report = sample::file("sharp.wav", 20, |_| (Status::Ok, "Gb minor", 0, 1.4));
    let page = svg(&sample::run(), &report);
    for name in [
        ">F# minor  11A<",
        ">F# minor<",
        ">Eb minor<",
        ">F# major<",
        ">Db major<",
    ] {
        assert!(page.contains(name), "{name}");
    }
    for label in ["Gb minor", "Db minor", "Ab minor", "Gb major"] {
        assert!(!page.contains(label), "{label}");
    }
}

#[test]
fn a_head_of_many_genres_is_summed_up_and_stays_readable() {
    let mut report = sample::modulating();
    let timeline = report.outcome.as_mut().unwrap();
    timeline.genre_labels = (0..50).map(|i| format!("style {i}")).collect();
    for timed in &mut timeline.results {
        let result = timed.result.as_mut().unwrap();
        result.genre = Some(vec![0.02; 50]);
        result.genre_smoothed = None;
    }
    let page = svg(&sample::run(), &report);
    assert!(page.contains(">other</text>") && page.contains(">style 8</text>"));
    assert!(!page.contains(">style 9</text>"));
    tree(&page);
}

#[test]
fn a_nan_is_left_out_of_the_picture() {
    let mut report = sample::modulating();
    for timed in &mut report.outcome.as_mut().unwrap().results {
        let result = timed.result.as_mut().unwrap();
        result.genre_smoothed.as_mut().unwrap()[0] = f32::NAN;
        result.key_smoothed.as_mut().unwrap()[0] = f32::NAN;
        result.key.as_mut().unwrap()[0] = f32::NAN;
        result.genre.as_mut().unwrap()[0] = f32::NAN;
    }
    let page = svg(&sample::run(), &report);
    assert!(!page.contains("NaN"));
    tree(&page);
}

#[test]
fn the_png_is_twice_the_page_and_its_text_is_set() {
    let packed = png(&sample::run(), &sample::one_window()).unwrap();
    let pixels = tiny_skia::Pixmap::decode_png(&packed).unwrap();
    assert_eq!((pixels.width(), pixels.height()), (3200, 1800));
    // The file's name is the only thing in the top left corner: its ink is there.
    let bright = |x, y| pixels.pixel(x, y).is_some_and(|p| p.red() > 200);
    let ink = (96..400).flat_map(|x| (110..180).map(move |y| (x, y)));
    assert!(ink.filter(|&(x, y)| bright(x, y)).count() > 500);
}

/// The page as another program draws it, at twice its size: with the typeface installed.
fn rendered(svg: &str) -> tiny_skia::Pixmap {
    let mut options = usvg::Options::default();
    for weight in [font::Weight::Regular, font::Weight::SemiBold] {
        let face = usvg::fontdb::Source::Binary(std::sync::Arc::new(weight.bytes()));
        options.fontdb_mut().load_font_source(face);
    }
    let tree = usvg::Tree::from_str(svg, &options).unwrap();
    let mut pixels = tiny_skia::Pixmap::new(3200, 1800).unwrap();
    let twice = tiny_skia::Transform::from_scale(2.0, 2.0);
    resvg::render(&tree, twice, &mut pixels.as_mut());
    pixels
}

#[test]
fn the_png_and_the_svg_show_the_same() {
    for report in [
        sample::mixed(),
        sample::modulating(),
        sample::without_heads(),
    ] {
        let ours = png(&sample::run(), &report).unwrap();
        let ours = tiny_skia::Pixmap::decode_png(&ours).unwrap();
        let theirs = rendered(&svg(&sample::run(), &report));
        let pairs = ours.data().iter().zip(theirs.data());
        let differing = pairs.filter(|(a, b)| a.abs_diff(**b) > 48).count();
        // Kerning, and the edges of shapes, may differ.
        let share = differing as f64 / ours.data().len() as f64;
        assert!(share < 0.005, "{}: {share}", report.file);
    }
}
