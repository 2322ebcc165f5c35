//! What the commands of a job fetch, load and talk to.

use super::READER;
use super::script::{Script, Word};
use crate::endpoint::{self, Target};
use crate::image;
use crate::limits::MAX_URL_BYTES;
use crate::manifests::package;
use allod_facts::{
    Clue, ClueKind, Component, ComponentRef, Confidence, Ecosystem, Evidence, Facts, Layer, LinkKind, Mitigation, Role,
};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// Options by which servers and trainers take a model.
const MODEL_OPTIONS: &[&str] = &[
    "--model",
    "--model-id",
    "--model_id",
    "--model-path",
    "--model_name",
    "--model-name",
    "--model_name_or_path",
    "--pretrained_model_name_or_path",
    "--tokenizer",
    "--hf-repo",
    "--base_model",
    "-hf",
];
/// Ends of variable names that hold credentials.
const CREDENTIALS: &[&str] = &["_API_KEY", "_TOKEN", "_SECRET", "_SECRET_KEY", "_ACCESS_KEY", "_DSN", "_PASSWORD"];

struct Uses<'a> {
    facts: &'a mut Facts,
    path: &'a Arc<str>,
    job: ComponentRef,
    /// Where models come from: the public hub, or what `HF_ENDPOINT` names.
    hub: String,
    /// The hub is not asked at run time.
    offline: Option<u32>,
    /// Image files that this script makes itself.
    made: FxHashSet<String>,
    linked: FxHashSet<(LinkKind, ComponentRef)>,
}

pub(super) fn read(facts: &mut Facts, path: &Arc<str>, script: &Script<'_>, job: ComponentRef) {
    let value = |name: &str| script.assignments.iter().rev().find(|(known, _)| known == name).map(|(_, word)| word);
    let hub = value("HF_ENDPOINT").and_then(|word| endpoint::host_of(&word.text));
    let is_on = |word: &&Word| matches!(word.text.as_str(), "1" | "true" | "TRUE" | "yes" | "ON");
    let offline = value("HF_HUB_OFFLINE").filter(is_on).or_else(|| value("TRANSFORMERS_OFFLINE").filter(is_on));
    let mut uses = Uses {
        facts,
        path,
        job,
        hub: hub.unwrap_or_else(|| "huggingface.co".to_owned()),
        offline: offline.map(|word| word.line),
        made: FxHashSet::default(),
        linked: FxHashSet::default(),
    };
    for (name, line) in
        script.directives.iter().filter(|(name, ..)| *name == "container-image").map(|(_, v, l)| (v, *l))
    {
        uses.image(name, line);
    }
    for (name, word) in &script.assignments {
        uses.assignment(name, word);
    }
    for command in &script.commands {
        uses.command(command);
    }
}

