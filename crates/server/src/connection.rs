//! One connection: its handshake, its requests, its end.

use crate::http::{State, admit, probe};
use crate::record::chain;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use serde_json::json;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Headers of a request together; the API server sends some hundred bytes.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// Requests at once on one connection of HTTP/2: what Go's server allows, which API servers are used to.
const MAX_STREAMS: u32 = 250;
/// A connection of HTTP/2 whose other end is gone is found out within these.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(15);

/// Which of the two ports a connection came in on.
#[derive(Clone, Copy)]
pub enum Port {
    Admit,
    Probes,
}

/// Serves a connection of the API server.
pub async fn secure(state: Arc<State>, stream: TcpStream, acceptor: TlsAcceptor, end: watch::Receiver<bool>) {
    // Small answers must not wait for the next packet.
    let _ = stream.set_nodelay(true);
    match timeout(state.settings.limits.handshake, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve(state, stream, Port::Admit, end).await,
        Ok(Err(error)) => {
            state.metrics.handshake_failed();
            state.record.noise("handshake-failed", json!({"why": chain(&error)}));
        }
        Err(_) => {
            state.metrics.handshake_failed();
            state.record.noise("handshake-failed", json!({"why": "it took too long"}));
        }
    }
}

/// Serves the requests of a connection, until the client is done or `end` comes.
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    state: Arc<State>,
    stream: S,
    port: Port,
    mut end: watch::Receiver<bool>,
) {
    let limits = state.settings.limits;
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let (state, asked) = (state.clone(), asked.clone());
        service_fn(move |request: hyper::Request<Incoming>| {
            asked.store(true, Ordering::Relaxed);
            let state = state.clone();
            async move {
                Ok::<_, Infallible>(match port {
                    Port::Admit => admit(state, request).await,
                    Port::Probes => probe(state, request).await,
                })
            }
        })
    };
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_buf_size(MAX_HEADER_BYTES)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES as u32)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut first = pin!(sleep(limits.first_request));
    let (mut waiting, mut ending) = (true, false);
    loop {
        tokio::select! {
            // What a client does wrong is its affair: it gets what HTTP has for it, and the connection ends.
            _ = connection.as_mut() => return,
            () = first.as_mut(), if waiting => {
                waiting = false;
                if !asked.load(Ordering::Relaxed) {
                    return;
                }
            }
            _ = end.wait_for(|end| *end), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
