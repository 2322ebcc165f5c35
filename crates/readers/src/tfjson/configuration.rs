//! The configuration inside a plan: where the providers are pointed at and where the modules come from.

use super::scan::{Scan, Stop};
use super::values::{Seen, seen};
use crate::limits::MAX_MODULE_CALLS;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// What the configuration says beyond the resources.
#[derive(Default)]
pub(super) struct Configuration {
    /// By key (`aws`, `aws.west`, `module.a:aws`), in the order of the file.
    pub providers: Vec<(String, Provider)>,
    /// Defaults of the root module's variables.
    pub defaults: FxHashMap<String, Seen>,
    pub modules: Vec<ModuleCall>,
    by_key: FxHashMap<String, usize>,
    /// Resources that use another than their default provider: address without indexes to the provider's key.
    aliased: FxHashMap<Box<str>, Rc<str>>,
    keys: FxHashSet<Rc<str>>,
}

#[derive(Default)]
pub(super) struct Provider {
    pub name: String,
    /// Registry, namespace and name; older versions do not write it.
    pub full_name: String,
    pub line: u32,
    pub end_line: u32,
    pub region: Option<Setting>,
    /// The service that it is for (`s3`; empty when it is for all) and the endpoint.
    pub endpoints: Vec<(String, Setting)>,
}

/// The value of an expression, as far as a plan tells it.
#[derive(Clone, Debug)]
pub(super) enum Setting {
    Constant(Seen),
    /// What the expression refers to (`var.region`), the most specific first.
    References(Vec<String>, u32),
}

pub(super) struct ModuleCall {
    /// `module.a.module.b`
    pub address: String,
    pub source: Seen,
}

enum Key {
    ProviderConfig,
    RootModule,
    Name,
    FullName,
    Expressions,
    ModuleCalls,
    Resources,
    Variables,
    Source,
    Module,
    Address,
    UsesProvider,
    Default,
    Constant,
    References,
    Region,
    Endpoint,
    Endpoints,
    Other,
}

fn key_of(name: &str) -> Key {
    match name {
        "provider_config" => Key::ProviderConfig,
        "root_module" => Key::RootModule,
        "name" => Key::Name,
        "full_name" => Key::FullName,
        "expressions" => Key::Expressions,
        "module_calls" => Key::ModuleCalls,
        "resources" => Key::Resources,
        "variables" => Key::Variables,
        "source" => Key::Source,
        "module" => Key::Module,
        "address" => Key::Address,
        "provider_config_key" => Key::UsesProvider,
        "default" => Key::Default,
        "constant_value" => Key::Constant,
        "references" => Key::References,
        _ => Key::Other,
    }
}

/// The settings of a provider block that say where it leads.
fn setting_of(name: &str) -> Key {
    match name {
        "region" | "location" | "region_name" => Key::Region,
        "auth_url" | "endpoint" | "host" | "url" | "base_url" | "api_url" | "server_url" | "address"
        | "api_endpoint" | "minio_server" | "vcenter_server" | "vsphere_server" => Key::Endpoint,
        "endpoints" => Key::Endpoints,
        _ => Key::Other,
    }
}

impl Configuration {
    pub fn read(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        let Some(mut open) = scan.object()? else { return Ok(()) };
        while let Some(key) = scan.key(&mut open, key_of)? {
            match key {
                Key::ProviderConfig => self.provider_config(scan)?,
                Key::RootModule => self.module(scan, "")?,
                _ => scan.skip()?,
            }
        }
        Ok(())
    }

    /// The provider of a resource that does not use its default one, by the resource's address. The outer `None`: it
    /// uses the default one; the inner: the one that it uses is not configured in the plan.
    pub fn alias_of(&self, address: &str) -> Option<Option<usize>> {
        if self.aliased.is_empty() {
            return None;
        }
        let key = self.aliased.get(without_indexes(address).as_str())?;
        Some(self.by_key.get(&**key).copied())
    }

