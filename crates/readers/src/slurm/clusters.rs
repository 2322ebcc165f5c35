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
    // Source: https://github.com/LuxProvide/SCynergy26_GettingStartedWithMeluXina/blob/HEAD/docs/connections_meluxina.md, seen 2026-11-24
    ("lxp.lu", "meluxina"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/firststeps/loggingin.md, seen 2026-11-24
    ("lumi.csc.fi", "lumi"),
    // Source: https://docs.hpc.cineca.it/hpc/leonardo.html, seen 2026-11-24
    ("leonardo.cineca.it", "leonardo"),
    ("cineca.it", "cineca"),
    // Source: https://github.com/jorditorresBCN/Marenostrum5/blob/HEAD/README.md, seen 2026-11-24
    ("bsc.es", "marenostrum"),
    // Source: http://www.idris.fr/en/docs/jean-zay/slurm/slurm_partitions_gpu, seen 2026-11-24
    ("idris.fr", "jean-zay"),
    // Source: https://www.cines.fr/calcul/adastra/, seen 2026-11-24
    ("cines.fr", "adastra"),
    // Source: https://github.com/HelmholtzAI-FZJ/2024-06-course-Bringing-Deep-Learning-Workloads-to-JSC-supercomputers/blob/HEAD/01-access-machines.md, seen 2026-11-24
    ("fz-juelich.de", "jsc"),
    // Source: https://docs.it4i.cz/general/resources-allocation-policy/, seen 2026-11-24
    ("it4i.cz", "karolina"),
    // No source found yet.
    ("vega.izum.si", "vega"),
    // Source: https://docs.discoverer.bg/_sources/projectfolder.rst.txt, seen 2026-11-24
    ("discoverer.bg", "discoverer"),
    // Source: https://docs.macc.fccn.pt/start/, seen 2026-11-24
    ("macc.fccn.pt", "deucalion"),
    // Source: https://servicedesk.surf.nl/wiki/spaces/WIKI/pages/30660209/Snellius+partitions, seen 2026-11-24
    ("surf.nl", "snellius"),
    // Source: https://github.com/eth-cscs/cscs-docs/blob/HEAD/docs/access/firecrest.md, seen 2026-11-24
    ("cscs.ch", "alps"),
    // Source: https://github.com/CSCfi/csc-user-guide/blob/HEAD/docs/computing/connecting/index.md, seen 2026-11-24
    ("csc.fi", "csc"),
    // Source: https://github.com/ULHPC/ulhpc-docs/blob/HEAD/docs/connect/windows.md, seen 2026-11-24
    ("uni.lu", "ulhpc"),
    // Source: https://kb.hlrs.de/platforms/index.php?diff=prev&oldid=7733&title=Batch_System_PBSPro_%28vulcan%29, seen 2026-11-24
    ("hlrs.de", "hlrs"),
    // Source: https://doku.lrz.de/3-storage-10746646.html, seen 2026-11-24
    ("lrz.de", "lrz"),
    // Source: https://epcced.github.io/archer2-python-data-analysis/01-system-overview/index.html, seen 2026-11-24
    ("archer2.ac.uk", "archer2"),
    // Source: https://github.com/PDC-support/PDC-support-web/blob/HEAD/docs/basics/introduction.md, seen 2026-11-24
    ("pdc.kth.se", "dardel"),
    // Source: https://github.com/NERSC/sc23-dl-tutorial/blob/HEAD/README.md, seen 2026-11-24
    ("nersc.gov", "perlmutter"),
    // Source: https://github.com/olcf/olcf-user-docs/blob/HEAD/accounts/documents_and_forms.rst, seen 2026-11-24
    ("ornl.gov", "olcf"),
    // Source: https://github.com/argonne-lcf/user-guides/blob/HEAD/docs/account-project-management/accounts-and-access/accounts-and-access-faqs.md, seen 2026-11-24
    ("alcf.anl.gov", "alcf"),
    // No source found yet.
    ("tacc.utexas.edu", "tacc"),
    ("ncsa.illinois.edu", "delta"),
    ("computecanada.ca", "alliance-canada"),
    // Source: https://github.com/nf-core/configs/blob/HEAD/conf/alliance_canada.config, seen 2026-11-24
    ("alliancecan.ca", "alliance-canada"),
    // Source: https://github.com/nf-core/configs/blob/HEAD/docs/nci_gadi.md, seen 2026-11-24
    ("nci.org.au", "gadi"),
    // Source: https://github.com/nf-core/configs/blob/HEAD/docs/pawsey_setonix.md, seen 2026-11-24
    ("pawsey.org.au", "setonix"),
];

