mod calls;
mod namespace;
mod rules;

use crate::error::located;
use crate::limits::{
    MAX_EVALUATION_MS, MAX_POLICY_BYTES, MAX_POLICY_COLUMNS, MAX_POLICY_DEPTH, MAX_POLICY_LINES, TIMER_INTERVAL,
};
use crate::{Document, Kind};
use allod_facts::{Diagnostic, Severity};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, PolicyLengthConfig, Value};
use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

pub use rules::{Place, Rule};

/// Rule files, parsed and checked.
#[derive(Clone, Debug)]
pub struct Policies {
    pub(crate) engine: Engine,
    pub(crate) rules: Vec<Rule>,
    pub(crate) options: Options,
    /// Whether a rule file reads `data.conftest`, which costs a preparation for each input.
    pub(crate) reads_file_name: bool,
    usable: bool,
}

/// How rules are chosen and evaluated.
#[derive(Clone, Debug)]
pub struct Options {
    /// Packages whose rules are asked: names or patterns (`*`, `?`, `[a-z]`; the dot is an ordinary letter).
    pub namespaces: Vec<String>,
    /// What `time.now_ns` says, in nanoseconds since 1970. Without it the function does not exist: the same files give
    /// the same answer.
    pub now_ns: Option<i64>,
    /// What all rules of one file may take together.
    pub time_limit_ms: u64,
    /// Whether an error of a built-in function is an error. By default it makes the expression undefined, as in OPA.
    pub strict_builtins: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            namespaces: vec!["main".into()],
            now_ns: None,
            time_limit_ms: MAX_EVALUATION_MS,
            strict_builtins: false,
        }
    }
}

impl Policies {
    /// Takes rule files (`path`, `text`) and data files (`.json`, `.yaml`; folders of the path become keys of `data`, as
    /// `opa` does it). Tests (`*_test.rego`) are left out.
    ///
    /// Each file is read as Rego v1 and, where that fails, as v0 (`deny[msg] { ... }`).
    ///
    /// Diagnostics: `P040` syntax, `P041` a rule that could never give a message, `P042` a function that is not there,
    /// `P045` data, `P046` nothing to ask. With an error among them the policies are not usable, and
    /// [`Policies::evaluate`] refuses.
    pub fn load(
        files: Vec<(String, String)>,
        data: Vec<(String, String)>,
        options: Options,
    ) -> (Policies, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut engine = new_engine(&options);
        let mut files: Vec<_> = files.into_iter().filter(|(path, _)| !path.ends_with("_test.rego")).collect();
        files.sort();
        let reads_file_name = files.iter().any(|(_, text)| text.contains("conftest"));
        for (path, text) in files {
            if let Err(diagnostic) = add_file(&mut engine, &path, &text) {
                diagnostics.push(diagnostic);
            }
        }
        for (path, text) in data {
            if let Err(diagnostic) = add_data(&mut engine, &path, &text) {
                diagnostics.push(diagnostic);
            }
        }
        diagnostics.extend(calls::check(engine.get_modules(), options.now_ns.is_some()));
        let rules = rules::of(engine.get_modules(), &options.namespaces, &mut diagnostics);
        if rules.is_empty() && diagnostics.is_empty() {
            let message = format!("no `deny`, `violation` or `warn` rule in {}", quoted(&options.namespaces));
            let hint = "name the package of the rules as namespace, or all of them: `*`".to_owned();
            diagnostics.push(Diagnostic { hint: Some(hint), ..problem("P046", "", 0, message) });
        }
        if let (true, Some(rule)) = (diagnostics.is_empty(), rules.first()) {
            diagnostics.extend(prepare(&mut engine, rule));
        }
        diagnostics.sort_by(|one, other| (&one.path, one.line, one).cmp(&(&other.path, other.line, other)));
        diagnostics.dedup();
        let usable = diagnostics.iter().all(|diagnostic| diagnostic.severity < Severity::Error);
        (Policies { engine, rules, options, reads_file_name, usable }, diagnostics)
    }

    /// Whether the rules can be asked at all.
    pub fn is_usable(&self) -> bool {
        self.usable
    }

