//! What of a member's log is shown.

use crate::events::Level;
use crate::member_section;

/// The least level that is shown. By default everything is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogLevel(pub Level);

member_section!(LogLevel);
