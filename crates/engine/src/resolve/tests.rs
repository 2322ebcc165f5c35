//! Look-ups against a name server in the test itself: on loopback, with answers from a small table, some of them bad.

mod server;

use super::servers::{Client, Settings};
use super::wire::{Kind, Question, Received, read};
use super::{MAX_ALIASES, Resolver, look_up};
use allod_facts::{Clue, ClueKind, Component, Confidence, Evidence, Facts, Layer, LinkKind, Mitigation, Role};
use allod_readers::endpoint::host_component;
use allod_register::Register;
use proptest::prelude::*;
use server::{Reply, Server, message};
use std::sync::Arc;

/// Long enough for a busy machine to answer.
const TIMEOUT_MS: u64 = 5_000;
/// Waited to the end where no answer comes.
const SHORT_MS: u64 = 100;

fn settings(server: &Server) -> Settings {
    Settings { servers: vec![server.address], timeout_ms: TIMEOUT_MS, attempts: 1, total_ms: 60_000 }
}

fn at(line: u32) -> Evidence {
    Evidence::line(&Arc::from("x.zone"), line, "zone")
}

/// Facts as the readers give them: a zone with its name servers, own names, and hosts.
fn facts(zone: &str, servers: &[&str], names: &[&str], hosts: &[&str]) -> Vec<Facts> {
    let mut facts = Facts::new();
    let own = Component::new(&format!("zone:{zone}"), zone, "zone", Layer::Dns, Role::Own, at(1));
    let own = (!zone.is_empty()).then(|| facts.add(own));
    for (server, own) in servers.iter().zip(own.iter().cycle()) {
        let mut component = host_component(server, at(2), Confidence::High);
        component.clues.insert(0, Clue::new(ClueKind::NameServer, server));
        let to = facts.add(component);
        facts.link(*own, LinkKind::ResolvedBy, to, at(2)).any_of = Some(Arc::from("ns"));
    }
    for name in names {
        facts.add(Component::new(&format!("name:{name}"), name, "name", Layer::Dns, Role::Own, at(3)));
    }
    for host in hosts {
        facts.add(host_component(host, at(4), Confidence::Medium));
    }
    vec![facts]
}

/// What the look-ups add, one line each: links, then what is unresolved.
fn shown(facts: &Facts) -> Vec<String> {
    let component = |at: u32| &facts.components[at as usize];
    let mut lines: Vec<String> = facts
        .links
        .iter()
        .map(|link| {
            let clues: Vec<String> = component(link.to).clues.iter().map(|clue| format!("{:?}", clue.kind)).collect();
            let any = link.any_of.as_ref().map_or(String::new(), |group| format!(" any:{group}"));
            let tls = if link.mitigations.contains(&Mitigation::TlsPassesThrough) { " tls" } else { "" };
            let (from, kind, to) = (&component(link.from).id, link.kind.name(), &component(link.to).id);
            format!("{from} {kind} {to}({}) {}{any}{tls}", clues.join(" "), link.evidence[0].path)
        })
        .collect();
    lines.extend(facts.unresolved.iter().map(|one| {
        let about = one.component.map_or("-", |at| &component(at).id);
        format!("{} {about} {}: {}", one.code, one.evidence.path, one.message)
    }));
    assert!(facts.links.iter().all(|link| link.evidence[0].line == 0 && link.evidence[0].reader == "dns-live"));
    lines
}

fn check(server: &Server, batches: &[Facts], expect: &[&str]) {
    let register = Register::builtin().unwrap();
    let found = look_up(&settings(server), 100, batches, &register, &|_| {});
    assert_eq!(shown(&found), expect);
}

#[test]
fn a_zone_as_its_file_says() {
    let server = Server::start(&[
        ("clinic.lu", Kind::Ns, Reply::Records, &["bob.ns.cloudflare.com", "Amy.NS.cloudflare.com"]),
        ("clinic.lu", Kind::Mx, Reply::Records, &["mx.protonmail.ch", "mail.clinic.lu"]),
        ("clinic.lu", Kind::Caa, Reply::Records, &["issue letsencrypt.org; account=1", "iodef mailto:a@b.lu"]),
        ("clinic.lu", Kind::Txt, Reply::Records, &["v=spf1 include:mailbox.org ?include:%{i}.x.lu -all", "v=other"]),
    ]);
    check(
        &server,
        &facts("clinic.lu", &["amy.ns.cloudflare.com", "bob.ns.cloudflare.com"], &[], &[]),
        &[
            "zone:clinic.lu resolved_by host:amy.ns.cloudflare.com(NameServer Host) dns:clinic.lu NS any:ns tls",
            "zone:clinic.lu resolved_by host:bob.ns.cloudflare.com(NameServer Host) dns:clinic.lu NS any:ns tls",
            "mail:clinic.lu resolved_by zone:clinic.lu() dns:clinic.lu MX tls",
            "mail:clinic.lu sends_to host:mail.clinic.lu(MailExchanger Host) dns:clinic.lu MX",
            "mail:clinic.lu sends_to host:mx.protonmail.ch(MailExchanger Host) dns:clinic.lu MX",
            "zone:clinic.lu resolved_by caa:letsencrypt.org(CaaIssuer) dns:clinic.lu CAA tls",
            "mail:clinic.lu sends_to spf:mailbox.org(SpfInclude) dns:clinic.lu TXT",
            // The hosts that the file names are asked for, too.
            "U012 host:amy.ns.cloudflare.com dns:amy.ns.cloudflare.com CNAME: \
             `amy.ns.cloudflare.com` could not be looked up: the name does not exist",
            "U012 host:bob.ns.cloudflare.com dns:bob.ns.cloudflare.com CNAME: \
             `bob.ns.cloudflare.com` could not be looked up: the name does not exist",
        ],
    );
}

