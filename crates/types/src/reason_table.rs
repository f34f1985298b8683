//! The codes of the scheme: what each means, who gives it, and on which channels it may appear.
//!
//! A bank may send any code, and it is passed on unchanged; this is what the codes of the scheme's table mean, and where
//! they belong. `docs/reasons.md` shows the same table, and a test holds the two together.

use ReasonChannel::{
    NoPayment, OnRecallAnswer, PayeesBank, PayersSide, RecallRefusal, RecallRequest, Return,
};

/// Where a code may appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonChannel {
    /// In what the payer's side is told of a payment: an outcome over gRPC, a pacs.002 to the payer's bank.
    PayersSide,
    /// In what the payee's bank is told of a payment that it was asked about: a report, a pacs.002.
    PayeesBank,
    /// In the answer to what names no payment that was received.
    NoPayment,
    /// In a recall, or in a payer's request for one: camt.056.
    RecallRequest,
    /// In the refusal of a recall: camt.029.
    RecallRefusal,
    /// In a return: pacs.004.
    Return,
    /// In what a payee's bank is told of its own answer to a recall: a pacs.002 about a pacs.004 or camt.029.
    OnRecallAnswer,
}

impl ReasonChannel {
    /// Its name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PayersSide => "payer's side (gRPC, pacs.002)",
            Self::PayeesBank => "payee's bank (gRPC, pacs.002)",
            Self::NoPayment => "answer to what names no payment",
            Self::RecallRequest => "camt.056",
            Self::RecallRefusal => "camt.029",
            Self::Return => "pacs.004",
            Self::OnRecallAnswer => "answer to a pacs.004 or camt.029",
        }
    }
}

/// A code of the scheme's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemeReason {
    /// Four capital letters or digits.
    pub code: &'static str,
    /// What it means, and where Solvo gives it if that is narrower.
    pub meaning: &'static str,
    /// Whether Solvo gives it itself.
    pub is_own: bool,
    /// Whether a bank may give it.
    pub is_of_banks: bool,
    /// Where it may appear.
    pub channels: &'static [ReasonChannel],
}

/// Whether Solvo gives a code, and whether banks may.
const SOLVO: [bool; 2] = [true, false];
const BANKS: [bool; 2] = [false, true];
const BOTH: [bool; 2] = [true, true];

const fn row(
    code: &'static str,
    meaning: &'static str,
    [is_own, is_of_banks]: [bool; 2],
    channels: &'static [ReasonChannel],
) -> SchemeReason {
    SchemeReason { code, meaning, is_own, is_of_banks, channels }
}

