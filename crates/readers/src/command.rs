//! Command lines of scripts: the hosts that they fetch from and send to, the registries that package managers use
//! when nothing else is said, the images and clouds that they name. Nothing is run.

mod deliver;
pub(crate) mod gate;
mod locals;
mod programs;
mod words;

use crate::destination::{self, Use};
use crate::files::join;
use crate::settings;
use crate::variables::Expanded;
use crate::{endpoint, image};
use allod_facts::{ComponentRef, Confidence, Evidence, Facts, LinkKind, Mitigation};
use locals::{Locals, assignments};
use programs::{changes_cluster, cloud_of, default_registry};
use std::sync::Arc;
use words::{Word, commands};

pub(crate) use deliver::{Effect, image_name};

/// Where a script stands and whose it is.
pub(crate) struct Script<'a> {
    pub from: ComponentRef,
    pub path: &'a Arc<str>,
    pub reader: &'static str,
    /// What a URL is for when the program does not tell.
    pub otherwise: LinkKind,
    /// The neighbour that a name inside stands for.
    pub neighbour: &'a dyn Fn(&str) -> Option<ComponentRef>,
    /// Replaces what can be known in a word.
    pub expand: &'a dyn Fn(&str) -> Option<String>,
}

/// What a script does beyond what was linked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Clouds and platforms whose own command line tool is called, with the line.
    pub clouds: Vec<(&'static str, u32)>,
    /// Whether a cluster is made on the spot (`kind`, `minikube`).
    pub local_cluster: bool,
    /// The first line that changes a Kubernetes cluster.
    pub cluster: Option<u32>,
    /// Whether an S3 client was told where to go.
    pub object_store_known: bool,
    /// What is put into effect, with the folder where the command runs and the line.
    pub effects: Vec<(String, Effect, u32)>,
    /// The folder where the next command runs; `None` when that is not known.
    pub folder: Option<String>,
}

/// Reads lines of a script (number and text) that starts in a folder of the tree.
pub(crate) fn read(facts: &mut Facts, lines: &[(u32, &str)], script: &Script<'_>, folder: Option<&str>) -> Seen {
    let mut seen = Seen { folder: folder.map(str::to_owned), ..Seen::default() };
    let mut locals = Locals::default();
    for mut command in commands(lines) {
        locals.replace(&mut command);
        read_assignments(facts, &command, script);
        read_command(facts, &command, script, &mut seen);
        locals.assign(&command);
    }
    seen
}

/// Variables that a script sets to a host by their name: `REGISTRY=r.clinic.lu`.
fn read_assignments(facts: &mut Facts, command: &[Word], script: &Script<'_>) {
    for (name, value, line) in assignments(command) {
        let words = settings::words(name);
        if !settings::is_endpoint_key(&words) || settings::is_own_name(&words) {
            continue;
        }
        let mut how = how(script, script.otherwise, line);
        how.confidence = Confidence::Medium;
        let urls = destination::urls(value);
        if urls.is_empty() && destination::is_bare_host(value) {
            destination::link_to(facts, value, &how);
        }
        for url in urls.into_iter().filter(|url| endpoint::host_of(url).is_some() && !destination::is_document(url)) {
            destination::link_to(facts, url, &how);
        }
    }
}

