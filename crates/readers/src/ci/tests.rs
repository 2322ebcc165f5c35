use super::*;
use allod_facts::Mitigation;

/// Components as `id role clues line-end`, links as `kind from to line`, then what is unresolved and wrong.
fn check(reader: &Reader, path: &str, all: &[(&str, &str)], expect: &[&str]) {
    let mut files = Files::new();
    for (path, text) in all {
        files.insert(path, text.as_bytes().to_vec());
    }
    let Read::Loaded(read) = reader.read else { panic!("streamed") };
    let facts = read(&files, &[path]);
    let mut shown: Vec<String> = facts
        .components
        .iter()
        .map(|one| {
            let clues: Vec<String> = one.clues.iter().map(|clue| format!("{:?}={}", clue.kind, clue.text)).collect();
            let lines: Vec<String> =
                one.evidence.iter().map(|seen| format!("{}-{}", seen.line, seen.end_line)).collect();
            format!("{} {:?} {:?} [{}] {}", one.id, one.role, one.confidence, clues.join(" "), lines.join(","))
        })
        .collect();
    for link in &facts.links {
        let name = |at: u32| &facts.components.get(at as usize).unwrap().id;
        let pinned = if link.mitigations.contains(&Mitigation::PinnedDigest) { " pinned" } else { "" };
        let line = link.evidence.first().unwrap().line;
        shown.push(format!("{} {} {} {line}{pinned}", link.kind.name(), name(link.from), name(link.to)));
    }
    shown.extend(facts.unresolved.iter().map(|one| format!("{} {} {}", one.code, one.evidence.line, one.message)));
    shown.extend(facts.diagnostics.iter().map(|one| format!("{} {} {}", one.code, one.line, one.message)));
    assert_eq!(shown.join("\n"), expect.join("\n"));
}

const WORKFLOW: &str = ".github/workflows/build.yml";

#[test]
fn a_hosted_job_and_its_service() {
    let text = "name: build\non: push\njobs:\n  test:\n    name: verify and scan\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - name: SonarCloud scan\n        run: mvn sonar:sonar\n        env:\n          SONAR_TOKEN: ${{ secrets.SONAR_TOKEN }}\n";
    check(
        &GITHUB,
        WORKFLOW,
        &[(WORKFLOW, text)],
        &[
            "platform:github-actions Provided High [CiPlatform=github-actions] 2-2",
            "repo:. Own High [] 2-2",
            "gha:.github/workflows/build.yml#test Provided High [Runner=ubuntu-latest CiPlatform=github-actions] 6-6,4-4",
            "action:actions/checkout@v4 Artefact High [Action=actions/checkout Host=github.com] 8-8",
            "host:repo.maven.apache.org Provided Medium [Host=repo.maven.apache.org] 10-10",
            "secret:.github/workflows/build.yml#test/SONAR_TOKEN Provided Medium [EnvVar=SONAR_TOKEN Name=sonarcloud] 9-12",
            "trusts gha:.github/workflows/build.yml#test platform:github-actions 4",
            "built_from gha:.github/workflows/build.yml#test action:actions/checkout@v4 8",
            "built_from gha:.github/workflows/build.yml#test host:repo.maven.apache.org 10",
            "sends_to gha:.github/workflows/build.yml#test secret:.github/workflows/build.yml#test/SONAR_TOKEN 9",
            "deployed_by repo:. gha:.github/workflows/build.yml#test 4",
        ],
    );
}

