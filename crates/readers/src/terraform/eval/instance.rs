use super::expansion::Repeated;
use super::{Doubt, Each, Evaluator, Expansion, Scope, failed};
use crate::files::join;
use crate::limits::MAX_INCLUDE_DEPTH;
use crate::terraform::module::{INPUTS, Module, ModuleCall, Named};
use crate::terraform::value::{Data, LineRef, Origin, ResourceRef, Unknown, Value};
use allod_facts::Severity;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A module with its arguments: a root, or one instance of a call.
pub(in super::super) struct Instance<'t> {
    pub number: u32,
    pub module: &'t Module<'t>,
    /// The folder of the root module above it.
    pub root: &'t str,
    /// What addresses inside start with: empty, or `module.a["x"].`.
    pub prefix: String,
    pub call: Option<CallSite<'t>>,
    depth: usize,
    variables: RefCell<FxHashMap<&'t str, Slot>>,
    locals: RefCell<FxHashMap<&'t str, Slot>>,
    outputs: RefCell<FxHashMap<&'t str, Slot>>,
    objects: RefCell<FxHashMap<(u32, u32), Slot>>,
    expansions: RefCell<FxHashMap<u32, Option<Rc<Expansion>>>>,
    children: RefCell<FxHashMap<u32, Rc<Children<'t>>>>,
}

/// Where an instance was called.
pub(in super::super) struct CallSite<'t> {
    pub parent: Rc<Instance<'t>>,
    pub call: &'t ModuleCall<'t>,
    pub each: Each,
    /// Whether this instance, or one around it, may not exist.
    pub doubtful: bool,
}

/// What a module call leads to.
pub(in super::super) struct Children<'t> {
    pub expansion: Rc<Expansion>,
    pub source: Source,
    /// One for each instance of the expansion, when the module is in the tree.
    pub instances: Vec<Rc<Instance<'t>>>,
}

#[derive(Clone, Debug)]
pub(in super::super) enum Source {
    /// A module of the tree, followed.
    Local,
    /// A local path that cannot be followed; reported already.
    Broken,
    /// A registry or git address, as written.
    Elsewhere(String, Origin),
    /// The address is not known.
    Unknown(Rc<Unknown>),
}

/// A memo: a value that is asked for while it is evaluated leads back to itself.
enum Slot {
    Busy,
    Done(Value),
}