fn read_command(facts: &mut Facts, command: &[Word], script: &Script<'_>, seen: &mut Seen) {
    let Some((program, arguments)) = program_of(command) else { return };
    let kind = kind_of(&program, arguments, script.otherwise);
    let only_shown =
        matches!(program.as_str(), "echo" | "printf" | "print" | "write-host" | ":" | "cat" | "grep" | "sed")
            && !command.iter().any(|word| word.text.starts_with('>') || word.text.contains("deb "));
    if !only_shown {
        for word in command {
            read_word(facts, word, kind, script);
        }
    }
    named_hosts(facts, &program, arguments, script);
    images(facts, &program, arguments, script);
    if let Some(host) = default_registry(&program, arguments) {
        let line = command.first().map_or(0, |word| word.line);
        let mut how = how(script, LinkKind::BuiltFrom, line);
        how.confidence = Confidence::Medium;
        destination::link_to(facts, host, &how);
    }
    let line = command.first().map_or(0, |word| word.line);
    let s3_endpoint = arguments.iter().any(|word| word.text.starts_with("--endpoint") || word.text == "--host");
    seen.object_store_known |=
        s3_endpoint && matches!(program.as_str(), "aws" | "s3cmd" | "s5cmd" | "rclone" | "restic");
    if let Some(cloud) = cloud_of(&program).filter(|_| !(program == "aws" && s3_endpoint)) {
        seen.clouds.push((cloud, line));
    }
    seen.local_cluster |= matches!(program.as_str(), "kind" | "minikube" | "k3d" | "k3s" | "microk8s" | "talosctl");
    if changes_cluster(&program, arguments) {
        seen.cluster = seen.cluster.or(Some(line));
    }
    if matches!(program.as_str(), "cd" | "pushd") {
        let target = arguments.first().map_or("", |word| word.text.as_str());
        seen.folder = seen.folder.as_deref().and_then(|folder| join(folder, target)).filter(|to| !to.contains('$'));
    } else if let Some(folder) = &seen.folder {
        let effects = deliver::effects(&program, arguments, script.expand);
        seen.effects.extend(effects.into_iter().map(|(effect, line)| (folder.clone(), effect, line)));
    }
}

fn how(script: &Script<'_>, kind: LinkKind, line: u32) -> Use {
    Use::new(script.from, kind, Evidence::line(script.path, line, script.reader))
}

/// The program and its arguments, behind assignments and words such as `sudo`.
fn program_of(command: &[Word]) -> Option<(String, &[Word])> {
    const BEFORE: &[&str] = &[
        "sudo", "exec", "time", "env", "if", "then", "do", "else", "while", "until", "!", "nohup", "command", "set",
        "xargs", "-", "{", "&", "RUN",
    ];
    let mut rest = command;
    while let Some((first, after)) = rest.split_first() {
        let assigns = first.text.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
        let option = first.text.starts_with('-') && rest.len() < command.len();
        if !(assigns || option || BEFORE.contains(&first.text.as_str())) {
            let name = first.text.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
            let name = name.strip_suffix(".exe").unwrap_or(&name).to_owned();
            // `python -m pip` is pip.
            if name.starts_with("python") && after.first().is_some_and(|word| word.text == "-m") {
                let module = after.get(1)?;
                return Some((module.text.to_ascii_lowercase(), after.get(2..)?));
            }
            return Some((name, after));
        }
        rest = after;
    }
    None
}

fn kind_of(program: &str, arguments: &[Word], otherwise: LinkKind) -> LinkKind {
    let has = |options: &[&str]| arguments.iter().any(|word| options.contains(&word.text.as_str()));
    match program {
        "curl" | "http" | "https" | "xh" => {
            let sends = arguments.iter().any(|word| {
                word.text.starts_with("--data")
                    || word.text.starts_with("--form")
                    || ["-d", "-F", "-T", "--upload-file", "--json", "POST", "PUT", "PATCH", "-XPOST", "-XPUT"]
                        .contains(&word.text.as_str())
            });
            if sends { LinkKind::SendsTo } else { LinkKind::BuiltFrom }
        }
        "wget" => {
            if has(&["--post-data", "--post-file"]) {
                LinkKind::SendsTo
            } else {
                LinkKind::BuiltFrom
            }
        }
        "git" if has(&["push"]) => LinkKind::SendsTo,
        "npm" | "yarn" | "pnpm" | "twine" | "cargo" | "mvn" | "dotnet" | "nuget" | "helm"
            if has(&["publish", "upload", "deploy", "push"]) =>
        {
            LinkKind::SendsTo
        }
        "git" | "pip" | "pip3" | "npm" | "yarn" | "pnpm" | "npx" | "cargo" | "go" | "gem" | "bundle" | "mvn"
        | "helm" | "apt" | "apt-get" | "add-apt-repository" | "apk" | "dnf" | "yum" | "rpm" | "zypper" | "apt-key"
        | "uv" | "poetry" | "conda" | "dotnet" | "composer" | "aria2c" | "iwr" | "invoke-webrequest" | "echo"
        | "printf" | "tee" | "cat" | "sed" => LinkKind::BuiltFrom,
        _ => otherwise,
    }
}

