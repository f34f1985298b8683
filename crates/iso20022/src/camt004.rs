//! camt.004.001.08, sent unasked: what is available on an account has crossed its floor or its ceiling.

use types::{Balance, Currency, Text, Timestamp};

use crate::fault::{SchemaFault, Violation};
use crate::message::{MessageKind, open_kind};
use crate::schema::Element;
use crate::values::{account_number, fixed, instant, once, required, text};
use crate::walk::{Children, Walker};
use crate::xml_write::XmlWriter;
use crate::{CAMT004_NAMESPACE, wrapper};

/// Which of its two bounds something crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertBound {
    /// It fell below its floor.
    Floor,
    /// It rose above its ceiling.
    Ceiling,
}

/// What crossed the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlertSubject {
    /// What an account has available.
    Account,
    /// What is left of the limit of a reachable party inside an account.
    Headroom,
}

/// The notice that a bound was crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceAlert {
    /// `MsgHdr/MsgId`.
    pub message_id: Text<35>,
    /// `MsgHdr/CreDtTm`.
    pub created_at: Option<Timestamp>,
    /// `MsgHdr/ReqTp/Prtry/Id`: `FLOOR` or `CEILING`.
    pub bound: AlertBound,
    /// `MsgHdr/ReqTp/Prtry/SchmeNm`: `ACCOUNT` or `HEADROOM`.
    pub subject: AlertSubject,
    /// `AcctId`: an IBAN or another identification, of the account or of the reachable party's limit inside it.
    pub account: Text<34>,
    /// `MulBal` of type `AVLB`, in euro: what is there after the crossing.
    pub available: Balance,
    /// `MulBal` of type `THRESHOLD`, in euro: the bound. No code of the ISO list means that.
    pub threshold: Balance,
}

impl AlertBound {
    const ALL: [Self; 2] = [Self::Floor, Self::Ceiling];

    const fn name(self) -> &'static str {
        match self {
            Self::Floor => "FLOOR",
            Self::Ceiling => "CEILING",
        }
    }
}

impl AlertSubject {
    const ALL: [Self; 2] = [Self::Account, Self::Headroom];

    const fn name(self) -> &'static str {
        match self {
            Self::Account => "ACCOUNT",
            Self::Headroom => "HEADROOM",
        }
    }
}

const AVAILABLE: &str = "AVLB";
const THRESHOLD: &str = "THRESHOLD";

/// Writes the notice that a bound was crossed.
///
/// # Panics
/// If a balance has more than 18 digits, for which ISO 20022 has no room: that is ten million billion euro.
pub fn write_camt004(alert: &BalanceAlert) -> String {
    let mut xml = XmlWriter::document(CAMT004_NAMESPACE);
    xml.open("RtrAcct");
    xml.open("MsgHdr");
    xml.text("MsgId", &alert.message_id);
    xml.optional_instant("CreDtTm", alert.created_at);
    xml.open("ReqTp");
    xml.open("Prtry");
    xml.leaf("Id", alert.bound.name());
    xml.leaf("SchmeNm", alert.subject.name());
    xml.close();
    xml.close();
    xml.close();
    xml.open("RptOrErr");
    xml.open("AcctRpt");
    xml.account_id("AcctId", &alert.account);
    xml.open("AcctOrErr");
    xml.open("Acct");
    xml.leaf("Ccy", Currency::EUR.code());
    for (form, kind, balance) in [("Cd", AVAILABLE, alert.available), ("Prtry", THRESHOLD, alert.threshold)] {
        let (amount, direction) = unsigned(balance, Currency::EUR).expect("a balance has at most 18 digits");
        xml.open("MulBal");
        xml.leaf("Amt", &amount);
        xml.leaf("CdtDbtInd", direction);
        xml.open("Tp");
        xml.leaf(form, kind);
        xml.close();
        xml.close();
    }
    for _ in ["Acct", "AcctOrErr", "AcctRpt", "RptOrErr"] {
        xml.close();
    }
    xml.close();
    xml.finish()
}

/// The decimal text of a balance without its sign, and the sign as ISO 20022 has it; zero is a credit. `None`
/// beyond 18 digits.
pub(crate) fn unsigned(balance: Balance, currency: Currency) -> Option<(String, &'static str)> {
    const DIGITS_18: i64 = 999_999_999_999_999_999;
    let minor_units = balance.minor_units();
    let amount =
        Balance::from_minor_units(minor_units.checked_abs()?).filter(|_| minor_units.abs() <= DIGITS_18)?;
    Some((amount.to_decimal(currency), if minor_units < 0 { "DBIT" } else { "CRDT" }))
}

/// The balance that an unsigned decimal text and a sign make.
pub(crate) fn signed(amount: &str, direction: &str, currency: Currency) -> Option<Balance> {
    let sign = match direction {
        "CRDT" => "",
        "DBIT" => "-",
        _ => return None,
    };
    Balance::parse(&format!("{sign}{amount}"), currency).ok()
}

