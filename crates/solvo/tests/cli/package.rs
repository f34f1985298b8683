//! `solvo package`: a salary file is checked, paid line by line, and reported on; and paid once, however often it is given.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::BufReader;

use client::v1;
use iso20022::{GroupStatus, LineStatus, PackageReportPart, PackageReportReader};
use serde_json::Value;
use tests::{ALFA, BETA, World, belgian, german};

use crate::process::{Served, errors, run, text, told};

const LINES: u32 = 300;

/// A file of salaries of 1.00 from customer 1 of ALFA: to customer 1 of BETA, but for line 7 (nobody has the account), line 8
/// (its number is wrong), and line 9 (more than there is). The second part is for a day to come.
fn salaries(later: &str) -> String {
    let mut file = String::new();
    let sum = f64::from(LINES - 1) + 2_000_000.0;
    write!(
        file,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"><CstmrCdtTrfInitn><GrpHdr>\
         <MsgId>SALARIES-11</MsgId><CreDtTm>2026-11-20T08:00:00Z</CreDtTm><NbOfTxs>{LINES}</NbOfTxs>\
         <CtrlSum>{sum:.2}</CtrlSum><InitgPty><Nm>Alfa Works</Nm></InitgPty></GrpHdr>"
    )
    .unwrap();
    for (part, lines, date) in [(1, 1..=LINES - 2, "2026-11-20"), (2, LINES - 1..=LINES, later)] {
        write!(
            file,
            "<PmtInf><PmtInfId>PART-{part}</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>{date}</Dt></ReqdExctnDt>\
             <Dbtr><Nm>Alfa Works</Nm></Dbtr><DbtrAcct><Id><IBAN>{}</IBAN></Id></DbtrAcct>\
             <DbtrAgt><FinInstnId><BICFI>{ALFA}</BICFI></FinInstnId></DbtrAgt>",
            belgian(1)
        )
        .unwrap();
        for number in lines {
            let (account, amount) = match number {
                7 => (german(9), "1.00"),
                8 => (german(1).replacen("DE", "DK", 1), "1.00"),
                9 => (german(1), "2000000.00"),
                _ => (german(1), "1.00"),
            };
            write!(
                file,
                "<CdtTrfTxInf><PmtId><EndToEndId>SALARY-{number}</EndToEndId></PmtId>\
                 <Amt><InstdAmt Ccy=\"EUR\">{amount}</InstdAmt></Amt>\
                 <CdtrAgt><FinInstnId><BICFI>{BETA}</BICFI></FinInstnId></CdtrAgt>\
                 <Cdtr><Nm>Paul Brandt</Nm></Cdtr><CdtrAcct><Id><IBAN>{account}</IBAN></Id></CdtrAcct></CdtTrfTxInf>"
            )
            .unwrap();
        }
        file.push_str("</PmtInf>");
    }
    file.push_str("</CstmrCdtTrfInitn></Document>");
    file
}

#[tokio::test]
async fn a_salary_file_is_paid_once_and_reported_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file, report] = ["data", "salaries.xml", "report.xml"].map(|name| folder.path().join(name));
    fs::write(&file, salaries("2100-12-31")).unwrap();
    let checked = told(&["package", "check", text(&file), "--json"]);
    assert_eq!((&checked["lines"], &checked["refused"]), (&Value::from(LINES), &Value::from(1)));
    assert_eq!(checked["faults"][0]["line"], 8);
    let served = Served::start(&data);
    let api = served.api().await;
    World::set_up(&api, 1).await;
    let to = served.address().to_string();
    let pay =
        ["package", "pay", text(&file), "--agent", ALFA, "--report", text(&report), "--to", &to, "--json"];
    for _ in 0..2 {
        let paid = run(&pay);
        assert_eq!(paid.status.code(), Some(3), "{}", errors(&paid));
        let paid: Value = serde_json::from_slice(&paid.stdout).unwrap();
        assert_eq!((&paid["paid"], &paid["refused"]), (&Value::from(LINES - 5), &Value::from(3)));
        assert_eq!((&paid["waiting"], &paid["status"]), (&Value::from(2), &Value::from("PART")));
        assert_eq!(api.balance(&belgian(1)).await, format!("{}.00", 1000 - (LINES - 5)));
        assert_eq!(api.balance(&german(1)).await, format!("{}.00", 1000 + (LINES - 5)));
    }
    let mut parts = PackageReportReader::open(BufReader::new(File::open(&report).unwrap())).unwrap();
    assert_eq!(parts.report().status, Some(GroupStatus::PartlyAccepted));
    let mut lines = Vec::new();
    for part in &mut parts {
        if let PackageReportPart::Line(line) = part.unwrap() {
            lines.push(line);
        }
    }
    assert_eq!(lines.len(), usize::try_from(LINES).unwrap());
    let status = |number: usize| {
        let line = &lines[number - 1];
        let code = line.reason.as_ref().map(|detail| detail.reason.to_string());
        (line.status, code.unwrap_or_default())
    };
    assert_eq!(status(1), (LineStatus::Settled, String::new()));
    assert!(lines[0].servicer_reference.is_some() && lines[0].acceptance_time.is_some());
    assert_eq!(status(7), (LineStatus::Rejected, "AC01".to_owned()));
    assert_eq!(status(8), (LineStatus::Rejected, "AC01".to_owned()));
    assert_eq!(status(9), (LineStatus::Rejected, "AM04".to_owned()));
    assert_eq!(status(300), (LineStatus::Pending, String::new()));
    assert_eq!(lines[299].original_end_to_end_id.as_ref().unwrap().as_str(), "SALARY-300");

    // On their day the last two lines are paid, and nothing else.
    fs::write(&file, salaries("2026-11-21")).unwrap();
    let paid: Value = serde_json::from_slice(&run(&pay).stdout).unwrap();
    assert_eq!((&paid["paid"], &paid["waiting"]), (&Value::from(LINES - 3), &Value::from(0)));
    assert_eq!(api.balance(&german(1)).await, format!("{}.00", 1000 + (LINES - 3)));
    api.trial_balance().await;
}

#[tokio::test]
async fn nothing_is_paid_of_a_file_that_is_refused_or_of_another_bank() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file] = ["data", "salaries.xml"].map(|name| folder.path().join(name));
    let served = Served::start(&data);
    let api = served.api().await;
    let world = World::set_up(&api, 1).await;
    let to = served.address().to_string();
    let pay = |agent: &'static str| run(&["package", "pay", text(&file), "--agent", agent, "--to", &to]);
    for (faulty, said) in [
        (salaries("2026-11-20").replace("<NbOfTxs>300", "<NbOfTxs>301"), "NbOfTxs"),
        (salaries("2026-11-20").replace("</CstmrCdtTrfInitn>", ""), "is refused"),
        (salaries("2026-11-20").replace("<CtrlSum>2", "<CtrlSum>3"), "CtrlSum"),
    ] {
        fs::write(&file, faulty).unwrap();
        let refused = pay(ALFA);
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains(said), "{}", errors(&refused));
    }
    fs::write(&file, salaries("2026-11-20")).unwrap();
    world.register(tests::GAMMA, v1::AccountMode::Remote).await;
    let refused = pay(tests::GAMMA);
    assert_eq!(refused.status.code(), Some(3));
    let shown = String::from_utf8(refused.stdout).unwrap();
    assert!(shown.contains("paid      0\n") && shown.contains("another bank"), "{shown}");
    assert_eq!(api.balance(&german(1)).await, "1000.00");
}
