//! Clients that only want their answers, and know what these have to be.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use serde_json::{Value, json};
use witapi_tests::PATIENCE;

use super::Counts;

/// Asks until it is over. Whatever is not the right answer is wrong, an error of the connection too.
pub async fn asks(address: SocketAddr, own: u64, counts: Arc<Counts>) {
    let client = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
    let order = json!({
        "customer": {"name": "Ada Lovelace", "address": {"street": "Ring 1", "city": "Wien", "postal_code": "1010", "country": "austria"}},
        "items": [{"sku": "cup-01", "qty": 3}],
        "delivery": {"tag": "pickup"},
        "labels": {"of": format!("client {own}")},
    });
    let mut price = Value::Null;
    for i in 0u64.. {
        if !counts.goes_on() {
            return;
        }
        let request = match i % 4 {
            0 => client.get(format!("http://{address}/neighbour/name?name=n{own}-{i}")),
            1 => client.get(format!("http://{address}/hello")),
            2 => client.post(format!("http://{address}/orders")).json(&order),
            _ => client.get(format!("http://{address}/version")),
        };
        let answer = async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            answer.bytes().await.map(|body| (status, body))
        };
        let (status, body) = match answer.await {
            Ok(answer) => answer,
            Err(error) => {
                counts.wrong(format!("request {i} of {own}: {error:?}"));
                continue;
            }
        };
        counts.answers.fetch_add(1, Ordering::Relaxed);
        let json: Value = serde_json::from_slice(&body).unwrap_or_default();
        let is_right = status == 200
            && match i % 4 {
                0 => json == format!("n{own}-{i}"),
                1 => json["message"].is_string(),
                2 if price.is_null() => {
                    price = json.clone();
                    json["labels"]["of"] == format!("client {own}") && json["lines"][0]["sku"] == "cup-01"
                }
                2 => json == price,
                // Both halves of one version.
                _ => json["first"].is_string() && json["first"] == json["second"],
            };
        if !is_right {
            counts.wrong(format!("request {i} of {own}: {status} {}", String::from_utf8_lossy(&body)));
        }
    }
}
