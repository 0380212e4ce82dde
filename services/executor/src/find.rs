//! Where the interpreter, the package and the native library lie.
//!
//! A configured path is taken as it is. Otherwise the usual places are searched: the working directory and every
//! directory above it, then the executable's and every directory above that.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::Config;

const LIBRARY: &str = "libspatialclaw_kernel_worker.so";
const PYTHON: &str = ".venv/bin/python";
const PACKAGE: &str = "python";
/// What a package directory must hold.
const MARK: &str = "spatialclaw/_template.py";

/// Something the template needs is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "no Python interpreter: `{PYTHON}` is not in {searched} or above; \
         make it with `python3 -m venv .venv && .venv/bin/pip install -r python/requirements.lock`, \
         or name an interpreter (CPython >= 3.11) in executor.python"
    )]
    NoPython { searched: String },
    #[error(
        "the Python package is missing: no `{PACKAGE}/{MARK}` in {searched} or above; \
         name the directory that contains `spatialclaw` in executor.package_dir"
    )]
    NoPackage { searched: String },
    #[error(
        "{LIBRARY} is not in {searched}; build it with `cargo build -p spatialclaw-kernel-worker` \
         or name it in executor.library"
    )]
    NoLibrary { searched: String },
    #[error("{key} names {path}, which does not exist")]
    NotThere { key: &'static str, path: PathBuf },
    #[error("{key} names {path}, which does not contain {MARK}")]
    NoMark { key: &'static str, path: PathBuf },
    #[error("cannot tell the working directory")]
    NoDirectory(#[source] std::io::Error),
}

/// What a template is started from. Every path is absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The interpreter, symbolic links kept: a virtual environment is known by its own path.
    pub(crate) python: PathBuf,
    /// Directory that contains the package.
    pub(crate) package: PathBuf,
    /// The native library.
    pub(crate) library: PathBuf,
}

impl Found {
    /// Takes what `config` names and finds the rest.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let here = env::current_dir().map_err(Error::NoDirectory)?;
        let executable = env::current_exe().map_err(Error::NoDirectory)?;
        let beside = executable.parent().unwrap_or(&here).to_owned();
        Self::from(config, &here, &beside)
    }

    fn from(config: &Config, here: &Path, beside: &Path) -> Result<Self, Error> {
        let python = match &config.python {
            Some(path) => named("executor.python", path, here)?,
            None => above([here, beside], PYTHON)
                .ok_or_else(|| Error::NoPython { searched: list(here, beside) })?,
        };
        Ok(Self { python, package: package(config, here, beside)?, library: library(config, here, beside)? })
    }
}

fn package(config: &Config, here: &Path, beside: &Path) -> Result<PathBuf, Error> {
    let Some(path) = &config.package_dir else {
        let mark = Path::new(PACKAGE).join(MARK);
        let found = above([here, beside], mark).and_then(|mark| mark.ancestors().nth(2).map(Path::to_owned));
        return found.ok_or_else(|| Error::NoPackage { searched: list(here, beside) });
    };
    let key = "executor.package_dir";
    let path = named(key, path, here)?;
    if path.join(MARK).is_file() { Ok(path) } else { Err(Error::NoMark { key, path }) }
}

/// Beside the executable, or one up (where tests of a build lie), or in `lib` beside its directory.
fn library(config: &Config, here: &Path, beside: &Path) -> Result<PathBuf, Error> {
    if let Some(path) = &config.library {
        return named("executor.library", path, here);
    }
    let up = beside.parent().unwrap_or(beside);
    let places = [beside.to_owned(), up.to_owned(), up.join("lib")];
    let found = places.iter().map(|place| place.join(LIBRARY)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let searched = places.map(|place| place.display().to_string()).join(", ");
        Error::NoLibrary { searched }
    })
}

fn named(key: &'static str, path: &Path, here: &Path) -> Result<PathBuf, Error> {
    let path = here.join(path);
    if path.exists() { Ok(path) } else { Err(Error::NotThere { key, path }) }
}

fn above(starts: [&Path; 2], name: impl AsRef<Path>) -> Option<PathBuf> {
    let directories = starts.into_iter().flat_map(Path::ancestors);
    directories.map(|directory| directory.join(&name)).find(|path| path.exists())
}

fn list(here: &Path, beside: &Path) -> String {
    format!("{}, {}", here.display(), beside.display())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn touch(path: PathBuf) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn everything_is_found_above_and_beside() {
        let root = tempfile::tempdir().unwrap();
        let (here, beside) = (root.path().join("a/b"), root.path().join("target/debug/deps"));
        touch(root.path().join(".venv/bin/python"));
        touch(root.path().join("python/spatialclaw/_template.py"));
        touch(root.path().join("target/debug").join(LIBRARY));
        let found = Found::from(&Config::default(), &here, &beside).unwrap();
        assert_eq!(found.python, root.path().join(".venv/bin/python"));
        assert_eq!(found.package, root.path().join("python"));
        assert_eq!(found.library, root.path().join("target/debug").join(LIBRARY));
    }

    #[test]
    fn what_is_missing_is_named_with_the_fix() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path().join("py"));
        let error = Found::from(&Config::default(), root.path(), root.path()).unwrap_err().to_string();
        assert!(error.contains("executor.python") && error.contains("-m venv"), "{error}");
        let mut config = Config { python: Some("py".into()), ..Config::default() };
        let error = Found::from(&config, root.path(), root.path()).unwrap_err().to_string();
        assert!(error.contains("executor.package_dir"), "{error}");
        config.package_dir = Some("nowhere".into());
        let error = Found::from(&config, root.path(), root.path()).unwrap_err().to_string();
        assert!(error.contains("nowhere, which does not exist"), "{error}");
    }
}
