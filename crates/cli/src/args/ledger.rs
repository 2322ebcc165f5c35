use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, ClapArgs)]
pub struct Init {
    /// The folder of the organisation's description: usually the root of a repository.
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// What the ledger is called in the world, as an address without a scheme: logs.clinic.lu/allod. It cannot be
    /// changed later. Default: the folder's name with random letters, which is no address.
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub struct Log {
    #[command(flatten)]
    pub ask: LogAsk,
    #[command(subcommand)]
    pub action: Option<LogAction>,
}

#[derive(Debug, Subcommand)]
pub enum LogAction {
    /// Count what was logged: by action, verdict, principal and rule.
    Stats(LogAsk),
}

#[derive(Debug, ClapArgs)]
pub struct LogAsk {
    /// A path in the workspace.
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub at: PathBuf,
    /// How to show the entries.
    #[arg(long, short, value_enum, default_value_t = LogFormat::Human)]
    pub format: LogFormat,
    /// Only entries from this day or time on, in UTC (2026-11-24, 2026-11-24T09:00).
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only entries before this day or time, in UTC.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only what this principal did.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Only what this rule decided, or where something breaks it.
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Only entries about this component: its id, or the end of it.
    #[arg(long, value_name = "COMPONENT")]
    pub component: Option<String>,
    /// Only entries with this verdict.
    #[arg(long, value_enum)]
    pub verdict: Option<LogVerdict>,
    /// Only entries of this action: check, drill, exception, ...
    #[arg(long, value_name = "ACTION")]
    pub action_is: Option<String>,
    /// Only the last entries.
    #[arg(long, short = 'n', value_name = "N")]
    pub last: Option<usize>,
    /// Go on showing entries as they are written. Ctrl-C ends it.
    #[arg(long)]
    pub follow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Human,
    /// One object a line.
    Json,
    /// OCSF events, one a line, for a SIEM.
    Ocsf,
    /// Log records of OpenTelemetry, one a line.
    Otel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogVerdict {
    Allow,
    Warn,
    Deny,
}

#[derive(Debug, ClapArgs)]
pub struct Ledger {
    /// A path in the workspace.
    #[arg(long, global = true, default_value = ".", value_name = "PATH")]
    pub at: PathBuf,
    #[command(subcommand)]
    pub ask: LedgerAsk,
}

#[derive(Debug, Subcommand)]
pub enum LedgerAsk {
    /// Verify that nothing was changed, left out or cut off.
    ///
    /// Every entry is hashed and compared with the tree, and the tree with what was signed. Exit code: 0 when the ledger
    /// is whole, 1 when it is damaged, 2 when that could not be found out.
    Verify(Verify),
    /// Prove an entry to somebody who has the public key: writes its bytes and a C2SP `.tlog-proof`.
    Prove(Prove),
    /// Pack entries with their proofs for somebody outside: a folder that is verified offline, by `allod verify` or
    /// with other people's tools.
    Bundle(Bundle),
    /// Print the public key of the ledger, as others need it (a C2SP tlog-policy).
    Key,
    /// Sign again with the time of now: shows that the ledger is alive and this is all of it.
    Heartbeat,
    /// Destroy what the ledger's openings say about a person. Every proof stays valid. Cannot be undone.
    Erase {
        /// The principal, as `allod log` shows it.
        name: String,
        /// That you mean it.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub struct Verify {
    /// Look at these entries only: 100..200.
    #[arg(long, value_name = "FROM..TO")]
    pub range: Option<String>,
    /// A checkpoint that was seen before: the ledger must begin with what it signed.
    #[arg(long, value_name = "FILE")]
    pub earlier: Vec<PathBuf>,
    /// The ledger's last sign of life must not be older than this many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub max_age: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub struct Prove {
    /// The number of the entry.
    pub index: u64,
    /// The folder for `entry-N.json` and `entry-N.tlog-proof`.
    #[arg(long, short, default_value = ".", value_name = "FOLDER")]
    pub output: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub struct Bundle {
    /// The folder to make.
    pub folder: PathBuf,
    /// The entries: numbers and ranges, with commas between (3,10..20). Default: all.
    #[arg(long, value_name = "ENTRIES")]
    pub entries: Option<String>,
    /// Show only these fields of what entries commit to (who.principal, what.object, why.reason, why.findings, ...).
    #[arg(long, value_delimiter = ',', value_name = "FIELDS", conflicts_with = "closed")]
    pub show: Vec<String>,
    /// Show nothing of what entries commit to.
    #[arg(long)]
    pub closed: bool,
    /// The checkpoint that the auditor took home last time: the bundle then proves that the ledger only grew.
    #[arg(long, value_name = "FILE")]
    pub earlier: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct VerifyBundle {
    /// The folder that `allod ledger bundle` made.
    pub bundle: PathBuf,
    /// The public key of the ledger, as its owner gave it to you by another way.
    #[arg(long, value_name = "KEY", conflicts_with = "policy")]
    pub key: Option<String>,
    /// Your own policy: keys of ledgers and witnesses (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The checkpoint that you took home last time.
    #[arg(long, value_name = "FILE")]
    pub earlier: Option<PathBuf>,
}
