//! The models section: the installed models and those that can be fetched, each with its license; fetching,
//! importing and removing. Jobs run in the engine's library, on its own thread.

mod terms;

use std::path::Path;
use std::sync::Arc;

use egui::accesskit::Role;
use egui::{Button, ProgressBar, RichText, TextEdit, Ui, WidgetInfo};
use mertscope_audio::Notice;
use mertscope_hub::{Consent, Job, Library, ModelOffer, OfferState, Stage};
use mertscope_live::{ModelState, Snapshot};
use mertscope_model::Model;

use crate::row::{self, small_text};
use crate::state::ModelChoice;
use crate::text::{self, Size};
use crate::view_context::ViewContext;
use terms::{heads_words, license_words};

/// The job that waits for the user's consent to a license.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Fetch(String),
    Import(String),
}

/// The section's own state.
#[derive(Default)]
pub(super) struct ModelsSection {
    library: Option<Result<Arc<Library>, Notice>>,
    asked: Option<Asked>,
    folder: String,
    notice: Option<Notice>,
}

impl ModelsSection {
    /// Draws the section; the first call looks for installed models.
    pub(super) fn section(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        self.embedded(ui, context);
        let opened = self
            .library
            .get_or_insert_with(|| context.host.library().map_err(Notice::error));
        match opened {
            Ok(library) => {
                let library = Arc::clone(library);
                for offer in library.list().iter() {
                    self.offer(ui, context, &library, offer);
                }
                self.import(ui, context, &library);
            }
            Err(notice) => row::notice(ui, context.palette, notice),
        }
        if let Some(notice) = &self.notice {
            row::notice(ui, context.palette, notice);
        }
    }

