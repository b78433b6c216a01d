//! What a store holds: the resources of one instance, and the authority of each member in it.

use std::sync::Arc;

use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::cli::WasiCliCtxView;
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::random::WasiRandomCtx;
use wasmtime_wasi::sockets::WasiSocketsCtxView;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView};

use crate::capability::Kept;
use crate::capability::http_client::{AllowList, Gate, NoGate};
use crate::capability::sockets::{self, Caller};
use crate::console::{Console, GuestStream, Level};
use crate::http::RequestId;

use super::limits::{FIELDS_SIZE, MemoryBudget};
use super::output::GuestOutput;
use super::panics::Panics;

/// What a member was given, made ready once for all instances of a workload.
pub(crate) struct MemberSetup {
    pub(crate) name: Arc<str>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) program_name: Arc<str>,
    pub(crate) arguments: Vec<String>,
    pub(crate) initial_cwd: Option<String>,
    /// It reads the stdin of this process.
    pub(crate) stdin: bool,
    pub(crate) outgoing_http: AllowList,
    pub(crate) log_level: Level,
    /// What the capabilities keep for it.
    pub(crate) kept: Kept,
}

/// On whose behalf an instance runs.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) console: Console,
    /// `None` while a workload is tried out before it serves.
    pub(crate) request: Option<RequestId>,
    pub(crate) panics: Panics,
}

pub(crate) struct State {
    pub(crate) budget: MemoryBudget,
    pub(crate) call: Call,
    table: ResourceTable,
    http: WasiHttpCtx,
    no_gate: NoGate,
    /// Serves the interfaces that grant nothing: no environment, no directories, no network.
    nobody: WasiCtx,
    members: Vec<MemberState>,
}

struct MemberState {
    setup: Arc<MemberSetup>,
    /// Made when the member first asks for something: most members of a request do not.
    wasi: Option<WasiCtx>,
    gate: Gate,
    /// Made when the member first asks for a socket.
    sockets: Option<Arc<Caller>>,
}

impl State {
    pub(crate) fn new(members: &[Arc<MemberSetup>], budget: MemoryBudget, call: Call) -> Self {
        let members = members.iter().map(|setup| MemberState {
            setup: Arc::clone(setup),
            wasi: None,
            gate: Gate::new(Arc::clone(setup), call.clone()),
            sockets: None,
        });
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(FIELDS_SIZE);
        Self {
            budget,
            members: members.collect(),
            call,
            table: ResourceTable::new(),
            http,
            no_gate: NoGate,
            nobody: WasiCtx::default(),
        }
    }

    pub(crate) fn setup(&self, member: usize) -> &Arc<MemberSetup> {
        &self.members[member].setup
    }

    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    pub(crate) fn random(&mut self) -> &mut WasiRandomCtx {
        self.nobody.random()
    }

    pub(crate) fn clocks(&mut self) -> WasiClocksCtxView<'_> {
        WasiClocksCtxView {
            ctx: self.nobody.clocks(),
            table: &mut self.table,
        }
    }

    pub(crate) fn cli(&mut self) -> WasiCliCtxView<'_> {
        WasiCliCtxView {
            ctx: self.nobody.cli(),
            table: &mut self.table,
        }
    }

    pub(crate) fn filesystem(&mut self) -> WasiFilesystemCtxView<'_> {
        WasiFilesystemCtxView {
            ctx: self.nobody.filesystem(),
            table: &mut self.table,
        }
    }

    /// wasi:sockets for what makes no socket.
    pub(crate) fn sockets(&mut self) -> WasiSocketsCtxView<'_> {
        WasiSocketsCtxView {
            ctx: self.nobody.sockets(),
            table: &mut self.table,
        }
    }

    /// wasi:http for what sends no request: requests and responses that come in.
    pub(crate) fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.no_gate,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }

    pub(crate) fn member_cli(&mut self, member: usize) -> WasiCliCtxView<'_> {
        WasiCliCtxView {
            ctx: self.members[member].wasi(&self.call).cli(),
            table: &mut self.table,
        }
    }

    pub(crate) fn member_sockets(&mut self, member: usize) -> sockets::View<'_> {
        let Self {
            members,
            call,
            table,
            ..
        } = self;
        let MemberState { setup, sockets, .. } = &mut members[member];
        let caller = sockets.get_or_insert_with(|| sockets::caller(setup, call));
        sockets::View { caller, table }
    }

    pub(crate) fn member_http(&mut self, member: usize) -> WasiHttpCtxView<'_> {
        let hooks = &mut self.members[member].gate;
        WasiHttpCtxView {
            hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl MemberState {
    fn wasi(&mut self, call: &Call) -> &mut WasiCtx {
        self.wasi.get_or_insert_with(|| {
            let setup = &self.setup;
            let output = |stream| {
                GuestOutput::new(
                    call.console.clone(),
                    stream,
                    Arc::clone(&setup.name),
                    call.request,
                    call.panics.clone(),
                )
            };
            let mut wasi = WasiCtx::builder();
            wasi.envs(&setup.environment)
                .arg(&setup.program_name)
                .args(&setup.arguments)
                .stdout(output(GuestStream::Stdout))
                .stderr(output(GuestStream::Stderr));
            if let Some(path) = &setup.initial_cwd {
                wasi.initial_cwd(path);
            }
            if setup.stdin {
                wasi.inherit_stdin();
            }
            wasi.build()
        })
    }
}

/// For interfaces that need the resources only.
pub(crate) struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}
