//! What one member is given: a value of its own type for each capability that has settings.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

/// The settings of one capability. The default grants nothing.
///
/// Implemented with [`member_section!`](crate::member_section).
pub trait Section: Any + Clone + PartialEq + fmt::Debug + Send + Sync {
    /// What holds for a member that has none.
    fn none() -> &'static Self;
}

/// Makes a type with a default the [settings of a capability](Section).
#[macro_export]
macro_rules! member_section {
    ($section:ty) => {
        impl $crate::workload::Section for $section {
            fn none() -> &'static Self {
                static NONE: ::std::sync::LazyLock<$section> =
                    ::std::sync::LazyLock::new(<$section>::default);
                &NONE
            }
        }
    };
}

/// What one member is given. The default grants nothing.
#[derive(Default)]
pub struct MemberSettings(HashMap<TypeId, Box<dyn AnySection>>);

impl MemberSettings {
    /// The settings of a capability.
    pub fn get<S: Section>(&self) -> &S {
        let found = self.0.get(&TypeId::of::<S>());
        let section = found.and_then(|section| section.as_any().downcast_ref());
        section.unwrap_or_else(|| S::none())
    }

    /// The same, to be changed.
    pub fn get_mut<S: Section>(&mut self) -> &mut S {
        let section = self.0.entry(TypeId::of::<S>());
        let section = section.or_insert_with(|| Box::new(S::none().clone()));
        let section = section.as_any_mut().downcast_mut();
        section.expect("sections are kept under their own type")
    }

    #[must_use]
    pub fn with<S: Section>(mut self, section: S) -> Self {
        *self.get_mut() = section;
        self
    }
}

impl Clone for MemberSettings {
    fn clone(&self) -> Self {
        let sections = self.0.iter();
        Self(sections.map(|(id, it)| (*id, it.clone_box())).collect())
    }
}

impl PartialEq for MemberSettings {
    fn eq(&self, other: &Self) -> bool {
        // A section that is not there is one that grants nothing.
        let within = |left: &Self, right: &Self| {
            left.0.iter().all(|(id, section)| match right.0.get(id) {
                Some(other) => section.eq_any(other.as_any()),
                None => section.is_none(),
            })
        };
        within(self, other) && within(other, self)
    }
}

impl Eq for MemberSettings {}

impl fmt::Debug for MemberSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sections: Vec<String> = self.0.values().map(|it| format!("{it:?}")).collect();
        sections.sort();
        f.debug_list().entries(sections).finish()
    }
}

/// A section of any type.
trait AnySection: fmt::Debug + Send + Sync {
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn clone_box(&self) -> Box<dyn AnySection>;
    fn eq_any(&self, other: &dyn Any) -> bool;
    fn is_none(&self) -> bool;
}

impl<S: Section> AnySection for S {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn clone_box(&self) -> Box<dyn AnySection> {
        Box::new(self.clone())
    }

    fn eq_any(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<S>() == Some(self)
    }

    fn is_none(&self) -> bool {
        self == S::none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Default, PartialEq)]
    struct Words(Vec<String>);

    member_section!(Words);

    #[test]
    fn a_section_that_is_not_there_grants_nothing() {
        let mut settings = MemberSettings::default();
        assert_eq!(settings.get::<Words>(), &Words::default());
        settings.get_mut::<Words>();
        assert_eq!(settings, MemberSettings::default());
        settings.get_mut::<Words>().0.push("x".to_owned());
        assert_ne!(settings, MemberSettings::default());
        assert_eq!(settings.clone(), settings);
        assert_eq!(
            settings.clone().with(Words::default()),
            MemberSettings::default()
        );
        assert_eq!(settings.get::<Words>().0, ["x"]);
    }
}
