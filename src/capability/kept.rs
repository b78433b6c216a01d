//! What capabilities keep for one member of a workload, or for all of them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

/// One value of each type. A capability keys what it keeps by a type of its own, so that nobody else gets at it.
#[derive(Default)]
pub(crate) struct Kept(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Kept {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
    }

    pub(crate) fn get_or_insert_with<T: Send + Sync + 'static>(
        &mut self,
        make: impl FnOnce() -> T,
    ) -> Arc<T> {
        self.get().unwrap_or_else(|| {
            let value = Arc::new(make());
            self.0.insert(TypeId::of::<T>(), Arc::clone(&value) as _);
            value
        })
    }

    /// What was kept under the type `T`.
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = Arc::clone(self.0.get(&TypeId::of::<T>())?);
        value.downcast().ok()
    }
}
