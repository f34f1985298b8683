//! The byte table of every item of a stored state. A difference here is a new format, not a new table.

use std::mem::offset_of;

use zerocopy::FromZeros;

use super::*;
use crate::layout::tests::layout;
use crate::sections::SectionHeader;

#[test]
fn sections_and_what_there_is_once() {
    layout! { SectionHeader[16]
          0  2 kind
          2  2 version
          4  4 item_length
          8  8 count
    }
    layout! { Head[192]
          0  8 sequence
          8  8 time
         16  8 ticked
         24  2 last_kind
         26  1 is_set_up
         27  1 is_parallel
         28  4 digest_key_id
         32 16 cluster
         48  8 incarnation
         56 16 digest_key
         72 40 payments
        112 48 answers
        160  8 payments_forgotten
        168  8 requests_forgotten
        176  4 rules_version
        180  4 lives
        184  8 reserved_end
    }
    layout! { Life[16]
          0  8 incarnation
          8  8 first
    }
}

#[test]
fn which_accounts_take_part() {
    layout! { Activation[80]
          0  4 number
          4  4 bank
          8  4 digits
         12  5 reserved
         17  1 length
         18  2 country
         20 30 from
         50 30 upto
    }
}

#[test]
fn exceptions() {
    layout! { Exception[136]
          0  8 sequence
          8  8 time
         16  8 subject
         24 16 subject_digest
         40  8 amount
         48  8 assigned_at
         56  8 acted_at
         64  8 acted_time
         72 32 owner
        104  4 bank
        108  4 other_bank
        112  4 asked_count
        116  2 currency
        118  1 kind
        119  1 direction
        120  1 action
        121  1 marks
        122 14 reserved
    }
    layout! { Noticed[24]
          0  8 decided
          8  8 payment
         16  1 kind
         17  7 reserved
    }
    layout! { Overlooked[16]
          0 16 counts
    }
}

#[test]
fn packages_and_orders() {
    layout! { Package[152]
          0  8 sequence
          8  8 time
         16 32 file_digest
         48 16 name_digest
         64  8 control_sum
         72  8 sum_logged
         80  8 sum_settled
         88  8 closed_time
         96  8 complete_time
        104  4 bank
        108  4 lines
        112  4 logged
        116  4 refused
        120  4 pending
        124  4 awaiting
        128  4 sent
        132  4 settled
        136  4 rejected
        140  4 cancelled
        144  4 kept_from
        148  2 currency
        150  1 is_cancelled
        151  1 reserved
    }
    layout! { Order[128]
          0  8 sequence
          8  8 package
         16  8 stands_at
         24  8 stands_time
         32  8 payment
         40  8 ended_time
         48  8 due
         56  8 give_up
         64  8 amount
         72 16 body_digest
         88  4 bank
         92  4 account
         96  4 line
        100  4 occurrence
        104  4 first
        108  4 meant
        112  4 last
        116  4 reason
        120  2 currency
        122  1 state
        123  1 every
        124  1 interval
        125  1 on_closed_day
        126  2 reserved
    }
}

#[test]
fn holds_and_kept_records() {
    layout! { Hold[48]
          0  8 sequence
          8  8 time
         16  8 expires
         24  8 amount
         32  8 held
         40  4 account
         44  4 reserved
    }
    layout! { KeptRecord[144]
          0  4 bank
          4  4 length
          8  8 version
         16  8 version_time
         24  8 stands_at
         32  8 stands_time
         40  8 expires
         48 32 space
         80 64 key
    }
}

#[test]
fn maps_of_postings() {
    layout! { PostingMap[24]
          0  4 bank
          4  2 currency
          6  2 reserved
          8  8 set_at
         16  4 from
         20  4 set_count
    }
}

#[test]
fn requests_to_pay() {
    layout! { RequestToPay[112]
          0  8 sequence
          8  8 time
         16  8 expires
         24  8 pay_by
         32  8 changed
         40  8 amount
         48  8 accepted_at
         56  8 pay_at
         64  8 payment
         72 16 payee_digest
         88  4 payer
         92  4 payee_bank
         96  4 reason
        100  1 status
        101 11 reserved
    }
}

