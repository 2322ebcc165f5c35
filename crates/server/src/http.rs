//! Requests over HTTP: `POST /admit` on the port of the API server, health and metrics on the other one.
//!
//! What is no AdmissionReview gets an HTTP error with a `metav1.Status`, whose message the API server shows; under
//! `failurePolicy: Fail` it denies as well.

use crate::certificate::Certificate;
use crate::decide::{Decision, at_once, judge, prepare, words};
use crate::judge::Judge;
use crate::metrics::{self, Metrics, Now};
use crate::record::Record;
use crate::review::{self, Answer, Malformed, NAME_CHARS, Refusal, Request, Status, cut};
use crate::settings::{Mode, Settings};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode, Version};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The path of the webhook.
pub const PATH: &str = "/admit";

pub struct State {
    pub settings: Settings,
    pub judge: Arc<dyn Judge>,
    pub record: Record,
    pub metrics: Metrics,
    pub certificate: Arc<Certificate>,
    /// Bytes that may still be buffered.
    pub buffer: Arc<Semaphore>,
    /// Judgements that may still be made.
    pub judgements: Arc<Semaphore>,
    /// Objects that may still be read.
    pub preparations: Arc<Semaphore>,
    /// The signal to end has come.
    pub ending: AtomicBool,
}

/// Why a request is answered with an HTTP error.
struct Rejected {
    code: u16,
    why: String,
}

fn reject<T>(code: u16, why: impl Into<String>) -> Result<T, Rejected> {
    Err(Rejected { code, why: why.into() })
}

/// Answers on the port of the API server.
pub async fn admit(state: Arc<State>, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
    let started = Instant::now();
    let version = request.version();
    match reviewed(&state, request, started).await {
        Ok(body) => respond(200, "application/json", body),
        Err(Rejected { code, why }) => {
            state.metrics.rejected(code);
            state.record.noise("rejected", json!({"code": code, "why": why}));
            let body = serde_json::to_vec(&Status::new(code, &why)).unwrap_or_default();
            let mut response = respond(code, "application/json", body);
            if code == 405 {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            }
            // What was not read of the body would have to be read before the next request.
            if version < Version::HTTP_2 {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    }
}

fn respond(code: u16, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

async fn reviewed(
    state: &Arc<State>,
    request: hyper::Request<Incoming>,
    started: Instant,
) -> Result<Vec<u8>, Rejected> {
    if request.uri().path() != PATH {
        return reject(404, format!("there is only `{PATH}`"));
    }
    if request.method() != Method::POST {
        return reject(405, "an AdmissionReview is posted");
    }
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    if !kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return reject(415, "the content type is not `application/json`");
    }
    let limits = &state.settings.limits;
    let (body, held) = match timeout(limits.body, body(state, request.into_body())).await {
        Ok(read) => read?,
        Err(_) => return reject(408, format!("the body did not arrive within {:?}", limits.body)),
    };
    let request = match review::read(&body) {
        Ok(request) => Arc::new(request),
        Err(Malformed::Named { uid, why }) => {
            let told = broken(state, &uid, Refusal { code: 400, message: why });
            return answered(state, told, started);
        }
        Err(Malformed::Nameless(why)) => return reject(400, why),
    };
    drop(body);
    let decision = match at_once(&request, state.settings.connect) {
        Some(decision) => decision,
        None => match timeout(limits.answer, judged(state, &request, held)).await {
            Ok(Some(decision)) => decision,
            Ok(None) => refusal(500, "could not be judged: the judge broke down".to_owned()),
            Err(_) => refusal(504, format!("could not be judged within {:?}", limits.answer)),
        },
    };
    let told = tell(state, &request, decision);
    answered(state, told, started)
}

fn refusal(code: u16, message: String) -> Decision {
    Decision::Unjudged(Refusal { code, message })
}

fn answered(state: &State, told: Told, started: Instant) -> Result<Vec<u8>, Rejected> {
    let Told { answer, operation, decision } = told;
    state.metrics.answered(operation, decision, started.elapsed());
    answer.to_json().or_else(|error| reject(500, error.to_string()))
}

/// Bytes of the shared buffer that a request holds until it is judged.
type Held = Option<OwnedSemaphorePermit>;

/// The body, as far as the limits of one request and of all together allow.
async fn body(state: &State, mut body: Incoming) -> Result<(Vec<u8>, Held), Rejected> {
    let most = state.settings.limits.review_bytes;
    let too_large = || reject(413, format!("the AdmissionReview has more than {most} bytes"));
    if body.size_hint().lower() > most as u64 {
        return too_large();
    }
    let (mut bytes, mut held): (Vec<u8>, Held) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => return reject(400, format!("the body did not arrive whole: {error}")),
        };
        if bytes.len() + data.len() > most {
            return too_large();
        }
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        match (state.buffer.clone().try_acquire_many_owned(length), &mut held) {
            (Ok(more), Some(held)) => held.merge(more),
            (Ok(first), None) => held = Some(first),
            (Err(_), _) => return reject(429, "too much is being reviewed already"),
        }
        bytes.extend_from_slice(&data);
    }
    Ok((bytes, held))
}

/// An answer with what is counted of it.
struct Told {
    answer: Answer,
    operation: &'static str,
    decision: &'static str,
}

