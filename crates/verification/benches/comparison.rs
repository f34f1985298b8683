//! What a verification costs: `cargo bench -p verification`. The aim is less than 20 us for a pair of usual names.

// The macros of criterion write functions without documentation.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use types::Text;
use verification::{verify_code, verify_name};

fn comparisons(criterion: &mut Criterion) {
    let long = "Wolfgang-Amadeus Maria Freiherr von und zu Österreich-Łódź genannt Ñuñez de la Fuente y García-Müller";
    let cases = [
        ("identical", "Jürg Müller", "Jürg Müller"),
        ("marks and order", "Mueller Juerg", "Jürg Müller"),
        ("a further given name", "Jürg Müller", "Jürg Hans Müller"),
        ("no match", "Anna Peeters", "Jürg Müller"),
        ("Cyrillic", "Christo Jordanov", "Христо Йорданов"),
        ("Greek", "Georgios Papadopoulos", "Γεώργιος Παπαδόπουλος"),
        (
            "an organisation",
            "Mueller GmbH und Co KG",
            "Müller Gesellschaft mit beschränkter Haftung & Co. KG",
        ),
        ("a long name", "Wolfgang Amadeus von Österreich", long),
    ];
    for (what, given, holder) in cases {
        let given = Text::parse(given).expect("a name");
        let holders = [Text::parse(holder).expect("a name")];
        criterion.bench_function(what, |bencher| {
            bencher.iter(|| black_box(verify_name(black_box(&given), black_box(&holders))));
        });
    }
    let given = Text::parse("Anna, Jürg und Max Müller-Schmidt").expect("a name");
    let holders =
        ["Ute Müller-Schmidt", "Jürg Müller-Schmidt", "Max Müller-Schmidt", "Eva und Tom Müller-Schmidt"];
    let holders = holders.map(|holder| Text::parse(holder).expect("a name"));
    criterion.bench_function("several persons and four holders", |bencher| {
        bencher.iter(|| black_box(verify_name(black_box(&given), black_box(&holders))));
    });
    // The worst that 140 characters can ask for: as many words as are put in pairs, none of which is like another.
    for (what, latin) in
        [("31 words that are not alike", true), ("31 Cyrillic words that are not alike", false)]
    {
        let letters: Vec<char> = if latin {
            "abcdefghijklmnopqrstuvwxyzäöüéè"
        } else {
            "абвгдежзийклмнопрстуфхцчшщъюяљњ"
        }
        .chars()
        .collect();
        let words = |step: usize| {
            let next = |place: usize| letters[(place + step) % letters.len()];
            let words: Vec<_> = (0..31)
                .map(|place| [letters[place], next(place), next(place + 1)].iter().collect::<String>())
                .collect();
            Text::parse(&words.join(" ")).expect("short enough")
        };
        let (given, holders) = (words(3), [words(7)]);
        criterion.bench_function(what, |bencher| {
            bencher.iter(|| black_box(verify_name(black_box(&given), black_box(&holders))));
        });
    }
    let given = Text::parse("DE 136 695 976").expect("a code");
    let held = Text::parse("DE136695976").expect("a code");
    criterion.bench_function("a VAT number", |bencher| {
        bencher.iter(|| black_box(verify_code(black_box(&given), Some(black_box(&held)))));
    });
}

criterion_group!(benches, comparisons);
criterion_main!(benches);
