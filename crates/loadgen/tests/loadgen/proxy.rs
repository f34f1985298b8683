//! A way to a node that breaks once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Cuts every connection once, when so many bytes have come from the clients; those that come after are spared.
pub(crate) struct Proxy {
    pub(crate) address: String,
}

struct Cut {
    bytes_left: AtomicUsize,
    done: watch::Sender<bool>,
}

impl Proxy {
    pub(crate) async fn start(node: &str, cut_after_bytes: usize) -> Self {
        let node: SocketAddr = node.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let cut =
            Arc::new(Cut { bytes_left: AtomicUsize::new(cut_after_bytes), done: watch::Sender::new(false) });
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(node).await.unwrap();
                tokio::spawn(pass(client, server, cut.clone()));
            }
        });
        Self { address }
    }
}

/// Passes bytes both ways until one side ends, or the cut.
async fn pass(mut client: TcpStream, mut server: TcpStream, cut: Arc<Cut>) {
    let mut done = cut.done.subscribe();
    let (client_out, client_in) = client.split();
    let (server_out, server_in) = server.split();
    tokio::select! {
        () = pump(client_out, server_in, |count| cut.allows(count)) => {}
        () = pump(server_out, client_in, |_| true) => {}
        _ = done.changed() => {}
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut into: impl AsyncWrite + Unpin,
    allows: impl Fn(usize) -> bool,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if !allows(count) || into.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

impl Cut {
    /// Whether bytes may pass. The first that may not are the cut.
    fn allows(&self, count: usize) -> bool {
        if *self.done.borrow() {
            return true;
        }
        let subtract = |left: usize| left.checked_sub(count);
        if self.bytes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, subtract).is_ok() {
            return true;
        }
        self.done.send_replace(true)
    }
}
