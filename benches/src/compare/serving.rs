//! How both servers live: from a free port to an orderly end.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::process::{tell_address, wait_for_end};

/// Serves on a free port of the loopback interface until whoever started this process lets it end.
pub(crate) fn serve<Serving>(
    serve_on: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> Serving,
) -> anyhow::Result<()>
where
    Serving: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    // The same runtime as `solvo serve` has.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve_on(listener, stopped));
        tell_address(address)?;
        tokio::task::spawn_blocking(wait_for_end).await?;
        // A sender that is dropped means the same as one that sends.
        drop(stop);
        serving.await?.context("the server failed")
    })
}
