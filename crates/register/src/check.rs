use crate::load::Problem;
use crate::record::{Origin, Records};
use compact_str::CompactString;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with the records as a whole: references to nothing, ids and matchers that stand in two records.
/// Sorted by file and line.
pub fn check(records: &Records) -> Vec<Problem> {
    let entities: BTreeSet<&str> = records.entities.iter().map(|record| record.id.as_str()).collect();
    let services: BTreeSet<&str> = records.services.iter().map(|record| record.id.as_str()).collect();
    let software: BTreeSet<&str> = records.software.iter().map(|record| record.id.as_str()).collect();
    let tables: BTreeSet<&str> = records.regions.iter().map(|record| record.id.as_str()).collect();
    let mut found = Found::default();

    for entity in &records.entities {
        for edge in &entity.control {
            found.dangling(&edge.holder, entities.contains(edge.holder.as_str()), &entity.origin);
        }
    }
    for service in &records.services {
        let origin = &service.origin;
        let parties = service.operator.iter().chain(service.contracting.iter().map(|signed| &signed.entity));
        parties.for_each(|id| found.dangling(id, entities.contains(id.as_str()), origin));
        let known = |id: &str| services.contains(id) || software.contains(id);
        service.alternatives.iter().for_each(|id| found.dangling(id, known(id), origin));
        service.regions.iter().for_each(|id| found.dangling(id, tables.contains(id.as_str()), origin));
    }
    for program in &records.software {
        let origin = &program.origin;
        program.publisher.iter().for_each(|id| found.dangling(id, entities.contains(id.as_str()), origin));
        program
            .talks_to
            .iter()
            .for_each(|to| found.dangling(&to.service, services.contains(to.service.as_str()), origin));
    }
    found.duplicates(records);
    found.problems.sort();
    found.problems
}

#[derive(Default)]
struct Found {
    problems: Vec<Problem>,
}

impl Found {
    fn add(&mut self, origin: &Origin, code: &'static str, message: String) {
        self.problems.push(Problem { path: origin.file.to_string(), line: origin.line, code, message });
    }

    fn dangling(&mut self, id: &str, known: bool, origin: &Origin) {
        if !known {
            self.add(origin, "R003", format!("no record has the id `{id}`"));
        }
    }

    fn duplicates(&mut self, records: &Records) {
        let mut ids: BTreeMap<(&str, &str), u32> = BTreeMap::new();
        let services =
            records.services.iter().map(|record| ("service or software", record.id.as_str(), &record.origin));
        let software =
            records.software.iter().map(|record| ("service or software", record.id.as_str(), &record.origin));
        let entities = records.entities.iter().map(|record| ("entity", record.id.as_str(), &record.origin));
        for (kind, id, origin) in services.chain(software).chain(entities) {
            let times = ids.entry((kind, id)).or_default();
            *times += 1;
            if *times == 2 {
                self.add(origin, "R004", format!("the {kind} id `{id}` stands in two records"));
            }
        }
        // A matcher may lead to one service and to one software (an image: its registry and its publisher).
        let mut matchers: BTreeMap<(bool, &str, CompactString), &str> = BTreeMap::new();
        let of_services = records.services.iter().map(|record| (true, &record.id, &record.matchers, &record.origin));
        let of_software = records.software.iter().map(|record| (false, &record.id, &record.matchers, &record.origin));
        for (is_service, id, lists, origin) in of_services.chain(of_software) {
            for (list, texts) in &lists.lists {
                for text in texts {
                    let place = (is_service, list.as_str(), text.to_ascii_lowercase());
                    if let Some(other) = matchers.insert(place, id).filter(|other| *other != id) {
                        self.add(origin, "R004", format!("`{list}: {text}` stands in `{other}` and in `{id}`"));
                    }
                }
            }
        }
    }
}
