//! The live engine from outside: rings in, snapshots out, with the real ONNX Runtime.

#[path = "live/answers.rs"]
mod answers;
#[path = "live/checkpoints.rs"]
mod checkpoints;
#[path = "live/faults.rs"]
mod faults;
#[path = "live/frames.rs"]
mod frames;
#[path = "live/heads.rs"]
mod heads;
#[path = "live/offline.rs"]
mod offline;
#[path = "live/own_data.rs"]
mod own_data;
#[path = "live/stage.rs"]
mod stage;
#[path = "live/start_again.rs"]
mod start_again;
#[path = "live/study.rs"]
mod study;
#[path = "live/transport.rs"]
mod transport;
