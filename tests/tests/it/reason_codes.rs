//! Each code that Solvo gives has a test that provokes it from outside, and its row in the table of codes.

use client::v1;
use client::v1::set_block_request::Target;
use iso20022::write_pacs004;
use tests::{ALFA, BETA, World, german};
use types::{ReasonChannel, RecallReason, SCHEME_REASONS, StatusReason};

use crate::iso_recalls::{back, recall, told};

/// Where a code is provoked: the source of the tests, and the name of the test there.
struct Provoked {
    source: &'static str,
    test: &'static str,
}

const REASONS: &str = include_str!("reasons.rs");
const LIFECYCLE: &str = include_str!("lifecycle.rs");

/// A new reason does not compile without its row.
const fn provoked(reason: StatusReason) -> Provoked {
    let (source, test) = match reason {
        StatusReason::SenderNotEntitled => {
            (include_str!("identity.rs"), "a_bank_pays_for_its_own_customers_only")
        }
        StatusReason::DebtorBankNotRegistered => (REASONS, "dnor_payers_bank_unknown"),
        StatusReason::Duplication => (REASONS, "am05_key_used_with_another_body"),
        StatusReason::InvalidFileFormat => (
            include_str!("iso_lifecycle.rs"),
            "what_the_scheme_leaves_out_is_passed_through_if_the_node_does",
        ),
        StatusReason::CreditorBankNotRegistered => (REASONS, "cnor_payees_bank_unknown"),
        StatusReason::AgentSuspended | StatusReason::CreditorAgentSuspended => {
            (REASONS, "ag10_and_ag11_suspended_banks")
        }
        StatusReason::TimeoutCreditorAgent => (REASONS, "ab05_expired_on_arrival"),
        StatusReason::InvalidDate => (REASONS, "dt01_accepted_in_the_future"),
        StatusReason::IncorrectAccountNumber | StatusReason::InvalidDebtorAccountNumber => {
            (REASONS, "ac01_and_ac02_unknown_accounts")
        }
        StatusReason::ClosedAccountNumber => (REASONS, "ac04_closed_accounts"),
        StatusReason::BlockedAccount => (REASONS, "ac06_blocked_accounts"),
        StatusReason::RegulatoryReason => (
            include_str!("customers.rs"),
            "rr04_restricted_accounts_neither_pay_nor_are_paid_and_no_more_is_said",
        ),
        StatusReason::TransactionForbidden => (REASONS, "ag01_savings_accounts_and_the_same_account"),
        StatusReason::NotAllowedCurrency => (REASONS, "am03_accounts_in_another_currency"),
        StatusReason::CustomerLimit => {
            (include_str!("customers.rs"), "am14_names_the_limit_that_the_payer_has_set")
        }
        StatusReason::SettlementFailed => (include_str!("liquidity.rs"), "blocks_stop_one_way_and_say_why"),
        StatusReason::InsufficientFunds => (REASONS, "am04_customer_without_funds"),
        StatusReason::AmountExceedsSettlementLimit => (REASONS, "am23_position_does_not_suffice"),
        StatusReason::NotAllowedAmount => (REASONS, "am02_account_can_not_hold_the_amount"),
        StatusReason::CreditorAgentOffline => (LIFECYCLE, "a_bank_that_is_gone_for_a_second_is_not_asked"),
        StatusReason::AgentOffline => {
            (LIFECYCLE, "a_hosted_bank_decides_about_debits_above_an_amount_and_of_flagged_accounts")
        }
        StatusReason::InstructedAgentError => {
            (LIFECYCLE, "a_bank_has_so_many_questions_unanswered_and_no_more")
        }
        StatusReason::TimeoutDebtorAgent => (LIFECYCLE, "ab11_payers_bank_is_silent"),
        StatusReason::PaymentNotReceived => {
            (include_str!("iso_lifecycle.rs"), "an_enquiry_gets_the_stored_report")
        }
        StatusReason::NotSpecified => {
            (include_str!("identity.rs"), "the_payees_side_hears_nothing_of_what_the_payers_bank_decided")
        }
    };
    Provoked { source, test }
}

/// The codes that Solvo gives in nothing but answers to recalls, and what a bank hears in its profile's words: where each is
/// provoked, and the word by which the test knows it.
const BESIDE_REPORTS: [(&str, Provoked, &str); 5] = [
    (
        "ARDT",
        Provoked {
            source: include_str!("iso_recalls.rs"),
            test: "payment_is_asked_back_and_returned_in_documents",
        },
        "RecallRefusal::AlreadyReturned",
    ),
    (
        "LEGL",
        Provoked {
            source: include_str!("iso_recalls.rs"),
            test: "request_that_is_refused_says_why_in_the_schemes_codes",
        },
        "RecallRefusal::Legal",
    ),
    (
        "NOAS",
        Provoked {
            source: include_str!("recalls_of_old.rs"),
            test: "silence_is_answered_and_a_return_still_counts",
        },
        "\"NOAS\"",
    ),
    (
        "NOOR",
        Provoked {
            source: include_str!("iso_recalls.rs"),
            test: "request_that_is_refused_says_why_in_the_schemes_codes",
        },
        "RecallRefusal::NoOriginal",
    ),
    (
        "TM01",
        Provoked { source: LIFECYCLE, test: "expired_after_forwarding_both_hear_it_in_their_codes" },
        "\"TM01\"",
    ),
];

