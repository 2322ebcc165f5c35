//! Supercomputers by the traces that they leave in scripts: host names, file systems, accounts, partitions.
//!
//! Whose a cluster is, and where, is the register's knowledge. Source of the traces: the user documentation of each
//! site.

use super::script::{Script, Word};
use allod_facts::Confidence;

/// A trace of a cluster in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub cluster: String,
    pub host: Option<String>,
    pub line: u32,
    pub confidence: Confidence,
}

/// Domains of sites, and the cluster that is meant when nothing else says.
const DOMAINS: &[(&str, &str)] = &[
    ("lxp.lu", "meluxina"),
    ("lumi.csc.fi", "lumi"),
    ("leonardo.cineca.it", "leonardo"),
    ("cineca.it", "cineca"),
    ("bsc.es", "marenostrum"),
    ("idris.fr", "jean-zay"),
    ("cines.fr", "adastra"),
    ("fz-juelich.de", "jsc"),
    ("it4i.cz", "karolina"),
    ("vega.izum.si", "vega"),
    ("discoverer.bg", "discoverer"),
    ("macc.fccn.pt", "deucalion"),
    ("surf.nl", "snellius"),
    ("cscs.ch", "alps"),
    ("csc.fi", "csc"),
    ("uni.lu", "ulhpc"),
    ("hlrs.de", "hlrs"),
    ("lrz.de", "lrz"),
    ("archer2.ac.uk", "archer2"),
    ("pdc.kth.se", "dardel"),
    ("nersc.gov", "perlmutter"),
    ("ornl.gov", "frontier"),
    ("alcf.anl.gov", "alcf"),
    ("tacc.utexas.edu", "tacc"),
    ("ncsa.illinois.edu", "delta"),
    ("computecanada.ca", "alliance-canada"),
    ("alliancecan.ca", "alliance-canada"),
    ("nci.org.au", "gadi"),
    ("pawsey.org.au", "setonix"),
];

/// The starts of paths that only one site has.
const PATHS: &[(&str, &str)] = &[
    ("/mnt/tier2/", "meluxina"),
    ("/mnt/tier1/", "meluxina"),
    ("/project/home/p20", "meluxina"),
    ("/project/scratch/p20", "meluxina"),
    ("/scratch/project_46", "lumi"),
    ("/project/project_46", "lumi"),
    ("/projappl/project_46", "lumi"),
    ("/flash/project_46", "lumi"),
    ("/pfs/lustrep", "lumi"),
    ("/appl/local/containers", "lumi"),
    ("/leonardo_work/", "leonardo"),
    ("/leonardo_scratch/", "leonardo"),
    ("/leonardo/", "leonardo"),
    ("/gpfs/projects/bsc", "marenostrum"),
    ("/gpfs/projects/ehpc", "marenostrum"),
    ("/gpfs/scratch/bsc", "marenostrum"),
    ("/gpfs/scratch/ehpc", "marenostrum"),
    ("/gpfsdswork/", "jean-zay"),
    ("/gpfswork/", "jean-zay"),
    ("/lustre/fswork/", "jean-zay"),
    ("/lustre/fsn1/", "jean-zay"),
    ("/p/project/", "jsc"),
    ("/p/project1/", "jsc"),
    ("/p/scratch/", "jsc"),
    ("/mnt/proj1/", "karolina"),
    ("/mnt/proj2/", "karolina"),
    ("/mnt/proj3/", "karolina"),
    ("/ceph/hpc/", "vega"),
    ("/discofs/", "discoverer"),
    ("/valhalla/projects/", "discoverer"),
    ("/capstor/", "alps"),
    ("/iopsstor/", "alps"),
    ("/scratch/project_20", "csc"),
    ("/projappl/project_20", "csc"),
    ("/global/cfs/", "perlmutter"),
    ("/global/homes/", "perlmutter"),
    ("/pscratch/sd/", "perlmutter"),
    ("/lustre/orion/", "frontier"),
    ("/lus/eagle/", "alcf"),
    ("/lus/flare/", "alcf"),
    ("/cvmfs/soft.computecanada.ca", "alliance-canada"),
    ("/g/data/", "gadi"),
];

