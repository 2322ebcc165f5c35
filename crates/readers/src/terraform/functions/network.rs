use super::{done, text_at, whole_at};
use crate::terraform::value::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn call(name: &str, args: &[Value]) -> Option<Value> {
    let network = || text_at(args, 0).and_then(|text| Network::parse(&text));
    let text = |text: Option<String>| done(text.map(|text| Value::text(&text)));
    match name {
        "cidrsubnet" => text(network().and_then(|network| {
            let bits = u32::try_from(whole_at(args, 1)?).ok()?;
            network.subnet(bits, u128::try_from(whole_at(args, 2)?).ok()?).map(|subnet| subnet.text())
        })),
        "cidrhost" => text(network().and_then(|network| network.host(whole_at(args, 1)?))),
        "cidrnetmask" => text(network().and_then(|network| network.mask())),
        "cidrsubnets" => done(network().and_then(|network| subnets(network, args.get(1..)?))),
        _ => None,
    }
}

/// An address block: the address in the low bits, its width, and the length of the prefix.
#[derive(Clone, Copy)]
struct Network {
    address: u128,
    width: u32,
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = text.split_once('/')?;
        let prefix: u32 = prefix.parse().ok()?;
        let (address, width) = match address.parse().ok()? {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        let mut network = Network { address, width, prefix };
        if prefix > width {
            return None;
        }
        network.address &= !network.host_mask();
        Some(network)
    }

    fn host_mask(self) -> u128 {
        1u128.checked_shl(self.width - self.prefix).map_or(u128::MAX, |size| size - 1)
    }

    fn subnet(self, bits: u32, number: u128) -> Option<Network> {
        let prefix = self.prefix.checked_add(bits).filter(|prefix| *prefix <= self.width)?;
        if bits < 128 && number >> bits != 0 {
            return None;
        }
        let offset = number.checked_shl(self.width - prefix).unwrap_or(0);
        Some(Network { address: self.address | offset, prefix, ..self })
    }

    fn host(self, number: i64) -> Option<String> {
        let mask = self.host_mask();
        // A negative number counts from the end.
        let offset = if number < 0 { mask.checked_sub(u128::from(number.unsigned_abs() - 1))? } else { number as u128 };
        (offset <= mask).then(|| self.address_text(self.address | offset))
    }

    fn mask(self) -> Option<String> {
        (self.width == 32).then(|| self.address_text(!self.host_mask() & 0xffff_ffff))
    }

    fn address_text(self, address: u128) -> String {
        if self.width == 32 {
            Ipv4Addr::from((address & 0xffff_ffff) as u32).to_string()
        } else {
            Ipv6Addr::from(address).to_string()
        }
    }

    fn text(self) -> String {
        format!("{}/{}", self.address_text(self.address), self.prefix)
    }
}

/// Subnets of the given sizes, one after the other, each at a multiple of its size.
fn subnets(network: Network, sizes: &[Value]) -> Option<Value> {
    let mut next = network.address;
    let mut all = Vec::with_capacity(sizes.len());
    for at in 0..sizes.len() {
        let bits = u32::try_from(whole_at(sizes, at)?).ok()?;
        let prefix = network.prefix.checked_add(bits).filter(|prefix| *prefix <= network.width)?;
        let subnet = Network { prefix, ..network };
        let mask = subnet.host_mask();
        let start = if next & mask == 0 { next } else { (next | mask).checked_add(1)? };
        if start & !network.host_mask() != network.address {
            return None;
        }
        all.push(Value::text(&Network { address: start, ..subnet }.text()));
        next = (start | mask).saturating_add(1);
    }
    Some(Value::list(all))
}
