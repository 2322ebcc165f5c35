use super::*;
use allod_facts::{ClueKind, LinkKind, Mitigation};

fn shown(reader: &Reader, all: &[(&str, &str)]) -> Vec<String> {
    let mut files = Files::new();
    for (path, text) in all {
        files.insert(path, text.as_bytes().to_vec());
    }
    let Read::Loaded(read) = reader.read else { panic!("streamed") };
    let mine: Vec<&str> = all.iter().map(|(path, _)| *path).collect();
    let facts = read(&files, &mine);
    let name = |at: u32| {
        let component = facts.components.get(at as usize).unwrap();
        let clue = component.clues.first().filter(|clue| clue.kind != ClueKind::Host);
        clue.map_or(component.id.to_string(), |clue| format!("{}({:?})", component.id, clue.kind))
    };
    let mut shown: Vec<String> = facts
        .links
        .iter()
        // That a name depends on its zone is shown once, below.
        .filter(|link| !(link.kind == LinkKind::ResolvedBy && name(link.to).starts_with("zone:")))
        .map(|link| {
            let any = link.any_of.as_ref().map_or(String::new(), |group| format!(" any:{group}"));
            let plain = if link.mitigations.contains(&Mitigation::TlsPassesThrough) { " tls" } else { "" };
            let line = link.evidence.first().unwrap().line;
            format!("{} {} {} {line}{any}{plain}", name(link.from), link.kind.name(), name(link.to))
        })
        .collect();
    shown.extend(facts.components.iter().filter(|one| &*one.kind == "zone").map(|one| {
        let seen = one.evidence.first().unwrap();
        format!("{} {}-{}", one.id, seen.line, seen.end_line)
    }));
    shown.extend(facts.unresolved.iter().map(|one| format!("{} {}", one.code, one.evidence.line)));
    shown.extend(facts.diagnostics.iter().map(|one| format!("{} {}", one.code, one.line)));
    shown
}

const CLINIC: &str = "; registrar: Gandi SAS
$ORIGIN clinic.lu.
$TTL 1h
@ IN SOA ns.cloudflare.com. dns.clinic.lu. (
    1 ; serial
    2h 1h 1w 1h )
  IN NS amy.ns.cloudflare.com.
  NS ns1
  MX 10 mx.protonmail.ch.
@ 300 IN TXT \"v=spf1 include:_spf.google.com \" \"ip4:9.9.9.9 -all\"
  CAA 0 issue \"letsencrypt.org\"
ns1 A 9.9.9.10
www IN 300 CNAME d1.cloudfront.net.
app A 10.0.0.1
api CNAME www
_dmarc TXT \"v=DMARC1; p=none; rua=mailto:x@dmarc.vendor.eu\"
k._domainkey CNAME k.dkim.mailer.eu.
";

#[test]
fn a_zone() {
    assert_eq!(
        shown(&ZONE, &[("clinic.zone", CLINIC)]),
        [
            "zone:clinic.lu resolved_by host:amy.ns.cloudflare.com(NameServer) 7 any:ns tls",
            "zone:clinic.lu resolved_by name:ns1.clinic.lu 8 any:ns tls",
            "mail:clinic.lu sends_to host:mx.protonmail.ch(MailExchanger) 9",
            "mail:clinic.lu sends_to spf:_spf.google.com(SpfInclude) 10",
            "mail:clinic.lu sends_to host:9.9.9.9 10",
            "zone:clinic.lu resolved_by caa:letsencrypt.org(CaaIssuer) 11 tls",
            "name:ns1.clinic.lu resolved_by host:9.9.9.10 12",
            "name:www.clinic.lu resolved_by host:d1.cloudfront.net(CanonicalName) 13",
            "name:api.clinic.lu resolved_by name:www.clinic.lu 15",
            "mail:clinic.lu sends_to host:dmarc.vendor.eu 16",
            "mail:clinic.lu sends_to host:k.dkim.mailer.eu(CanonicalName) 17",
            "zone:clinic.lu resolved_by registrar:clinic.lu(Name) 1 tls",
            "zone:clinic.lu 4-6",
        ]
    );
}

