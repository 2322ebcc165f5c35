use super::*;
use crate::Reader;

fn facts_of(reader: &Reader, text: &str) -> Facts {
    let mut files = Files::new();
    files.insert("bom.json", text.as_bytes());
    let Read::Loaded(read) = reader.read else { panic!("not loaded") };
    read(&files, &["bom.json"])
}

#[track_caller]
fn check(reader: &Reader, text: &str, expect: &[&str]) {
    let facts = facts_of(reader, text);
    let id = |at: u32| facts.components[at as usize].id.trim_start_matches("sbom:bom.json").to_owned();
    let mut lines = Vec::new();
    for (at, component) in facts.components.iter().enumerate() {
        let clues: Vec<_> = component.clues.iter().map(|clue| clue.text.to_string()).collect();
        let place = component.place.as_ref().and_then(|place| place.region.clone());
        let seen: Vec<_> = component.evidence.iter().map(|seen| seen.line.to_string()).collect();
        lines.push(format!(
            "{} {:?} {} [{}] {} {:?} @{}",
            id(at as u32),
            component.role,
            component.layer.name(),
            clues.join(", "),
            place.as_deref().unwrap_or("-"),
            component.confidence,
            seen.join(","),
        ));
    }
    for link in &facts.links {
        let data: Vec<_> = link.data.iter().map(|class| &**class).collect();
        lines.push(
            format!("{} {} {} {}", id(link.from), link.kind.name(), id(link.to), data.join(",")).trim_end().to_owned(),
        );
    }
    lines.extend(facts.unresolved.iter().map(|u| format!("{} {} @{}", u.code, u.message, u.evidence.line)));
    lines.extend(facts.diagnostics.iter().map(|d| format!("{} {} @{}", d.code, d.message, d.line)));
    assert_eq!(lines, expect, "\n{}", lines.join("\n"));
}

#[test]
fn declared_clouds_and_an_operating_system() {
    check(
        &CYCLONEDX,
        r#"{
  "bomFormat": "CycloneDX", "specVersion": "1.5",
  "metadata": {"component": {
    "type": "application", "name": "records",
    "properties": [
      {"name": "acme.deployment.cloud",
       "value": "ovhcloud"},
      {"name": "acme.deployment.cloud.region",
       "value": "GRA, SBG"},
      {"name": "acme.owner", "value": "x"}, {"name": "cdx:device:location", "value": "board"}
    ]}},
  "components": [{
    "type": "operating-system", "bom-ref": "os",
    "name": "SUSE Linux Enterprise Server",
    "supplier": {
      "name": "SUSE"}}]
}"#,
        &[
            "# Own application [] - High @4",
            "#cloud:ovhcloud:GRA Provided cloud [ovhcloud] GRA High @7,9",
            "#cloud:ovhcloud:SBG Provided cloud [ovhcloud] SBG High @7,9",
            "#os Artefact os [suse linux enterprise server, suse] - High @14,16",
            "# runs_on #cloud:ovhcloud:GRA",
            "# runs_on #cloud:ovhcloud:SBG",
            "# built_from #os",
        ],
    );
    check(
        &CYCLONEDX,
        r#"{"specVersion": "1.9", "properties": [{"name": "region", "value": "x"}, {"name": "cloud", "value": "none"}]}"#,
        &[
            "# Own application [] - High @1",
            "U007 the region `x` is declared, and no cloud that it belongs to @1",
            "D010 CycloneDX version `1.9` is not known @1",
        ],
    );
}

