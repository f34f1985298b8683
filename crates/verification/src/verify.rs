//! The rule from its start: one given name, and the names of an account's holders.

use types::Text;

use crate::candidate::Candidate;
use crate::finding::{Finding, Nearness, Outcome, Step};
use crate::limits::HOLDERS_MAX;
use crate::name::Name;
use crate::{organisation, person};

/// Whether a name is that of one of an account's holders.
///
/// The rule is that of `docs/verification.md`. It looks at nothing but these texts, so the same question has the same
/// answer for ever. Holders beyond [`HOLDERS_MAX`] are not looked at.
pub fn verify_name(given: &Text<140>, holders: &[Text<140>]) -> Finding {
    let holders = &holders[..holders.len().min(HOLDERS_MAX)];
    if holders.contains(given) && given.as_str().chars().any(char::is_alphanumeric) {
        return Finding { outcome: Outcome::Match, step: Step::Identical };
    }
    let names: Vec<Name> = holders.iter().map(|holder| Name::read(holder.as_str())).collect();
    if names.iter().all(Name::is_empty) {
        return Finding { outcome: Outcome::NotPossible, step: Step::NoName };
    }
    let name = Name::read(given.as_str());
    if name.is_empty() {
        return Finding { outcome: Outcome::NoMatch, step: Step::NothingGiven };
    }
    let given = Understood::of(&name, 0);
    let holders = names.iter().enumerate().filter(|(_, name)| !name.is_empty());
    let holders: Vec<_> = holders.map(|(holder, name)| Understood::of(name, holder)).collect();
    let (nearness, holder) = nearest(&given, &holders);
    match nearness {
        Nearness::Match(_) | Nearness::Close(_) => nearness.finding(holder),
        Nearness::Apart(_) if given.is_joint => several(&given, &holders),
        Nearness::Apart(_) => nearness.finding(holder),
    }
}

/// A name, and the ways to understand it.
struct Understood<'name> {
    holder: usize,
    usual: Candidate<'name>,
    literal: Option<Candidate<'name>>,
    /// Names that stand within this one: trade and owner, the persons of a joint account.
    within: Vec<Candidate<'name>>,
    /// Whether those are several persons, who count one by one.
    is_joint: bool,
}

impl<'name> Understood<'name> {
    fn of(name: &'name Name, holder: usize) -> Self {
        let usual = Candidate::usual(name);
        let literal = Candidate::literal(name, &usual);
        let persons = usual.persons();
        let is_joint = persons.is_some();
        let within = persons.or_else(|| Candidate::trade_and_owner(name).map(Vec::from)).unwrap_or_default();
        Self { holder, usual, literal, within, is_joint }
    }

    /// The names by which one person is found: those within a joint name, else the name itself.
    fn persons(&self) -> &[Candidate<'name>] {
        if self.is_joint { &self.within } else { std::slice::from_ref(&self.usual) }
    }
}

/// The holder whose name is nearest; the first of equals.
fn nearest(given: &Understood<'_>, holders: &[Understood<'_>]) -> (Nearness, usize) {
    let found = holders.iter().map(|holder| {
        let mut nearness = compare(&given.usual, &holder.usual);
        if given.is_joint || holder.is_joint {
            nearness = if_match(nearness);
        }
        if given.literal.is_some() || holder.literal.is_some() {
            nearness = nearness.or_nearer(literally(given, holder));
        }
        for within in &holder.within {
            nearness = nearness.or_nearer(compare(&given.usual, within));
        }
        (nearness, holder.holder)
    });
    let nearest = found.reduce(|best, next| if next.0.rank() < best.0.rank() { next } else { best });
    nearest.expect("an account without a readable name was answered before")
}

fn compare(given: &Candidate<'_>, holder: &Candidate<'_>) -> Nearness {
    if given.is_organisation || holder.is_organisation {
        organisation::compare(given, holder)
    } else {
        person::compare(&given.words, &holder.words)
    }
}

/// Where a form or a title may be a word of the name: for an organisation, nothing but the same words counts.
fn literally(given: &Understood<'_>, holder: &Understood<'_>) -> Nearness {
    let [left, right] = [given, holder].map(|name| name.literal.as_ref().unwrap_or(&name.usual));
    let nearness = person::compare(&left.words, &right.words);
    let [left, right] = [given, holder].map(|name| &name.usual);
    if !left.is_organisation && !right.is_organisation && !given.is_joint && !holder.is_joint {
        return nearness;
    }
    match nearness {
        // Two organisations' names in another order are only close, as `organisation` says.
        Nearness::Match(Step::OtherOrder) if left.form.is_some() && right.form.is_some() => {
            Nearness::Apart(Step::Different)
        }
        Nearness::Match(_) | Nearness::Close(_) | Nearness::Apart(_) => if_match(nearness),
    }
}

/// Where a name is that of several persons, or may be another thing, only the same words count.
fn if_match(nearness: Nearness) -> Nearness {
    match nearness {
        Nearness::Match(_) => nearness,
        Nearness::Close(_) | Nearness::Apart(_) => Nearness::Apart(Step::Different),
    }
}

/// "Anna und Jürg Müller": each of them has to be another holder. As near as the farthest of them.
fn several(given: &Understood<'_>, holders: &[Understood<'_>]) -> Finding {
    let known: Vec<_> = holders
        .iter()
        .flat_map(|holder| holder.persons().iter().map(|person| (holder.holder, person)))
        .collect();
    let mut is_taken = vec![false; known.len()];
    let mut close = None;
    for person in given.persons() {
        let compared = known.iter().enumerate().filter(|(place, _)| !is_taken[*place]);
        let compared = compared.map(|(place, (holder, name))| (compare(person, name), place, *holder));
        let nearest = compared.min_by_key(|(nearness, _, _)| nearness.rank());
        let (nearness, place, holder) = nearest.unwrap_or((Nearness::Apart(Step::Different), 0, 0));
        match nearness {
            Nearness::Match(_) => {}
            Nearness::Close(_) => close = close.or(Some(nearness.finding(holder))),
            Nearness::Apart(_) => return Nearness::Apart(Step::Different).finding(holder),
        }
        is_taken[place] = true;
    }
    close.unwrap_or(Finding { outcome: Outcome::Match, step: Step::EachPerson })
}
