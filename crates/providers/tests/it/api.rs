//! An API server as far as lists and watches go: pages, versions that are forgotten, bookmarks, refusals.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The longest that a watch of the fixture stays without looking whether it should end.
const LOOK_MS: u64 = 20;
pub const TOKEN: &str = "token-of-this-test";

#[derive(Default)]
pub struct State {
    objects: BTreeMap<(String, String), Value>,
    /// Resource, version, type and object.
    events: Vec<(String, u64, &'static str, Value)>,
    pub version: u64,
    /// Versions up to this one are forgotten.
    pub forgotten: u64,
    /// Objects of a page; 0: as many as are asked for.
    pub page: usize,
    /// Page tokens are refused this often (410).
    pub expire: usize,
    /// Resources that may not be listed.
    pub forbidden: Vec<&'static str>,
    /// New connections are closed at once.
    pub down: bool,
    /// Watches say nothing any more, and do not end.
    pub silent: bool,
    /// Connections of an older age end.
    age: u64,
    pub requests: Vec<String>,
    pub tokens: Vec<String>,
}

pub struct Api {
    pub port: u16,
    pub authority: String,
    pub client: (String, String),
    pub state: Arc<(Mutex<State>, Condvar)>,
}

impl Api {
    pub fn start() -> Api {
        let authority_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = Issuer::from_params(&params, &authority_key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let (config, of) = (Arc::new(config), state.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (config, of) = (config.clone(), of.clone());
                std::thread::spawn(move || serve(stream, config, &of));
            }
        });
        let client = (leaf.pem(), key.serialize_pem());
        Api { port, authority: authority.pem(), client, state }
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let done = change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
        done
    }

    /// Closes every connection.
    pub fn cut(&self) {
        self.change(|state| state.age += 1);
    }

    pub fn count(&self, what: &str) -> usize {
        self.change(|state| state.requests.iter().filter(|path| path.contains(what)).count())
    }
}

impl State {
    pub fn put(&mut self, resource: &str, name: &str, mut object: Value) {
        self.version += 1;
        object["metadata"]["name"] = name.into();
        object["metadata"]["namespace"] = object["metadata"]["namespace"].as_str().unwrap_or("prod").into();
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let key = (resource.to_owned(), name.to_owned());
        let what = if self.objects.contains_key(&key) { "MODIFIED" } else { "ADDED" };
        self.objects.insert(key, object.clone());
        self.events.push((resource.to_owned(), self.version, what, object));
    }

    pub fn remove(&mut self, resource: &str, name: &str) {
        self.version += 1;
        let mut object = self.objects.remove(&(resource.to_owned(), name.to_owned())).unwrap();
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.events.push((resource.to_owned(), self.version, "DELETED", object));
    }

    pub fn event(&mut self, resource: &str, what: &'static str, object: Value) {
        self.version += 1;
        self.events.push((resource.to_owned(), self.version, what, object));
    }

    /// Tells every watch the version, and nothing else.
    pub fn bookmark(&mut self, resource: &str) {
        self.version += 1;
        let object = json!({ "metadata": { "resourceVersion": self.version.to_string() } });
        self.events.push((resource.to_owned(), self.version, "BOOKMARK", object));
    }
}

type Tls = StreamOwned<ServerConnection, TcpStream>;

fn serve(stream: TcpStream, config: Arc<ServerConfig>, of: &(Mutex<State>, Condvar)) {
    let age = {
        let state = of.0.lock().unwrap();
        if state.down {
            return;
        }
        state.age
    };
    let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    while let Some(head) = head(&mut tls) {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let token = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("").to_owned();
        let answered = {
            let mut state = of.0.lock().unwrap();
            state.requests.push(path.clone());
            state.tokens.push(token);
            answer(&mut state, &path)
        };
        let goes_on = match answered {
            Some((status, body)) => {
                let text = body.to_string();
                write!(
                    tls,
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
                    text.len()
                )
                .and_then(|()| tls.flush())
            }
            None => watch(&mut tls, &path, age, of),
        };
        if goes_on.is_err() {
            return;
        }
    }
}

fn head(tls: &mut Tls) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0_u8; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        if tls.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).ok()
}

fn query<'a>(path: &'a str, key: &str) -> Option<&'a str> {
    path.split(['?', '&']).find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
}

fn resource(path: &str) -> &str {
    path.split('?').next().unwrap().rsplit('/').next().unwrap()
}

fn status(code: u16, message: &str) -> (u16, Value) {
    (code, json!({ "kind": "Status", "code": code, "message": message }))
}

/// The whole answer, or none for a watch.
fn answer(state: &mut State, path: &str) -> Option<(u16, Value)> {
    if path == "/apis" {
        let group = |name: &str| json!({ "name": name, "preferredVersion": { "version": "v1" } });
        return Some((200, json!({ "kind": "APIGroupList", "groups": [group("apps")] })));
    }
    let resource = resource(path);
    if state.forbidden.contains(&resource) {
        return Some(status(403, &format!("{resource} is forbidden: User \"x\" cannot list resource")));
    }
    if query(path, "watch").is_some() {
        let from: u64 = query(path, "resourceVersion").unwrap().parse().unwrap();
        return (from < state.forgotten).then(|| status(410, "too old resource version"));
    }
    let from: usize = query(path, "continue").map_or(0, |token| token.parse().unwrap());
    if from > 0 && state.expire > 0 {
        state.expire -= 1;
        return Some(status(410, "The provided continue parameter is too old"));
    }
    let all: Vec<&Value> = state.objects.iter().filter(|((of, _), _)| of == resource).map(|(_, one)| one).collect();
    let page = if state.page == 0 { all.len().max(1) } else { state.page };
    let items: Vec<&&Value> = all.iter().skip(from).take(page).collect();
    let next = if from + items.len() < all.len() { (from + items.len()).to_string() } else { String::new() };
    Some((
        200,
        json!({ "items": items, "metadata": { "resourceVersion": state.version.to_string(), "continue": next } }),
    ))
}

/// Events from a version on, until the age of the connection is over.
fn watch(tls: &mut Tls, path: &str, age: u64, of: &(Mutex<State>, Condvar)) -> std::io::Result<()> {
    let ended = || std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
    let mut from: u64 = query(path, "resourceVersion").unwrap().parse().unwrap();
    tls.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
    tls.flush()?;
    loop {
        let mut state = of.0.lock().unwrap();
        let new = loop {
            if state.age != age {
                return Err(ended());
            }
            let new: Vec<(u64, String)> = state
                .events
                .iter()
                .filter(|(one, version, ..)| one == resource(path) && *version > from)
                .map(|(_, version, what, object)| {
                    (*version, format!("{}\n", json!({ "type": what, "object": object })))
                })
                .collect();
            if !new.is_empty() && !state.silent {
                break new;
            }
            state = of.1.wait_timeout(state, Duration::from_millis(LOOK_MS)).unwrap().0;
        };
        drop(state);
        for (version, line) in new {
            // In two pieces, as a network cuts it.
            let (first, second) = line.split_at(line.len() / 2);
            for piece in [first, second] {
                write!(tls, "{:x}\r\n{piece}\r\n", piece.len())?;
                tls.flush()?;
            }
            from = version;
        }
    }
}