/// Partitions and qualities of service whose names only one site uses.
const QUEUES: &[(&str, &str)] = &[
    ("standard-g", "lumi"),
    ("small-g", "lumi"),
    ("dev-g", "lumi"),
    ("boost_usr_prod", "leonardo"),
    ("dcgp_usr_prod", "leonardo"),
    ("lrd_all_serial", "leonardo"),
    ("boost_qos_dbg", "leonardo"),
    ("acc_ehpc", "marenostrum"),
    ("gp_ehpc", "marenostrum"),
    ("acc_debug", "marenostrum"),
    ("gp_debug", "marenostrum"),
    ("qos_gpu-t3", "jean-zay"),
    ("qos_gpu-t4", "jean-zay"),
    ("qos_gpu_a100-t3", "jean-zay"),
    ("qos_gpu_h100-t3", "jean-zay"),
    ("qgpu", "karolina"),
    ("qcpu", "karolina"),
    ("qgpu_exp", "karolina"),
];

/// Names that mean a supercomputer and nothing else, in comments and paths.
const NAMES: &[(&str, &str)] = &[
    ("meluxina", "meluxina"),
    ("luxprovide", "meluxina"),
    ("lumi-g", "lumi"),
    ("lumi-c", "lumi"),
    ("lumi", "lumi"),
    ("marenostrum", "marenostrum"),
    ("marenostrum5", "marenostrum"),
    ("mn5", "marenostrum"),
    ("juwels", "juwels"),
    ("jureca", "jureca"),
    ("jean-zay", "jean-zay"),
    ("jeanzay", "jean-zay"),
    ("snellius", "snellius"),
    ("deucalion", "deucalion"),
    ("adastra", "adastra"),
    ("archer2", "archer2"),
    ("dardel", "dardel"),
    ("mahti", "mahti"),
    ("puhti", "puhti"),
    ("supermuc", "supermuc"),
    ("supermuc-ng", "supermuc"),
    ("horeka", "horeka"),
    ("perlmutter", "perlmutter"),
    ("frontera", "frontera"),
    ("fugaku", "fugaku"),
    ("ulhpc", "ulhpc"),
    ("leonardo-booster", "leonardo"),
    ("karolina", "karolina"),
];

/// All traces in a script, the most certain first, then by line.
pub(super) fn traces(script: &Script<'_>, path: &str) -> Vec<Trace> {
    let mut found = Vec::new();
    if let Some((clusters, line)) = script.directive("clusters") {
        for name in clusters.split(',').filter(|name| !name.is_empty() && *name != "all" && !name.contains('$')) {
            let cluster = name.to_ascii_lowercase();
            found.push(Trace { cluster, host: None, line, confidence: Confidence::High });
        }
    }
    let medium =
        |cluster: &str, line| Trace { cluster: cluster.to_owned(), host: None, line, confidence: Confidence::Medium };
    if let Some((account, line)) = script.directive("account") {
        found.extend(account_cluster(account).map(|cluster| medium(cluster, line)));
    }
    for name in ["partition", "qos"] {
        if let Some((queues, line)) = script.directive(name) {
            let known = queues.split(',').find_map(|queue| QUEUES.iter().find(|(known, _)| *known == queue));
            found.extend(known.map(|(_, cluster)| medium(cluster, line)));
        }
    }
    let words = script.commands.iter().flatten().chain(script.assignments.iter().map(|(_, value)| value));
    for word in words {
        found.extend(word_traces(&word.text, word.line));
    }
    for (comment, line) in &script.comments {
        found.extend(word_traces(comment, *line));
        found.extend(name_in(comment).map(|cluster| medium(cluster, *line)));
    }
    let first = script.header.map_or(1, |(first, _)| first);
    found.extend(script.directive("job-name").and_then(|(name, line)| Some(medium(name_in(name)?, line))));
    found.extend(name_in(path).map(|cluster| medium(cluster, first)));
    let loaded = script.commands.iter().find_map(|command| loads_meluxina(command));
    found.extend(loaded.map(|line| medium("meluxina", line)));
    found.sort_by(|a, b| (b.confidence, a.line, &a.cluster).cmp(&(a.confidence, b.line, &b.cluster)));
    found
}

