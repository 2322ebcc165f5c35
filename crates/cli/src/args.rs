mod ledger;
mod watch;

pub use ledger::{
    Bundle, Init, Ledger, LedgerAsk, Log, LogAction, LogAsk, LogFormat, LogVerdict, Prove, Verify, VerifyBundle,
};

use allod_engine::Resolver;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

pub use watch::{Watch, WatchFormat};

/// See who can read, stop or change each part of your stack.
#[derive(Debug, Parser)]
#[command(name = "allod", version, max_term_width = 100)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

#[derive(Debug, ClapArgs)]
pub struct Global {
    /// Say nothing but the result.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show every part, every diagnostic.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// No colour, whatever the terminal can do (also: NO_COLOR).
    #[arg(long, global = true)]
    pub no_color: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Audit files and folders: who controls each part, by which path, and what is not known.
    ///
    /// Exit code: 0 when nothing foreign holds a power, 1 when something does, 2 when the audit could not be done.
    Audit(Audit),
    /// See what happens on the day somebody uses a power: what stops, what is exposed, what can be changed.
    ///
    /// A calculation on the files; nothing is touched. Exit code: 0 when nothing that you run is hit, 1 when something
    /// is, 2 when the drill could not be done.
    Drill(Drill),
    /// Compare two audits: which powers were gained and lost, by whom, through which change.
    ///
    /// Exit code: 0 when nothing foreign was gained, 1 when something was, 2 when it could not be done.
    #[command(override_usage = "allod diff [OPTIONS] BEFORE AFTER\n       allod diff [OPTIONS] --since REV [PATH]")]
    Diff(Diff),
    /// Check whether the rules allow what the files describe: repositories, Terraform plans, rendered manifests.
    ///
    /// What describes the organisation is in allod.yaml, the rules in rules/ beside it. Exit code: 0 when they allow it,
    /// 1 when they do not, 2 when it could not be decided: broken rules let nothing through.
    Check(Check),
    /// Look at rules: as sentences, as Cedar; test them, prove things about them, compare two sets.
    Rules(Rules),
    /// Explain a code of a finding, a diagnostic or an error.
    Explain(Explain),
    /// Look into the register of services and entities.
    Register(Register),
    /// List the formats that can be read.
    Formats,
    /// Watch what runs: judge it by the rules, and compare it with what was allowed. Drift is a finding.
    ///
    /// RUNNING is what shows it: exported manifests, Compose files, a state of Terraform; or --cluster. Shows the state,
    /// then a line for each change of it. Exit code, with --once or when ended by SIGTERM or Ctrl-C: 0 when all that runs
    /// may run, 1 when something may not, 2 when nobody can say.
    #[command(
        override_usage = "allod watch [OPTIONS] RUNNING...\n       allod watch [OPTIONS] --cluster [CONTEXT]\n       allod watch --rbac"
    )]
    Watch(Watch),
    /// Serve the admission webhook of a Kubernetes cluster: what breaks a rule is not let in.
    ///
    /// Answers AdmissionReview v1 on https://ADDR/admit, and /healthz, /readyz and /metrics in plain HTTP on the other
    /// port. Ends in good order on SIGTERM. Fails closed: what cannot be judged is denied, with a reason.
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Admit(Admit),
    /// Make a workspace: keys, an empty ledger, and allod.yaml where there is none. From then on actions are logged.
    Init(Init),
    /// Show what was logged: who did what, by which rules.
    #[command(args_conflicts_with_subcommands = true)]
    Log(Log),
    /// Verify the ledger, prove an entry to others, erase what it knows about a person.
    Ledger(Ledger),
    /// Verify a bundle that somebody gave you: offline, with no workspace.
    ///
    /// Exit code: 0 when it proves what it says, 1 when it does not, 2 when it could not be read.
    Verify(VerifyBundle),
}