#[test]
fn includes_and_broken_zones() {
    assert_eq!(
        shown(
            &ZONE,
            &[
                ("a.lu.zone", "@ NS ns.b.eu.\n$INCLUDE sub.inc sub\nx CNAME y.c.eu.\n"),
                ("sub.inc", "w CNAME v.d.eu.\n")
            ]
        ),
        [
            "zone:a.lu resolved_by host:ns.b.eu(NameServer) 1 any:ns tls",
            "name:w.sub.a.lu resolved_by host:v.d.eu(CanonicalName) 1",
            "name:x.a.lu resolved_by host:y.c.eu(CanonicalName) 3",
            "zone:a.lu 1-1",
        ]
    );
    assert_eq!(
        shown(&ZONE, &[("a.lu.zone", "$INCLUDE a.lu.zone\n@ NS ns.b.eu. (\n")]),
        ["zone:a.lu resolved_by host:ns.b.eu(NameServer) 2 any:ns tls", "zone:a.lu 2-2", "D004 2", "D007 1",]
    );
    assert_eq!(shown(&ZONE, &[("a.lu.zone", "what is this\n")]), ["D004 1"]);
}

#[test]
fn octodns() {
    let config = "providers:\n  config: {class: octodns.provider.yaml.YamlProvider}\n  r53:\n    class: octodns_route53.Route53Provider\n  cloudflare:\n    class: octodns_cloudflare.CloudflareProvider\nzones:\n  '*':\n    sources: [config]\n    targets: [cloudflare, r53]\n";
    let zone = "'':\n  - type: MX\n    values:\n      - {preference: 10, exchange: mx.mailbox.org.}\nwww:\n  type: CNAME\n  value: clinic.netlify.app.\n  octodns:\n    cloudflare: {proxied: true}\n";
    assert_eq!(
        shown(&OCTODNS, &[("config/clinic.lu.yaml", zone), ("production.yaml", config)]),
        [
            "zone:clinic.lu resolved_by octodns:production.yaml#cloudflare(Kubernetes) 8 any:ns tls",
            "zone:clinic.lu resolved_by octodns:production.yaml#r53(Kubernetes) 8 any:ns tls",
            "mail:clinic.lu sends_to host:mx.mailbox.org(MailExchanger) 4",
            "name:www.clinic.lu resolved_by host:clinic.netlify.app(CanonicalName) 7",
            "name:www.clinic.lu resolved_by octodns:production.yaml#cloudflare(Kubernetes) 7",
            "zone:clinic.lu 8-10",
        ]
    );
}

#[test]
fn who_stands_behind_the_apex_holds_nothing_over_the_zone() {
    let zone =
        "$ORIGIN a.lu.\n@ NS ns.b.eu.\n@ A 9.9.9.9\n@ ALIAS d1.cloudfront.net.\n@ MX 10 a.lu.\nx MX 5 mx.c.eu.\n";
    assert_eq!(
        shown(&ZONE, &[("a.lu.zone", zone)]),
        [
            "zone:a.lu resolved_by host:ns.b.eu(NameServer) 2 any:ns tls",
            "name:a.lu resolved_by host:9.9.9.9 3",
            "name:a.lu resolved_by host:d1.cloudfront.net(CanonicalName) 4",
            "mail:a.lu sends_to name:a.lu 5",
            "mail:x.a.lu sends_to host:mx.c.eu(MailExchanger) 6",
            "zone:a.lu 1-1",
        ]
    );
}

#[test]
fn aliases_of_route_53() {
    let zone = "'':\n  type: Route53Provider/ALIAS\n  value:\n    hosted-zone-id: Z2FD\n    name: d1.cloudfront.net.\n    type: A\n";
    assert_eq!(
        shown(&OCTODNS, &[("a.lu.yaml", zone)]),
        ["name:a.lu resolved_by host:d1.cloudfront.net(CanonicalName) 5", "zone:a.lu 1-1"]
    );
}

#[test]
fn recognised_by_content() {
    assert!(is_zone_text("$TTL 3600\n"));
    assert!(is_zone_text("clinic.lu. 300 IN SOA a. b. 1 2 3 4 5\n"));
    assert!(!is_zone_text("$TTL = 5;\n"));
    assert!(!is_zone_text("IN the SOA of things\n"));
    assert!(is_octodns("config/clinic.lu.yaml", "'':\n  type: A\n  value: 1.2.3.4\n"));
    assert!(!is_octodns("values.prod.yaml", "a: b\n"));
    assert!(is_octodns("p.yaml", "providers:\n  a:\n    class: octodns_x.Y\nzones:\n  a.lu.:\n"));
}
