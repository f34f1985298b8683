//! Writing and reading the state of a ledger, as snapshots hold it: `cargo bench -p benches --bench state`.
//!
//! The stream goes to memory and comes from there, so what is measured is the state and not the disk. The digest that a
//! snapshot's stream is read back to is measured beside it. `SOLVO_BENCH_ACCOUNTS` says how many accounts there are, a
//! million if it does not; payments of the last days are a tenth of that.

// The macros of criterion write functions without documentation.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use benches::World;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ledger::{Ledger, Limits};

/// How many accounts there are, if nobody says otherwise.
const ACCOUNTS: u32 = 1_000_000;

/// Who says otherwise.
const ACCOUNTS_VARIABLE: &str = "SOLVO_BENCH_ACCOUNTS";

fn accounts() -> u32 {
    match std::env::var(ACCOUNTS_VARIABLE) {
        Ok(text) => {
            let accounts = text.parse().ok().filter(|accounts| (2..=16_000_000).contains(accounts));
            accounts.unwrap_or_else(|| panic!("{ACCOUNTS_VARIABLE} is a number from 2 to 16000000"))
        }
        Err(_) => ACCOUNTS,
    }
}

fn state(criterion: &mut Criterion) {
    let accounts = accounts();
    let mut world = World::new(accounts / 2);
    for _ in 0..accounts / 10 {
        let payment = world.payment();
        world.apply(&payment);
    }
    let length = world.ledger.state_length();
    let mut stream = Vec::with_capacity(usize::try_from(length).expect("it fits this machine's memory"));
    let mut group = criterion.benchmark_group(format!("state of {accounts} accounts"));
    group.throughput(Throughput::Bytes(length)).sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("write", |bencher| {
        bencher.iter(|| {
            stream.clear();
            world.ledger.write_state(&mut stream).expect("memory takes every byte");
        });
    });
    // A run that filters may have left it out.
    if stream.is_empty() {
        world.ledger.write_state(&mut stream).expect("memory takes every byte");
    }
    assert_eq!(u64::try_from(stream.len()).expect("64 bits"), length, "the state is as long as it says");
    group.bench_function("digest", |bencher| bencher.iter(|| blake3::hash(black_box(&stream))));
    let limits = Limits::default();
    // What is read is given back outside of the time: a start keeps it.
    group.bench_function("read", |bencher| {
        bencher.iter_with_large_drop(|| {
            Ledger::read_state(&mut stream.as_slice(), limits).expect("the state that was just written")
        });
    });
    group.finish();
}

criterion_group!(benches, state);
criterion_main!(benches);