/// The text of a test, without its name.
fn body<'source>(source: &'source str, test: &str) -> Option<&'source str> {
    let (before, behind) = source.split_once(&format!("async fn {test}("))?;
    let attribute = before.trim_end().lines().last()?;
    let end = behind.find("\n}\n").unwrap_or(behind.len());
    attribute.starts_with("#[tokio::test").then_some(&behind[..end])
}

#[test]
fn each_code_that_solvo_gives_is_provoked_from_outside() {
    for reason in StatusReason::ALL {
        let (code, Provoked { source, test }) = (reason.code(), provoked(reason));
        let body = body(source, test).unwrap_or_else(|| panic!("{code}: there is no test `{test}`"));
        assert!(body.contains(&format!("\"{code}\"")), "`{test}` does not meet {code}");
    }
}

/// What the table says that Solvo gives is all of that, and each of it is provoked.
#[test]
fn each_code_beside_reports_is_provoked_from_outside() {
    let is_of_reports = |code: &str| StatusReason::ALL.iter().any(|reason| reason.code().as_str() == code);
    let own = SCHEME_REASONS.iter().filter(|row| row.is_own && !is_of_reports(row.code));
    let listed: Vec<&str> = BESIDE_REPORTS.iter().map(|(code, ..)| *code).collect();
    assert_eq!(own.map(|row| row.code).collect::<Vec<_>>(), listed);
    for (code, Provoked { source, test }, word) in BESIDE_REPORTS {
        let body = body(source, test).unwrap_or_else(|| panic!("{code}: there is no test `{test}`"));
        assert!(body.contains(word), "`{test}` does not meet {code}");
    }
}

/// Each code in which an answer to a recall may be refused, in documents. FF01, AG09, DT01, AM04, AM05 and MS03 are in
/// `iso_recalls`. AM02 takes a balance at the end of its range, which no call can bring about.
#[tokio::test(flavor = "multi_thread")]
async fn each_code_of_a_refused_return_is_provoked_from_outside() {
    let (_node, api) = crate::iso_recalls::world().await;
    let world = World::of(api.clone());
    let paid = crate::iso_recalls::paid_here(&api, "TX-1").await;
    let asked = recall("RECALL-1", &paid, RecallReason::Duplicate);
    crate::iso_recalls::ask_back(&api, &asked).await;
    let code = async |id: &str| {
        let document = write_pacs004(&back(id, &asked));
        told(&crate::iso_recalls::submit(&api, document).await.document).1
    };
    let position = |bic: &str| {
        Target::Position(v1::PositionName { bic: bic.to_owned(), currency_code: "EUR".to_owned() })
    };
    let account = Target::Account(v1::AccountName { iban: german(1), currency_code: "EUR".to_owned() });
    for (number, target, way, expected) in [
        (1, Target::Participant(BETA.to_owned()), v1::Block::Debit, "AG10"),
        (2, Target::Participant(ALFA.to_owned()), v1::Block::Credit, "AG10"),
        (3, position(BETA), v1::Block::Debit, "ED05"),
        (4, position(ALFA), v1::Block::Credit, "ED05"),
        (5, account, v1::Block::Debit, "AC06"),
    ] {
        for (step, block) in [("set", way), ("lift", v1::Block::Unspecified)] {
            let request_id = format!("{step}-{number}");
            let target = Some(target.clone());
            let request = v1::SetBlockRequest { request_id, target, block: block.into() };
            api.liquidity().set_block(request).await.unwrap();
            if step == "set" {
                assert_eq!(code(&format!("RETURN-{number}")).await, expected, "{number}");
            }
        }
    }
    world.post(&german(1), v1::EntryDirection::Debit, "1010.00").await.unwrap();
    world.set_account_status(&german(1), v1::AccountStatus::Closed).await.unwrap();
    assert_eq!(code("RETURN-6").await, "AC04");
    api.trial_balance().await;
}

/// The page shows the table, row by row, and nothing else.
#[test]
fn the_page_shows_the_table_of_codes() {
    let page = include_str!("../../../docs/reasons.md");
    let shown: Vec<&str> =
        page.lines().filter(|line| line.starts_with("| ") && !line.contains("meaning")).collect();
    let said = |is: bool| if is { "yes" } else { "" };
    let rows: Vec<String> = SCHEME_REASONS
        .iter()
        .map(|row| {
            let places: Vec<&str> = row.channels.iter().copied().map(ReasonChannel::name).collect();
            let (own, banks) = (said(row.is_own), said(row.is_of_banks));
            format!("| {} | {} | {own} | {banks} | {} |", row.code, row.meaning, places.join("; "))
        })
        .collect();
    assert_eq!(shown, rows);
}
