/// A code that a user can meet, with what it means in one line. Its page is `docs/codes/<id>.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub id: &'static str,
    pub name: &'static str,
    pub summary: &'static str,
}

/// What the first letter of a code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// `D`: the user's material has a problem.
    Diagnostic,
    /// `U`: seen, not understood.
    Unresolved,
    /// `F`: a finding about who holds which power.
    Finding,
    /// `P`: a rule file has a problem, or a rule was broken.
    Policy,
    /// `R`: a register file has a problem.
    Register,
    /// `E`, `L` (the ledger) and `W` (the workspace): an operation failed.
    Error,
}

impl Code {
    pub fn kind(&self) -> CodeKind {
        match self.id.as_bytes().first() {
            Some(b'D') => CodeKind::Diagnostic,
            Some(b'U') => CodeKind::Unresolved,
            Some(b'F') => CodeKind::Finding,
            Some(b'P') => CodeKind::Policy,
            Some(b'R') => CodeKind::Register,
            _ => CodeKind::Error,
        }
    }
}

pub fn code(id: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.id.eq_ignore_ascii_case(id))
}

const fn c(id: &'static str, name: &'static str, summary: &'static str) -> Code {
    Code { id, name, summary }
}

/// Every code, in order.
pub const CODES: &[Code] = &[
    c("D001", "unreadable-file", "the file exists and could not be read"),
    c("D002", "not-text", "the file is binary, or in an encoding that is not UTF-8 or UTF-16"),
    c("D003", "too-large", "the file is larger than its reader takes"),
    c("D004", "syntax", "the file breaks the syntax of its format"),
    c("D005", "too-deep", "the file is nested deeper than its reader follows"),
    c("D006", "too-many", "the file has more nodes than its reader takes, aliases expanded"),
    c("D007", "circular", "a module, include or alias leads back to itself"),
    c("D008", "missing-file", "the file names a local file that is not in the audited tree"),
    c("D009", "leaves-tree", "a link or path leads out of the audited tree and was not followed"),
    c("D010", "unsupported-version", "the file says that it has a version which the reader does not know"),
    c("D011", "wrong-shape", "a value has another type than its format says"),
    c("D012", "reader-failed", "a reader broke down on the file: a defect of allod"),
    c("U001", "value-not-set", "a value comes from a variable or secret that no file sets"),
    c("U002", "not-evaluated", "an expression uses something that is not evaluated"),
    c("U003", "not-fetched", "a module, chart or base lies elsewhere and is not fetched"),
    c("U004", "needs-template-engine", "only the template engine could know the value"),
    c("U005", "known-after-apply", "the value is known only after apply"),
    c("U006", "placeholder", "the value is redacted, a placeholder or a reserved example"),
    c("U007", "destination-unknown", "credentials or a client are there, and no file says what they talk to"),
    c("U008", "host-not-in-register", "nobody in the register runs this host"),
    c("U009", "service-not-in-register", "the register does not know this type, image owner or package"),
    c("U010", "not-understood", "the file was recognised and this part of it was not understood"),
    c("U011", "unclaimed", "the register names the service and has no sourced operator or country for it"),
    c("U012", "look-up-failed", "a live look-up was not made or gave no answer"),
    c("U013", "live-differs", "a file and the live DNS say different things"),
    c("F001", "foreign-control", "a part of the stack is controlled from outside the home jurisdictions"),
    c("F002", "located-home-controlled-abroad", "a part is located at home and controlled from outside"),
    c("F003", "located-abroad", "a part is located outside the home jurisdictions"),
    c("F004", "foreign-change-path", "a party outside can change what is deployed: CI, state, GitOps source"),
    c("F005", "foreign-reads-traffic", "a party outside ends TLS or resolves the names, and so can read or redirect"),
    c("F006", "foreign-build-source", "an unpinned artefact comes from a party outside"),
    c("F007", "unknown-control", "nobody knows from the files and the register who controls a part"),
    c("F010", "not-allowed", "a part runs that is nowhere in what was allowed"),
    c("F011", "drifted", "a part runs otherwise than it was allowed"),
    c("F012", "not-seen", "what runs cannot be seen, or not be judged"),
    c("F013", "not-running", "a part was allowed and does not run"),
    c("P001", "rule-file-shape", "a rule file or allod.yaml is no YAML of its format"),
    c("P002", "rule-file-key", "a rule file or allod.yaml has a key that its format does not have, or has it twice"),
    c("P003", "rule-names-nothing", "a rule, tier, exception or statement names something that does not exist"),
    c("P004", "bad-date", "a date is none"),
    c("P005", "exception-over", "an exception has ended, and covers nothing any more"),
    c("P006", "exception-unused", "an exception covers nothing that there is"),
    c("P007", "selects-nothing", "a rule or a word of the organisation is about no component"),
    c("P008", "tier-circle", "a tier extends itself"),
    c("P009", "rule-twice", "a rule or a tier stands in two places"),
    c("P010", "cedar-invalid", "a policy is no Cedar, or does not fit the schema"),
    c("P011", "never-fulfilled", "nothing that a rule is about can ever be allowed"),
    c("P012", "needless-rule", "other rules deny all that a rule denies"),
    c("P013", "weak-tier", "a tier counts on a rule that only warns"),
    c("P014", "not-analysed", "the solver gave no answer about a rule"),
    c("R001", "register-syntax", "a register file is not valid YAML or has a value of the wrong type"),
    c("R002", "register-unknown-key", "a register file has a key that its format does not have"),
    c("R003", "register-dangling", "a register record refers to an id that no file defines"),
    c("R004", "register-duplicate", "an id or a matcher stands in two records"),
    c("R005", "register-bad-claim", "a claim has no source URL, no date or no known confidence"),
    c("P040", "rego-syntax", "a Rego file is neither valid Rego v1 nor valid Rego v0"),
    c("P041", "rego-rule-unusable", "a Rego rule could never give a message, or calls itself"),
    c("P042", "rego-function-missing", "a Rego rule calls a function that is not there, or that reaches out"),
    c("P043", "rego-not-evaluated", "a Rego rule could not be evaluated on a file, or met a limit"),
    c("P044", "rego-input-unreadable", "a file cannot be given to Rego rules"),
    c("P045", "rego-data-unusable", "a data file of Rego rules cannot be used"),
    c("P046", "rego-nothing-to-ask", "the chosen namespaces have no Rego rule"),
    c("E001", "nothing-to-audit", "the path does not exist, or nothing under it could be read"),
    c("E002", "bad-argument", "an argument has a value that does not exist"),
    c("E003", "not-written", "the output could not be written"),
    c("E004", "register-unusable", "an overlay of the register has problems, so no audit was made"),
    c("E005", "audit-unusable", "a saved audit cannot be read, or not be compared with the other one"),
    c("E006", "revision-unusable", "a git revision could not be read"),
    c("E007", "rules-unusable", "there are no rules, or they have problems, so nothing was decided"),
    c("E008", "not-proved", "a proof could not be tried"),
    c("E010", "webhook-not-started", "the admission webhook could not be started"),
    c("E011", "cluster-unusable", "a cluster cannot be asked: its kubeconfig cannot be used, or it does not answer"),
    c("L001", "ledger-locked", "the ledger is being written by another process"),
    c("L002", "entry-too-long", "an entry is longer than the ledger's format can hold"),
    c("L003", "batch-too-long", "more entries were handed in at once than one batch holds"),
    c("L004", "ledger-stopped", "an earlier write to the ledger failed, so this writer writes nothing more"),
    c("L005", "ledger-disk-full", "there is no space left for the ledger"),
    c("L006", "ledger-read-only", "the ledger cannot be written: rights are missing, or the file system is read-only"),
    c("L007", "ledger-disk-failed", "the file system failed under the ledger"),
    c("L008", "ledger-damaged", "a file of the ledger does not hold what it must"),
    c("L009", "ledger-wrong-origin", "a checkpoint is of another ledger"),
    c("L010", "ledger-wrong-key", "a checkpoint is not signed by a key of this ledger"),
    c("L011", "ledger-missing", "there is no ledger where one must be"),
    c("L012", "ledger-older", "the ledger is older than a state of it that is known, or contradicts it"),
    c("L013", "ledger-format", "a format of the ledger was given something that it cannot hold"),
    c("L014", "ledger-no-such-entry", "there is no entry of that number"),
    c("L015", "ledger-interrupted", "the thread that wrote the ledger ended in the middle of it"),
    c("L016", "ledger-bad-checkpoint", "a file is no checkpoint"),
    c("L017", "ledger-bad-keys", "the keys do not fit the ledger"),
    c("W001", "workspace-exists", "there is a workspace already"),
    c("W002", "no-workspace", "there is no workspace at or above the path"),
    c("W003", "workspace-file-failed", "a file of the workspace could not be read or written"),
    c("W004", "workspace-broken", "a file of the workspace is not what belongs there"),
    c("W005", "secret-exposed", "others can read a secret of the workspace"),
    c("W006", "entry-unusable", "an entry could not be written, read or proved"),
    c("W007", "no-such-subject", "nobody of that name acted in this workspace"),
];