impl Uses<'_> {
    fn seen(&self, line: u32) -> Evidence {
        Evidence::line(self.path, line, READER.id)
    }

    fn link(&mut self, kind: LinkKind, to: ComponentRef, line: u32) -> bool {
        let new = self.linked.insert((kind, to));
        if new {
            let seen = self.seen(line);
            self.facts.link(self.job, kind, to, seen);
        }
        new
    }

    fn host(&mut self, kind: LinkKind, url: &str, line: u32, confidence: Confidence) {
        let seen = self.seen(line);
        if let Some(Target::Host(host)) = endpoint::sight(self.facts, url, seen, confidence) {
            self.link(kind, host, line);
        }
    }

    fn unset(&mut self, what: &str, line: u32) {
        let seen = self.seen(line);
        self.facts.unresolved(
            "U001",
            format!("{what} comes from a variable that the script does not set"),
            Some(self.job),
            seen,
        );
    }

    fn assignment(&mut self, name: &str, word: &Word) {
        let text = word.text.as_str();
        if CREDENTIALS.iter().any(|end| name.ends_with(end)) && !name.starts_with("SLURM_") {
            // The name only: what stands behind it is nobody's business.
            let seen = self.seen(word.line);
            let id = format!("slurm:{}#env:{name}", self.path);
            let mut component = Component::new(&id, name, "credential", Layer::Unclassified, Role::Provided, seen)
                .with_clue(Clue::new(ClueKind::EnvVar, name));
            component.confidence = Confidence::Low;
            let at = self.facts.add(component);
            self.link(LinkKind::SendsTo, at, word.line);
        } else if text.contains("://") {
            match name {
                "HF_ENDPOINT" => {}
                "PIP_INDEX_URL" | "PIP_EXTRA_INDEX_URL" | "UV_INDEX_URL" | "UV_DEFAULT_INDEX" => {
                    self.host(LinkKind::BuiltFrom, text, word.line, Confidence::High);
                }
                _ => self.words(std::slice::from_ref(word), LinkKind::SendsTo),
            }
        } else if name.contains("MODEL") && !word.is_open {
            self.model(text, word.line, Confidence::Medium);
        } else if name.contains("IMAGE") && text.contains(['/', ':']) && !text.starts_with(['/', '.'])
            || name.contains("CONTAINER") && names_registry(text)
        {
            self.image(text, word.line);
        }
    }

    fn command(&mut self, command: &[Word]) {
        // Launchers are followed by what they launch.
        let program = command.iter().position(|word| is_known(name(&word.text)));
        let (before, rest) = match program.and_then(|at| Some((command.get(..at)?, command.get(at..)?))) {
            Some(parts) => parts,
            None => (command, &[] as &[Word]),
        };
        self.options(command);
        self.images(command);
        let Some(first) = rest.first() else { return self.words(command, LinkKind::SendsTo) };
        self.words(before, LinkKind::SendsTo);
        let arguments = rest.get(1..).unwrap_or_default();
        match name(&first.text) {
            // The definition of an image, written into a file by the script.
            "From:" => {
                if let Some(image) = arguments.first().filter(|image| !image.is_open) {
                    self.image(&image.text, image.line);
                }
            }
            "module" | "ml" => self.modules(arguments),
            "git" => self.git(arguments),
            "curl" | "wget" | "aria2c" => {
                let sends = arguments.iter().any(|word| {
                    let text = word.text.as_str();
                    matches!(text, "-d" | "-F" | "-T" | "POST" | "PUT" | "--json")
                        || text.starts_with("--data")
                        || text.starts_with("--form")
                        || text.starts_with("--post")
                });
                self.words(arguments, if sends { LinkKind::SendsTo } else { LinkKind::BuiltFrom });
            }
            "pip" | "pip3" | "uv" | "conda" | "mamba" | "micromamba" => self.install(name(&first.text), arguments),
            "hf" | "huggingface-cli" => self.hub_command(arguments),
            // Ollama's own registry serves the models that it is asked for by name.
            "ollama" => {
                if let [verb, model, ..] = arguments
                    && matches!(verb.text.as_str(), "pull" | "run")
                {
                    self.ollama(model);
                }
            }
            "vllm" => {
                if let [serve, model, ..] = arguments
                    && serve.text == "serve"
                    && !model.text.starts_with('-')
                {
                    self.model_or_unset(model);
                }
                self.words(arguments, LinkKind::SendsTo);
            }
            _ => self.words(arguments, LinkKind::SendsTo),
        }
    }

    /// Options that mean the same whatever the program is.
    fn options(&mut self, command: &[Word]) {
        for (at, word) in command.iter().enumerate() {
            let (option, value) = match word.text.split_once('=') {
                Some((option, value)) => (option, Some(Word { text: value.to_owned(), ..*word })),
                None => (word.text.as_str(), command.get(at + 1).cloned()),
            };
            let Some(value) = value else { continue };
            if MODEL_OPTIONS.contains(&option) {
                self.model_or_unset(&value);
            } else if matches!(option, "--model_args" | "--model-args") {
                // Of the evaluation harness: `pretrained=owner/name,dtype=float16`.
                let models = value.text.split(',').filter_map(|pair| pair.split_once('='));
                for (_, model) in models.filter(|(key, _)| matches!(*key, "pretrained" | "model" | "peft")) {
                    if !model.contains('$') {
                        self.model(model, value.line, Confidence::High);
                    }
                }
            } else if option == "--container-image"
                || option == "--image" && command.iter().any(|w| name(&w.text) == "shifter")
            {
                if value.is_open {
                    self.unset("the container image", value.line);
                } else {
                    self.image(&value.text, value.line);
                }
            }
        }
    }

    /// `docker://...` and its relatives wherever they stand, and image files.
    fn images(&mut self, command: &[Word]) {
        let runtime =
            command.iter().position(|word| matches!(name(&word.text), "apptainer" | "singularity" | "enroot"));
        for word in command {
            let text = word.text.as_str();
            let text =
                text.split_once('=').filter(|(option, _)| option.starts_with('-')).map_or(text, |(_, value)| value);
            let scheme =
                ["docker://", "oras://", "library://", "shub://"].into_iter().find(|scheme| text.starts_with(scheme));
            match scheme {
                Some(_) if word.is_open => self.unset("the container image", word.line),
                Some("library://") => {
                    self.host(LinkKind::BuiltFrom, "library.sylabs.io", word.line, Confidence::Medium)
                }
                Some("shub://") => self.host(LinkKind::BuiltFrom, "singularity-hub.org", word.line, Confidence::Medium),
                Some(scheme) => self.image(text.strip_prefix(scheme).unwrap_or(text), word.line),
                None => {}
            }
        }
        let Some(arguments) = runtime.and_then(|at| command.get(at + 1..)) else { return };
        let verb = arguments.iter().find(|word| !word.text.starts_with('-')).map_or("", |word| word.text.as_str());
        if matches!(verb, "pull" | "build" | "import") {
            // Without a file name, the tools make one from the image's name and tag.
            let made = arguments.iter().filter_map(|word| match word.text.split_once("://") {
                Some((_, image)) => {
                    let (name, tag) = name(image).split_once(':').unwrap_or((name(image), "latest"));
                    Some(format!("{name}_{tag}.sif"))
                }
                None => is_image_file(&word.text).then(|| word.text.clone()),
            });
            self.made.extend(made);
            return;
        }
        let file = arguments.iter().find(|word| is_image_file(&word.text));
        if let Some(file) = file.filter(|file| !self.made.contains(&file.text)) {
            let shown = name(&file.text);
            let message = format!("the image file `{shown}` was made elsewhere, and the script does not say from what");
            let seen = self.seen(file.line);
            self.facts.unresolved("U003", message, Some(self.job), seen);
        }
    }

    fn image(&mut self, text: &str, line: u32) {
        // Shifter writes `docker:name`, Pyxis `registry#name`.
        let text = text.strip_prefix("docker:").map_or(text, |rest| rest.trim_start_matches('/')).replacen('#', "/", 1);
        if text.starts_with('/') || is_image_file(&text) {
            return;
        }
        let seen = self.seen(line);
        match image::parse(&text) {
            Some(image) => {
                let at = self.facts.add(image.component(seen));
                if self.link(LinkKind::BuiltFrom, at, line)
                    && image.digest.is_some()
                    && let Some(link) = self.facts.links.last_mut()
                {
                    link.mitigations.push(Mitigation::PinnedDigest);
                }
            }
            None => self.unset("the container image", line),
        }
    }

    fn model_or_unset(&mut self, word: &Word) {
        if word.is_open && !word.text.starts_with('/') {
            self.unset("the model", word.line);
        } else {
            self.model(&word.text, word.line, Confidence::High);
        }
    }

    /// A model of the hub is `owner/name`; anything else is a local path.
    fn model(&mut self, text: &str, line: u32, confidence: Confidence) {
        let fine = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        let Some((owner, model)) = text.split_once('/') else { return };
        if !fine(owner) || !fine(model) || text.ends_with(".gguf") && owner == "models" {
            return;
        }
        let seen = self.seen(line);
        let hub = self.hub.clone();
        let mut component =
            Component::new(&format!("model:{hub}/{text}"), text, "model", Layer::AiModel, Role::Artefact, seen.clone())
                .with_clue(Clue::new(ClueKind::Host, &hub))
                .with_clue(Clue::new(ClueKind::Name, owner));
        component.confidence = confidence;
        let at = self.facts.add(component);
        let mut added = usize::from(self.link(LinkKind::BuiltFrom, at, line));
        if let Some(Target::Host(host)) = endpoint::sight(self.facts, &hub, seen.clone(), confidence)
            && self.linked.insert((LinkKind::BuiltFrom, host))
        {
            self.facts.link(at, LinkKind::BuiltFrom, host, seen);
            added += 1;
        }
        // The job works on what was fetched before: the hub cannot stop it.
        if let Some(offline) = self.offline.map(|line| self.seen(line)) {
            for link in self.facts.links.iter_mut().rev().take(added) {
                link.mitigations.push(Mitigation::LocalMirror);
                link.evidence.push(offline.clone());
            }
        }
    }

    fn ollama(&mut self, model: &Word) {
        const REGISTRY: &str = "registry.ollama.ai";
        if model.is_open {
            return self.unset("the model", model.line);
        }
        if let Some(name) = model.text.strip_prefix("hf.co/") {
            return self.model(name.split(':').next().unwrap_or(name), model.line, Confidence::High);
        }
        let seen = self.seen(model.line);
        let id = format!("model:{REGISTRY}/{}", model.text);
        let component = Component::new(&id, &model.text, "model", Layer::AiModel, Role::Artefact, seen.clone())
            .with_clue(Clue::new(ClueKind::Host, REGISTRY));
        let at = self.facts.add(component);
        self.link(LinkKind::BuiltFrom, at, model.line);
        if let Some(Target::Host(host)) = endpoint::sight(self.facts, REGISTRY, seen.clone(), Confidence::Medium) {
            self.facts.link(at, LinkKind::BuiltFrom, host, seen);
        }
    }

    fn hub_command(&mut self, arguments: &[Word]) {
        let verb = arguments.first().map_or("", |word| word.text.as_str());
        if matches!(verb, "download" | "upload") {
            let target =
                arguments.iter().skip(1).find(|word| !word.text.starts_with('-') && word.text.contains(['/', '$']));
            match target {
                Some(word) if verb == "download" => self.model_or_unset(word),
                _ => {
                    let hub = self.hub.clone();
                    let line = arguments.first().map_or(1, |word| word.line);
                    let kind = if verb == "upload" { LinkKind::SendsTo } else { LinkKind::BuiltFrom };
                    self.host(kind, &hub, line, Confidence::High);
                }
            }
        }
    }

    fn modules(&mut self, arguments: &[Word]) {
        let loads = match arguments.split_first() {
            Some((verb, names)) if matches!(verb.text.as_str(), "load" | "add" | "restore") => names,
            Some((verb, _)) if matches!(verb.text.as_str(), "purge" | "use" | "list" | "avail" | "unload" | "swap") => {
                &[]
            }
            _ => arguments,
        };
        for word in loads.iter().filter(|word| !word.text.starts_with('-') && !word.is_open) {
            let name = word.text.split('/').next().unwrap_or(&word.text);
            if name.is_empty() || matches!(name, "env") {
                continue;
            }
            let seen = self.seen(word.line);
            let mut component = Component::new(
                &format!("hpc-module:{}", word.text),
                &word.text,
                "hpc-module",
                Layer::Packages,
                Role::Artefact,
                seen,
            )
            .with_clue(Clue::new(ClueKind::Name, name));
            component.confidence = Confidence::Low;
            let at = self.facts.add(component);
            self.link(LinkKind::BuiltFrom, at, word.line);
        }
    }

    fn git(&mut self, arguments: &[Word]) {
        let verb = arguments.iter().find(|word| !word.text.starts_with('-'));
        if !verb.is_some_and(|verb| matches!(verb.text.as_str(), "clone" | "pull" | "fetch" | "submodule" | "lfs")) {
            return self.words(arguments, LinkKind::SendsTo);
        }
        let url = arguments.iter().find(|word| word.text.contains("://") || word.text.starts_with("git@"));
        let Some(url) = url else { return };
        let Some((host, path)) = git_place(&url.text) else { return self.unset("the repository", url.line) };
        let seen = self.seen(url.line);
        let component =
            Component::new(&format!("git:{host}/{path}"), &path, "git", Layer::Source, Role::Artefact, seen)
                .with_clue(Clue::new(ClueKind::Host, &host));
        let at = self.facts.add(component);
        self.link(LinkKind::BuiltFrom, at, url.line);
    }

    /// Packages that the job installs when it runs, and the indexes that they come from.
    fn install(&mut self, program: &str, arguments: &[Word]) {
        let Some(at) = arguments.iter().position(|word| matches!(word.text.as_str(), "install" | "add" | "create"))
        else {
            return self.words(arguments, LinkKind::SendsTo);
        };
        let conda = matches!(program, "conda" | "mamba" | "micromamba");
        let line = arguments.get(at).map_or(1, |word| word.line);
        let (mut named, mut value_of) = (false, "");
        for word in arguments.iter().skip(at + 1) {
            let (option, value) =
                word.text.split_once('=').filter(|(option, _)| option.starts_with("--")).unwrap_or(("", ""));
            let option = if option.is_empty() { value_of } else { option };
            let value = if value.is_empty() { word.text.as_str() } else { value };
            value_of = "";
            match option {
                "-i" | "--index-url" | "--default-index" => {
                    named = true;
                    self.host(LinkKind::BuiltFrom, value, word.line, Confidence::High);
                }
                "--extra-index-url" | "-f" | "--find-links" | "--index" => {
                    self.host(LinkKind::BuiltFrom, value, word.line, Confidence::High);
                }
                "-c" | "--channel" if conda && value.contains("://") => {
                    named = true;
                    self.host(LinkKind::BuiltFrom, value, word.line, Confidence::High);
                }
                "" if value.starts_with('-') => value_of = takes_value(value),
                "" if value.contains("://") => self.words(std::slice::from_ref(word), LinkKind::BuiltFrom),
                "" if !conda => self.python_package(value, word),
                _ => {}
            }
        }
        if !named {
            let registry = if conda { "conda.anaconda.org" } else { package::default_registry(Ecosystem::Pypi) };
            self.host(LinkKind::BuiltFrom, registry, line, Confidence::Medium);
        }
    }

    fn python_package(&mut self, value: &str, word: &Word) {
        let name =
            value.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).next().unwrap_or("");
        let rest = value.get(name.len()..).unwrap_or_default();
        let fine = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.starts_with('/') && !word.is_open;
        if fine && !name.ends_with(".txt") && !name.ends_with(".whl") {
            let seen = self.seen(word.line);
            let at = self.facts.add(package::component(Ecosystem::Pypi, name, seen));
            self.link(LinkKind::BuiltFrom, at, word.line);
        }
    }

    /// Every URL in some words.
    fn words(&mut self, words: &[Word], kind: LinkKind) {
        for word in words {
            for (at, _) in word.text.match_indices("://") {
                let before = word.text.get(..at).unwrap_or_default();
                let start = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '+').map_or(0, |at| at + 1);
                let url = word.text.get(start..).unwrap_or_default();
                let url = url.get(..url.floor_char_boundary(MAX_URL_BYTES)).unwrap_or(url);
                let url = url.split(['"', '\'', ' ', ',', ')', '}']).next().unwrap_or(url);
                let scheme = before.get(start..).unwrap_or_default();
                if matches!(scheme, "docker" | "oras" | "library" | "shub" | "file" | "s3" | "gs") {
                    continue;
                }
                match endpoint::host_of(url) {
                    Some(_) => self.host(kind, url, word.line, Confidence::High),
                    None if word.is_open => self.unset("an address", word.line),
                    None => {
                        let seen = self.seen(word.line);
                        let message = "an address is redacted or a template".to_owned();
                        self.facts.unresolved("U006", message, Some(self.job), seen);
                    }
                }
            }
        }
    }
}

