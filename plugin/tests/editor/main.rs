//! The editor over a whole instance: exports, OSC, references, teaching and defaults, with parameters,
//! connection and engine behind the views.

mod defaults;
mod exports;
mod instance;
mod study;

#[path = "../../ui/tests/editor/music.rs"]
mod music;
#[path = "../../ui/tests/editor/stage.rs"]
mod stage;
#[path = "../../ui/tests/editor/window.rs"]
mod window;

type Stage = stage::Stage<mertscope::instance::Instance>;
type Window = window::Window<mertscope::instance::Instance>;
