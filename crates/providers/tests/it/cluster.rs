use super::api::{Api, TOKEN};
use allod_providers::kubernetes::{Access, Error, Pace, Seen, Watching, access, watch};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// What is waited for comes within a second.
const DEADLINE: Duration = Duration::from_secs(60);

const FAST: Pace = Pace { first_ms: 5, longest_ms: 50, watch_seconds: 60, grace_seconds: 60, discover_ms: 300_000 };

struct World {
    api: Api,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let world = World { api: Api::start(), folder: tempfile::tempdir().unwrap() };
        std::fs::write(world.path("ca.crt"), &world.api.authority).unwrap();
        std::fs::write(world.path("token"), format!("{TOKEN}\n")).unwrap();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn kubeconfig(&self, cluster: &str, user: &str) -> PathBuf {
        let port = self.api.port;
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             contexts: [{{ name: a, context: {{ cluster: c, user: u }} }}]\n\
             clusters: [{{ name: c, cluster: {{ server: 'https://127.0.0.1:{port}', {cluster} }} }}]\n\
             users: [{{ name: u, user: {{ {user} }} }}]\n"
        );
        let path = self.path("kubeconfig");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn access(&self) -> Access {
        access(Some(&self.kubeconfig("certificate-authority: ca.crt", "tokenFile: token")), None).unwrap()
    }

    fn watch(&self, pace: Pace) -> Watched {
        self.watch_without(pace, &[])
    }

    fn watch_without(&self, pace: Pace, exclude: &[&str]) -> Watched {
        let (send, news) = channel();
        let exclude: BTreeSet<String> = exclude.iter().map(|one| (*one).to_owned()).collect();
        let changed = Box::new(move || _ = send.send(()));
        Watched { watching: watch(self.access(), exclude, pace, changed).unwrap(), news }
    }
}

struct Watched {
    watching: Watching,
    news: Receiver<()>,
}

impl Watched {
    /// Waits until what is seen is so.
    fn until(&self, what: &str, is: impl Fn(&Seen) -> bool) -> Seen {
        let end = Instant::now() + DEADLINE;
        loop {
            let seen = self.watching.seen();
            if is(&seen) {
                return seen;
            }
            let left = end.checked_duration_since(Instant::now());
            let left = left.unwrap_or_else(|| panic!("{what}: {:?} {:?}", seen.gaps, paths(&seen)));
            let _ = self.news.recv_timeout(left.min(Duration::from_millis(50)));
        }
    }
}

/// `Deployment/prod/web` of every object.
fn paths(seen: &Seen) -> Vec<String> {
    let facts = allod_readers::kubernetes::objects(seen.objects.iter().map(|one| &**one));
    let ids = facts.components.iter().filter(|one| one.id.starts_with("k8s:"));
    ids.map(|one| one.id.rsplit('#').next().unwrap().to_owned()).collect()
}

fn images(seen: &Seen) -> Vec<String> {
    let facts = allod_readers::kubernetes::objects(seen.objects.iter().map(|one| &**one));
    facts.components.iter().filter(|one| &*one.kind == "image").map(|one| one.name.clone()).collect()
}

fn deployment(image: &str) -> Value {
    json!({
        "metadata": {
            "managedFields": [{ "manager": "kubectl" }],
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{\"secret\":\"in-the-annotation\"}" }
        },
        "spec": { "template": { "spec": { "containers": [{ "name": "a", "image": image }] } } }
    })
}

#[test]
fn lists_come_in_pages_and_changes_as_events() {
    let world = World::new();
    world.api.change(|state| {
        (state.page, state.expire) = (2, 1);
        for name in ["a", "b", "c", "d", "e"] {
            state.put("deployments", name, deployment("one:1"));
        }
    });
    let watched = world.watch(FAST);
    watched.watching.settle(DEADLINE);
    let seen = watched.watching.seen();
    assert_eq!(seen.gaps, []);
    assert_eq!(paths(&seen).len(), 5);
    assert!(world.api.count("continue=") >= 3, "the list expired once, and was begun anew");
    world.api.change(|state| {
        state.put("deployments", "f", deployment("two:2"));
        state.put("deployments", "a", deployment("three:3"));
        state.remove("deployments", "b");
    });
    let seen =
        watched.until("three changes", |seen| images(seen).contains(&"three:3".to_owned()) && paths(seen).len() == 5);
    assert!(!paths(&seen).contains(&"Deployment/prod/b".to_owned()));
    let kept = format!("{:?}", seen.objects);
    assert!(!kept.contains("in-the-annotation") && !kept.contains("managedFields"), "{kept}");
    world.api.change(|state| {
        assert!(state.requests.iter().all(|path| !path.contains("/secrets")), "{:?}", state.requests);
        assert!(state.tokens.iter().all(|token| *token == format!("Bearer {TOKEN}")));
    });
}

