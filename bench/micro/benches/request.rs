//! What the steps of a request cost without HTTP: a fresh instance, a call in it, its arguments, its answer, and the whole of it.
//!
//! On one thread, so that nothing is waited for but the step itself.

use std::{
    fs,
    hint::black_box,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request},
};
use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};
use witapi_host::{
    catalog::Host,
    config::Config,
    http::caller::RequestId,
    plugin::{
        Plugin,
        load::{self, Loader},
    },
    request::{RequestParts, bind, body::Content},
    runtime::Facts,
    server::Server,
    value::{Reply, write},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A host with `plugins/orders-rust`, and so many requests for each instance.
fn host(requests_per_instance: u32) -> Arc<Host> {
    let file = Path::new(ROOT).join("target/plugins/orders.wasm");
    let bytes = fs::read(&file).expect("make plugins makes it");
    let config = format!("[plugin.orders]\nrequests_per_instance = {requests_per_instance}");
    let config = Config::parse(&config, Path::new("witapi.toml")).expect("a configuration");
    let loader = Loader::new(config, Path::new(ROOT).join("target/bench/code")).expect("a host");
    let plugin = load::listed(&loader, &file, &bytes).expect("a plugin");
    let host = Arc::new(Host::of(loader));
    host.serve(plugin).expect("its routes");
    host
}

fn order() -> Vec<u8> {
    fs::read(Path::new(ROOT).join("bench/order.json")).expect("an order")
}

fn get() -> Request<Body> {
    Request::get("/hello").body(Body::empty()).expect("a request")
}

fn post(order: &Bytes) -> Request<Body> {
    let request = Request::post("/orders").header("content-type", "application/json");
    request.body(Body::from(order.clone())).expect("a request")
}

/// The plugin, awake, and the index of its operation that prices an order.
fn pricing(runtime: &Runtime, host: &Host) -> (Arc<Plugin>, usize) {
    let catalog = host.catalog();
    let listed = catalog.plugins().next().expect("a plugin").clone();
    let plugin = runtime.block_on(listed.plugin(&host.loader)).expect("a plugin");
    let index = plugin.contract.operations.iter().position(|it| it.label().contains("price-order")).expect("it");
    (plugin, index)
}

/// A fresh instance, made and dropped.
fn instantiate(c: &mut Criterion, runtime: &Runtime, host: &Host) {
    let (plugin, _) = pricing(runtime, host);
    c.bench_function("instantiate", |b| {
        b.iter_custom(|times| {
            let began = Instant::now();
            runtime.block_on(plugin.instantiation(times as usize)).expect("an instance");
            began.elapsed()
        });
    });
}

/// From JSON to what the guest gets, and from what a guest has to JSON: the same order both ways.
fn values(c: &mut Criterion, runtime: &Runtime, host: &Host) {
    let (plugin, index) = pricing(runtime, host);
    let operation = &plugin.contract.operations[index];
    let (headers, body) = (HeaderMap::new(), Content::Bytes(order().into()));
    let parts = RequestParts { path: &[], query: "", headers: &headers, body: &body };
    c.bench_function("bind an order", |b| {
        b.iter(|| black_box(bind(operation, black_box(&parts), plugin.limits.memory).is_ok()));
    });
    let image = bind(operation, &parts, plugin.limits.memory).expect("an order");
    let ty = &operation.params[0].ty;
    c.bench_function("lift an order", |b| {
        b.iter(|| {
            let mut text = Vec::with_capacity(256);
            let written = image.look(0, ty, |value| write(&mut text, ty, value, plugin.limits.result));
            assert!(matches!(written, Some(Ok(_))), "an order");
            black_box(text)
        });
    });
}

/// An instance, the call in it and its answer; of the host that reuses instances, without the instance.
fn call(c: &mut Criterion, runtime: &Runtime, host: &Host, name: &str) {
    let (plugin, index) = pricing(runtime, host);
    let (headers, body) = (HeaderMap::new(), Content::Bytes(order().into()));
    let parts = RequestParts { path: &[], query: "", headers: &headers, body: &body };
    let (head, ()) = Request::new(()).into_parts();
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let facts = Box::new(Facts { id: RequestId::of_host("call"), route: "".into(), head, peer });
    let one = async || {
        let image = bind(&plugin.contract.operations[index], &parts, plugin.limits.memory).expect("an order");
        let (facts, began) = (facts.clone(), Instant::now());
        let deadline = tokio::time::Instant::now() + plugin.limits.deadline;
        let permit = plugin.admit(Some(index), deadline).await.expect("an instance");
        let reply = plugin.call(index, image, facts, permit, deadline).await.expect("a reply");
        let taken = began.elapsed();
        assert!(matches!(reply, Reply::Value(Some(_))), "{reply:?}");
        taken
    };
    c.bench_function(&format!("call, {name}"), |b| {
        b.iter_custom(|times| {
            runtime.block_on(async {
                let mut taken = Duration::ZERO;
                for _ in 0..times {
                    taken += one().await;
                }
                taken
            })
        });
    });
}

fn whole(c: &mut Criterion, runtime: &Runtime, host: Arc<Host>, name: &str) {
    let server = Server::new(host);
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let order = Bytes::from(order());
    let mut measure = |what: &str, request: &dyn Fn() -> Request<Body>| {
        let answer = runtime.block_on(server.answer(peer, request()));
        assert!(answer.status().is_success(), "{what}: {}", answer.status());
        c.bench_function(&format!("whole, {name}, {what}"), |b| {
            b.iter_custom(|times| {
                let began = Instant::now();
                runtime.block_on(async {
                    for _ in 0..times {
                        black_box(server.answer(peer, request()).await);
                    }
                });
                began.elapsed()
            });
        });
    };
    measure("GET", &get);
    measure("POST", &|| post(&order));
}

fn all(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let fresh = host(1);
    let reuse = host(1_000_000);
    instantiate(c, &runtime, &fresh);
    values(c, &runtime, &fresh);
    call(c, &runtime, &fresh, "fresh");
    call(c, &runtime, &reuse, "reuse");
    whole(c, &runtime, fresh, "fresh");
    whole(c, &runtime, reuse, "reuse");
}

criterion_group!(request, all);
criterion_main!(request);