impl<'t> Evaluator<'t> {
    pub fn root(&self, module: &'t Module<'t>) -> Rc<Instance<'t>> {
        self.add_instance(module, module.dir, String::new(), 0, None)
    }

    pub fn instance(&self, number: u32) -> Option<Rc<Instance<'t>>> {
        self.instances.borrow().get(number as usize).cloned()
    }

    pub fn instance_count(&self) -> usize {
        self.instances.borrow().len()
    }

    fn add_instance(
        &self,
        module: &'t Module<'t>,
        root: &'t str,
        prefix: String,
        depth: usize,
        call: Option<CallSite<'t>>,
    ) -> Rc<Instance<'t>> {
        let mut all = self.instances.borrow_mut();
        let instance = Rc::new(Instance {
            number: all.len() as u32,
            module,
            root,
            prefix,
            call,
            depth,
            variables: RefCell::default(),
            locals: RefCell::default(),
            outputs: RefCell::default(),
            objects: RefCell::default(),
            expansions: RefCell::default(),
            children: RefCell::default(),
        });
        all.push(instance.clone());
        instance
    }

    /// The instances that a call makes, created when first asked for.
    pub fn children(&self, instance: &Instance<'t>, number: u32) -> Option<Rc<Children<'t>>> {
        if let Some(known) = instance.children.borrow().get(&number) {
            return Some(known.clone());
        }
        let call = instance.module.calls.get(number as usize)?;
        let parent = self.instance(instance.number)?;
        let scope = Scope { instance, file: call.file, each: &Each::default(), bound: None };
        let expansion = Rc::new(self.expand(&call.block.body, scope));
        let (source, module) = self.source(instance, call);
        let mut instances = Vec::new();
        if let Some(module) = module {
            let doubtful = expansion.doubt.is_some() || instance.call.as_ref().is_some_and(|site| site.doubtful);
            for each in &expansion.instances {
                if self.instance_count() >= self.most_modules {
                    let message = format!("more than {} module instances", self.most_modules);
                    self.report("D006", Severity::Error, message, LineRef { file: call.file, line: call.block.line });
                    break;
                }
                let prefix = format!("{}module.{}{}.", instance.prefix, call.name, each.address());
                let site = CallSite { parent: parent.clone(), call, each: each.clone(), doubtful };
                instances.push(self.add_instance(module, instance.root, prefix, instance.depth + 1, Some(site)));
            }
        }
        let children = Rc::new(Children { expansion, source, instances });
        instance.children.borrow_mut().insert(number, children.clone());
        Some(children)
    }

    fn source(&self, instance: &Instance<'t>, call: &'t ModuleCall<'t>) -> (Source, Option<&'t Module<'t>>) {
        let at = LineRef { file: call.file, line: call.block.line };
        let Some(attribute) = call.block.body.attribute("source") else { return (Source::Broken, None) };
        let scope = Scope { instance, file: call.file, each: &Each::default(), bound: None };
        let value = self.eval(&attribute.value, scope);
        let Some(source) = value.as_text() else {
            let why = value.first_unknown();
            let why =
                why.unwrap_or_else(|| Rc::new(Unknown { code: "U002", reason: "it is no text".into(), shape: None }));
            return (Source::Unknown(why), None);
        };
        if !(source.starts_with("./") || source.starts_with("../") || source == "." || source == "..") {
            return (Source::Elsewhere(source.to_owned(), value.origin.clone()), None);
        }
        let Some(dir) = join(instance.module.dir, source) else {
            self.report("D009", Severity::Warning, format!("module `{}` lies outside the tree", call.name), at);
            return (Source::Broken, None);
        };
        let Some(module) = self.tree.modules.get(dir.as_str()) else {
            self.report("D008", Severity::Warning, format!("module folder `{dir}` has no configuration files"), at);
            return (Source::Broken, None);
        };
        if instance.depth >= MAX_INCLUDE_DEPTH || calls_itself(instance, module.dir) {
            self.report("D007", Severity::Error, format!("module `{}` leads back to itself", call.name), at);
            return (Source::Broken, None);
        }
        (Source::Local, Some(module))
    }

    pub(super) fn local(&self, instance: &Instance<'t>, name: &str) -> Value {
        let Some((name, local)) = instance.module.locals.get_key_value(name) else {
            return failed(&format!("`local.{name}` is not declared"));
        };
        let at = LineRef { file: local.file, line: local.line };
        let evaluate = || self.named(instance, local).from(&Origin::line(at));
        self.once(&instance.locals, &**name, evaluate, || (format!("`local.{name}` leads back to itself"), at))
    }

    pub(super) fn output(&self, instance: &Instance<'t>, name: &str) -> Option<Value> {
        let (name, output) = instance.module.outputs.get_key_value(name)?;
        let at = LineRef { file: output.file, line: output.line };
        let evaluate = || self.named(instance, output);
        Some(self.once(&instance.outputs, &**name, evaluate, || (format!("output `{name}` leads back to itself"), at)))
    }

    fn named(&self, instance: &Instance<'t>, named: &Named<'_>) -> Value {
        self.eval(&named.value, Scope { instance, file: named.file, each: &Each::default(), bound: None })
    }

    pub(super) fn variable(&self, instance: &Instance<'t>, name: &str) -> Value {
        let Some((name, variable)) = instance.module.variables.get_key_value(name) else {
            return Value::unknown("U001", format!("`var.{name}` is not declared"));
        };
        let at = LineRef { file: variable.file, line: variable.block.line };
        let evaluate = || {
            let value = match &instance.call {
                None => self.root_variable(instance, name),
                Some(site) => self.argument(instance, site, name),
            };
            match variable.block.body.attribute("type") {
                Some(wanted) => self.convert(value, &wanted.value, instance, variable.file),
                None => value,
            }
        };
        self.once(&instance.variables, &**name, evaluate, || (format!("`var.{name}` leads back to itself"), at))
    }

    fn root_variable(&self, instance: &Instance<'t>, name: &str) -> Value {
        let module = instance.module;
        let none = Each::default();
        if let Some(set) = module.set.get(name) {
            let origin = Origin::line(LineRef { file: set.file, line: set.line }).flippable();
            return self.eval(&set.value, Scope { instance, file: set.file, each: &none, bound: None }).from(&origin);
        }
        if let Some(value) = self.default(instance, name) {
            return value.from(&Origin::default().flippable());
        }
        let mut origin = Origin::default();
        let mut reason = format!("`var.{name}` is not set");
        let candidates = module.candidates.get(name).map_or(&[][..], Vec::as_slice);
        for (file, line) in candidates.iter().take(MAX_CANDIDATES) {
            origin.add(&Origin::line(LineRef { file: *file, line: *line }));
            let path = self.tree.paths.get(*file as usize).map_or("", |path| &**path);
            let word = if reason.ends_with("is not set") { " (a candidate is in" } else { " and" };
            reason.push_str(&format!("{word} `{path}`"));
        }
        if !candidates.is_empty() {
            reason.push(')');
        }
        Value::unknown("U001", reason).from(&origin)
    }

    fn default(&self, instance: &Instance<'t>, name: &str) -> Option<Value> {
        let variable = instance.module.variables.get(name)?;
        let default = variable.block.body.attribute("default")?;
        let scope = Scope { instance, file: variable.file, each: &Each::default(), bound: None };
        let at = Origin::line(LineRef { file: variable.file, line: default.line });
        Some(self.eval(&default.value, scope).from(&at))
    }

    fn argument(&self, instance: &Instance<'t>, site: &CallSite<'t>, name: &str) -> Value {
        let Some(argument) = site.call.block.body.attribute(name) else {
            if let Some(value) = self.input(site, name) {
                return value;
            }
            let missing = || Value::unknown("U001", format!("`var.{name}` of module `{}` is not set", site.call.name));
            return self.default(instance, name).unwrap_or_else(missing);
        };
        let scope = Scope { instance: &site.parent, file: site.call.file, each: &site.each, bound: None };
        let at = Origin::line(LineRef { file: site.call.file, line: argument.line });
        let value = self.eval(&argument.value, scope).from(&at);
        if value.is_null() {
            let variable = instance.module.variables.get(name);
            let nullable = variable.and_then(|variable| variable.block.body.attribute("nullable"));
            if nullable.is_some_and(|nullable| matches!(nullable.value.kind, super::Kind::Bool(false))) {
                return self.default(instance, name).unwrap_or(value);
            }
        }
        value
    }

    /// What the `inputs` of a Terragrunt unit, or of what it includes, say of a variable.
    fn input(&self, site: &CallSite<'t>, name: &str) -> Option<Value> {
        let scope = Scope { instance: &site.parent, file: site.call.file, each: &site.each, bound: None };
        let mut all = site.call.block.body.attributes.iter().rev().filter(|one| one.name == INPUTS);
        all.find_map(|inputs| {
            let value = self.eval(&inputs.value, scope);
            // All inputs are unknown: so is this one, for what the files say.
            let unknown = value.as_unknown().is_some();
            if unknown { Some(value) } else { value.field(name).map(|field| field.from(&value.origin)) }
        })
    }

    /// A Terragrunt file as `read_terragrunt_config` gives it.
    pub fn config(&self, path: &str) -> Option<Value> {
        let (path, module) = self.tree.configs.get_key_value(path)?;
        if let Some(known) = self.configs.borrow().get(path) {
            return Some(known.clone());
        }
        let circle = || Value::unknown("U002", format!("`{path}` leads back to itself"));
        self.configs.borrow_mut().insert(path, circle());
        let instance = self.add_instance(module, module.dir, String::new(), 0, None);
        let mut names: Vec<&str> = module.locals.keys().map(|name| &**name).collect();
        names.sort_unstable();
        let locals: BTreeMap<Rc<str>, Value> =
            names.into_iter().map(|name| (Rc::from(name), self.local(&instance, name))).collect();
        let mut fields = BTreeMap::from([(Rc::from("locals"), Value::object(locals))]);
        fields.extend(self.output(&instance, "inputs").map(|inputs| (Rc::from("inputs"), inputs)));
        let value = Value::object(fields);
        self.configs.borrow_mut().insert(path, value.clone());
        Some(value)
    }

    /// Evaluates once; asked for again meanwhile, the name leads back to itself.
    fn once<K: std::hash::Hash + Eq + Copy>(
        &self,
        memo: &RefCell<FxHashMap<K, Slot>>,
        key: K,
        evaluate: impl FnOnce() -> Value,
        circle: impl FnOnce() -> (String, LineRef),
    ) -> Value {
        match memo.borrow().get(&key) {
            Some(Slot::Done(value)) => return value.clone(),
            Some(Slot::Busy) => {
                let (message, at) = circle();
                self.report("D007", Severity::Error, message.clone(), at);
                return Value::unknown("U002", message);
            }
            None => {}
        }
        memo.borrow_mut().insert(key, Slot::Busy);
        let value = evaluate();
        memo.borrow_mut().insert(key, Slot::Done(value.clone()));
        value
    }

    pub fn resource_expansion(&self, instance: &Instance<'t>, number: u32) -> Option<Rc<Expansion>> {
        if let Some(known) = instance.expansions.borrow().get(&number) {
            // `None` stands there while it is evaluated.
            return known.clone();
        }
        let resource = instance.module.resources.get(number as usize)?;
        instance.expansions.borrow_mut().insert(number, None);
        let scope = Scope { instance, file: resource.file, each: &Each::default(), bound: None };
        let expansion = Rc::new(self.expand(&resource.block.body, scope));
        instance.expansions.borrow_mut().insert(number, Some(expansion.clone()));
        Some(expansion)
    }

    /// What the file says of one instance of a resource: an object whose other attributes are known after apply.
    pub fn resource_object(&self, instance: &Instance<'t>, number: u32, ordinal: u32) -> Value {
        let Some(resource) = instance.module.resources.get(number as usize) else { return Value::null() };
        let Some(expansion) = self.resource_expansion(instance, number) else {
            return Value::unknown("U002", format!("`{}` leads back to itself", resource.address()));
        };
        let Some(each) = expansion.instances.get(ordinal as usize) else {
            return failed(&format!("`{}` has no instance {ordinal}", resource.address()));
        };
        let at = LineRef { file: resource.file, line: resource.block.line };
        let evaluate = || {
            let scope = Scope { instance, file: resource.file, each, bound: None };
            let fields = self.body_fields(&resource.block.body, scope);
            let rest = Unknown {
                code: "U005",
                reason: format!("`{}` has it only after apply", resource.address()),
                shape: None,
            };
            let ordinal = (expansion.repeated != Repeated::Once).then_some(ordinal);
            let me = ResourceRef { instance: instance.number, resource: number, ordinal };
            Value::open_object(fields, Some(Rc::new(rest))).from(&Origin::resource(me))
        };
        let circle = || (format!("`{}` leads back to itself", resource.address()), at);
        self.once(&instance.objects, (number, ordinal), evaluate, circle)
    }

    /// A resource or a module call as a whole: an object, a list of them for `count`, a map for `for_each`.
    pub(super) fn whole(&self, expansion: &Expansion, one: impl Fn(usize, &Each) -> Value) -> Value {
        let doubt = match &expansion.doubt {
            Some(Doubt::Unknown(why)) => Some(Value::new(Data::Unknown(why.clone()))),
            Some(Doubt::TooMany(_)) => Some(Value::unknown("U002", "there are too many instances".to_owned())),
            Some(Doubt::None) | None => None,
        };
        if let Some(doubt) = doubt {
            return doubt.from(&expansion.origin);
        }
        let none = matches!(expansion.doubt, Some(Doubt::None));
        let instances = expansion.instances.iter().enumerate().filter(|_| !none);
        let whole = match expansion.repeated {
            Repeated::Once => return expansion.instances.first().map_or_else(Value::null, |each| one(0, each)),
            Repeated::Count => Value::list(instances.map(|(at, each)| one(at, each)).collect()),
            Repeated::ForEach => {
                let key = |each: &Each| match &each.key {
                    Some(super::Key::Text(text)) => Some(text.clone()),
                    _ => None,
                };
                let fields = instances.filter_map(|(at, each)| Some((key(each)?, one(at, each))));
                Value::object(fields.collect::<BTreeMap<_, _>>())
            }
        };
        whole.from(&expansion.origin)
    }
}

/// How many settings files are named that could set a variable.
const MAX_CANDIDATES: usize = 3;

fn calls_itself(instance: &Instance<'_>, dir: &str) -> bool {
    let mut above = Some(instance);
    while let Some(instance) = above {
        if instance.module.dir == dir {
            return true;
        }
        above = instance.call.as_ref().map(|site| &*site.parent);
    }
    false
}