#[test]
fn a_version_that_is_too_old_is_listed_again() {
    let world = World::new();
    world.api.change(|state| state.put("deployments", "a", deployment("one:1")));
    let watched = world.watch(FAST);
    watched.until("the first", |seen| paths(seen) == ["Deployment/prod/a"]);
    // While nobody is connected, everything changes and is forgotten.
    world.api.change(|state| state.down = true);
    world.api.cut();
    watched.until("nothing is seen", |seen| !seen.gaps.is_empty());
    world.api.change(|state| {
        state.remove("deployments", "a");
        state.put("deployments", "b", deployment("one:1"));
        state.forgotten = state.version;
        state.down = false;
    });
    watched.until("what came instead", |seen| paths(seen) == ["Deployment/prod/b"] && seen.gaps.is_empty());
    // In the middle of a watch: an event says so.
    let gone = json!({ "kind": "Status", "code": 410, "message": "too old" });
    let lists = world.api.count("deployments?limit");
    world.api.change(|state| state.event("deployments", "ERROR", gone));
    watched.until("a list", |_| world.api.count("deployments?limit") > lists);
    watched.until("as before", |seen| paths(seen) == ["Deployment/prod/b"] && seen.gaps.is_empty());
}

#[test]
fn what_is_lost_is_not_seen_and_not_forgotten() {
    let world = World::new();
    world.api.change(|state| state.put("deployments", "a", deployment("one:1")));
    let watched = world.watch(FAST);
    watched.until("the first", |seen| paths(seen) == ["Deployment/prod/a"]);
    world.api.change(|state| state.down = true);
    world.api.cut();
    // When nothing is seen any more, that is one gap.
    let seen = watched.until("one gap", |seen| seen.gaps.len() == 1 && seen.gaps[0].what == "the API server");
    assert!(seen.gaps[0].since.is_some() && !seen.gaps[0].why.is_empty(), "{:?}", seen.gaps);
    assert_eq!(paths(&seen), ["Deployment/prod/a"], "what was seen last stands");
    world.api.change(|state| {
        state.put("deployments", "b", deployment("one:1"));
        state.down = false;
    });
    watched.until("all again", |seen| paths(seen).len() == 2 && seen.gaps.is_empty());
}

#[test]
fn a_connection_that_breaks_goes_on_from_the_bookmark() {
    let world = World::new();
    world.api.change(|state| state.put("deployments", "a", deployment("one:1")));
    let watched = world.watch(FAST);
    watched.until("the first", |seen| paths(seen) == ["Deployment/prod/a"]);
    let watches = world.api.count("deployments?watch");
    world.api.change(|state| {
        state.bookmark("deployments");
        state.put("deployments", "b", deployment("one:1"));
    });
    watched.until("the second", |seen| paths(seen).len() == 2);
    let lists = world.api.count("deployments?limit");
    // All before the bookmark is forgotten: a watch from the version of the list would be too old.
    world.api.change(|state| state.forgotten = state.version);
    world.api.cut();
    watched.until("a new watch", |_| world.api.count("deployments?watch") > watches);
    world.api.change(|state| state.put("deployments", "c", deployment("one:1")));
    watched.until("the third", |seen| paths(seen).len() == 3 && seen.gaps.is_empty());
    assert_eq!(world.api.count("deployments?limit"), lists, "nothing was listed again");
}

#[test]
fn a_silent_connection_is_a_dead_one() {
    let world = World::new();
    world.api.change(|state| {
        state.put("deployments", "a", deployment("one:1"));
        state.silent = true;
    });
    let watched = world.watch(Pace { watch_seconds: 0, grace_seconds: 1, ..FAST });
    let seen = watched.until("silence", |seen| seen.gaps.iter().any(|gap| gap.why.contains("nothing was heard")));
    assert_eq!(paths(&seen), ["Deployment/prod/a"]);
}

#[test]
fn what_is_forbidden_or_broken_is_a_gap_of_its_kind() {
    let world = World::new();
    world.api.change(|state| {
        state.put("deployments", "a", deployment("one:1"));
        state.forbidden.push("pods");
    });
    let watched = world.watch(FAST);
    let is_told = |seen: &Seen| seen.gaps.len() == 1 && seen.gaps[0].why.contains("403");
    let seen = watched.until("a gap", |seen| paths(seen).len() == 1 && is_told(seen));
    assert_eq!((seen.gaps[0].what.as_str(), seen.gaps[0].since), ("pods", None));
    assert_eq!(seen.gaps[0].why, "the API server answers 403: pods is forbidden: User \"x\" cannot list resource");
    world.api.change(|state| state.forbidden.clear());
    watched.until("none", |seen| seen.gaps.is_empty());
    // An event that is none ends the watch, and a list follows.
    let lists = world.api.count("deployments?limit");
    world.api.change(|state| state.event("deployments", "ADDED", json!({ "metadata": {} })));
    watched.until("a list", |_| world.api.count("deployments?limit") > lists);
    watched.until("as before", |seen| paths(seen) == ["Deployment/prod/a"] && seen.gaps.is_empty());
    // With an object that cannot be read, for it is too deep, the kind is not seen until it comes otherwise.
    let mut deep = json!("x");
    for _ in 0..130 {
        deep = json!([deep]);
    }
    world.api.change(|state| state.put("deployments", "deep", json!({ "metadata": {}, "spec": deep })));
    let seen = watched.until("the deep one", |seen| !seen.gaps.is_empty());
    assert!(seen.gaps[0].why.contains("is no JSON"), "{:?}", seen.gaps);
    let lists = world.api.count("deployments?limit");
    let seen = watched.until("more lists", |_| world.api.count("deployments?limit") > lists + 2);
    assert_eq!(
        (paths(&seen), seen.gaps.len()),
        (vec!["Deployment/prod/a".to_owned()], 1),
        "trying again makes it no better"
    );
    world.api.change(|state| state.put("deployments", "deep", deployment("one:1")));
    watched.until("readable", |seen| seen.gaps.is_empty() && paths(seen).len() == 2);
}

