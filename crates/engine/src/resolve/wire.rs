//! One question to one server: over UDP, and over TCP when the answer does not fit. What comes back is believed only
//! when it comes from the server that was asked, has the random id of the question and repeats the question.

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, RCODE, TYPE, header_buffer};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::panic::catch_unwind;
use std::time::{Duration, Instant};

/// The answer over UDP that a server may send: fits in one frame everywhere, so that nothing is fragmented.
/// Source: <https://www.dnsflagday.net/2020/>.
const EDNS_BYTES: u16 = 1_232;
/// A datagram longer than this is no answer to a question that asks for [`EDNS_BYTES`].
const DATAGRAM_BYTES: usize = 4_096;

/// What is asked about a name. Addresses are not among it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Ns,
    Mx,
    Caa,
    Txt,
    Cname,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ns => "NS",
            Kind::Mx => "MX",
            Kind::Caa => "CAA",
            Kind::Txt => "TXT",
            Kind::Cname => "CNAME",
        }
    }

    fn code(self) -> TYPE {
        match self {
            Kind::Ns => TYPE::NS,
            Kind::Mx => TYPE::MX,
            Kind::Caa => TYPE::CAA,
            Kind::Txt => TYPE::TXT,
            Kind::Cname => TYPE::CNAME,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// Absolute, without the trailing dot.
    pub name: &'a str,
    pub kind: Kind,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub code: RCODE,
    /// One text for each record of the asked name and type: a host without trailing dot in lower case (NS, MX, CNAME),
    /// the domain of an issuer (CAA), the whole text (TXT). Sorted, each once: servers turn the order round.
    pub records: Vec<String>,
}

/// Why a look-up gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failed {
    #[error("the name does not exist")]
    NoSuchName,
    #[error("`{server}` answers {code}")]
    Answered { server: SocketAddr, code: &'static str },
    #[error("`{server}` does not answer within {timeout_ms} ms")]
    Silent { server: SocketAddr, timeout_ms: u128 },
    #[error("what `{server}` sends does not belong to the question")]
    Unrelated { server: SocketAddr },
    #[error("`{server}` cannot be reached: {what}")]
    Unreachable { server: SocketAddr, what: ErrorKind },
    #[error("the name cannot be asked for")]
    Unaskable,
    #[error("the system gives no random number for the question")]
    NoRandom,
    #[error("it was not asked for: no server answers")]
    GivenUp,
    #[error("it was not asked for: all look-ups together took longer than {total_ms} ms")]
    OutOfTime { total_ms: u64 },
    #[error("the alias `{0}` leads back to itself")]
    Circular(String),
    #[error("there are more than {0} aliases behind each other")]
    TooManyAliases(usize),
    #[error("the answer `{0}` is no host name")]
    NoHostName(String),
}

/// Asks one server once.
pub(super) fn ask(server: SocketAddr, question: Question<'_>, timeout: Duration) -> Result<Answer, Failed> {
    let answer = exchange(server, question, timeout, true)?;
    // Servers from before EDNS (RFC 6891) call the question broken.
    if matches!(answer.code, RCODE::FormatError | RCODE::NotImplemented) {
        return exchange(server, question, timeout, false);
    }
    Ok(answer)
}

fn exchange(server: SocketAddr, question: Question<'_>, timeout: Duration, edns: bool) -> Result<Answer, Failed> {
    let mut random = [0; 2];
    getrandom::fill(&mut random).map_err(|_| Failed::NoRandom)?;
    let id = u16::from_be_bytes(random);
    let message = write(question, id, edns)?;
    let started = Instant::now();
    let received = match over_udp(server, question, id, &message, timeout)? {
        Received::Answer(answer) => return Ok(answer),
        Received::Truncated => over_tcp(server, &message, timeout.saturating_sub(started.elapsed())),
    };
    let received = received.map_err(|error| failure(server, &error, timeout))?;
    match read(&received, question, id) {
        Some(Received::Answer(answer)) => Ok(answer),
        _ => Err(Failed::Unrelated { server }),
    }
}

fn write(question: Question<'_>, id: u16, edns: bool) -> Result<Vec<u8>, Failed> {
    let name = Name::new(question.name).map_err(|_| Failed::Unaskable)?;
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    packet.questions.push(simple_dns::Question::new(
        name,
        QTYPE::TYPE(question.kind.code()),
        QCLASS::CLASS(CLASS::IN),
        false,
    ));
    if edns {
        *packet.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size: EDNS_BYTES, version: 0 });
    }
    packet.build_bytes_vec().map_err(|_| Failed::Unaskable)
}

/// A message that belongs to the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Received {
    Answer(Answer),
    Truncated,
}

/// A new socket, and so a new port, for each question; connected, so that the system drops what others send.
fn over_udp(
    server: SocketAddr,
    question: Question<'_>,
    id: u16,
    message: &[u8],
    timeout: Duration,
) -> Result<Received, Failed> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let failed = |error: &std::io::Error| failure(server, error, timeout);
    let socket = UdpSocket::bind((any, 0)).map_err(|error| failed(&error))?;
    socket.connect(server).map_err(|error| failed(&error))?;
    socket.send(message).map_err(|error| failed(&error))?;
    let until = Instant::now() + timeout;
    let mut unrelated = false;
    let mut buffer = [0; DATAGRAM_BYTES];
    while let Some(left) = left(until) {
        socket.set_read_timeout(Some(left)).map_err(|error| failed(&error))?;
        let length = match socket.recv(&mut buffer) {
            Ok(length) => length,
            Err(error) if is_silence(&error) || error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(&error)),
        };
        match buffer.get(..length).and_then(|bytes| read(bytes, question, id)) {
            Some(received) => return Ok(received),
            // Somebody may be guessing: the honest answer can still come.
            None => unrelated = true,
        }
    }
    Err(if unrelated {
        Failed::Unrelated { server }
    } else {
        Failed::Silent { server, timeout_ms: timeout.as_millis() }
    })
}

