//! The principals file: who a certificate stands for.
//!
//! ```toml
//! [[principal]]
//! number = 10                      # in the log with every command, for ever
//! name = "Alfa Bank"
//! roles = ["participant"]
//! bics = ["ALFABEBB"]              # eight characters mean XXX
//! certificates = ["uri:urn:solvo:alfa", "dns:core.alfa.example", "subject:CN=alfa,O=Alfa Bank,C=BE"]
//! ```
//!
//! Invariants:
//! - A number is one principal's, and a certificate's name as well. 0 is the engine, 1 whoever calls without TLS.
//! - Whoever acts for banks says which; whoever does not, names none.
//! - A certificate whose names belong to two principals belongs to neither.

use std::collections::HashMap;

use serde::Deserialize;
use types::{Bic, PrincipalNumber};

use crate::caller::{Caller, Role, Roles};
use crate::certificate::{CertificateName, NameError};

/// Everybody who may call.
#[derive(Debug, Default)]
pub(crate) struct Principals {
    callers: Vec<Caller>,
    /// The place in `callers` of whoever a name stands for.
    by_name: HashMap<CertificateName, usize>,
}

/// What is wrong with a principals file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalsError {
    /// The file is no TOML, or has something beside principals.
    #[error("{0}")]
    Syntax(String),
    /// One entry breaks a rule.
    #[error("{entry}: {fault}")]
    Entry {
        /// Which: its place in the file, and its name if it has one.
        entry: String,
        /// What is wrong with it.
        fault: String,
    },
}

/// The most principals. More would be another kind of system.
const PRINCIPALS_MAX: usize = 10_000;

/// Numbers below this are taken.
const NUMBER_MIN: u32 = 2;

/// The most characters of a name.
const NAME_CHARACTERS_MAX: usize = 140;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Read one by one, so that a fault names its entry.
    #[serde(default)]
    principal: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    number: u32,
    name: String,
    roles: Vec<String>,
    #[serde(default)]
    bics: Vec<String>,
    certificates: Vec<String>,
}

impl Principals {
    /// Reads a principals file.
    pub(crate) fn parse(text: &str) -> Result<Self, PrincipalsError> {
        let File { principal: entries } =
            toml::from_str(text).map_err(|error| PrincipalsError::Syntax(error.to_string()))?;
        if entries.len() > PRINCIPALS_MAX {
            return Err(PrincipalsError::Syntax(format!("a file has at most {PRINCIPALS_MAX} principals")));
        }
        let mut principals = Self::default();
        for (place, entry) in entries.into_iter().enumerate() {
            let title = match entry.get("name").and_then(toml::Value::as_str) {
                Some(name) => format!("principal {} ({name})", place + 1),
                None => format!("principal {}", place + 1),
            };
            principals.add(entry).map_err(|fault| PrincipalsError::Entry { entry: title, fault })?;
        }
        Ok(principals)
    }

    /// Who a certificate with these names stands for.
    pub(crate) fn caller(&self, names: &[CertificateName]) -> Option<&Caller> {
        let mut places = names.iter().filter_map(|name| self.by_name.get(name));
        let first = places.next()?;
        places.all(|place| place == first).then(|| &self.callers[*first])
    }

    /// How many there are.
    pub(crate) const fn count(&self) -> usize {
        self.callers.len()
    }

    fn add(&mut self, entry: toml::Table) -> Result<(), String> {
        let entry: Entry = entry.try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
        if entry.name.is_empty() || entry.name.chars().count() > NAME_CHARACTERS_MAX {
            return Err(format!("a name has 1 to {NAME_CHARACTERS_MAX} characters"));
        }
        if entry.number < NUMBER_MIN {
            return Err(format!(
                "number {} is taken by the node itself: start at {NUMBER_MIN}",
                entry.number
            ));
        }
        let number = PrincipalNumber(entry.number);
        if self.callers.iter().any(|caller| caller.principal == number) {
            return Err(format!("number {} is another principal's", entry.number));
        }
        let roles = read_roles(&entry.roles)?;
        let banks = read_banks(roles, &entry.bics)?;
        if entry.certificates.is_empty() {
            return Err("no certificate stands for it: name at least one".to_owned());
        }
        for text in &entry.certificates {
            let name: CertificateName =
                text.parse().map_err(|fault: NameError| format!("certificate {text:?}: {fault}"))?;
            if self.by_name.insert(name, self.callers.len()).is_some() {
                return Err(format!("certificate {text:?} is named twice"));
            }
        }
        self.callers.push(Caller::new(number, roles, banks));
        Ok(())
    }
}

fn read_roles(names: &[String]) -> Result<Roles, String> {
    let mut roles = Roles::NONE;
    for name in names {
        let role = Role::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| {
            format!("{name:?} is no role: participant, instructing-party, operator and auditor are")
        })?;
        if roles.has(role) {
            return Err(format!("role {name:?} is named twice"));
        }
        roles = roles.and(role);
    }
    if roles == Roles::NONE {
        return Err("it has no role".to_owned());
    }
    Ok(roles)
}

fn read_banks(roles: Roles, texts: &[String]) -> Result<Vec<Bic>, String> {
    let mut banks = Vec::with_capacity(texts.len());
    for text in texts {
        let bank = Bic::parse(text).map_err(|fault| format!("bic {text:?}: {fault}"))?;
        if banks.contains(&bank) {
            return Err(format!("bic {text:?} is named twice"));
        }
        banks.push(bank);
    }
    let acts = roles.has(Role::Participant) || roles.has(Role::InstructingParty);
    match (acts, banks.is_empty()) {
        (true, true) => Err("a participant or instructing party names the bics that it acts for".to_owned()),
        (false, false) => Err("only a participant or instructing party acts for bics".to_owned()),
        (true, false) | (false, true) => Ok(banks),
    }
}

#[cfg(test)]
#[path = "principals_tests.rs"]
mod tests;
