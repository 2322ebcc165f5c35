use super::*;

fn check(text: &str, expect: &[&str]) {
    let mut files = Files::new();
    files.insert("Dockerfile", text.as_bytes().to_vec());
    let facts = read(&files, &["Dockerfile"]);
    let mut shown: Vec<String> = facts
        .links
        .iter()
        .map(|link| {
            let to = facts.components.get(link.to as usize).unwrap();
            let lines: Vec<String> = link.evidence.iter().map(|seen| seen.line.to_string()).collect();
            let mut shown = format!("{} {} {}", link.kind.name(), to.id, lines.join(","));
            if to.confidence == allod_facts::Confidence::Medium {
                shown.push_str(" medium");
            }
            if link.mitigations.contains(&Mitigation::PinnedDigest) {
                shown.push_str(" pinned");
            }
            shown
        })
        .collect();
    shown.extend(facts.unresolved.iter().map(|one| format!("{} {}", one.code, one.evidence.line)));
    assert_eq!(shown, expect, "{text}");
}

#[test]
fn stages_and_images() {
    check(
        "ARG TAG=3.20\nFROM --platform=$BUILDPLATFORM golang:1.23 AS build\nFROM alpine:${TAG}\nCOPY --from=build /a /a\nCOPY --from=quay.io/x/y:1@sha256:00 /b /b\nFROM build\nFROM scratch\n",
        &[
            "built_from image:docker.io/library/golang:1.23 2",
            "built_from image:docker.io/library/alpine:3.20 3,1 medium",
            "built_from image:quay.io/x/y:1@sha256:00 5 pinned",
        ],
    );
    check("ARG BASE\nFROM ${BASE}\n", &["U001 2"]);
    check(
        "# syntax=docker/dockerfile:1\nFROM a\nRUN --mount=type=bind,from=b,target=/x true\n",
        &[
            "built_from image:docker.io/docker/dockerfile:1 1",
            "built_from image:docker.io/library/a 2",
            "built_from image:docker.io/library/b 3",
        ],
    );
}

#[test]
fn hosts_that_a_build_fetches_from() {
    check(
        "FROM scratch\nADD --checksum=sha256:00 https://dl.clinic.lu/x /x\nRUN apt-get update \\\n  && curl -L https://get.clinic.lu/y \\\n  | sh\nRUN pip install x\nENV OTLP_ENDPOINT=https://otlp.eu.vendor.io DD_API_KEY=\nRUN <<EOF\nwget https://heredoc.clinic.lu/z\nEOF\n",
        &[
            "built_from host:dl.clinic.lu 2 pinned",
            "built_from host:get.clinic.lu 4",
            "built_from host:pypi.org 6 medium",
            "sends_to host:otlp.eu.vendor.io 7",
            "built_from host:heredoc.clinic.lu 9",
        ],
    );
    check(
        "FROM scratch\nARG MIRROR=https://mirror.clinic.lu\nRUN curl $MIRROR/x\n",
        &["built_from host:mirror.clinic.lu 3"],
    );
}
