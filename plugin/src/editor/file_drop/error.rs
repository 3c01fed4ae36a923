//! The error of a window that can't receive files.

/// Why files can't be dropped on a window.
#[derive(Debug, thiserror::Error)]
pub(in crate::editor) enum DropError {
    /// The X server does not answer.
    #[error("The X server can't be reached: {0}.")]
    Connect(#[from] x11rb::errors::ConnectError),
    /// The connection broke.
    #[error("The X server is gone: {0}.")]
    Connection(#[from] x11rb::errors::ConnectionError),
    /// The X server refused a request.
    #[error("The X server refused a request: {0}.")]
    Reply(#[from] x11rb::errors::ReplyError),
    /// The connection has no more ids.
    #[error("The X server has no room for another window: {0}.")]
    Id(#[from] x11rb::errors::ReplyOrIdError),
    /// The system has no more threads.
    #[error("The system could not start another thread: {0}.")]
    Thread(#[from] std::io::Error),
}
