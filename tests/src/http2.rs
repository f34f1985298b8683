//! A client of HTTP/2 that keeps to no rules: it writes frames by hand, over a plain connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What every connection begins with.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Kinds of frames (RFC 9113, section 6).
pub mod kind {
    /// Bytes of a message.
    pub const DATA: u8 = 0;
    /// The beginning of a call.
    pub const HEADERS: u8 = 1;
    /// The end of a call that nobody wants any more.
    pub const RST_STREAM: u8 = 3;
    /// Settings of a connection.
    pub const SETTINGS: u8 = 4;
    /// Are you there?
    pub const PING: u8 = 6;
    /// The end of a connection.
    pub const GOAWAY: u8 = 7;
    /// Room for more bytes.
    pub const WINDOW_UPDATE: u8 = 8;
    /// More of a call's headers.
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub mod flag {
    /// The last frame of this side of a call.
    pub const END_STREAM: u8 = 1;
    /// The answer to settings or a ping.
    pub const ACK: u8 = 1;
    /// The last of a call's headers.
    pub const END_HEADERS: u8 = 4;
}

/// A frame of any contents.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a frame is short").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// One setting.
pub fn setting(identifier: u16, value: u32) -> Vec<u8> {
    [&identifier.to_be_bytes()[..], &value.to_be_bytes()[..]].concat()
}

/// The headers of a gRPC call, without compression (RFC 7541, section 6.2.2).
pub fn call(path: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        block.extend(header(name, value));
    }
    block
}

/// One header without compression.
pub fn header(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        length(text.len(), &mut field);
        field.extend(text.as_bytes());
    }
    field
}

/// A length with a prefix of seven bits (RFC 7541, section 5.1).
fn length(length: usize, field: &mut Vec<u8>) {
    let byte = |value: usize| u8::try_from(value).expect("seven bits");
    if length < 127 {
        return field.push(byte(length));
    }
    field.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        field.push(byte(rest % 128) | 128);
        rest /= 128;
    }
    field.push(byte(rest));
}

/// A gRPC message within a frame: not compressed, so long.
pub fn message(length: u32, bytes: &[u8]) -> Vec<u8> {
    [&[0][..], &length.to_be_bytes()[..], bytes].concat()
}

/// A connection that says what it likes.
#[derive(Debug)]
pub struct Rude(TcpStream);

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The node closed it.
    Closed,
    /// It is still open after this long.
    Open,
}

impl Rude {
    /// Connects and sends the preface with these settings.
    pub async fn connect(address: SocketAddr, settings: &[u8]) -> Self {
        let stream = TcpStream::connect(address).await.expect("the node listens there");
        let mut connection = Self(stream);
        let begin = [PREFACE, &frame(kind::SETTINGS, 0, 0, settings)].concat();
        connection.send(&begin).await.expect("the node reads the beginning");
        connection
    }

    /// Writes bytes. Fails once the node has closed the connection.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// Writes bytes and throws away what comes meanwhile, until all are written or the node has closed.
    pub async fn send_reading(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut reader, mut writer) = self.0.split();
        let mut read = vec![0; 64 * 1024];
        let written = writer.write_all(bytes);
        tokio::pin!(written);
        loop {
            tokio::select! {
                written = &mut written => return written,
                read = reader.read(&mut read) => if read? == 0 {
                    return Err(io::ErrorKind::ConnectionReset.into());
                },
            }
        }
    }

    /// Reads until the node has closed the connection, or for at most so long.
    pub async fn ended(&mut self, patience: Duration) -> Ended {
        let mut read = vec![0; 64 * 1024];
        let closed = async {
            loop {
                if matches!(self.0.read(&mut read).await, Ok(0) | Err(_)) {
                    return;
                }
            }
        };
        match tokio::time::timeout(patience, closed).await {
            Ok(()) => Ended::Closed,
            Err(_) => Ended::Open,
        }
    }

    /// Reads until the node has ended the call with this number, or for at most so long. Says whether it has.
    pub async fn call_ended(&mut self, stream: u32, patience: Duration) -> bool {
        let ended = async {
            loop {
                let mut head = [0; 9];
                self.0.read_exact(&mut head).await?;
                let [a, b, c, kind, flags, d, e, f, g] = head;
                let length = u32::from_be_bytes([0, a, b, c]);
                let mut payload = vec![0; usize::try_from(length).expect("32 bits")];
                self.0.read_exact(&mut payload).await?;
                let is_end =
                    kind == kind::RST_STREAM || flags & flag::END_STREAM != 0 && kind <= kind::HEADERS;
                if is_end && u32::from_be_bytes([d, e, f, g]) == stream {
                    return io::Result::Ok(());
                }
            }
        };
        tokio::time::timeout(patience, ended).await.is_ok_and(|ended| ended.is_ok())
    }
}
