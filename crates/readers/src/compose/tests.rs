use super::*;
use allod_facts::Mitigation;

fn facts_of(all: &[(&str, &str)]) -> Facts {
    let mut files = Files::new();
    for (path, text) in all {
        files.insert(path, text.as_bytes().to_vec());
    }
    let mine: Vec<&str> = all.iter().map(|(path, _)| *path).filter(|path| path.ends_with("yaml")).collect();
    read(&files, &mine)
}

/// Links as `from kind to lines`, then what is unresolved and wrong.
fn check(all: &[(&str, &str)], expect: &[&str]) {
    let facts = facts_of(all);
    let name = |at: u32| facts.components.get(at as usize).map_or("?", |component| &component.id);
    let short = |id: &str| id.strip_prefix("compose:").map_or(id.to_owned(), |rest| rest.to_owned());
    let mut shown: Vec<String> = facts
        .links
        .iter()
        .map(|link| {
            let lines: Vec<String> = link.evidence.iter().map(|seen| seen.line.to_string()).collect();
            let mut shown =
                format!("{} {} {} {}", short(name(link.from)), link.kind.name(), short(name(link.to)), lines.join(","));
            if link.mitigations.contains(&Mitigation::NotRequired) {
                shown.push_str(" optional");
            }
            shown
        })
        .collect();
    shown.extend(facts.unresolved.iter().map(|one| format!("{} {}", one.code, one.evidence.line)));
    shown.extend(facts.diagnostics.iter().map(|one| format!("{} {}", one.code, one.line)));
    assert_eq!(shown, expect, "{all:?}");
}

#[test]
fn images_and_environment() {
    check(
        &[
            (".env", "TAG=16\nMODEL_URL=https://api.mistral.ai/v1\n"),
            (
                "compose.yaml",
                "services:\n  app:\n    image: registry.clinic.lu/app:${TAG}\n    environment:\n      DB_HOST: db\n      MODEL_URL:\n      LOG_URL: ${LOG_URL:-https://in.logs.betterstack.com}\n    healthcheck:\n      test: [CMD, curl, http://db:80/]\n  db:\n    image: postgres:16@sha256:00\n",
            ),
        ],
        &[
            "compose.yaml#app built_from image:registry.clinic.lu/app:16 3,1",
            "compose.yaml#app sends_to compose.yaml#db 9",
            "compose.yaml#app sends_to compose.yaml#db 5",
            "compose.yaml#app sends_to host:api.mistral.ai 6,2",
            "compose.yaml#app sends_to host:in.logs.betterstack.com 7 optional",
            "compose.yaml#db built_from image:docker.io/library/postgres:16@sha256:00 11",
        ],
    );
}

#[test]
fn an_aws_client_against_a_local_store_is_no_use_of_aws() {
    check(
        &[(
            "compose.yaml",
            "services:\n  store:\n    image: zenko/cloudserver\n  make:\n    image: amazon/aws-cli\n    environment:\n      - AWS_ACCESS_KEY_ID=x\n      - AWS_SECRET_ACCESS_KEY=y\n    command: aws s3api create-bucket --endpoint-url http://store:8000\n",
        )],
        &[
            "compose.yaml#store built_from image:docker.io/zenko/cloudserver 3",
            "compose.yaml#make built_from image:docker.io/amazon/aws-cli 5",
            "compose.yaml#make sends_to compose.yaml#store 9",
        ],
    );
    check(
        &[("compose.yaml", "services:\n  make:\n    image: a\n    environment:\n      - AWS_ACCESS_KEY_ID=x\n")],
        &["compose.yaml#make built_from image:docker.io/library/a 3", "U007 5"],
    );
}

#[test]
fn files_that_belong_together() {
    check(
        &[
            ("base.yaml", "services:\n  base:\n    environment:\n      API_URL: https://api.clinic.lu\n"),
            (
                "compose.yaml",
                "include:\n  - sub/compose.yaml\nservices:\n  app:\n    extends: {file: base.yaml, service: base}\n    image: a\n    environment: {OTHER_URL: 'http://other:80'}\n",
            ),
            ("compose.override.yaml", "services:\n  app:\n    image: b\n"),
            ("sub/compose.yaml", "services:\n  other:\n    build: .\n    profiles: [debug]\n"),
            ("sub/Dockerfile", "FROM scratch\n"),
        ],
        &[
            "base.yaml#base sends_to host:api.clinic.lu 4",
            "compose.yaml#app built_from image:docker.io/library/b 3",
            "compose.yaml#app sends_to host:api.clinic.lu 4",
            "compose.yaml#app sends_to sub/compose.yaml#other 7",
            "sub/compose.yaml#other built_from dockerfile:sub/Dockerfile 3",
        ],
    );
    check(&[("compose.yaml", "services:\n  a: {extends: b}\n  b: {extends: a}\n")], &["D007 2", "D007 3"]);
    check(&[("compose.yaml", "services:\n  a: {extends: {file: none.yaml}, image: $X}\n")], &["U001 2", "D008 2"]);
}