/// The time left, at least a millisecond (a time-out of nothing would be none).
fn left(until: Instant) -> Option<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    (!left.is_zero()).then(|| left.max(Duration::from_millis(1)))
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn failure(server: SocketAddr, error: &std::io::Error, timeout: Duration) -> Failed {
    if is_silence(error) {
        Failed::Silent { server, timeout_ms: timeout.as_millis() }
    } else {
        Failed::Unreachable { server, what: error.kind() }
    }
}

/// Two bytes of length before each message (RFC 1035, 4.2.2), which also bound what is read.
fn over_tcp(server: SocketAddr, message: &[u8], timeout: Duration) -> std::io::Result<Vec<u8>> {
    let until = Instant::now() + timeout;
    let silence = || std::io::Error::from(ErrorKind::TimedOut);
    let mut stream = TcpStream::connect_timeout(&server, left(until).ok_or_else(silence)?)?;
    stream.set_write_timeout(Some(left(until).ok_or_else(silence)?))?;
    let length = u16::try_from(message.len()).map_err(|_| std::io::Error::from(ErrorKind::InvalidInput))?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    stream.write_all(&framed)?;
    let mut length = [0; 2];
    fill(&mut stream, &mut length, until)?;
    let mut received = vec![0; usize::from(u16::from_be_bytes(length))];
    fill(&mut stream, &mut received, until)?;
    Ok(received)
}

/// Reads until the buffer is full or the time is over, however slowly the bytes come.
fn fill(stream: &mut TcpStream, mut buffer: &mut [u8], until: Instant) -> std::io::Result<()> {
    while !buffer.is_empty() {
        let left = left(until).ok_or_else(|| std::io::Error::from(ErrorKind::TimedOut))?;
        stream.set_read_timeout(Some(left))?;
        match stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => buffer = buffer.get_mut(read..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The answer in a message, when it belongs to the question; `None` for everything else, however it is broken.
pub(super) fn read(bytes: &[u8], question: Question<'_>, id: u16) -> Option<Received> {
    let flags = |flag| header_buffer::has_flags(bytes, flag).ok();
    if header_buffer::id(bytes).ok()? != id || !flags(PacketFlag::RESPONSE)? {
        return None;
    }
    // What was cut off may be in the middle of a record: it is not looked at.
    if flags(PacketFlag::TRUNCATION)? {
        return Some(Received::Truncated);
    }
    // The message is a stranger's. Its parser returns errors; should it panic all the same, that is no answer either.
    let packet = catch_unwind(|| Packet::parse(bytes).ok()).ok().flatten()?;
    (packet.opcode() == OPCODE::StandardQuery && repeats(&packet, question)?).then_some(())?;
    let asked = Name::new(question.name).ok()?;
    let ours = |record: &&simple_dns::ResourceRecord<'_>| record.name == asked && record.class == CLASS::IN;
    let mut records: Vec<String> = packet
        .answers
        .iter()
        .filter(ours)
        .filter(|record| record.rdata.type_code() == question.kind.code())
        .filter_map(|record| text(&record.rdata))
        .collect();
    records.sort_unstable();
    records.dedup();
    Some(Received::Answer(Answer { code: packet.rcode(), records }))
}

/// Whether a message repeats the question. A refusal may leave it out.
fn repeats(packet: &Packet<'_>, question: Question<'_>) -> Option<bool> {
    let Some((first, rest)) = packet.questions.split_first() else {
        return Some(!matches!(packet.rcode(), RCODE::NoError | RCODE::NameError));
    };
    let same = first.qname == Name::new(question.name).ok()?
        && first.qtype == QTYPE::TYPE(question.kind.code())
        && first.qclass == QCLASS::CLASS(CLASS::IN);
    Some(same && rest.is_empty())
}

fn text(data: &RData<'_>) -> Option<String> {
    let host = |name: &Name<'_>| name.to_string().to_ascii_lowercase();
    match data {
        RData::NS(name) => Some(host(&name.0)),
        RData::CNAME(name) => Some(host(&name.0)),
        // A single dot says that the domain takes no mail (RFC 7505).
        RData::MX(mx) => Some(host(&mx.exchange)).filter(|name| !name.is_empty()),
        RData::CAA(caa) => {
            let tag = String::try_from(caa.tag.clone()).ok()?.to_ascii_lowercase();
            let value = std::str::from_utf8(&caa.value).ok()?;
            let domain = value.split(';').next().unwrap_or_default().trim().trim_matches('"').trim_end_matches('.');
            (matches!(&*tag, "issue" | "issuewild" | "issuemail") && !domain.is_empty())
                .then(|| domain.to_ascii_lowercase())
        }
        RData::TXT(text) => String::try_from(text.clone()).ok(),
        _ => None,
    }
}
