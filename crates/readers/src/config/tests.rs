use super::*;
use allod_facts::Mitigation;

fn check(path: &str, text: &str, expect: &[&str]) {
    let mut files = Files::new();
    files.insert(path, text.as_bytes().to_vec());
    let facts = read(&files, &[path]);
    let mut shown: Vec<String> = facts
        .links
        .iter()
        .map(|link| {
            let to = facts.components.get(link.to as usize).unwrap();
            let mut shown = format!("{} {} {}", link.kind.name(), to.id, link.evidence.first().unwrap().line);
            if to.confidence == Confidence::Medium {
                shown.push_str(" medium");
            }
            if link.mitigations.contains(&Mitigation::NotRequired) {
                shown.push_str(" optional");
            }
            shown
        })
        .collect();
    shown.extend(facts.unresolved.iter().map(|one| format!("{} {}", one.code, one.evidence.line)));
    shown.extend(facts.diagnostics.iter().map(|one| format!("{} {}", one.code, one.line)));
    assert_eq!(shown, expect, "{path}: {text}");
}

#[test]
fn environment_files() {
    check(
        ".env",
        "# c\nDB_HOST=db\nAPI=https://api.scw.cloud/x\nSENTRY_DSN=\nSTRIPE_SECRET_KEY=sk\nAWS_ACCESS_KEY_ID=x\n",
        &["sends_to host:api.scw.cloud 3", "sends_to env:.env#STRIPE_SECRET_KEY 5", "U007 6"],
    );
    check(".env.example", "MAIL_HOST=smtp.mailjet.com\n", &["sends_to host:smtp.mailjet.com 1 medium"]);
    check(".env", "DEBUG=true\nNAME=a.b\n", &[]);
}

#[test]
fn application_settings() {
    check(
        "application.yml",
        "spring:\n  datasource:\n    url: jdbc:postgresql://${DB:db.clinic.lu}:5432/x\n  mail:\n    host: smtp.clinic.lu\nlogging:\n  loki:\n    url: https://logs.vendor.eu\n",
        &[
            "sends_to host:db.clinic.lu 3 medium",
            "sends_to host:smtp.clinic.lu 5",
            "sends_to host:logs.vendor.eu 8 optional",
        ],
    );
    check(
        "application.properties",
        "a.url=${URL:https://x.clinic.lu}\nb.url=${B_URL}\n",
        &["sends_to host:x.clinic.lu 1 medium", "sends_to endpoint:application.properties#b.url 2", "U001 2"],
    );
}

#[test]
fn destinations_that_come_from_outside() {
    let text = "vault:\n  uri: ${VAULT_URI}\n  backend: ${VAULT_BACKEND}x\n  role: ${ROLE}\n";
    check("application.yml", text, &["sends_to endpoint:application.yml#uri 2", "U001 2"]);
}

#[test]
fn what_is_no_destination() {
    check(
        "config.yaml",
        "homepage: https://a.lu\nfile: main.py\nversion: 1.2.3.4\nemail: a@b.lu\nname: c.d.lu\nclass: org.postgresql.Driver\nurl: https://docs.e.lu/x.html\nlocal: http://localhost:80\ninside: http://db:80\n$schema: https://f.lu/s\ndescription: see https://g.lu for more\nlinks:\n  issues: https://h.lu\n",
        &[],
    );
    check("x.json", "{\"openapi\": \"3\", \"servers\": [{\"url\": \"https://a.lu\"}]}", &[]);
    check("locales/de.json", "{\"url\": \"https://a.lu\"}", &[]);
    check("x.toml", "host = \"api.clinic.lu\"\nfile = \"a.lu\"\n", &["sends_to host:api.clinic.lu 1"]);
}

#[test]
fn agents() {
    check(
        ".mcp.json",
        "{\"mcpServers\": {\n \"a\": {\"url\": \"https://mcp.vendor.eu/sse\"},\n \"b\": {\"command\": \"npx\", \"args\": [\"-y\", \"@acme/files@1.2\", \"/data\"]},\n \"c\": {\"command\": \"docker\", \"args\": [\"run\", \"-i\", \"ghcr.io/acme/c:1\"]},\n \"d\": {\"command\": \"./own\"}\n}}",
        &[
            "built_from package:npm/@acme/files 3",
            "built_from image:ghcr.io/acme/c:1 4",
            "sends_to host:mcp.vendor.eu 2",
            "U007 5",
        ],
    );
    check("agent.yaml", "model: mistral-small\n", &["U007 1"]);
    check(
        "agent.yaml",
        "model: mistral-small\nbase_url: https://llm.clinic.lu/v1\n",
        &["sends_to host:llm.clinic.lu 2"],
    );
    check("agent.yaml", "model: gpt-4o\nprovider: openai\n", &["sends_to model:agent.yaml#openai 1 medium"]);
    check("car.yaml", "model: golf\n", &[]);
}

#[test]
fn broken_files() {
    check("a.yaml", "a: [\n", &["D004 2"]);
    check("a.yaml", "a: {{ x }}\nb: [\n", &[]);
    check("a.json", "// c\n{}", &[]);
}

#[test]
fn data_is_no_configuration() {
    let record = |at: usize| format!("- {{name: n{at}, endpoint: 'https://h{at}.lu'}}\n");
    let list: String = (0..9).map(record).collect();
    check("x.yaml", &list, &["U010 1"]);
    check("x.yaml", &record(1), &["sends_to host:h1.lu 1"]);
    let map: String = (0..40).map(|at| format!("k{at}: https://h{at}.lu\n")).collect();
    check("x.yaml", &map, &["U010 1"]);
    check(
        "x.toml",
        "Name = 'A'\nDescription = ''\nURL = 'https://a.lu'\napi_url = 'https://b.lu'\n",
        &["sends_to host:b.lu 4"],
    );
}

#[test]
fn files_of_a_catalogue_and_of_languages_are_data() {
    let read_tree = |folder: &str, names: &dyn Fn(usize) -> String| {
        let mut files = Files::new();
        for at in 0..40 {
            files.insert(&format!("{folder}/{}", names(at)), b"{\"api\": \"https://a.lu\"}".to_vec());
        }
        let paths: Vec<String> = files.paths().map(str::to_owned).collect();
        let mut facts = Facts::new();
        paths.iter().for_each(|path| facts.absorb(read(&files, &[path])));
        (facts.links.len(), facts.unresolved.len())
    };
    assert_eq!(read_tree("terms", &|at| format!("t{at}.json")), (0, 1));
    assert_eq!(read_tree("providers", &|at| format!("p{at}/p{at}.json")), (0, 0));
    assert_eq!(read_tree("env", &|at| format!("t{at}.json")), (40, 0));
    assert_eq!(read_tree("texts", &|at| format!("a{}.json", char::from(b'a' + (at % 26) as u8))), (0, 0));
}