/// URLs in a word, and neighbours that it names as `name:port`.
fn read_word(facts: &mut Facts, word: &Word, kind: LinkKind, script: &Script<'_>) {
    let expanded = if word.text.contains('$') { (script.expand)(&word.text) } else { None };
    let text = expanded.as_deref().unwrap_or(&word.text);
    let how = how(script, kind, word.line);
    for url in destination::urls(text) {
        if endpoint::host_of(url).is_some_and(|host| destination::is_vocabulary(&host)) {
            continue;
        }
        match endpoint::host_of(url).and_then(|host| settings::neighbour(&host, script.neighbour)) {
            Some(to) if to != script.from => {
                destination::link(facts, &Use { kind: LinkKind::SendsTo, ..how.clone() }, to);
            }
            Some(_) => {}
            None => {
                destination::link_to(facts, url, &how);
            }
        }
    }
    let value = text.rsplit_once('=').map_or(text, |(_, value)| value);
    if let Some((name, port)) = value.rsplit_once(':')
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && let Some(to) = (script.neighbour)(name).filter(|to| *to != script.from)
    {
        destination::link(facts, &Use { kind: LinkKind::SendsTo, ..how }, to);
    }
}

/// Hosts that certain programs take without a scheme.
fn named_hosts(facts: &mut Facts, program: &str, arguments: &[Word], script: &Script<'_>) {
    let operands = || arguments.iter().filter(|word| !word.text.starts_with('-'));
    let at_host = |word: &Word| {
        let host = word.text.split_once('@').map_or(word.text.as_str(), |(_, host)| host);
        host.split([':', '/']).next().unwrap_or_default().to_owned()
    };
    match program {
        "ssh" | "scp" | "rsync" | "sftp" | "ssh-keyscan" | "mosh" => {
            for word in operands().filter(|word| word.text.contains('@') || program == "ssh-keyscan") {
                let host = at_host(word);
                if destination::is_bare_host(&host) {
                    destination::link_to(facts, &host, &how(script, LinkKind::SendsTo, word.line));
                }
            }
        }
        "git" => {
            // `git@host:path`; without the colon it is an address of mail.
            let remote = |word: &&Word| {
                !word.text.contains("://") && word.text.split_once('@').is_some_and(|(_, rest)| rest.contains(':'))
            };
            for word in operands().filter(remote) {
                let host = at_host(word);
                if destination::is_bare_host(&host) {
                    destination::link_to(facts, &host, &how(script, LinkKind::BuiltFrom, word.line));
                }
            }
        }
        "docker" | "podman" | "buildah" | "skopeo" | "crane" | "oras" | "helm" | "nerdctl"
            if arguments.iter().any(|word| word.text == "login") =>
        {
            // Behind an option stands its value: a name or a password.
            let plain = |at: &usize| {
                let before = at.checked_sub(1).and_then(|before| arguments.get(before));
                before.is_none_or(|word| !word.text.starts_with('-') || word.text.contains("stdin"))
            };
            for word in (0..arguments.len()).filter(plain).filter_map(|at| arguments.get(at)) {
                let text = if word.text.contains('$') { (script.expand)(&word.text) } else { None };
                let text = text.unwrap_or_else(|| word.text.clone());
                let how = how(script, LinkKind::SendsTo, word.line);
                if destination::is_bare_host(&text) {
                    destination::link_to(facts, &text, &how);
                } else if text.starts_with('$') && !text.contains("CI_") {
                    let message = format!("the registry `{text}` comes from a variable that no file sets");
                    destination::hide(facts, &text, "U001", message, &how);
                }
            }
        }
        // `curl "$WEBHOOK_URL/path"`: a destination by its variable's name, and nobody's by the files.
        "curl" | "wget" => {
            for word in operands().filter(|word| word.text.starts_with('$')) {
                let name = word.text.trim_start_matches(['$', '{']);
                let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
                let name = name.get(..end).unwrap_or_default();
                let words = settings::words(name);
                let known = (script.expand)(&word.text).is_some_and(|text| !text.starts_with('$'));
                if settings::is_endpoint_key(&words)
                    && !name.starts_with("CI_")
                    && !name.starts_with("GITHUB_")
                    && !known
                {
                    let message = format!("`{name}` comes from a variable that no file sets");
                    destination::hide(facts, name, "U001", message, &how(script, LinkKind::SendsTo, word.line));
                }
            }
        }
        "add-apt-repository" => {
            for word in operands().filter(|word| word.text.starts_with("ppa:")) {
                destination::link_to(facts, "ppa.launchpadcontent.net", &how(script, LinkKind::BuiltFrom, word.line));
            }
        }
        _ => {}
    }
}

