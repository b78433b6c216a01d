//! What a member reads through `wasi:config`.

use std::collections::BTreeMap;

use crate::member_section;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigValues(pub BTreeMap<String, String>);

member_section!(ConfigValues);