/// The starts of paths that only one site has.
const PATHS: &[(&str, &str)] = &[
    // Source: https://github.com/LuxProvide/SCynergy26_GettingStartedWithMeluXina/blob/HEAD/docs/urban_wind_simulation.md, seen 2026-11-24
    ("/mnt/tier2/", "meluxina"),
    // No source found yet.
    ("/mnt/tier1/", "meluxina"),
    // Source: https://github.com/LuxProvide/SCynergy26_GettingStartedWithMeluXina/blob/HEAD/docs/urban_wind_simulation.md, seen 2026-11-24
    ("/project/home/p20", "meluxina"),
    // No source found yet.
    ("/project/scratch/p20", "meluxina"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/storage/index.md, seen 2026-11-24
    ("/scratch/project_46", "lumi"),
    ("/project/project_46", "lumi"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/software/installing/spack.md, seen 2026-11-24
    ("/projappl/project_46", "lumi"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/storage/index.md, seen 2026-11-24
    ("/flash/project_46", "lumi"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/software/installing/spack.md, seen 2026-11-24
    ("/pfs/lustrep", "lumi"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/software/installing/easybuild.md, seen 2026-11-24
    ("/appl/local/containers", "lumi"),
    // Source: https://github.com/Lumi-supercomputer/LUMI-AI-Guide/blob/HEAD/01-quickstart/run.sh, seen 2026-11-24
    ("/appl/local/laifs/", "lumi"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/software/local/csc.md, seen 2026-11-24
    ("/appl/local/csc/", "lumi"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/software/installing/spack.md, seen 2026-11-24
    ("/appl/lumi/", "lumi"),
    // Source: https://github.com/SURF-ML/Snellius-AI-Guide/blob/HEAD/06-multi-nodes-deepspeed/run_ds_torchrun.sh, seen 2026-11-24
    ("/projects/0/", "snellius"),
    ("/scratch-shared/", "snellius"),
    // Source: https://github.com/PDC-support/PDC-support-web/blob/HEAD/docs/basics/introduction.md, seen 2026-11-24
    ("/cfs/klemming/", "dardel"),
    // Source: https://github.com/ARCHER2-HPC/archer2-docs/blob/HEAD/docs/user-guide/data.md, seen 2026-11-24
    ("/mnt/lustre/a2fs", "archer2"),
    // Source: https://github.com/olcf/olcf-user-docs/blob/HEAD/data/index.rst, seen 2026-11-24
    ("/gpfs/alpine", "olcf"),
    ("/gpfs/wolf", "olcf"),
    ("/ccs/home/", "olcf"),
    ("/ccs/proj/", "olcf"),
    // Source: https://github.com/ECP-WarpX/impactx/blob/23.09/docs/source/install/hpc/perlmutter.rst, seen 2026-11-24
    ("/global/common/software/", "perlmutter"),
    // Source: https://doku.lrz.de/3-storage-10746646.html, seen 2026-11-24
    ("/dss/dsshome", "lrz"),
    ("/dss/dssfs", "lrz"),
    // No source found yet.
    ("/leonardo_work/", "leonardo"),
    // Source: https://github.com/ENCCS/vasp-best-practices/blob/main/content/leonardo.md, seen 2026-11-24
    ("/leonardo_scratch/", "leonardo"),
    // No source found yet.
    ("/leonardo/", "leonardo"),
    // Source: https://github.com/BSC-CNS-EAPM/MN_bash_runners/blob/HEAD/run_files/marenostrumV/run_pele_v1.8.sh, seen 2026-11-24
    ("/gpfs/projects/bsc", "marenostrum"),
    // No source found yet.
    ("/gpfs/projects/ehpc", "marenostrum"),
    ("/gpfs/scratch/bsc", "marenostrum"),
    ("/gpfs/scratch/ehpc", "marenostrum"),
    // Source: https://github.com/bigscience-workshop/bigscience/blob/HEAD/experiments/gpt2-meg/meg_gpt2_base_n64_dp1_tp4_pp64-1809655.out, seen 2026-11-24
    ("/gpfsdswork/", "jean-zay"),
    // Source: https://github.com/bigscience-workshop/bigscience/blob/HEAD/data/xp3/prepare_xp3_train.slurm, seen 2026-11-24
    ("/gpfswork/", "jean-zay"),
    // No source found yet.
    ("/lustre/fswork/", "jean-zay"),
    ("/lustre/fsn1/", "jean-zay"),
    // Source: https://github.com/bigscience-workshop/bigscience/blob/HEAD/data/catalogue/oscar-piiv2-jsonl-to-meg-ds.slurm, seen 2026-11-24
    ("/gpfsscratch/", "jean-zay"),
    // No source found yet.
    ("/gpfsstore/", "jean-zay"),
    // Source: https://github.com/bigscience-workshop/bigscience/blob/HEAD/train/tr11-176B-ml/backup-schedule.md, seen 2026-11-24
    ("/gpfsdsstore/", "jean-zay"),
    // No source found yet.
    ("/p/data1/", "jsc"),
    ("/p/fastdata/", "jsc"),
    ("/p/largedata/", "jsc"),
    ("/p/home/jusers/", "jsc"),
    // Source: https://github.com/easybuilders/JSC/blob/HEAD/dev_modules/Stages/2024.lua, seen 2026-11-24
    ("/p/software/", "jsc"),
    // Source: https://github.com/HelmholtzAI-FZJ/2024-06-course-Bringing-Deep-Learning-Workloads-to-JSC-supercomputers/blob/HEAD/01-access-machines.md, seen 2026-11-24
    ("/p/project/", "jsc"),
    // Source: https://github.com/FZJ-JSC/tutorial-multi-gpu/blob/HEAD/.etc/env.sh, seen 2026-11-24
    ("/p/project1/", "jsc"),
    // Source: https://github.com/HelmholtzAI-FZJ/2024-06-course-Bringing-Deep-Learning-Workloads-to-JSC-supercomputers/blob/HEAD/code/dataloading/save_flickr_files.py, seen 2026-11-24
    ("/p/scratch/", "jsc"),
    // Source: https://github.com/ECP-WarpX/WarpX/blob/HEAD/Docs/source/install/hpc/karolina.rst, seen 2026-11-24
    ("/mnt/proj1/", "karolina"),
    ("/mnt/proj2/", "karolina"),
    ("/mnt/proj3/", "karolina"),
    // No source found yet.
    ("/ceph/hpc/", "vega"),
    ("/discofs/", "discoverer"),
    // Source: https://docs.discoverer.bg/_sources/projectfolder.rst.txt, seen 2026-11-24
    ("/valhalla/projects/", "discoverer"),
    // Source: https://github.com/eth-cscs/cscs-docs/blob/HEAD/docs/storage/filesystems.md, seen 2026-11-24
    ("/capstor/", "alps"),
    ("/iopsstor/", "alps"),
    // Source: https://github.com/CSCfi/csc-user-guide/blob/HEAD/docs/computing/roihu-disk.md, seen 2026-11-24
    ("/scratch/project_20", "csc"),
    // Source: https://github.com/CSCfi/csc-user-guide/blob/HEAD/docs/support/tutorials/user-spack.md, seen 2026-11-24
    ("/projappl/project_20", "csc"),
    // Source: https://github.com/ECP-WarpX/impactx/blob/23.09/docs/source/install/hpc/perlmutter.rst, seen 2026-11-24
    ("/global/cfs/", "perlmutter"),
    // No source found yet.
    ("/global/homes/", "perlmutter"),
    // Source: https://github.com/NERSC/sc23-dl-tutorial/blob/HEAD/submit_pm_dp.sh, seen 2026-11-24
    ("/pscratch/sd/", "perlmutter"),
    // Source: https://github.com/olcf/olcf-user-docs/blob/HEAD/data/index.rst, seen 2026-11-24
    ("/lustre/orion/", "olcf"),
    // Source: https://github.com/argonne-lcf/user-guides/blob/HEAD/docs/data-management/filesystem-and-storage/index.md, seen 2026-11-24
    ("/lus/eagle/", "alcf"),
    // Source: https://github.com/argonne-lcf/user-guides/blob/HEAD/docs/aurora/data-management/copper/copper.md, seen 2026-11-24
    ("/lus/flare/", "alcf"),
    // No source found yet.
    ("/cvmfs/soft.computecanada.ca", "alliance-canada"),
    // Source: https://opus.nci.org.au/pages/viewpage.action?pageId=50234467, seen 2026-11-24
    ("/g/data/", "gadi"),
];

/// Partitions and qualities of service whose names only one site uses.
const QUEUES: &[(&str, &str)] = &[
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/runjobs/scheduled-jobs/partitions.md, seen 2026-11-24
    ("standard-g", "lumi"),
    ("small-g", "lumi"),
    ("dev-g", "lumi"),
    // Source: https://github.com/ENCCS/vasp-best-practices/blob/main/content/leonardo.md, seen 2026-11-24
    ("boost_usr_prod", "leonardo"),
    // No source found yet.
    ("dcgp_usr_prod", "leonardo"),
    ("lrd_all_serial", "leonardo"),
    // Source: https://github.com/ENCCS/vasp-best-practices/blob/main/content/leonardo.md, seen 2026-11-24
    ("boost_qos_dbg", "leonardo"),
    // No source found yet.
    ("boost_qos_bprod", "leonardo"),
    ("boost_qos_lprod", "leonardo"),
    ("dcgp_qos_dbg", "leonardo"),
    ("lumid", "lumi"),
    // Source: https://github.com/HelmholtzAI-FZJ/2024-06-course-Bringing-Deep-Learning-Workloads-to-JSC-supercomputers/blob/HEAD/01-access-machines.md, seen 2026-11-24
    ("dc-gpu", "jsc"),
    // No source found yet.
    ("dc-cpu", "jsc"),
    ("dc-gpu-devel", "jsc"),
    ("dc-cpu-devel", "jsc"),
    ("develbooster", "jsc"),
    ("largebooster", "jsc"),
    // Source: https://servicedesk.surf.nl/wiki/spaces/WIKI/pages/30660209/Snellius+partitions, seen 2026-11-24
    ("fat_rome", "snellius"),
    ("fat_genoa", "snellius"),
    ("himem_4tb", "snellius"),
    ("himem_8tb", "snellius"),
    // No source found yet.
    ("acc_ehpc", "marenostrum"),
    ("gp_ehpc", "marenostrum"),
    ("acc_debug", "marenostrum"),
    // Source: https://github.com/BSC-CNS-EAPM/MN_bash_runners/blob/HEAD/run_files/marenostrumV/run_pele_v1.8.sh, seen 2026-11-24
    ("gp_debug", "marenostrum"),
    // Source: https://github.com/bigscience-workshop/bigscience/blob/HEAD/jz/slurm/README.md, seen 2026-11-24
    ("qos_gpu-t3", "jean-zay"),
    ("qos_gpu-t4", "jean-zay"),
    // No source found yet.
    ("qos_gpu_a100-t3", "jean-zay"),
    ("qos_gpu_h100-t3", "jean-zay"),
    // Source: https://docs.it4i.cz/general/resources-allocation-policy/, seen 2026-11-24
    ("qgpu", "karolina"),
    ("qcpu", "karolina"),
    ("qgpu_exp", "karolina"),
];

/// Partitions that more than one site has: they support another trace.
const SHARED_QUEUES: &[(&str, &str)] = &[
    // Source: https://servicedesk.surf.nl/wiki/spaces/WIKI/pages/30660209/Snellius+partitions, seen 2026-11-24
    ("rome", "snellius"),
    ("genoa", "snellius"),
    ("gpu_a100", "snellius"),
    ("gpu_h100", "snellius"),
    // No source found yet.
    ("gpu_mig", "snellius"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/runjobs/scheduled-jobs/partitions.md, seen 2026-11-24
    ("standard", "lumi"),
    ("small", "lumi"),
    ("debug", "lumi"),
    // Source: https://github.com/Hi-PACE/hipace/blob/36420ba1233b6fee32b32fb2748cfa40b6ed77ae/docs/source/building/platforms/booster_jsc.rst, seen 2026-11-24
    ("booster", "jsc"),
    // No source found yet.
    ("gpu", "meluxina"),
    // Source: https://github.com/olcf/olcf-user-docs/blob/HEAD/systems/summit_user_guide.rst, seen 2026-11-24
    ("batch", "olcf"),
];

/// The starts of module names that only one site has.
const MODULES: &[(&str, &str)] = &[
    // Source: https://github.com/LuxProvide/SCynergy26_GettingStartedWithMeluXina/blob/HEAD/docs/urban_wind_simulation.md, seen 2026-11-24
    ("env/release/", "meluxina"),
    // No source found yet.
    ("env/staging/", "meluxina"),
    // Source: https://github.com/HelmholtzAI-FZJ/2024-06-course-Bringing-Deep-Learning-Workloads-to-JSC-supercomputers/blob/HEAD/01-access-machines.md, seen 2026-11-24
    ("Stages/", "jsc"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/runjobs/lumi_env/softwarestacks.md, seen 2026-11-24
    ("LUMI/", "lumi"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/software/installing/container-wrapper.md, seen 2026-11-24
    ("lumi-", "lumi"),
    // Source: https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/runjobs/lumi_env/softwarestacks.md, seen 2026-11-24
    ("CrayEnv", "lumi"),
    // No source found yet.
    ("profile/", "cineca"),
    ("arch/a100", "jean-zay"),
    ("arch/h100", "jean-zay"),
    // Source: https://github.com/PDC-support/PDC-support-web/blob/HEAD/docs/basics/quickstart.md, seen 2026-11-24
    ("PDC/", "dardel"),
    // No source found yet.
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
// Source: https://github.com/ECP-WarpX/impactx/blob/23.09/docs/source/install/hpc/perlmutter.rst, seen 2026-11-24
// Source: https://github.com/NERSC/sc23-dl-tutorial/blob/HEAD/submit_pm_dp.sh, seen 2026-11-24
fn is_nersc_account(account: &str) -> bool {
    let account = account.strip_suffix("_g").unwrap_or(account);
    let rest = account.strip_prefix("ntrain").or_else(|| account.strip_prefix('m').filter(|rest| rest.len() >= 3));
    rest.is_some_and(|digits| digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Accounts whose form only one site uses: `p200981`, `project_465000123`, `abc@h100`.
// Source (meluxina): https://github.com/LuxProvide/SCynergy26_GettingStartedWithMeluXina/blob/HEAD/docs/urban_wind_simulation.md, seen 2026-11-24
// Source (lumi): https://github.com/Lumi-supercomputer/lumi-userguide/blob/HEAD/docs/runjobs/lumi_env/dailymanagement.md, seen 2026-11-24
// Source (csc): https://github.com/CSCfi/csc-user-guide/blob/HEAD/docs/computing/roihu-disk.md, seen 2026-11-24
// Source (jean-zay): https://github.com/bigscience-workshop/bigscience/blob/HEAD/jz/slurm/README.md, seen 2026-11-24
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
