//! What a bank takes for right and what not.

use super::*;

const PAYMENT: &str = "P-1";

fn book() -> Book {
    Book::new(Bic::parse("TESTBEBBXXX").unwrap(), false)
}

fn question(stage: v1::DecisionStage, possible_repeat: bool) -> v1::PaymentQuestion {
    v1::PaymentQuestion {
        payment_id: PAYMENT.to_owned(),
        stage: stage.into(),
        possible_repeat,
        ..Default::default()
    }
}

fn credit() -> v1::PaymentQuestion {
    question(v1::DecisionStage::Credit, false)
}

fn outcome(status: v1::PaymentStatus, reason: &str) -> v1::PaymentOutcome {
    v1::PaymentOutcome {
        payment_id: PAYMENT.to_owned(),
        status: status.into(),
        reason_code: reason.to_owned(),
        ..Default::default()
    }
}

fn report(side: v1::PaymentSide, status: v1::PaymentStatus, reason: &str) -> v1::PaymentReport {
    v1::PaymentReport { outcome: Some(outcome(status, reason)), side: side.into(), possible_repeat: false }
}

fn settled() -> v1::PaymentReport {
    report(v1::PaymentSide::Creditor, v1::PaymentStatus::Settled, "")
}

fn expired() -> v1::PaymentReport {
    report(v1::PaymentSide::Creditor, v1::PaymentStatus::Expired, "TM01")
}

fn effect(effect: v1::AnswerEffect, outcome: Option<v1::PaymentOutcome>) -> v1::AnswerResult {
    let stage = v1::DecisionStage::Credit.into();
    v1::AnswerResult {
        payment_id: PAYMENT.to_owned(),
        stage,
        effect: effect.into(),
        outcome,
        ..Default::default()
    }
}

/// What such a course of things comes to.
fn violations(course: impl FnOnce(&mut Book)) -> Vec<String> {
    let mut book = book();
    course(&mut book);
    let report = book.report();
    assert_eq!(report.violation_count, u64::try_from(report.violations.len()).unwrap());
    report.violations
}

#[test]
fn the_right_courses_are_right() {
    let fine: [fn(&mut Book); 7] = [
        |book| {
            book.asked(&credit());
            book.said(&credit().accept());
            book.told_report(&settled());
            book.told_report(&settled());
        },
        |book| {
            book.asked(&credit());
            book.said(&credit().reject("AC04"));
        },
        |book| {
            book.asked(&credit());
            book.told_report(&expired());
        },
        |book| {
            book.asked(&credit());
            book.said(&credit().reject("AC04"));
            book.told_result(&effect(v1::AnswerEffect::Late, expired().outcome));
            book.told_report(&expired());
        },
        |book| {
            book.asked(&credit());
            assert!(book.asked(&question(v1::DecisionStage::Credit, true)));
            book.said(&credit().accept());
            book.said(&credit().reject("AC04"));
            book.told_result(&effect(v1::AnswerEffect::Contrary, settled().outcome));
            book.told_report(&settled());
        },
        // Each side has its own reason.
        |book| {
            book.told_report(&report(v1::PaymentSide::Debtor, v1::PaymentStatus::Expired, "AB05"));
            book.told_report(&expired());
        },
        // What comes while the bank closes need not be reported any more.
        |book| {
            book.close();
            book.asked(&credit());
            book.said(&credit().accept());
        },
    ];
    for (index, course) in fine.into_iter().enumerate() {
        assert_eq!(violations(course), Vec::<String>::new(), "{index}");
    }
}

#[test]
fn every_wrong_course_is_found() {
    let wrong: [(&str, fn(&mut Book)); 8] = [
        ("P-1: it was told EXPIRED TM01, and before SETTLED", |book| {
            book.asked(&credit());
            book.said(&credit().accept());
            book.told_report(&settled());
            book.told_report(&expired());
        }),
        ("P-1: one side was told REJECTED AC04, the other SETTLED", |book| {
            book.told_report(&settled());
            book.told_report(&report(v1::PaymentSide::Debtor, v1::PaymentStatus::Rejected, "AC04"));
        }),
        ("P-1: settled, although it was rejected in time", |book| {
            book.asked(&credit());
            book.said(&credit().reject("AC04"));
            book.said(&credit().accept());
            book.told_report(&settled());
        }),
        ("P-1: settled without an answer", |book| {
            book.asked(&credit());
            book.told_report(&settled());
        }),
        ("P-1: settled, although the answer was too late", |book| {
            book.asked(&credit());
            book.said(&credit().accept());
            book.told_result(&effect(v1::AnswerEffect::Late, None));
            book.told_report(&settled());
        }),
        ("P-1: accepted or left open, and never reported", |book| {
            book.asked(&credit());
            book.said(&credit().accept());
        }),
        ("P-1: it was asked again without being told so", |book| {
            book.asked(&credit());
            book.asked(&credit());
            book.told_report(&expired());
        }),
        (": what came has no outcome or makes no sense", |book| {
            book.told_report(&v1::PaymentReport::default());
        }),
    ];
    for (expected, course) in wrong {
        assert_eq!(violations(course), [expected]);
    }
}

/// A bank that lets silence accept is paid without having answered.
#[test]
fn silence_may_accept() {
    let mut book = Book::new(Bic::parse("TESTBEBBXXX").unwrap(), true);
    book.asked(&credit());
    book.told_report(&settled());
    assert!(book.report().passed());
}

/// The payer's bank hears of everything, even of what it has rejected itself.
#[test]
fn debits_are_always_reported() {
    let debit = question(v1::DecisionStage::Debit, false);
    let mut book = book();
    book.asked(&debit);
    book.said(&debit.reject("FRAD"));
    assert_eq!(book.unreported(), 1);
    assert_eq!(book.unreported_names(5), [PAYMENT]);
    book.told_report(&report(v1::PaymentSide::Debtor, v1::PaymentStatus::Rejected, "FRAD"));
    assert_eq!(book.unreported(), 0);
    assert_eq!(book.told(PAYMENT), Some((v1::PaymentStatus::Rejected, "FRAD".to_owned())));
    assert_eq!(book.report().tally.rejected["FRAD"], 1);
}
