//! What wasmtime's implementations see of a store.

use std::sync::Arc;

use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::cli::WasiCliCtxView;
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::random::WasiRandomCtx;

use super::Process;
use crate::capability::per_member::member_view;
use crate::events::GuestStream;
use crate::instance::output::GuestOutput;
use crate::instance::{Call, Locals, MemberParts, MemberSetup, Parts, State};

/// Serves the interfaces that grant nothing: no environment, no directories, no network.
#[derive(Default)]
struct Empty(WasiCtx);

/// Made when the member first asks for something: most members of a request do not.
struct OfMember(WasiCtx);

fn empty(locals: &mut Locals) -> &mut WasiCtx {
    &mut locals.get_or_insert_with(Empty::default).0
}

pub(super) fn random(state: &mut State) -> &mut WasiRandomCtx {
    empty(state.parts().locals).random()
}

pub(super) fn clocks(state: &mut State) -> WasiClocksCtxView<'_> {
    let Parts { table, locals, .. } = state.parts();
    let ctx = empty(locals).clocks();
    WasiClocksCtxView { ctx, table }
}

pub(super) fn cli(state: &mut State) -> WasiCliCtxView<'_> {
    let Parts { table, locals, .. } = state.parts();
    let ctx = empty(locals).cli();
    WasiCliCtxView { ctx, table }
}

pub(super) fn filesystem(state: &mut State) -> WasiFilesystemCtxView<'_> {
    let Parts { table, locals, .. } = state.parts();
    let ctx = empty(locals).filesystem();
    WasiFilesystemCtxView { ctx, table }
}

member_view!(pub(super) fn member_cli, cli_of, WasiCliCtxView);

fn cli_of(state: &mut State, member: usize) -> WasiCliCtxView<'_> {
    let MemberParts {
        table,
        locals,
        setup,
        call,
        ..
    } = state.member_parts(member);
    let OfMember(wasi) = locals.get_or_insert_with(|| OfMember(context(setup, call)));
    let ctx = wasi.cli();
    WasiCliCtxView { ctx, table }
}

fn context(setup: &MemberSetup, call: &Call) -> WasiCtx {
    let process = setup.extensions.get::<Process>();
    let process = process.expect("the capability sets up every member");
    let output = |stream| {
        GuestOutput::new(
            call.events.clone(),
            stream,
            Arc::clone(&setup.name),
            call.request,
            call.panics.clone(),
        )
    };
    let mut wasi = WasiCtx::builder();
    let environment: Vec<(&String, &String)> = process.environment.iter().collect();
    wasi.envs(&environment)
        .arg(process.program_name.as_deref().unwrap_or(&setup.name))
        .args(&process.arguments)
        .stdout(output(GuestStream::Stdout))
        .stderr(output(GuestStream::Stderr));
    if let Some(path) = &process.initial_cwd {
        wasi.initial_cwd(path);
    }
    if process.stdin {
        wasi.inherit_stdin();
    }
    wasi.build()
}