/// Images that a script pulls or runs, and registries that it pushes to.
fn images(facts: &mut Facts, program: &str, arguments: &[Word], script: &Script<'_>) {
    if !matches!(program, "docker" | "podman" | "nerdctl" | "crane" | "skopeo" | "buildah") {
        return;
    }
    let Some(at) = arguments.iter().position(|word| matches!(word.text.as_str(), "pull" | "run" | "push")) else {
        return;
    };
    let (push, run) = arguments.get(at).map_or((false, false), |word| (word.text == "push", word.text == "run"));
    let mut skip = false;
    for word in arguments.iter().skip(at + 1) {
        // An option's value is no image; flags without a value are the short list.
        if std::mem::take(&mut skip) {
            continue;
        }
        if word.text.starts_with('-') {
            const FLAGS: &[&str] = &[
                "--rm",
                "-d",
                "-i",
                "-t",
                "-it",
                "-ti",
                "-q",
                "--quiet",
                "--init",
                "--privileged",
                "--detach",
                "-dit",
                "--interactive",
                "--tty",
                "-a",
                "--all-tags",
                "-P",
                "-itd",
                "-id",
                "-td",
                "--read-only",
            ];
            skip = !word.text.contains('=') && !FLAGS.contains(&word.text.as_str());
            continue;
        }
        let expanded = if word.text.contains('$') { (script.expand)(&word.text) } else { None };
        let text = expanded.as_deref().unwrap_or(&word.text);
        if let Some(image) = image::parse(text).filter(|image| run || push || image.name.contains('/')) {
            let seen = how(script, LinkKind::BuiltFrom, word.line);
            if push {
                if destination::is_bare_host(image.registry()) {
                    destination::link_to(facts, image.registry(), &how(script, LinkKind::SendsTo, word.line));
                }
            } else {
                link_image(facts, &image, &seen);
            }
        } else if let Some((registry, _)) = text.split_once('/').filter(|(host, _)| destination::is_bare_host(host)) {
            let kind = if push { LinkKind::SendsTo } else { LinkKind::BuiltFrom };
            destination::link_to(facts, registry, &how(script, kind, word.line));
        }
        return;
    }
}

/// Adds an image and the link to it; a digest pins it.
pub(crate) fn link_image(facts: &mut Facts, image: &image::ImageRef, how: &Use) -> ComponentRef {
    let mut component = image.component(how.seen.clone());
    component.confidence = how.confidence;
    component.evidence.extend(how.also.iter().cloned());
    let to = facts.add(component);
    let link = facts.link(how.from, LinkKind::BuiltFrom, to, how.seen.clone());
    link.evidence.extend(how.also.iter().cloned());
    if image.digest.is_some() {
        link.mitigations.push(Mitigation::PinnedDigest);
    }
    to
}