    /// The rules that are asked, sorted by namespace and name.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

fn new_engine(options: &Options) -> Engine {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(options.strict_builtins);
    // What rules print is kept from the terminal.
    engine.set_gather_prints(true);
    engine.set_execution_timer_config(ExecutionTimerConfig {
        limit: Duration::from_millis(options.time_limit_ms),
        check_interval: NonZeroU32::new(TIMER_INTERVAL).unwrap_or(NonZeroU32::MIN),
    });
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: NonZeroU32::new(MAX_POLICY_COLUMNS).unwrap_or(NonZeroU32::MIN),
        max_file_bytes: NonZeroUsize::new(MAX_POLICY_BYTES).unwrap_or(NonZeroUsize::MIN),
        max_lines: NonZeroUsize::new(MAX_POLICY_LINES as usize).unwrap_or(NonZeroUsize::MIN),
    });
    if let Some(now) = options.now_ns {
        // It can only fail for a name that is taken, and this is the only one.
        let _ = engine.add_extension(calls::NOW.into(), 0, Box::new(move |_| Ok(Value::from(now))));
    }
    engine
}

fn add_file(engine: &mut Engine, path: &str, text: &str) -> Result<(), Diagnostic> {
    if deepest_bracket(text) > MAX_POLICY_DEPTH {
        return Err(problem("P040", path, 0, format!("nested deeper than {MAX_POLICY_DEPTH} levels")));
    }
    engine.set_rego_v0(false);
    let Err(v1) = engine.add_policy(path.to_owned(), text.to_owned()) else { return Ok(()) };
    if says_if(text) {
        let found = located(v1.as_ref());
        return Err(problem("P040", path, found.place.map_or(0, |(_, line)| line), found.message));
    }
    engine.set_rego_v0(true);
    let Err(v0) = engine.add_policy(path.to_owned(), text.to_owned()) else { return Ok(()) };
    // The dialect that the file is written in is the one that got further.
    let (v1, v0) = (located(v1.as_ref()), located(v0.as_ref()));
    let line = |found: &crate::error::Located| found.place.as_ref().map_or(0, |(_, line)| *line);
    let further = if line(&v0) > line(&v1) { v0 } else { v1 };
    Err(problem("P040", path, line(&further), further.message))
}

/// Whether a file has the word `if` and imports no keywords: then it is v1, or nothing. (Of such a file the parser of v0
/// would also complain on the terminal.)
fn says_if(text: &str) -> bool {
    let imports = text.lines().any(|line| {
        let line = line.trim_start();
        line.starts_with("import") && (line.contains("future.keywords") || line.contains("rego.v1"))
    });
    let code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    // Every second piece between quotes is a text.
    let mut words = code
        .flat_map(|line| line.split(['"', '`']).step_by(2))
        .flat_map(|piece| piece.split(|letter: char| !letter.is_alphanumeric() && letter != '_'));
    !imports && words.any(|word| word == "if")
}

/// Brackets outside of strings and comments are counted without looking at which is which: a file that has as many in
/// its texts has other problems.
fn deepest_bracket(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn add_data(engine: &mut Engine, path: &str, text: &str) -> Result<(), Diagnostic> {
    let Some(kind) = Kind::of(path).filter(|kind| matches!(kind, Kind::Json | Kind::Yaml)) else {
        return Err(problem("P045", path, 0, "data is read from JSON and YAML files".into()));
    };
    let document = Document::parse(path, kind, text).map_err(|found| Diagnostic { code: "P045", ..found })?;
    let folders: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let folders = folders.split_last().map_or(&[][..], |(_, folders)| folders);
    let whole = folders
        .iter()
        .rev()
        .fold(document.whole(), |inner, folder| Value::from(BTreeMap::from([(Value::from(*folder), inner)])));
    engine.add_data(whole).map_err(|error| problem("P045", path, 0, located(error.as_ref()).message))
}

/// Makes the engine ready, so that what is wrong with the files as a whole shows now.
fn prepare(engine: &mut Engine, rule: &Rule) -> Option<Diagnostic> {
    let error = engine.eval_rule_by_components(&rule.components).err()?;
    let found = located(error.as_ref());
    let (path, line) = found.place?;
    let analysis = !found.message.contains("time limit");
    analysis.then(|| problem("P040", &path, line, found.message))
}

/// Evaluation by the parts of a rule's path, whatever they are made of.
pub(crate) trait ByComponents {
    fn eval_rule_by_components(
        &mut self,
        components: &[String],
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>>;
}

impl ByComponents for Engine {
    fn eval_rule_by_components(
        &mut self,
        components: &[String],
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        self.eval_rule(namespace::query(components)).map_err(Into::into)
    }
}

pub(crate) fn problem(code: &'static str, path: &str, line: u32, message: String) -> Diagnostic {
    Diagnostic { code, severity: Severity::Error, message, path: Arc::from(path), line, hint: None }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
