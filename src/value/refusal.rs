//! Why a server refuses a value, in its own words.

/// Why a server refuses a value, in its own words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Refusal {
    /// The message; `None` stands for `invalid value for parameter "NAME": "VALUE"`.
    pub message: Option<String>,
    /// The server's DETAIL line.
    pub detail: Option<String>,
    /// The server's HINT line.
    pub hint: Option<String>,
    /// Whether it ends a server that starts, so that no more is said of what follows.
    pub ends: bool,
    /// Set where another machine or build of the same version may accept the value: why.
    pub depends: Option<&'static str>,
}

/// A value as `SHOW` prints it, or why the server refuses it.
pub type Read = Result<Vec<u8>, Refusal>;
