//! What a store holds: the resources of one instance, the authority of each member in it, and its limits.
//!
//! Knows no capability: what these need is in [`Extensions`], made ready before the instance, and in [`Locals`], made when
//! the instance first asks for it.

mod extensions;
pub(crate) mod limits;
pub(crate) mod output;
pub(crate) mod panics;
pub(crate) mod ticker;

use std::sync::Arc;

use wasmtime::component::{HasData, ResourceTable};

use crate::events::{Events, RequestId};

use limits::MemoryBudget;
use panics::Panics;

pub use extensions::{Extensions, Locals};

/// What a member was given, made ready once for all instances of a workload.
pub struct MemberSetup {
    pub name: Arc<str>,
    /// What the capabilities have made ready for it.
    pub extensions: Extensions,
}

/// On whose behalf an instance runs.
#[derive(Clone)]
pub struct Call {
    pub events: Events,
    /// `None` while a workload is tried out before it serves.
    pub request: Option<RequestId>,
    pub(crate) panics: Panics,
}

/// The data of a store.
pub struct State {
    pub(crate) budget: MemoryBudget,
    pub(crate) call: Call,
    table: ResourceTable,
    locals: Locals,
    members: Vec<MemberState>,
}

struct MemberState {
    setup: Arc<MemberSetup>,
    locals: Locals,
}

/// What all members of an instance share.
pub struct Parts<'a> {
    pub table: &'a mut ResourceTable,
    pub locals: &'a mut Locals,
    pub call: &'a Call,
}

/// The same, with what belongs to one member.
pub struct MemberParts<'a> {
    pub table: &'a mut ResourceTable,
    /// Of the whole instance.
    pub shared: &'a mut Locals,
    /// Of the member in this instance.
    pub locals: &'a mut Locals,
    pub setup: &'a Arc<MemberSetup>,
    pub call: &'a Call,
}

impl State {
    pub(crate) fn new(members: &[Arc<MemberSetup>], budget: MemoryBudget, call: Call) -> Self {
        let members = members.iter().map(|setup| MemberState {
            setup: Arc::clone(setup),
            locals: Locals::default(),
        });
        Self {
            budget,
            members: members.collect(),
            call,
            table: ResourceTable::new(),
            locals: Locals::default(),
        }
    }

    /// What a member was given. `member` is its index in the entry.
    pub fn setup(&self, member: usize) -> &Arc<MemberSetup> {
        &self.members[member].setup
    }

    /// On whose behalf the instance runs.
    pub fn call(&self) -> &Call {
        &self.call
    }

    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    pub fn parts(&mut self) -> Parts<'_> {
        Parts {
            table: &mut self.table,
            locals: &mut self.locals,
            call: &self.call,
        }
    }

    pub fn member_parts(&mut self, member: usize) -> MemberParts<'_> {
        let MemberState { setup, locals } = &mut self.members[member];
        MemberParts {
            table: &mut self.table,
            shared: &mut self.locals,
            locals,
            setup,
            call: &self.call,
        }
    }
}

/// For interfaces that need the resources only.
pub(crate) struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}
