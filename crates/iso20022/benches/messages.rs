//! What it costs to read and write a message: `cargo bench -p iso20022`.

// The macros of criterion write functions without documentation.
#![allow(missing_docs)]

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iso20022::{
    ControlSum, Envelope, Message, Moment, PackageHeader, PackageLine, PackageOrder, PackageReader,
    PackageTotals, PaymentInformation, PaymentTerms, Rules, Status, StatusReport, compress_evidence,
    decompress_evidence, forward_pacs008, read_message, read_pacs002, read_pacs008, write_pacs002,
    write_pacs008, write_pain001,
};
use types::{Date, PaymentOrder, Text, Timestamp};

const TRANSFER: &[u8] = include_bytes!("../../../tests/fixtures/pacs008/01-default-namespace.xml");
const LONGEST: &[u8] = include_bytes!("../../../tests/fixtures/pacs008/22-longest-values.xml");

fn messages(criterion: &mut Criterion) {
    let rules = Rules::sct_inst_2025(vec![Date::parse("2026-11-23").expect("a day")]);
    let read = read_message(TRANSFER, &rules).expect("a valid document");
    let Message::CreditTransfer(transfer) = read.message else { panic!("the fixture keeps the rules") };
    let order = transfer.order;
    let envelope = Envelope::of(&order).expect("it came in one");
    let report = StatusReport::on_order(
        &order,
        Text::parse("S1").expect("short"),
        Timestamp::default(),
        Status::Accepted,
    );
    let answer = write_pacs002(&report);
    let plain = write_pacs008(&order, &envelope);
    let evidence = compress_evidence(plain.as_bytes());
    println!("evidence: {} bytes of {}", evidence.len(), plain.len());
    criterion.bench_function("read a pacs.008", |bencher| {
        bencher.iter(|| black_box(read_pacs008(black_box(plain.as_bytes()), &rules)));
    });
    criterion.bench_function("read a pacs.008 with indentation", |bencher| {
        bencher.iter(|| black_box(read_pacs008(black_box(TRANSFER), &rules)));
    });
    criterion.bench_function("read a pacs.008 with the longest values", |bencher| {
        bencher.iter(|| black_box(read_pacs008(black_box(LONGEST), &rules)));
    });
    criterion.bench_function("write a pacs.008", |bencher| {
        bencher.iter(|| black_box(write_pacs008(black_box(&order), &envelope)));
    });
    criterion.bench_function("forward a pacs.008", |bencher| {
        bencher.iter(|| black_box(forward_pacs008(black_box(plain.as_bytes()), &envelope)));
    });
    criterion.bench_function("read a pacs.002", |bencher| {
        bencher.iter(|| black_box(read_pacs002(black_box(answer.as_bytes()))));
    });
    criterion.bench_function("write a pacs.002", |bencher| {
        bencher.iter(|| black_box(write_pacs002(black_box(&report))));
    });
    criterion.bench_function("compress a pacs.008", |bencher| {
        bencher.iter(|| black_box(compress_evidence(black_box(plain.as_bytes()))));
    });
    criterion.bench_function("decompress a pacs.008", |bencher| {
        bencher.iter(|| black_box(decompress_evidence(black_box(&evidence))));
    });
}

/// How many lines the file of orders has.
const LINES: u32 = 10_000;

fn packages(criterion: &mut Criterion) {
    let rules = Rules::sct_inst_2025(vec![Date::parse("2026-11-23").expect("a day")]);
    let read = read_message(TRANSFER, &rules).expect("a valid document");
    let Message::CreditTransfer(transfer) = read.message else { panic!("the fixture keeps the rules") };
    let (header, lines) = package(&transfer.order);
    let mut document = Vec::new();
    write_pain001(&header, lines.iter().cloned().map(Ok::<_, Infallible>), &mut document).expect("to memory");
    let mut group = criterion.benchmark_group("package");
    group.sample_size(10).throughput(Throughput::Bytes(u64::try_from(document.len()).expect("a size")));
    group.bench_function("read 10,000 lines", |bencher| {
        bencher.iter(|| {
            let reader = PackageReader::open(black_box(document.as_slice())).expect("a file of orders");
            assert_eq!(
                reader.filter(|line| line.as_ref().is_ok_and(|line| line.order.is_ok())).count(),
                10_000
            );
        });
    });
    group.bench_function("write 10,000 lines", |bencher| {
        bencher.iter(|| {
            let lines = lines.iter().cloned().map(Ok::<_, Infallible>);
            write_pain001(black_box(&header), lines, std::io::sink()).expect("nothing fails here")
        });
    });
}

/// A salary file: one payer, and this order again and again.
fn package(order: &PaymentOrder) -> (PackageHeader, Vec<PackageLine>) {
    let payment = Arc::new(PaymentInformation {
        number: 1,
        id: Text::parse("P1").expect("short"),
        transactions: Some(LINES),
        control_sum: None,
        terms: Ok(PaymentTerms {
            batch_booking: None,
            is_instant: true,
            category_purpose: order.category_purpose.clone(),
            execution: Moment::Date(Date::parse("2026-11-23").expect("a day")),
            debtor: order.debtor.clone(),
            debtor_account: order.debtor_account,
            debtor_proxy: None,
            debtor_agent: Some(order.debtor_agent),
            ultimate_debtor: order.ultimate_debtor.clone(),
        }),
    });
    let line = |number| PackageLine {
        number,
        payment: Arc::clone(&payment),
        instruction_id: order.instruction_id.clone(),
        end_to_end_id: Some(order.end_to_end_id.clone()),
        uetr: None,
        order: Ok(Box::new(PackageOrder {
            is_instant: false,
            category_purpose: None,
            amount: order.amount,
            ultimate_debtor: None,
            creditor_agent: Some(order.creditor_agent),
            creditor: order.creditor.clone(),
            creditor_account: order.creditor_account,
            creditor_proxy: None,
            ultimate_creditor: None,
            purpose: order.purpose.clone(),
            remittance: order.remittance.clone(),
        })),
    };
    let lines: Vec<PackageLine> = (1..=LINES).map(line).collect();
    let totals = lines.iter().fold(PackageTotals::default(), |totals, _| {
        totals.with(ControlSum::of(order.amount)).expect("the sum has few digits")
    });
    let header = PackageHeader {
        message_id: Text::parse("M1").expect("short"),
        created_at: Timestamp::default(),
        transactions: LINES,
        control_sum: Some(totals.sum),
        initiating_party: order.debtor.name.clone(),
    };
    (header, lines)
}

criterion_group!(benches, messages, packages);
criterion_main!(benches);
