//! What a stored document is expected to come to.

use std::fmt;

use serde_json::Value;

/// What came, or should come, of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentStatus {
    /// Irrevocably booked.
    Settled,
    /// Refused by a logged decision, with a reason.
    Rejected,
    /// Its deadline passed.
    Expired,
    /// Money is set aside; not final.
    Reserved,
    /// An external settlement mechanism decides; not final.
    Unresolved,
    /// Not taken; nothing was logged.
    NotTaken,
    /// Done or not; the answer was lost.
    Unknown,
}

/// What a document should come to, from the file beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The status.
    pub status: DocumentStatus,
    /// The reason code, where the status has one.
    pub reason: Option<String>,
    /// One sentence for people.
    pub why: String,
}

impl DocumentStatus {
    const ALL: [Self; 7] = [
        Self::Settled,
        Self::Rejected,
        Self::Expired,
        Self::Reserved,
        Self::Unresolved,
        Self::NotTaken,
        Self::Unknown,
    ];

    /// The name as files and reports have it, such as `NOT_TAKEN`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settled => "SETTLED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
            Self::Reserved => "RESERVED",
            Self::Unresolved => "UNRESOLVED",
            Self::NotTaken => "NOT_TAKEN",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for DocumentStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Expected {
    /// Reads `{"status": "REJECTED", "reason": "AC04", "why": "..."}`; what is wrong comes as one sentence.
    pub(crate) fn read(json: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let name = value["status"].as_str().ok_or("the status is missing")?;
        let status = DocumentStatus::ALL.into_iter().find(|status| status.name() == name);
        let reason = Some(&value["reason"]).filter(|reason| !reason.is_null());
        let reason = reason.map(|reason| reason.as_str().ok_or("the reason is no text")).transpose()?;
        let why = value["why"].as_str().ok_or("the explanation is missing")?.to_owned();
        Ok(Self { status: status.ok_or("the status is none")?, reason: reason.map(str::to_owned), why })
    }

    /// How something else differs from this, if it does.
    pub(crate) fn difference(&self, status: DocumentStatus, reason: Option<&str>) -> Option<String> {
        let text = |status: DocumentStatus, reason: Option<&str>| match reason {
            Some(reason) => format!("{status} {reason}"),
            None => status.to_string(),
        };
        (self.status != status || self.reason.as_deref() != reason).then(|| {
            let expected = text(self.status, self.reason.as_deref());
            format!("{} instead of {expected}", text(status, reason))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sidecars_are_read() {
        let expected =
            Expected::read(br#"{"status": "REJECTED", "reason": "AC04", "why": "Closed."}"#).unwrap();
        assert_eq!(expected.status, DocumentStatus::Rejected);
        assert_eq!(expected.difference(DocumentStatus::Rejected, Some("AC04")), None);
        assert_eq!(
            expected.difference(DocumentStatus::Settled, None),
            Some("SETTLED instead of REJECTED AC04".to_owned())
        );
        assert!(expected.difference(DocumentStatus::Rejected, None).is_some());
        for wrong in
            ["", "{}", r#"{"status": "FINE", "reason": null, "why": ""}"#, r#"{"status": "SETTLED"}"#]
        {
            assert!(Expected::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