#[derive(Debug, ClapArgs)]
pub struct Audit {
    /// Files and folders to audit.
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// How to show the result.
    #[arg(long, short, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Write the result to a file.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Jurisdictions that are ours: EU, EEA or country codes, with commas between. Default: what allod.yaml says,
    /// otherwise EU.
    #[arg(long, value_delimiter = ',', value_name = "PLACES")]
    pub home: Option<Vec<String>>,
    /// What describes the organisation. Default: the nearest allod.yaml at or above what is audited.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Show one layer only (`allod audit --only help` lists them).
    #[arg(long, value_name = "LAYER")]
    pub only: Option<String>,
    /// Show what was not understood, and nothing else.
    #[arg(long)]
    pub unresolved: bool,
    /// Show the path of each power over one component, hop by hop, with file and line and source.
    #[arg(long, value_name = "COMPONENT", conflicts_with_all = ["only", "unresolved"])]
    pub explain: Option<String>,
    /// Show the fewest components to replace so that somebody abroad loses a power, and what each replacement alone
    /// would end.
    #[arg(long, conflicts_with_all = ["only", "unresolved", "explain"])]
    pub chokepoints: bool,
    /// Chokepoints over one component, or over one data class: `data:patient`.
    #[arg(long, value_name = "TARGET", requires = "chokepoints")]
    pub of: Option<String>,
    /// Exit 0 also when something foreign holds a power.
    #[arg(long)]
    pub exit_zero: bool,
    /// Exit 1 also when the control of a component is not known.
    #[arg(long, conflicts_with = "exit_zero")]
    pub fail_on_unknown: bool,
    /// Audit, then watch the files: audit again when one changes, and show what changed. Ends with Ctrl-C.
    #[arg(long, conflicts_with_all = ["output", "explain", "chokepoints", "fail_on_unknown", "resolve"])]
    pub watch: bool,
    /// A folder of register files that add to or correct the built-in register.
    #[arg(long, value_name = "DIR")]
    pub register: Option<PathBuf>,
    /// Look up the zones and hosts of the files in the live DNS, too: name servers, mail, certificate issuers, senders
    /// and aliases. The only network access of an audit: the resolver sees these names.
    #[arg(long)]
    pub resolve: bool,
    /// Ask this server instead of those in /etc/resolv.conf: to ask a certain server, and for tests.
    #[arg(long, value_name = "ADDR:PORT", requires = "resolve")]
    pub resolver: Option<Resolver>,
}