#[test]
fn runners() {
    let runner = |runs_on: &str, extra: &str| {
        let text = format!("on: push\njobs:\n  j:\n    runs-on: {runs_on}\n{extra}");
        let mut files = Files::new();
        files.insert(WORKFLOW, text.into_bytes());
        let facts = github::read(&files, &[WORKFLOW], &github::GITHUB);
        let job = facts.components.iter().find(|one| one.id.starts_with("gha:")).unwrap();
        let clues: Vec<&str> = job.clues.iter().map(|clue| &*clue.text).collect();
        let codes: Vec<&str> = facts.unresolved.iter().map(|one| one.code).collect();
        format!("{:?} {} {}", job.role, clues.join(","), codes.join(",")).trim().to_owned()
    };
    assert_eq!(runner("ubuntu-latest", ""), "Provided ubuntu-latest,github-actions");
    assert_eq!(runner("[self-hosted, linux]", ""), "Own");
    assert_eq!(runner("buildjet-4vcpu-ubuntu-2204", ""), "Provided buildjet-4vcpu-ubuntu-2204,github-actions");
    assert_eq!(runner("big-machine", ""), "Provided github-actions U010");
    assert_eq!(runner("{group: big}", ""), "Provided github-actions U010");
    assert_eq!(runner("${{ vars.RUNNER }}", ""), "Provided github-actions U001");
    assert_eq!(runner("${{ fromJSON(needs.a.outputs.b) }}", ""), "Provided github-actions U002");
    assert_eq!(
        runner("${{ matrix.os }}", "    strategy:\n      matrix:\n        os: [ubuntu-22.04, macos-14]\n"),
        "Provided ubuntu-22.04,macos-14,github-actions"
    );
    assert_eq!(
        runner(
            "${{ matrix.r.on }}",
            "    strategy:\n      matrix:\n        include:\n          - r: {on: windows-2022}\n"
        ),
        "Provided windows-2022,github-actions"
    );
}

#[test]
fn deploying() {
    let text = "on: push\nenv:\n  REGISTRY: registry.clinic.lu\njobs:\n  ship:\n    runs-on: self-hosted\n    container: ${{ env.REGISTRY }}/build:1\n    steps:\n      - uses: docker/login-action@0123456789012345678901234567890123456789\n        with:\n          registry: ${{ env.REGISTRY }}\n      - uses: aws-actions/configure-aws-credentials@v4\n        with:\n          aws-region: eu-central-1\n      - run: |\n          kubectl apply -f x\n          curl -X POST -d ok https://hooks.clinic.lu/x\n";
    check(
        &GITHUB,
        WORKFLOW,
        &[(WORKFLOW, text)],
        &[
            "platform:github-actions Provided High [CiPlatform=github-actions] 1-1",
            "repo:. Own High [] 1-1",
            "gha:.github/workflows/build.yml#ship Own High [] 6-6,5-5",
            "image:registry.clinic.lu/build:1 Artefact High [Image=registry.clinic.lu/build] 7-7,3-3",
            "host:registry.clinic.lu Provided High [Host=registry.clinic.lu] 3-3,11-11",
            "action:docker/login-action@0123456789012345678901234567890123456789 Artefact High [Action=docker/login-action Host=github.com] 9-9",
            "action:aws-actions/configure-aws-credentials@v4 Artefact High [Action=aws-actions/configure-aws-credentials Host=github.com] 12-12",
            "deploy:.github/workflows/build.yml#ship/aws Provided High [Name=aws Name=amazon web services] 12-14",
            "host:hooks.clinic.lu Provided High [Host=hooks.clinic.lu] 17-17",
            "trusts gha:.github/workflows/build.yml#ship platform:github-actions 5",
            "built_from gha:.github/workflows/build.yml#ship image:registry.clinic.lu/build:1 7",
            "sends_to gha:.github/workflows/build.yml#ship host:registry.clinic.lu 3",
            "built_from gha:.github/workflows/build.yml#ship action:docker/login-action@0123456789012345678901234567890123456789 9 pinned",
            "sends_to gha:.github/workflows/build.yml#ship host:registry.clinic.lu 11",
            "built_from gha:.github/workflows/build.yml#ship action:aws-actions/configure-aws-credentials@v4 12",
            "sends_to gha:.github/workflows/build.yml#ship deploy:.github/workflows/build.yml#ship/aws 12",
            "sends_to gha:.github/workflows/build.yml#ship host:hooks.clinic.lu 17",
            "deployed_by repo:. gha:.github/workflows/build.yml#ship 5",
        ],
    );
}

