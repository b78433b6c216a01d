//! What a hook is told.

use std::path::Path;

use wash_component::call::Value;

use super::invocation::{Invocation, NamedError, option, record, shown, text};
use super::manifest::HookPoint;

/// What happens.
#[derive(Debug, Clone, Copy)]
pub struct Event<'e> {
    /// The name of the project.
    pub project: &'e str,
    pub component: Option<Component<'e>>,
    /// Where it is pushed to.
    pub reference: Option<&'e str>,
}

/// The component that was built or is pushed.
#[derive(Debug, Clone, Copy)]
pub struct Component<'e> {
    /// Where it is, to show.
    pub path: &'e Path,
    pub bytes: &'e [u8],
}

/// What `hook` is called with. The component is in it for who may see the project.
pub fn seen(point: HookPoint, event: &Event<'_>, visible: bool) -> Result<Invocation, NamedError> {
    let mut seen = Invocation::empty();
    let component = event.component.filter(|_| visible);
    let component = component.map(|component| {
        let guest = seen.content(component.path, component.bytes)?;
        Ok(shown(component.path, &guest))
    });
    let component = component.transpose()?;
    seen.value = record([
        ("point", Value::Enum(point.name().to_owned())),
        ("project", text(event.project)),
        ("component", option(component)),
        ("reference", option(event.reference.map(text))),
    ]);
    Ok(seen)
}
