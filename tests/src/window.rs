//! The plugin's real window, embedded by a CLAP host on an X server that nobody sees.
//!
//! A test or an example calls [`on_a_screen`] first: it starts the server and runs the program again
//! in it. What is drawn is read from the server, and so is how often.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clack_extensions::gui::{GuiApiType, GuiConfiguration, GuiSize, PluginGui, Window};
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::xproto::{
    ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask, ImageFormat, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use crate::host::Instance;

/// Size of the screen, in pixels.
const SCREEN: (u16, u16) = (1680, 1050);

/// Behind the plugin's window: a color that is in none of its themes.
const BEHIND: [u8; 3] = [255, 0, 255];

/// How long something may take to be drawn: a hang, not a measure.
const PATIENCE: Duration = Duration::from_secs(120);

/// After this long without a paint nothing more is being drawn.
const QUIET: Duration = Duration::from_secs(1);

/// Tells a program that it runs in the server.
const ON_A_SCREEN: &str = "MERTSCOPE_ON_A_SCREEN";

/// Whether this program runs on a screen of its own; if not, it is run again on one, with these
/// arguments. `None` where there is no Xvfb.
///
/// # Panics
/// If the server or the program can't be started.
#[must_use]
pub fn on_a_screen(arguments: &[&str]) -> Option<OnScreen> {
    if env::var_os(ON_A_SCREEN).is_some() {
        return Some(OnScreen::Here);
    }
    let mut server = Command::new("Xvfb")
        .args([
            "-displayfd",
            "1",
            "-nocursor",
            "-nolisten",
            "tcp",
            "-noreset",
            "-screen",
            "0",
        ])
        .arg(format!("{}x{}x24", SCREEN.0, SCREEN.1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut number = String::new();
    let said = server.stdout.take().expect("a pipe");
    // The server chooses a free number and tells it once it is ready.
    BufReader::new(said)
        .read_line(&mut number)
        .expect("the server's number");
    let user = crate::welcomed_user();
    let ended = Command::new(env::current_exe().expect("a program has a path"))
        .args(arguments)
        .env("XDG_CONFIG_HOME", user.path())
        .env("DISPLAY", format!(":{}", number.trim()))
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        // Else what each window's thread leaves in an arena of its own looks like a leak.
        .env("MALLOC_ARENA_MAX", "1")
        .env(ON_A_SCREEN, "1")
        .stdin(Stdio::null())
        .status();
    // It outlives the program, which would be killed with it.
    let _ = server.kill();
    let _ = server.wait();
    Some(OnScreen::Ended(ended.expect("the program starts")))
}

/// See [`on_a_screen`].
#[derive(Debug)]
pub enum OnScreen {
    /// This run is on the screen.
    Here,
    /// The run on the screen ended like this.
    Ended(ExitStatus),
}

/// Whether a test is to go on: it runs on a screen. Otherwise it ran on one, or is skipped.
///
/// # Panics
/// If it failed there.
#[must_use]
pub fn test_on_a_screen(name: &str) -> bool {
    match on_a_screen(&["--exact", name, "--nocapture", "--test-threads=1"]) {
        Some(OnScreen::Here) => true,
        Some(OnScreen::Ended(status)) => {
            assert!(status.success(), "{name} fails on a screen: {status}");
            false
        }
        None => {
            let remedy = "there is no Xvfb; as root: apt-get install -y xvfb libegl1";
            crate::skipped(name, remedy);
            false
        }
    }
}

/// The screen, as this program is connected to it.
#[derive(Debug)]
pub struct Screen {
    server: RustConnection,
    root: u32,
}

impl Screen {
    /// Connects to the screen.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn connect() -> Self {
        let (server, number) = x11rb::connect(None).expect("an X server");
        let root = server.setup().roots[number].root;
        server
            .damage_query_version(1, 1)
            .expect("the server listens")
            .reply()
            .expect("the server tells what is drawn");
        // Away from the windows, where it would have a tooltip shown.
        let (right, bottom) = (SCREEN.0 as i16, SCREEN.1 as i16);
        server
            .warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, right, bottom)
            .expect("the pointer moves");
        Self { server, root }
    }

    /// Opens the instance's window at a place on the screen.
    ///
    /// # Panics
    /// If the plugin refuses.
    #[must_use]
    pub fn open(&self, instance: &mut Instance, at: (i16, i16)) -> Editor<'_> {
        self.open_after(instance, at, Duration::ZERO)
    }

    /// The same, as a host does that has other things to do between making a window and showing it.
    ///
    /// # Panics
    /// If the plugin refuses.
    #[must_use]
    pub fn open_after(
        &self,
        instance: &mut Instance,
        at: (i16, i16),
        pause: Duration,
    ) -> Editor<'_> {
        let gui: PluginGui = instance.extension();
        let handle = instance.plugin.plugin_handle();
        let embedded = GuiConfiguration {
            api_type: GuiApiType::X11,
            is_floating: false,
        };
        gui.create(&handle, embedded).expect("a window");
        let size = gui.get_size(&handle).expect("a size");
        let frame = self.server.generate_id().expect("an id");
        let [r, g, b] = BEHIND.map(u32::from);
        let look = CreateWindowAux::new()
            .background_pixel(r << 16 | g << 8 | b)
            .event_mask(EventMask::STRUCTURE_NOTIFY);
        let (width, height) = (size.width as u16, size.height as u16);
        self.server
            .create_window(
                COPY_DEPTH_FROM_PARENT,
                frame,
                self.root,
                at.0,
                at.1,
                width,
                height,
                0,
                WindowClass::INPUT_OUTPUT,
                0,
                &look,
            )
            .and_then(|_| self.server.map_window(frame))
            .expect("a frame");
        let damage = self.server.generate_id().expect("an id");
        let watched = self
            .server
            .damage_create(damage, frame, ReportLevel::RAW_RECTANGLES);
        watched.expect("the frame is watched");
        self.settled();
        // SAFETY: the frame is destroyed after the plugin's window.
        unsafe { gui.set_parent(&handle, Window::from_x11_handle(frame.into())) }
            .expect("the window is embedded");
        thread::sleep(pause);
        gui.show(&handle).ok();
        Editor {
            screen: self,
            gui,
            frame,
            damage,
        }
    }

    /// Waits until the server has done all that was asked of it.
    fn settled(&self) {
        let reply = self.server.get_input_focus().expect("the server listens");
        reply.reply().expect("the server answers");
    }
}