#[test]
fn gitlab_does_not_say_whose_it_is() {
    let text = "include:\n  - project: tools/ci\n    file: x.yml\n  - local: /ci/build.yml\nvariables:\n  TAG: '22'\nbuild:\n  image: node:$TAG\n  script:\n    - npm ci\n";
    check(
        &GITLAB,
        ".gitlab-ci.yml",
        &[
            (".gitlab-ci.yml", text),
            ("ci/build.yml", "ship:\n  tags: [saas-linux-small-amd64]\n  script: docker push registry.clinic.lu/a/b\n"),
        ],
        &[
            "platform:gitlab-ci Provided High [CiPlatform=gitlab-ci] 1-1,2-2",
            "repo:. Own High [] 1-1,1-1",
            "gitlab-project:tools/ci Artefact High [] 2-2",
            "gitlab:.gitlab-ci.yml#build Own High [] 7-7",
            "image:docker.io/library/node:22 Artefact High [Image=docker.io/library/node] 8-8,6-6",
            "host:registry.npmjs.org Provided Medium [Host=registry.npmjs.org] 10-10",
            "gitlab:ci/build.yml#ship Provided High [Runner=saas-linux-small-amd64] 2-2,1-1",
            "host:registry.clinic.lu Provided High [Host=registry.clinic.lu] 3-3",
            "built_from repo:. gitlab-project:tools/ci 2",
            "trusts gitlab:.gitlab-ci.yml#build platform:gitlab-ci 7",
            "built_from gitlab:.gitlab-ci.yml#build image:docker.io/library/node:22 8",
            "built_from gitlab:.gitlab-ci.yml#build host:registry.npmjs.org 10",
            "deployed_by repo:. gitlab:.gitlab-ci.yml#build 7",
            "trusts gitlab:ci/build.yml#ship platform:gitlab-ci 1",
            "sends_to gitlab:ci/build.yml#ship host:registry.clinic.lu 3",
            "deployed_by repo:. gitlab:ci/build.yml#ship 1",
            "U007 1 no file says whose GitLab runs this pipeline: gitlab.com, or an instance of one's own",
            "U003 2 the included pipeline `tools/ci` lies elsewhere",
        ],
    );
}

#[test]
fn forgejo_fetches_actions_from_its_own_mirror() {
    let path = ".forgejo/workflows/t.yml";
    let text = "on: push\njobs:\n  t:\n    runs-on: docker\n    steps:\n      - uses: actions/checkout@v4\n";
    check(
        &FORGEJO,
        path,
        &[(path, text)],
        &[
            "platform:forgejo-actions Provided High [CiPlatform=forgejo-actions] 1-1",
            "repo:. Own High [] 1-1",
            "forgejo:.forgejo/workflows/t.yml#t Own High [] 4-4,3-3",
            "action:data.forgejo.org/actions/checkout@v4 Artefact High [Host=data.forgejo.org] 6-6",
            "trusts forgejo:.forgejo/workflows/t.yml#t platform:forgejo-actions 3",
            "built_from forgejo:.forgejo/workflows/t.yml#t action:data.forgejo.org/actions/checkout@v4 6",
            "deployed_by repo:. forgejo:.forgejo/workflows/t.yml#t 3",
            "U007 1 no file says whose instance runs these Forgejo Actions workflows",
            "U010 4 nobody's hosted runners are known to have the label `docker`: whose machine it is is not known",
        ],
    );
}