/// `module load env/release/2023.1`: the way in which only MeluXina names its software environments.
fn loads_meluxina(command: &[Word]) -> Option<u32> {
    let (program, names) = command.split_first()?;
    let environment = |word: &&Word| word.text.starts_with("env/release/") || word.text.starts_with("env/staging/");
    let loads = matches!(program.text.as_str(), "module" | "ml");
    names.iter().find(environment).filter(|_| loads).map(|word| word.line)
}

/// Accounts whose form only one site uses: `p200981`, `project_465000123`, `abc@h100`.
fn account_cluster(account: &str) -> Option<&'static str> {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if account.strip_prefix("p20").is_some_and(|rest| digits(rest, 4)) {
        Some("meluxina")
    } else if account.strip_prefix("project_46").is_some_and(|rest| digits(rest, 7)) {
        Some("lumi")
    } else if account.strip_prefix("project_20").is_some_and(|rest| digits(rest, 5)) {
        Some("csc")
    } else if account.split_once('@').is_some_and(|(_, part)| matches!(part, "v100" | "a100" | "h100" | "cpu")) {
        Some("jean-zay")
    } else if ["def-", "rrg-", "rpp-", "ctb-"].iter().any(|start| account.starts_with(start)) {
        Some("alliance-canada")
    } else {
        None
    }
}

fn word_traces(text: &str, line: u32) -> Option<Trace> {
    let lower = text.to_ascii_lowercase();
    let parts = || lower.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')));
    for part in parts().filter(|part| part.contains('.')) {
        let under = |domain: &str| part.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        // Web pages of a site are no trace of its machines.
        let is_page = ["docs.", "www.", "doc.", "wiki."].iter().any(|start| part.starts_with(start));
        if let Some((domain, cluster)) = DOMAINS.iter().find(|(domain, _)| under(domain)).filter(|_| !is_page) {
            let host = (part != *domain).then(|| part.to_owned());
            let cluster = (*cluster).to_owned();
            return Some(Trace { cluster, host, line, confidence: Confidence::High });
        }
    }
    let path = PATHS.iter().find(|(path, _)| {
        lower.match_indices(path).any(|(at, _)| {
            let before = lower.get(..at).and_then(|before| before.chars().next_back());
            before
                .is_none_or(|before| !before.is_ascii_alphanumeric() && !matches!(before, '/' | '.' | '_' | '-' | '}'))
        })
    });
    path.map(|(_, cluster)| Trace { cluster: (*cluster).to_owned(), host: None, line, confidence: Confidence::Medium })
}

fn name_in(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.find_map(|word| NAMES.iter().find(|(name, _)| *name == word).map(|(_, cluster)| *cluster))
}

#[cfg(test)]
mod tests {
    use super::super::script::parse;
    use super::*;

    #[test]
    fn clusters_are_recognised() {
        let check = |text: &str, path: &str, expect: Option<(&str, u32, Confidence)>| {
            let script = parse(text);
            let first = traces(&script, path).into_iter().next();
            let first = first.as_ref().map(|trace| (trace.cluster.as_str(), trace.line, trace.confidence));
            assert_eq!(first, expect, "{text}");
        };
        use Confidence::{High, Medium};
        check("#SBATCH --clusters=Meluxina\n", "j", Some(("meluxina", 1, High)));
        check("#SBATCH -A p200981\n", "j", Some(("meluxina", 1, Medium)));
        check("#SBATCH --account p201259\n", "j", Some(("meluxina", 1, Medium)));
        check("#SBATCH -A project_465000123\n", "j", Some(("lumi", 1, Medium)));
        check("cd /project/home/p200981/x\n", "j", Some(("meluxina", 1, Medium)));
        check("#SBATCH -p x\nssh login.lxp.lu\n", "j", Some(("meluxina", 2, High)));
        check("# serve on MeluXina\n", "j", Some(("meluxina", 1, Medium)));
        check("# see https://docs.lxp.lu\n", "j", None);
        check("#SBATCH -p gpu\n", "jobs/lumi/run.sh", Some(("lumi", 1, Medium)));
        check("#SBATCH -p gpu\ncd /scratch/me\nls /tmp/p/project/x\n", "j", None);
        check("cd /lustre/fsn1/projects/x", "j", Some(("jean-zay", 1, Medium)));
        check("module load env/release/2023.1", "j", Some(("meluxina", 1, Medium)));
    }
}
