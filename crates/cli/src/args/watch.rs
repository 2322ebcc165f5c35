use super::Policy;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub struct Watch {
    /// Files and folders that show what runs.
    #[arg(value_name = "RUNNING", required_unless_present_any = ["cluster", "rbac"], conflicts_with = "cluster")]
    pub running: Vec<PathBuf>,
    /// Ask the API of a Kubernetes cluster instead: the one of a context of kubeconfig. Without a value, the current
    /// context, or the cluster that this runs in. Reads only; Secrets are not read.
    #[arg(long, value_name = "CONTEXT", num_args = 0..=1, default_missing_value = "")]
    pub cluster: Option<String>,
    /// Where the cluster is described. Default: KUBECONFIG, then ~/.kube/config.
    #[arg(long, value_name = "FILE", conflicts_with = "running")]
    pub kubeconfig: Option<PathBuf>,
    /// A namespace of the cluster that is not looked at. Can be given several times.
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "running")]
    pub exclude: Vec<String>,
    /// Print the ClusterRole that the cluster needs to be watched, and end.
    #[arg(long, conflicts_with_all = ["cluster", "running"])]
    pub rbac: bool,
    /// What was allowed: the repository, a plan, the manifests that passed `allod check`. Can be given several times.
    #[arg(long, value_name = "PATH")]
    pub allowed: Vec<PathBuf>,
    /// Files and folders that describe what the running parts stand on. They are looked at, and not judged.
    #[arg(long, value_name = "PATH")]
    pub context: Vec<PathBuf>,
    #[command(flatten)]
    pub policy: Policy,
    /// How often to look: 30s, 5m, 1h. A cluster tells of its changes by itself.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = crate::commands::watch::interval)]
    pub interval: std::time::Duration,
    /// Look once, show the state, end.
    #[arg(long)]
    pub once: bool,
    /// How to show the result.
    #[arg(long, short, value_enum, default_value_t = WatchFormat::Human)]
    pub format: WatchFormat,
    /// Leave out what this file has. Make it with --write-baseline.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write all violations and drifts that there are now to a file, to be worked off.
    #[arg(long, value_name = "FILE", requires = "once")]
    pub write_baseline: Option<PathBuf>,
    /// That something was allowed and does not run is a finding that counts.
    #[arg(long, requires = "allowed")]
    pub fail_on_missing: bool,
    /// Let files pass that look like something known and cannot be read.
    #[arg(long)]
    pub allow_unread: bool,
    /// Exit 0 also when something may not run. Not when nobody can say.
    #[arg(long)]
    pub exit_zero: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WatchFormat {
    /// For a person.
    Human,
    /// A line a change, schema allod.watch-event/1; with --once the state, schema allod.watch/1.
    Json,
}