    /// The default configuration of each provider, by namespace and name (`hashicorp/aws`) and, where the plan does
    /// not write the namespace, by name.
    pub fn default_providers(&self) -> FxHashMap<&str, usize> {
        let defaults = self.providers.iter().enumerate().filter(|(_, (key, _))| !key.contains(['.', ':']));
        defaults
            .map(|(index, (_, config))| {
                let full = config.full_name.split_once('/').map_or("", |(_, name)| name);
                (if full.is_empty() { config.name.as_str() } else { full }, index)
            })
            .collect()
    }

    fn provider_config(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        let Some(mut open) = scan.object()? else { return Ok(()) };
        while let Some(key) = scan.key(&mut open, str::to_owned)? {
            let mut provider = Provider { line: scan.line(), ..Provider::default() };
            let Some(mut fields) = scan.object()? else { continue };
            while let Some(field) = scan.key(&mut fields, key_of)? {
                match field {
                    Key::Name => provider.name = scan.string()?.unwrap_or_default().to_owned(),
                    Key::FullName => provider.full_name = scan.string()?.unwrap_or_default().to_owned(),
                    Key::Expressions => expressions(scan, &mut provider)?,
                    _ => scan.skip()?,
                }
            }
            provider.end_line = scan.line();
            self.by_key.insert(key.clone(), self.providers.len());
            self.providers.push((key, provider));
        }
        Ok(())
    }

    /// The recursion over module calls is bounded by the scanner's depth.
    fn module(&mut self, scan: &mut Scan<'_>, prefix: &str) -> Result<(), Stop> {
        let Some(mut open) = scan.object()? else { return Ok(()) };
        while let Some(key) = scan.key(&mut open, key_of)? {
            match key {
                Key::ModuleCalls => self.module_calls(scan, prefix)?,
                Key::Resources => self.resources(scan, prefix)?,
                Key::Variables if prefix.is_empty() => self.variables(scan)?,
                _ => scan.skip()?,
            }
        }
        Ok(())
    }

    fn module_calls(&mut self, scan: &mut Scan<'_>, prefix: &str) -> Result<(), Stop> {
        let Some(mut open) = scan.object()? else { return Ok(()) };
        while let Some(name) = scan.key(&mut open, str::to_owned)? {
            let address = format!("{prefix}module.{name}");
            let Some(mut call) = scan.object()? else { continue };
            while let Some(key) = scan.key(&mut call, key_of)? {
                match key {
                    Key::Source => {
                        let source = seen(scan)?.filter(|_| self.modules.len() < MAX_MODULE_CALLS);
                        self.modules.extend(source.map(|source| ModuleCall { address: address.clone(), source }));
                    }
                    Key::Module => self.module(scan, &format!("{address}."))?,
                    _ => scan.skip()?,
                }
            }
        }
        Ok(())
    }

    fn resources(&mut self, scan: &mut Scan<'_>, prefix: &str) -> Result<(), Stop> {
        let Some(mut open) = scan.array()? else { return Ok(()) };
        let (mut address, mut provider) = (String::new(), String::new());
        while scan.item(&mut open)? {
            address.clear();
            provider.clear();
            let Some(mut fields) = scan.object()? else { continue };
            while let Some(key) = scan.key(&mut fields, key_of)? {
                match key {
                    Key::Address => address.push_str(scan.string()?.unwrap_or_default()),
                    Key::UsesProvider => provider.push_str(scan.string()?.unwrap_or_default()),
                    _ => scan.skip()?,
                }
            }
            self.note_alias(prefix, &address, &provider);
        }
        Ok(())
    }

    /// Older versions write `module:name` for providers that the module only inherits: those are no aliases.
    fn note_alias(&mut self, prefix: &str, address: &str, key: &str) {
        let inherited = key.rsplit_once(':').map_or(key, |(_, inherited)| inherited);
        let key = if self.by_key.contains_key(key) { key } else { inherited };
        if !key.contains(['.', ':']) {
            return;
        }
        let key = match self.keys.get(key) {
            Some(key) => key.clone(),
            None => {
                let key: Rc<str> = Rc::from(key);
                self.keys.insert(key.clone());
                key
            }
        };
        self.aliased.insert(format!("{prefix}{address}").into_boxed_str(), key);
    }