#[test]
fn models_logs_and_volumes() {
    check(
        &[(
            "compose.yaml",
            "services:\n  app:\n    image: a\n    models: [llm]\n    logging:\n      driver: awslogs\n      options: {awslogs-region: eu-west-1}\n    volumes: [data:/d]\nmodels:\n  llm:\n    model: ai/smollm2\nvolumes:\n  data:\n    driver: local\n    driver_opts: {type: nfs, o: 'addr=nfs.clinic.lu,rw'}\n",
        )],
        &[
            "compose.yaml#app built_from image:docker.io/library/a 3",
            "compose.yaml#volumes/data stores_in host:nfs.clinic.lu 15",
            "compose.yaml#app stores_in compose.yaml#volumes/data 8",
            "compose.yaml#app sends_to compose.yaml#app/logging 5 optional",
            "compose.yaml#app built_from image:docker.io/ai/smollm2 4",
        ],
    );
}

#[test]
fn bad_input_is_told() {
    check(&[("compose.yaml", "services:\n  a: [\n")], &["D004 3"]);
    let facts = facts_of(&[("compose.yaml", "services: 3\nvolumes: [x]\nmodels: {a: [b]}\n")]);
    assert!(facts.links.is_empty());
}

#[test]
fn build_arguments_decide_images() {
    check(
        &[
            (".env", "BASE=quay.io/x/base:1\n"),
            ("compose.yaml", "services:\n  app:\n    build:\n      context: .\n      args:\n        IMAGE: ${BASE}\n"),
            ("Dockerfile", "ARG IMAGE\nFROM ${IMAGE}\n"),
        ],
        &[
            "compose.yaml#app built_from dockerfile:Dockerfile 3",
            "compose.yaml#app built_from image:quay.io/x/base:1 6,1",
        ],
    );
}

#[test]
fn labels_and_records() {
    let check = |all: &[(&str, &str)], expect: &str| {
        let facts = facts_of(all);
        let one = facts.components.iter().find(|one| &*one.kind == "service").unwrap();
        let mut shown: Vec<String> =
            one.labels.iter().flat_map(|all| all.iter()).map(|(key, value)| format!("{key}={value}")).collect();
        shown.extend(one.records.iter().map(|one| format!("{:?} {:?} @{}", one.kind, one.days, one.evidence.line)));
        assert_eq!(shown.join(" "), expect, "{all:?}");
    };
    let service = |more: &str| format!("services:\n  a:\n    image: a.lu/b:1\n{more}");
    let one = |more: &str, expect: &str| check(&[("compose.yaml", &service(more))], expect);
    one("    labels:\n      b: two\n      a: 1\n", "a=1 b=two");
    one("    labels:\n      - b=two=2\n      - a\n", "a= b=two=2");
    one("    labels:\n      - a=${MISSING}\n      - b=${MISSING:-x}\n", "b=x");
    one("    labels:\n      traefik.http.middlewares.m.basicauth.users: me:x\n", "");
    check(
        &[
            (".env", "TEAM=records\n"),
            ("compose.yaml", &service("    labels:\n      team: ${TEAM}\n      env: dev\n")),
            ("compose.override.yaml", "services:\n  a:\n    labels: [env=prod]\n"),
        ],
        "env=prod team=records",
    );
    let run = |image: &str, command: &str, expect: &str| {
        let text = format!("services:\n  a:\n    image: {image}\n    command: {command}\n");
        check(&[("compose.yaml", &text)], expect);
    };
    run("traefik:v3", "[--api, --accesslog=true]", "AccessLog None @4");
    run("postgres:16", "postgres -c log_statement=all", "AccessLog None @4");
    run("grafana/loki:3", "-compactor.retention-enabled=true -store.retention=90d", "LogStore Some(90) @4");
    run("grafana/loki:3", "-config.file=/x", "LogStore None @3");
    run("a.lu/b:1", "serve", "");
}
