//! Where other banks are asked: a file of BICs and URLs, and the node's identity towards them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tonic::codegen::http::Uri;
use types::Bic;

use crate::tls::{self, IdentityError};

/// Where the file stands, and the files of the identity that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherBanksFiles {
    /// The banks and their URLs, in TOML.
    pub banks: PathBuf,
    /// Certificate, key and the authorities of the other banks' certificates, all in PEM. Without them only URLs of this
    /// machine's loopback interface can be asked.
    pub identity: Option<[PathBuf; 3]>,
}

/// Why the files are of no use.
#[derive(Debug, thiserror::Error)]
pub enum OtherBanksError {
    /// A file can't be read, or is not what it should be.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The file of banks is not in order.
    #[error("{}: {fault}", path.display())]
    Banks {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: String,
    },
}

/// More banks than there are in the scheme.
const BANKS_MAX: usize = 16_384;

/// Where one bank is asked.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Host and port, as a socket is opened.
    pub(super) address: String,
    /// Host and port, as the request names them.
    pub(super) authority: String,
    /// Path and query of the resource.
    pub(super) path: String,
    /// Whose certificate has to be shown; `None` for a plain connection within the machine.
    pub(super) server_name: Option<ServerName<'static>>,
}

/// All of them, and the identity that is shown.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) by_bic: HashMap<Bic, Place>,
    pub(super) tls: Option<Arc<ClientConfig>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    bank: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    bic: String,
    url: String,
}

impl Places {
    pub(super) fn load(files: &OtherBanksFiles) -> Result<Self, OtherBanksError> {
        let bytes = tls::read(&files.banks)?;
        let by_bic = read(&String::from_utf8_lossy(&bytes), files.identity.is_some());
        let by_bic = by_bic.map_err(|fault| OtherBanksError::Banks { path: files.banks.clone(), fault })?;
        let tls = match &files.identity {
            Some([certificate, key, ca]) => Some(Arc::new(tls::client_config(certificate, key, ca)?)),
            None => None,
        };
        Ok(Self { by_bic, tls })
    }
}

fn read(text: &str, has_identity: bool) -> Result<HashMap<Bic, Place>, String> {
    let File { bank: entries } = toml::from_str(text).map_err(|error| error.to_string())?;
    if entries.len() > BANKS_MAX {
        return Err(format!("a file has at most {BANKS_MAX} banks"));
    }
    let mut by_bic = HashMap::with_capacity(entries.len());
    for Entry { bic: code, url } in entries {
        let bic = Bic::parse(&code).map_err(|_| format!("{code:?} is no BIC"))?;
        let place = place(&url, has_identity).map_err(|fault| format!("the URL of {code}: {fault}"))?;
        if by_bic.insert(bic, place).is_some() {
            return Err(format!("{code} is there twice"));
        }
    }
    Ok(by_bic)
}

fn place(url: &str, has_identity: bool) -> Result<Place, &'static str> {
    let uri: Uri = url.parse().map_err(|_| "it is no URL")?;
    let is_secured = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err("it begins with https://"),
    };
    let authority = uri.authority().ok_or("it names no host")?;
    if authority.as_str().contains('@') {
        return Err("it names a user, and none is asked for");
    }
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = format!("{host}:{}", authority.port_u16().unwrap_or(if is_secured { 443 } else { 80 }));
    let server_name = match is_secured {
        true if !has_identity => return Err("https needs a certificate, a key and the authorities to trust"),
        true => Some(ServerName::try_from(bare.to_owned()).map_err(|_| "its host can have no certificate")?),
        false if bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()) => None,
        false => return Err("names and account numbers leave this machine through https:// only"),
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    Ok(Place { address, authority: authority.as_str().to_owned(), path, server_name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_has_one_url_and_it_is_secured() {
        let text = "[[bank]]\nbic = \"BETADEFF\"\nurl = \"https://vop.example/v1/payee-verifications\"\n";
        let places = read(text, true).unwrap();
        let place = &places[&Bic::parse("BETADEFFXXX").unwrap()];
        assert_eq!(
            (place.address.as_str(), place.path.as_str()),
            ("vop.example:443", "/v1/payee-verifications")
        );
        assert!(place.server_name.is_some());
        assert!(read(&text.repeat(2), true).unwrap_err().contains("twice"));
        assert!(read(text, false).unwrap_err().contains("needs a certificate"));
        assert!(read("[[bank]]\nbic = \"X\"\nurl = \"https://a\"", true).unwrap_err().contains("no BIC"));
        assert!(read("[[banks]]", true).is_err());
        assert!(read("", false).unwrap().is_empty());
    }

    #[test]
    fn plain_connections_stay_on_the_machine() {
        for url in ["http://127.0.0.1:8080/vop", "http://[::1]:8080/vop"] {
            assert!(place(url, false).unwrap().server_name.is_none(), "{url}");
        }
        for url in
            ["http://vop.example/", "http://192.0.2.1/", "http://localhost/", "ftp://a/", "a", "https://u@a/"]
        {
            assert!(place(url, true).is_err(), "{url}");
        }
    }
}
