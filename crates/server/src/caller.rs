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

    /// Whether it acts for this bank.
    pub(crate) const fn may_act_for(&self, _bank: types::Bic) -> bool {
        match self.role {
            Role::Operator => true,
        }
    }

    /// Whether it may know what there is of this bank.
    pub(crate) const fn may_see(&self, bank: types::Bic) -> bool {
        self.may_act_for(bank)
    }

    /// The banks that it may know about; none stands for all of them.
    pub(crate) const fn banks_seen(&self) -> Option<&[types::Bic]> {
        match self.role {
            Role::Operator => None,
        }
    }

    /// The identity that the listener gave this call.
    pub(crate) fn of<Message>(request: &tonic::Request<Message>) -> Result<Self, tonic::Status> {
        let caller = request.extensions().get::<Self>().copied();
        caller.ok_or_else(|| tonic::Status::unauthenticated("the caller is not known"))
    }
}