#[test]
fn an_old_zone_file_is_told() {
    let server = Server::start(&[
        ("clinic.lu", Kind::Ns, Reply::Records, &["amy.ns.cloudflare.com"]),
        ("ns1.eurodns.com", Kind::Cname, Reply::Records, &[]),
    ]);
    check(
        &server,
        &facts("clinic.lu", &["ns1.eurodns.com"], &[], &[]),
        &[
            "zone:clinic.lu resolved_by host:amy.ns.cloudflare.com(NameServer Host) dns:clinic.lu NS any:ns-live tls",
            "U013 zone:clinic.lu dns:clinic.lu NS: the file (`x.zone:2`) gives `clinic.lu` the name servers \
             `ns1.eurodns.com`, and a live look-up `amy.ns.cloudflare.com`",
        ],
    );
}

#[test]
fn aliases_are_followed() {
    let server = Server::start(&[
        ("api.vendor.lu", Kind::Cname, Reply::Records, &["edge.vendor.lu"]),
        ("edge.vendor.lu", Kind::Cname, Reply::Records, &["d1.cloudfront.net"]),
        ("d1.cloudfront.net", Kind::Cname, Reply::Records, &[]),
        ("www.own.lu", Kind::Cname, Reply::Records, &["own.lu"]),
        ("own.lu", Kind::Ns, Reply::Records, &[]),
        ("own.lu", Kind::Cname, Reply::Records, &[]),
        ("s1._domainkey.own.lu", Kind::Cname, Reply::Records, &["key.sendgrid.net"]),
        ("key.sendgrid.net", Kind::Cname, Reply::Records, &[]),
    ]);
    check(
        &server,
        &facts("own.lu", &[], &["s1._domainkey.own.lu", "www.own.lu"], &["api.vendor.lu"]),
        &[
            "host:api.vendor.lu resolved_by host:edge.vendor.lu(CanonicalName Host) dns:api.vendor.lu CNAME",
            "host:edge.vendor.lu resolved_by host:d1.cloudfront.net(CanonicalName Host) dns:edge.vendor.lu CNAME",
            "name:s1._domainkey.own.lu sends_to host:key.sendgrid.net(CanonicalName Host) \
             dns:s1._domainkey.own.lu CNAME",
            "name:www.own.lu resolved_by zone:own.lu() dns:www.own.lu CNAME",
            "U008 host:api.vendor.lu dns:api.vendor.lu CNAME: the register knows nobody who runs `api.vendor.lu`; \
             its name leads to `d1.cloudfront.net`, served by Amazon CloudFront",
            "U008 host:edge.vendor.lu dns:edge.vendor.lu CNAME: the register knows nobody who runs `edge.vendor.lu`; \
             its name leads to `d1.cloudfront.net`, served by Amazon CloudFront",
        ],
    );
}

#[test]
fn aliases_end() {
    let long: Vec<(String, String)> = (0..20).map(|at| (format!("l{at}.lu"), format!("l{}.lu", at + 1))).collect();
    let targets: Vec<[&str; 1]> = long.iter().map(|(_, to)| [to.as_str()]).collect();
    let mut table: Vec<(&str, Kind, Reply, &[&str])> = long
        .iter()
        .zip(&targets)
        .map(|((from, _), to)| (from.as_str(), Kind::Cname, Reply::Records, to.as_slice()))
        .collect();
    table.push(("a.lu", Kind::Cname, Reply::Records, &["b.lu"]));
    table.push(("b.lu", Kind::Cname, Reply::Records, &["a.lu"]));
    table.push(("odd.lu", Kind::Cname, Reply::Records, &["\u{1b}[31m x.lu"]));
    let server = Server::start(&table);
    let register = Register::builtin().unwrap();
    let batches = facts("", &[], &[], &["a.lu", "l0.lu", "odd.lu"]);
    let found = look_up(&settings(&server), 100, &batches, &register, &|_| {});
    let failures: Vec<&str> = found.unresolved.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(
        failures,
        [
            "`b.lu`, to which `a.lu` leads, could not be looked up: the alias `a.lu` leads back to itself",
            "`l8.lu`, to which `l0.lu` leads, could not be looked up: there are more than 8 aliases behind each other",
            "`odd.lu` could not be looked up: the answer `\\u{1b}[31m x.lu` is no host name",
        ]
    );
    assert_eq!(found.links.len(), MAX_ALIASES + 1);
}