#[test]
fn other_pipelines() {
    check(
        &OTHER,
        ".circleci/config.yml",
        &[(
            ".circleci/config.yml",
            "version: 2.1\norbs:\n  node: circleci/node@5\njobs:\n  a:\n    docker:\n      - image: cimg/base:1\n    steps:\n      - run: npm ci\n",
        )],
        &[
            "ci:.circleci/config.yml Provided High [CiPlatform=circleci] 1-1",
            "repo:. Own High [] 1-1",
            "image:docker.io/cimg/base:1 Artefact High [Image=docker.io/cimg/base] 7-7",
            "orb:circleci/node@5 Artefact High [CiPlatform=circleci] 3-3",
            "host:registry.npmjs.org Provided Medium [Host=registry.npmjs.org] 9-9",
            "deployed_by repo:. ci:.circleci/config.yml 1",
            "built_from ci:.circleci/config.yml image:docker.io/cimg/base:1 7",
            "built_from ci:.circleci/config.yml orb:circleci/node@5 3",
            "built_from ci:.circleci/config.yml host:registry.npmjs.org 9",
        ],
    );
    check(
        &WOODPECKER,
        ".woodpecker.yml",
        &[(
            ".woodpecker.yml",
            "steps:\n  - name: a\n    image: alpine\n    environment:\n      SNYK_TOKEN: {from_secret: snyk_token}\n",
        )],
        &[
            "platform:woodpecker Provided High [CiPlatform=woodpecker] 1-1",
            "repo:. Own High [] 1-1",
            "woodpecker:.woodpecker.yml#a Own High [] 2-2",
            "image:docker.io/library/alpine Artefact High [Image=docker.io/library/alpine] 3-3",
            "secret:.woodpecker.yml#a/SNYK_TOKEN Provided Low [EnvVar=SNYK_TOKEN] 5-5",
            "trusts woodpecker:.woodpecker.yml#a platform:woodpecker 2",
            "deployed_by repo:. woodpecker:.woodpecker.yml#a 2",
            "built_from woodpecker:.woodpecker.yml#a image:docker.io/library/alpine 3",
            "sends_to woodpecker:.woodpecker.yml#a secret:.woodpecker.yml#a/SNYK_TOKEN 5",
            "U007 1 no file says whose Woodpecker CI server runs this pipeline",
        ],
    );
}

/// What jobs deliver, with the line.
fn deliveries(reader: &Reader, path: &str, all: &[(&str, &str)]) -> Vec<String> {
    let mut files = Files::new();
    for (path, text) in all {
        files.insert(path, text.as_bytes().to_vec());
    }
    let Read::Loaded(read) = reader.read else { panic!("streamed") };
    let facts = read(&files, &[path]);
    facts.deliveries.iter().map(|one| format!("{:?} {}", one.what, one.evidence.line)).collect()
}

#[test]
fn what_a_workflow_delivers() {
    let text = "on: push\nenv:\n  REGISTRY: r.lu\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: docker/build-push-action@v6\n        with:\n          tags: |\n            ${{ env.REGISTRY }}/app:${{ github.sha }}\n            other/app:1\n      - run: kubectl apply -f deploy/prod\n      - run: terraform apply\n        working-directory: infra/a\n      - run: cd k && kubectl apply -k overlay\n      - run: docker compose up -d\n      - run: helm upgrade web charts/web\n";
    let tree = [
        (WORKFLOW, text),
        ("deploy/prod/a.yaml", ""),
        ("deploy/prod/deeper/b.yaml", ""),
        ("infra/a/main.tf", "module \"m\" {\n  source = \"../m\"\n}\n"),
        ("infra/m/m.tf", ""),
        ("infra/other/o.tf", ""),
        ("k/overlay/kustomization.yaml", "resources: [../base]\n"),
        ("k/base/kustomization.yaml", "resources: [w.yaml]\n"),
        ("k/base/w.yaml", ""),
        ("compose.yaml", ""),
        ("charts/web/Chart.yaml", ""),
    ];
    assert_eq!(
        deliveries(&GITHUB, WORKFLOW, &tree),
        [
            "Image(\"r.lu/app\") 11",
            "Image(\"docker.io/other/app\") 12",
            "Files(\"deploy/prod/a.yaml\") 13",
            "Files(\"infra/a/main.tf\") 14",
            "Files(\"infra/m/m.tf\") 14",
            "Files(\"k/base/kustomization.yaml\") 16",
            "Files(\"k/base/w.yaml\") 16",
            "Files(\"k/overlay/kustomization.yaml\") 16",
            "Files(\"compose.yaml\") 17",
            "Files(\"charts/web\") 18",
        ]
    );
}

