use crate::certificate::{Certificate, CertificateError};
use crate::connection::{Port, secure, serve};
use crate::http::State;
use crate::judge::Judge;
use crate::metrics::Metrics;
use crate::record::{Log, Record, chain};
use crate::settings::Settings;
use serde_json::json;
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;

/// The webhook could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not listen on `{address}`")]
    Listen {
        address: SocketAddr,
        #[source]
        cause: std::io::Error,
    },
    #[error("the certificate cannot be used")]
    Certificate(#[source] CertificateError),
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    #[error("the runtime could not be started")]
    Runtime(#[source] std::io::Error),
}

/// Readers recurse over nested objects; the stack of a thread is only taken as far as it is used.
const STACK_BYTES: usize = 16 << 20;
/// Probes and scrapes at the same time: kubelet and some Prometheus servers, and room for whoever else can connect, so
/// that it takes more than a few open connections to have a healthy webhook killed.
const PROBE_CONNECTIONS: usize = 256;
/// No more connections can be accepted (the process has no more files): what is open must end first.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A webhook that listens and does not answer yet.
pub struct Admission {
    state: Arc<State>,
    config: Arc<rustls::ServerConfig>,
    listener: TcpListener,
    probes: TcpListener,
}

impl Admission {
    /// Loads the certificate and takes the ports.
    ///
    /// # Errors
    /// [`Error::Certificate`], [`Error::Listen`].
    pub fn bind(settings: Settings, judge: Arc<dyn Judge>, log: Log) -> Result<Admission, Error> {
        let certificate = Certificate::load(&settings.certificate, &settings.key).map_err(Error::Certificate)?;
        let certificate = Arc::new(certificate);
        let config = Arc::new(certificate.server_config().map_err(Error::Tls)?);
        let (listener, probes) = (listen(settings.listen)?, listen(settings.probes)?);
        let limits = settings.limits;
        let state = State {
            record: Record::new(log, settings.now.clone()),
            judge,
            metrics: Metrics::default(),
            certificate,
            buffer: Arc::new(Semaphore::new(limits.buffered_bytes)),
            judgements: Arc::new(Semaphore::new(limits.judgements)),
            preparations: Arc::new(Semaphore::new(limits.judgements)),
            ending: AtomicBool::new(false),
            settings,
        };
        Ok(Admission { state: Arc::new(state), config, listener, probes })
    }

    /// Where it listens: the port of the API server, and the port of probes.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn addresses(&self) -> std::io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.listener.local_addr()?, self.probes.local_addr()?))
    }

    /// Answers until SIGTERM or SIGINT, then ends in good order.
    ///
    /// # Errors
    /// [`Error::Runtime`].
    pub fn run(self) -> Result<(), Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_io()
            .enable_time()
            .thread_stack_size(STACK_BYTES)
            .build()
            .map_err(Error::Runtime)?;
        let done = runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let mut terminate = signal(SignalKind::terminate()).map_err(Error::Runtime)?;
            let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Runtime)?;
            self.run_until(async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            })
            .await
        });
        // A judgement that hangs must not keep the process.
        runtime.shutdown_background();
        done
    }

    /// Answers until `stop` comes; then connections are still accepted for a moment (`Limits::lame_duck`), and requests
    /// under way are answered (`Limits::drain`).
    ///
    /// # Errors
    /// [`Error::Runtime`].
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let (at, probes_at) = self.addresses().map_err(Error::Runtime)?;
        let Admission { state, config, listener, probes } = self;
        let limits = state.settings.limits;
        let (end, ended) = watch::channel(false);
        let (close, closed) = watch::channel(false);
        let admit =
            accept(state.clone(), listener, limits.connections, Some(TlsAcceptor::from(config)), ended.clone())?;
        let probe = accept(state.clone(), probes, PROBE_CONNECTIONS, None, closed)?;
        let (admit, probe) = (tokio::spawn(admit), tokio::spawn(probe));
        let reloading = tokio::spawn(reload(state.clone()));
        let mode = state.settings.mode.name();
        state.record.event("started", json!({"mode": mode, "admit": at.to_string(), "probes": probes_at.to_string()}));
        stop.await;
        state.ending.store(true, Ordering::Relaxed);
        state.record.event("ending", json!({}));
        sleep(limits.lame_duck).await;
        let _ = end.send(true);
        if timeout(limits.drain, admit).await.is_err() {
            state.record.event("cut-off", json!({"why": "requests were still under way"}));
        }
        reloading.abort();
        let _ = close.send(true);
        probe.abort();
        state.record.event("ended", json!({}));
        Ok(())
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let bound = TcpListener::bind(address).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    bound.map_err(|cause| Error::Listen { address, cause })
}

/// Accepts connections until `end`, and is done when the last of them is.
fn accept(
    state: Arc<State>,
    listener: TcpListener,
    most: usize,
    acceptor: Option<TlsAcceptor>,
    mut end: watch::Receiver<bool>,
) -> Result<impl Future<Output = ()> + Send, Error> {
    let listener = tokio::net::TcpListener::from_std(listener).map_err(Error::Runtime)?;
    Ok(async move {
        let places = Arc::new(Semaphore::new(most));
        let mut open = JoinSet::new();
        loop {
            while open.try_join_next().is_some() {}
            // When all places are taken, further connections wait in the queue of the system.
            let next = async {
                let place: OwnedSemaphorePermit = places.clone().acquire_owned().await.ok()?;
                Some((place, listener.accept().await))
            };
            let (place, accepted) = tokio::select! {
                next = next => match next {
                    Some(next) => next,
                    None => break,
                },
                _ = end.wait_for(|end| *end) => break,
            };
            let Ok((stream, _)) = accepted else {
                sleep(ACCEPT_AGAIN).await;
                continue;
            };
            let (state, end, acceptor) = (state.clone(), end.clone(), acceptor.clone());
            open.spawn(async move {
                match acceptor {
                    Some(acceptor) => secure(state, stream, acceptor, end).await,
                    None => serve(state, stream, Port::Probes, end).await,
                }
                drop(place);
            });
        }
        drop(listener);
        while open.join_next().await.is_some() {}
    })
}

/// Looks at the certificate files again and again.
async fn reload(state: Arc<State>) {
    let mut ticks = interval(state.settings.limits.reload);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // A failure is told once, not at every look.
    let mut told = String::new();
    loop {
        ticks.tick().await;
        let looking = state.certificate.clone();
        let Ok(looked) = tokio::task::spawn_blocking(move || looking.reload()).await else { continue };
        match looked {
            Ok(false) => told.clear(),
            Ok(true) => {
                told.clear();
                state.metrics.reloaded("taken");
                state.record.event("certificate-reloaded", json!({}));
            }
            Err(error) => {
                let why = chain(&error);
                if why != told {
                    state.metrics.reloaded("failed");
                    state.record.event("certificate-not-reloaded", json!({"why": why}));
                    told = why;
                }
            }
        }
    }
}
