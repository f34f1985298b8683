//! Statements: what is written, what is refused while it is written, and what is read back.

use std::convert::Infallible;
use std::io::{self, Write};

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use types::{Amount, Balance, Bic, Currency, Party, ReasonCode, Remittance, Text, Timestamp};

use super::recall::{order, short};
use super::round_trip;
use super::status::{bic, text};
use crate::{
    BalanceChain, BalanceKind, BookingCode, EntryDirection, EntryTotals, EntryTransaction, Moment, Page,
    Period, Statement, StatementAccount, StatementBalance, StatementEntry, StatementError, StatementKind,
    StatementReadError, StatementReader, Violation, write_statement,
};

fn instant() -> Timestamp {
    Timestamp::from_nanoseconds(1_795_255_200_480_000_000).unwrap()
}

fn cents(minor_units: i64) -> Balance {
    Balance::from_minor_units(minor_units).unwrap()
}

fn balance(kind: BalanceKind, minor_units: i64) -> StatementBalance {
    StatementBalance { kind, amount: cents(minor_units), moment: Moment::Date(super::date("2026-11-21")) }
}

fn chain(opening: i64, closing: i64) -> BalanceChain {
    BalanceChain {
        opening: balance(BalanceKind::OpeningBooked, opening),
        closing: balance(BalanceKind::ClosingBooked, closing),
    }
}

/// A statement of an account from 10 euro less to 2.34 euro more than nothing.
pub(super) fn statement() -> Statement {
    Statement {
        kind: StatementKind::Statement,
        message_id: short("S1"),
        created_at: instant(),
        id: short("2026-325"),
        page: None,
        sequence_number: None,
        period: None,
        account: StatementAccount {
            id: short("BE68539007547034"),
            currency: Currency::EUR,
            owner_name: None,
            owner_bic: None,
            servicer: None,
        },
        chain: Some(chain(-1000, 234)),
        further_balances: Vec::new(),
        totals: None,
    }
}

pub(super) fn entry() -> StatementEntry {
    StatementEntry {
        reference: None,
        amount: order().amount,
        direction: EntryDirection::Credit,
        booked: Moment::Date(super::date("2026-11-21")),
        value_date: super::date("2026-11-21"),
        servicer_reference: Text::parse("P1").ok(),
        code: BookingCode::TransferReceived,
        transaction: Some(EntryTransaction::of(&order(), EntryDirection::Credit)),
        information: None,
    }
}

/// The same in everything that a statement may have, as this kind of message.
fn full(kind: StatementKind) -> Statement {
    let has_balances = kind != StatementKind::Notification;
    let available = balance(BalanceKind::ClosingAvailable, -1);
    Statement {
        kind,
        page: Some(Page { number: 99_999, is_last: true }),
        sequence_number: Some(u32::MAX),
        period: Some(Period { from: Timestamp::default(), to: instant() }),
        account: StatementAccount {
            owner_name: Text::parse("A company & sons").ok(),
            owner_bic: Bic::parse("SLVOBEBB").ok(),
            servicer: Bic::parse("SLVODEFF").ok(),
            ..statement().account
        },
        chain: has_balances.then_some(chain(-1000, 234)),
        further_balances: if has_balances { vec![available] } else { Vec::new() },
        totals: Some(EntryTotals { credit_count: 1, credit_sum: cents(1234), ..EntryTotals::default() }),
        ..statement()
    }
}

fn write(statement: &Statement, entries: &[StatementEntry]) -> Result<String, StatementError<Infallible>> {
    let mut output = Vec::new();
    write_statement(statement, entries.iter().cloned().map(Ok), &mut output)?;
    Ok(String::from_utf8(output).unwrap())
}

fn read(document: &[u8]) -> Result<(Statement, Vec<StatementEntry>, EntryTotals), StatementReadError> {
    let mut reader = StatementReader::open(document)?;
    let entries: Result<Vec<_>, _> = reader.by_ref().collect();
    Ok((reader.statement().clone(), entries?, reader.totals()))
}

