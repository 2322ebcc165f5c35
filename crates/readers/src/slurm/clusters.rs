//! Supercomputers by the traces that they leave in scripts: host names, file systems, accounts, partitions, modules.
//!
//! Whose a cluster is, and where, is the register's knowledge. The tables hold what batch scripts of these sites
//! commonly have. They are no lists that the sites publish, and a site may rename a queue or a path: a trace alone is
//! never more than medium confidence, except a host name of the site.

use super::script::{Script, Word};
use allod_facts::Confidence;

/// A trace of a cluster in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    pub cluster: String,
    pub host: Option<String>,
    pub line: u32,
    pub kind: Kind,
}

/// What a trace is worth, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Other sites have the like: it supports what something else says, and says nothing alone.
    Support,
    /// A word in a comment or a file name: people also write about machines that they do not use.
    Mention,
    /// A path, account, queue or module as this site has it.
    Habit,
    /// A host of the site, or a cluster that Slurm itself is told.
    Named,
}

impl Trace {
    pub fn confidence(&self) -> Confidence {
        if self.kind == Kind::Named { Confidence::High } else { Confidence::Medium }
    }
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
    ("ornl.gov", "olcf"),
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
    ("/appl/local/laifs/", "lumi"),
    ("/appl/local/csc/", "lumi"),
    ("/appl/lumi/", "lumi"),
    ("/projects/0/", "snellius"),
    ("/scratch-shared/", "snellius"),
    ("/cfs/klemming/", "dardel"),
    ("/mnt/lustre/a2fs", "archer2"),
    ("/gpfs/alpine", "olcf"),
    ("/gpfs/wolf", "olcf"),
    ("/ccs/home/", "olcf"),
    ("/ccs/proj/", "olcf"),
    ("/global/common/software/", "perlmutter"),
    ("/dss/dsshome", "lrz"),
    ("/dss/dssfs", "lrz"),
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
    ("/gpfsscratch/", "jean-zay"),
    ("/gpfsstore/", "jean-zay"),
    ("/gpfsdsstore/", "jean-zay"),
    ("/p/data1/", "jsc"),
    ("/p/fastdata/", "jsc"),
    ("/p/largedata/", "jsc"),
    ("/p/home/jusers/", "jsc"),
    ("/p/software/", "jsc"),
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
    ("/lustre/orion/", "olcf"),
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
    ("boost_qos_bprod", "leonardo"),
    ("boost_qos_lprod", "leonardo"),
    ("dcgp_qos_dbg", "leonardo"),
    ("lumid", "lumi"),
    ("dc-gpu", "jsc"),
    ("dc-cpu", "jsc"),
    ("dc-gpu-devel", "jsc"),
    ("dc-cpu-devel", "jsc"),
    ("develbooster", "jsc"),
    ("largebooster", "jsc"),
    ("fat_rome", "snellius"),
    ("fat_genoa", "snellius"),
    ("himem_4tb", "snellius"),
    ("himem_8tb", "snellius"),
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

/// Partitions that more than one site has: they support another trace.
const SHARED_QUEUES: &[(&str, &str)] = &[
    ("rome", "snellius"),
    ("genoa", "snellius"),
    ("gpu_a100", "snellius"),
    ("gpu_h100", "snellius"),
    ("gpu_mig", "snellius"),
    ("standard", "lumi"),
    ("small", "lumi"),
    ("debug", "lumi"),
    ("booster", "jsc"),
    ("gpu", "meluxina"),
    ("batch", "olcf"),
];

/// The starts of module names that only one site has.
const MODULES: &[(&str, &str)] = &[
    ("env/release/", "meluxina"),
    ("env/staging/", "meluxina"),
    ("Stages/", "jsc"),
    ("LUMI/", "lumi"),
    ("lumi-", "lumi"),
    ("CrayEnv", "lumi"),
    ("profile/", "cineca"),
    ("arch/a100", "jean-zay"),
    ("arch/h100", "jean-zay"),
    ("PDC/", "dardel"),
    ("PDCOLD/", "dardel"),
    ("StdEnv/20", "alliance-canada"),
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

/// All traces in a script, the most telling first, then by line. What only mentions a cluster counts when nothing else
/// tells one, and then the first mention; what only supports stands with a cluster that something else tells.
pub(super) fn traces(script: &Script<'_>, path: &str) -> Vec<Trace> {
    let mut found = Vec::new();
    let mut add = |cluster: &str, line, kind| {
        found.push(Trace { cluster: cluster.to_owned(), host: None, line, kind });
    };
    if let Some((clusters, line)) = script.directive("clusters") {
        for name in clusters.split(',').filter(|name| !name.is_empty() && *name != "all" && !name.contains('$')) {
            add(&name.to_ascii_lowercase(), line, Kind::Named);
        }
    }
    header(script, &mut add);
    for (comment, line) in &script.comments {
        if let Some(cluster) = name_in(comment) {
            add(cluster, *line, Kind::Mention);
        }
    }
    let first = script.header.map_or(1, |(first, _)| first);
    if let Some((cluster, line)) = script.directive("job-name").and_then(|(name, line)| Some((name_in(name)?, line))) {
        add(cluster, line, Kind::Mention);
    }
    if let Some(cluster) = name_in(path) {
        add(cluster, first, Kind::Mention);
    }
    for (cluster, line) in script.commands.iter().flat_map(|command| loaded(command)) {
        add(cluster, line, Kind::Habit);
    }
    let words = script.commands.iter().flatten().chain(script.assignments.iter().map(|(_, value)| value));
    for word in words {
        found.extend(word_traces(&word.text, word.line));
    }
    for (comment, line) in &script.comments {
        found.extend(word_traces(comment, *line));
    }
    found.sort_by(|a, b| (b.kind, a.line, &a.cluster).cmp(&(a.kind, b.line, &b.cluster)));
    sifted(found)
}

fn sifted(mut found: Vec<Trace>) -> Vec<Trace> {
    let Some(first) = found.first().filter(|first| first.kind > Kind::Support).cloned() else { return Vec::new() };
    match first.kind {
        Kind::Mention => found.retain(|trace| trace.cluster == first.cluster),
        _ => {
            let told: Vec<String> =
                found.iter().filter(|trace| trace.kind == first.kind).map(|trace| trace.cluster.clone()).collect();
            found.retain(|trace| told.contains(&trace.cluster));
        }
    }
    found
}

/// What the directives tell.
fn header(script: &Script<'_>, add: &mut dyn FnMut(&str, u32, Kind)) {
    if let Some((account, line)) = script.directive("account") {
        let nersc = is_nersc_account(account)
            && script.directive("constraint").is_some_and(|(nodes, _)| {
                ["gpu", "cpu", "knl", "haswell"].iter().any(|kind| nodes.split('&').any(|word| word == *kind))
            });
        if let Some(cluster) = account_cluster(account).or(nersc.then_some("perlmutter")) {
            add(cluster, line, Kind::Habit);
        }
    }
    for name in ["partition", "qos"] {
        let Some((queues, line)) = script.directive(name) else { continue };
        for (table, kind) in [(QUEUES, Kind::Habit), (SHARED_QUEUES, Kind::Support)] {
            let known = queues.split(',').find_map(|queue| table.iter().find(|(known, _)| *known == queue));
            if let Some((_, cluster)) = known {
                add(cluster, line, kind);
            }
        }
    }
    if let Some((_, line)) = script.directive("container-image").filter(|(image, _)| image.starts_with("nersc/")) {
        add("perlmutter", line, Kind::Habit);
    }
    // Where a user's mail goes to says where the user works, not where the job runs.
    let mail = script.directive("mail-user").and_then(|(mail, line)| Some((mail.rsplit_once('@')?.1, line)));
    if let Some((domain, line)) = mail
        && let Some((_, cluster)) = DOMAINS.iter().find(|(known, _)| is_under(domain, known))
    {
        add(cluster, line, Kind::Support);
    }
}

/// Clusters by the modules that a command loads: `module load env/release/2023.1`, and the year alone (`2023`), which
/// is how SURF names its software environments.
fn loaded(command: &[Word]) -> Vec<(&'static str, u32)> {
    let Some((_, names)) = command.split_first().filter(|(program, _)| matches!(&*program.text, "module" | "ml"))
    else {
        return Vec::new();
    };
    let known = |word: &Word| {
        let year = word.text.len() == 4 && word.text.starts_with("20") && word.text.bytes().all(|b| b.is_ascii_digit());
        let listed = MODULES.iter().find(|(start, _)| word.text.starts_with(start)).map(|(_, cluster)| *cluster);
        Some((listed.or(year.then_some("snellius"))?, word.line))
    };
    names.iter().filter_map(known).collect()
}

/// `m1234`, `m1234_g`, `ntrain4`: accounts of NERSC; too short to mean it alone.
fn is_nersc_account(account: &str) -> bool {
    let account = account.strip_suffix("_g").unwrap_or(account);
    let rest = account.strip_prefix("ntrain").or_else(|| account.strip_prefix('m').filter(|rest| rest.len() >= 3));
    rest.is_some_and(|digits| digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
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
        // Web pages of a site are no trace of its machines.
        let is_page = ["docs.", "www.", "doc.", "wiki."].iter().any(|start| part.starts_with(start));
        let known = DOMAINS.iter().find(|(domain, _)| is_under(part, domain)).filter(|_| !is_page);
        // `someone@site` is a mail address, `someone@login.site` a machine.
        let known = known.filter(|(domain, _)| part != *domain || !lower.contains(&format!("@{domain}")));
        if let Some((domain, cluster)) = known {
            let host = (part != *domain).then(|| part.to_owned());
            let cluster = (*cluster).to_owned();
            return Some(Trace { cluster, host, line, kind: Kind::Named });
        }
    }
    let path = PATHS.iter().find(|(path, _)| {
        lower.match_indices(path).any(|(at, _)| {
            let before = lower.get(..at).and_then(|before| before.chars().next_back());
            before
                .is_none_or(|before| !before.is_ascii_alphanumeric() && !matches!(before, '/' | '.' | '_' | '-' | '}'))
        })
    });
    path.map(|(_, cluster)| Trace { cluster: (*cluster).to_owned(), host: None, line, kind: Kind::Habit })
}

fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn name_in(text: &str) -> Option<&'static str> {
    let lower = text.to_ascii_lowercase();
    let named = |word: &str| NAMES.iter().find(|(name, _)| *name == word).map(|(_, cluster)| *cluster);
    let mut words = lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    // `jean-zay` as it is, `run-puhti-pytorch` by its parts.
    words.find_map(|word| named(word).or_else(|| word.split('-').find_map(named)))
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
            let first = first.as_ref().map(|trace| (trace.cluster.as_str(), trace.line, trace.confidence()));
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
        check("#SBATCH -p gpu\n", "run-puhti-pytorch.sh", Some(("puhti", 1, Medium)));
        check("cd /lustre/fsn1/projects/x", "j", Some(("jean-zay", 1, Medium)));
        check("module load env/release/2023.1", "j", Some(("meluxina", 1, Medium)));
        check("module load 2023 Python/3.11", "j", Some(("snellius", 1, Medium)));
        check("module load python/2023", "j", None);
        check("#SBATCH -A m1234\n#SBATCH -C gpu\n", "j", Some(("perlmutter", 1, Medium)));
        check("#SBATCH -A m1234\n", "j", None);
        check("# by someone@bsc.es\n", "j", None);
        check("#SBATCH -p rome\n", "j", None);
    }

    #[test]
    fn mentions_and_support_are_weighed() {
        let check = |text: &str, expect: &[(&str, u32)]| {
            let script = parse(text);
            let found = traces(&script, "j");
            let found: Vec<_> = found.iter().map(|trace| (trace.cluster.as_str(), trace.line)).collect();
            assert_eq!(found, expect, "{text}");
        };
        check("#SBATCH -p rome\n# runs on Snellius\n# slow on LUMI\n", &[("snellius", 2), ("snellius", 1)]);
        check("# slow on LUMI\ncd /projects/0/x\n", &[("snellius", 2)]);
        check("#SBATCH --mail-user=a@fz-juelich.de\n#SBATCH -p dc-gpu\n", &[("jsc", 2), ("jsc", 1)]);
        check("#SBATCH --mail-user=a@fz-juelich.de\n", &[]);
    }
}
