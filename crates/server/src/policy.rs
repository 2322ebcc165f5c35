use crate::judge::{Judge, Judgement, Severity, Subject, Unjudged, Violation};
use allod_engine::{Policies, today};
use allod_facts::Facts;
use allod_register::Register;
use allod_rules::{Gate, Violation as Broken};

/// Judges objects by the rules of the organisation: the same rules, asked by the same engine, as in every other gate.
pub struct PolicyJudge {
    pub policies: Policies,
    pub register: Register,
    /// What else is known of the stack: where the cluster runs, say. It is looked at, and not judged.
    pub context: Vec<Facts>,
}

impl Judge for PolicyJudge {
    fn judge(&self, subject: Subject) -> Result<Judgement, Unjudged> {
        let judged = self.policies.judge_facts(&self.register, &self.context, subject.facts, Gate::Admission, today());
        let judged = judged.map_err(|error| Unjudged(whole(&error)))?;
        Ok(Judgement { violations: judged.violations.into_iter().map(told).collect() })
    }
}

fn told(broken: Broken) -> Violation {
    Violation {
        rule: broken.rule,
        severity: match broken.severity {
            allod_rules::Severity::Deny => Severity::Deny,
            allod_rules::Severity::Warn => Severity::Warn,
        },
        message: broken.message,
        why: broken.why.unwrap_or_default(),
        hint: broken.way_out.join("; or "),
    }
}

/// An error with its causes, and with the problems of rule files.
fn whole(error: &allod_engine::Error) -> String {
    let mut text = error.to_string();
    if let allod_engine::Error::RuleProblems(told) = error {
        for one in told {
            text.push_str(&format!("; {}:{}: {}", one.path, one.line, one.message));
        }
    }
    text
}
