//! One function for each member that shows a store as that member sees it.
//!
//! wasmtime's own implementations of an interface find their data with a plain function, which cannot remember the member
//! it is for. So there is one function for each of the first [`MAX_MEMBERS`] members.

use wasmtime_wasi::cli::WasiCliCtxView;
use wasmtime_wasi_http::WasiHttpCtxView;

use crate::engine::state::State;

use super::sockets::View as SocketsView;

pub(crate) const MAX_MEMBERS: usize = ROWS * 16;
const ROWS: usize = 8;

/// The same function for each member, as rows of sixteen.
macro_rules! table {
    ($getter:ident) => {
        table!(@rows $getter, 0, 16, 32, 48, 64, 80, 96, 112)
    };
    (@rows $getter:ident, $($row:literal),*) => {
        [$([
            $getter::<$row>, $getter::<{ $row + 1 }>, $getter::<{ $row + 2 }>, $getter::<{ $row + 3 }>,
            $getter::<{ $row + 4 }>, $getter::<{ $row + 5 }>, $getter::<{ $row + 6 }>, $getter::<{ $row + 7 }>,
            $getter::<{ $row + 8 }>, $getter::<{ $row + 9 }>, $getter::<{ $row + 10 }>, $getter::<{ $row + 11 }>,
            $getter::<{ $row + 12 }>, $getter::<{ $row + 13 }>, $getter::<{ $row + 14 }>, $getter::<{ $row + 15 }>,
        ]),*]
    };
}

/// Defines a function that gives the function for a member, which must be below [`MAX_MEMBERS`].
macro_rules! view {
    ($name:ident, $method:ident, $view:ident) => {
        pub(crate) fn $name(member: usize) -> fn(&mut State) -> $view<'_> {
            const ALL: [[fn(&mut State) -> $view<'_>; 16]; ROWS] = table!(at);
            fn at<const MEMBER: usize>(state: &mut State) -> $view<'_> {
                state.$method(MEMBER)
            }
            ALL[member / 16][member % 16]
        }
    };
}

view!(cli, member_cli, WasiCliCtxView);
view!(sockets, member_sockets, SocketsView);
view!(http, member_http, WasiHttpCtxView);
