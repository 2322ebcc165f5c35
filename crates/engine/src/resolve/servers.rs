//! Whom to ask: the servers of the system or one that the user names, with their time-outs.

use super::wire::{Answer, Failed, Question, ask};
use simple_dns::RCODE;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where the system says which servers it asks (`man 5 resolv.conf`).
const SYSTEM_FILE: &str = "/etc/resolv.conf";
/// The port of the DNS.
pub(super) const PORT: u16 = 53;
/// What the C library uses when the file says nothing: so many seconds, tried so often.
const TIMEOUT_S: u64 = 5;
const ATTEMPTS: u32 = 2;
/// What the C library takes at most (`MAXNS`, `RES_MAXRETRANS`, `RES_MAXRETRY` in resolv.h).
const MAX_SERVERS: usize = 3;
const MAX_TIMEOUT_S: u64 = 30;
const MAX_ATTEMPTS: u32 = 5;
/// All look-ups of an audit together: a resolver that is down must not hold up what the files say.
const MAX_TOTAL_MS: u64 = 120_000;
/// A server that never answered is not asked again after so many silences; one that answered before is, since a single
/// name may be slow.
const MAX_SILENCES: u32 = 5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub servers: Vec<SocketAddr>,
    pub timeout_ms: u64,
    pub attempts: u32,
    pub total_ms: u64,
}

impl Settings {
    /// One server that the user names.
    pub fn of(server: SocketAddr) -> Settings {
        Settings { servers: vec![server], timeout_ms: TIMEOUT_S * 1_000, attempts: ATTEMPTS, total_ms: MAX_TOTAL_MS }
    }

    /// What the system uses. `Err` says, for a person, why there is no server.
    pub fn of_system() -> Result<Settings, String> {
        let text = std::fs::read_to_string(SYSTEM_FILE)
            .map_err(|error| format!("`{SYSTEM_FILE}` could not be read: {error}"))?;
        let settings = Settings::parse(&text);
        if settings.servers.is_empty() { Err(format!("`{SYSTEM_FILE}` names no server")) } else { Ok(settings) }
    }

    /// The `nameserver` lines and the options `timeout` and `attempts`. Search domains are of no use: every name that
    /// is asked for is whole.
    pub fn parse(text: &str) -> Settings {
        let mut settings =
            Settings { servers: Vec::new(), timeout_ms: TIMEOUT_S * 1_000, attempts: ATTEMPTS, total_ms: MAX_TOTAL_MS };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    settings.servers.extend(address.map(|address| SocketAddr::new(address, PORT)));
                }
                Some("options") => words.for_each(|word| settings.option(word)),
                _ => {}
            }
        }
        settings.servers.truncate(MAX_SERVERS);
        settings
    }

    fn option(&mut self, word: &str) {
        match word.split_once(':') {
            Some(("timeout", seconds)) => {
                if let Ok(seconds) = seconds.parse::<u64>() {
                    self.timeout_ms = seconds.clamp(1, MAX_TIMEOUT_S) * 1_000;
                }
            }
            Some(("attempts", times)) => {
                if let Ok(times) = times.parse::<u32>() {
                    self.attempts = times.clamp(1, MAX_ATTEMPTS);
                }
            }
            _ => {}
        }
    }
}

/// Asks servers in turn. Shared by all look-ups, so that what one learns about a server serves the others.
#[derive(Debug)]
pub(super) struct Client {
    servers: Vec<Server>,
    timeout: Duration,
    attempts: u32,
    total_ms: u64,
    until: Instant,
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    answered: AtomicBool,
    silences: AtomicU32,
}

impl Server {
    fn given_up(&self) -> bool {
        !self.answered.load(Ordering::Relaxed) && self.silences.load(Ordering::Relaxed) >= MAX_SILENCES
    }
}

impl Client {
    pub fn new(settings: &Settings) -> Client {
        let server = |address: &SocketAddr| Server {
            address: *address,
            answered: AtomicBool::new(false),
            silences: AtomicU32::new(0),
        };
        Client {
            servers: settings.servers.iter().map(server).collect(),
            timeout: Duration::from_millis(settings.timeout_ms),
            attempts: settings.attempts,
            total_ms: settings.total_ms,
            until: Instant::now() + Duration::from_millis(settings.total_ms),
        }
    }

    /// The records that a server gives; an empty list when the name exists and has none of the type.
    pub fn look_up(&self, question: Question<'_>) -> Result<Vec<String>, Failed> {
        let mut last = Failed::GivenUp;
        for _ in 0..self.attempts {
            for server in self.servers.iter().filter(|server| !server.given_up()) {
                let left = self.until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(Failed::OutOfTime { total_ms: self.total_ms });
                }
                let asked = ask(server.address, question, self.timeout.min(left));
                match asked {
                    Ok(Answer { code, records }) => {
                        server.answered.store(true, Ordering::Relaxed);
                        match code {
                            RCODE::NoError => return Ok(records),
                            RCODE::NameError => return Err(Failed::NoSuchName),
                            code => last = Failed::Answered { server: server.address, code: name_of(code) },
                        }
                    }
                    // About the question, and so the same at every server.
                    Err(failed @ (Failed::Unaskable | Failed::NoRandom)) => return Err(failed),
                    Err(failed) => {
                        server.silences.fetch_add(1, Ordering::Relaxed);
                        last = failed;
                    }
                }
            }
        }
        Err(last)
    }
}

/// The names that administrators know.
fn name_of(code: RCODE) -> &'static str {
    match code {
        RCODE::FormatError => "FORMERR",
        RCODE::ServerFailure => "SERVFAIL",
        RCODE::NotImplemented => "NOTIMP",
        RCODE::Refused => "REFUSED",
        RCODE::NOTAUTH => "NOTAUTH",
        RCODE::BADVERS => "BADVERS",
        _ => "with an error",
    }
}
