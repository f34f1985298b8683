//! Who calls.
//!
//! Until mutual TLS exists a node listens on loopback only, and whoever reaches it there is its operator.

use types::PrincipalNumber;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs the node: may call everything.
    Operator,
}

/// The identity behind a call, written into the log with every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The identity's number in the log.
    pub principal: PrincipalNumber,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// Whoever calls over the loopback interface.
    pub const LOOPBACK: Self = Self { principal: PrincipalNumber(1), role: Role::Operator };

    /// The identity that the listener gave this call.
    pub(crate) fn of<Message>(request: &tonic::Request<Message>) -> Result<Self, tonic::Status> {
        let caller = request.extensions().get::<Self>().copied();
        caller.ok_or_else(|| tonic::Status::unauthenticated("the caller is not known"))
    }
}
