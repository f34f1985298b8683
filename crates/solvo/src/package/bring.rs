//! A file of orders on its way to a node.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_lc_rs::digest;
use client::limits::PACKAGE_CHUNK_BYTES_MAX;
use client::{Client, ClientError, v1};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::report::progress_bar;
use crate::submit::run_id;

/// Chunks that have been read and not been sent.
const CHUNKS_WAITING_MAX: usize = 4;

/// A file, and what a node is told of it before it comes.
pub(crate) struct Brought {
    path: PathBuf,
    header: v1::PackageHeader,
}

impl Brought {
    /// Reads a file through once, for its digest and length.
    ///
    /// # Errors
    /// If it can't be read.
    pub(crate) fn new(path: &Path, bank: &str) -> anyhow::Result<Self> {
        let unreadable = || format!("{} can't be read", path.display());
        let mut file = File::open(path).with_context(unreadable)?;
        let mut context = digest::Context::new(&digest::SHA256);
        let mut buffer = vec![0; PACKAGE_CHUNK_BYTES_MAX];
        let mut length: u64 = 0;
        loop {
            let count = file.read(&mut buffer).with_context(unreadable)?;
            if count == 0 {
                break;
            }
            context.update(&buffer[..count]);
            length += u64::try_from(count)?;
        }
        let header = v1::PackageHeader {
            request_id: format!("package-{}", run_id().as_str()),
            bic: bank.to_owned(),
            sha256: context.finish().as_ref().to_vec(),
            length,
        };
        Ok(Self { path: path.to_owned(), header })
    }

    /// Brings it to a node. Nothing of it is logged twice, however often that is tried.
    ///
    /// # Errors
    /// If the node refuses it or can't be reached.
    pub(crate) async fn submit(&self, client: &Client) -> Result<v1::SubmitPackageResponse, ClientError> {
        let bar = progress_bar("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
        bar.set_length(self.header.length);
        let open = || {
            bar.set_position(0);
            chunks(self.path.clone(), bar.clone())
        };
        let submitted = client.submit_package(self.header.clone(), open).await;
        bar.finish_and_clear();
        submitted
    }
}

/// The file in chunks. It ends early if it can't be read any more: the node holds it against its digest.
fn chunks(path: PathBuf, bar: indicatif::ProgressBar) -> ReceiverStream<Vec<u8>> {
    let (sender, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
    tokio::task::spawn_blocking(move || {
        let Ok(mut file) = File::open(path) else { return };
        loop {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            let read = (&mut file).take(u64::try_from(CHUNK_BYTES).expect("64 bits")).read_to_end(&mut chunk);
            let Ok(count) = read else { return };
            // A node that refuses the file takes no more of it.
            if count == 0 || sender.blocking_send(chunk).is_err() {
                return;
            }
            bar.inc(u64::try_from(count).expect("64 bits"));
        }
    });
    ReceiverStream::new(chunks)
}

/// So much at once: a quarter of what a chunk may have.
const CHUNK_BYTES: usize = PACKAGE_CHUNK_BYTES_MAX / 4;
