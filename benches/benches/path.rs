//! What a payment passes through, piece by piece: `cargo bench -p benches`.
//!
//! These are closed loops over one thread; they tell where the time of a payment goes and not how many a node
//! settles.

// The macros of criterion write functions without documentation.
#![allow(missing_docs)]

use std::hint::black_box;

use benches::{World, document, full_builder, seal_input};
use client::convert::{order_from_payment, payment_from_order};
use client::plain::plain_order;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dashmap::DashMap;
use engine::Directory;
use iso20022::{Rules, Status, StatusReport, read_message, read_pacs008, write_pacs002};
use journal::FrameView;
use ledger::{AccountHint, Records};
use prost::Message;
use types::{AccountNumber, Channel, Currency, Date, Digest, PaymentOrder, Text, Timestamp};

fn apply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply a payment");
    group.throughput(Throughput::Elements(1));
    for customers in [500, 50_000] {
        let mut world = World::new(customers);
        group.bench_function(format!("{} accounts", customers * 2), |bencher| {
            // Payments are written ahead in blocks, so that only applying them is measured.
            let mut ready = Vec::new();
            bencher.iter_custom(|iterations| {
                ready.clear();
                ready.extend((0..iterations).map(|_| world.payment()));
                let start = std::time::Instant::now();
                ready.iter().for_each(|payment| world.apply(payment));
                start.elapsed()
            });
        });
    }
    group.finish();
}

fn frames(criterion: &mut Criterion) {
    let mut world = World::new(10);
    let mut group = criterion.benchmark_group("frame");
    let (mut builder, count) = full_builder(&mut world);
    group.throughput(Throughput::Elements(u64::from(count)));
    let sealed = builder.seal(&seal_input());
    let bytes = sealed.bytes().to_vec();
    group.bench_function("seal", |bencher| {
        bencher.iter_batched(
            || full_builder(&mut world).0,
            |mut builder| black_box(builder.seal(&seal_input())),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("check", |bencher| {
        bencher.iter(|| black_box(FrameView::parse(&bytes).expect("a frame that was just sealed")));
    });
    group.bench_function("read records", |bencher| {
        let view = FrameView::parse(&bytes).expect("a frame that was just sealed");
        bencher.iter(|| Records::new(view.records(), view.personal()).filter(Result::is_ok).count());
    });
    group.finish();
}

fn directory(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("directory");
    group.throughput(Throughput::Elements(1));
    for customers in [500, 500_000] {
        let world = World::new(customers);
        let directory = Directory::default();
        directory.fill(&world.ledger);
        let accounts = world.ledger.accounts().filter(|(_, account)| account.kind().is_customer());
        let digests: Vec<_> = accounts.map(|(_, account)| account.digest()).collect();
        // Far apart, as payments are.
        let far_apart = |at: usize| digests[at.wrapping_mul(0x9E37_79B9_7F4A_7C15) % digests.len()];
        group.bench_function(format!("{} accounts, 32 at a time", customers * 2), |bencher| {
            let mut at = 0;
            bencher.iter_custom(|iterations| {
                let start = std::time::Instant::now();
                for _ in 0..iterations.div_ceil(32) {
                    let lines = directory.accounts();
                    (at..at + 32).for_each(|at| lines.prefetch(far_apart(at)));
                    for at in at..at + 32 {
                        black_box(lines.find(far_apart(at), Currency::EUR));
                    }
                    at += 32;
                }
                start.elapsed()
            });
        });
        group.bench_function(format!("{} accounts, in a dashmap", customers * 2), |bencher| {
            let map: DashMap<Digest, AccountNumber> =
                world.ledger.accounts().map(|(number, account)| (account.digest(), number)).collect();
            let mut at = 0_usize;
            bencher.iter(|| {
                at += 1;
                black_box(map.get(&far_apart(at)).map(|entry| *entry.value()))
            });
        });
    }
    group.finish();
}

fn edge(criterion: &mut Criterion) {
    let mut world = World::new(10);
    let order = world.order();
    // Without the parts that only ISO 20022 has.
    let plain = PaymentOrder { message_id: None, created_at: None, settlement_date: None, ..order.clone() };
    let wire = payment_from_order(&plain).encode_to_vec();
    let mut group = criterion.benchmark_group("edge");
    group.bench_function("decode a request", |bencher| {
        bencher.iter(|| black_box(plain_order(&wire).expect("a plain order")));
    });
    group.bench_function("decode a request the long way", |bencher| {
        bencher.iter(|| {
            let payment = client::v1::Payment::decode(wire.as_slice()).expect("its own bytes");
            black_box(order_from_payment(&payment).expect("a valid payment"))
        });
    });
    group.bench_function("write a record", |bencher| {
        let order = plain_order(&wire).expect("a plain order");
        bencher.iter(|| {
            let mut commands = world.commands();
            commands.plain_payment(&order, [AccountHint::default(); 2], Timestamp::default(), Channel::Grpc);
            black_box(commands)
        });
    });
    let document = document(&order);
    let rules = Rules::sct_inst_2025(vec![Date::parse("2026-09-21").expect("a day")]);
    group.throughput(Throughput::Bytes(u64::try_from(document.len()).expect("64 bits")));
    group.bench_function("read a pacs.008", |bencher| {
        bencher.iter(|| black_box(read_pacs008(document.as_bytes(), &rules).expect("its own document")));
    });
    // What the door of `Submit` and `Exchange` calls, which takes any message.
    group.bench_function("read a message", |bencher| {
        bencher.iter(|| black_box(read_message(document.as_bytes(), &rules).expect("its own document")));
    });
    group.throughput(Throughput::Elements(1));
    let id = Text::parse("REPORT-1").expect("a message id");
    let report = StatusReport::on_order(&order, id, Timestamp::default(), Status::Accepted);
    group.bench_function("write a pacs.002", |bencher| bencher.iter(|| black_box(write_pacs002(&report))));
    group.finish();
}

criterion_group!(benches, apply, frames, directory, edge);
criterion_main!(benches);
