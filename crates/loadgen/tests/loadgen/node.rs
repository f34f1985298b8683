//! A real node in a fresh folder.

use std::net::SocketAddr;

use client::{Client, ConnectOptions};
use engine::{Config, Engine};
use journal::SegmentSize;
use ledger::Limits;
use server::ServerLimits;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct Node {
    pub(crate) address: String,
    // In the order in which they end.
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    engine: Engine,
    folder: TempDir,
}

impl Node {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            folder: folder.path().join("data"),
            segment_size: SegmentSize::new(8 << 20).unwrap(),
            limits: Limits { accounts_max: 1 << 14, payments_max: 1 << 16, requests_max: 1 << 16 },
            payments_ready: 0,
            commands_per_second_max: None,
            master_key: None,
            follower: engine::FollowerSettings::default(),
            is_parallel: false,
        };
        let engine = engine::start(&config).unwrap();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let serving = server::serve(listener, engine.handle(), ServerLimits::default(), shutdown);
        let serving = tokio::spawn(async { serving.await.unwrap() });
        Self { address, stop, serving, engine, folder }
    }

    pub(crate) async fn client(&self) -> Client {
        let options = ConnectOptions { connections: 2, ..ConnectOptions::default() };
        Client::connect(&self.address, options).await.unwrap()
    }

    /// All clients must be gone, or the node waits for them.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
        tokio::task::spawn_blocking(|| self.engine.stop()).await.unwrap();
        self.folder.close().unwrap();
    }
}