/// Programs whose arguments are understood.
fn is_known(name: &str) -> bool {
    matches!(
        name,
        "From:"
            | "module"
            | "ml"
            | "git"
            | "curl"
            | "wget"
            | "aria2c"
            | "pip"
            | "pip3"
            | "uv"
            | "conda"
            | "mamba"
            | "micromamba"
            | "hf"
            | "huggingface-cli"
            | "vllm"
            | "ollama"
    )
}

/// Options of installers whose value is the next word and no package.
fn takes_value(option: &str) -> &'static str {
    match option {
        "-i" | "--index-url" => "--index-url",
        "--default-index" => "--default-index",
        "--extra-index-url" => "--extra-index-url",
        "-f" | "--find-links" => "--find-links",
        "--index" => "--index",
        "-c" | "--channel" | "--constraint" => "-c",
        "-r" | "--requirement" | "-t" | "--target" | "-e" | "--editable" | "-n" | "--name" | "-p" | "--prefix"
        | "--python" => "-r",
        _ => "",
    }
}

/// `registry.host/name:tag`, which can be nothing but an image.
fn names_registry(text: &str) -> bool {
    let registry = text.split_once('/').map(|(first, _)| first);
    registry.is_some_and(|host| host.contains('.') && !host.starts_with('.')) && !text.contains("://")
}

fn is_image_file(text: &str) -> bool {
    text.ends_with(".sif") || text.ends_with(".sqsh")
}

/// The file name of a program or path.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn git_place(url: &str) -> Option<(String, String)> {
    crate::manifests::git_place(url)
}
