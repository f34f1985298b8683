//! The byte table of every stored structure. A difference here is a new format, not a new table.

use std::mem::offset_of;

use zerocopy::FromZeros;

use super::*;

macro_rules! layout {
    ($structure:ident[$length:literal] $($offset:literal $size:literal $field:ident)+) => {
        let zeros = $structure::new_zeroed();
        assert_eq!(size_of::<$structure>(), $length);
        assert_eq!(align_of::<$structure>(), 1);
        let mut end = 0;
        $(
            let name = concat!(stringify!($structure), ".", stringify!($field));
            assert_eq!(offset_of!($structure, $field), $offset, "offset of {name}");
            assert_eq!(size_of_val(&zeros.$field), $size, "size of {name}");
            assert_eq!(end, $offset, "no gap before {name}");
            end += $size;
        )+
        assert_eq!(end, $length);
    };
}
pub(crate) use layout;

#[test]
fn records_of_the_log_itself() {
    layout! { Header[16]
          0  2 kind
          2  2 version
          4  4 length
          8  4 principal
         12  4 text_length
    }
    layout! { Genesis[56]
          0 16 cluster
         16  8 incarnation
         24  4 digest_key_id
         28  1 digest_version
         29  1 is_parallel
         30  2 reserved
         32 16 digest_key
         48  8 reserved_end
    }
    layout! { BeginIncarnation[48]
          0 16 cluster
         16  8 incarnation
         24  8 previous
         32  8 restored_upto
         40  8 reserved
    }
    layout! { SetProfile[80]
          0  2 number
          2  2 currency
          4  4 reserved
          8  8 target
         16  8 expiry
         24  8 confirmation
         32  8 legal_limit
         40  8 future_tolerance
         48  8 offline_grace
         56  4 late_on_arrival
         60  4 timeout_to_originator
         64  4 timeout_to_beneficiary
         68  4 no_connection
         72  8 reserved_end
    }
}

#[test]
fn records_of_participants_and_accounts() {
    layout! { Request[32]
          0 16 id_digest
         16 16 body_digest
    }
    layout! { RegisterParticipant[48]
          0 32 request
         32 11 bic
         43  1 mode
         44  2 currency
         46  2 reserved
    }
    layout! { NamedParticipant[616]
          0 48 participant
         48  2 name_length
         50  6 reserved
         56 560 name
    }
    layout! { SetParticipantStatus[48]
          0 32 request
         32 11 bic
         43  1 status
         44  4 reserved
    }
    layout! { OpenAccount[72]
          0 32 request
         32 16 iban_digest
         48 11 bic
         59  1 kind
         60  2 currency
         62  2 reserved
         64  8 floor
    }
    layout! { SetAccountStatus[56]
          0 32 request
         32 16 iban_digest
         48  2 currency
         50  1 status
         51  5 reserved
    }
    layout! { SetAccountFloor[64]
          0 32 request
         32 16 iban_digest
         48  8 floor
         56  2 currency
         58  6 reserved
    }
}

#[test]
fn records_of_money() {
    layout! { PostEntry[64]
          0 32 request
         32 16 iban_digest
         48  8 amount
         56  4 value_date
         60  2 currency
         62  1 direction
         63  1 reserved
    }
    layout! { TransferLiquidity[72]
          0 32 request
         32 16 reference_digest
         48  8 amount
         56 11 bic
         67  1 direction
         68  2 currency
         70  2 reserved
    }
    layout! { PaymentKey[48]
          0 11 debtor_agent
         11  1 transaction_id_length
         12 35 transaction_id
         47  1 reserved
    }
    layout! { Payment[176]
          0 48 key
         48 11 creditor_agent
         59  1 channel
         60  2 currency
         62  2 flags
         64 16 body_digest
         80 16 debtor_account_digest
         96 16 creditor_account_digest
        112  8 amount
        120  8 acceptance_time
        128  4 debtor_account_hint
        132  4 creditor_account_hint
        136  8 evidence_upto
        144  8 evidence_found
        152  2 profile
        154  1 digest_version
        155  8 order
        163  4 activation
        167  1 inactive
        168  8 reserved
    }
    layout! { RefusedPayment[112]
          0 48 key
         48 11 creditor_agent
         59  1 channel
         60  1 digest_version
         61  1 flags
         62  2 reserved
         64 16 body_digest
         80  8 acceptance_time
         88  8 evidence_upto
         96  8 evidence_found
        104  4 reason
        108  4 reserved_end
    }
    layout! { Evidence[48]
          0  8 payment
          8  1 about
          9  1 passage
         10 16 message_name
         26 11 counterpart
         37  3 reserved
         40  4 document_length
         44  4 reserved_end
    }
}

