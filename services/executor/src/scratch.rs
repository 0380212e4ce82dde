//! Directories of kernels, mode 0700, removed when their kernel ends.
//!
//! ```text
//! ROOT/home            the template's home, kept between starts (matplotlib's font cache)
//! ROOT/run-XXXX/.lock  held locked by one living executor
//! ROOT/run-XXXX/ID     scratch of one kernel
//! ```
//!
//! An executor that was killed leaves its `run-XXXX` behind; the next one to start finds its lock free and removes it.

use std::{
    env,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use spatialclaw_domain::KernelId;

use crate::Config;

/// The scratch root cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot {step} {path} (executor.scratch_dir)")]
    Io {
        step: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("{0} belongs to somebody else; name a directory of your own in executor.scratch_dir")]
    NotOurs(PathBuf),
}

/// This executor's part of the scratch root; removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    home: PathBuf,
    run: PathBuf,
    _lock: File,
}

impl Scratch {
    /// Makes this executor's directories and removes those of dead ones.
    pub(crate) fn open(config: &Config) -> Result<Self, Error> {
        let user = rustix::process::geteuid().as_raw();
        let root = match &config.scratch_dir {
            Some(path) => path.clone(),
            None => env::temp_dir().join(format!("spatialclaw-{user}")),
        };
        make(&root)?;
        let root = root.canonicalize().map_err(at("resolve", &root))?;
        if fs::metadata(&root).map_err(at("look at", &root))?.uid() != user {
            return Err(Error::NotOurs(root));
        }
        sweep(&root);
        let home = root.join("home");
        make(&home)?;
        let (run, lock) = claim(&root)?;
        Ok(Self { home, run, _lock: lock })
    }

    /// The template's home.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// A fresh directory for one kernel.
    pub(crate) fn kernel(&self, id: KernelId) -> Result<KernelDir, Error> {
        let path = self.run.join(id.to_string());
        DirBuilder::new().mode(0o700).create(&path).map_err(at("make", &path))?;
        Ok(KernelDir(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.run);
    }
}

/// Scratch of one kernel; removed when dropped.
#[derive(Debug)]
pub(crate) struct KernelDir(PathBuf);

impl KernelDir {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for KernelDir {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn at(step: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |cause| Error::Io { step, path, cause }
}

fn make(path: &Path) -> Result<(), Error> {
    DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(at("make", path))
}

fn remove(path: &Path) {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "scratch is left behind");
        }
        _ => {}
    }
}

/// A `run-` directory whose lock we hold. It gets its name only once locked, so that nobody sweeps it in between.
fn claim(root: &Path) -> Result<(PathBuf, File), Error> {
    let name = KernelId::random().to_string();
    let draft = root.join(format!("new-{name}"));
    make(&draft)?;
    let lock = draft.join(".lock");
    let file = File::create(&lock).map_err(at("make", &lock))?;
    file.lock().map_err(at("lock", &lock))?;
    let run = root.join(format!("run-{name}"));
    fs::rename(&draft, &run).map_err(at("name", &run))?;
    Ok((run, file))
}

/// Removes what dead executors left.
fn sweep(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_run = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("run-"));
        if is_run && is_abandoned(&path) {
            tracing::info!(path = %path.display(), "removing what a dead executor left");
            remove(&path);
        }
    }
}

fn is_abandoned(run: &Path) -> bool {
    match File::open(run.join(".lock")) {
        Ok(lock) => lock.try_lock().is_ok(),
        // Half removed already.
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn directories_are_private_and_go_with_their_owner() {
        let root = tempfile::tempdir().unwrap();
        let config = Config { scratch_dir: Some(root.path().join("s")), ..Config::default() };
        let scratch = Scratch::open(&config).unwrap();
        let kernel = scratch.kernel(KernelId::random()).unwrap();
        let path = kernel.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(path.join("plot.png"), "x").unwrap();
        drop(kernel);
        assert!(!path.exists());
        let run = scratch.run.clone();
        drop(scratch);
        assert!(!run.exists());
    }

    #[test]
    fn the_dead_are_swept_and_the_living_are_not() {
        let root = tempfile::tempdir().unwrap();
        let config = Config { scratch_dir: Some(root.path().to_owned()), ..Config::default() };
        let dead = root.path().join("run-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(".lock"), "").unwrap();
        let living = Scratch::open(&config).unwrap();
        let _other = Scratch::open(&config).unwrap();
        assert!(!dead.exists());
        assert!(living.run.exists());
    }
}