#[test]
fn services_and_their_data() {
    check(
        &CYCLONEDX,
        r#"{
"specVersion": "1.6",
"metadata": {"supplier": {"name": "Clinic"}, "component": {"bom-ref": "app", "name": "portal"}},
"services": [
 {"bom-ref": "pay", "name": "Payments", "provider": {"name": "Stripe"},
  "endpoints": ["https://api.stripe.com/v1?key=s3cret"], "x-trust-boundary": true,
  "data": [{"classification": "Billing", "flow": "outbound"}]},
 {"bom-ref": "db", "name": "Records", "x-trust-boundary": false, "endpoints": ["tcp://db:5432"]},
 {"bom-ref": "own", "name": "Portal API", "provider": {"name": "Clinic"}},
 {"bom-ref": "who", "name": "Mystery", "endpoints": ["https://<redacted>/"]},
 {"bom-ref": "ex", "name": "Sample", "provider": {"name": "Someone"}, "endpoints": ["https://api.example.com"]}
],
"dependencies": [{"ref": "own", "dependsOn": ["pay", "db"]}]
}"#,
        &[
            "# Own application [] - High @3",
            "#pay Provided unclassified [api.stripe.com, stripe, payments] - High @5,6",
            "#db Own application [] - High @8",
            "#own Own application [] - High @9",
            "#who Provided unclassified [mystery] - High @10",
            "#ex Provided unclassified [someone, sample] - High @11",
            "#own sends_to #pay billing",
            "#own sends_to #db",
            "# sends_to #own",
            "# sends_to #who",
            "# sends_to #ex",
            "U006 the endpoint of the service `Mystery` is redacted, a placeholder or no address @10",
            "U006 the endpoint of the service `Sample` is redacted, a placeholder or no address @11",
        ],
    );
}

#[test]
fn libraries_images_models_and_packages_of_a_distribution() {
    check(
        &CYCLONEDX,
        r#"{"specVersion": "1.6", "metadata": {"component": {"bom-ref": "r", "name": "r"}}, "components": [
{"type": "library", "bom-ref": "a", "name": "sentry", "purl": "pkg:npm/%40sentry/node@7", "publisher": "Sentry"},
{"type": "library", "bom-ref": "b", "name": "x", "purl": "pkg:maven/g/x@1?repository_url=https://maven.acme.eu"},
{"type": "container", "bom-ref": "c", "name": "ghcr.io/acme/api", "version": "sha256:00"},
{"type": "library", "name": "openssl", "purl": "pkg:deb/debian/openssl@3"},
{"type": "library", "name": "zlib", "purl": "pkg:deb/debian/zlib@1"},
{"type": "machine-learning-model", "name": "Mistral-7B", "purl": "pkg:huggingface/mistralai/Mistral-7B@1"},
{"type": "file", "name": "a.txt"},
{"type": "library", "name": "left", "purl": "pkg:npm/left@1"}
], "dependencies": [{"ref": "a", "dependsOn": ["b"]}, {"ref": "r", "dependsOn": ["a", "c"]}]}"#,
        &[
            "# Own application [] - High @1",
            "package:npm/@sentry/node Artefact packages [@sentry/node, sentry] - Low @2",
            "host:registry.npmjs.org Provided unclassified [registry.npmjs.org] - Medium @2",
            "package:maven/g:x Artefact packages [g:x] - Low @3",
            "host:maven.acme.eu Provided unclassified [maven.acme.eu] - High @3",
            "image:ghcr.io/acme/api@sha256:00 Artefact registry [ghcr.io/acme/api] - High @4",
            "package:deb/debian Artefact os [debian] - High @5",
            "model:huggingface.co/mistralai/Mistral-7B Artefact ai-model [huggingface.co] - High @7",
            "host:huggingface.co Provided unclassified [huggingface.co] - High @7",
            "package:npm/left Artefact packages [left] - Low @9",
            "# built_from package:npm/@sentry/node",
            "package:npm/@sentry/node built_from host:registry.npmjs.org",
            "# built_from host:registry.npmjs.org",
            "# built_from package:maven/g:x",
            "package:maven/g:x built_from host:maven.acme.eu",
            "# built_from host:maven.acme.eu",
            "# built_from image:ghcr.io/acme/api@sha256:00",
            "# built_from package:deb/debian",
            "model:huggingface.co/mistralai/Mistral-7B built_from host:huggingface.co",
            "# built_from host:huggingface.co",
            "# built_from model:huggingface.co/mistralai/Mistral-7B",
            "# built_from package:npm/left",
            "package:npm/left built_from host:registry.npmjs.org",
        ],
    );
}

