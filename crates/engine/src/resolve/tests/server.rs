//! A name server on loopback that answers from a table over UDP and TCP, as well or as badly as the table says.

use super::super::wire::{Kind, Question};
use simple_dns::rdata::{CAA, CNAME, MX, NS, RData, TXT};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// How a question is answered. What the table does not have does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Records,
    /// Cut off over UDP, whole over TCP.
    Truncated,
    TruncatedThenClosed,
    TruncatedThenSilence,
    TruncatedThenWrongId,
    /// `FORMERR` for a question with EDNS.
    WithoutEdns,
    AfterWrongId,
    AfterGarbage,
    /// Records under another name than the asked one.
    OtherName,
    WrongId,
    WrongQuestion,
    Garbage,
    Silence,
    ServFail,
    Refused,
    NoSuchName,
}

impl Reply {
    /// Whether an answer comes that ends the question, so that nobody waits for the time-out.
    pub fn is_answered(self) -> bool {
        use Reply::{Garbage, Silence, TruncatedThenSilence, WrongId, WrongQuestion};
        !matches!(self, WrongId | WrongQuestion | Garbage | Silence | TruncatedThenSilence)
    }
}

/// What is sent: messages over UDP; over TCP one message, or the connection left open, or closed.
struct Script {
    udp: Vec<Vec<u8>>,
    tcp: Tcp,
}

enum Tcp {
    Message(Vec<u8>),
    Silence,
    Close,
}

/// By name and type: how it is answered, and with which records.
type Table = HashMap<(String, u16), Entry>;

#[derive(Clone)]
struct Entry {
    kind: Kind,
    reply: Reply,
    texts: Vec<String>,
}

pub struct Server {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    table: Table,
    stop: AtomicBool,
    silent: AtomicBool,
    heard: AtomicUsize,
}

impl Server {
    pub fn start(table: &[(&str, Kind, Reply, &[&str])]) -> Server {
        // The same port for UDP and TCP: another process may have one of the two.
        let (udp, tcp) = (0..100)
            .find_map(|_| {
                let udp = UdpSocket::bind("127.0.0.1:0").ok()?;
                let tcp = TcpListener::bind(udp.local_addr().ok()?).ok()?;
                Some((udp, tcp))
            })
            .expect("a free port");
        let address = udp.local_addr().unwrap();
        let shared = Arc::new(Shared {
            table: table.iter().map(entry).collect(),
            stop: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            heard: AtomicUsize::new(0),
        });
        let (one, other) = (shared.clone(), shared.clone());
        let threads =
            vec![std::thread::spawn(move || one.serve_udp(&udp)), std::thread::spawn(move || other.serve_tcp(&tcp))];
        Server { address, shared, threads }
    }

    pub fn be_silent(&self) {
        self.shared.silent.store(true, Ordering::SeqCst);
    }

    /// Questions that came over UDP.
    pub fn heard(&self) -> usize {
        self.shared.heard.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        let wake = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(&[], self.address));
        let woken = wake.is_ok() && TcpStream::connect(self.address).is_ok();
        for thread in self.threads.drain(..).filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve_udp(&self, socket: &UdpSocket) {
        let mut buffer = [0; 4_096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            self.heard.fetch_add(1, Ordering::SeqCst);
            if self.silent.load(Ordering::SeqCst) {
                continue;
            }
            for message in self.answer(&buffer[..length]).udp {
                let _ = socket.send_to(&message, from);
            }
        }
    }

    fn serve_tcp(&self, listener: &TcpListener) {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let (Ok(mut stream), false) = (stream, self.stop.load(Ordering::SeqCst)) else { return };
            let mut length = [0; 2];
            if stream.read_exact(&mut length).is_err() {
                continue;
            }
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question).unwrap();
            match self.answer(&question).tcp {
                Tcp::Message(message) => {
                    stream.write_all(&(message.len() as u16).to_be_bytes()).unwrap();
                    // In two pieces: a reader must not take the first one for the whole.
                    let (first, second) = message.split_at(message.len() / 2);
                    stream.write_all(first).unwrap();
                    stream.flush().unwrap();
                    stream.write_all(second).unwrap();
                }
                Tcp::Silence => open.push(stream),
                Tcp::Close => {}
            }
        }
    }

    fn answer(&self, bytes: &[u8]) -> Script {
        let packet = Packet::parse(bytes).expect("an honest question");
        let question = &packet.questions[0];
        let QTYPE::TYPE(kind) = question.qtype else { panic!("{question:?}") };
        match self.table.get(&(question.qname.to_string(), kind.into())) {
            Some(entry) => script(bytes, &packet, entry),
            // The name may be there with another type.
            None if self.table.keys().any(|(name, _)| *name == question.qname.to_string()) => {
                whole(reply(&packet, RCODE::NoError, Vec::new()))
            }
            None => whole(reply(&packet, RCODE::NameError, Vec::new())),
        }
    }
}

fn code(kind: Kind) -> u16 {
    let kind = match kind {
        Kind::Ns => TYPE::NS,
        Kind::Mx => TYPE::MX,
        Kind::Caa => TYPE::CAA,
        Kind::Txt => TYPE::TXT,
        Kind::Cname => TYPE::CNAME,
    };
    kind.into()
}

