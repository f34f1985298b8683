//! Asking other banks over HTTP, each at its own URL, with mutual TLS.
//!
//! Invariants:
//! - A question is over after five seconds, whatever it waits for. It is asked once: a second try would double the load on a bank
//!   that is slow already, and the payer waits.
//! - There is a limit on questions under way, for one bank and for all, and on the length of an answer.
//! - No body is kept or logged.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use types::Bic;

use super::other_banks::{Asked, Awaited, NoAnswer, OtherBanks, Told};
use super::other_banks_file::{OtherBanksError, OtherBanksFiles, Place, Places};
use super::other_banks_message::{answer, question};

/// What the scheme gives from the payer's request to the answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Questions to one bank that are under way: one that does not answer holds up no more than these.
const UNDER_WAY_PER_BANK: usize = 64;

/// Questions to all banks that are under way.
const UNDER_WAY: usize = 2048;

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

const _: () = assert!(UNDER_WAY_PER_BANK < UNDER_WAY);

/// Banks that are asked over HTTP.
pub struct HttpBanks {
    places: Places,
    under_way: Semaphore,
    of_bank: HashMap<Bic, Semaphore>,
    answer_max: Duration,
}

impl HttpBanks {
    /// Reads the files. They are read once: a change counts from the next start on.
    ///
    /// # Errors
    /// If they are not in order.
    pub fn load(files: &OtherBanksFiles) -> Result<Arc<Self>, OtherBanksError> {
        Ok(Arc::new(Self::new(Places::load(files)?, ANSWER_MAX)))
    }

    fn new(places: Places, answer_max: Duration) -> Self {
        let of_bank = places.by_bic.keys().map(|bic| (*bic, Semaphore::new(UNDER_WAY_PER_BANK))).collect();
        Self { places, under_way: Semaphore::new(UNDER_WAY), of_bank, answer_max }
    }

    /// How many banks can be asked.
    pub fn count(&self) -> usize {
        self.places.by_bic.len()
    }

    async fn exchange(&self, place: &Place, asked: &Asked) -> Result<Told, NoAnswer> {
        let stream = TcpStream::connect(&place.address).await.map_err(|_| NoAnswer::Failed)?;
        let Some(name) = place.server_name.clone() else { return send(stream, place, asked).await };
        let tls = self.places.tls.clone().expect("a secured place is read with an identity");
        let stream = TlsConnector::from(tls).connect(name, stream).await.map_err(|_| NoAnswer::Failed)?;
        send(stream, place, asked).await
    }
}

impl OtherBanks for HttpBanks {
    fn ask(&self, asked: Asked) -> Awaited<'_> {
        Box::pin(async move {
            let bank = asked.payee_agent;
            let (Some(place), Some(of_bank)) = (self.places.by_bic.get(&bank), self.of_bank.get(&bank))
            else {
                return Err(NoAnswer::NotConfigured);
            };
            // Nobody waits for a place: the payer's time runs.
            let _of_bank = of_bank.try_acquire().map_err(|_| NoAnswer::Busy)?;
            let _under_way = self.under_way.try_acquire().map_err(|_| NoAnswer::Busy)?;
            timeout(self.answer_max, self.exchange(place, &asked)).await.unwrap_or(Err(NoAnswer::Late))
        })
    }
}

impl fmt::Debug for HttpBanks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpBanks").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// Sends a question over a fresh connection and reads the answer. The connection ends with this future.
async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    place: &Place,
    asked: &Asked,
) -> Result<Told, NoAnswer> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| NoAnswer::Failed)?;
    let request = Request::post(&place.path)
        .header(header::HOST, &place.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .header(header::CONNECTION, "close")
        .header("x-request-id", &asked.request_id)
        .header("x-request-timestamp", asked.requested_time.to_string())
        .body(Full::new(Bytes::from(question(asked))))
        .map_err(|_| NoAnswer::Failed)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|_| NoAnswer::Failed)?;
        if response.status() != StatusCode::OK {
            return Err(NoAnswer::Failed);
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        answer(&asked.given, &body.map_err(|_| NoAnswer::Failed)?.to_bytes())
    };
    let mut exchange = std::pin::pin!(exchange);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        told = &mut exchange => told,
        // The connection has ended; what came before that can still be read.
        _ = &mut connection => exchange.as_mut().await,
    }
}

#[cfg(test)]
#[path = "other_banks_http_tests.rs"]
mod tests;
