use super::Error;
use super::access::Access;
use super::client::{Connection, Failed};
use super::kinds::{KINDS, Kind};
use super::list::{encoded, groups, list};
use super::store::{Gap, Object, Seen, Store, namespace_of};
use http_body_util::BodyExt;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How fast things are tried again.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first wait after a failure; each one after it is twice as long, give or take a half.
    pub first_ms: u64,
    pub longest_ms: u64,
    /// How long one watch is asked for. A connection of which nothing is heard for as much longer is dead.
    pub watch_seconds: u64,
    pub grace_seconds: u64,
    /// How often it is asked which kinds the cluster has.
    pub discover_ms: u64,
}

impl Default for Pace {
    /// A dead connection is noticed within 75 seconds, a new kind within five minutes.
    fn default() -> Pace {
        Pace { first_ms: 500, longest_ms: 30_000, watch_seconds: 60, grace_seconds: 15, discover_ms: 300_000 }
    }
}

/// Lists that are open at once: each holds a page in memory.
const MAX_LISTS: usize = 4;
/// One event of a watch is one object and some words: an object has at most 1.5 MiB in etcd, and 3 MiB in a request.
const MAX_EVENT_BYTES: usize = 8 << 20;

/// A cluster that is watched. It ends with this value.
pub struct Watching {
    shared: Arc<Shared>,
    _end: oneshot::Sender<()>,
}

struct Shared {
    access: Access,
    pace: Pace,
    exclude: BTreeSet<String>,
    store: Mutex<Store>,
    news: Condvar,
    lists: Semaphore,
    changed: Box<dyn Fn() + Send + Sync>,
}

