//! What a client's certificate calls its owner.
//!
//! Invariant: names are compared in one spelling. DNS names are lower-case, subjects as RFC 4514 writes them; URIs stay
//! as they are.

use std::fmt;
use std::str::FromStr;

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::RdnSequence;

/// One name: of a certificate, or of the certificates that stand for somebody.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum CertificateName {
    /// A URI among the alternative names.
    Uri(String),
    /// A DNS name among the alternative names.
    Dns(String),
    /// The subject.
    Subject(String),
}

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("a certificate is named by `uri:`, `dns:` or `subject:` and what follows")]
    Kind,
    #[error("nothing follows the kind of name")]
    Empty,
    #[error("a subject is written as RFC 4514 has it, such as `subject:CN=alfa,O=Alfa Bank,C=BE`")]
    Subject,
}

/// What a verified certificate says, as far as identity needs it.
#[derive(Debug)]
pub(crate) struct ClientCertificate {
    /// Every name by which it may be known.
    pub(crate) names: Vec<CertificateName>,
    /// Its serial number in hexadecimal digits, which names it in logs: unlike the other names it is nobody's.
    pub(crate) serial: String,
}

impl FromStr for CertificateName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (kind, name) = text.split_once(':').ok_or(NameError::Kind)?;
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        match kind {
            "uri" => Ok(Self::Uri(name.to_owned())),
            "dns" => Ok(Self::Dns(name.to_ascii_lowercase())),
            "subject" => {
                let subject = RdnSequence::from_str(name).map_err(|_| NameError::Subject)?;
                Ok(Self::Subject(subject.to_string()))
            }
            _ => Err(NameError::Kind),
        }
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri(name) => write!(formatter, "uri:{name}"),
            Self::Dns(name) => write!(formatter, "dns:{name}"),
            Self::Subject(name) => write!(formatter, "subject:{name}"),
        }
    }
}

/// A subject may name a person.
impl fmt::Debug for CertificateName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Uri(_) => "Uri(…)",
            Self::Dns(_) => "Dns(…)",
            Self::Subject(_) => "Subject(…)",
        })
    }
}

impl ClientCertificate {
    /// Reads a certificate that has been verified. Nothing if it can't be read: then it names nobody.
    pub(crate) fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(certificate).ok()?;
        let contents = certificate.tbs_certificate();
        let mut names = Vec::new();
        if let Some((_, SubjectAltName(alternatives))) = contents.get_extension::<SubjectAltName>().ok()? {
            // Mail and network addresses, and names of other kinds, stand for nobody here.
            names.extend(alternatives.iter().filter_map(|name| match name {
                GeneralName::UniformResourceIdentifier(uri) => Some(CertificateName::Uri(uri.to_string())),
                GeneralName::DnsName(name) => Some(CertificateName::Dns(name.as_str().to_ascii_lowercase())),
                GeneralName::OtherName(_)
                | GeneralName::Rfc822Name(_)
                | GeneralName::DirectoryName(_)
                | GeneralName::EdiPartyName(_)
                | GeneralName::IpAddress(_)
                | GeneralName::RegisteredId(_) => None,
            }));
        }
        if !contents.subject().is_empty() {
            names.push(CertificateName::Subject(contents.subject().as_ref().to_string()));
        }
        let serial = contents.serial_number().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { names, serial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> CertificateName {
        text.parse().unwrap()
    }

    #[test]
    fn one_name_has_one_spelling() {
        assert_eq!(name("dns:Core.Alfa.Example"), name("dns:core.alfa.example"));
        assert_ne!(name("uri:urn:solvo:Alfa"), name("uri:urn:solvo:alfa"));
        assert_eq!(name(r"subject:CN=Alfa\, Inc,O=Alfa"), name(r"subject:cn=Alfa\2c Inc,o=Alfa"));
        assert_ne!(name("subject:CN=alfa,O=Alfa"), name("subject:O=Alfa,CN=alfa"));
        assert_eq!(name("subject:CN=alfa,O=Alfa").to_string(), "subject:CN=alfa,O=Alfa");
    }

    #[test]
    fn what_is_no_name_says_why() {
        let fault = |text: &str| text.parse::<CertificateName>().unwrap_err();
        assert_eq!(fault("alfa.example"), NameError::Kind);
        assert_eq!(fault("email:somebody@alfa.example"), NameError::Kind);
        assert_eq!(fault("dns:"), NameError::Empty);
        assert_eq!(fault("subject:Alfa"), NameError::Subject);
    }

    #[test]
    fn names_stay_out_of_debug_output() {
        assert_eq!(format!("{:?}", name("subject:CN=Ines Aerts")), "Subject(…)");
    }
}