/// An open window of an instance.
pub struct Editor<'a> {
    screen: &'a Screen,
    gui: PluginGui,
    frame: u32,
    damage: u32,
}

impl Editor<'_> {
    /// Its size in pixels, as the plugin says.
    ///
    /// # Panics
    /// If it has none.
    pub fn size(&self, instance: &mut Instance) -> (u32, u32) {
        let handle = instance.plugin.plugin_handle();
        let size = self.gui.get_size(&handle).expect("a size");
        (size.width, size.height)
    }

    /// Gives it another size, as a host does whose window is pulled.
    ///
    /// # Panics
    /// If the plugin refuses.
    pub fn resize(&self, instance: &mut Instance, (width, height): (u32, u32)) {
        let aux = ConfigureWindowAux::new().width(width).height(height);
        let server = &self.screen.server;
        server
            .configure_window(self.frame, &aux)
            .expect("the frame is resized");
        self.screen.settled();
        let handle = instance.plugin.plugin_handle();
        self.gui
            .set_size(&handle, GuiSize { width, height })
            .expect("it takes the size");
    }

    /// What is in it now.
    ///
    /// # Panics
    /// If the server does not tell.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let server = &self.screen.server;
        let size = server.get_geometry(self.frame).expect("the server listens");
        let size = size.reply().expect("a size");
        let (width, height) = (size.width, size.height);
        let image = server
            .get_image(ImageFormat::Z_PIXMAP, self.frame, 0, 0, width, height, !0)
            .expect("the server listens")
            .reply()
            .expect("an image");
        let pixels = image.data.chunks_exact(4).map(|p| [p[2], p[1], p[0]]);
        Picture {
            width: usize::from(width),
            height: usize::from(height),
            pixels: pixels.collect(),
        }
    }

    /// How often it was painted since it was last asked.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn paints(&self) -> usize {
        self.screen.settled();
        let mut count = 0;
        while let Some(event) = self.screen.server.poll_for_event().expect("the server") {
            let here = |drawable| drawable == self.frame;
            count += usize::from(matches!(event, Event::DamageNotify(d) if here(d.drawable)));
        }
        count
    }

    /// Waits until what is in it satisfies `holds`, and returns it.
    ///
    /// # Panics
    /// If it never does; the last picture is kept then.
    pub fn wait_for(&self, what: &str, holds: impl Fn(&Picture) -> bool) -> Picture {
        let begun = Instant::now();
        loop {
            let picture = self.picture();
            if holds(&picture) {
                return picture;
            }
            if begun.elapsed() > PATIENCE {
                let kept = picture.keep("failed");
                panic!("{what} was never drawn: {}", kept.display());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until nothing more is being drawn, and returns what is in it.
    ///
    /// # Panics
    /// If it is drawn on and on.
    pub fn wait_until_still(&self) -> Picture {
        let begun = Instant::now();
        self.paints();
        loop {
            thread::sleep(QUIET);
            if self.paints() == 0 {
                return self.picture();
            }
            assert!(begun.elapsed() < PATIENCE, "it is drawn on and on");
        }
    }

    /// Closes it.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn close(self, instance: &mut Instance) {
        self.shut(instance);
        self.remove();
    }

    /// Closes the plugin's window and leaves the host's around it; [`Editor::remove`] ends that too.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn shut(&self, instance: &mut Instance) {
        self.gui.destroy(&instance.plugin.plugin_handle());
        self.screen.settled();
    }

    /// Removes the host's window, after [`Editor::shut`].
    ///
    /// # Panics
    /// If the server is gone.
    pub fn remove(self) {
        let server = &self.screen.server;
        server
            .damage_destroy(self.damage)
            .and_then(|_| server.destroy_window(self.frame))
            .expect("the frame is gone");
        self.screen.settled();
    }
}

/// A part of a window, in fractions of its width and height: left, top, right, bottom.
pub type Region = [f64; 4];

/// What is in a window.
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
    /// How many colors a part of it has.
    #[must_use]
    pub fn colors(&self, part: Region) -> usize {
        let mut colors: Vec<[u8; 3]> = self.part(part).collect();
        colors.sort_unstable();
        colors.dedup();
        colors.len()
    }

    /// How many pixels of a part of it are in colors rather than in greys or nearly so.
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
        let program = env::current_exe().expect("a program has a path");
        let target = program.ancestors().nth(3).expect("a target folder");
        let path = target.join("pictures").join(format!("{name}.png"));
        fs::create_dir_all(target.join("pictures")).expect("a folder for pictures");
        self.write(&path);
        path
    }

    /// Writes it as a PNG file, packed as small as it goes.
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