/// Documents of each kind, for schema validation.
pub(super) fn samples() -> Vec<(String, String)> {
    let mut samples = Vec::new();
    for kind in StatementKind::ALL {
        let name = kind.name();
        samples.push((format!("full.{name}.xml"), write(&full(kind), &[entry()]).unwrap()));
        let bare = Statement { kind, chain: full(kind).chain.map(|_| chain(5, 5)), ..statement() };
        samples.push((format!("empty.{name}.xml"), write(&bare, &[]).unwrap()));
        let mut entries: Vec<StatementEntry> =
            codes().into_iter().map(|code| StatementEntry { code, transaction: None, ..entry() }).collect();
        entries[0].transaction = Some(EntryTransaction::default());
        entries[1].booked = Moment::Time(instant());
        entries[2].booked = Moment::on_clock(instant(), 120);
        entries[1].information = Text::parse(&"<&>".repeat(166)).ok();
        entries.extend(random_entries());
        let mut totals = EntryTotals::default();
        for entry in &entries {
            totals = totals.with(entry).unwrap();
        }
        let net = totals.net().unwrap().minor_units();
        let chain = full(kind).chain.map(|_| chain(0, net));
        let long = Statement { chain, totals: Some(totals), ..full(kind) };
        samples.push((format!("long.{name}.xml"), write(&long, &entries).unwrap()));
    }
    samples
}

fn codes() -> Vec<BookingCode> {
    let other =
        BookingCode::Other { domain: short("LDAS"), family: short("FTLN"), sub_family: short("OTHR") };
    let own = BookingCode::Own(short("<booking key>"));
    BookingCode::FIXED.into_iter().chain([own, other]).collect()
}

/// Entries about payments with all attributes.
fn random_entries() -> Vec<StatementEntry> {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut order = || round_trip::order().new_tree(&mut runner).unwrap().current();
    (0..20)
        .map(|number| {
            let direction = if number % 2 == 0 { EntryDirection::Credit } else { EntryDirection::Debit };
            let order = order();
            let mut transaction = EntryTransaction::of(&order, direction);
            transaction.return_reason = ReasonCode::parse("FOCR").ok().filter(|_| number % 3 == 0);
            StatementEntry { amount: order.amount, direction, transaction: Some(transaction), ..entry() }
        })
        .collect()
}

#[test]
fn a_statement_reads_as_the_schema_has_it() {
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>",
        "<GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-11-21T10:00:00.48Z</CreDtTm></GrpHdr>",
        "<Stmt><Id>2026-325</Id><CreDtTm>2026-11-21T10:00:00.48Z</CreDtTm>",
        "<Acct><Id><IBAN>BE68539007547034</IBAN></Id><Ccy>EUR</Ccy></Acct>",
        "<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">10.00</Amt>",
        "<CdtDbtInd>DBIT</CdtDbtInd><Dt><Dt>2026-11-21</Dt></Dt></Bal>",
        "<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">2.34</Amt>",
        "<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-21</Dt></Dt></Bal>",
        "<Ntry><Amt Ccy=\"EUR\">12.34</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>",
        "<BookgDt><Dt>2026-11-21</Dt></BookgDt><ValDt><Dt>2026-11-21</Dt></ValDt><AcctSvcrRef>P1</AcctSvcrRef>",
        "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RRCT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>",
        "<NtryDtls><TxDtls><Refs><MsgId>M1</MsgId><AcctSvcrRef>P1</AcctSvcrRef><EndToEndId>E1</EndToEndId>",
        "<TxId>T1</TxId></Refs><Amt Ccy=\"EUR\">12.34</Amt><CdtDbtInd>CRDT</CdtDbtInd>",
        "<RltdPties><Dbtr><Pty><Nm>Payer</Nm></Pty></Dbtr>",
        "<DbtrAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAcct></RltdPties>",
        "<RltdAgts><DbtrAgt><FinInstnId><BICFI>SLVOBEBBXXX</BICFI></FinInstnId></DbtrAgt></RltdAgts>",
        "<RmtInf><Ustrd>Thanks</Ustrd></RmtInf>",
        "<RltdDts><AccptncDtTm>2026-11-21T10:00:00.05Z</AccptncDtTm><IntrBkSttlmDt>2026-11-21</IntrBkSttlmDt>",
        "</RltdDts></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>",
    );
    assert_eq!(write(&statement(), &[entry()]).unwrap(), expected);
}

/// Whoever has only the beginning of a statement can't take it for one.
#[test]
fn entries_that_do_not_fit_leave_no_statement() {
    let mut output = Vec::new();
    let twice = || [Ok::<_, Infallible>(entry()), Ok(entry())];
    let error = write_statement(&statement(), twice(), &mut output).unwrap_err();
    assert!(
        matches!(error, StatementError::Chain { expected, found } if (expected, found) == (cents(234), cents(1468)))
    );
    assert_eq!(
        error.to_string(),
        "after its entries the account has Balance(1468) where the statement closes with Balance(234)"
    );
    assert!(!String::from_utf8(output).unwrap().contains("</Document>"));
    let mut promised = full(StatementKind::Notification);
    promised.totals = promised.totals.map(|totals| EntryTotals { debit_count: 1, ..totals });
    let error = write(&promised, &[entry()]).unwrap_err();
    assert!(matches!(error, StatementError::Totals { .. }), "{error}");
    let failing = [Ok(entry()), Err("the index ends here")];
    let error = write_statement(&statement(), failing, io::sink()).unwrap_err();
    assert_eq!(error.to_string(), "the entries of the statement end early: the index ends here");
    let huge = Statement { chain: Some(chain(Balance::MINOR_UNITS_MAX, 0)), ..statement() };
    assert!(matches!(write(&huge, &[]), Err(StatementError::Digits)));
}

