//! Tests of the crate's public surface.

mod cases;
mod enquiry;
mod external;
mod fixtures;
mod liquidity;
mod mutation;
mod package;
mod package_report;
mod package_stream;
mod pass_through;
mod recall;
mod request_to_pay;
mod round_trip;
mod rules;
mod samples;
mod schema_faults;
mod statement;
mod status;
mod wrapper;

use types::Date;

use crate::{Pacs008, Rules, SchemaFault, read_pacs008};

/// A credit transfer that keeps every rule, small enough to be edited by replacing parts of it.
const DOCUMENT: &str = r#"<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><FIToFICstmrCdtTrf><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-21T10:00:00.12Z</CreDtTm><NbOfTxs>1</NbOfTxs><TtlIntrBkSttlmAmt Ccy="EUR">12.34</TtlIntrBkSttlmAmt><IntrBkSttlmDt>2026-11-21</IntrBkSttlmDt><SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><LclInstrm><Cd>INST</Cd></LclInstrm></PmtTpInf></GrpHdr><CdtTrfTxInf><PmtId><EndToEndId>E1</EndToEndId><TxId>T1</TxId></PmtId><IntrBkSttlmAmt Ccy="EUR">12.34</IntrBkSttlmAmt><AccptncDtTm>2026-11-21T10:00:00.05Z</AccptncDtTm><ChrgBr>SLEV</ChrgBr><Dbtr><Nm>Payer</Nm></Dbtr><DbtrAcct><Id><IBAN>BE68539007547034</IBAN></Id></DbtrAcct><DbtrAgt><FinInstnId><BICFI>SLVOBEBB</BICFI></FinInstnId></DbtrAgt><CdtrAgt><FinInstnId><BICFI>SLVODEFFXXX</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>Payee</Nm></Cdtr><CdtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></CdtrAcct><RmtInf><Ustrd>Thanks</Ustrd></RmtInf></CdtTrfTxInf></FIToFICstmrCdtTrf></Document>"#;

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// The rules of the day for which [`DOCUMENT`] was made.
fn rules() -> Rules {
    Rules::sct_inst_2025(vec![date("2026-11-21")])
}

/// [`DOCUMENT`] with one part replaced, which must be there.
#[track_caller]
fn edited(from: &str, to: &str) -> String {
    assert!(DOCUMENT.contains(from), "{from} is part of the document");
    DOCUMENT.replacen(from, to, 1)
}

fn read(document: &str) -> Result<Pacs008, SchemaFault> {
    read_pacs008(document.as_bytes(), &rules())
}