/// Links to the image that a text names, variables replaced. What a missing variable leaves known (the name without
/// its tag, the registry) is linked, and the rest is reported.
pub(crate) fn link_image_text(facts: &mut Facts, written: &str, expanded: &Expanded, how: &Use) {
    if let Some(image) = image::parse(&expanded.text) {
        link_image(facts, &image, how);
        return;
    }
    let known = expanded.text.find(['$', '{']).and_then(|at| expanded.text.get(..at)).unwrap_or_default();
    let tagless = known.strip_suffix(['@', ':']).or_else(|| {
        // `name:prefix-${VARIABLE}`
        known.rsplit_once(':').map(|(name, _)| name).filter(|name| known.rfind('/') < Some(name.len()))
    });
    if let Some(image) = tagless.and_then(image::parse) {
        link_image(facts, &image, how);
    } else if let Some((registry, _)) = known.split_once('/')
        && destination::is_bare_host(registry)
    {
        destination::link_to(facts, registry, how);
    }
    let (code, message) = match expanded.missing.first() {
        Some(name) => ("U001", format!("image `{written}` needs `{name}`, which no file sets")),
        None if written.contains("${{") => ("U002", format!("image `{written}` is known only when the job runs")),
        None if written.contains("{{") => ("U004", format!("image `{written}` is filled in by a template")),
        None => ("U010", format!("`{written}` is no image reference")),
    };
    facts.unresolved(code, message, Some(how.from), how.seen.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use allod_facts::{Component, Layer, Role};

    fn check(script: &str, expect: &[&str]) {
        let path: Arc<str> = Arc::from("s.sh");
        let mut facts = Facts::new();
        let from = facts.add(Component::new("o", "o", "o", Layer::Ci, Role::Own, Evidence::line(&path, 1, "test")));
        let lines: Vec<(u32, &str)> = (1..).zip(script.lines()).collect();
        let how = Script {
            from,
            path: &path,
            reader: "test",
            otherwise: LinkKind::SendsTo,
            neighbour: &|_| None,
            expand: &|_| None,
        };
        let seen = read(&mut facts, &lines, &how, None);
        let mut shown: Vec<String> = facts
            .links
            .iter()
            .map(|link| {
                let id = &facts.components.get(link.to as usize).unwrap().id;
                format!("{} {id} {}", link.kind.name(), link.evidence.first().unwrap().line)
            })
            .collect();
        shown.extend(seen.clouds.iter().map(|(cloud, line)| format!("cloud {cloud} {line}")));
        shown.extend(seen.cluster.iter().map(|line| format!("cluster {line}")));
        shown.extend(facts.unresolved.iter().map(|one| format!("{} {}", one.code, one.evidence.line)));
        assert_eq!(shown, expect, "{script}");
    }

    #[test]
    fn what_scripts_fetch_and_send() {
        check("curl -sSL https://get.a.lu/x | sh", &["built_from host:get.a.lu 1"]);
        check("curl -X POST -d @x \\\n  https://hooks.b.eu/y", &["sends_to host:hooks.b.eu 2"]);
        check("echo see https://docs.c.lu", &[]);
        check("echo \"deb https://apt.d.lu x main\" > /etc/x", &["built_from host:apt.d.lu 1"]);
        check("# curl https://no.lu", &[]);
        check("git clone git@git.e.lu:a/b.git", &["built_from host:git.e.lu 1"]);
        check("curl https://$HOST/x", &["built_from endpoint:s.sh#$HOST 1", "U001 1"]);
        check("HOST=a.lu\ncurl https://$HOST/x", &["sends_to host:a.lu 1", "built_from host:a.lu 2"]);
        check("V=$(cat v)\ncurl https://${H:-b.lu}/$V", &["built_from host:b.lu 2"]);
        check("export REGISTRY=${CI:-r.lu}", &["sends_to host:r.lu 1"]);
        check("TITLE=a.lu NAME=b.lu", &[]);
        check("curl -d x \"$HOOK_URL/y\"", &["sends_to endpoint:s.sh#HOOK_URL 1", "U001 1"]);
        check("scp -r x deploy@app.f.lu:/srv", &["sends_to host:app.f.lu 1"]);
    }

    #[test]
    fn package_managers_have_a_default() {
        check(
            "pip install -r r.txt && npm ci",
            &["built_from host:pypi.org 1", "built_from host:registry.npmjs.org 1"],
        );
        check("pip install --index-url https://pypi.g.lu/simple x", &["built_from host:pypi.g.lu 1"]);
        check("python3 -m pip install x", &["built_from host:pypi.org 1"]);
        check("sudo apt-get install -y curl", &[]);
        check("npm run build", &[]);
    }

    #[test]
    fn images_and_clouds() {
        check("docker run --rm -v a:b quay.io/x/y:1 sh", &["built_from image:quay.io/x/y:1 1"]);
        check("docker push ghcr.io/a/b:1", &["sends_to host:ghcr.io 1"]);
        check("docker login -u x registry.h.lu", &["sends_to host:registry.h.lu 1"]);
        check("docker login $R -u $U --password-stdin", &["sends_to endpoint:s.sh#$R 1", "U001 1"]);
        check("docker push r.lu/$A/b:1", &["sends_to host:r.lu 1"]);
        check("aws s3 ls --endpoint-url http://store:8000", &[]);
        check("aws s3 sync . s3://b", &["cloud aws 1"]);
        check("\nkubectl apply -f x", &["cluster 2"]);
    }
}
