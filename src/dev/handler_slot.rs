//! What requests find: pages until a version runs, then the version.

use std::sync::{Arc, Mutex, PoisonError};

use wash_runtime::http::{AllowedHosts, Handler, HttpService, Page};
use wash_runtime::local::Routes;
use wash_runtime::workload::WorkloadId;

use crate::project::Project;

/// The one route of a session. A page never takes it from a version that runs.
pub struct HandlerSlot {
    front: HttpService,
    serving: Mutex<Option<WorkloadId>>,
}

impl HandlerSlot {
    pub fn new(front: HttpService) -> Self {
        Self {
            front,
            serving: Mutex::new(None),
        }
    }

    /// Lets requests be for the hosts that the project names.
    pub fn allow_hosts(&self, project: &Project) {
        let routes = project.dev.routes.iter();
        let routed = routes.filter_map(|routed| routed.route.host.clone());
        let named = project.dev.allowed_hosts.iter().cloned();
        self.front
            .allow_hosts(AllowedHosts::new(named.chain(routed)));
    }

    /// Shows a page as long as nothing runs.
    pub(super) fn show(&self, page: Page) {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if serving.is_none() {
            self.front.unavailable(page);
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.front.in_flight()
    }
}

impl Routes for HandlerSlot {
    fn serve(&self, id: &WorkloadId, handler: Arc<dyn Handler>) {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        *serving = Some(id.clone());
        self.front.serve(handler);
    }

    fn clear(&self, id: &WorkloadId) {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if serving.as_ref() == Some(id) {
            *serving = None;
            self.front.unavailable(Page::unavailable("stopped", ""));
        }
    }
}
