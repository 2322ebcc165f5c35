use super::{Running, Sight};
use crate::audit::Error;
use allod_evidence::watch::Unseen;
use allod_providers::kubernetes::{Gap, Pace, Watching, access, watch};
use allod_stack::diff::Component;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The first lists of a large cluster take as long; what is not there by then is told as not seen.
const LISTED_WITHIN_SECONDS: u64 = 60;

/// Which cluster is watched.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// `None`: KUBECONFIG, `~/.kube/config`, or the service account of the pod that this is.
    pub kubeconfig: Option<PathBuf>,
    /// `None`: the current one.
    pub context: Option<String>,
    /// Namespaces that are not looked at.
    pub exclude: Vec<String>,
}

/// What runs, as the API of a cluster tells it. Reads only.
pub struct RunningCluster {
    watching: Watching,
    name: String,
    exclude: BTreeSet<String>,
    /// The revision of the last look; `None` before the first.
    revision: Option<u64>,
    kinds: BTreeSet<&'static str>,
}

impl RunningCluster {
    /// Begins to watch a cluster. `changed` is called when something runs otherwise than before.
    ///
    /// # Errors
    /// [`Error::Cluster`]: it is not known how to ask it. That it does not answer is told by a look.
    pub fn begin(options: &ClusterOptions, changed: Box<dyn Fn() + Send + Sync>) -> Result<RunningCluster, Error> {
        let access = access(options.kubeconfig.as_deref(), options.context.as_deref()).map_err(Error::Cluster)?;
        let exclude: BTreeSet<String> = options.exclude.iter().cloned().collect();
        let mut name = format!("cluster {}", access.name);
        if !exclude.is_empty() {
            let names: Vec<&str> = exclude.iter().map(String::as_str).collect();
            name.push_str(&format!(" without {}", names.join(", ")));
        }
        let watching = watch(access, exclude.clone(), Pace::default(), changed).map_err(Error::Cluster)?;
        Ok(RunningCluster { watching, name, exclude, revision: None, kinds: BTreeSet::new() })
    }
}

impl Running for RunningCluster {
    fn look(&mut self) -> Result<Sight, Error> {
        if self.revision.is_none() {
            self.watching.settle(Duration::from_secs(LISTED_WITHIN_SECONDS));
        }
        // Asked first: what comes in between is looked at once more.
        let revision = self.watching.revision();
        let seen = self.watching.seen();
        let unseen = seen.gaps.into_iter().map(|Gap { what, why, since }| Unseen { what, why, since });
        let unseen = unseen.collect();
        if self.revision == Some(revision) {
            return Ok(Sight { facts: None, unseen });
        }
        self.revision = Some(revision);
        self.kinds = seen.kinds;
        let mut facts = allod_readers::kubernetes::objects(seen.objects.iter().map(|one| &**one));
        facts.settle();
        Ok(Sight { facts: Some(vec![Arc::new(facts)]), unseen })
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn shows(&self, component: &Component) -> bool {
        let inside = component.id.strip_prefix("k8s:").and_then(|rest| rest.split_once('#'));
        let mut parts = inside.map(|(_, inside)| inside.splitn(3, '/')).into_iter().flatten();
        let (kind, namespace) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        self.kinds.contains(kind) && !self.exclude.contains(namespace)
    }
}

/// The role that the watch of a cluster needs, as manifests.
pub fn cluster_rbac() -> String {
    allod_providers::kubernetes::rbac()
}
