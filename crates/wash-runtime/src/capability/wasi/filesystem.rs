//! The functions of `wasi:filesystem` that take a path, in both versions of WASI, and the one that gives out directories.
//! All others are wasmtime's.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use wash_common::folders::protected::Protected;
use wasmtime::component::{Accessor, Linker, LinkerInstance, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::filesystem::{Descriptor, Dir, WasiFilesystem};
use wasmtime_wasi::p2::bindings::filesystem::types as p2;
use wasmtime_wasi::p3::bindings::filesystem::types as p3;

use super::directories::Preopens;
use super::paths;
use super::paths::Opening;
use crate::instance::State;

type Context<'a> = StoreContextMut<'a, State>;
type Fd = Resource<Descriptor>;

/// What the member finds open.
pub(super) fn add_preopens(instance: &mut LinkerInstance<'_, State>, member: usize) -> Result<()> {
    instance.func_wrap("get-directories", move |mut store: Context<'_>, (): ()| {
        let preopens = store.data().setup(member).extensions.get::<Preopens>();
        let preopens = preopens.iter().flat_map(|preopens| preopens.0.iter());
        let mut directories = Vec::new();
        for (directory, guest) in preopens {
            let descriptor = Descriptor::Dir(directory.clone());
            directories.push((store.data_mut().table().push(descriptor)?, guest.clone()));
        }
        Ok((directories,))
    })
}

/// Runs what waits for a disk where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<std::io::Result<T>> {
    Ok(spawn_blocking(work).await?)
}

fn protected(state: &State) -> Arc<Protected> {
    let shared = state.setup(0).extensions.get::<Arc<Protected>>();
    shared.map_or_else(Arc::default, |protected| Arc::clone(&*protected))
}

/// The directory behind a handle; `None` if it is a file.
fn directory(state: &mut State, fd: &Fd) -> Result<Option<Dir>> {
    Ok(match state.table().get(fd)? {
        Descriptor::Dir(directory) => Some(directory.clone()),
        Descriptor::File(_) => None,
    })
}

/// Defines a function in both versions of WASI, which does what `$work` does with one directory and the arguments.
macro_rules! on_path {
    ($module:ident, $instance:ident, $name:literal, ($($argument:ident: $ty:ty),*), $work:expr) => {
        on_path!(@$module, $instance, $name, ($($argument: $ty),*), $work)
    };
    (@p2, $instance:ident, $name:literal, ($($argument:ident: $ty:ty),*), $work:expr) => {
        $instance.func_wrap_async(
            $name,
            |mut store: Context<'_>, (fd, $($argument),*): (Fd, $($ty),*)| {
                Box::new(async move {
                    let protected = protected(store.data());
                    let Some(directory) = directory(store.data_mut(), &fd)? else {
                        return Ok((Err(p2::ErrorCode::NotDirectory),));
                    };
                    let done = blocking(move || $work(&protected, &directory, $($argument),*)).await?;
                    Ok((done.map_err(p2::ErrorCode::from),))
                })
            },
        )?
    };
    (@p3, $instance:ident, $name:literal, ($($argument:ident: $ty:ty),*), $work:expr) => {
        $instance.func_wrap_concurrent(
            $name,
            |accessor: &Accessor<State>, (fd, $($argument),*): (Fd, $($ty),*)| {
                Box::pin(async move {
                    let found = accessor.with(|mut store| {
                        let state = store.get();
                        Ok::<_, wasmtime::Error>((protected(state), directory(state, &fd)?))
                    })?;
                    let (protected, Some(directory)) = found else {
                        return Ok((Err(p3::ErrorCode::NotDirectory),));
                    };
                    let done = blocking(move || $work(&protected, &directory, $($argument),*)).await?;
                    Ok((done.map_err(p3::ErrorCode::from),))
                })
            },
        )?
    };
}

