//! What a command puts into effect: manifests, charts, designs and images that it applies, builds or pushes.

use super::words::Word;

/// Something that a command delivers. Paths are as written, relative to where the command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A file, or a folder of manifests; `true`: with all folders below.
    Manifests(String, bool),
    Kustomization(String),
    /// May be a chart of the tree, or the name of a release, a repository or a value.
    Chart(String),
    Terraform(String),
    /// The files of `-f`; none: those that Compose looks for.
    Compose(Vec<String>),
    /// An image by its name, without tag and digest.
    Image(String),
}

/// What a command delivers, with the line of the word that says so.
pub(super) fn effects(
    program: &str,
    arguments: &[Word],
    expand: &dyn Fn(&str) -> Option<String>,
) -> Vec<(Effect, u32)> {
    let has = |words: &[&str]| arguments.iter().any(|word| words.contains(&word.text.as_str()));
    let known = |text: &str| {
        if text.contains('$') { expand(text).unwrap_or_else(|| text.to_owned()) } else { text.to_owned() }
    };
    let values = |names: &[&str]| -> Vec<(String, u32)> {
        values_of(arguments, names).into_iter().map(|(text, line)| (known(text), line)).collect()
    };
    let operands = || arguments.iter().filter(|word| !word.text.starts_with('-'));
    let first_line = arguments.first().map_or(0, |word| word.line);
    let mut found = Vec::new();
    match program {
        "kubectl" | "oc" if has(&["apply", "create", "replace"]) => {
            let deep = has(&["-R", "--recursive"]);
            let files = values(&["-f", "--filename"]);
            found.extend(files.into_iter().map(|(path, line)| (Effect::Manifests(path, deep), line)));
            let folders = values(&["-k", "--kustomize"]);
            found.extend(folders.into_iter().map(|(path, line)| (Effect::Kustomization(path), line)));
        }
        "kustomize" | "kubectl" | "oc" if has(&["build", "kustomize"]) => {
            let paths = operands().filter(|word| !matches!(word.text.as_str(), "build" | "kustomize"));
            found.extend(paths.map(|word| (Effect::Kustomization(known(&word.text)), word.line)));
        }
        "helm" if has(&["upgrade", "install"]) => {
            let words = operands().filter(|word| !matches!(word.text.as_str(), "upgrade" | "install"));
            found.extend(words.map(|word| (Effect::Chart(known(&word.text)), word.line)));
        }
        "terraform" | "tofu" | "terragrunt" if has(&["apply", "destroy"]) => {
            let folder = arguments
                .iter()
                .find_map(|word| {
                    let text = word.text.trim_start_matches('-');
                    let folder =
                        text.strip_prefix("chdir=").or_else(|| text.strip_prefix("terragrunt-working-dir="))?;
                    Some((known(folder), word.line))
                })
                .unwrap_or_else(|| (".".to_owned(), first_line));
            found.push((Effect::Terraform(folder.0), folder.1));
        }
        "docker" | "docker-compose" | "podman-compose" | "podman" if has(&["up", "stack"]) || has(&["deploy"]) => {
            let compose = program.ends_with("-compose") || has(&["compose"]) && has(&["up"]) || has(&["stack"]);
            if compose {
                let files = values(&["-f", "--file", "-c", "--compose-file"]);
                let line = files.first().map_or(first_line, |(_, line)| *line);
                found.push((Effect::Compose(files.into_iter().map(|(path, _)| path).collect()), line));
            }
        }
        "docker" | "podman" | "buildah" | "nerdctl" | "img" if has(&["build", "bud"]) => {
            let tags = values(&["-t", "--tag"]);
            found.extend(tags.iter().filter_map(|(text, line)| Some((Effect::Image(image_name(text)?), *line))));
        }
        "docker" | "podman" | "buildah" | "nerdctl" if has(&["push"]) => {
            let last = operands().next_back().filter(|word| word.text != "push");
            found.extend(last.and_then(|word| Some((Effect::Image(image_name(&known(&word.text))?), word.line))));
        }
        "executor" => {
            let tags = values(&["--destination", "-d"]);
            found.extend(tags.iter().filter_map(|(text, line)| Some((Effect::Image(image_name(text)?), *line))));
        }
        "ansible-playbook" => {
            let books = operands().filter(|word| word.text.ends_with(".yml") || word.text.ends_with(".yaml"));
            found.extend(books.map(|word| (Effect::Manifests(known(&word.text), false), word.line)));
        }
        "serverless" | "sls" if has(&["deploy"]) => {
            found.push((Effect::Manifests("serverless.yml".to_owned(), false), first_line));
        }
        _ => {}
    }
    found.truncate(MAX_EFFECTS);
    found
}

