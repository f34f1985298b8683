//! How the commands that call a node reach it: plain on loopback, with TLS anywhere.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use client::{Client, ConnectOptions, TlsOptions};

/// Identity and trust.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct TlsArgs {
    /// The authority of the node's certificate, in PEM. With it connections are secured; without it they are plain,
    /// to a node on loopback.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    ca: Option<PathBuf>,
    /// The certificate to show, in PEM: it says who calls.
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// The key of that certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "ca")]
    key: Option<PathBuf>,
    /// The name in the node's certificate, if it is not the one in the address.
    #[arg(long, value_name = "NAME", requires = "ca")]
    server_name: Option<String>,
}

impl TlsArgs {
    /// The same for the client. Nothing if connections are to be plain.
    pub(crate) fn options(&self) -> anyhow::Result<Option<TlsOptions>> {
        let (Some(ca), Some(certificate), Some(key)) = (&self.ca, &self.certificate, &self.key) else {
            return Ok(None);
        };
        let domain = self.server_name.clone();
        Ok(Some(TlsOptions { ca: read(ca)?, certificate: read(certificate)?, key: read(key)?, domain }))
    }
}

fn read(path: &Path) -> anyhow::Result<Arc<[u8]>> {
    let bytes = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
    Ok(bytes.into())
}

/// The form of an address that clients take: with the scheme that follows from the options, unless it has one.
///
/// # Errors
/// If a plain connection would leave the machine: no node takes it there, and everybody in between could read it.
pub(crate) fn url(address: &str, tls: Option<&TlsOptions>) -> anyhow::Result<String> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = if address.contains("://") { address.to_owned() } else { format!("{scheme}://{address}") };
    if url.starts_with("http://") && !is_loopback(url.trim_start_matches("http://")) {
        bail!(
            "{address} is not on this machine's loopback interface: give --ca, --certificate and --key, because plain \
             connections stay on the machine"
        );
    }
    Ok(url)
}

/// Whether host and port are of the loopback interface.
fn is_loopback(authority: &str) -> bool {
    let authority = authority.trim_end_matches('/');
    if let Ok(address) = authority.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

/// A client of the node at an address.
pub(crate) async fn connect(address: &str, tls: &TlsArgs) -> anyhow::Result<Client> {
    connect_with(address, tls, ConnectOptions::default()).await
}

/// The same with options of one's own, apart from identity and trust.
pub(crate) async fn connect_with(
    address: &str,
    tls: &TlsArgs,
    options: ConnectOptions,
) -> anyhow::Result<Client> {
    let tls = tls.options()?;
    let url = url(address, tls.as_ref())?;
    let client = Client::connect(&url, ConnectOptions { tls, ..options }).await;
    client.with_context(|| format!("can't connect to {address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_connections_stay_on_the_machine() {
        for address in ["127.0.0.1:7400", "localhost:7400", "[::1]:7400", "http://127.0.0.1:7400/"] {
            assert!(url(address, None).unwrap().starts_with("http://"), "{address}");
        }
        for address in
            ["10.0.0.1:7400", "settle.example:7400", "http://[2001:db8::1]:7400", "127.0.0.1.example:1"]
        {
            let refused = url(address, None).unwrap_err().to_string();
            assert!(refused.contains("--certificate"), "{refused}");
        }
    }

    #[test]
    fn with_tls_any_address_will_do() {
        let [ca, certificate, key] = [0; 3].map(|_| Arc::from([]));
        let tls = TlsOptions { ca, certificate, key, domain: None };
        assert_eq!(url("settle.example:7400", Some(&tls)).unwrap(), "https://settle.example:7400");
        assert_eq!(url("127.0.0.1:7400", Some(&tls)).unwrap(), "https://127.0.0.1:7400");
    }
}