#[derive(Debug, ClapArgs)]
pub struct Diff {
    /// BEFORE and AFTER: folders or files to audit, or audits that were saved with `--format json`. With --since: the
    /// path to audit (default: the current folder).
    #[arg(value_name = "PATH", num_args = 0..=2)]
    pub paths: Vec<PathBuf>,
    /// Compare the working tree with this git revision (a branch, a tag, a commit) of the repository that it lies in.
    /// Reads the objects with the program git; nothing is checked out, run or fetched.
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// How to show the result.
    #[arg(long, short, value_enum, default_value_t = DiffFormat::Human)]
    pub format: DiffFormat,
    /// Write the result to a file.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Jurisdictions that are ours: EU, EEA or country codes, with commas between. Default: the home of the saved audit,
    /// otherwise EU.
    #[arg(long, value_delimiter = ',', value_name = "PLACES")]
    pub home: Option<Vec<String>>,
    /// Exit 0 also when something foreign was gained.
    #[arg(long)]
    pub exit_zero: bool,
    /// Exit 1 also when somebody unknown gained a power.
    #[arg(long, conflicts_with = "exit_zero")]
    pub fail_on_unknown: bool,
    /// A folder of register files that add to or correct the built-in register, for what is audited now.
    #[arg(long, value_name = "DIR")]
    pub register: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For a person, by cause.
    Human,
    /// Schema allod.diff/1.
    Json,
    /// GitHub-flavoured Markdown, for a comment on a merge request.
    Markdown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person, by layer.
    Human,
    /// Schema allod.audit/1.
    Json,
    /// SARIF 2.1.0, for code review.
    Sarif,
    /// GitHub-flavoured Markdown.
    Markdown,
    /// One self-contained page for a browser: summary, map, drills, tables. It asks no server for anything.
    Html,
    /// CycloneDX 1.7 JSON: services and components with who controls them, and the sources.
    Cyclonedx,
    /// A Mermaid flowchart of the graph, by layer.
    Mermaid,
    /// The graph for Graphviz, by layer.
    Dot,
    /// One row a component, for a spreadsheet.
    Csv,
    /// Annotations of a change in GitHub Actions.
    Github,
    /// A Code Quality report for GitLab.
    Gitlab,
}

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("power").required(true))]
pub struct Drill {
    /// Files and folders to audit first.
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// They use *stop*: what fails at once, at the next token refresh, deploy, build or renewal, and what survives.
    /// WHO is a country (US), an entity (cloudflare) or a service; several act together.
    #[arg(long, value_name = "WHO", value_delimiter = ',', group = "power")]
    pub cut: Vec<String>,
    /// They use *read*: which data is exposed, where, through whom.
    #[arg(long, value_name = "WHO", value_delimiter = ',', group = "power")]
    pub compel: Vec<String>,
    /// They use *change*: what can be altered, and on which way.
    #[arg(long, value_name = "WHO", value_delimiter = ',', group = "power")]
    pub tamper: Vec<String>,
    /// Replace before the drill: replace=A:B, where A is a component, or a service or entity with all its components,
    /// and B a service or software of the register. Can be given several times.
    #[arg(long, value_name = "replace=A:B")]
    pub what_if: Vec<String>,
    /// How to show the result.
    #[arg(long, short, value_enum, default_value_t = DrillFormat::Human)]
    pub format: DrillFormat,
    /// Write the result to a file.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit 0 also when something is hit.
    #[arg(long)]
    pub exit_zero: bool,
    /// A folder of register files that add to or correct the built-in register.
    #[arg(long, value_name = "DIR")]
    pub register: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DrillFormat {
    /// For a person.
    Human,
    /// Schema allod.drill/1.
    Json,
}

#[derive(Debug, ClapArgs)]
pub struct Check {
    /// Files and folders to check.
    #[arg(default_value = ".")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub policy: Policy,
    /// How to show the result.
    #[arg(long, short, value_enum, default_value_t = CheckFormat::Human)]
    pub format: CheckFormat,
    /// Write the result to a file.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Fail only on what is new since a git revision.
    #[arg(long, value_name = "REV", conflicts_with = "baseline")]
    pub since: Option<String>,
    /// Fail only on what this file does not have. Make it with --write-baseline.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Write all violations that there are now to a file, to be worked off.
    #[arg(long, value_name = "FILE")]
    pub write_baseline: Option<PathBuf>,
    /// A folder of Rego rules in the way of conftest (`deny`, `warn`, `violation`), asked about the same files.
    #[arg(long, value_name = "DIR")]
    pub rego: Vec<PathBuf>,
    /// The packages of Rego that count, as patterns; `*` for all.
    #[arg(long, value_name = "PACKAGE", default_value = "main", requires = "rego")]
    pub namespace: Vec<String>,
    /// A folder or file of data for Rego rules (`data.…`).
    #[arg(long, value_name = "PATH", requires = "rego")]
    pub data: Vec<PathBuf>,
    /// Let files pass that look like something known and cannot be read.
    #[arg(long)]
    pub allow_unread: bool,
    /// Exit 0 also when the rules say no.
    #[arg(long)]
    pub exit_zero: bool,
}

/// Where the rules are.
#[derive(Debug, ClapArgs)]
pub struct Policy {
    /// What describes the organisation. Default: the nearest allod.yaml at or above what is checked.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Rule files, or folders of them. Default: rules/ beside allod.yaml.
    #[arg(long, global = true, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// Jurisdictions that are ours, whatever allod.yaml says.
    #[arg(long, global = true, value_delimiter = ',', value_name = "PLACES")]
    pub home: Option<Vec<String>>,
    /// A folder of register files that add to or correct the built-in register.
    #[arg(long, global = true, value_name = "DIR")]
    pub register: Option<PathBuf>,
    /// The day by which exceptions and tests of an exit are judged. Default: today.
    #[arg(long, global = true, value_name = "DATE")]
    pub today: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For a person, the gravest first.
    Human,
    /// Schema allod.check/1.
    Json,
    /// SARIF 2.1.0, for code review.
    Sarif,
    /// JUnit XML: a rule is a test.
    Junit,
    /// Annotations of a change in GitHub Actions.
    Github,
    /// A Code Quality report for GitLab.
    Gitlab,
}

#[derive(Debug, ClapArgs)]
pub struct Rules {
    #[command(subcommand)]
    pub ask: RulesAsk,
    #[command(flatten)]
    pub policy: Policy,
}

#[derive(Debug, Subcommand)]
pub enum RulesAsk {
    /// Print the rules as Cedar policies: what is decided by.
    Show,
    /// Print the schema that policies are written against.
    Schema,
    /// Say a rule in sentences; without a name, all of them.
    Explain { rule: Option<String> },
    /// Look for rules that are about nothing, that nothing can fulfil, or that others make needless.
    ///
    /// The last two are asked of the solver cvc5, where it is installed. Exit code: 1 when something was found.
    Lint {
        /// What the rules are meant for. Default: the folder of --config, or this one.
        paths: Vec<PathBuf>,
    },
    /// Run the cases in *.test.yaml beside the rules: a component is given, a verdict is expected.
    ///
    /// Exit code: 1 when a case fails.
    Test {
        /// Fail also when a rule is broken by no case.
        #[arg(long)]
        all_rules: bool,
    },
    /// Prove a claim for every component that the rules allow, not for samples; or show one that refutes it.
    ///
    /// Needs the solver cvc5. A claim is a sentence ("patient data is never outside LU"), or a rule in a file. Exit code:
    /// 0 when proved, 1 when refuted or not proved.
    #[command(
        override_usage = "allod rules prove \"SUBJECT is never outside PLACES\"\n       allod rules prove --claims FILE"
    )]
    Prove {
        /// SUBJECT is never outside PLACES; is never readable (stoppable, changeable) from PLACES or from outside PLACES;
        /// is always in PLACES, encrypted with our keys, auditable. SUBJECT: `patient data`, a workload, an environment, a
        /// tier, a layer, or everything.
        #[arg(required_unless_present = "claims")]
        claim: Option<String>,
        /// A rule file: each of its rules is a claim.
        #[arg(long, value_name = "FILE", conflicts_with = "claim")]
        claims: Option<PathBuf>,
    },
    /// Compare two sets of rules by all that they let through: equivalent, stricter, looser, or both.
    ///
    /// Needs the solver cvc5. Exit code: 0 when the new set is nowhere looser, 1 when it is, or when nobody knows.
    Diff {
        /// Rule file or folder.
        old: PathBuf,
        new: PathBuf,
        /// Exit 0 also when the new set is looser.
        #[arg(long)]
        allow_looser: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Admit {
    #[command(subcommand)]
    pub instead: Option<AdmitInstead>,
    /// Where the API server asks, over HTTPS.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// Where probes and metrics are asked for, over plain HTTP.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub probes: SocketAddr,
    /// The certificate of the server with its chain, PEM. Read again when it changes.
    #[arg(long, value_name = "FILE", required = true)]
    pub tls_cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, value_name = "FILE", required = true)]
    pub tls_key: Option<PathBuf>,
    /// What a violation does.
    #[arg(long, value_enum, default_value_t = AdmitMode::Enforce)]
    pub mode: AdmitMode,
    /// What describes the organisation. Default: the nearest allod.yaml at or above this folder.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Rule files, or folders of them. Default: rules/ beside allod.yaml. Without rules it does not start.
    #[arg(long, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// Files and folders that describe what the objects run on and talk to. They are looked at, and not judged.
    #[arg(long, value_name = "PATH")]
    pub context: Vec<PathBuf>,
    /// A folder of register files that add to or correct the built-in register.
    #[arg(long, value_name = "DIR")]
    pub register: Option<PathBuf>,
    /// Deny CONNECT (exec, attach, port-forward, proxy) where the webhook is asked about it.
    #[arg(long)]
    pub deny_connect: bool,
}

