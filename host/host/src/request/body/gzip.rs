//! gzip, of which a body may be several files one after the other (RFC 1952, section 2.2).

use std::{future::poll_fn, io, pin::Pin};

use async_compression::tokio::bufread::GzipDecoder;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream::try_unfold};
use tokio::io::AsyncBufRead;
use tokio_util::io::poll_read_buf;

/// More files in one body are refused. An empty one is 20 bytes and costs as much as one of KiB to begin with, so that
/// a body of nothing else would keep a core for half a second and come to nothing.
const MAX_FILES: usize = 64;

/// How much is decoded at one time, in bytes.
const PIECE: usize = 8 << 10;

/// The contents of all files. What else follows the last one is an error.
pub(super) fn decoded<R: AsyncBufRead + Unpin>(source: R) -> impl Stream<Item = io::Result<Bytes>> {
    try_unfold((GzipDecoder::new(source), 1), async |(mut decoder, mut files)| {
        loop {
            let mut piece = BytesMut::with_capacity(PIECE);
            if poll_fn(|cx| poll_read_buf(Pin::new(&mut decoder), cx, &mut piece)).await? > 0 {
                return Ok(Some((piece.freeze(), (decoder, files))));
            }
            let mut source = decoder.into_inner();
            if poll_fn(|cx| Pin::new(&mut source).poll_fill_buf(cx).map_ok(<[u8]>::is_empty)).await? {
                return Ok(None);
            }
            if files == MAX_FILES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "too many gzip files in one body"));
            }
            files += 1;
            decoder = GzipDecoder::new(source);
        }
    })
}
