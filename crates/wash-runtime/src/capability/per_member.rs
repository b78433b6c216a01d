//! One function for each member that shows a store as that member sees it.
//!
//! wasmtime's own implementations of an interface find their data with a plain function, which cannot remember the member
//! it is for. So there is one function for each of the first [`MAX_MEMBERS`] members.

/// How many components can be composed into one: what the linker refuses to exceed.
pub const MAX_MEMBERS: usize = ROWS * 16;
pub(crate) const ROWS: usize = 8;

/// Defines `fn NAME(member) -> fn(&mut State) -> VIEW<'_>`, which gives for each member, below [`MAX_MEMBERS`], the function
/// that calls `SHOW(state, member)`.
macro_rules! member_view {
    ($visibility:vis fn $name:ident, $show:path, $view:ident) => {
        $visibility fn $name(
            member: usize,
        ) -> fn(&mut $crate::instance::State) -> $view<'_> {
            use $crate::capability::per_member::ROWS;
            use $crate::instance::State;
            const ALL: [[fn(&mut State) -> $view<'_>; 16]; ROWS] =
                member_view!(@rows at, 0, 16, 32, 48, 64, 80, 96, 112);
            fn at<const MEMBER: usize>(state: &mut State) -> $view<'_> {
                $show(state, MEMBER)
            }
            ALL[member / 16][member % 16]
        }
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

pub(crate) use member_view;