#[derive(Debug, Subcommand)]
pub enum AdmitInstead {
    /// Print the manifests that install the webhook.
    Manifests(AdmitManifests),
}

#[derive(Debug, ClapArgs)]
pub struct AdmitManifests {
    /// The image of allod, best by its digest.
    #[arg(long)]
    pub image: String,
    /// Where the webhook is installed.
    #[arg(long, default_value = "allod")]
    pub namespace: String,
    /// How many of it run.
    #[arg(long, default_value_t = 2)]
    pub replicas: u32,
    /// What a violation does. In audit mode a webhook without an answer holds nothing back either.
    #[arg(long, value_enum, default_value_t = AdmitMode::Enforce)]
    pub mode: AdmitMode,
    /// Send CONNECT (exec, attach, port-forward, proxy) to the webhook, and deny it.
    #[arg(long)]
    pub deny_connect: bool,
    /// Where cert-manager runs, which makes the certificate. This namespace is not asked about.
    #[arg(long, value_name = "NAMESPACE", default_value = "cert-manager", conflicts_with = "ca_bundle")]
    pub cert_manager: String,
    /// Without cert-manager: the authority (PEM) behind the certificate in the Secret `allod-admit-tls`, which you make.
    #[arg(long, value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,
    /// A namespace that is not asked about, besides kube-system and the webhook's own. Can be given several times.
    #[arg(long, value_name = "NAMESPACE")]
    pub exclude: Vec<String>,
    /// A further resource to ask about, such as argoproj.io/v1alpha1/applications. Can be given several times.
    #[arg(long, value_name = "GROUP/VERSION/RESOURCE")]
    pub also: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AdmitMode {
    /// It denies.
    Enforce,
    /// It is told as a warning, marked as such, and let through.
    Audit,
}

#[derive(Debug, ClapArgs)]
pub struct Explain {
    /// A code such as F001; without one, all codes are listed.
    pub code: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Register {
    #[command(subcommand)]
    pub ask: RegisterAsk,
    /// A folder of register files that add to or correct the built-in register.
    #[arg(long, global = true, value_name = "DIR")]
    pub register: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum RegisterAsk {
    /// List services and software, by layer.
    List {
        /// One layer only.
        #[arg(long)]
        layer: Option<String>,
    },
    /// Show everything about a service, software or entity, with its sources.
    Show { id: String },
    /// Find whose a host, image, resource type or package is.
    Find { text: String },
    /// Check register files (or, without any, the built-in register).
    Check { files: Vec<PathBuf> },
}
