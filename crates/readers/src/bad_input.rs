//! Bad input for every reader of this crate that reads loaded files: truncated, mutated, nested, self-referring. The
//! readers come back, with facts or diagnostics, and give the same facts whatever the order of the files.

use crate::{Files, READERS, Read};

const SAMPLES: &[(&str, &str)] = &[
    (
        "compose.yaml",
        "include: [sub/compose.yaml]\nx-a: &a {image: \"a:${T:-1}\", environment: {U: 'https://h.lu:80/${P}'}}\nservices:\n  a:\n    <<: *a\n    extends: {file: sub/compose.yaml, service: b}\n    env_file: .env\n    build: {context: ., args: {B: c}}\n    command: >-\n      run --url=http://b:80\n    logging: {driver: awslogs}\n  b: {image: b, networks: {n: {aliases: [c]}}}\nvolumes: {v: {driver: x}}\nmodels: {m: {model: ai/x}}\n",
    ),
    (
        "Dockerfile",
        "# escape=`\nARG B=x\nFROM ${B:-y} AS s\nRUN <<E\ncurl https://h.lu\nE\nCOPY --from=s a b\nADD https://h.lu/x y\nENV A=https://h.lu B\n",
    ),
    (
        ".github/workflows/a.yml",
        "on: {workflow_call: {inputs: {r: {default: ubuntu-22.04}}}}\nenv: {A: 'https://${{ vars.H }}'}\njobs:\n  j:\n    strategy: {matrix: {os: [ubuntu-latest, {x: [a, b]}]}}\n    runs-on: ${{ matrix.os || fromJSON('[\"a\"]') }}\n    container: {image: \"x:${{ env.A }}\"}\n    steps:\n      - uses: a/b@v1\n        with: {registry: '${{ secrets.R }}', script: 'curl https://h.lu'}\n      - run: |\n          pip install x\n          kubectl apply -f -\n",
    ),
    (
        ".gitlab-ci.yml",
        "include: [{local: '/x/**.yml'}, {project: a/b}]\nj:\n  image: \"$I:1\"\n  tags: [saas-linux-small]\n  script: [\"curl https://h.lu\"]\n",
    ),
    (".woodpecker.yml", "steps: [{name: a, image: b, commands: [c], settings: {t: {from_secret: s}}}]\n"),
    ("azure-pipelines.yml", "pool: {vmImage: ubuntu-latest}\nsteps: [{script: npm ci}]\n"),
    (
        "clinic.zone",
        "$ORIGIN a.lu.\n@ 1h IN SOA n. m. ( 1 2\n 3 4 5 ) ; registrar: X\n MX 10 m.b.eu.\nw CNAME \"c\".d.\n@ TXT \"v=spf1 include:s.eu ip4:1.1.1.1\"\n$INCLUDE b.zone\n",
    ),
    (
        "config/clinic.lu.yaml",
        "'': [{type: MX, values: [{exchange: m., preference: 1}]}]\nw: {type: CNAME, value: x.y., octodns: {cloudflare: {proxied: true}}}\n",
    ),
    ("octodns.yaml", "providers: {c: {class: octodns_cloudflare.P}}\nzones: {'*': {sources: [s], targets: [c]}}\n"),
    (".env", "A=https://h.lu/$B\nB='x\ny'\nexport MISTRAL_API_KEY\n"),
    ("application.properties", "a.url=${A:https://h.lu}\\\n  /x\nb.host:c.d.lu\n"),
    (
        ".mcp.json",
        "{\"mcpServers\": {\"a\": {\"command\": \"npx\", \"args\": [\"-y\", \"@b/c@1\"], \"url\": \"https://h.lu\"}}, \"model\": \"mistral-small\"}",
    ),
    ("settings.toml", "host = \"a.b.lu\"\n[x]\nurl = \"https://${H:-c.lu}\"\n"),
];

/// Runs every reader over every sample path, whatever it was made for.
fn read_all(files: &Files) -> usize {
    let paths: Vec<&str> = files.paths().collect();
    let mut seen = 0;
    for reader in READERS {
        if let Read::Loaded(read) = reader.read {
            let facts = read(files, &paths);
            seen += facts.components.len() + facts.diagnostics.len();
        }
    }
    seen
}

fn with(path: &str, bytes: Vec<u8>) -> Files {
    let mut files = Files::new();
    for (other, text) in SAMPLES {
        files.insert(other, text.as_bytes().to_vec());
    }
    files.insert(path, bytes);
    files
}

#[test]
fn truncated_and_mutated_files_end_in_facts_or_diagnostics() {
    // A small generator with a fixed seed (xorshift), so that a failure can be repeated.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    for (path, text) in SAMPLES {
        for cut in (0..text.len()).step_by(17) {
            read_all(&with(path, text.as_bytes()[..cut].to_vec()));
        }
        for _ in 0..20 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..3 {
                let at = next(bytes.len());
                let signs = b"${}[]()\"'\\\n\t:;,#&*@ \xff\0a";
                bytes[at] = signs[next(signs.len())];
            }
            read_all(&with(path, bytes));
        }
    }
}

#[test]
fn deep_and_repeating_texts_come_to_an_end() {
    for sign in ["[", "{", "(", "${", "${A:-", "{{", "\"", "a: ", "- ", "$(", "://", "https://", "a=", "<<E\n", "${{ "]
    {
        let text = sign.repeat(2_000);
        for (path, _) in SAMPLES {
            read_all(&with(path, text.as_bytes().to_vec()));
        }
    }
}

#[test]
fn order_of_files_changes_nothing() {
    let mut backwards = Files::new();
    for (path, text) in SAMPLES.iter().rev() {
        backwards.insert(path, text.as_bytes().to_vec());
    }
    let forwards = with(SAMPLES[0].0, SAMPLES[0].1.as_bytes().to_vec());
    let shown = |files: &Files| {
        let paths: Vec<&str> = files.paths().collect();
        let all = READERS.iter().filter_map(|reader| match reader.read {
            Read::Loaded(read) => Some(read(files, &paths)),
            Read::Streamed(_) => None,
        });
        all.map(|facts| format!("{:?}{:?}{:?}{:?}", facts.components, facts.links, facts.unresolved, facts.diagnostics))
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(&forwards), shown(&backwards));
    assert_eq!(shown(&forwards), shown(&forwards));
}
