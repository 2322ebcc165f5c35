//! One connection to the API server: GET requests, bodies with a limit.

use super::access::{Access, Token};
use super::kubeconfig;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// An API server that takes longer to take a connection or to begin an answer is not there.
const ANSWER_SECONDS: u64 = 30;
/// One page of a list: 500 objects, of which each has at most 1.5 MiB in etcd, and most some kilobytes.
const MAX_BODY_BYTES: usize = 256 << 20;
/// What an API server says of an error, as much as is shown of it.
const MAX_MESSAGE_CHARS: usize = 300;
/// The longest error body that is looked at.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// Why a question got no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// Nobody answered, or the answer broke off.
    Lost(String),
    /// The server said no.
    Status(StatusCode, String),
}

impl Failed {
    pub fn is(&self, status: StatusCode) -> bool {
        matches!(self, Failed::Status(known, _) if *known == status)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::Lost(why) => write!(formatter, "{why}"),
            Failed::Status(status, message) if message.is_empty() => {
                write!(formatter, "the API server answers {}", status.as_u16())
            }
            Failed::Status(status, message) => {
                write!(formatter, "the API server answers {}: {message}", status.as_u16())
            }
        }
    }
}

fn lost(what: &str, error: &dyn std::error::Error) -> Failed {
    let mut text = format!("{what}: {error}");
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    Failed::Lost(text)
}

async fn within<T>(what: &str, future: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    match timeout(Duration::from_secs(ANSWER_SECONDS), future).await {
        Ok(done) => done,
        Err(_) => Err(Failed::Lost(format!("{what}: no answer within {ANSWER_SECONDS} seconds"))),
    }
}

pub(super) struct Connection {
    send: SendRequest<Empty<Bytes>>,
    authorization: Option<HeaderValue>,
    host: HeaderValue,
    prefix: String,
}

impl Connection {
    pub async fn open(access: &Access) -> Result<Connection, Failed> {
        let authorization = authorization(&access.token)?;
        let host = if access.host.contains(':') { format!("[{}]", access.host) } else { access.host.clone() };
        let place = format!("{host}:{}", access.port);
        let host = HeaderValue::try_from(place.as_str()).map_err(|error| lost("the address", &error))?;
        let send = within("the API server", async {
            let stream = TcpStream::connect((access.host.as_str(), access.port))
                .await
                .map_err(|error| lost("no connection to the API server", &error))?;
            let tls = TlsConnector::from(access.tls.clone())
                .connect(access.server_name.clone(), stream)
                .await
                .map_err(|error| lost("no TLS with the API server", &error))?;
            let (send, connection) =
                handshake(TokioIo::new(tls)).await.map_err(|error| lost("no HTTP with the API server", &error))?;
            // It ends with its sender.
            tokio::spawn(connection);
            Ok(send)
        })
        .await?;
        Ok(Connection { send, authorization, host, prefix: access.prefix.clone() })
    }

    /// Asks, and gives the answer when it is one. The body follows.
    pub async fn get(&mut self, path: &str) -> Result<Response<Incoming>, Failed> {
        let mut request = Request::get(format!("{}{path}", self.prefix))
            .header(HOST, &self.host)
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("allod/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Empty::new()).map_err(|error| lost("the request", &error))?;
        let send = &mut self.send;
        let response = within("the API server", async {
            send.ready().await.map_err(|error| lost("the connection was lost", &error))?;
            send.send_request(request).await.map_err(|error| lost("the connection was lost", &error))
        })
        .await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = body(response, MAX_ERROR_BYTES).await.unwrap_or_default();
        Err(Failed::Status(status, message(&body)))
    }

    pub async fn get_whole(&mut self, path: &str) -> Result<Vec<u8>, Failed> {
        let response = self.get(path).await?;
        body(response, MAX_BODY_BYTES).await
    }
}

/// A body up to a limit. Each part of it has to come within the time of an answer.
async fn body(response: Response<Incoming>, limit: usize) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    let mut body = response.into_body();
    loop {
        let frame = within("the answer", async { Ok(body.frame().await) }).await?;
        let Some(frame) = frame else { return Ok(bytes) };
        let frame = frame.map_err(|error| lost("the answer broke off", &error))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > limit {
                return Err(Failed::Lost(format!("the answer has more than {limit} bytes")));
            }
            bytes.extend_from_slice(&data);
        }
    }
}

/// What a Status object says; never a body of another kind, which could be anything.
fn message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Status {
        message: String,
    }
    let text = serde_json::from_slice::<Status>(body).map(|status| status.message).unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE_CHARS).collect()
}

fn authorization(token: &Token) -> Result<Option<HeaderValue>, Failed> {
    let text = match token {
        Token::None => return Ok(None),
        Token::Text(text) => text.clone(),
        Token::File(path) => {
            let bytes = kubeconfig::bytes(path).map_err(|error| lost("the token", &error))?;
            String::from_utf8(bytes).map_err(|_| Failed::Lost("the token is no text".to_owned()))?
        }
    };
    let mut value = HeaderValue::try_from(format!("Bearer {}", text.trim()))
        .map_err(|_| Failed::Lost("the token has characters that no token has".to_owned()))?;
    value.set_sensitive(true);
    Ok(Some(value))
}
