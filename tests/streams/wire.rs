//! A connection that sends a request and reads its answer bit by bit.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use witapi_tests::Host;

pub struct Wire {
    connection: TcpStream,
    read: Vec<u8>,
}

/// The connection ended before the body did.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken;

impl Wire {
    /// Sends the head of a request; `headers` each end with a line's end.
    pub async fn begin(host: &Host, method: &str, path: &str, headers: &str) -> Wire {
        let mut connection = TcpStream::connect(host.address).await.expect("a connection");
        let head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\n{headers}\r\n");
        connection.write_all(head.as_bytes()).await.expect("to send");
        Wire { connection, read: vec![] }
    }

    /// The same with a body of that type, which is sent in chunks.
    pub async fn begin_body(host: &Host, path: &str, content_type: &str, headers: &str) -> Wire {
        let headers = format!("content-type: {content_type}\r\ntransfer-encoding: chunked\r\n{headers}");
        Wire::begin(host, "POST", path, &headers).await
    }

    pub async fn send(&mut self, chunk: &[u8]) {
        let framed = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
        self.connection.write_all(&framed).await.expect("to send");
    }

    /// Ends the body.
    pub async fn end(&mut self) {
        self.connection.write_all(b"0\r\n\r\n").await.expect("to send");
    }

    /// Up to and with `end`.
    async fn until(&mut self, end: &[u8]) -> Result<Vec<u8>, Broken> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end) {
                return Ok(self.read.drain(..at + end.len()).collect());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), Broken> {
        match self.connection.read_buf(&mut self.read).await {
            Ok(0) | Err(_) => Err(Broken),
            Ok(_) => Ok(()),
        }
    }

    /// The answer's head.
    pub async fn head(&mut self) -> String {
        String::from_utf8(self.until(b"\r\n\r\n").await.expect("a head")).expect("text")
    }

    /// The next chunk of the answer; `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        let line = self.until(b"\r\n").await?;
        let size = usize::from_str_radix(std::str::from_utf8(&line).expect("text").trim(), 16).expect("a size");
        while self.read.len() < size + 2 {
            self.more().await?;
        }
        let chunk = self.read.drain(..size + 2).take(size).collect();
        Ok((size > 0).then_some(chunk))
    }

    /// All that comes until the connection ends, of an answer that is not in chunks, and whether anything did.
    pub async fn rest_of_length(&mut self) -> (String, bool) {
        while self.more().await.is_ok() {}
        (String::from_utf8_lossy(&self.read).into_owned(), !self.read.is_empty())
    }

    /// The next chunk, as text.
    pub async fn text(&mut self) -> String {
        String::from_utf8(self.chunk().await.expect("a chunk").expect("no end")).expect("text")
    }

    /// The rest of the answer, and whether it came to its end.
    pub async fn rest(&mut self) -> (String, bool) {
        let mut text = String::new();
        loop {
            match self.chunk().await {
                Ok(Some(chunk)) => text.push_str(std::str::from_utf8(&chunk).expect("text")),
                Ok(None) => return (text, true),
                Err(Broken) => return (text, false),
            }
        }
    }
}