/// A look-up must not disturb what a file said about the same host: place, clues and layer of the file come first.
#[test]
fn what_the_file_says_comes_first() {
    let server =
        Server::start(&[("a.lu", Kind::Cname, Reply::Records, &["b.lu"]), ("b.lu", Kind::Cname, Reply::Records, &[])]);
    let register = Register::builtin().unwrap();
    let batches = facts("", &[], &[], &["a.lu", "b.lu"]);
    let found = look_up(&settings(&server), 100, &batches, &register, &|_| {});
    let before = batches[0].find("host:a.lu").and_then(|at| batches[0].components.get(at as usize));
    assert_eq!(found.find("host:a.lu").and_then(|at| found.components.get(at as usize)), before);
    let target = &found.components[found.find("host:b.lu").unwrap() as usize];
    let places: Vec<(&str, u32)> = target.evidence.iter().map(|seen| (&*seen.path, seen.line)).collect();
    assert_eq!(places, [("x.zone", 4), ("dns:a.lu CNAME", 0)]);
    let clues: Vec<ClueKind> = target.clues.iter().map(|clue| clue.kind).collect();
    assert_eq!(clues, [ClueKind::Host, ClueKind::CanonicalName]);
    assert_eq!(target.confidence, Confidence::High);
}

#[test]
fn bad_answers_are_not_believed() {
    let check = |reply: Reply, records: &[&str], expect: &str| {
        let server = Server::start(&[("a.lu", Kind::Cname, reply, records)]);
        let mut settings = settings(&server);
        settings.timeout_ms = if reply.is_answered() { TIMEOUT_MS } else { SHORT_MS };
        let answer = Client::new(&settings).look_up(Question { name: "a.lu", kind: Kind::Cname });
        let text = answer.map_or_else(|failed| failed.to_string(), |records| records.join(" "));
        assert_eq!(text.replace(&server.address.to_string(), "SERVER"), expect, "{reply:?}");
    };
    check(Reply::Records, &["b.lu"], "b.lu");
    check(Reply::Truncated, &["b.lu"], "b.lu");
    check(Reply::WithoutEdns, &["b.lu"], "b.lu");
    // What is sent first is a guess of somebody else; the honest answer comes after it.
    check(Reply::AfterWrongId, &["b.lu"], "b.lu");
    check(Reply::AfterGarbage, &["b.lu"], "b.lu");
    check(Reply::WrongId, &[], "what `SERVER` sends does not belong to the question");
    check(Reply::WrongQuestion, &[], "what `SERVER` sends does not belong to the question");
    check(Reply::Garbage, &[], "what `SERVER` sends does not belong to the question");
    check(Reply::Silence, &[], "`SERVER` does not answer within 100 ms");
    check(Reply::TruncatedThenClosed, &[], "`SERVER` cannot be reached: unexpected end of file");
    check(Reply::TruncatedThenSilence, &[], "`SERVER` does not answer within 100 ms");
    check(Reply::TruncatedThenWrongId, &[], "what `SERVER` sends does not belong to the question");
    check(Reply::ServFail, &[], "`SERVER` answers SERVFAIL");
    check(Reply::Refused, &[], "`SERVER` answers REFUSED");
    check(Reply::NoSuchName, &[], "the name does not exist");
    // Records of another name are no answer, whatever they say.
    check(Reply::OtherName, &["b.lu"], "");
}

#[test]
fn the_next_server_is_asked() {
    let broken = Server::start(&[("a.lu", Kind::Cname, Reply::ServFail, &[])]);
    let silent = Server::start(&[("a.lu", Kind::Cname, Reply::Silence, &[])]);
    let right = Server::start(&[("a.lu", Kind::Cname, Reply::Records, &["b.lu"])]);
    let settings = Settings {
        servers: vec![broken.address, silent.address, right.address],
        timeout_ms: 1_000,
        attempts: 2,
        total_ms: 60_000,
    };
    let question = Question { name: "a.lu", kind: Kind::Cname };
    assert_eq!(Client::new(&settings).look_up(question), Ok(vec!["b.lu".to_owned()]));
}

