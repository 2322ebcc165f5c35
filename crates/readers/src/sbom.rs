//! Software bills of materials: CycloneDX and SPDX, in JSON.
//!
//! A library is an artefact that comes from its ecosystem's registry; a service is somebody's, or one's own. What the
//! bill declares about a cloud and its regions becomes a part of the stack as well.

mod cyclonedx;
mod declared;
mod part;
mod purl;
mod spdx;

use crate::files::Files;
use crate::node::{Broken, Node, parse_json};
use crate::{Read, Reader, Scope};
use allod_facts::{Diagnostic, Facts, Severity};

pub const CYCLONEDX: Reader = Reader {
    id: "cyclonedx",
    about: "CycloneDX 1.4 to 1.7 JSON",
    scope: Scope::File,
    read: Read::Loaded(read_cyclonedx),
};
pub const SPDX: Reader =
    Reader { id: "spdx", about: "SPDX 2.3 JSON", scope: Scope::File, read: Read::Loaded(read_spdx) };

fn read_cyclonedx(files: &Files, mine: &[&str]) -> Facts {
    read(files, mine, cyclonedx::read)
}

fn read_spdx(files: &Files, mine: &[&str]) -> Facts {
    read(files, mine, spdx::read)
}

fn read(files: &Files, mine: &[&str], each: fn(&mut part::Bill, &Node)) -> Facts {
    let mut facts = Facts::new();
    for path in mine {
        let shared = files.shared_path(path);
        let node = match files.text(path) {
            Some(Ok(text)) => parse_json(&text),
            Some(Err(_)) => Err(Broken { code: "D002", message: "the file is not text".into(), line: 0 }),
            None => Err(Broken { code: "D001", message: "the file was not loaded".into(), line: 0 }),
        };
        match node {
            Ok(node) if node.as_map().is_some() => {
                let mut bill = part::Bill::new(shared);
                each(&mut bill, &node);
                facts.absorb(bill.finish());
            }
            Ok(_) => facts.diagnostics.push(Diagnostic {
                code: "D011",
                severity: Severity::Error,
                message: "the bill of materials is no object".into(),
                path: shared,
                line: 1,
                hint: None,
            }),
            Err(broken) => facts.diagnostics.push(broken.diagnostic(&shared)),
        }
    }
    facts
}

#[cfg(test)]
mod tests;
