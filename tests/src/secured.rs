//! A node with mutual TLS, and everybody who may call it.
//!
//! The principals are one for each role: `operator`, `auditor`, `alfa` and `beta` (participants), and `instructing`
//! (an instructing party for ALFA).

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use server::{Identities, IdentityFiles, ServerLimits};
use tempfile::TempDir;
use tonic::Status;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::certificates::{Authority, Certified};
use crate::{ALFA, Api, BETA, Node};

/// The node, its authority, and the files of identity.
#[derive(Debug)]
pub struct Secured {
    /// The node itself.
    pub node: Node,
    /// Who signs for node and clients.
    pub authority: Authority,
    identities: Arc<Identities>,
    files: TempDir,
}

/// One entry of a principals file.
pub fn principal(number: u32, name: &str, role: &str, bics: &[&str]) -> String {
    let bics = if bics.is_empty() { String::new() } else { format!("bics = {bics:?}\n") };
    format!(
        "[[principal]]\nnumber = {number}\nname = \"{name}\"\nroles = [\"{role}\"]\n{bics}\
         certificates = [\"uri:urn:solvo:{name}\"]\n"
    )
}

/// The principals of every node at its start.
pub fn principals() -> String {
    [
        principal(10, "operator", "operator", &[]),
        principal(11, "auditor", "auditor", &[]),
        principal(12, "alfa", "participant", &[ALFA]),
        principal(13, "beta", "participant", &[BETA]),
        principal(14, "instructing", "instructing-party", &[ALFA]),
    ]
    .concat()
}

impl Secured {
    /// A node with limits of its edge.
    pub async fn with_limits(limits: ServerLimits) -> Self {
        let authority = Authority::new();
        let files = tempfile::tempdir().expect("the system's temporary folder can be written");
        write(&files, "ca.pem", &authority.pem);
        write_server(&files, &authority.server());
        write(&files, "principals.toml", &principals());
        let path = |name: &str| files.path().join(name);
        let identities = Identities::load(IdentityFiles {
            certificate: path("server.pem"),
            key: path("server.key"),
            client_ca: path("ca.pem"),
            principals: path("principals.toml"),
        });
        let identities = identities.expect("the files are in order");
        let node = Node::secured(Arc::clone(&identities), limits).await;
        Self { node, authority, identities, files }
    }

    /// A node with mutual TLS.
    pub async fn start() -> Self {
        Self::with_limits(ServerLimits::default()).await
    }

    /// Stops the node in an orderly way and starts another one on its folder, with a change to that in between.
    pub async fn restart_after(self, change: impl FnOnce(&Path)) -> Self {
        let Self { node, authority, identities, files } = self;
        let folder = node.stop().await;
        change(folder.path());
        let node = Node::secured_on(folder, Arc::clone(&identities), ServerLimits::default()).await;
        Self { node, authority, identities, files }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.node.address()
    }

    /// Clients of whoever has this name.
    pub async fn api(&self, name: &str) -> Api {
        self.api_with(&self.authority.client(name)).await
    }

    /// Clients that show this certificate.
    pub async fn api_with(&self, client: &Certified) -> Api {
        let connected = self.connect(self.authority.trusted_by(client)).await;
        Api::over(connected.expect("the node takes the connection"))
    }

    /// A connection.
    pub async fn connect(&self, tls: ClientTlsConfig) -> Result<Channel, Status> {
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address())).expect("a URI");
        let endpoint = endpoint.tls_config(tls).expect("certificates and keys are in order");
        endpoint.connect().await.map_err(|error| Status::from_error(Box::new(error)))
    }

    /// Puts another principals file in place and has it read.
    pub async fn set_principals(&self, text: &str) {
        write(&self.files, "principals.toml", text);
        self.reload().await;
    }

    /// Puts another certificate and authority in place and has them read.
    pub async fn set_server(&self, ca: &str, server: &Certified) {
        write(&self.files, "ca.pem", ca);
        write_server(&self.files, server);
        self.reload().await;
    }

    /// Replaces one of the files, and leaves it to the node to notice.
    pub fn put(&self, name: &str, text: &str) {
        write(&self.files, name, text);
    }

    /// The files of identity.
    pub fn files(&self) -> PathBuf {
        self.files.path().to_owned()
    }

    /// Has the files read, as SIGHUP does.
    pub async fn reload(&self) {
        let identities = Arc::clone(&self.identities);
        tokio::task::spawn_blocking(move || identities.reload()).await.expect("reading does not panic");
    }
}

fn write(folder: &TempDir, name: &str, text: &str) {
    fs::write(folder.path().join(name), text).expect("the folder can be written");
}

fn write_server(folder: &TempDir, server: &Certified) {
    write(folder, "server.pem", &server.certificate);
    write(folder, "server.key", &server.key);
}
