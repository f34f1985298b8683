//! A node inside this process: the engine on a folder, and the server on a listener.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engine::{Config, Engine, RecoveryProgress, RecoveryView};
use server::{Identities, ServerLimits};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running node.
pub(crate) struct Node {
    engine: Engine,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), server::ServeError>>,
}

impl Node {
    /// Recovers or begins a log and serves it.
    pub(crate) async fn start(listen: SocketAddr, config: Config) -> anyhow::Result<Self> {
        Self::start_as(None, listen, config, ServerLimits::default()).await
    }

    /// The same with mutual TLS, on any address, if there are identities; without them on loopback only.
    pub(crate) async fn start_as(
        identities: Option<Arc<Identities>>,
        listen: SocketAddr,
        config: Config,
        limits: ServerLimits,
    ) -> anyhow::Result<Self> {
        // Asked first, so that a wrong address leaves the folder alone.
        if identities.is_none() && !listen.ip().is_loopback() {
            return Err(server::ServeError::NotLoopback(listen).into());
        }
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("can't listen on {listen}"))?
            .into_std()?;
        let address = listener.local_addr()?;
        let engine = start_engine(identities.clone(), listener.try_clone()?, config, limits).await?;
        let listener = TcpListener::from_std(listener)?;
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            // A sender that is dropped means the same as one that sends.
            let _ = stopped.await;
        };
        let handle = engine.handle();
        let serving = match identities {
            None => tokio::spawn(server::serve(listener, handle, limits, shutdown)),
            Some(identities) => {
                tokio::spawn(server::serve_secured(identities, listener, handle, limits, shutdown))
            }
        };
        Ok(Self { engine, address, stop, serving })
    }

    /// Where it listens; the port is the one that the system chose if none was asked for.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the server ends without having been told to.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        match (&mut self.serving).await {
            Ok(Ok(())) => anyhow::anyhow!("the server has ended by itself"),
            Ok(Err(error)) => error.into(),
            Err(panic) => panic.into(),
        }
    }

    /// Takes nothing more, answers what was taken, and ends the log in a marker.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        drop(self.stop);
        self.serving.await??;
        tokio::task::spawn_blocking(move || self.engine.stop()).await?;
        Ok(())
    }
}

/// How often a long start says how far it has come.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Recovers or begins a log, and tells meanwhile how far that is: whoever connects, and the node's own log.
async fn start_engine(
    identities: Option<Arc<Identities>>,
    listener: std::net::TcpListener,
    config: Config,
    limits: ServerLimits,
) -> anyhow::Result<Engine> {
    let progress = Arc::new(RecoveryProgress::default());
    let (over, is_over) = oneshot::channel::<()>();
    let is_over = async {
        // A sender that is dropped means the same as one that sends.
        let _ = is_over.await;
    };
    let listener = TcpListener::from_std(listener)?;
    let waiting = server::serve_recovery(identities, listener, Arc::clone(&progress), limits, is_over);
    let waiting = tokio::spawn(waiting);
    let told = Arc::clone(&progress);
    let mut engine = tokio::task::spawn_blocking(move || engine::start_telling(&config, &told));
    let mut interval = tokio::time::interval(TELL_EVERY);
    interval.tick().await;
    let engine = loop {
        tokio::select! {
            engine = &mut engine => break engine,
            _ = interval.tick() => tell(&progress.view()),
        }
    };
    drop(over);
    // Whoever could not be told waits for the node itself.
    if let Err(error) = waiting.await? {
        tracing::warn!(%error, "those who waited for the start could not be told how far it was");
    }
    Ok(engine??)
}

fn tell(view: &RecoveryView) {
    tracing::info!(
        percent = view.percent(),
        seconds_left = view.left.map(|left| left.as_secs()),
        frames = view.frames,
        sequence = view.sequence.0,
        "the log is being read"
    );
}
