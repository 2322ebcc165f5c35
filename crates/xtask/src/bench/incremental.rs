use allod_engine::{Options, Session, Stage};
use allod_register::Register;
use allod_stack::Home;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

mod large;

pub use large::large;

/// Audits of one kind; the fastest is shown, as other programs run.
const RUNS: usize = 5;
/// What the generated tree has at least.
const ROOTS: usize = 300;
const MANIFESTS: usize = 300;
const PROJECTS: usize = 100;
/// Files are as old as those of a checkout, so that their times can be relied on.
const AGE_S: u64 = 3_600;

/// Measures an audit after one changed file against the first one, in this process: of a generated tree, or of a copy
/// of `tree`.
pub fn run(root: &Path, tree: Option<&Path>) -> Result<(), String> {
    let folder = root.join("target/bench/incremental");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    }
    match tree {
        Some(tree) => copy(tree, &folder)?,
        None => generate(&folder)?,
    }
    let (files, lines) = age(&folder)?;
    println!("{}: {files} files, {lines} lines", tree.unwrap_or(&folder).display());
    let register = Register::builtin().map_err(|error| error.to_string())?;
    let home = Home::new(&["EU".to_owned()]).map_err(|_| "no home".to_owned())?;
    let options = Options { paths: vec![folder.clone()], home, register: None, resolve: None };

    // The first audit of a process also warms the disk's cache.
    let fresh = || timed(|tell| allod_engine::audit(&options, &register, tell).map(|audit| audit.stack.parts.len()));
    fresh()?;
    let mut all = (0..RUNS).map(|_| fresh()).collect::<Result<Vec<_>, _>>()?;
    all.sort_by_key(|(times, _)| times.whole);
    let (whole, parts) = all.into_iter().next().ok_or("no run")?;
    println!("  audit, nothing kept      {}   {parts} parts", whole.shown());
    let mut session = Session::new(options.clone(), &register);
    let (first, _) = timed(|tell| session.audit(tell).map(drop))?;
    println!("  first of a session       {}   {} jobs", first.shown(), session.work.jobs);
    let mut change = |what: &str, text: &dyn Fn(usize) -> String, file: Option<PathBuf>| -> Result<(), String> {
        let Some(file) = file else { return Ok(()) };
        let before = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        let mut all = Vec::new();
        for run in 0..RUNS {
            std::fs::write(&file, format!("{before}{}", text(run))).map_err(|error| error.to_string())?;
            all.push(timed(|tell| session.audit(tell).map(drop))?.0);
        }
        all.sort_by_key(|times| times.whole);
        let Some(fastest) = all.into_iter().next() else { return Ok(()) };
        let ratio = fastest.whole.as_secs_f64() / whole.whole.as_secs_f64();
        let shown = file.strip_prefix(&folder).unwrap_or(&file).display().to_string();
        println!(
            "  after one changed {what:<6} {}   {} of {} jobs, {:?}, {ratio:.3} of the first ({shown})",
            fastest.shown(),
            session.work.run,
            session.work.jobs,
            session.work.stack,
        );
        Ok(())
    };
    change("nothing", &|_| String::new(), middle(&folder, "md", "")?.or(middle(&folder, "tf", "")?))?;
    let bucket =
        |run: usize| format!("\nresource \"aws_s3_bucket\" \"changed{run}\" {{\n  bucket = \"changed-{run}\"\n}}\n");
    change("tf", &bucket, middle(&folder, "tf", "resource \"")?)?;
    let pod = |run: usize| {
        format!(
            "\n---\napiVersion: v1\nkind: Pod\nmetadata: {{name: changed{run}}}\nspec: {{containers: [{{name: a, image: \"quay.io/a/b:{run}\"}}]}}\n"
        )
    };
    change("yaml", &pod, middle(&folder, "yaml", "\nkind: Deployment")?)?;
    println!("  (wanted: under 0.1 of the first)");
    Ok(())
}

/// How long each stage of an audit took.
struct Times {
    whole: Duration,
    walk: Duration,
    read: Duration,
    build: Duration,
}

impl Times {
    fn shown(&self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        format!(
            "{:>8.1} ms (walk {:.1}, read {:.1}, build {:.1})",
            ms(self.whole),
            ms(self.walk),
            ms(self.read),
            ms(self.build)
        )
    }
}

fn timed<T>(run: impl FnOnce(&(dyn Fn(Stage) + Sync)) -> Result<T, allod_engine::Error>) -> Result<(Times, T), String> {
    let started = Instant::now();
    let stages: Mutex<(Duration, Duration)> = Mutex::default();
    let done = run(&|stage| {
        let Ok(mut stages) = stages.lock() else { return };
        match stage {
            Stage::Reading { .. } => stages.0 = started.elapsed(),
            Stage::Building => stages.1 = started.elapsed(),
            _ => {}
        }
    })
    .map_err(|error| error.to_string())?;
    let whole = started.elapsed();
    let (read, build) = stages.into_inner().unwrap_or_default();
    Ok((Times { whole, walk: read, read: build - read, build: whole - build }, done))
}