#[test]
fn participants() {
    layout! { Book[16]
          0  2 currency
          2  2 reserved
          4  4 core
          8  4 clearing
         12  4 position
    }
    layout! { Participant[112]
          0 11 bic
         11  1 mode
         12  1 status
         13  1 debit_scope
         14  1 debit_silence
         15  1 credit_scope
         16  1 credit_silence
         17  1 book_count
         18  2 reserved
         20  4 unanswered_max
         24  8 debit_above
         32  8 credit_above
         40  8 asked
         48 64 books
    }
    layout! { Name[568]
          0  2 length
          2  6 reserved
          8 560 bytes
    }
    layout! { Funding[8]
          0  2 currency
          2  2 reserved
          4  4 account
    }
}

#[test]
fn accounts_and_what_was_told() {
    layout! { Account[64]
          0  8 balance
          8  8 reserved
         16  8 held
         24  8 floor
         32 16 digest
         48  8 changed_at
         56  4 owner
         60  2 currency
         62  1 kind
         63  1 standing
    }
    layout! { Payment[120]
          0  8 sequence
          8  8 decided_at
         16  8 received_time
         24  8 decided_time
         32  8 acceptance_time
         40 16 body_digest
         56 48 key
        104  4 reason
        108  4 reason_to_creditor
        112  4 creditor_bank
        116  1 state
        117  1 marks
        118  1 debit_question
        119  1 credit_question
    }
    layout! { Answered[96]
          0 32 request
         32  8 sequence
         40  8 decided_time
         48 32 balances
         80  8 subject
         88  2 kind
         90  1 refusal
         91  5 reserved
    }
    layout! { Reference[16]
          0 16 digest
    }
}

#[test]
fn open_questions() {
    layout! { Reservation[96]
          0  8 sequence
          8  8 payment
         16  8 asked_at
         24  8 number
         32  8 deadline
         40  8 target
         48  8 due
         56  8 amount
         64  4 debtor_account
         68  4 creditor_account
         72  4 debtor_bank
         76  4 creditor_bank
         80  4 timeout_to_originator
         84  4 timeout_to_beneficiary
         88  2 currency
         90  1 stage
         91  1 credit_follows
         92  1 debit_silence
         93  1 credit_silence
         94  2 reserved
    }
}

#[test]
fn payments_on_disk() {
    layout! { Sealed[16]
          0  8 floor
          8  8 newest_run
    }
}

#[test]
fn customers_and_houses() {
    layout! { ReservationWithFee[104]
          0 96 reservation
         96  4 fee
        100  4 reserved
    }
    layout! { CustomerLimit[40]
          0  4 account
          4  4 day
          8  8 counted_from
         16  8 used
         24  8 per_payment
         32  8 per_day
    }
    layout! { Fees[16]
          0  4 bank
          4  2 currency
          6  2 reserved
          8  4 ordinary
         12  4 instant
    }
    layout! { Zone[24]
          0  4 bank
          4  2 offset
          6  2 offset_after
          8  8 change_at
         16  1 has_change
         17  7 reserved
    }
}

#[test]
fn calendar_and_recalls() {
    layout! { ClosingYear[56]
          0  2 year
          2  6 reserved
          8 48 days
    }
    layout! { BusinessDate[24]
          0  4 date
          4  4 before
          8  8 since
         16  8 since_time
    }
    layout! { Recall[104]
          0  8 sequence
          8  8 time
         16  8 payment
         24  8 amount
         32  8 answered_at
         40  8 answered_time
         48  8 returned
         56  8 fee
         64  4 debtor_bank
         68  4 creditor_bank
         72  4 debtor_account
         76  4 creditor_account
         80  4 answer_by
         84  4 reason
         88  4 code
         92  2 currency
         94  1 answer
         95  1 elsewhere
         96  8 reserved
    }
    layout! { RecallPolicy[8]
          0  4 bank
          4  4 reserved
    }
}

#[test]
fn positions_beside_their_balances() {
    layout! { Alert[24]
          0  4 position
          4  1 present
          5  3 reserved
          8  8 floor
         16  8 ceiling
    }
    layout! { ReachableParty[56]
          0  4 party
          4  4 host
          8  2 currency
         10  1 limit_kind
         11  1 blocks
         12  1 present
         13  3 reserved_bytes
         16  8 limit
         24  8 utilisation
         32  8 reserved
         40  8 floor
         48  8 ceiling
    }
    layout! { Block[8]
          0  4 participant
          4  1 blocks
          5  3 reserved
    }
}