    fn embedded(&mut self, ui: &mut Ui, context: &ViewContext<'_>) {
        let Ok(manifest) = Model::embedded_manifest() else {
            return;
        };
        let chosen = context
            .host
            .state()
            .get::<ModelChoice>()
            .is_none_or(|choice| choice.id == manifest.id);
        ui.horizontal(|ui| {
            title(ui, context, &manifest.id, "Built in; works offline");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let choice = ModelChoice {
                    id: manifest.id.clone(),
                    sha256: Some(manifest.sha256().to_owned()),
                    window_s: None,
                };
                use_button(ui, context, chosen, choice);
            });
        });
        ui.add_space(4.0);
    }

    fn offer(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        library: &Library,
        offer: &ModelOffer,
    ) {
        let entry = offer.entry;
        ui.push_id(&entry.id, |ui| {
            ui.horizontal(|ui| {
                let about = format!(
                    "{} · {} · {}",
                    entry.title,
                    text::bytes(offer.size()),
                    entry.license
                );
                title(ui, context, &entry.id, &about);
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    self.buttons(ui, context, library, offer);
                });
            });
            if let Some(job) = &offer.job {
                progress(ui, job);
            }
            if let Some(error) = &offer.error {
                small_text(ui, error, context.palette.warn);
            }
            if let OfferState::Broken { reason } = &offer.state {
                small_text(ui, reason, context.palette.warn);
            }
            if self.asked == Some(Asked::Fetch(entry.id.clone()))
                || self.asked == Some(Asked::Import(entry.id.clone()))
            {
                self.license(ui, context, library, offer);
            }
        });
        ui.add_space(4.0);
    }

    /// Draws the buttons of a model: what can be done with it in its state.
    fn buttons(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        library: &Library,
        offer: &ModelOffer,
    ) {
        let id = &offer.entry.id;
        if offer.job.is_some() {
            let about = "Stop; the fetched part is kept";
            if id_button(ui, "Cancel", id, about) {
                library.cancel(id);
            }
            return;
        }
        match &offer.state {
            OfferState::Installed(_) => {
                let choice = ModelChoice {
                    id: id.clone(),
                    sha256: offer.sha256.clone(),
                    window_s: None,
                };
                let chosen: Option<ModelChoice> = context.host.state().get();
                let is_chosen = chosen.is_some_and(|chosen| chosen.id == *id);
                use_button(ui, context, is_chosen, choice);
                if id_button(ui, "Remove", id, "Delete its files from this machine") {
                    self.notify(library.remove(id));
                }
                if offer.lacks_heads() {
                    self.fetch_button(ui, "Get heads", library, offer);
                }
            }
            OfferState::Partial { .. } => self.fetch_button(ui, "Resume", library, offer),
            OfferState::Absent | OfferState::Broken { .. } => {
                self.fetch_button(ui, "Fetch", library, offer);
            }
        }
    }

    /// Draws the button that fetches a model with its published heads, at once when their licenses were agreed to
    /// before.
    fn fetch_button(&mut self, ui: &mut Ui, verb: &str, library: &Library, offer: &ModelOffer) {
        let id = &offer.entry.id;
        let about = "Fetch it from the hub, after you agree to its license";
        if !id_button(ui, verb, id, about) {
            return;
        }
        if offer.agreed && offer.heads_agreed {
            self.notify(library.fetch(id, Consent::OnRecord));
        } else {
            self.asked = Some(Asked::Fetch(id.clone()));
        }
    }

    /// Shows the license once, and goes on when the user agrees.
    fn license(
        &mut self,
        ui: &mut Ui,
        context: &ViewContext<'_>,
        library: &Library,
        offer: &ModelOffer,
    ) {
        let entry = offer.entry;
        let words = format!(
            "{} is published by its authors under {}: {}. You fetch it from them, for your use; Mertscope does not \
             pass it on.",
            entry.id,
            entry.license,
            license_words(&entry.license)
        );
        small_text(ui, &words, context.palette.text);
        ui.hyperlink_to("Read the license", &entry.license_url)
            .on_hover_text(&entry.license_url);
        let fetches = self.asked == Some(Asked::Fetch(entry.id.clone()));
        if let Some(heads) = entry.heads.as_ref().filter(|_| fetches) {
            small_text(ui, &heads_words(heads), context.palette.text);
            ui.hyperlink_to("Read about the heads", &heads.license_url)
                .on_hover_text(&heads.license_url);
        }
        ui.horizontal(|ui| {
            if ui
                .button("I agree")
                .on_hover_text("Agree to the license and go on")
                .clicked()
            {
                let begun = match self.asked.take() {
                    Some(Asked::Import(_)) => library
                        .import(
                            Path::new(self.folder.trim()),
                            Some(&entry.id),
                            Consent::Given,
                        )
                        .map(|_| ()),
                    _ => library.fetch(&entry.id, Consent::Given),
                };
                self.notify(begun);
            }
            if fetches && has_choice(offer) && bare_button(ui) {
                self.asked = None;
                self.notify(library.fetch_without_heads(&entry.id, Consent::Given));
            }
            if ui
                .button("Not now")
                .on_hover_text("Fetch nothing")
                .clicked()
            {
                self.asked = None;
            }
        });
    }

    fn import(&mut self, ui: &mut Ui, context: &ViewContext<'_>, library: &Library) {
        small_text(
            ui,
            "Without a network: give the path of a folder with a model's files",
            context.palette.faint,
        );
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 90.0).clamp(80.0, 420.0);
            let field = ui.add(
                TextEdit::singleline(&mut self.folder)
                    .desired_width(width)
                    .hint_text("/path/to/MERT-v1-95M"),
            );
            let field = field.accessible_name("Folder of a model");
            field.on_hover_text("A folder with config.json and the weights, as the hub has them");
            let ready = !self.folder.trim().is_empty();
            let pressed = ui
                .add_enabled(ready, Button::new("Import"))
                .on_hover_text("Copy and check the files");
            if pressed.clicked() {
                self.begin_import(library);
            }
        });
    }

    fn begin_import(&mut self, library: &Library) {
        let folder = self.folder.trim().to_owned();
        let recognized = library.recognize(Path::new(&folder));
        let agreed = |id: &str| {
            library
                .list()
                .iter()
                .any(|offer| offer.entry.id == id && offer.agreed)
        };
        match recognized {
            Ok(entry) if agreed(&entry.id) => {
                let begun = library.import(Path::new(&folder), Some(&entry.id), Consent::OnRecord);
                self.notify(begun.map(|_| ()));
            }
            Ok(entry) => {
                self.notice = None;
                self.asked = Some(Asked::Import(entry.id.clone()));
            }
            Err(error) => self.notice = Some(Notice::error(error)),
        }
    }

    /// Shows the error, if there is one.
    fn notify<E: std::fmt::Display>(&mut self, done: Result<(), E>) {
        self.notice = done.err().map(Notice::error);
    }
}

