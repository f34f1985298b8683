//! Who calls, and for whom.
//!
//! A node without TLS listens on loopback only, and whoever reaches it there may do everything. With TLS the
//! principals file says who a certificate stands for ([`crate::Identities`]), and the gate ([`crate::gate`]) gives
//! each call its caller before any handler runs.

use std::sync::Arc;

use tonic::Status;
use types::{Bic, PrincipalNumber};

use crate::connection::Peer;

/// What somebody is to the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A bank: keeps its own accounts, sends and receives for its own BICs.
    Participant,
    /// Sends and receives for the banks that it lists, and keeps no accounts.
    InstructingParty,
    /// Runs the node: registers banks, moves liquidity, sees everything, and moves no customer's money.
    Operator,
    /// Sees everything and changes nothing.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Participant, Self::InstructingParty, Self::Operator, Self::Auditor];

    /// As the principals file has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Participant => "participant",
            Self::InstructingParty => "instructing-party",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Participant => 1,
            Self::InstructingParty => 2,
            Self::Operator => 4,
            Self::Auditor => 8,
        }
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// Every role.
    pub const ALL: Self =
        Self::NONE.and(Role::Participant).and(Role::InstructingParty).and(Role::Operator).and(Role::Auditor);

    /// These, and one more.
    #[must_use]
    pub const fn and(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    /// Whether this is one of them.
    pub const fn has(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether the two sets have a role in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The identity behind a call, written into the log with every command. Clones are cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The identity's number in the log.
    pub principal: PrincipalNumber,
    /// What it is to the node.
    pub roles: Roles,
    /// The banks that it acts for; none stands for all of them.
    banks: Option<Arc<[Bic]>>,
}

impl Caller {
    /// Whoever calls a node without TLS over the loopback interface.
    pub const LOOPBACK: Self = Self { principal: PrincipalNumber(1), roles: Roles::ALL, banks: None };

    /// Somebody who acts for these banks and no others.
    pub fn new(principal: PrincipalNumber, roles: Roles, banks: impl Into<Arc<[Bic]>>) -> Self {
        Self { principal, roles, banks: Some(banks.into()) }
    }

    /// Whether it sends, receives and keeps accounts for this bank.
    pub fn may_act_for(&self, bank: Bic) -> bool {
        // Few banks: a walk is quicker than a hash.
        self.banks.as_ref().is_none_or(|banks| banks.contains(&bank))
    }

    /// The node itself, for what it reads in the name of one bank.
    pub(crate) fn for_bank(bank: Bic) -> Self {
        Self::new(PrincipalNumber(0), Roles::NONE.and(Role::Participant), [bank])
    }

    /// Whether it acts for every bank.
    pub(crate) const fn acts_for_all(&self) -> bool {
        self.banks.is_none()
    }

    /// The bank that it acts for, if that is one alone.
    pub(crate) fn only_bank(&self) -> Option<Bic> {
        match self.banks.as_deref() {
            Some([bank]) => Some(*bank),
            Some(_) | None => None,
        }
    }

    /// Whether it may know what there is of this bank: it acts for it, or sees everything.
    pub fn may_see(&self, bank: Bic) -> bool {
        self.sees_everything() || self.may_act_for(bank)
    }

    /// Whether it may know what there is of every bank.
    pub const fn sees_everything(&self) -> bool {
        self.roles.has(Role::Operator) || self.roles.has(Role::Auditor)
    }

    /// The banks that it may know about; none stands for all of them.
    pub(crate) fn banks_seen(&self) -> Option<&[Bic]> {
        if self.sees_everything() { None } else { self.banks.as_deref() }
    }

    /// The caller that the gate gave this call.
    pub(crate) fn of<Message>(request: &tonic::Request<Message>) -> Result<Self, Status> {
        let extensions = request.extensions();
        match (extensions.get::<Self>(), extensions.get::<Peer>()) {
            (Some(caller), _) => Ok(caller.clone()),
            (None, Some(Peer { certified: None, .. })) => Ok(Self::LOOPBACK),
            (None, _) => Err(Status::unauthenticated("the caller is not known")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_acts_for_its_own_bics_and_those_who_see_everything_act_for_none() {
        let [own, foreign] = ["ALFABEBB", "BETADEFF"].map(|bic| Bic::parse(bic).unwrap());
        let bank = Caller::new(PrincipalNumber(2), Roles::NONE.and(Role::Participant), [own]);
        assert!(bank.may_act_for(own) && bank.may_see(own));
        assert!(!bank.may_act_for(foreign) && !bank.may_see(foreign));
        for role in [Role::Operator, Role::Auditor] {
            let caller = Caller::new(PrincipalNumber(3), Roles::NONE.and(role), []);
            assert!(caller.may_see(own) && !caller.may_act_for(own));
        }
        assert!(Caller::LOOPBACK.may_act_for(own) && Caller::LOOPBACK.may_see(foreign));
    }

    #[test]
    fn sets_of_roles_hold_what_was_put_in() {
        for role in Role::ALL {
            let alone = Roles::NONE.and(role);
            let held: Vec<Role> = Role::ALL.into_iter().filter(|other| alone.has(*other)).collect();
            assert_eq!(held, [role]);
            assert!(alone.meets(Roles::ALL) && !alone.meets(Roles::NONE));
        }
    }
}
