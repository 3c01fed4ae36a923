//! Pictures of a window, as the X server has them.

use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// The color behind the plugin's window, which none of its themes has.
pub(super) const BEHIND: [u8; 3] = [255, 0, 255];

/// A part of a window, in fractions of its width and height: left, top, right, bottom.
pub type Region = [f64; 4];

/// The pixels of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its width in pixels.
    pub width: usize,
    /// Its height in pixels.
    pub height: usize,
    /// Red, green and blue, row by row.
    pub pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// The number of colors in a part of it.
    #[must_use]
    pub fn colors(&self, part: Region) -> usize {
        let mut colors: Vec<[u8; 3]> = self.part(part).collect();
        colors.sort_unstable();
        colors.dedup();
        colors.len()
    }

    /// The number of pixels in a part of it that are clearly colored, not gray.
    #[must_use]
    pub fn colorful(&self, part: Region) -> usize {
        let spread = |[r, g, b]: [u8; 3]| r.max(g).max(b) - r.min(g).min(b);
        let colorful = |pixel: &[u8; 3]| spread(*pixel) > 40;
        self.part(part).filter(colorful).count()
    }

    fn part(&self, [left, top, right, bottom]: Region) -> impl Iterator<Item = [u8; 3]> {
        let at = |share: f64, length: usize| (share * length as f64) as usize;
        let columns = at(left, self.width)..at(right, self.width);
        let rows = at(top, self.height)..at(bottom, self.height);
        rows.flat_map(move |row| &self.pixels[row * self.width..][columns.clone()])
            .copied()
    }

    /// Whether the plugin's window covers all of it.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        !self.pixels.contains(&BEHIND)
    }

    /// Keeps it as a PNG file in the target folder, and returns the file's path.
    ///
    /// # Panics
    /// If it can't be written.
    pub fn keep(&self, name: &str) -> PathBuf {
        let folder = crate::target().join("pictures");
        fs::create_dir_all(&folder).expect("a folder for pictures");
        let path = folder.join(format!("{name}.png"));
        self.write(&path);
        path
    }

    /// Writes it as a PNG file with the highest compression.
    ///
    /// # Panics
    /// If it can't be written.
    pub fn write(&self, path: &Path) {
        let file = fs::File::create(path).expect("the picture can be written");
        let (width, height) = (self.width as u32, self.height as u32);
        let mut encoder = png::Encoder::new(BufWriter::new(file), width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().expect("the picture can be written");
        writer
            .write_image_data(self.pixels.as_flattened())
            .expect("the picture can be written");
    }
}