/// Begins to watch. `changed` is called when something is seen otherwise than before.
///
/// # Errors
/// [`Error::Start`]. That the API server does not answer is no error but a gap.
pub fn watch(
    access: Access,
    exclude: BTreeSet<String>,
    pace: Pace,
    changed: Box<dyn Fn() + Send + Sync>,
) -> Result<Watching, Error> {
    let shared = Arc::new(Shared {
        access,
        pace,
        exclude,
        store: Mutex::default(),
        news: Condvar::new(),
        lists: Semaphore::new(MAX_LISTS),
        changed,
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Start)?;
    let (end, ended) = oneshot::channel::<()>();
    let of = shared.clone();
    let work = move || {
        runtime.block_on(async {
            tokio::select! {
                () = discover(of) => {}
                _ = ended => {}
            }
        });
    };
    std::thread::Builder::new().name("kubernetes".to_owned()).spawn(work).map_err(Error::Start)?;
    Ok(Watching { shared, _end: end })
}

impl Watching {
    /// Waits until each kind was listed or has failed, no longer than a time.
    pub fn settle(&self, longest: Duration) {
        let end = Instant::now() + longest;
        let mut store = self.shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        while !store.is_settled() {
            let Some(left) = end.checked_duration_since(Instant::now()) else { return };
            store = self.shared.news.wait_timeout(store, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Grows when something is seen otherwise than before.
    pub fn revision(&self) -> u64 {
        self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).revision
    }

    pub fn seen(&self) -> Seen {
        self.shared.store.lock().unwrap_or_else(PoisonError::into_inner).seen()
    }
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, was_settled) = (store.revision, store.is_settled());
        let done = change(&mut store);
        let (news, settled) = (store.revision != before, store.is_settled());
        drop(store);
        self.news.notify_all();
        if news && settled || settled != was_settled {
            (self.changed)();
        }
        done
    }
}

/// Asks which kinds there are, again and again, and watches each of them.
async fn discover(shared: Arc<Shared>) {
    let mut tasks: BTreeMap<Kind, (String, JoinHandle<()>)> = BTreeMap::new();
    let mut tries = 0_u32;
    loop {
        let found = async { groups(&mut Connection::open(&shared.access).await?).await };
        match found.await {
            Ok(versions) => {
                tries = 0;
                for kind in KINDS {
                    let version = versions.get(kind.group);
                    let known = tasks.get(kind).map(|(version, _)| version);
                    if version == known {
                        continue;
                    }
                    if let Some((_, task)) = tasks.remove(kind) {
                        task.abort();
                        shared.change(|store| store.drop_kind(*kind));
                    }
                    if let Some(version) = version {
                        shared.change(|store| store.expect(*kind));
                        let task = tokio::spawn(follow(shared.clone(), *kind, version.clone()));
                        tasks.insert(*kind, (version.clone(), task));
                    }
                }
                shared.change(|store| {
                    store.last_reached = Some(now());
                    if store.unreachable.take().is_some() {
                        store.revision += 1;
                    }
                });
                sleep(Duration::from_millis(shared.pace.discover_ms)).await;
            }
            Err(failed) => {
                shared.change(|store| {
                    let gap =
                        Gap { what: "the API server".to_owned(), why: failed.to_string(), since: store.last_reached };
                    if store.unreachable.as_ref() != Some(&gap) {
                        store.unreachable = Some(gap);
                        store.revision += 1;
                    }
                });
                pause(&shared.pace, tries).await;
                tries = tries.saturating_add(1);
            }
        }
    }
}

/// Why a watch of a kind came to its end.
enum Ended {
    /// The time that was asked for is over: it goes on from this version.
    Over(String),
    /// The version is too old: everything has to be listed again.
    Gone,
    Failed(Failed),
}

/// Lists and watches one kind for ever.
async fn follow(shared: Arc<Shared>, kind: Kind, version: String) {
    let mut tries = 0_u32;
    let mut from: Option<String> = None;
    loop {
        let begun = Instant::now();
        let ended = round(&shared, &kind, &version, from.take()).await;
        let failed = match ended {
            Ended::Over(next) => {
                from = Some(next);
                None
            }
            Ended::Gone => None,
            Ended::Failed(failed) => Some(failed),
        };
        // What lasted was no failure, and what ends at once must not be asked for without a pause.
        let lasted = begun.elapsed() >= Duration::from_millis(shared.pace.first_ms);
        match failed {
            None if lasted => tries = 0,
            None => {
                pause(&shared.pace, tries.min(1)).await;
                tries = tries.saturating_add(1);
            }
            Some(failed) => {
                // The cluster says that it has no such kind: a definition was taken away, or is not there yet.
                if failed.is(StatusCode::NOT_FOUND) {
                    shared.change(|store| store.replace(kind, Vec::new(), now()));
                } else {
                    shared.change(|store| store.fail(kind, failed.to_string()));
                }
                pause(&shared.pace, tries).await;
                tries = tries.saturating_add(1);
            }
        }
    }
}

/// One list (unless it goes on from a version), and one watch.
async fn round(shared: &Shared, kind: &Kind, version: &str, from: Option<String>) -> Ended {
    let mut connection = match Connection::open(&shared.access).await {
        Ok(connection) => connection,
        Err(failed) => return Ended::Failed(failed),
    };
    let api_version = if kind.group.is_empty() { version.to_owned() } else { format!("{}/{version}", kind.group) };
    let from = match from {
        Some(from) => from,
        None => {
            let permit = shared.lists.acquire().await;
            let listed = match list(&mut connection, kind, version).await {
                Ok(listed) => listed,
                Err(failed) => return Ended::Failed(failed),
            };
            let wanted = listed.items.into_iter().filter(|item| !shared.exclude.contains(&namespace_of(item, kind)));
            let all: Option<Vec<Object>> = wanted.map(|item| Object::of(item, kind, &api_version)).collect();
            let Some(objects) = all else {
                return Ended::Failed(Failed::Lost("the list has an object without a name".to_owned()));
            };
            shared.change(|store| store.replace(*kind, objects, now()));
            drop(permit);
            listed.version
        }
    };
    let seconds = shared.pace.watch_seconds;
    let path = kind.path(version);
    let query =
        format!("{path}?watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}", encoded(&from));
    let response = match connection.get(&query).await {
        Ok(response) => response,
        Err(failed) if failed.is(StatusCode::GONE) => return Ended::Gone,
        Err(failed) => return Ended::Failed(failed),
    };
    shared.change(|store| store.recovered(*kind, now()));
    let mut stream = Stream { shared, kind, api_version: &api_version, version: from, held: Vec::new() };
    let longest = Duration::from_secs(seconds + shared.pace.grace_seconds);
    let mut body = response.into_body();
    loop {
        let frame = match timeout(longest, body.frame()).await {
            Err(_) => {
                let why = format!("nothing was heard for {} seconds", longest.as_secs());
                return Ended::Failed(Failed::Lost(why));
            }
            Ok(None) => return Ended::Over(stream.version),
            // Where it broke off it goes on; if that fails, it is told.
            Ok(Some(Err(_))) => return Ended::Over(stream.version),
            Ok(Some(Ok(frame))) => frame,
        };
        if let Ok(data) = frame.into_data()
            && let Some(ended) = stream.take(&data)
        {
            return ended;
        }
    }
}

/// The events of one watch.
struct Stream<'a> {
    shared: &'a Shared,
    kind: &'a Kind,
    api_version: &'a str,
    version: String,
    held: Vec<u8>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    what: String,
    object: Value,
}

