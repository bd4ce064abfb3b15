//! Streams: one way, the other, and both.

use exports::example::ticker::ticker::{Guest, Summary, Tick};
use wasi::clocks::{monotonic_clock::subscribe_duration, wall_clock};
use witapi_sdk::wit_bindgen::{StreamReader, StreamResult, spawn_local};

witapi_sdk::plugin!();

/// Bytes that are written at once.
const CHUNK: usize = 64 << 10;

struct Plugin;

impl Guest for Plugin {
    async fn watch(count: u32, interval_ms: u32) -> StreamReader<Tick> {
        let (mut ticks, reader) = wit_stream::new();
        // The function returns, and this goes on. Each write waits until the client has taken what was before.
        spawn_local(async move {
            for seq in 0..count {
                if seq > 0 {
                    subscribe_duration(u64::from(interval_ms) * 1_000_000).block();
                }
                let now = wall_clock::now();
                let at = now.seconds * 1000 + u64::from(now.nanoseconds / 1_000_000);
                if ticks.write_one(Tick { seq, at }).await.is_some() {
                    // Nobody reads any more.
                    return;
                }
            }
        });
        reader
    }

    async fn sum(mut numbers: StreamReader<f64>) -> Summary {
        let mut summary = Summary { count: 0, sum: 0.0, least: None, greatest: None };
        let mut buffer = Vec::with_capacity(256);
        loop {
            let (result, mut read) = numbers.read(buffer).await;
            for number in read.drain(..) {
                summary.count += 1;
                summary.sum += number;
                summary.least = Some(summary.least.map_or(number, |least| least.min(number)));
                summary.greatest = Some(summary.greatest.map_or(number, |greatest| greatest.max(number)));
            }
            if let StreamResult::Dropped = result {
                summary.sum = finite(summary.sum);
                return summary;
            }
            buffer = read;
        }
    }

    async fn running_sum(mut numbers: StreamReader<f64>) -> StreamReader<f64> {
        // As long as the function has not returned, a number that is none is a 422, and not a break in the answer.
        let mut next = numbers.next().await;
        let (mut sums, reader) = wit_stream::new();
        spawn_local(async move {
            let mut sum = 0.0;
            while let Some(number) = next {
                sum = finite(sum + number);
                if sums.write_one(sum).await.is_some() {
                    return;
                }
                next = numbers.next().await;
            }
        });
        reader
    }

    async fn download(size: u32) -> StreamReader<u8> {
        let size = size as usize;
        let (mut bytes, reader) = wit_stream::new();
        spawn_local(async move {
            let mut sent = 0;
            let mut chunk = Vec::with_capacity(CHUNK);
            while sent < size {
                chunk.extend((sent..size.min(sent + CHUNK)).map(|i| b'a' + (i % 26) as u8));
                sent += chunk.len();
                chunk = bytes.write_all(chunk).await;
                if !chunk.is_empty() {
                    return;
                }
            }
        });
        reader
    }

    async fn upload(mut data: StreamReader<u8>) -> u64 {
        let mut count = 0;
        let mut buffer = Vec::with_capacity(CHUNK);
        loop {
            let (result, mut read) = data.read(buffer).await;
            count += read.len() as u64;
            if let StreamResult::Dropped = result {
                return count;
            }
            read.clear();
            buffer = read;
        }
    }
}

/// JSON has no infinity: what is greater than any number is the greatest number.
fn finite(sum: f64) -> f64 {
    sum.clamp(f64::MIN, f64::MAX)
}

export!(Plugin);