#[test]
fn payments_that_a_bank_decides() {
    layout! { Answer[48]
          0  8 payment
          8 11 bic
         19  1 stage
         20  4 code
         24  8 evidence_upto
         32 16 reserved
    }
    layout! { SetDecisionPolicy[64]
          0 32 request
         32 11 bic
         43  1 debit_scope
         44  1 debit_silence
         45  1 credit_scope
         46  1 credit_silence
         47  1 reserved
         48  8 debit_above
         56  8 credit_above
    }
    layout! { SetAccountFlag[56]
          0 32 request
         32 16 iban_digest
         48  2 currency
         50  1 is_flagged
         51  5 reserved
    }
    layout! { SetAccountHolders[64]
          0 32 request
         32 16 iban_digest
         48  8 repeats
         56  2 currency
         58  6 reserved
    }
    layout! { SetVersion[40]
          0 32 request
         32  4 version
         36  4 reserved
    }
    layout! { SetReservationLimit[48]
          0 32 request
         32 11 bic
         43  1 reserved
         44  4 unanswered_max
    }
}

#[test]
fn duplicates_on_disk() {
    layout! { StoredPayment[128]
          0 48 key
         48 16 body_digest
         64  8 sequence
         72  8 decided_at
         80  8 received_time
         88  8 decided_time
         96  8 acceptance_time
        104  4 creditor_bank
        108  4 reason
        112  4 reason_to_creditor
        116  1 state
        117  1 marks
        118  2 questions
        120  8 reserved
    }
    layout! { SealDuplicates[80]
          0  8 run
          8  8 after
         16  8 upto
         24  8 newest_time
         32  8 payments
         40 32 hash
         72  8 reserved
    }
}

#[test]
fn calendar_and_recalls() {
    layout! { SetClosingDays[88]
          0 32 request
         32  2 year
         34  6 reserved
         40 48 days
    }
    layout! { RollBusinessDate[48]
          0 32 request
         32  4 date
         36  4 reserved
         40  8 due
    }
    layout! { Original[104]
          0  8 payment
          8  8 incarnation
         16  8 decided_at
         24  8 decided_time
         32  8 amount
         40 16 debtor_account_digest
         56 16 creditor_account_digest
         72 11 debtor_agent
         83 11 creditor_agent
         94  2 currency
         96  1 state
         97  7 reserved
    }
    layout! { RequestRecall[144]
          0 32 request
         32 104 original
        136  4 reason
        140  4 reserved
    }
    layout! { AnswerRecall[104]
          0 32 request
         32  8 recall
         40  8 payment
         48  8 amount
         56  8 fee
         64  4 debtor_account
         68  4 creditor_account
         72 11 debtor_agent
         83 11 bic
         94  2 currency
         96  1 answer
         97  4 code
        101  1 consent
        102  1 elsewhere
        103  1 reserved
    }
    layout! { SetRecallPolicy[48]
          0 32 request
         32 11 bic
         43  1 is_silence_answered
         44  4 reserved
    }
}

#[test]
fn commands_that_are_passed_over() {
    layout! { Void[56]
          0  8 sequence
          8  8 batch
         16  2 kind
         18  6 reserved
         24 32 frame_hash
    }
}

#[test]
fn positions() {
    layout! { SetPositionAlert[64]
          0 32 request
         32 11 bic
         43  1 present
         44  2 currency
         46  2 reserved
         48  8 floor
         56  8 ceiling
    }
    layout! { SetReachableParty[640]
          0 32 request
         32 11 bic
         43  1 mode
         44 11 host
         55  1 limit_kind
         56  2 currency
         58  2 name_length
         60  4 reserved
         64  8 limit
         72 560 name
        632  8 reserved_end
    }
    layout! { SetBlock[64]
          0 32 request
         32 16 iban_digest
         48 11 bic
         59  1 target
         60  2 currency
         62  1 blocks
         63  1 reserved
    }
    layout! { TransferOwnFunds[72]
          0 32 request
         32  8 amount
         40 11 from_bic
         51  1 from_account
         52 11 to_bic
         63  1 to_account
         64  2 currency
         66  6 reserved
    }
}

#[test]
fn outcome_entries() {
    layout! { OutcomeEntry[64]
          0  8 sequence
          8  8 decided_at
         16  2 kind
         18  1 status
         19  1 flags
         20  4 code
         24  8 subject
         32  8 debtor_balance
         40  8 creditor_balance
         48  8 debtor_position
         56  8 creditor_position
    }
}

#[test]
fn key_of_the_digests_is_not_shown() {
    let shown = format!("{:?}", Genesis { digest_key: Secret([0xAB; 16]), ..Genesis::new_zeroed() });
    assert!(shown.contains("digest_key: Secret(…)"), "{shown}");
}

#[test]
fn records_of_customers_and_fees() {
    layout! { SetCustomerLimit[72]
          0 32 request
         32 16 iban_digest
         48  8 per_payment
         56  8 per_day
         64  2 currency
         66  6 reserved
    }
    layout! { SetRestricted[56]
          0 32 request
         32 16 iban_digest
         48  2 currency
         50  1 is_restricted
         51  5 reserved
    }
    layout! { SetFees[56]
          0 32 request
         32 11 bic
         43  1 reserved
         44  2 currency
         46  4 ordinary
         50  4 instant
         54  2 reserved_end
    }
    layout! { SetZone[64]
          0 32 request
         32 11 bic
         43  1 has_change
         44  2 offset
         46  2 offset_after
         48  8 change_at
         56  8 reserved
    }
}