/// The same for what takes two directories, each with a path.
macro_rules! on_two_paths {
    (p2, $instance:ident, $name:literal, ($($argument:ident: $ty:ty),*), $work:expr) => {
        $instance.func_wrap_async(
            $name,
            |mut store: Context<'_>,
             (fd, $($argument,)* old, new_fd, new): (Fd, $($ty,)* String, Fd, String)| {
                Box::new(async move {
                    let protected = protected(store.data());
                    let from = directory(store.data_mut(), &fd)?;
                    let to = directory(store.data_mut(), &new_fd)?;
                    let (Some(from), Some(to)) = (from, to) else {
                        return Ok((Err(p2::ErrorCode::NotDirectory),));
                    };
                    let done =
                        blocking(move || $work(&protected, (&from, &*old), (&to, &*new), $($argument),*)).await?;
                    Ok((done.map_err(p2::ErrorCode::from),))
                })
            },
        )?
    };
    (p3, $instance:ident, $name:literal, ($($argument:ident: $ty:ty),*), $work:expr) => {
        $instance.func_wrap_concurrent(
            $name,
            |accessor: &Accessor<State>,
             (fd, $($argument,)* old, new_fd, new): (Fd, $($ty,)* String, Fd, String)| {
                Box::pin(async move {
                    let (protected, from, to) = accessor.with(|mut store| {
                        let state = store.get();
                        let (from, to) = (directory(state, &fd)?, directory(state, &new_fd)?);
                        Ok::<_, wasmtime::Error>((protected(state), from, to))
                    })?;
                    let (Some(from), Some(to)) = (from, to) else {
                        return Ok((Err(p3::ErrorCode::NotDirectory),));
                    };
                    let done =
                        blocking(move || $work(&protected, (&from, &*old), (&to, &*new), $($argument),*)).await?;
                    Ok((done.map_err(p3::ErrorCode::from),))
                })
            },
        )?
    };
}

/// How a path is opened, from the flags of one version of WASI.
macro_rules! opening {
    ($module:ident, $path_flags:ident, $open_flags:ident, $flags:ident) => {
        Opening {
            follow: $path_flags.contains($module::PathFlags::SYMLINK_FOLLOW),
            create: $open_flags.contains($module::OpenFlags::CREATE),
            exclusive: $open_flags.contains($module::OpenFlags::EXCLUSIVE),
            truncate: $open_flags.contains($module::OpenFlags::TRUNCATE),
            directory: $open_flags.contains($module::OpenFlags::DIRECTORY),
            read: $flags.contains($module::DescriptorFlags::READ),
            write: $flags.contains($module::DescriptorFlags::WRITE),
            synced: $flags.intersects(
                $module::DescriptorFlags::FILE_INTEGRITY_SYNC
                    | $module::DescriptorFlags::DATA_INTEGRITY_SYNC
                    | $module::DescriptorFlags::REQUESTED_WRITE_SYNC,
            ),
        }
    };
}

/// The functions that are alike in both versions.
macro_rules! add_common {
    ($module:ident, $instance:ident) => {
        on_path!($module, $instance, "[method]descriptor.create-directory-at", (path: String),
            |p: &Protected, d: &Dir, path: String| paths::create_directory(p, d, &path));
        on_path!($module, $instance, "[method]descriptor.remove-directory-at", (path: String),
            |p: &Protected, d: &Dir, path: String| paths::remove_directory(p, d, &path));
        on_path!($module, $instance, "[method]descriptor.unlink-file-at", (path: String),
            |p: &Protected, d: &Dir, path: String| paths::unlink(p, d, &path));
        on_path!($module, $instance, "[method]descriptor.symlink-at", (target: String, path: String),
            |p: &Protected, d: &Dir, target: String, path: String| paths::symlink(p, d, &target, &path));
        on_two_paths!($module, $instance, "[method]descriptor.rename-at", (), paths::rename);
        on_two_paths!($module, $instance, "[method]descriptor.link-at", (flags: $module::PathFlags),
            |p: &Protected, old: (&Dir, &str), new: (&Dir, &str), flags: $module::PathFlags| {
                match flags.contains($module::PathFlags::SYMLINK_FOLLOW) {
                    true => Err(rustix::io::Errno::INVAL.into()),
                    false => paths::link(p, old, new),
                }
            });
    };
}

