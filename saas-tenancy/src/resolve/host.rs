use serde::{Deserialize, Serialize};

/// A host name in its one normal form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostName(Box<str>);
