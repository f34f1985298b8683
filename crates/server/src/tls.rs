//! The files of TLS, read into what a handshake needs.
//!
//! Invariants:
//! - TLS 1.3 and nothing older: every caller is a program of today, and 1.2 would only add ways to go wrong.
//! - No handshake succeeds without a certificate of the client's that the given authorities have signed.
//! - No session is resumed, so each connection shows a certificate that is valid at that moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig, version};

use crate::principals::PrincipalsError;

/// Where identity comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The node's certificate and those that lead to its authority, in PEM.
    pub certificate: PathBuf,
    /// The key of the node's certificate, in PEM.
    pub key: PathBuf,
    /// The authorities that sign clients' certificates, in PEM.
    pub client_ca: PathBuf,
    /// Who the certificates stand for, in TOML.
    pub principals: PathBuf,
}

/// Why one of the files is of no use.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is larger than any such file.
    #[error("{} has more than {FILE_BYTES_MAX} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is not the PEM that it should be.
    #[error("{} is not in order: {fault}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong, without a word of its contents.
        fault: String,
    },
    /// Certificate and key do not make an identity.
    #[error("{} and {} do not go together: {source}", certificate.display(), key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The authorities are of no use.
    #[error("{} is not in order: {source}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: VerifierBuilderError,
    },
    /// The principals are not in order.
    #[error("{}: {source}", path.display())]
    Principals {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PrincipalsError,
    },
}

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The bytes of the files that a handshake needs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Material {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Vec<u8>,
}

impl Material {
    /// Reads the three files.
    pub(crate) fn read(files: &IdentityFiles) -> Result<Self, IdentityError> {
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            client_ca: read(&files.client_ca)?,
        })
    }

    /// What a handshake needs. `files` names the culprit if there is one.
    pub(crate) fn server_config(&self, files: &IdentityFiles) -> Result<ServerConfig, IdentityError> {
        let chain = certificates(&self.certificate, &files.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| in_pem(&files.key, &error))?;
        let authorities = authorities(&self.client_ca, &files.client_ca)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), Arc::clone(&provider))
                .build()
                .map_err(|source| IdentityError::Authorities { path: files.client_ca.clone(), source })?;
        let pair = |source| IdentityError::Pair {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            source,
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .map_err(pair)?;
        let mut config =
            builder.with_client_cert_verifier(verifier).with_single_cert(chain, key).map_err(pair)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

/// Reads a file of reasonable size.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, IdentityError> {
    let unread = |source| IdentityError::Read { path: path.to_owned(), source };
    if fs::metadata(path).map_err(unread)?.len() > FILE_BYTES_MAX {
        return Err(IdentityError::TooLarge { path: path.to_owned() });
    }
    fs::read(path).map_err(unread)
}

/// What connections to others need: the identity that is shown, and whom to trust.
pub(crate) fn client_config(
    certificate: &Path,
    key: &Path,
    ca: &Path,
) -> Result<ClientConfig, IdentityError> {
    let chain = certificates(&read(certificate)?, certificate)?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| in_pem(key, &error))?;
    let authorities = authorities(&read(ca)?, ca)?;
    let pair =
        |source| IdentityError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), source };
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .map_err(pair)?
        .with_root_certificates(authorities)
        .with_client_auth_cert(chain, private)
        .map_err(pair)?;
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn authorities(bytes: &[u8], path: &Path) -> Result<RootCertStore, IdentityError> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(bytes, path)? {
        let added = authorities.add(certificate);
        added.map_err(|error| IdentityError::Pem { path: path.to_owned(), fault: error.to_string() })?;
    }
    Ok(authorities)
}

fn certificates(bytes: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let all = all.map_err(|error| in_pem(path, &error))?;
    if all.is_empty() {
        return Err(IdentityError::Pem {
            path: path.to_owned(),
            fault: "it holds no certificate".to_owned(),
        });
    }
    Ok(all)
}

/// The reader's own words may quote the file, and the file may be a key.
fn in_pem(path: &Path, error: &pem::Error) -> IdentityError {
    let is_other = matches!(error, pem::Error::NoItemsFound);
    let fault = if is_other { "it holds nothing of the kind" } else { "it is no PEM" };
    IdentityError::Pem { path: path.to_owned(), fault: fault.to_owned() }
}