/// Puts the functions in the place of wasmtime's.
pub(super) fn replace_p2(linker: &mut Linker<State>, name: &str) -> Result<()> {
    linker.allow_shadowing(true);
    let mut instance = linker.instance(name)?;
    add_common!(p2, instance);
    instance.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store: Context<'_>,
         (fd, path_flags, path, open_flags, flags): (
            Fd,
            p2::PathFlags,
            String,
            p2::OpenFlags,
            p2::DescriptorFlags,
        )| {
            Box::new(async move {
                let protected = protected(store.data());
                let Some(directory) = directory(store.data_mut(), &fd)? else {
                    return Ok((Err(p2::ErrorCode::NotDirectory),));
                };
                let opening = opening!(p2, path_flags, open_flags, flags);
                let opened =
                    blocking(move || paths::open(&protected, &directory, &path, opening)).await?;
                Ok((match opened {
                    Ok(opened) => Ok(store.data_mut().table().push(opened)?),
                    Err(error) => Err(p2::ErrorCode::from(error)),
                },))
            })
        },
    )?;
    instance.func_wrap_async(
        "[method]descriptor.set-times-at",
        |mut store: Context<'_>,
         (fd, path_flags, path, accessed, modified): (
            Fd,
            p2::PathFlags,
            String,
            p2::NewTimestamp,
            p2::NewTimestamp,
        )| {
            Box::new(async move {
                use p2::{Host as _, HostDescriptor as _};
                let protected = protected(store.data());
                let follow = path_flags.contains(p2::PathFlags::SYMLINK_FOLLOW);
                if let Some(directory) = directory(store.data_mut(), &fd)? {
                    let path = path.clone();
                    let check = move || paths::check_times(&protected, &directory, &path, follow);
                    if let Err(error) = blocking(check).await? {
                        return Ok((Err(p2::ErrorCode::from(error)),));
                    }
                }
                let mut view = super::views::filesystem(store.data_mut());
                let done = view
                    .set_times_at(fd, path_flags, path, accessed, modified)
                    .await;
                Ok((match done {
                    Ok(()) => Ok(()),
                    Err(error) => Err(view.convert_error_code(error)?),
                },))
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Puts the functions in the place of wasmtime's.
pub(super) fn replace_p3(linker: &mut Linker<State>, name: &str) -> Result<()> {
    linker.allow_shadowing(true);
    let mut instance = linker.instance(name)?;
    add_common!(p3, instance);
    instance.func_wrap_concurrent(
        "[method]descriptor.open-at",
        |accessor: &Accessor<State>,
         (fd, path_flags, path, open_flags, flags): (
            Fd,
            p3::PathFlags,
            String,
            p3::OpenFlags,
            p3::DescriptorFlags,
        )| {
            Box::pin(async move {
                let found = accessor.with(|mut store| {
                    let state = store.get();
                    Ok::<_, wasmtime::Error>((protected(state), directory(state, &fd)?))
                })?;
                let (protected, Some(directory)) = found else {
                    return Ok((Err(p3::ErrorCode::NotDirectory),));
                };
                let opening = opening!(p3, path_flags, open_flags, flags);
                let opened =
                    blocking(move || paths::open(&protected, &directory, &path, opening)).await?;
                Ok((match opened {
                    Ok(opened) => Ok(accessor.with(|mut store| store.get().table().push(opened))?),
                    Err(error) => Err(p3::ErrorCode::from(error)),
                },))
            })
        },
    )?;
    instance.func_wrap_concurrent(
        "[method]descriptor.set-times-at",
        |accessor: &Accessor<State>,
         (fd, path_flags, path, accessed, modified): (
            Fd,
            p3::PathFlags,
            String,
            p3::NewTimestamp,
            p3::NewTimestamp,
        )| {
            Box::pin(async move {
                let (protected, directory) = accessor.with(|mut store| {
                    let state = store.get();
                    Ok::<_, wasmtime::Error>((protected(state), directory(state, &fd)?))
                })?;
                let follow = path_flags.contains(p3::PathFlags::SYMLINK_FOLLOW);
                if let Some(directory) = directory {
                    let path = path.clone();
                    let check = move || paths::check_times(&protected, &directory, &path, follow);
                    if let Err(error) = blocking(check).await? {
                        return Ok((Err(p3::ErrorCode::from(error)),));
                    }
                }
                let view = accessor.with_getter::<WasiFilesystem>(super::views::filesystem);
                let done = <WasiFilesystem as p3::HostDescriptorWithStore<State>>::set_times_at(
                    &view, fd, path_flags, path, accessed, modified,
                )
                .await;
                Ok((match done {
                    Ok(()) => Ok(()),
                    Err(error) => Err(error.downcast()?),
                },))
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}