/// Prepares and judges on threads where that may take its time. `None`: one of them broke down.
///
/// Places are kept until a thread is done, also when nobody waits for it any more. There are two kinds of them, so that a
/// judge that hangs does not hold back what needs none.
async fn judged(state: &Arc<State>, request: &Arc<Request>, held: Held) -> Option<Decision> {
    let place = state.preparations.clone().acquire_owned().await.ok()?;
    let asked = request.clone();
    let preparing = tokio::task::spawn_blocking(move || {
        let _place = place;
        (prepare(&asked), held)
    });
    let (subject, held) = match preparing.await.ok()? {
        (Ok(subject), held) => (subject, held),
        (Err(decision), _) => return Some(decision),
    };
    let place = state.judgements.clone().acquire_owned().await.ok()?;
    let by = state.judge.clone();
    let judging = tokio::task::spawn_blocking(move || {
        let _kept = (place, held);
        judge(&*by, subject)
    });
    judging.await.ok()
}

/// The answer to a request that cannot be read beyond its uid.
fn broken(state: &State, uid: &str, refusal: Refusal) -> Told {
    let why = refusal.message.clone();
    let mut answer =
        Answer { uid: uid.to_owned(), refusal: Some(refusal), warnings: Vec::new(), annotations: BTreeMap::new() };
    let decision = settle(state.settings.mode, &mut answer, "error");
    state.record.event(decision, json!({"uid": uid, "mode": state.settings.mode.name(), "why": why}));
    Told { answer, operation: "UNKNOWN", decision }
}

/// What an answer does in this mode, and the word under which it is counted.
fn settle(mode: Mode, answer: &mut Answer, word: &'static str) -> &'static str {
    let would = if mode == Mode::Audit { answer.refusal.take() } else { None };
    let decision = match would {
        None => word,
        Some(refusal) => {
            let lines = refusal.message.lines().map(|line| format!("audit mode: would be denied: {line}"));
            answer.warnings.splice(0..0, lines);
            if word == "error" { "would-error" } else { "would-deny" }
        }
    };
    answer.annotations.insert("mode", mode.name().to_owned());
    answer.annotations.insert("decision", decision.to_owned());
    decision
}

/// Audit annotations longer than this tell nothing more.
const MAX_RULES_CHARS: usize = 1_000;

fn tell(state: &State, request: &Request, decision: Decision) -> Told {
    let mut answer =
        Answer { uid: request.uid.clone(), refusal: None, warnings: Vec::new(), annotations: BTreeMap::new() };
    let mut rules = String::new();
    let word = match decision {
        Decision::Passed(why) => {
            answer.annotations.insert("not-judged", why.to_owned());
            "passed"
        }
        Decision::Judged(judgement) => {
            let (refusal, warnings) = words(&judgement);
            answer.warnings = warnings;
            answer.refusal = refusal.map(|message| Refusal { code: 403, message });
            let mut names: Vec<&str> = judgement.violations.iter().map(|one| one.rule.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            rules = names.join(",").chars().take(MAX_RULES_CHARS).collect();
            if answer.refusal.is_some() { "denied" } else { "allowed" }
        }
        Decision::Closed => {
            let message = format!("CONNECT to `{}/{}` is closed", request.resource.resource, request.sub_resource);
            answer.refusal = Some(Refusal { code: 403, message });
            "denied"
        }
        Decision::Unjudged(refusal) => {
            answer.refusal = Some(refusal);
            "error"
        }
    };
    let why = answer.refusal.as_ref().filter(|_| word == "error").map(|refusal| refusal.message.clone());
    let decision = settle(state.settings.mode, &mut answer, word);
    if !rules.is_empty() {
        answer.annotations.insert("rules", rules.clone());
    }
    let harmless = matches!(word, "allowed" | "passed");
    if !harmless || state.settings.log_allowed {
        let names = [&request.resource.group, &request.resource.resource, &request.sub_resource]
            .map(|name| cut(name, NAME_CHARS));
        let [group, resource, sub_resource] = &names;
        state.record.event(
            decision,
            json!({
                "uid": request.uid, "mode": state.settings.mode.name(), "operation": request.operation.name(),
                "group": group, "resource": resource, "sub_resource": sub_resource,
                "namespace": cut(&request.namespace, NAME_CHARS), "name": cut(&request.name, NAME_CHARS),
                "dry_run": request.dry_run.unwrap_or(false), "rules": rules, "why": why,
            }),
        );
    }
    Told { answer, operation: request.operation.name(), decision }
}

/// Answers on the port of kubelet and Prometheus.
pub async fn probe(state: Arc<State>, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let mode = state.settings.mode.name();
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return respond(405, TEXT, "only GET\n");
    }
    match request.uri().path() {
        // Alive as long as it answers: a restart mends neither a certificate nor rules.
        "/healthz" => respond(200, TEXT, format!("ok\nmode: {mode}\n")),
        "/readyz" => match unready(&state) {
            None => respond(200, TEXT, format!("ready\nmode: {mode}\n")),
            Some(why) => respond(503, TEXT, format!("not ready: {why}\nmode: {mode}\n")),
        },
        "/metrics" => {
            let now = Now { mode, certificate_ends: state.certificate.ends() };
            respond(200, metrics::CONTENT_TYPE, state.metrics.render(&now))
        }
        _ => respond(404, TEXT, "there are /healthz, /readyz and /metrics\n"),
    }
}

fn unready(state: &State) -> Option<&'static str> {
    if state.ending.load(Ordering::Relaxed) {
        return Some("ending");
    }
    let ended = state.certificate.ends().is_some_and(|ends| ends <= (state.settings.now)());
    ended.then_some("the certificate has expired")
}