#[test]
fn a_dead_resolver_costs_little() {
    let names: Vec<String> = (0..200).map(|at| format!("h{at}.lu")).collect();
    let hosts: Vec<&str> = names.iter().map(String::as_str).collect();
    let server = Server::start(&[]);
    server.be_silent();
    let settings = Settings { servers: vec![server.address], timeout_ms: SHORT_MS, attempts: 2, total_ms: 60_000 };
    let register = Register::builtin().unwrap();
    let found = look_up(&settings, 1_000, &facts("", &[], &[], &hosts), &register, &|_| {});
    assert_eq!(found.unresolved.len(), 200);
    let given_up =
        found.unresolved.iter().filter(|one| one.message.ends_with("it was not asked for: no server answers"));
    assert!(given_up.count() >= 160);
    // Sixteen at a time, each of them at most twice.
    assert!(server.heard() <= 32, "{}", server.heard());

    let settings = Settings { total_ms: 0, ..settings };
    let found = look_up(&settings, 1_000, &facts("", &[], &[], &["a.lu"]), &register, &|_| {});
    assert!(found.unresolved[0].message.ends_with("took longer than 0 ms"), "{:?}", found.unresolved);
}

#[test]
fn what_is_not_asked() {
    let server = Server::start(&[]);
    check(
        &server,
        &facts(
            "clinic.example",
            &[],
            &["www.clinic.example", "*.clinic.lu"],
            &["10.0.0.1", "8.8.8.8", "db.internal", "logs.example.com", "x.svc.cluster.local"],
        ),
        &["U006 zone:clinic.example dns:clinic.example: \
           `clinic.example` is a reserved or placeholder name and was not looked up"],
    );
    assert_eq!(server.heard(), 0);

    let register = Register::builtin().unwrap();
    let batches = facts("", &[], &[], &["a.lu", "b.lu", "c.lu"]);
    let found = look_up(&settings(&server), 1, &batches, &register, &|_| {});
    let messages: Vec<&str> = found.unresolved.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(messages[1..], ["2 names were not looked up: 1 are at most"]);
    assert_eq!(server.heard(), 1);
}

#[test]
fn settings_of_the_system() {
    let check = |text: &str, servers: &str, timeout_ms: u64, attempts: u32| {
        let settings = Settings::parse(text);
        let found: Vec<String> = settings.servers.iter().map(ToString::to_string).collect();
        let found = (found.join(" "), settings.timeout_ms, settings.attempts);
        assert_eq!(found, (servers.to_owned(), timeout_ms, attempts), "{text}");
    };
    check("", "", 5_000, 2);
    check("# x\nnameserver 9.9.9.9\nsearch a.lu\n", "9.9.9.9:53", 5_000, 2);
    check("nameserver ::1 # y\nnameserver x\noptions ndots:5 timeout:1 attempts:3", "[::1]:53", 1_000, 3);
    check("options timeout:0 attempts:99\noptions timeout:99", "", 30_000, 5);
    let four = "nameserver 1.1.1.1\nnameserver 2.2.2.2\nnameserver 3.3.3.3\nnameserver 4.4.4.4";
    check(four, "1.1.1.1:53 2.2.2.2:53 3.3.3.3:53", 5_000, 2);
}

#[test]
fn resolvers_by_name() {
    let check = |text: &str, expect: Option<&str>| {
        let found = text.parse::<Resolver>().ok();
        assert_eq!(found, expect.map(|address| Resolver::At(address.parse().unwrap())), "{text}");
    };
    check("127.0.0.1:5353", Some("127.0.0.1:5353"));
    check("9.9.9.9", Some("9.9.9.9:53"));
    check("[::1]:53", Some("[::1]:53"));
    check("::1", Some("[::1]:53"));
    check("dns.example", None);
}

proptest! {
    /// Whatever a stranger sends, it is read or refused.
    #[test]
    fn any_message_is_read_or_refused(
        noise in proptest::collection::vec(any::<u8>(), 0..600),
        changes in proptest::collection::vec((0usize..400, any::<u8>()), 0..8),
    ) {
        let kinds = [Kind::Ns, Kind::Mx, Kind::Caa, Kind::Txt, Kind::Cname];
        for kind in kinds {
            let question = Question { name: "a.lu", kind };
            let mut framed = vec![0, 7, 0x80, 0];
            framed.extend(&noise);
            let _ = read(&noise, question, 7);
            let _ = read(&framed, question, 7);
            let texts: &[&str] = if kind == Kind::Caa { &["issue x.lu"] } else { &["v.lu", "w.lu"] };
            let mut honest = message(question, 7, texts);
            prop_assert!(matches!(read(&honest, question, 7), Some(Received::Answer(_))));
            for (at, byte) in &changes {
                let length = honest.len();
                honest[at % length] = *byte;
            }
            let _ = read(&honest, question, 7);
        }
    }
}