impl Stream<'_> {
    /// Takes some bytes, and what whole lines there are in them.
    fn take(&mut self, data: &[u8]) -> Option<Ended> {
        let mut rest = data;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            self.held.extend_from_slice(line);
            rest = after.get(1..).unwrap_or_default();
            let line = std::mem::take(&mut self.held);
            if let Some(ended) = self.event(&line) {
                return Some(ended);
            }
        }
        if self.held.len() + rest.len() > MAX_EVENT_BYTES {
            return Some(Ended::Failed(Failed::Lost(format!("an event has more than {MAX_EVENT_BYTES} bytes"))));
        }
        self.held.extend_from_slice(rest);
        None
    }

    fn event(&mut self, line: &[u8]) -> Option<Ended> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let Ok(event) = serde_json::from_slice::<Event>(line) else {
            return Some(Ended::Failed(Failed::Lost("an event is no JSON".to_owned())));
        };
        if event.what == "ERROR" {
            let code = event.object.get("code").and_then(Value::as_u64).unwrap_or(0);
            let message = event.object.get("message").and_then(Value::as_str).unwrap_or("an error").to_owned();
            // 410: the version is too old. After any other error a list is what is sure.
            return Some(if code == 410 { Ended::Gone } else { Ended::Failed(Failed::Lost(message)) });
        }
        let version = event.object.get("metadata").and_then(|meta| meta.get("resourceVersion")).and_then(Value::as_str);
        let Some(version) = version.map(str::to_owned) else {
            return Some(Ended::Failed(Failed::Lost("an event has no version".to_owned())));
        };
        let excluded = self.shared.exclude.contains(&namespace_of(&event.object, self.kind));
        let object = if excluded { None } else { Object::of(event.object, self.kind, self.api_version) };
        let kind = *self.kind;
        match (event.what.as_str(), object) {
            ("BOOKMARK", _) | (_, None) => self.shared.change(|store| store.touch(kind, now())),
            ("ADDED" | "MODIFIED", Some(object)) => self.shared.change(|store| store.put(kind, object, now())),
            ("DELETED", Some(object)) => self.shared.change(|store| store.remove(kind, &object, now())),
            (other, Some(_)) => {
                let why = format!("an event of the type `{other}` is not known");
                return Some(Ended::Failed(Failed::Lost(why)));
            }
        }
        self.version = version;
        None
    }
}

/// Waits after a failure: twice as long each time, and not in step with others.
async fn pause(pace: &Pace, tries: u32) {
    let full = pace.first_ms.saturating_mul(1 << tries.min(16)).min(pace.longest_ms).max(1);
    let mut random = [0_u8; 2];
    let _ = getrandom::fill(&mut random);
    let jitter = full * u64::from(u16::from_le_bytes(random)) / u64::from(u16::MAX);
    sleep(Duration::from_millis(full / 2 + jitter / 2 + 1)).await;
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
