//! Values keyed by their type: what capabilities keep, without anybody else knowing what that is.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// One value of each type, for a member of a workload or for the whole workload. A capability uses types of its own, so
/// that no other gets at them.
#[derive(Default)]
pub struct Extensions(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Extensions {
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
    }

    pub fn get_or_insert_with<T: Send + Sync + 'static>(
        &mut self,
        make: impl FnOnce() -> T,
    ) -> Arc<T> {
        self.get().unwrap_or_else(|| {
            let value = Arc::new(make());
            self.0.insert(TypeId::of::<T>(), Arc::clone(&value) as _);
            value
        })
    }

    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = Arc::clone(self.0.get(&TypeId::of::<T>())?);
        value.downcast().ok()
    }
}

/// One value of each type, for a single instance: made when it is first asked for, dropped with the instance.
#[derive(Default)]
pub struct Locals(Vec<(TypeId, Box<dyn Any + Send>)>);

impl Locals {
    pub fn get_or_insert_with<T: Send + 'static>(&mut self, make: impl FnOnce() -> T) -> &mut T {
        let id = TypeId::of::<T>();
        // There are a handful at most.
        let at = match self.0.iter().position(|(other, _)| *other == id) {
            Some(at) => at,
            None => {
                self.0.push((id, Box::new(make())));
                self.0.len() - 1
            }
        };
        let value = self.0[at].1.downcast_mut();
        value.expect("values are kept under their own type")
    }
}
