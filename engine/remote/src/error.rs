//! The reasons for which a server can't be used.

/// Why a server is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// No address was given.
    #[error(
        "It has no address. Give one such as https://gpu.example:8000 or http://192.168.1.20:8000 in the window's \
         settings, with --server or in MERTSCOPE_SERVER."
    )]
    NoAddress,
    /// Its address is no address.
    #[error(
        "The address “{url}” can't be used: {reason}. Give one such as https://gpu.example:8000 or \
         http://192.168.1.20:8000."
    )]
    Address {
        /// The address.
        url: String,
        /// The reason, a phrase.
        reason: String,
    },
    /// Plain HTTP to a machine on the internet.
    #[error(
        "{host} is neither this machine nor on a private network, and plain HTTP would show the music to others. Give \
         an https address."
    )]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// There is no connection, or it broke.
    #[error("It can't be reached ({reason}). Start it, or check its address.")]
    Unreachable {
        /// The reason, a phrase.
        reason: String,
    },
    /// It took too long.
    #[error(
        "It gave no answer within {limit_s} s. MERTSCOPE_SERVER_TIMEOUT sets another limit in seconds."
    )]
    Slow {
        /// The limit in seconds.
        limit_s: u64,
    },
    /// It wants another token, or one at all.
    #[error("It refuses access (status {status}). Set its token in MERTSCOPE_SERVER_TOKEN.")]
    Denied {
        /// The HTTP status.
        status: u16,
    },
    /// It does not have the model.
    #[error(
        "It does not serve the model {model} (status {status}). `mertscope models export {model} --triton FOLDER` \
         writes what it needs."
    )]
    NoModel {
        /// The model's name there.
        model: String,
        /// The HTTP status.
        status: u16,
    },
    /// It answered with an error.
    #[error("It answered with status {status}: {said}. Its log says more.")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of its own words.
        said: String,
    },
    /// It answered what nobody asked.
    #[error(
        "It does not speak the inference protocol v2 as it should: {reason}. Check that the address is that of the \
         inference server."
    )]
    Nonsense {
        /// The reason, a phrase.
        reason: String,
    },
    /// It serves another model, or another form of it.
    #[error(
        "It serves another {model}: {difference}. Export the model again with this version of Mertscope."
    )]
    Other {
        /// The model's name there.
        model: String,
        /// The difference, a phrase.
        difference: String,
    },
    /// The program closes.
    #[error("The program is closing.")]
    Closing,
}