/// The scheme's table, by code.
pub const SCHEME_REASONS: [SchemeReason; 64] = [
    row("AB01", "the clearing process ran out of time", BANKS, &[PayersSide]),
    row("AB02", "the clearing process ended with a fatal error", BANKS, &[PayersSide]),
    row("AB03", "the settlement ran out of time", BANKS, &[PayersSide]),
    row("AB04", "the settlement ended with a fatal error", BANKS, &[PayersSide]),
    row(
        "AB05",
        "the payee's bank did not answer in time, or the payment's time was over when it came",
        BOTH,
        &[PayersSide],
    ),
    row(
        "AB06",
        "the bank or system that was instructed did not answer in time; a profile may tell it instead of AB05",
        BANKS,
        &[PayersSide],
    ),
    row("AB07", "a bank is not connected; given where the payer's bank wants to decide", BOTH, &[PayersSide]),
    row("AB08", "the payee's bank is not connected", BOTH, &[PayersSide]),
    row("AB09", "an error at the payee's bank", BANKS, &[PayersSide]),
    row(
        "AB10",
        "an error at the bank that was instructed; given where it has too many payments unanswered",
        BOTH,
        &[PayersSide],
    ),
    row("AB11", "the payer's bank wanted to decide and did not in time", BOTH, &[PayersSide]),
    row("AC01", "the account number is wrong or unknown; given of the payee's", BOTH, &[PayersSide]),
    row("AC02", "the payer's account number is wrong or unknown", BOTH, &[PayersSide]),
    row(
        "AC03",
        "the payee's account number is wrong or unknown; as a payer's reason for a recall, it was the wrong one",
        BANKS,
        &[PayersSide, RecallRequest],
    ),
    row("AC04", "an account is closed", BOTH, &[PayersSide, PayeesBank, RecallRefusal, OnRecallAnswer]),
    row("AC06", "an account is blocked", BOTH, &[PayersSide, PayeesBank, OnRecallAnswer]),
    row("ADAC", "the payee has not yet allowed the debit", BANKS, &[RecallRefusal]),
    row("AG01", "the account's type permits no such payment", BOTH, &[PayersSide]),
    row("AG02", "the kind of transaction is not valid for the receiver", BANKS, &[PayersSide]),
    row(
        "AG09",
        "no payment with this reference was received, or it was not asked back",
        SOLVO,
        &[NoPayment, OnRecallAnswer],
    ),
    row(
        "AG10",
        "a bank is suspended; given of the payer's, and of either on a return",
        BOTH,
        &[PayersSide, OnRecallAnswer],
    ),
    row("AG11", "the payee's bank is suspended", BOTH, &[PayersSide]),
    row("AGNT", "a bank in the chain is not the right one", BANKS, &[PayersSide]),
    row("AM01", "the amount is zero", BANKS, &[PayersSide]),
    row(
        "AM02",
        "the amount is more than is allowed; given where an account can't hold it",
        BOTH,
        &[PayersSide, PayeesBank, OnRecallAnswer],
    ),
    row("AM03", "the currency can't be processed", BOTH, &[PayersSide]),
    row("AM04", "the funds do not suffice", BOTH, &[PayersSide, RecallRefusal, OnRecallAnswer]),
    row(
        "AM05",
        "the payment is a duplicate; given where a reference comes again with another body, or a recall has its answer",
        BOTH,
        &[PayersSide, OnRecallAnswer],
    ),
    row("AM09", "the amount was the wrong one", BANKS, &[RecallRequest]),
    row("AM14", "the amount is above a limit that the payer has set", SOLVO, &[PayersSide]),
    row("AM21", "the amount is above a limit agreed between bank and customer", BANKS, &[PayersSide]),
    row(
        "AM23",
        "the amount is above what can be settled; given where the position of the payer's bank does not suffice",
        BOTH,
        &[PayersSide],
    ),
    row("ARDT", "the payment has been returned already", BOTH, &[RecallRefusal]),
    row("BE01", "the payee is not the holder of the account", BANKS, &[PayersSide]),
    row("BE04", "the payee's address is missing or wrong", BANKS, &[PayersSide]),
    row("CERI", "content is not marked as the remittance option asks", BANKS, &[PayersSide]),
    row("CNOR", "the payee's bank is not registered", BOTH, &[PayersSide]),
    row(
        "CUST",
        "the customer's decision: the payer asks for the money back, or the payee keeps it",
        BANKS,
        &[RecallRequest, RecallRefusal],
    ),
    row("DNOR", "the payer's bank is not registered", SOLVO, &[PayersSide]),
    row(
        "DT01",
        "a date is not valid; given where the acceptance time lies ahead, or a return does not bear the business date",
        BOTH,
        &[PayersSide, OnRecallAnswer],
    ),
    row("DUPL", "the payment was sent twice", BANKS, &[RecallRequest]),
    row(
        "ED05",
        "the settlement failed; given where a position or limit is blocked",
        BOTH,
        &[PayersSide, OnRecallAnswer],
    ),
    row("ED06", "the settlement system is not available", BANKS, &[PayersSide]),
    row("ERIN", "the remittance option is not supported", BANKS, &[PayersSide]),
    row("FF01", "the document breaks a rule of the scheme", BOTH, &[PayersSide, OnRecallAnswer]),
    row("FF10", "technical trouble at a bank", BANKS, &[PayersSide]),
    row("FOCR", "the money comes back after a request for it", BANKS, &[Return]),
    row("FRAD", "the payment was a fraud", BANKS, &[PayersSide, RecallRequest]),
    row(
        "LEGL",
        "a legal reason; given where a rule of the scheme is against a recall",
        BOTH,
        &[PayersSide, RecallRefusal],
    ),
    row("MD07", "the customer is dead", BANKS, &[PayersSide]),
    row("MS02", "the customer gives no reason", BANKS, &[PayersSide]),
    row(
        "MS03",
        "no reason is given; given where the node could not decide, and to watchers of a payee in place of what is the payer's side's alone",
        BOTH,
        &[PayersSide, PayeesBank, OnRecallAnswer],
    ),
    row("NOAS", "the payee has not answered", BOTH, &[RecallRefusal]),
    row("NOOR", "the payment was never received", BOTH, &[RecallRefusal]),
    row(
        "RC01",
        "a bank's code is wrong; given where the sender may not act for the payer's bank",
        BOTH,
        &[PayersSide],
    ),
    row("RC03", "the payer's bank is missing or not valid", BANKS, &[PayersSide]),
    row("RC04", "the payee's bank is missing or not valid", BANKS, &[PayersSide]),
    row("RR01", "the payer's account or identification is missing", BANKS, &[PayersSide]),
    row("RR02", "the payer's name or address is missing", BANKS, &[PayersSide]),
    row("RR03", "the payee's name or address is missing", BANKS, &[PayersSide]),
    row("RR04", "a regulatory reason, about which no more is said", BOTH, &[PayersSide, PayeesBank]),
    row("SL02", "a service of the payee's bank", BANKS, &[PayersSide]),
    row("TECH", "technical trouble sent the payment, or sent it wrongly", BANKS, &[RecallRequest]),
    row(
        "TM01",
        "the answer came after its time; told by the profile to a payee's bank that was silent",
        BOTH,
        &[PayersSide, PayeesBank],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReasonCode, StatusReason};

    #[test]
    fn codes_are_codes_in_their_order() {
        assert!(SCHEME_REASONS.is_sorted_by(|left, right| left.code < right.code));
        for row in SCHEME_REASONS {
            assert!(ReasonCode::parse(row.code).is_ok(), "{}", row.code);
            assert!(row.is_own || row.is_of_banks, "{} is given by somebody", row.code);
            assert!(!row.channels.is_empty(), "{} appears somewhere", row.code);
        }
    }

    /// What Solvo gives is the closed list, what a profile tells a bank that was silent, and how it refuses recalls.
    #[test]
    fn what_solvo_gives_is_the_closed_list() {
        let own: Vec<&str> = SCHEME_REASONS.iter().filter(|row| row.is_own).map(|row| row.code).collect();
        let mut listed: Vec<String> = StatusReason::ALL.map(|reason| reason.code().to_string()).to_vec();
        listed.extend(["TM01", "ARDT", "LEGL", "NOAS", "NOOR"].map(str::to_owned));
        listed.sort();
        assert_eq!(own, listed);
    }
}
