//! Another bank that verifies payees over HTTP, with mutual TLS: a small server that gives one answer to all.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use server::{HttpBanks, OtherBanksFiles};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, version};

use crate::certificates::{Authority, Certified};

/// Starts a bank that trusts this authority and answers every question with this body. It ends with the runtime.
pub async fn start(authority: &Authority, body: &'static str) -> SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(config(authority)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on the loopback interface");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(acceptor.clone(), stream, body));
        }
    });
    address
}

/// A way to ask that bank, with an identity; the files lie in a folder.
///
/// # Panics
/// If the files are not in order.
pub fn asked_by(
    folder: &Path,
    (bic, address): (&str, SocketAddr),
    identity: &Certified,
    trusted: &Authority,
) -> Arc<HttpBanks> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("the folder can be written");
        path
    };
    let banks =
        format!("[[bank]]\nbic = \"{bic}\"\nurl = \"https://{address}/vop/v1/payee-verifications\"\n");
    let files = OtherBanksFiles {
        banks: write("banks.toml", &banks),
        identity: Some([
            write("vop.pem", &identity.certificate),
            write("vop.key", &identity.key),
            write("vop-ca.pem", &trusted.pem),
        ]),
    };
    HttpBanks::load(&files).expect("the files are in order")
}

fn config(authority: &Authority) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut trusted = RootCertStore::empty();
    let pem = authority.pem.as_bytes();
    trusted.add(CertificateDer::from_pem_slice(pem).expect("a certificate")).expect("an authority");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), Arc::clone(&provider));
    let Certified { certificate, key } = authority.server();
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .expect("the provider has TLS 1.3")
        .with_client_cert_verifier(verifier.build().expect("an authority"))
        .with_single_cert(chain, key)
        .expect("certificate and key go together")
}

/// Answers one question. Whoever shows no certificate of the authority's gets none.
async fn answer(acceptor: TlsAcceptor, stream: TcpStream, body: &'static str) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut request = Vec::new();
    while !request.ends_with(b"}}}") {
        match stream.read_buf(&mut request).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
    }
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    // Whoever asked may have gone.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}