#[test]
fn spdx() {
    check(
        &SPDX,
        r#"{
"spdxVersion": "SPDX-2.3", "name": "doc", "documentDescribes": ["SPDXRef-app"],
"packages": [
 {"SPDXID": "SPDXRef-app", "name": "records"},
 {"SPDXID": "SPDXRef-a", "name": "flask", "supplier": "Organization: Pallets (mail@x)",
  "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/Flask@3"}]},
 {"SPDXID": "SPDXRef-os", "name": "RHEL", "primaryPackagePurpose": "OPERATING-SYSTEM", "supplier": "Organization: Red Hat"},
 {"SPDXID": "SPDXRef-z", "name": "tool", "downloadLocation": "git+https://codeberg.org/a/tool", "supplier": "Person: X"}
],
"relationships": [{"spdxElementId": "SPDXRef-app", "relationshipType": "DEPENDS_ON", "relatedSpdxElement": "SPDXRef-a"}]
}"#,
        &[
            "# Own application [] - High @4",
            "package:pypi/flask Artefact packages [flask, pallets] - Low @5,6",
            "host:pypi.org Provided unclassified [pypi.org] - Medium @5,6",
            "#SPDXRef-os Artefact os [rhel, red hat] - High @7",
            "#SPDXRef-z Artefact packages [tool] - Low @8",
            "host:codeberg.org Provided unclassified [codeberg.org] - High @8",
            "# built_from package:pypi/flask",
            "package:pypi/flask built_from host:pypi.org",
            "# built_from host:pypi.org",
            "# built_from #SPDXRef-os",
            "# built_from #SPDXRef-z",
            "#SPDXRef-z built_from host:codeberg.org",
            "# built_from host:codeberg.org",
        ],
    );
    check(&SPDX, r#"{"@graph": []}"#, &["D010 SPDX version `3` is not read @1"]);
}

#[test]
fn broken_bills_are_one_diagnostic() {
    check(&CYCLONEDX, "{\n\"components\": [", &["D004 EOF while parsing a list @2"]);
    check(&CYCLONEDX, "[]", &["D011 the bill of materials is no object @1"]);
    check(&SPDX, &"[".repeat(100_000), &["D005 recursion limit exceeded @1"]);
    let text = r#"{"specVersion": "1.5", "services": [{"name": 1, "endpoints": {"a": []}, "data": "x"}], "components": {"purl": "pkg:"}}"#;
    let spdx = text.replace("specVersion\": \"1.5", "spdxVersion\": \"SPDX-2.3");
    for cut in 0..text.len() {
        facts_of(&CYCLONEDX, text.get(..cut).unwrap());
        facts_of(&SPDX, spdx.get(..cut).unwrap());
    }
    facts_of(&SPDX, &spdx);
    facts_of(&CYCLONEDX, text);
}

#[test]
fn where_parts_are_fetched_from() {
    check(
        &CYCLONEDX,
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
  {"type": "machine-learning-model", "name": "acme-7b", "externalReferences": [
    {"type": "website", "url": "https://acme.example"},
    {"type": "distribution",
     "url": "https://models.acme.eu/acme-7b"}]},
  {"type": "library", "name": "left", "purl": "pkg:npm/left@1", "externalReferences": [
    {"type": "distribution", "url": "https://codeberg.org/acme/left.tgz"}]}
]}"#,
        &[
            "# Own application [] - High @1",
            "#acme-7b Artefact ai-model [acme-7b] - High @2",
            "host:models.acme.eu Provided unclassified [models.acme.eu] - High @5",
            "package:npm/left Artefact packages [left] - Low @6",
            "host:registry.npmjs.org Provided unclassified [registry.npmjs.org] - Medium @6",
            "host:codeberg.org Provided unclassified [codeberg.org] - Medium @7",
            "# built_from #acme-7b",
            "#acme-7b built_from host:models.acme.eu",
            "# built_from host:models.acme.eu",
            "# built_from package:npm/left",
            "package:npm/left built_from host:registry.npmjs.org",
            "# built_from host:registry.npmjs.org",
            "package:npm/left built_from host:codeberg.org",
            "# built_from host:codeberg.org",
        ],
    );
}

#[test]
fn a_provider_is_known_by_name_and_home_page() {
    check(
        &CYCLONEDX,
        r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "services": [
  {"name": "Feed", "endpoints": ["https://feed.acme.eu/v1"], "provider": {
    "name": "Acme",
    "url": ["https://acme.eu/", "https://codeberg.org/acme"]}}
]}"#,
        &[
            "# Own application [] - High @1",
            "#Feed Provided unclassified [feed.acme.eu, acme, acme.eu, feed] - High @2,3",
            "# sends_to #Feed",
        ],
    );
}
