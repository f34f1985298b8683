//! Who is who: the files of TLS and the principals file, kept up to date while the node runs.
//!
//! Invariants:
//! - A file that can't be used changes nothing: what was there before stays, and an error is logged once.
//! - The two halves change apart: a broken certificate does not keep a principal from being removed.
//! - A principal's rights are those of the latest file at each call; a stream lives no longer than the rights with
//!   which it was opened (`gate.rs`).

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use types::PrincipalNumber;

use crate::caller::Caller;
use crate::certificate::CertificateName;
use crate::principals::Principals;
use crate::tls::{IdentityError, IdentityFiles, Material, read};

/// The identity of the node and of everybody who calls it.
#[derive(Debug)]
pub struct Identities {
    files: IdentityFiles,
    /// What the next handshake uses.
    server: RwLock<Arc<ServerConfig>>,
    principals: watch::Sender<Arc<Principals>>,
    tried: Mutex<Tried>,
    /// The open connections of each principal; those that stand for nobody share the number 0.
    connections: DashMap<PrincipalNumber, Arc<AtomicUsize>>,
    failures: Mutex<Failures>,
}

/// Handshakes that came to nothing.
#[derive(Debug, Default)]
struct Failures {
    told: Option<Instant>,
    untold: u64,
}

/// Anybody can make handshakes fail, as often as he likes: no more than one in this time is told.
const FAILURE_TOLD_EVERY: Duration = Duration::from_secs(1);

/// The contents that were looked at last, used or not, and what was wrong with them.
struct Tried {
    material: Material,
    principals: Vec<u8>,
    /// What was logged last about either, so that it is not logged again every second.
    unread: [Option<String>; 2],
}

impl std::fmt::Debug for Tried {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tried").finish_non_exhaustive()
    }
}

impl Identities {
    /// Reads the files for the first time.
    pub fn load(files: IdentityFiles) -> Result<Arc<Self>, IdentityError> {
        let material = Material::read(&files)?;
        let server = material.server_config(&files)?;
        let bytes = read(&files.principals)?;
        let principals = parse(&bytes, &files)?;
        let tried = Tried { material, principals: bytes, unread: [None, None] };
        Ok(Arc::new(Self {
            server: RwLock::new(Arc::new(server)),
            principals: watch::Sender::new(Arc::new(principals)),
            tried: Mutex::new(tried),
            connections: DashMap::new(),
            failures: Mutex::default(),
            files,
        }))
    }

    /// Looks at the files and takes over what has changed. Blocks for as long as reading four small files does.
    pub fn reload(&self) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let material = self.reload_material(&mut tried);
        tell_once(&mut tried.unread[0], material, "the node's certificate and authorities stay as they are");
        let principals = self.reload_principals(&mut tried);
        tell_once(&mut tried.unread[1], principals, "the principals stay as they are");
    }

    fn reload_material(&self, tried: &mut Tried) -> Result<(), IdentityError> {
        let material = Material::read(&self.files)?;
        if tried.material == material && tried.unread[0].is_none() {
            return Ok(());
        }
        let server = material.server_config(&self.files)?;
        if tried.material != material {
            *self.server.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(server);
            tried.material = material;
            tracing::info!("the node's certificate and authorities have been read again");
        }
        Ok(())
    }

    fn reload_principals(&self, tried: &mut Tried) -> Result<(), IdentityError> {
        let bytes = read(&self.files.principals)?;
        if bytes == tried.principals && tried.unread[1].is_none() {
            return Ok(());
        }
        let principals = parse(&bytes, &self.files)?;
        if bytes != tried.principals {
            tracing::info!(principals = principals.count(), "the principals have been read again");
            self.principals.send_replace(Arc::new(principals));
            tried.principals = bytes;
        }
        Ok(())
    }

    /// What accepts the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.server.read().unwrap_or_else(PoisonError::into_inner)).into()
    }

    /// Who a certificate with these names stands for at this moment.
    pub(crate) fn caller(&self, names: &[CertificateName]) -> Option<Caller> {
        self.principals.borrow().caller(names).cloned()
    }

    /// The principals of each moment from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Principals>> {
        self.principals.subscribe()
    }

    /// Tells of a handshake that came to nothing, unless one was told of just before.
    pub(crate) fn tell_failure(&self, error: &io::Error) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.told.is_some_and(|told| told.elapsed() < FAILURE_TOLD_EVERY) {
            failures.untold += 1;
            return;
        }
        failures.told = Some(Instant::now());
        let untold = std::mem::take(&mut failures.untold);
        tracing::warn!(%error, untold, "a handshake failed");
    }

    /// A place among the connections of a principal, unless it has as many as it may.
    pub(crate) fn place(&self, principal: PrincipalNumber, connections_max: usize) -> Option<Place> {
        let count = Arc::clone(self.connections.entry(principal).or_default().value());
        let place = Place(count);
        // Counted first: whoever is one too many gives its place back.
        (place.0.fetch_add(1, Ordering::Relaxed) < connections_max).then_some(place)
    }
}

/// A place among the connections of a principal, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn parse(bytes: &[u8], files: &IdentityFiles) -> Result<Principals, IdentityError> {
    // What is not UTF-8 is no TOML either, and is told where it is.
    let parsed = Principals::parse(&String::from_utf8_lossy(bytes));
    parsed.map_err(|source| IdentityError::Principals { path: files.principals.clone(), source })
}

/// Logs a fault when it appears or changes.
fn tell_once(told: &mut Option<String>, result: Result<(), IdentityError>, consequence: &str) {
    let fault = result.err().map(|error| error.to_string());
    if let Some(error) = fault.as_ref().filter(|fault| told.as_ref() != Some(fault)) {
        tracing::error!(%error, "{consequence}");
    }
    *told = fault;
}
