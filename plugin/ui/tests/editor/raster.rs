//! Frames without a window, and pictures of them: egui's triangles drawn in software, without a graphics
//! driver.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use egui::epaint::{ClippedPrimitive, ImageData, ImageDelta, Mesh, Primitive, Vertex};
use egui::{Context, FullOutput, Pos2, RawInput, Rect, TextureId, Vec2, pos2};
use mertscope_live::Snapshot;

use crate::Stage;

/// A picture: RGBA, row by row.
pub(crate) struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[u8; 4]>,
}

impl Picture {
    /// How many different colors there are in a part, given in pixels.
    pub(crate) fn colors(&self, part: Rect) -> usize {
        let seen: std::collections::HashSet<_> = self.part(part).into_iter().collect();
        seen.len()
    }

    /// The pixels of a part, given in pixels.
    pub(crate) fn part(&self, part: Rect) -> Vec<[u8; 4]> {
        let columns = part.left().max(0.0) as usize..(part.right() as usize).min(self.width);
        let rows = part.top().max(0.0) as usize..(part.bottom() as usize).min(self.height);
        let pixel = |y: usize, x: usize| self.pixels[y * self.width + x];
        rows.flat_map(|y| columns.clone().map(move |x| pixel(y, x)))
            .collect()
    }

    /// Writes a PNG.
    pub(crate) fn save(&self, path: &Path) {
        let file = std::fs::File::create(path).expect("a file");
        let mut encoder = png::Encoder::new(
            std::io::BufWriter::new(file),
            self.width as u32,
            self.height as u32,
        );
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().expect("a header");
        writer
            .write_image_data(self.pixels.as_flattened())
            .expect("pixels");
    }
}

struct Texture {
    size: [usize; 2],
    pixels: Vec<[f32; 4]>,
}

impl Texture {
    fn at(&self, x: isize, y: isize) -> [f32; 4] {
        let x = x.clamp(0, self.size[0] as isize - 1) as usize;
        let y = y.clamp(0, self.size[1] as isize - 1) as usize;
        self.pixels[y * self.size[0] + x]
    }

    /// Bilinear.
    fn sample(&self, uv: Pos2) -> [f32; 4] {
        let (x, y) = (
            uv.x * self.size[0] as f32 - 0.5,
            uv.y * self.size[1] as f32 - 0.5,
        );
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let (x0, y0) = (x0 as isize, y0 as isize);
        let corners = [
            self.at(x0, y0),
            self.at(x0 + 1, y0),
            self.at(x0, y0 + 1),
            self.at(x0 + 1, y0 + 1),
        ];
        let weights = [
            (1.0 - fx) * (1.0 - fy),
            fx * (1.0 - fy),
            (1.0 - fx) * fy,
            fx * fy,
        ];
        std::array::from_fn(|c| (0..4).map(|i| corners[i][c] * weights[i]).sum())
    }
}

/// A screen with its textures.
#[derive(Default)]
pub(crate) struct Screen {
    textures: HashMap<TextureId, Texture>,
}

impl Screen {
    fn update(&mut self, id: TextureId, delta: &ImageDelta) {
        let ImageData::Color(image) = &delta.image;
        let pixels: Vec<[f32; 4]> = image
            .pixels
            .iter()
            .map(|c| c.to_array().map(|v| f32::from(v) / 255.0))
            .collect();
        let Some([left, top]) = delta.pos else {
            self.textures.insert(
                id,
                Texture {
                    size: image.size,
                    pixels,
                },
            );
            return;
        };
        let texture = self.textures.get_mut(&id).expect("a texture to change");
        for y in 0..image.size[1] {
            for x in 0..image.size[0] {
                texture.pixels[(top + y) * texture.size[0] + left + x] =
                    pixels[y * image.size[0] + x];
            }
        }
    }

    /// Takes in egui's output, and draws it if `wanted`.
    fn show(
        &mut self,
        context: &Context,
        output: FullOutput,
        size: Vec2,
        wanted: bool,
    ) -> Option<Picture> {
        let scale = output.pixels_per_point;
        let FullOutput {
            shapes,
            mut textures_delta,
            ..
        } = output;
        for (id, deltas) in &textures_delta.set {
            for delta in deltas {
                self.update(*id, delta);
            }
        }
        textures_delta.clear();
        if !wanted {
            return None;
        }
        let (width, height) = (
            (size.x * scale).round() as usize,
            (size.y * scale).round() as usize,
        );
        let mut picture = Picture {
            width,
            height,
            pixels: vec![[0, 0, 0, 255]; width * height],
        };
        for ClippedPrimitive {
            clip_rect,
            primitive,
        } in context.tessellate(shapes, scale)
        {
            if let Primitive::Mesh(mesh) = primitive {
                self.mesh(&mut picture, &mesh, clip_rect * scale, scale);
            }
        }
        Some(picture)
    }

