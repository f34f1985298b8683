//! What banks are told where the ledger refuses a recall or the answer to one, in the scheme's codes.
//!
//! A camt.056 is refused by a camt.029, whose codes are few: that a rule of the scheme is against it is LEGL, and the words
//! say which. What says nothing about the payment has no code there, and the document counts as not taken. An answer is
//! refused by a pacs.002.

use iso20022::RefusalText;
use ledger::Refusal;
use types::{RecallKind, RecallReason, RecallRefusal, StatusReason, Text};

/// The code of the camt.029 that refuses a camt.056. `None` if it is not taken: its bank may send it again under another
/// id.
pub(super) const fn code_for_request(refusal: Refusal) -> Option<RecallRefusal> {
    match refusal {
        Refusal::OriginalNotSettled | Refusal::OriginalDiffers => Some(RecallRefusal::NoOriginal),
        Refusal::RecallExists | Refusal::RecallWindowOver => Some(RecallRefusal::Legal),
        Refusal::RequestIdReused
        | Refusal::ParticipantUnknown
        | Refusal::ParticipantExists
        | Refusal::AccountsNotHosted
        | Refusal::AccountUnknown
        | Refusal::AccountExists
        | Refusal::AccountClosed
        | Refusal::AccountBlocked
        | Refusal::AccountNotEmpty
        | Refusal::FloorAboveAvailable
        | Refusal::InsufficientFunds
        | Refusal::BalanceLimit
        | Refusal::PositionUnknown
        | Refusal::ReferenceReused
        | Refusal::CurrencyLimit
        | Refusal::RunMisplaced
        | Refusal::Voided
        | Refusal::VersionNotNext
        | Refusal::InstantFeeAboveOrdinary
        | Refusal::BookUnknown
        | Refusal::CalendarUnknown
        | Refusal::CalendarYear
        | Refusal::BusinessDateNotNext
        | Refusal::NotDue
        | Refusal::RecallUnknown
        | Refusal::RecallAnswered
        | Refusal::RecallOfAnotherBank
        | Refusal::ConsentMissing
        | Refusal::AboveOriginal
        | Refusal::AnswerNotTrue
        | Refusal::RecallLimit
        | Refusal::ParticipantSuspended
        | Refusal::PairNotAllowed
        | Refusal::PositionBlocked
        | Refusal::PositionExists
        | Refusal::PartyDiffers
        | Refusal::LimitUnknown
        | Refusal::VersionConflict
        | Refusal::RecordUnknown
        | Refusal::RecordExpiryNotAllowed
        | Refusal::RecordLimit
        | Refusal::RecordSpaceLimit
        | Refusal::RecordRoom
        | Refusal::HoldUnknown
        | Refusal::HoldExpiryNotAllowed
        | Refusal::HoldLimit
        | Refusal::AboveHeld
        | Refusal::PayeeIsPayer
        | Refusal::AccountRestricted
        | Refusal::AccountKindNotAllowed
        | Refusal::PositionInsufficient => None,
    }
}

/// The code of the pacs.002 that refuses a pacs.004 or a camt.029.
pub(super) const fn code_for_answer(refusal: Refusal) -> StatusReason {
    match refusal {
        Refusal::RecallUnknown | Refusal::RecallOfAnotherBank | Refusal::OriginalDiffers => {
            StatusReason::PaymentNotReceived
        }
        Refusal::RequestIdReused | Refusal::RecallAnswered => StatusReason::Duplication,
        Refusal::AboveOriginal | Refusal::BalanceLimit => StatusReason::NotAllowedAmount,
        Refusal::InsufficientFunds => StatusReason::InsufficientFunds,
        Refusal::AccountClosed => StatusReason::ClosedAccountNumber,
        Refusal::AccountBlocked => StatusReason::BlockedAccount,
        Refusal::ParticipantSuspended => StatusReason::AgentSuspended,
        Refusal::PositionUnknown | Refusal::PositionBlocked => StatusReason::SettlementFailed,
        Refusal::ConsentMissing => StatusReason::InvalidFileFormat,
        Refusal::AnswerNotTrue
        | Refusal::ParticipantUnknown
        | Refusal::ParticipantExists
        | Refusal::AccountsNotHosted
        | Refusal::AccountUnknown
        | Refusal::AccountExists
        | Refusal::AccountNotEmpty
        | Refusal::FloorAboveAvailable
        | Refusal::ReferenceReused
        | Refusal::CurrencyLimit
        | Refusal::RunMisplaced
        | Refusal::Voided
        | Refusal::VersionNotNext
        | Refusal::InstantFeeAboveOrdinary
        | Refusal::BookUnknown
        | Refusal::CalendarUnknown
        | Refusal::CalendarYear
        | Refusal::BusinessDateNotNext
        | Refusal::NotDue
        | Refusal::RecallExists
        | Refusal::RecallWindowOver
        | Refusal::OriginalNotSettled
        | Refusal::RecallLimit
        | Refusal::PairNotAllowed
        | Refusal::PositionExists
        | Refusal::PartyDiffers
        | Refusal::LimitUnknown
        | Refusal::VersionConflict
        | Refusal::RecordUnknown
        | Refusal::RecordExpiryNotAllowed
        | Refusal::RecordLimit
        | Refusal::RecordSpaceLimit
        | Refusal::RecordRoom
        | Refusal::HoldUnknown
        | Refusal::HoldExpiryNotAllowed
        | Refusal::HoldLimit
        | Refusal::AboveHeld
        | Refusal::PayeeIsPayer
        | Refusal::AccountRestricted
        | Refusal::AccountKindNotAllowed
        | Refusal::PositionInsufficient => StatusReason::NotSpecified,
    }
}

