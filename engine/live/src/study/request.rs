//! Requests about a stream's references and labeled examples.

use std::path::PathBuf;
use std::sync::Arc;

use mertscope_heads::few_shot::LabeledExamples;
use mertscope_heads::reference::Reference;

/// A request about a stream's references and labeled examples. A failure, and a success that is not
/// visible otherwise, become [`Study::notice`](crate::Study::notice).
#[derive(Debug, Clone)]
pub enum Request {
    /// Makes a reference of the last windows, back to the last start, jump or reset.
    Capture {
        /// Its name.
        name: String,
        /// Its color, `[red, green, blue]`.
        color: [u8; 3],
    },
    /// Makes a reference of an audio file; [`Study::file_progress`](crate::Study::file_progress) shows
    /// the progress.
    File {
        /// The file.
        path: PathBuf,
        /// The reference's name.
        name: String,
        /// Its color, `[red, green, blue]`.
        color: [u8; 3],
    },
    /// Cancels all files.
    StopFiles,
    /// Renames a reference.
    Rename {
        /// Its id.
        id: String,
        /// Its new name.
        name: String,
    },
    /// Removes a reference.
    Remove {
        /// Its id.
        id: String,
    },
    /// Puts a removed reference back.
    PutBack {
        /// The reference.
        reference: Arc<Reference>,
        /// Its index among the others.
        at: usize,
    },
    /// Replaces all references.
    SetReferences(Vec<Arc<Reference>>),
    /// Shows the distances to the reference with this id layer by layer, from the next window on;
    /// `None` shows no more.
    Layers(Option<String>),
    /// Marks the last windows as examples of a label.
    Mark {
        /// The label.
        label: String,
        /// The number of windows, at least 1.
        windows: usize,
    },
    /// Removes the examples of the last mark.
    Undo,
    /// Replaces all labeled examples.
    SetExamples(LabeledExamples),
    /// Saves the user head in the model's user store; its task gets the same name.
    Save {
        /// The name, valid for [`is_name`](mertscope_heads::user_store::is_name).
        name: String,
    },
}