#[test]
fn an_output_that_fails_is_told() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = write_statement(&statement(), [Ok::<_, Infallible>(entry())], Full).unwrap_err();
    assert!(matches!(error, StatementError::Write(_)), "{error}");
}

/// Neither the writer nor the reader holds more than a small part of it.
#[test]
fn long_statements_pass_in_small_pieces() {
    struct Pieces {
        bytes: usize,
        longest: usize,
        document: Vec<u8>,
    }
    impl Write for &mut Pieces {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.bytes += piece.len();
            self.longest = self.longest.max(piece.len());
            self.document.extend_from_slice(piece);
            Ok(piece.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    const ENTRIES: i64 = 5000;
    let closing = -1000 + ENTRIES * 1234;
    let long = Statement { chain: Some(chain(-1000, closing)), ..statement() };
    let entries = (0..ENTRIES).map(|number| {
        let reference = Text::parse(&number.to_string()).ok();
        Ok::<_, Infallible>(StatementEntry { reference, ..entry() })
    });
    let mut pieces = Pieces { bytes: 0, longest: 0, document: Vec::new() };
    let totals = write_statement(&long, entries, &mut pieces).unwrap();
    assert_eq!((totals.credit_count, totals.credit_sum), (5000, cents(ENTRIES * 1234)));
    assert!(
        pieces.bytes > 4_000_000 && pieces.longest < 80_000,
        "{} bytes in {}",
        pieces.bytes,
        pieces.longest
    );
    let mut reader = StatementReader::open(pieces.document.as_slice()).unwrap();
    let mut count = 0_i64;
    for read in reader.by_ref() {
        assert_eq!(read.unwrap().reference.unwrap().as_str(), count.to_string());
        count += 1;
    }
    assert_eq!((count, reader.totals(), reader.statement()), (ENTRIES, totals, &long));
}

#[test]
fn every_kind_is_read_back() {
    for kind in StatementKind::ALL {
        let document = write(&full(kind), &[entry()]).unwrap();
        let totals = full(kind).totals.unwrap();
        assert_eq!(read(document.as_bytes()).unwrap(), (full(kind), vec![entry()], totals));
    }
    for code in codes() {
        let entry = StatementEntry { code, ..entry() };
        let document = write(&statement(), std::slice::from_ref(&entry)).unwrap();
        assert_eq!(read(document.as_bytes()).unwrap().1, [entry]);
    }
}

/// Somebody else's entry without a value date counts from the day on which its bank says that it was booked.
#[test]
fn a_booking_belongs_to_the_day_of_its_clock() {
    let late = Timestamp::from_civil(super::date("2026-11-20"), 23, 30, 0, 0).unwrap();
    let booked = Moment::on_clock(late, 60);
    let document = write(&statement(), &[StatementEntry { booked, ..entry() }]).unwrap();
    assert!(document.contains("<BookgDt><DtTm>2026-11-21T00:30:00+01:00</DtTm></BookgDt>"), "{document}");
    let value_date = "<ValDt><Dt>2026-11-21</Dt></ValDt>";
    assert!(document.contains(value_date), "{document}");
    let read = read(document.replace(value_date, "").as_bytes()).unwrap().1.remove(0);
    assert_eq!((read.booked, read.value_date), (booked, super::date("2026-11-21")));
    assert_eq!(read.booked.instant(), Some(late));
}

/// Pages chain by their interim balances.
#[test]
fn interim_balances_open_and_close_pages() {
    let page = |opening, closing| {
        let chain = BalanceChain { opening: balance(opening, -1000), closing: balance(closing, 234) };
        let paged = Statement { chain: Some(chain), ..statement() };
        assert_eq!(read(write(&paged, &[entry()]).unwrap().as_bytes()).unwrap().0, paged);
    };
    page(BalanceKind::OpeningBooked, BalanceKind::InterimBooked);
    page(BalanceKind::InterimBooked, BalanceKind::InterimBooked);
    page(BalanceKind::InterimBooked, BalanceKind::ClosingBooked);
}

#[test]
fn statements_of_other_writers_are_read() {
    let document = write(&statement(), &[entry()])
        .unwrap()
        .replace("camt.053.001.08", "camt.053.001.12")
        .replace("<Amt Ccy=\"EUR\">12.34</Amt>", "<Amt Ccy='EUR'>\n 12.34000 </Amt>")
        .replace("<CdtDbtInd>", " <!-- sign --> <CdtDbtInd>")
        .replace("<Nm>Payer</Nm>", "<Nm><![CDATA[Pay]]>er</Nm><PstlAdr><Ctry>BE</Ctry></PstlAdr>")
        .replace("</ValDt>", "</ValDt><NewInThisVersion><Cd>X</Cd></NewInThisVersion>");
    assert_eq!(read(document.as_bytes()).unwrap().1, [entry()]);
    let pending = document.replace(">BOOK<", ">PDNG<");
    let (_, entries, totals) = read(pending.as_bytes()).unwrap();
    assert_eq!((entries, totals), (Vec::new(), EntryTotals::default()));
}

#[test]
fn what_is_no_statement_is_refused() {
    use Violation::{
        Amount, ForbiddenMarkup, Lexical, Limit, Missing, NotWellFormed, Repeated, WrongMessage,
    };
    let document = write(&statement(), &[entry()]).unwrap();
    let second = "</Stmt><Stmt><Id>2</Id></Stmt>";
    let twice = "</TxDtls><TxDtls></TxDtls>";
    let long = format!("<Ustrd>{}</Ustrd>", "x".repeat(1024 * 1024));
    let deep = "<a>".repeat(40);
    let entities = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY y \"z\">]><Document";
    for (from, to, what, path) in [
        ("camt.053", "camt.086", WrongMessage, ""),
        ("BkToCstmrStmt>", "BkToCstmrAcctRpt>", WrongMessage, ""),
        ("<Document", entities, ForbiddenMarkup, ""),
        ("</Document>", "", NotWellFormed, ""),
        ("</Document>", "</Document><Document/>", NotWellFormed, ""),
        ("</Stmt>", second, Repeated, "Stmt"),
        ("</TxDtls>", twice, Repeated, "Stmt/Ntry/NtryDtls/TxDtls"),
        ("<Ustrd>Thanks</Ustrd>", &long, Limit, "Stmt/Ntry/NtryDtls/TxDtls/RmtInf/Ustrd"),
        ("<Ustrd>Thanks</Ustrd>", &deep, Limit, ""),
        ("\"EUR\">12.34", "\"USD\">12.34", Amount, "Stmt/Ntry/Amt"),
        ("\"EUR\">12.34", "\"EUR\">12.345", Amount, "Stmt/Ntry/Amt"),
        ("\"EUR\">10.00", "\"USD\">10.00", Amount, "Stmt/Bal/Amt"),
        ("\"EUR\">10.00", "\"EUR\">1e1", Amount, "Stmt/Bal"),
        ("<BookgDt><Dt>2026-11-21</Dt></BookgDt>", "", Missing, "Stmt/Ntry/BookgDt"),
        ("<Dt>2026-11-21</Dt></BookgDt>", "<Dt>2026-13-21</Dt></BookgDt>", Lexical, "Stmt/Ntry/BookgDt/Dt"),
        ("<Id>2026-325</Id>", "", Missing, "Stmt/Id"),
        ("Thanks", "&#xFFFF;", NotWellFormed, ""),
        ("<CdtDbtInd>DBIT</CdtDbtInd><Dt>", "<CdtDbtInd>OWED</CdtDbtInd><Dt>", Amount, "Stmt/Bal"),
        (
            "<CdtDbtInd>CRDT</CdtDbtInd><Sts>",
            "<CdtDbtInd>HAVE</CdtDbtInd><Sts>",
            Lexical,
            "Stmt/Ntry/CdtDbtInd",
        ),
        ("SLVOBEBBXXX", "slvobebb", Lexical, "Stmt/Ntry/NtryDtls/TxDtls/RltdAgts/DbtrAgt/FinInstnId/BICFI"),
        ("</Stmt>", "<Ntry/></Stmt>", Missing, "Stmt/Ntry"),
    ] {
        assert!(document.contains(from), "{from}");
        match read(document.replace(from, to).as_bytes()) {
            Err(StatementReadError::Fault(fault)) => {
                assert_eq!(fault.what, what, "{from} -> {to:.40} at {}", fault.path);
                assert!(path.is_empty() || fault.path == path, "{from}: {}", fault.path);
            }
            other => panic!("{from} -> {to:.40}: {other:?}"),
        }
    }
}

fn moment() -> impl Strategy<Value = Moment> {
    const DAY: i64 = 86_400_000;
    let time =
        (DAY..9_000_000_000_000_i64).prop_map(|ms| Timestamp::from_nanoseconds(ms * 1_000_000).unwrap());
    prop_oneof![
        (20_000..60_000_i32).prop_map(|days| Moment::Date(types::Date::from_days(days).unwrap())),
        (time, -840..=840_i32).prop_map(|(time, minutes)| Moment::on_clock(time, minutes))
    ]
}

fn named() -> impl Strategy<Value = Option<Party>> {
    of(text().prop_map(|name| Party { name: Some(name), ..Party::default() }))
}

fn transaction() -> impl Strategy<Value = EntryTransaction> {
    let remittance = prop_oneof![
        text().prop_map(Remittance::Unstructured),
        (text(), of(text())).prop_map(|(reference, issuer)| Remittance::Structured { reference, issuer })
    ];
    let ids = (of(text()), of(text()), of(text()), of(text()));
    let parties = (named(), named(), named(), named());
    let accounts = (of("[A-Z0-9&<]{1,34}"), of("[A-Z0-9&<]{1,34}"), of(bic()), of(bic()));
    (ids, parties, accounts, of(remittance), of("[A-Z0-9]{4}")).prop_map(
        |(ids, parties, accounts, remittance, reason)| EntryTransaction {
            message_id: ids.0,
            instruction_id: ids.1,
            end_to_end_id: ids.2,
            uetr: None,
            transaction_id: ids.3,
            debtor: parties.0,
            debtor_account: accounts.0.map(|id| short(&id)),
            ultimate_debtor: parties.1,
            creditor: parties.2,
            creditor_account: accounts.1.map(|id| short(&id)),
            ultimate_creditor: parties.3,
            debtor_agent: accounts.2,
            creditor_agent: accounts.3,
            purpose: Text::parse("SALA").ok(),
            remittance,
            acceptance_time: Some(instant()),
            settlement_date: order().settlement_date,
            return_reason: reason.map(|code| ReasonCode::parse(&code).unwrap()),
        },
    )
}

fn entries() -> impl Strategy<Value = Vec<StatementEntry>> {
    let entry = (
        of(text()),
        1..=Amount::MINOR_UNITS_MAX,
        any::<bool>(),
        moment(),
        select(codes()),
        of(transaction()),
        of(text()),
    )
        .prop_map(|(reference, minor_units, credit, booked, code, transaction, information)| {
            StatementEntry {
                reference,
                amount: Amount::from_minor_units(minor_units).unwrap(),
                direction: if credit { EntryDirection::Credit } else { EntryDirection::Debit },
                booked,
                code,
                transaction,
                information,
                ..entry()
            }
        });
    prop::collection::vec(entry, 0..8)
}

proptest! {
    #[test]
    fn statements_come_back_from_their_documents(
        kind in select(&StatementKind::ALL[..]),
        entries in entries(),
        opening in -1_000_000_000_000_i64..1_000_000_000_000,
        has_totals in any::<bool>(),
    ) {
        let totals = entries.iter().fold(EntryTotals::default(), |totals, entry| totals.with(entry).unwrap());
        let closing = opening + totals.net().unwrap().minor_units();
        let statement = Statement {
            chain: full(kind).chain.map(|_| chain(opening, closing)),
            totals: has_totals.then_some(totals),
            ..full(kind)
        };
        let document = write(&statement, &entries).unwrap();
        let (read_statement, read_entries, read_totals) = read(document.as_bytes()).unwrap();
        prop_assert_eq!(read_statement, statement);
        prop_assert_eq!(read_entries, entries);
        prop_assert_eq!(read_totals, totals);
    }

    /// Whatever happens to a document on its way, reading it ends, and without panic.
    #[test]
    fn damaged_statements(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        piece in select(&["<", "</Ntry>", "<Ntry>", "<Stmt>", "]]>", "&amp;", "<!--", "\0", "Ccy=\"\""][..]),
        at in any::<prop::sample::Index>(),
    ) {
        let mut document = write(&full(StatementKind::Statement), &[entry()]).unwrap().into_bytes();
        for (at, byte) in flips {
            let at = at.index(document.len());
            document[at] = byte;
        }
        let from = at.index(document.len());
        document.splice(from..from, piece.bytes());
        let _ = read(&document);
        let _ = read(&document[..cut.index(document.len())]);
    }
}