/// The texts of a camt.029, each with the mark that the scheme wants: `lines` as far as there are any, else why.
pub(super) fn marked_words(
    asked: RecallReason,
    refusal: RecallRefusal,
    lines: &[Text<105>],
    why: &str,
) -> Vec<Text<105>> {
    let (first, further) = match asked.kind() {
        RecallKind::Bank => {
            (RefusalText::ToBank, (asked == RecallReason::Fraud).then_some(RefusalText::Fraud))
        }
        RecallKind::Originator => {
            (RefusalText::ToOriginator, (asked == RecallReason::WrongAccount).then_some(RefusalText::Account))
        }
    };
    let mut lines = lines.iter().map(Text::as_str);
    let mut words = vec![marked(first, lines.next().unwrap_or(why))];
    if refusal == RecallRefusal::Legal && asked.kind() == RecallKind::Bank {
        words.push(marked(RefusalText::LegalGrounds, lines.next().unwrap_or(why)));
    }
    if let Some(further) = further {
        words.extend(lines.take(FURTHER_MAX).map(|line| marked(further, line)));
    }
    words
}

/// So many texts about a fraud or an account may follow.
const FURTHER_MAX: usize = 10;

fn marked(mark: RefusalText, text: &str) -> Text<105> {
    fitted(&format!("{} {text}", mark.mark()))
}

/// As much of a text as there is room for.
pub(super) fn fitted<const MAX: usize>(text: &str) -> Text<MAX> {
    let text: String = text.chars().take(MAX).collect();
    Text::parse(text.trim_end()).expect("the beginning of a text that is not blank")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each refusal has a code, or a name that a document which is not taken can give.
    #[test]
    fn every_refusal_can_be_told() {
        for refusal in (1..=u8::MAX).filter_map(Refusal::from_number) {
            assert!(Text::<35>::parse(refusal.name()).is_ok(), "{refusal:?}");
            assert!(Text::<350>::parse(refusal.meaning()).is_ok(), "{refusal:?}");
            let _: Text<105> = fitted(refusal.meaning());
            let told = code_for_answer(refusal).code();
            assert!(StatusReason::from_code(told).is_some(), "{refusal:?}");
        }
        assert_eq!(code_for_request(Refusal::RecallWindowOver), Some(RecallRefusal::Legal));
        assert_eq!(code_for_request(Refusal::CalendarUnknown), None, "it is no answer about the payment");
    }

    #[test]
    fn words_have_the_marks_of_who_asked() {
        let line = |text: &str| Text::parse(text).unwrap();
        let told = |asked, refusal, lines: &[Text<105>]| -> Vec<String> {
            let words = marked_words(asked, refusal, lines, "why");
            words.iter().map(|word| word.as_str().to_owned()).collect()
        };
        let lines = [line("one"), line("two"), line("three")];
        assert_eq!(told(RecallReason::Duplicate, RecallRefusal::Customer, &[]), ["ATR053 why"]);
        assert_eq!(told(RecallReason::Duplicate, RecallRefusal::Legal, &[]), ["ATR053 why", "ATR057 why"]);
        let fraud = told(RecallReason::Fraud, RecallRefusal::Legal, &lines);
        assert_eq!(fraud, ["ATR053 one", "ATR057 two", "FRAD three"]);
        let account = told(RecallReason::WrongAccount, RecallRefusal::Legal, &lines);
        assert_eq!(account, ["ATR072 one", "ATR078 two", "ATR078 three"]);
        assert_eq!(told(RecallReason::Customer, RecallRefusal::Customer, &lines), ["ATR072 one"]);
        let long = line(&"x".repeat(105));
        assert_eq!(told(RecallReason::Customer, RecallRefusal::Customer, &[long])[0].len(), 105);
    }
}
