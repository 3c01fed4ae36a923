//! The icon in the forms of Windows and macOS: each of their pictures is the drawing in
//! `assets/icons/mertscope.svg`. After a change to it, `MERTSCOPE_BLESS=1 cargo xtask test icons` makes them again.

use std::env;
use std::fs;
use std::path::PathBuf;

use mertscope_tests::repository;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Sides of the pictures in the `.ico`, in pixels: Explorer's and the taskbar's sizes at the usual scales.
const WINDOWS: [u32; 7] = [16, 24, 32, 48, 64, 128, 256];

/// Types and sides of the pictures in the `.icns`. The types are those for PNG.
const MACOS: [(&[u8; 4], u32); 8] = [
    (b"ic11", 32),
    (b"ic12", 64),
    (b"ic07", 128),
    (b"ic08", 256),
    (b"ic13", 256),
    (b"ic09", 512),
    (b"ic14", 512),
    (b"ic10", 1024),
];

/// Largest mean difference of two renderings per byte, of 255: processors round differently.
const TOLERANCE: f64 = 1.0;

fn icons(name: &str) -> PathBuf {
    repository("assets/icons").join(name)
}

fn drawn(side: u32) -> Pixmap {
    let svg = fs::read(icons("mertscope.svg")).unwrap();
    let tree = Tree::from_data(&svg, &Options::default()).unwrap();
    let mut picture = Pixmap::new(side, side).unwrap();
    let scale = side as f32 / tree.size().width();
    resvg::render(
        &tree,
        Transform::from_scale(scale, scale),
        &mut picture.as_mut(),
    );
    picture
}

/// <https://learn.microsoft.com/en-us/previous-versions/ms997538(v=msdn.10)>: a directory, then the pictures,
/// which may be PNG since Windows Vista.
fn ico() -> Vec<u8> {
    let pictures = WINDOWS.map(|side| drawn(side).encode_png().unwrap());
    let mut file = vec![0, 0, 1, 0];
    file.extend(u16::try_from(WINDOWS.len()).unwrap().to_le_bytes());
    let mut offset = 6 + 16 * WINDOWS.len();
    for (side, picture) in WINDOWS.iter().zip(&pictures) {
        // A side of 256 is written as 0.
        let side = u8::try_from(*side).unwrap_or(0);
        file.extend([side, side, 0, 0, 1, 0, 32, 0]);
        file.extend(u32::try_from(picture.len()).unwrap().to_le_bytes());
        file.extend(u32::try_from(offset).unwrap().to_le_bytes());
        offset += picture.len();
    }
    file.extend(pictures.concat());
    file
}

/// <https://en.wikipedia.org/wiki/Apple_Icon_Image_format>: pictures one after the other, each with its type and
/// length, all numbers big-endian.
fn icns() -> Vec<u8> {
    let part = |kind: &[u8; 4], content: &[u8]| {
        let length = u32::try_from(8 + content.len()).unwrap();
        [&kind[..], &length.to_be_bytes(), content].concat()
    };
    let pictures = MACOS.map(|(kind, side)| part(kind, &drawn(side).encode_png().unwrap()));
    part(b"icns", &pictures.concat())
}

/// The file as it is in the repository; made again when asked for.
fn tracked(name: &str, made: impl Fn() -> Vec<u8>) -> Vec<u8> {
    if env::var_os("MERTSCOPE_BLESS").is_some() {
        fs::write(icons(name), made()).unwrap();
    }
    fs::read(icons(name)).unwrap()
}

fn assert_is_the_drawing(png: &[u8], side: u32) {
    let picture = Pixmap::decode_png(png).unwrap();
    assert_eq!((picture.width(), picture.height()), (side, side));
    let drawn = drawn(side);
    let pairs = picture.data().iter().zip(drawn.data());
    let difference: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    let mean = difference as f64 / drawn.data().len() as f64;
    assert!(mean <= TOLERANCE, "{side} pixels: {mean} of 255");
}

#[test]
fn the_icon_for_windows_is_the_drawing_in_every_size() {
    let file = tracked("mertscope.ico", ico);
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(file[..6], [0, 0, 1, 0, WINDOWS.len() as u8, 0]);
    for (index, side) in WINDOWS.into_iter().enumerate() {
        let entry = 6 + 16 * index;
        let (length, offset) = (number(entry + 8), number(entry + 12));
        assert_is_the_drawing(&file[offset..offset + length], side);
    }
}

#[test]
fn the_icon_for_macos_is_the_drawing_in_every_size() {
    let file = tracked("mertscope.icns", icns);
    let length = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&file[..4], length(4)), (&b"icns"[..], file.len()));
    let mut offset = 8;
    for (kind, side) in MACOS {
        let end = offset + length(offset + 4);
        assert_eq!(file[offset..offset + 4], *kind);
        assert_is_the_drawing(&file[offset + 8..end], side);
        offset = end;
    }
    assert_eq!(offset, file.len());
}