/// The file of an ending in the middle of the tree whose text has some words.
fn middle(folder: &Path, ending: &str, words: &str) -> Result<Option<PathBuf>, String> {
    let mut found = Vec::new();
    each(folder, &mut |path| {
        let fits = path.extension().is_some_and(|extension| extension == ending);
        if fits && std::fs::read_to_string(path).is_ok_and(|text| text.contains(words)) {
            found.push(path.to_owned());
        }
        Ok(())
    })?;
    found.sort();
    let at = found.len() / 2;
    Ok(found.into_iter().nth(at))
}

fn each(folder: &Path, run: &mut dyn FnMut(&Path) -> Result<(), String>) -> Result<(), String> {
    for entry in std::fs::read_dir(folder).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        match entry.file_type().map_err(|error| error.to_string())? {
            kind if kind.is_dir() => each(&entry.path(), run)?,
            kind if kind.is_file() => run(&entry.path())?,
            _ => {}
        }
    }
    Ok(())
}

fn copy(tree: &Path, folder: &Path) -> Result<(), String> {
    each(tree, &mut |path| {
        let inside = path.strip_prefix(tree).unwrap_or(path);
        if inside.components().any(|part| part.as_os_str() == ".git") {
            return Ok(());
        }
        let to = folder.join(inside);
        std::fs::create_dir_all(to.parent().unwrap_or(folder)).map_err(|error| error.to_string())?;
        std::fs::copy(path, to).map(drop).map_err(|error| format!("{}: {error}", path.display()))
    })
}

/// Gives all files an age, and counts them and their lines.
fn age(folder: &Path) -> Result<(usize, usize), String> {
    let then = SystemTime::now() - Duration::from_secs(AGE_S);
    let (mut files, mut lines) = (0, 0);
    each(folder, &mut |path| {
        files += 1;
        lines += std::fs::read(path).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count());
        let file = std::fs::File::options().write(true).open(path);
        file.and_then(|file| file.set_modified(then)).map_err(|error| format!("{}: {error}", path.display()))
    })?;
    Ok((files, lines))
}

/// Terraform roots with modules that they share, manifests with Kustomize overlays, and Compose projects.
fn generate(folder: &Path) -> Result<(), String> {
    let write = |path: String, text: String| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))
            .and_then(|()| std::fs::write(path, text))
            .map_err(|error| error.to_string())
    };
    for module in 0..ROOTS / 20 {
        write(format!("modules/m{module}/main.tf"), super::MODULE.to_owned())?;
    }
    for root in 0..ROOTS {
        let text = super::stack(root).replace("modules/store", &format!("modules/m{}", root % (ROOTS / 20)));
        write(format!("stacks/s{root}/main.tf"), text)?;
    }
    for at in 0..MANIFESTS {
        write(format!("deploy/team{}/app{at}.yaml", at % 20), manifest(at))?;
    }
    for team in 0..20 {
        let mut text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n".to_owned();
        for at in (team..MANIFESTS).step_by(20) {
            let _ = writeln!(text, "  - app{at}.yaml");
        }
        write(format!("deploy/team{team}/kustomization.yaml"), text)?;
    }
    for project in 0..PROJECTS {
        write(format!("compose/p{project}/compose.yaml"), compose(project))?;
        write(format!("compose/p{project}/.env"), format!("TAG=1.{project}\nMAIL=smtp.mail{project}.example.org\n"))?;
    }
    Ok(())
}

fn manifest(at: usize) -> String {
    let mut text = String::new();
    for part in ["web", "worker"] {
        let _ = write!(
            text,
            r#"---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {part}-{at}
  namespace: team{team}
  labels: {{app: {part}-{at}}}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: {part}-{at}}}
  template:
    metadata:
      labels: {{app: {part}-{at}}}
    spec:
      containers:
        - name: {part}
          image: registry.example.org/team{team}/{part}-{at}:1.{at}
          ports:
            - containerPort: 8080
          env:
            - name: DATABASE_URL
              value: postgres://db-{at}.team{team}.svc:5432/app
            - name: SENTRY_DSN
              value: https://key@o{at}.ingest.sentry.io/1
            - name: S3_ENDPOINT
              value: https://s3.eu-central-1.amazonaws.com
          resources:
            limits: {{cpu: "1", memory: 512Mi}}
            requests: {{cpu: 100m, memory: 128Mi}}
"#,
            team = at % 20
        );
    }
    let _ = write!(
        text,
        r#"---
apiVersion: v1
kind: Service
metadata:
  name: web-{at}
  namespace: team{team}
spec:
  selector: {{app: web-{at}}}
  ports:
    - port: 80
      targetPort: 8080
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web-{at}
  namespace: team{team}
  annotations:
    cert-manager.io/cluster-issuer: letsencrypt
spec:
  rules:
    - host: web-{at}.clinic.example
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service: {{name: web-{at}, port: {{number: 80}}}}
"#,
        team = at % 20
    );
    text
}

fn compose(project: usize) -> String {
    format!(
        r#"services:
  web:
    image: ghcr.io/example/web-{project}:${{TAG}}
    environment:
      SMTP_HOST: ${{MAIL}}
      API_URL: https://api.mistral.ai/v1
    depends_on: [db, cache]
    logging:
      driver: awslogs
  db:
    image: postgres:16
    volumes: ["data:/var/lib/postgresql/data"]
  cache:
    image: redis:7
volumes:
  data: {{}}
"#
    )
}
