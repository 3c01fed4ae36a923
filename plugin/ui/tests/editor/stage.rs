//! An instance for tests, whose editor is drawn without a window.

use std::sync::Arc;

use mertscope_ui::editor_ui::EditorUi;
use mertscope_ui::host::EditorHost;
use mertscope_ui::host_panel::HostPanel;
use mertscope_ui::user::User;

/// See the module.
pub(crate) struct Stage<H> {
    pub host: Arc<H>,
    pub user: User,
    /// The app's panel; `None` for a plugin in a DAW.
    pub host_panel: Option<Arc<dyn HostPanel>>,
}

impl<H: Default> Default for Stage<H> {
    fn default() -> Self {
        Self {
            host: Arc::default(),
            user: User::default(),
            host_panel: None,
        }
    }
}

impl<H: EditorHost + 'static> Stage<H> {
    /// An editor in an egui context.
    pub(crate) fn editor_ui(&self, egui: &egui::Context) -> EditorUi {
        let host = Arc::clone(&self.host) as Arc<dyn EditorHost>;
        EditorUi::new(egui, host, self.user.clone()).with_host_panel(self.host_panel.clone())
    }
}
