use crate::Evidence;
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::Arc;

/// What a file shows of how a part is recorded: the facts that full auditability asks for (see `docs/rules.md`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    pub kind: RecordKind,
    /// For how many days it is kept, where the file says so; [`Record::FOR_EVER`] where nothing is ever deleted.
    pub days: Option<u32>,
    pub evidence: Evidence,
}

impl Record {
    /// The days of a store that the file keeps from deleting anything: more than any rule can ask for.
    pub const FOR_EVER: u32 = u32::MAX;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// The component records actions on the control plane of everything under the same provider account or cluster (a
    /// trail, an API server's audit policy).
    ControlTrail,
    /// Accesses to the component itself are logged.
    AccessLog,
    /// The component keeps logs: a log group, a bucket or store of logs.
    LogStore,
    /// The component, a job of a pipeline, lets nothing through that the rules do not allow (`allod check`, `apply`).
    RuleGate,
}

/// The records of a component, sorted, each once. One pointer, because most components of a large plan have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Records(Option<Arc<Vec<Record>>>);

impl Records {
    pub fn add(&mut self, record: Record) {
        let all = Arc::make_mut(self.0.get_or_insert_default());
        if let Err(at) = all.binary_search(&record) {
            all.insert(at, record);
        }
    }
}

impl Deref for Records {
    type Target = [Record];

    fn deref(&self) -> &[Record] {
        self.0.as_ref().map_or(&[], |all| all)
    }
}
