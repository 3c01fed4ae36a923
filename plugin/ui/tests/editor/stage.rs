//! An instance whose window is drawn without one.

use std::sync::Arc;

use mertscope_ui::face::Face;
use mertscope_ui::host::EditorHost;
use mertscope_ui::user::User;

/// See the module.
pub(crate) struct Stage<H> {
    pub host: Arc<H>,
    pub user: User,
}

impl<H: Default> Default for Stage<H> {
    fn default() -> Self {
        Self {
            host: Arc::default(),
            user: User::default(),
        }
    }
}

impl<H: EditorHost + 'static> Stage<H> {
    /// A face in an egui context.
    pub(crate) fn face(&self, egui: &egui::Context) -> Face {
        let host = Arc::clone(&self.host) as Arc<dyn EditorHost>;
        Face::new(egui, host, self.user.clone())
    }
}
