//! A plan and the bytes of its members in, one component out.

use super::LinkPlan;

/// A valid plan did not compose: a bug of `wash`, or bytes that are not those the plan was made from.
#[derive(Debug, thiserror::Error)]
#[error("a valid plan did not compose, which is a bug in wash: {reason}")]
pub struct ComposeError {
    pub reason: String,
}

/// Composes the members of a plan into one component. `bytes` has those of each of [`LinkPlan::members`], in order.
///
/// A plan with a single member needs no composition: its bytes come back as they are.
pub fn compose(plan: &LinkPlan, bytes: &[&[u8]]) -> Result<Vec<u8>, ComposeError> {
    let _ = (plan, bytes);
    Err(ComposeError { reason: "composition is not written yet".to_string() })
}
