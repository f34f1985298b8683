//! What it costs to read and write a message: `cargo bench -p iso20022`.

// The macros of criterion write functions without documentation.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use iso20022::{
    Envelope, Message, Rules, Status, StatusReport, compress_evidence, decompress_evidence, forward_pacs008,
    read_message, read_pacs002, read_pacs008, write_pacs002, write_pacs008,
};
use types::{Date, Text, Timestamp};

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

criterion_group!(benches, messages);
criterion_main!(benches);