/// Whether a model can be fetched without heads: those of an installed model are all that is asked about.
fn has_choice(offer: &ModelOffer) -> bool {
    offer.entry.heads.is_some() && !matches!(offer.state, OfferState::Installed(_))
}

/// Draws the button that agrees to a model's license alone.
fn bare_button(ui: &mut Ui) -> bool {
    ui.button("Agree, without heads")
        .on_hover_text("Agree to the model's license and fetch the model alone")
        .clicked()
}

fn title(ui: &mut Ui, context: &ViewContext<'_>, name: &str, about: &str) {
    let width = (ui.available_width() - 150.0).max(120.0);
    ui.vertical(|ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 1.0;
        ui.label(
            RichText::new(name)
                .font(text::bold(Size::Body))
                .color(context.palette.text),
        );
        let about = RichText::new(about)
            .font(text::plain(Size::Small))
            .color(context.palette.faint);
        ui.add(egui::Label::new(about).wrap());
    });
}

/// Draws a button whose accessible name is a verb and a model's id; returns whether it was pressed.
fn id_button(ui: &mut Ui, verb: &str, id: &str, about: &str) -> bool {
    let response = ui.add(Button::new(verb));
    let name = format!("{verb} {id}");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    response.on_hover_text(about).clicked()
}

/// Draws the button that chooses a model for this project.
fn use_button(ui: &mut Ui, context: &ViewContext<'_>, chosen: bool, choice: ModelChoice) {
    let words = match (chosen, state_of(context.live, &choice.id)) {
        (false, _) => "Use",
        (true, Some(ModelState::Loading)) => "Loading",
        (true, Some(ModelState::Missing)) => "Try again",
        (true, _) => "In use",
    };
    let enabled = !chosen || words == "Try again";
    let response = ui.add_enabled(enabled, Button::new(words));
    let name = format!("{words} {}", choice.id);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &name));
    if response
        .on_hover_text("Use this model in this project")
        .clicked()
    {
        context.host.state().set(&choice);
        context.host.apply();
    }
}

/// The state of the model with this id; `None` while the engine is asked for another.
fn state_of(snapshot: &Snapshot, id: &str) -> Option<ModelState> {
    let asked = snapshot.model.asked.as_deref();
    asked
        .is_none_or(|asked| asked == id)
        .then_some(snapshot.model.state)
}

fn progress(ui: &mut Ui, job: &Job) {
    let share = if job.total > 0 {
        job.done as f32 / job.total as f32
    } else {
        0.0
    };
    let stage = match job.stage {
        Stage::Waiting => "Waiting",
        Stage::Asking => "Asking the hub",
        Stage::Downloading => "Fetching",
        Stage::Copying => "Copying",
        Stage::Checking => "Checking",
    };
    let mut words = stage.to_owned();
    if job.total > 0 {
        words += &format!(" · {} of {}", text::bytes(job.done), text::bytes(job.total));
    }
    if job.speed_bytes_s > 0.0 {
        words += &format!(" · {}/s", text::bytes(job.speed_bytes_s as u64));
    }
    if let Some(eta_s) = job.eta_s.filter(|eta_s| eta_s.is_finite()) {
        words += &format!(" · {} left", length(eta_s));
    }
    ui.add(
        ProgressBar::new(share)
            .desired_height(8.0)
            .corner_radius(4.0),
    );
    ui.label(RichText::new(words).font(text::plain(Size::Small)));
}

/// A length of time, roughly.
fn length(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}
