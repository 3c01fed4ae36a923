//! The file browser inside the window: lists the folders and audio files of a folder. Not the system's
//! dialog, which needs services that a small desktop does not run.
//!
//! Drawn on the GUI thread; each folder is read on a thread of its own, because a disk or a network may be slow.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::{env, fs, io, thread};

use egui::{Align2, Key, ScrollArea, TextEdit, Ui, vec2};
use mertscope_audio::decode::is_audio_path;

use crate::control::HEIGHT;
use crate::theme::Palette;

/// An open browser.
pub struct Browser {
    folder: PathBuf,
    /// The text in the path field.
    typed: String,
    listing: Listing,
}

enum Listing {
    Reading(Receiver<io::Result<Vec<Entry>>>),
    Read(Vec<Entry>),
    Failed(String),
}

struct Entry {
    name: String,
    path: PathBuf,
    is_folder: bool,
}

/// The outcome of a frame.
pub enum Outcome {
    /// The browser stays open.
    Open,
    /// The user closed it.
    Closed,
    /// The user chose a file.
    Chosen(PathBuf),
}

impl Browser {
    /// A browser of the folder that holds `file`, or else of the user's music.
    pub fn at(file: Option<&Path>) -> Self {
        let beside = file.and_then(Path::parent).map(Path::to_owned);
        let folder = beside
            .filter(|folder| !folder.as_os_str().is_empty())
            .or_else(dirs::audio_dir)
            .or_else(dirs::home_dir)
            .or_else(|| env::current_dir().ok())
            .unwrap_or_else(|| PathBuf::from("/"));
        Self::of(folder)
    }

    fn of(folder: PathBuf) -> Self {
        let (sender, receiver) = channel();
        let own = folder.clone();
        let started = thread::Builder::new()
            .name("mertscope-folder".to_owned())
            .spawn(move || drop(sender.send(read(&own))));
        Self {
            typed: folder.display().to_string(),
            folder,
            listing: match started {
                Ok(_) => Listing::Reading(receiver),
                Err(error) => Listing::Failed(format!(
                    "The folder can't be read: the system could not start another thread ({error}). \
                     Close some programs and try again."
                )),
            },
        }
    }

    /// Draws it over the window.
    pub fn ui(&mut self, ui: &Ui, palette: &Palette) -> Outcome {
        self.receive(ui);
        let context = ui.ctx().clone();
        let screen = context.content_rect();
        let size = vec2(
            (screen.width() - 48.0).min(560.0),
            (screen.height() - 96.0).min(420.0),
        );
        let mut outcome = Outcome::Open;
        let mut open = true;
        egui::Window::new("Choose an audio file")
            .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0))
            .fixed_size(size)
            .collapsible(false)
            .resizable(false)
            .open(&mut open)
            .show(&context, |ui| outcome = self.contents(ui, palette));
        if !open || context.input(|input| input.key_pressed(Key::Escape)) {
            return Outcome::Closed;
        }
        outcome
    }

    fn receive(&mut self, ui: &Ui) {
        let Listing::Reading(receiver) = &self.listing else {
            return;
        };
        self.listing = match receiver.try_recv() {
            Ok(Ok(entries)) => Listing::Read(entries),
            Ok(Err(error)) => Listing::Failed(format!(
                "{} can't be read ({error}). Check its permissions, or choose another folder.",
                self.folder.display()
            )),
            Err(TryRecvError::Disconnected) => {
                Listing::Failed("The folder can't be read. Choose another one.".into())
            }
            Err(TryRecvError::Empty) => {
                ui.ctx().request_repaint_after_secs(0.05);
                return;
            }
        };
    }

    fn contents(&mut self, ui: &mut Ui, palette: &Palette) -> Outcome {
        let mut outcome = Outcome::Open;
        ui.horizontal(|ui| {
            let up = ui.add_enabled(self.folder.parent().is_some(), egui::Button::new("Up"));
            if up.on_hover_text("The folder above").clicked()
                && let Some(parent) = self.folder.parent()
            {
                *self = Self::of(parent.to_owned());
            }
            let width = ui.available_width();
            let field = ui.add_sized(vec2(width, HEIGHT), TextEdit::singleline(&mut self.typed));
            field.widget_info(|| {
                egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Path")
            });
            if field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
                let path = PathBuf::from(&self.typed);
                if path.is_dir() {
                    *self = Self::of(path);
                } else {
                    outcome = Outcome::Chosen(path);
                }
            }
        });
        let mut next = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_width(ui.available_width());
            match &self.listing {
                Listing::Reading(_) => drop(ui.weak("Reading…")),
                Listing::Failed(why) => drop(ui.colored_label(palette.warn, why)),
                Listing::Read(entries) if entries.is_empty() => {
                    ui.weak("No audio files here.");
                }
                Listing::Read(entries) => next = rows(ui, entries, palette),
            }
        });
        match next {
            Some((path, true)) => *self = Self::of(path),
            Some((path, false)) => outcome = Outcome::Chosen(path),
            None => {}
        }
        outcome
    }
}

/// Draws the entries; returns the path of the one that was pressed, and whether it is a folder.
fn rows(ui: &mut Ui, entries: &[Entry], palette: &Palette) -> Option<(PathBuf, bool)> {
    let mut pressed = None;
    for entry in entries {
        let (shown, ink) = match entry.is_folder {
            true => (format!("{}/", entry.name), palette.dim),
            false => (entry.name.clone(), palette.text),
        };
        let words = egui::RichText::new(shown).color(ink);
        let button = egui::Button::new(words).frame(false).truncate();
        if ui.add(button).clicked() {
            pressed = Some((entry.path.clone(), entry.is_folder));
        }
    }
    pressed
}

/// The entries of a folder: folders first, then audio files, each by name, without hidden ones.
fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_folder = path.is_dir();
            let shown = !name.starts_with('.') && (is_folder || is_audio_path(&path));
            shown.then_some(Entry {
                name,
                path,
                is_folder,
            })
        })
        .collect();
    entries.sort_by_key(|entry| (!entry.is_folder, entry.name.to_lowercase()));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_first_and_only_audio_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.FLAC", "a.wav", "notes.txt", ".hidden.wav"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("Z")).unwrap();
        let entries = read(folder.path()).unwrap();
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["Z", "a.wav", "b.FLAC"]);
        assert!(read(&folder.path().join("absent")).is_err());
    }
}
