//! Why something could not be driven to its end, split by what the caller does next.

use std::io;
use std::path::PathBuf;

use client::ClientError;
use client::v1::ErrorReason;

/// Why a run ended early. A payment that is refused, or a difference that an audit finds, is a result
/// instead.
#[derive(Debug, thiserror::Error)]
pub enum LoadgenError {
    /// The options contradict a limit: correct them.
    #[error("{0}")]
    Options(String),
    /// A file or folder can't be used: correct it.
    #[error("{path}: {what}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why, in one sentence.
        what: String,
    },
    /// The node did not do what the run needs.
    #[error("{what}: {source}")]
    Node {
        /// What was being done.
        what: &'static str,
        /// How it ended.
        source: ClientError,
    },
    /// The node answered what the contract rules out.
    #[error("the node broke the contract: {0}")]
    Contract(&'static str),
    /// The machine gives no thread to keep time on.
    #[error("a thread can't be started: {0}")]
    Thread(io::Error),
}

impl LoadgenError {
    /// Names what was being done when a call failed.
    pub(crate) fn node(what: &'static str) -> impl Fn(ClientError) -> Self + Copy {
        move |source| Self::Node { what, source }
    }

    /// What a program can act on, if the node refused.
    pub(crate) const fn reason(&self) -> Option<ErrorReason> {
        match self {
            Self::Node { source: ClientError::NotDone(refusal), .. } => Some(refusal.reason),
            Self::Node {
                source: ClientError::Address(_) | ClientError::Tls(_) | ClientError::Unknown { .. },
                ..
            }
            | Self::Options(_)
            | Self::File { .. }
            | Self::Contract(_)
            | Self::Thread(_) => None,
        }
    }
}
