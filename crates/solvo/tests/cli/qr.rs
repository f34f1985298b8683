//! `solvo qr`: what it writes it reads, and what it refuses it says.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::process::{errors, run, text, told};

const PAYEE: [&str; 6] = ["qr", "write", "--name", "Blumen Müller", "--iban", "DE89370400440532013000"];

fn write(more: &[&str]) -> Output {
    run(&[&PAYEE, more].concat())
}

/// Runs `solvo qr read -` on bytes.
fn read_from_input(bytes: &[u8], more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_solvo"));
    command.args(["qr", "read", "-"]).args(more);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn check_refused(output: &Output, why: &str) {
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(output).contains(why), "{}", errors(output));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_code_is_written_as_an_image_and_read_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("code.png");
    let more = ["--amount", "45.90", "--bic", "DEUTDEFF", "--purpose", "SUPP", "--information", "Danke"];
    let to_file = ["--reference", "RF18539007547034", "--format", "png", "--out", text(&file)];
    let written = write(&[&more[..], &to_file].concat());
    assert!(written.status.success(), "{}", errors(&written));
    let said = String::from_utf8(written.stdout).unwrap();
    assert!(said.contains("41 by 41 squares") && said.contains("UTF-8"), "{said}");

    let json = told(&["qr", "read", text(&file), "--json"]);
    for (field, value) in [
        ("version", "002"),
        ("character_set", "UTF-8"),
        ("creditor_agent", "DEUTDEFFXXX"),
        ("creditor_name", "Blumen Müller"),
        ("creditor_account", "DE89370400440532013000"),
        ("amount", "45.90"),
        ("currency_code", "EUR"),
        ("purpose", "SUPP"),
        ("creditor_reference", "RF18539007547034"),
        ("information", "Danke"),
    ] {
        assert_eq!(json[field], value, "{json}");
    }
    assert!(json["unstructured"].is_null() && json["instant"] == false, "{json}");
    let shown = run(&["qr", "read", text(&file)]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    for line in
        ["payee        Blumen Müller", "amount       45.90 EUR", "code         SCT, version 002, UTF-8"]
    {
        assert!(shown.lines().any(|shown| shown == line), "{shown}");
    }
    let same = read_from_input(&fs::read(&file).unwrap(), &[]);
    assert_eq!(String::from_utf8(same.stdout).unwrap(), shown);
}

#[test]
fn a_code_is_drawn_on_standard_output() {
    let drawn = write(&["--text", "Invoice 117", "--instant"]);
    assert!(drawn.status.success(), "{}", errors(&drawn));
    let drawn = String::from_utf8(drawn.stdout).unwrap();
    // 37 squares and four on each side, two rows a line.
    assert_eq!(drawn.lines().count(), 23, "{drawn}");
    assert!(drawn.contains('▀') && drawn.contains('▄'));
    let svg = write(&["--format", "svg"]);
    assert!(String::from_utf8(svg.stdout).unwrap().starts_with("<svg "));
    let png = write(&["--format", "png"]);
    let read = read_from_input(&png.stdout, &[]);
    let read = String::from_utf8(read.stdout).unwrap();
    assert!(read.contains("amount       the payer says how much"), "{read}");
    let about = told(&[&PAYEE[..], &["--text", "Invoice 117", "--instant", "--json"]].concat());
    assert_eq!(
        about["text"],
        "BCD\n002\n1\nINST\n\nBlumen Müller\nDE89370400440532013000\n\n\n\nInvoice 117"
    );
    assert_eq!((&about["symbol_version"], &about["squares"]), (&5.into(), &37.into()));
    assert!(about["file"].is_null());
}

#[test]
fn a_text_is_read_as_a_scanner_types_it_or_in_its_own_set() {
    let code = "BCD\r\n001\r\n2\r\nSCT\r\nDEUTDEFF\r\nBlumen Müller\r\nDE89370400440532013000\r\nEUR1\r\n";
    let latin: Vec<u8> = code.chars().map(|character| u8::try_from(character).unwrap()).collect();
    for bytes in [code.as_bytes(), &latin] {
        let read = read_from_input(bytes, &["--json"]);
        assert!(read.status.success(), "{}", errors(&read));
        let json: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
        assert_eq!(json["creditor_name"], "Blumen Müller");
        assert_eq!(json["character_set"], "ISO 8859-1");
    }
}

#[test]
fn what_can_not_be_written_is_refused_without_its_text() {
    check_refused(&write(&["--amount", "0"]), "--amount: the amount is zero");
    check_refused(&write(&["--amount", "1000000000"]), "--amount: the amount is larger");
    check_refused(&write(&["--bic", "DEUT"]), "--bic: a BIC has 8 or 11 characters");
    check_refused(&write(&["--purpose", "X"]), "--purpose: a purpose has four");
    check_refused(
        &write(&["--reference", "RF19539007547034"]),
        "--reference: the creditor reference's check digits",
    );
    check_refused(&write(&["--text", &"x".repeat(141)]), "--text: the text has more than 140 characters");
    let wrong = run(&["qr", "write", "--name", "Anna", "--iban", "DE88370400440532013000"]);
    check_refused(&wrong, "--iban: the IBAN's check digits are wrong");
    assert!(!errors(&wrong).contains("DE88"), "{}", errors(&wrong));
    let long = write(&["--text", &"好".repeat(140)]);
    check_refused(&long, "shorten its texts");
    let both = write(&["--text", "x", "--reference", "RF18539007547034"]);
    assert_eq!(both.status.code(), Some(2), "a fault of the command line");
    check_refused(&write(&["--out", "/nowhere/code.svg"]), "can't be written");
}

#[test]
fn what_is_no_payment_code_is_refused_with_its_line() {
    let code = "BCD\n002\n1\nSCT\n\nAnna\nDE89370400440532013000\nEUR1,50";
    let refused = read_from_input(code.as_bytes(), &[]);
    check_refused(&refused, "line 8 (amount): an amount is digits");
    check_refused(
        &read_from_input(b"\xff\xd8\xff\xe0 JFIF", &[]),
        "no PNG image, and as a text no payment code",
    );
    check_refused(&read_from_input(b"\x89PNG\r\n\x1a\n", &[]), "damaged or cut short");
    check_refused(&run(&["qr", "read", "/nowhere/code.png"]), "/nowhere/code.png can't be read");
}