/// The values of an option: `-f x`, `--filename x`, `--filename=x`.
fn values_of<'w>(arguments: &'w [Word], names: &[&str]) -> Vec<(&'w str, u32)> {
    let mut found = Vec::new();
    for (at, word) in arguments.iter().enumerate() {
        if names.contains(&word.text.as_str()) {
            found.extend(arguments.get(at + 1).map(|value| (value.text.as_str(), value.line)));
        } else if let Some((name, value)) = word.text.split_once('=')
            && names.contains(&name)
        {
            found.push((value, word.line));
        }
    }
    found.retain(|(text, _)| !text.is_empty() && *text != "-");
    found
}

/// The fully qualified name of an image without tag and digest; what only a run knows may stand in the tag.
pub(crate) fn image_name(text: &str) -> Option<String> {
    let text = text.trim();
    let known = text.find(['$', '{']).and_then(|at| text.get(..at)).unwrap_or(text);
    let path = known.rfind('/').map_or(0, |at| at + 1);
    let tag = known.get(path..)?.find([':', '@']).map(|at| path + at);
    // A variable before the tag is part of the name.
    let end = tag.or((known.len() == text.len()).then_some(text.len()))?;
    crate::image::parse(text.get(..end)?).map(|image| image.name)
}

/// Things that one command delivers.
const MAX_EFFECTS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images() {
        let check = |text: &str, expect: Option<&str>| assert_eq!(image_name(text).as_deref(), expect, "{text}");
        check("r.clinic.lu/app:1", Some("r.clinic.lu/app"));
        check("r.clinic.lu:5000/app", Some("r.clinic.lu:5000/app"));
        check("r.clinic.lu/app:${{ github.ref_name }}", Some("r.clinic.lu/app"));
        check("r.clinic.lu/app:v-${VERSION}", Some("r.clinic.lu/app"));
        check("r.clinic.lu/app:${A/x/y}", Some("r.clinic.lu/app"));
        check("app", Some("docker.io/library/app"));
        check("${REGISTRY}/app:1", None);
        check("", None);
    }

    #[test]
    fn what_commands_deliver() {
        let check = |text: &str, expect: &[&str]| {
            let lines: Vec<(u32, &str)> = (1..).zip(text.lines()).collect();
            let shown: Vec<String> = super::super::words::commands(&lines)
                .iter()
                .filter_map(|command| command.split_first())
                .flat_map(|(program, arguments)| effects(&program.text, arguments, &|_| None))
                .map(|(effect, line)| format!("{effect:?} {line}"))
                .collect();
            assert_eq!(shown, expect, "{text}");
        };
        check("kubectl -n x apply -f deploy/prod", &["Manifests(\"deploy/prod\", false) 1"]);
        check("kubectl apply --filename=a.yaml -R", &["Manifests(\"a.yaml\", true) 1"]);
        check("kubectl apply -k o", &["Kustomization(\"o\") 1"]);
        check("kustomize build o | kubectl apply -f -", &["Kustomization(\"o\") 1"]);
        check("helm upgrade --install web ./charts/web", &["Chart(\"web\") 1", "Chart(\"./charts/web\") 1"]);
        check("\ntofu -chdir=infra apply -auto-approve", &["Terraform(\"infra\") 2"]);
        check("terraform apply", &["Terraform(\".\") 1"]);
        check("terraform plan", &[]);
        check("docker compose -f a.yml -f b.yml up -d", &["Compose([\"a.yml\", \"b.yml\"]) 1"]);
        check("docker-compose up", &["Compose([]) 1"]);
        check("docker build -t r.lu/a:$V -t b .", &["Image(\"r.lu/a\") 1", "Image(\"docker.io/library/b\") 1"]);
        check("docker push r.lu/a:1", &["Image(\"r.lu/a\") 1"]);
        check("ansible-playbook -i hosts site.yml", &["Manifests(\"site.yml\", false) 1"]);
    }
}