/// Reads the notice that a bound was crossed, with or without header.
///
/// # Errors
/// A [`SchemaFault`] if the document does not follow the schema, or is another report on accounts.
pub fn read_camt004(document: &[u8]) -> Result<BalanceAlert, SchemaFault> {
    let (walker, opened) = open_kind(document, MessageKind::BalanceAlert)?;
    let (walker, alert) = read(walker, opened.children)?;
    wrapper::close(walker, opened.wrapper)?;
    Ok(alert)
}

/// Reads the children of `Document`.
pub(crate) fn read<'document>(
    mut walker: Walker<'document>,
    mut children: Children,
) -> Result<(Walker<'document>, BalanceAlert), SchemaFault> {
    let mut draft = Draft::default();
    while let Some(message) = walker.next(&mut children)? {
        draft.element(&mut walker, message)?;
    }
    let alert = draft.alert(walker.offset())?;
    Ok((walker, alert))
}

/// What has been read so far.
#[derive(Default)]
struct Draft {
    message_id: Option<Text<35>>,
    created_at: Option<Timestamp>,
    bound: Option<AlertBound>,
    subject: Option<AlertSubject>,
    report_seen: bool,
    account: Option<Text<34>>,
    available: Option<Balance>,
    threshold: Option<Balance>,
}

impl Draft {
    /// Goes down to what an alert has. Each name has one meaning on this way.
    fn element(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "MsgHdr" => self.header(walker, child)?,
                "AcctRpt" => {
                    once(walker, &mut self.report_seen)?;
                    self.element(walker, child)?;
                }
                "RptOrErr" | "AcctOrErr" | "Acct" => self.element(walker, child)?,
                "OprlErr" | "BizErr" => return Err(walker.fault(Violation::Rule)),
                "AcctId" => self.account = Some(account_number(walker, child)?),
                "Ccy" => fixed(walker, child, Currency::EUR.code())?,
                "MulBal" => self.balance(walker, child)?,
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn header(&mut self, walker: &mut Walker<'_>, header: &'static Element) -> Result<(), SchemaFault> {
        let mut children = Children::inside(header);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "MsgId" => self.message_id = Some(text(walker, child)?),
                "CreDtTm" => self.created_at = Some(instant(walker, child)?),
                "ReqTp" => self.request_type(walker, child)?,
                _ => walker.skip(child)?,
            }
        }
        Ok(())
    }

    fn request_type(
        &mut self,
        walker: &mut Walker<'_>,
        element: &'static Element,
    ) -> Result<(), SchemaFault> {
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            if child.name != "Prtry" {
                return Err(walker.fault(Violation::Rule));
            }
            let mut parts = Children::inside(child);
            while let Some(part) = walker.next(&mut parts)? {
                let value = walker.value(part)?;
                match part.name {
                    "Id" => self.bound = AlertBound::ALL.into_iter().find(|bound| bound.name() == value),
                    "SchmeNm" => {
                        self.subject = AlertSubject::ALL.into_iter().find(|subject| subject.name() == value);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn balance(&mut self, walker: &mut Walker<'_>, element: &'static Element) -> Result<(), SchemaFault> {
        let (mut amount, mut direction, mut kind) = (None, None, None);
        let mut children = Children::inside(element);
        while let Some(child) = walker.next(&mut children)? {
            match child.name {
                "Amt" => amount = Some(walker.value(child)?),
                "CdtDbtInd" => direction = Some(walker.value(child)?),
                "Tp" => {
                    let mut choice = Children::inside(child);
                    while let Some(chosen) = walker.next(&mut choice)? {
                        let value = walker.value(chosen)?;
                        kind = Some((chosen.name, value));
                    }
                }
                _ => walker.skip(child)?,
            }
        }
        const COMPLETE: &str = "the walker ends a balance only after its mandatory elements";
        let balance = signed(&amount.expect(COMPLETE), &direction.expect(COMPLETE), Currency::EUR);
        let slot = match kind.as_ref().map(|(form, kind)| (*form, kind.as_ref())) {
            Some(("Cd", AVAILABLE)) => &mut self.available,
            Some(("Prtry", THRESHOLD)) => &mut self.threshold,
            Some(_) | None => return Ok(()),
        };
        if slot.is_some() {
            return Err(walker.fault(Violation::Repeated));
        }
        *slot = Some(balance.ok_or_else(|| walker.fault(Violation::Amount))?);
        Ok(())
    }

    fn alert(self, end: usize) -> Result<BalanceAlert, SchemaFault> {
        let balances = "RptOrErr/AcctRpt/AcctOrErr/Acct/MulBal";
        Ok(BalanceAlert {
            message_id: required(self.message_id, "MsgHdr/MsgId", end)?,
            created_at: self.created_at,
            bound: required(self.bound, "MsgHdr/ReqTp/Prtry/Id", end)?,
            subject: required(self.subject, "MsgHdr/ReqTp/Prtry/SchmeNm", end)?,
            account: required(self.account, "RptOrErr/AcctRpt/AcctId", end)?,
            available: required(self.available, balances, end)?,
            threshold: required(self.threshold, balances, end)?,
        })
    }
}