#[test]
fn what_pipelines_deliver() {
    let gitlab = "variables:\n  APP: r.lu/app\nj:\n  script:\n    - cd deploy\n    - docker push $APP:$CI_COMMIT_SHA\n    - kubectl apply -f a.yaml\n";
    assert_eq!(
        deliveries(&GITLAB, ".gitlab-ci.yml", &[(".gitlab-ci.yml", gitlab), ("deploy/a.yaml", "")]),
        ["Image(\"r.lu/app\") 6", "Files(\"deploy/a.yaml\") 7"]
    );
    let woodpecker = "steps:\n  - name: a\n    image: alpine\n    directory: deploy\n    commands:\n      - kubectl apply -f a.yaml\n";
    assert_eq!(
        deliveries(&WOODPECKER, ".woodpecker/a.yaml", &[(".woodpecker/a.yaml", woodpecker), ("deploy/a.yaml", "")]),
        ["Files(\"deploy/a.yaml\") 6"]
    );
}

#[test]
fn an_environment_that_is_too_long_is_told() {
    let variables: String = (0..600).map(|at| format!("  A{at}: b\n")).collect();
    let text = format!("on: push\nenv:\n{variables}jobs:\n  j:\n    runs-on: ubuntu-latest\n");
    let mut files = Files::new();
    files.insert(WORKFLOW, text.into_bytes());
    let facts = github::read(&files, &[WORKFLOW], &github::GITHUB);
    let told: Vec<_> = facts.diagnostics.iter().map(|one| (one.code, one.line)).collect();
    assert_eq!(told, [("D006", 503)]);
}

/// The gates of the jobs of a file, as `job path:line`.
#[track_caller]
fn check_gates(reader: &Reader, all: &[(&str, &str)], expect: &[&str]) {
    let mut files = Files::new();
    for (path, text) in all {
        files.insert(path, text.as_bytes().to_vec());
    }
    let Read::Loaded(read) = reader.read else { panic!("streamed") };
    let facts = read(&files, &[all[0].0]);
    let mut shown = Vec::new();
    for one in &facts.components {
        shown.extend(one.records.iter().map(|record| {
            assert_eq!(record.kind, allod_facts::RecordKind::RuleGate);
            format!("{} {}:{}", one.name, record.evidence.path, record.evidence.line)
        }));
    }
    assert_eq!(shown, expect, "{all:?}");
}

#[test]
fn gates_of_workflows() {
    let job = |settings: &str, step: &str| {
        format!("on: push\njobs:\n  j:\n    runs-on: x\n{settings}    steps:\n      - {step}")
    };
    let check = |settings: &str, step: &str, expect: &[&str]| {
        check_gates(&GITHUB, &[(WORKFLOW, &job(settings, step))], expect);
    };
    let yes = &["j .github/workflows/build.yml:6"][..];
    check("", "run: allod check .\n", yes);
    check("", "run: allod check . || true\n", &[]);
    check("", "run: allod check | tee x\n", &[]);
    check("", "run: allod check | tee x\n        shell: bash\n", yes);
    check("", "run: allod check\n        shell: pwsh\n", &[]);
    check("", "run: |\n          make\n          allod check\n", &["j .github/workflows/build.yml:8"]);
    check("", "run: allod check\n        continue-on-error: true\n", &[]);
    check("", "run: allod check\n        continue-on-error: ${{ inputs.x }}\n", &[]);
    check("", "run: allod check\n        if: false\n", &[]);
    check("", "run: allod check\n        if: github.event_name == 'pull_request'\n", yes);
    check("", "uses: allod/check@v1\n", yes);
    check("", "uses: allod/action@v1\n        with:\n          command: apply\n", yes);
    check("", "uses: allod/action@v1\n        with:\n          command: audit\n", &[]);
    check("", "uses: allod/check@v1\n        with:\n          args: --exit-zero\n", &[]);
    check("", "uses: other/check@v1\n", &[]);
    check("    continue-on-error: true\n", "run: allod check\n", &[]);
    check(
        "    defaults:\n      run:\n        shell: bash {0}\n",
        "run: |\n          allod check\n          echo\n",
        &[],
    );
}