fn entry((name, kind, reply, texts): &(&str, Kind, Reply, &[&str])) -> ((String, u16), Entry) {
    let texts = texts.iter().map(|text| (*text).to_owned()).collect();
    (((*name).to_owned(), code(*kind)), Entry { kind: *kind, reply: *reply, texts })
}

fn script(bytes: &[u8], packet: &Packet<'_>, entry: &Entry) -> Script {
    let records = || records(packet, entry.kind, &entry.texts);
    let good = reply(packet, RCODE::NoError, records());
    let fail = |code| whole(reply(packet, code, Vec::new()));
    match entry.reply {
        Reply::Truncated => Script { udp: vec![cut(good.clone())], tcp: Tcp::Message(good) },
        Reply::TruncatedThenClosed => Script { udp: vec![cut(good)], tcp: Tcp::Close },
        Reply::TruncatedThenSilence => Script { udp: vec![cut(good)], tcp: Tcp::Silence },
        Reply::TruncatedThenWrongId => Script { udp: vec![cut(good.clone())], tcp: Tcp::Message(wrong_id(good)) },
        Reply::WithoutEdns if packet.opt().is_some() => fail(RCODE::FormatError),
        Reply::AfterWrongId => udp(vec![wrong_id(good.clone()), good]),
        Reply::AfterGarbage => udp(vec![vec![], vec![1], garbage(bytes), vec![0xff; 3_000], good]),
        Reply::WrongId => udp(vec![wrong_id(good)]),
        Reply::WrongQuestion => {
            let mut other = packet.clone();
            other.questions[0].qname = Name::new("other.lu").unwrap();
            udp(vec![reply(&other, RCODE::NoError, Vec::new())])
        }
        Reply::Garbage => udp(vec![garbage(bytes)]),
        Reply::Silence => udp(Vec::new()),
        Reply::ServFail => fail(RCODE::ServerFailure),
        Reply::Refused => fail(RCODE::Refused),
        Reply::NoSuchName => fail(RCODE::NameError),
        Reply::OtherName => {
            let mut records = records();
            records.iter_mut().for_each(|record| record.name = Name::new("other.lu").unwrap());
            whole(reply(packet, RCODE::NoError, records))
        }
        Reply::Records | Reply::WithoutEdns => whole(good),
    }
}

fn wrong_id(mut message: Vec<u8>) -> Vec<u8> {
    message[0] ^= 0xff;
    message
}

/// The flag, and a message cut in the middle of its record.
fn cut(mut message: Vec<u8>) -> Vec<u8> {
    message[2] |= 0x02;
    message.truncate(message.len() - 3);
    message
}

/// The right id, 65,535 questions and answers, and a name that points at itself.
fn garbage(question: &[u8]) -> Vec<u8> {
    vec![question[0], question[1], 0x81, 0x80, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xc0, 0x0c]
}

fn whole(message: Vec<u8>) -> Script {
    udp(vec![message])
}

fn udp(messages: Vec<Vec<u8>>) -> Script {
    Script { udp: messages, tcp: Tcp::Close }
}

fn reply(question: &Packet<'_>, code: RCODE, records: Vec<ResourceRecord<'_>>) -> Vec<u8> {
    let mut packet = Packet::new_reply(question.id());
    packet.set_flags(PacketFlag::RECURSION_AVAILABLE | PacketFlag::RECURSION_DESIRED);
    *packet.rcode_mut() = code;
    packet.questions = question.questions.clone();
    packet.answers = records;
    packet.build_bytes_vec_compressed().unwrap()
}

fn records<'a>(question: &Packet<'a>, kind: Kind, texts: &'a [String]) -> Vec<ResourceRecord<'a>> {
    let owner = || question.questions[0].qname.clone();
    let name = |text: &'a str| Name::new(text).unwrap();
    let data = |text: &'a String| match kind {
        Kind::Ns => RData::NS(NS(name(text))),
        Kind::Cname => RData::CNAME(CNAME(name(text))),
        Kind::Mx => RData::MX(MX { preference: 10, exchange: name(text) }),
        Kind::Caa => {
            let (tag, value) = text.split_once(' ').unwrap();
            RData::CAA(CAA { flag: 0, tag: tag.try_into().unwrap(), value: Cow::Borrowed(value.as_bytes()) })
        }
        Kind::Txt => RData::TXT(TXT::try_from(text.as_str()).unwrap()),
    };
    texts.iter().map(|text| ResourceRecord::new(owner(), CLASS::IN, 60, data(text))).collect()
}

/// An honest answer, for the property test.
pub fn message(question: Question<'_>, id: u16, texts: &[&str]) -> Vec<u8> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    let mut packet = Packet::new_query(id);
    let (name, kind) = (Name::new(question.name).unwrap(), TYPE::from(code(question.kind)));
    packet.questions.push(simple_dns::Question::new(name, QTYPE::TYPE(kind), CLASS::IN.into(), false));
    let records = records(&packet, question.kind, &texts);
    reply(&packet, RCODE::NoError, records)
}
