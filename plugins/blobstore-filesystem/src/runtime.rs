//! What the standard library would bring along: an allocator and an end for panics.

use alloc::alloc::{alloc, realloc};
use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::panic::PanicInfo;

/// The allocator of wasi-libc.
struct Malloc;

#[link(name = "c")]
unsafe extern "C" {
    fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
}

// SAFETY: `aligned_alloc` gives memory of that alignment, a power of two, or null; the size it wants is a multiple of
// the alignment, which padding makes it. `free` takes its pointers.
unsafe impl GlobalAlloc for Malloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { aligned_alloc(layout.align(), layout.pad_to_align().size()).cast() }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        unsafe { free(pointer.cast()) }
    }
}

#[global_allocator]
static ALLOCATOR: Malloc = Malloc;

/// Gives the host room for what it passes in.
///
/// # Safety
/// As the canonical ABI calls it: `old` is null with a length of 0, or came from here with that length and alignment.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_length: usize,
    align: usize,
    length: usize,
) -> *mut u8 {
    let moved = match (old_length, length) {
        (0, 0) => return align as *mut u8,
        (0, _) => unsafe { alloc(Layout::from_size_align_unchecked(length, align)) },
        _ => unsafe {
            realloc(
                old,
                Layout::from_size_align_unchecked(old_length, align),
                length,
            )
        },
    };
    if moved.is_null() {
        core::arch::wasm32::unreachable()
    }
    moved
}

/// There is nowhere to write a message to: the trap's backtrace says where it was.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