    fn variables(&mut self, scan: &mut Scan<'_>) -> Result<(), Stop> {
        let Some(mut open) = scan.object()? else { return Ok(()) };
        while let Some(name) = scan.key(&mut open, str::to_owned)? {
            let Some(mut variable) = scan.object()? else { continue };
            while let Some(key) = scan.key(&mut variable, key_of)? {
                match key {
                    Key::Default => {
                        if let Some(default) = seen(scan)? {
                            self.defaults.insert(name.clone(), default);
                        }
                    }
                    _ => scan.skip()?,
                }
            }
        }
        Ok(())
    }
}

/// `variables` at the top of a plan: the values that were used.
pub(super) fn variables(scan: &mut Scan<'_>) -> Result<FxHashMap<String, Seen>, Stop> {
    let mut values = FxHashMap::default();
    let Some(mut open) = scan.object()? else { return Ok(values) };
    while let Some(name) = scan.key(&mut open, str::to_owned)? {
        let Some(mut variable) = scan.object()? else { continue };
        while let Some(is_value) = scan.key(&mut variable, |key| key == "value")? {
            match is_value {
                true => {
                    if let Some(value) = seen(scan)? {
                        values.insert(name.clone(), value);
                    }
                }
                false => scan.skip()?,
            }
        }
    }
    Ok(values)
}

fn expressions(scan: &mut Scan<'_>, provider: &mut Provider) -> Result<(), Stop> {
    let Some(mut open) = scan.object()? else { return Ok(()) };
    while let Some(key) = scan.key(&mut open, setting_of)? {
        match key {
            Key::Region => provider.region = setting(scan)?.or(provider.region.take()),
            Key::Endpoint => provider.endpoints.extend(setting(scan)?.map(|setting| (String::new(), setting))),
            Key::Endpoints => endpoints(scan, provider)?,
            _ => scan.skip()?,
        }
    }
    Ok(())
}

/// `endpoints`: blocks with one endpoint a service.
fn endpoints(scan: &mut Scan<'_>, provider: &mut Provider) -> Result<(), Stop> {
    let Some(mut blocks) = scan.array()? else { return Ok(()) };
    while scan.item(&mut blocks)? {
        let Some(mut block) = scan.object()? else { continue };
        while let Some(service) = scan.key(&mut block, str::to_owned)? {
            provider.endpoints.extend(setting(scan)?.map(|setting| (service, setting)));
        }
    }
    Ok(())
}

fn setting(scan: &mut Scan<'_>) -> Result<Option<Setting>, Stop> {
    let mut found = None;
    let line = scan.value_line()?;
    let Some(mut open) = scan.object()? else { return Ok(None) };
    while let Some(key) = scan.key(&mut open, key_of)? {
        match key {
            Key::Constant => found = seen(scan)?.map(Setting::Constant),
            Key::References => {
                let mut names = Vec::new();
                let Some(mut list) = scan.array()? else { continue };
                while scan.item(&mut list)? {
                    names.extend(scan.string()?.map(str::to_owned));
                }
                found = Some(Setting::References(names, line));
            }
            _ => scan.skip()?,
        }
    }
    Ok(found)
}

/// An address without the instance keys in it; keys may be quoted and hold brackets themselves.
fn without_indexes(address: &str) -> String {
    let mut plain = String::with_capacity(address.len());
    let (mut inside, mut quoted, mut escaped) = (false, false, false);
    for character in address.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if inside => quoted = !quoted,
            '[' if !inside => inside = true,
            ']' if inside && !quoted => inside = false,
            _ if inside => {}
            character => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_cut_out() {
        let check = |address: &str, expect: &str| assert_eq!(without_indexes(address), expect);
        check("aws_s3_bucket.a", "aws_s3_bucket.a");
        check("module.m[\"x]\\\"y\"].aws_s3_bucket.a[0]", "module.m.aws_s3_bucket.a");
    }
}
