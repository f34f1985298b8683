//! Who the client is, and whom it trusts.

use std::fmt;
use std::sync::Arc;

use tonic::transport::{Certificate, ClientTlsConfig, Identity};

/// Mutual TLS: the node shows its certificate, and so does the client. All three texts are PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// The authorities that sign nodes' certificates.
    pub ca: Arc<[u8]>,
    /// The client's own certificate, and those that lead to its authority.
    pub certificate: Arc<[u8]>,
    /// The key of the client's own certificate.
    pub key: Arc<[u8]>,
    /// The name that the node's certificate has to carry, if it is not the one in the address.
    pub domain: Option<String>,
}

impl TlsOptions {
    /// As the transport takes it.
    pub(crate) fn config(&self) -> ClientTlsConfig {
        let config = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.ca))
            .identity(Identity::from_pem(&self.certificate, &self.key));
        match &self.domain {
            Some(domain) => config.domain_name(domain),
            None => config,
        }
    }
}

/// A key stays out of all output.
impl fmt::Debug for TlsOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TlsOptions").field("domain", &self.domain).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_out_of_debug_output() {
        let options = TlsOptions {
            ca: (*b"authority").into(),
            certificate: (*b"certificate").into(),
            key: (*b"secret").into(),
            domain: None,
        };
        assert_eq!(format!("{options:?}"), "TlsOptions { domain: None, .. }");
    }
}
