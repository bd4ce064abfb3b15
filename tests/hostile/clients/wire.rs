//! A connection on which anything can be sent, whole or in pieces, right or wrong.

use std::net::{IpAddr, SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use witapi_tests::{Host, PATIENCE};

pub struct Wire {
    pub stream: TcpStream,
    read: Vec<u8>,
}

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub status: u16,
    /// In lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Heard {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Wire {
    pub async fn to(address: SocketAddr) -> Wire {
        Wire { stream: TcpStream::connect(address).await.expect("a connection"), read: vec![] }
    }

    /// From an address of its own on this machine, such as 127.0.0.2.
    pub async fn from(own: &str, host: &Host) -> Wire {
        let socket = TcpSocket::new_v4().expect("a socket");
        let own: IpAddr = own.parse().expect("an address");
        socket.bind(SocketAddr::from((own, 0))).expect("to bind it");
        Wire { stream: socket.connect(host.address).await.expect("a connection"), read: vec![] }
    }

    /// A connection on which this was sent.
    pub async fn with(host: &Host, bytes: impl AsRef<[u8]>) -> Wire {
        let mut wire = Wire::to(host.address).await;
        wire.send(bytes).await;
        wire
    }

    /// Says whether it was taken; the host may have closed the connection.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sent = self.stream.write_all(bytes.as_ref());
        tokio::time::timeout(PATIENCE, sent).await.expect("the host to take it, or to close").is_ok()
    }

    /// Whether anything came.
    async fn more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.read);
        let read = tokio::time::timeout(PATIENCE, read).await.expect("the host to say something, or to close");
        read.is_ok_and(|count| count > 0)
    }

    /// The next answer; none if the connection ends before.
    pub async fn answer(&mut self) -> Option<Heard> {
        let end = loop {
            match self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None if !self.more().await => return None,
                None => {}
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).expect("text").to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut heard = Heard { status: status.unwrap_or_else(|| panic!("no status in {head}")), head, body: vec![] };
        if (100..200).contains(&heard.status) {
            return Some(heard);
        }
        if heard.header("transfer-encoding") == Some("chunked") {
            loop {
                let end = loop {
                    match self.read.windows(2).position(|window| window == b"\r\n") {
                        Some(at) => break at,
                        None if !self.more().await => return None,
                        None => {}
                    }
                };
                let line: Vec<u8> = self.read.drain(..end + 2).collect();
                let size = usize::from_str_radix(std::str::from_utf8(&line[..end]).expect("text"), 16).expect("a size");
                let chunk = self.bytes(size + 2).await?;
                if size == 0 {
                    return Some(heard);
                }
                heard.body.extend_from_slice(&chunk[..size]);
            }
        }
        let length = heard.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        heard.body = self.bytes(length).await?;
        Some(heard)
    }

    async fn bytes(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            if !self.more().await {
                return None;
            }
        }
        Some(self.read.drain(..count).collect())
    }

    /// All answers until the host closes the connection.
    pub async fn answers(&mut self) -> Vec<Heard> {
        let mut answers = vec![];
        while let Some(answer) = self.answer().await {
            answers.push(answer);
        }
        assert_eq!(self.read, b"", "{answers:?}");
        answers
    }

    /// Waits for the first bytes of an answer.
    pub async fn has_begun(&mut self) {
        assert!(self.more().await, "the connection ended before an answer");
    }

    /// Waits until the host closes the connection, whatever it says before.
    pub async fn ends(&mut self) {
        while self.more().await {
            self.read.clear();
        }
    }

    /// Breaks the connection off without a good-bye.
    pub fn reset(self) {
        self.stream.set_zero_linger().expect("to set it");
    }
}