#[test]
fn a_namespace_can_be_left_out() {
    let world = World::new();
    let elsewhere = json!({ "metadata": { "namespace": "kube-system" }, "spec": {} });
    world.api.change(|state| {
        state.put("deployments", "a", deployment("one:1"));
        state.put("deployments", "dns", elsewhere.clone());
    });
    let watched = world.watch_without(FAST, &["kube-system"]);
    watched.until("one", |seen| paths(seen) == ["Deployment/prod/a"]);
    world.api.change(|state| {
        state.put("deployments", "dns2", elsewhere);
        state.put("deployments", "b", deployment("one:1"));
    });
    watched.until("two", |seen| paths(seen) == ["Deployment/prod/a", "Deployment/prod/b"]);
}

#[test]
fn nobody_else_is_believed() {
    let world = World::new();
    std::fs::write(world.path("ca.crt"), &Api::start().authority).unwrap();
    let watched = world.watch(FAST);
    let seen = watched
        .until("no trust", |seen| seen.gaps.iter().any(|gap| gap.what == "the API server" && gap.why.contains("TLS")));
    assert!(seen.objects.is_empty());
    assert_eq!(world.api.count(""), 0, "no request, and no token, was sent");
}

#[test]
fn what_a_kubeconfig_has_to_have() {
    let world = World::new();
    let ca = "certificate-authority: ca.crt";
    let said = |cluster: &str, user: &str| match access(Some(&world.kubeconfig(cluster, user)), None) {
        Ok(access) => format!("{access:?}").replace(&world.api.port.to_string(), "PORT"),
        Err(error) => error.to_string().replace(&world.folder.path().display().to_string(), ""),
    };
    std::fs::write(world.path("c.crt"), &world.api.client.0).unwrap();
    std::fs::write(world.path("c.key"), &world.api.client.1).unwrap();
    let cases = [
        (ca, "token: x"),
        (ca, "client-certificate: c.crt, client-key: c.key"),
        (ca, "client-certificate: c.crt, client-key: c.crt"),
        (ca, "client-certificate: c.crt"),
        (ca, "client-certificate-data: '*', client-key-data: eA=="),
        (ca, "exec: { command: aws }"),
        (ca, "auth-provider: { name: gcp }"),
        (ca, "username: x, password: y"),
        (ca, "as: admin"),
        ("proxy-url: 'http://x', certificate-authority: ca.crt", "token: x"),
        ("insecure-skip-tls-verify: true", "token: x"),
        ("insecure-skip-tls-verify: false, certificate-authority: ca.crt", "token: x"),
        ("certificate-authority: token", "token: x"),
        ("certificate-authority: none.crt", "token: x"),
        ("server: 'http://127.0.0.1', certificate-authority: ca.crt", "token: x"),
        ("server: 'https://u:p@127.0.0.1', certificate-authority: ca.crt", "token: x"),
        ("server: 'https://[::1]:6443/k8s/clusters/c-1/', certificate-authority: ca.crt", "token: x"),
    ];
    let told: Vec<String> =
        cases.iter().map(|(cluster, user)| format!("{cluster} | {user}\n  {}", said(cluster, user))).collect();
    insta::assert_snapshot!(told.join("\n"));
    let file = world.kubeconfig(ca, "token: x");
    assert!(matches!(access(Some(&file), Some("b")), Err(Error::NoContext(name)) if name == "b"));
    assert!(matches!(access(Some(Path::new("/nowhere")), None), Err(Error::Unreadable { .. })));
    std::fs::write(&file, "a: [").unwrap();
    assert!(matches!(access(Some(&file), None), Err(Error::NoKubeconfig { .. })));
    std::fs::write(&file, "current-context: x\ncontexts: [{ name: x, context: { cluster: c, user: u } }]").unwrap();
    assert!(matches!(access(Some(&file), None), Err(Error::Dangling { what: "cluster", .. })));
}
