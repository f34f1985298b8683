//! camt.029.001.09: the payee's bank refuses to give a payment back, which is the negative answer to a recall.
//!
//! What has to be said beside the code depends on who asked and why. Each text has the name of its attribute in front,
//! as the scheme marks them; [`RefusalText`] knows the marks, and [`NegativeAnswer::audience`] holds a whole answer
//! against the rules.

use types::{RecallKind, RecallRefusal, Text, TextError};

use crate::limits::ADDITIONAL_INFORMATION_MAX;
use crate::original::{write_assignment, write_original_details, write_original_group, write_original_ids};
use crate::pacs002::write_originator;
use crate::xml_write::XmlWriter;
use crate::{Assignment, CAMT029_NAMESPACE, OriginalDetails, OriginalReferences, Originator};

/// What a negative answer says in `Conf` and `TxCxlSts`: the request is rejected.
pub(crate) const REJECTED: &str = "RJCR";

/// What an additional text of a negative answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalText {
    /// `ATR053`: the answer to a bank, in words. The first text of such an answer, and mandatory.
    ToBank,
    /// `ATR057`: the grounds in law, for `LEGL`.
    LegalGrounds,
    /// `FRAD`: what became of the money of a fraud.
    Fraud,
    /// `ATR072`: the answer to a payer, in words. The first text of such an answer, and mandatory.
    ToOriginator,
    /// `ATR078`: about the account, where the payer had given a wrong one.
    Account,
}

impl RefusalText {
    /// Every kind of text.
    pub const ALL: [Self; 5] =
        [Self::ToBank, Self::LegalGrounds, Self::Fraud, Self::ToOriginator, Self::Account];

    /// What stands in front of the text.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::ToBank => "ATR053",
            Self::LegalGrounds => "ATR057",
            Self::Fraud => "FRAD",
            Self::ToOriginator => "ATR072",
            Self::Account => "ATR078",
        }
    }

    /// How many texts of this kind an answer may have.
    const fn most(self) -> usize {
        match self {
            Self::ToBank | Self::ToOriginator => 1,
            Self::LegalGrounds => 2,
            Self::Fraud | Self::Account => 10,
        }
    }

    /// The kind of a text.
    pub fn of(text: &Text<105>) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| text.as_str().starts_with(kind.mark()))
    }

    /// A text with its mark in front and a blank between them.
    ///
    /// # Errors
    /// If both together are no text of at most 105 characters.
    pub fn marked(self, text: &str) -> Result<Text<105>, TextError> {
        Text::parse(&format!("{} {text}", self.mark()))
    }
}

/// The refusal to give a payment back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegativeAnswer {
    /// `Assgnmt`: the hop.
    pub assignment: Assignment,
    /// `CxlStsId`: the sender's identification of the answer.
    pub cancellation_status_id: Text<35>,
    /// The references of the payment.
    pub original: OriginalReferences,
    /// `CxlStsRsnInf/Orgtr`: who refuses.
    pub originator: Originator,
    /// `CxlStsRsnInf/Rsn/Cd`.
    pub reason: RecallRefusal,
    /// `CxlStsRsnInf/AddtlInf`, each with its mark ([`RefusalText`]).
    pub additional_information: Vec<Text<105>>,
    /// The content of the payment.
    pub details: OriginalDetails,
}

impl NegativeAnswer {
    /// Whom the answer is for, as its texts show; `None` if they are not what the reason and the scheme require.
    ///
    /// A bank hears `ATR053` first, then the grounds in law (one or two for `LEGL`, else none), then at most ten texts
    /// about a fraud. A payer hears `ATR072` first, then at most ten texts about the account.
    pub fn audience(&self) -> Option<RecallKind> {
        let texts = &self.additional_information;
        let kinds: Option<Vec<RefusalText>> = texts.iter().map(RefusalText::of).collect();
        let kinds = kinds.filter(|kinds| kinds.len() <= ADDITIONAL_INFORMATION_MAX)?;
        let audience = match kinds.first()? {
            RefusalText::ToBank => RecallKind::Bank,
            RefusalText::ToOriginator => RecallKind::Originator,
            RefusalText::LegalGrounds | RefusalText::Fraud | RefusalText::Account => return None,
        };
        let allowed: &[RefusalText] = match audience {
            RecallKind::Bank => &[RefusalText::ToBank, RefusalText::LegalGrounds, RefusalText::Fraud],
            RecallKind::Originator => &[RefusalText::ToOriginator, RefusalText::Account],
        };
        let count = |kind: RefusalText| kinds.iter().filter(|found| **found == kind).count();
        let fits = kinds.iter().all(|kind| allowed.contains(kind) && count(*kind) <= kind.most());
        let is_legal = self.reason == RecallRefusal::Legal && audience == RecallKind::Bank;
        let grounds = (count(RefusalText::LegalGrounds) > 0) == is_legal;
        (fits && grounds).then_some(audience)
    }
}

/// Writes a negative answer.
///
/// # Panics
/// If the assignment does not name both banks, or the additional texts are not what the reason requires.
pub fn write_camt029(answer: &NegativeAnswer) -> String {
    assert!(answer.audience().is_some(), "an answer says what its reason requires");
    let mut xml = XmlWriter::document(CAMT029_NAMESPACE);
    xml.open("RsltnOfInvstgtn");
    write_assignment(&mut xml, &answer.assignment);
    xml.open("Sts");
    xml.leaf("Conf", REJECTED);
    xml.close();
    xml.open("CxlDtls");
    xml.open("TxInfAndSts");
    xml.text("CxlStsId", &answer.cancellation_status_id);
    write_original_group(&mut xml, &answer.original);
    write_original_ids(&mut xml, &answer.original);
    xml.optional_text("OrgnlUETR", answer.original.uetr.as_ref());
    xml.leaf("TxCxlSts", REJECTED);
    xml.open("CxlStsRsnInf");
    write_originator(&mut xml, Some(&answer.originator));
    xml.open("Rsn");
    xml.leaf("Cd", answer.reason.as_str());
    xml.close();
    for text in &answer.additional_information {
        xml.text("AddtlInf", text);
    }
    xml.close();
    write_original_details(&mut xml, &answer.details);
    xml.close();
    xml.close();
    xml.close();
    xml.finish()
}