    fn mesh(&self, picture: &mut Picture, mesh: &Mesh, clip: Rect, scale: f32) {
        let texture = &self.textures[&mesh.texture_id];
        for triangle in mesh.indices.chunks_exact(3) {
            let corners = [0, 1, 2].map(|i| mesh.vertices[triangle[i] as usize]);
            fill(picture, texture, corners, clip, scale);
        }
    }
}

fn fill(picture: &mut Picture, texture: &Texture, corners: [Vertex; 3], clip: Rect, scale: f32) {
    let [a, b, c] = corners.map(|v| pos2(v.pos.x * scale, v.pos.y * scale));
    let area = (b - a).x * (c - a).y - (b - a).y * (c - a).x;
    if area == 0.0 || !area.is_finite() {
        return;
    }
    let bounds = Rect::from_points(&[a, b, c]).intersect(clip);
    let range = |from: f32, to: f32, limit: usize| {
        let from = (from - 0.5).ceil().max(0.0) as usize;
        from..((to - 0.5).ceil().max(0.0) as usize).min(limit)
    };
    // Most triangles of a frame have one color.
    let one_color = corners
        .iter()
        .all(|v| v.uv == corners[0].uv && v.color == corners[0].color);
    let solid = one_color.then(|| shade(texture, corners, [1.0, 0.0, 0.0]));
    let edges = [(b, c), (c, a), (a, b)];
    // A pixel on an edge belongs to the triangle whose edge runs upwards or leftwards.
    let owns = edges.map(|(from, to)| {
        let along = (to - from) * area.signum();
        along.y < 0.0 || (along.y == 0.0 && along.x > 0.0)
    });
    for y in range(bounds.top(), bounds.bottom(), picture.height) {
        for x in range(bounds.left(), bounds.right(), picture.width) {
            let p = pos2(x as f32 + 0.5, y as f32 + 0.5);
            let weights = edges.map(|(from, to)| {
                ((to - from).x * (p - from).y - (to - from).y * (p - from).x) / area
            });
            if (0..3).any(|i| weights[i] < 0.0 || (weights[i] == 0.0 && !owns[i])) {
                continue;
            }
            let source = solid.unwrap_or_else(|| shade(texture, corners, weights));
            let pixel = &mut picture.pixels[y * picture.width + x];
            for i in 0..3 {
                let under = f32::from(pixel[i]) / 255.0;
                pixel[i] =
                    ((source[i] + under * (1.0 - source[3])).clamp(0.0, 1.0) * 255.0).round() as u8;
            }
        }
    }
}

/// The color of a triangle at these weights of its corners; RGBA, 0 to 1, premultiplied.
fn shade(texture: &Texture, corners: [Vertex; 3], weights: [f32; 3]) -> [f32; 4] {
    let mix =
        |value: fn(&Vertex) -> f32| (0..3).map(|i| weights[i] * value(&corners[i])).sum::<f32>();
    let texel = texture.sample(pos2(mix(|v| v.uv.x), mix(|v| v.uv.y)));
    let color = [
        mix(|v| v.color.r().into()),
        mix(|v| v.color.g().into()),
        mix(|v| v.color.b().into()),
        mix(|v| v.color.a().into()),
    ];
    std::array::from_fn(|i| color[i] / 255.0 * texel[i])
}

/// A picture of an editor with a snapshot, and files that are dragged over it; `size` in points, `scale` in
/// pixels per point.
pub(crate) fn picture(
    stage: &Stage,
    snapshot: Snapshot,
    size: Vec2,
    scale: f32,
    over: &[&str],
) -> Picture {
    let context = Context::default();
    let mut editor_ui = stage.editor_ui(&context);
    let snapshot = Arc::new(snapshot);
    let mut screen = Screen::default();
    let mut picture = None;
    // From the second frame on the layout is final.
    for frame in 0..4 {
        let mut input = RawInput {
            time: Some(f64::from(frame)),
            ..RawInput::default()
        };
        input.screen_rect = Some(Rect::from_min_size(Pos2::ZERO, size));
        let viewport = input.viewports.entry(input.viewport_id).or_default();
        viewport.native_pixels_per_point = Some(scale);
        let files = over.iter().map(|path| egui::HoveredFile {
            path: Some(path.into()),
            ..egui::HoveredFile::default()
        });
        input.hovered_files = files.collect();
        let output = context.run_ui(input, |ui| editor_ui.ui(ui, &snapshot));
        picture = screen.show(&context, output, size, frame == 3);
    }
    picture.expect("a frame was drawn")
}
