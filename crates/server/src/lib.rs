//! Servers of Allod. So far one: the Kubernetes admission webhook, which asks a [`Judge`] about every object that a
//! cluster is about to create or update, and answers in AdmissionReview v1 over HTTPS.
//!
//! It fails closed: what cannot be read, judged or answered in time is denied with a reason. It never holds back a
//! deletion. It holds no business rules (the judge does), keeps no state between requests, calls nobody, and writes
//! neither the content of objects nor who asked into its log.

mod certificate;
mod connection;
mod decide;
mod expiry;
mod http;
mod judge;
pub mod manifests;
mod metrics;
mod policy;
mod record;
mod review;
mod serve;
mod settings;

pub use certificate::CertificateError;
pub use judge::{Gvk, Judge, Judgement, NoRules, Operation, Scale, Severity, Subject, Unjudged, Violation};
pub use policy::PolicyJudge;
pub use record::Log;
pub use serve::{Admission, Error};
pub use settings::{Connect, Limits, Mode, Settings};