#[test]
fn gates_behind_hooks_and_actions() {
    let workflow = "on: push\njobs:\n  j:\n    runs-on: x\n    steps:\n      - run: pre-commit run --all-files\n";
    let hooks = |hook: &str| format!("repos:\n  - repo: local\n    hooks:\n      - {hook}\n");
    let check = |hook: &str, expect: &[&str]| {
        check_gates(&GITHUB, &[(WORKFLOW, workflow), (".pre-commit-config.yaml", &hooks(hook))], expect);
    };
    let yes = &["j .github/workflows/build.yml:6"][..];
    check("{id: rules, entry: allod check, language: system}", yes);
    check("{id: rules, entry: allod, args: [check, .]}", yes);
    check("{id: allod-check}", yes);
    check("{id: rules, entry: allod check --exit-zero}", &[]);
    check("{id: rules, entry: allod check, stages: [manual]}", &[]);
    check("{id: black}", &[]);
    check_gates(&GITHUB, &[(WORKFLOW, workflow)], &[]);
    let uses = "on: push\njobs:\n  j:\n    runs-on: x\n    steps:\n      - uses: ./gate\n";
    let action = "runs:\n  using: composite\n  steps:\n    - run: allod check\n      shell: bash\n";
    check_gates(&GITHUB, &[(WORKFLOW, uses), ("gate/action.yml", action)], &["j gate/action.yml:4"]);
}

#[test]
fn gates_of_other_platforms() {
    let gitlab = |more: &str, expect: &[&str]| {
        let text = format!("gate:\n  script:\n    - make\n    - allod check\n    - echo done\n{more}");
        check_gates(&GITLAB, &[(".gitlab-ci.yml", &text)], expect);
    };
    let yes = &["gate .gitlab-ci.yml:4"][..];
    gitlab("", yes);
    gitlab("  allow_failure: true\n", &[]);
    gitlab("  allow_failure:\n    exit_codes: [1]\n", &[]);
    gitlab("  allow_failure: false\n  when: manual\n", yes);
    gitlab("  when: manual\n", &[]);
    gitlab("  rules:\n    - if: $X\n      allow_failure: true\n", &[]);
    gitlab("  rules:\n    - if: $X\n", yes);
    gitlab("  before_script: [set +e]\n", &[]);
    check_gates(&GITLAB, &[(".gitlab-ci.yml", "gate:\n  script: [make]\n  after_script: [allod check]\n")], &[]);
    let woodpecker = |more: &str, expect: &[&str]| {
        let text = format!("steps:\n  gate:\n    image: x\n    commands:\n      - allod check\n      - echo\n{more}");
        check_gates(&WOODPECKER, &[(".woodpecker.yml", &text)], expect);
    };
    woodpecker("", &["gate .woodpecker.yml:5"]);
    woodpecker("    failure: ignore\n", &[]);
    let azure = |step: &str, expect: &[&str]| {
        check_gates(&OTHER, &[("azure-pipelines.yml", &format!("steps:\n  - {step}"))], expect);
    };
    azure("script: allod check\n", &["Azure Pipelines azure-pipelines.yml:2"]);
    azure("script: |\n      allod check\n      echo done\n", &[]);
    azure("script: allod check\n    continueOnError: true\n", &[]);
    let travis = "script: make\nafter_script: allod check\n";
    check_gates(&OTHER, &[(".travis.yml", travis)], &[]);
}