#[test]
fn which_accounts_take_part() {
    layout! { SetActivation[112]
          0 32 request
         32 11 bic
         43  1 is_active
         44  2 country
         46  1 length
         47 30 from
         77 30 upto
        107  4 digits
        111  1 reserved
    }
}

#[test]
fn exceptions() {
    layout! { RaiseException[184]
          0 32 request
         32 104 original
        136  8 recall
        144 16 subject_digest
        160  8 amount
        168 11 bic
        179  1 kind
        180  1 direction
        181  1 reserved
        182  2 currency
    }
    layout! { AssignException[88]
          0 32 request
         32  8 exception
         40 32 owner
         72 11 bic
         83  5 reserved
    }
    layout! { ResolveException[96]
          0 32 request
         32  8 exception
         40  8 amount
         48 16 iban_digest
         64  4 account
         68  2 currency
         70  1 kind
         71  1 action
         72  1 direction
         73 11 bic
         84 11 other_bic
         95  1 reserved
    }
}

#[test]
fn orders_and_packages() {
    layout! { OrderTerms[104]
          0 16 body_digest
         16 16 debtor_account_digest
         32 16 creditor_account_digest
         48  8 amount
         56  8 due
         64  8 give_up
         72  4 debtor_account_hint
         76 11 debtor_agent
         87 11 creditor_agent
         98  1 channel
         99  2 currency
        101  3 reserved
    }
    layout! { Schedule[16]
          0  4 last
          4  1 every
          5  1 interval
          6  1 on_closed_day
          7  9 reserved
    }
    layout! { OpenPackage[112]
          0 32 request
         32 32 file_digest
         64 16 name_digest
         80  8 control_sum
         88  4 lines
         92 11 bic
        103  1 reserved
        104  2 currency
        106  6 reserved_end
    }
    layout! { PackageLine[120]
          0  8 package
          8  4 line
         12  4 reason
         16 104 terms
    }
    layout! { ClosePackage[56]
          0 32 request
         32  8 package
         40 11 bic
         51  5 reserved
    }
    layout! { PlaceOrder[152]
          0 32 request
         32 104 terms
        136 16 schedule
    }
    layout! { ChangeOrder[168]
          0 32 request
         32  8 order
         40  8 repeats
         48 104 terms
        152 16 schedule
    }
    layout! { CancelOrders[64]
          0 32 request
         32  8 package
         40  8 order
         48 11 bic
         59  5 reserved
    }
}

#[test]
fn holds_and_kept_records() {
    layout! { PlaceHold[80]
          0 32 request
         32 16 iban_digest
         48  8 amount
         56  8 expires
         64 11 bic
         75  1 reserved
         76  2 currency
         78  2 reserved_end
    }
    layout! { HoldLeg[48]
          0 16 iban_digest
         16  8 amount
         24  4 account
         28 11 bic
         39  9 reserved
    }
    layout! { CaptureHold[832]
          0 32 request
         32  8 hold
         40 11 bic
         51  1 is_final
         52  1 leg_count
         53  1 reserved
         54  2 currency
         56  4 debtor_account
         60  4 reserved_end
         64 768 legs
    }
    layout! { ReleaseHold[64]
          0 32 request
         32  8 hold
         40  8 amount
         48 11 bic
         59  5 reserved
    }
    layout! { PutRecord[176]
          0 32 request
         32 11 bic
         43  1 has_expected
         44  4 reserved
         48  8 expected
         56  8 expires
         64  8 repeats
         72  4 length
         76  4 reserved_end
         80 32 space
        112 64 key
    }
    layout! { RemoveRecord[152]
          0 32 request
         32 11 bic
         43  1 has_expected
         44  4 reserved
         48  8 expected
         56 32 space
         88 64 key
    }
}

#[test]
fn maps_of_postings() {
    layout! { PostingLine[40]
          0  4 account
          4  1 class
          5 34 gl_account
         39  1 reserved
    }
    layout! { SetPostingMap[2624]
          0 32 request
         32 11 bic
         43  1 has_expected
         44  2 currency
         46  1 line_count
         47  1 reserved
         48  8 expected
         56  4 from
         60  4 reserved_end
         64 2560 lines
    }
}

#[test]
fn requests_to_pay() {
    layout! { CreateRequestToPay[120]
          0 32 request
         32 16 debtor_account_digest
         48 16 creditor_account_digest
         64  8 amount
         72  8 expires
         80  8 pay_by
         88  4 debtor_account
         92 11 debtor_agent
        103 11 creditor_agent
        114  2 currency
        116  4 reserved
    }
    layout! { PresentRequestToPay[64]
          0 32 request
         32  8 to_pay
         40 11 debtor_agent
         51 11 creditor_agent
         62  2 reserved
    }
    layout! { AnswerRequestToPay[176]
          0 32 request
         32  8 to_pay
         40 11 debtor_agent
         51 11 creditor_agent
         62  1 answer
         63  1 reserved
         64  4 reason
         68  4 reserved_end
         72 104 terms
    }
    layout! { CancelRequestToPay[64]
          0 32 request
         32  8 to_pay
         40 11 creditor_agent
         51 11 debtor_agent
         62  2 reserved
    }
}
