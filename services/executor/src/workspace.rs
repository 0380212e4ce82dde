//! Which directory a lease may bring: one whose files the kernel gets a copy of, never the files themselves.

use std::path::{Path, PathBuf};

use spatialclaw_domain::{Fault, FaultKind};

/// The directory that `asked` names, without links, if it lies below one of `allowed`; none if nothing was asked.
///
/// # Errors
/// `invalid`, saying what is wrong with it.
pub(crate) fn admitted(asked: &str, allowed: &[PathBuf]) -> Result<Option<PathBuf>, Fault> {
    if asked.is_empty() {
        return Ok(None);
    }
    let refused = |why: &str| Fault::new(FaultKind::Invalid, format!("the workspace {asked} {why}"));
    if !Path::new(asked).is_absolute() {
        return Err(refused("is no absolute path"));
    }
    let real =
        Path::new(asked).canonicalize().map_err(|error| refused(&format!("cannot be used: {error}")))?;
    if !real.is_dir() {
        return Err(refused("is no directory"));
    }
    let below = |root: &PathBuf| root.canonicalize().is_ok_and(|root| real.starts_with(root));
    if real.parent().is_none() || !allowed.iter().any(below) {
        return Err(refused("does not lie below a directory of executor.workspaces"));
    }
    Ok(Some(real))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn only_directories_below_an_allowed_one_are_admitted() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (inside, outside) = (root.join("in/ws"), root.join("out"));
        fs::create_dir_all(&inside).unwrap();
        fs::create_dir(&outside).unwrap();
        symlink(&outside, root.join("in/link")).unwrap();
        fs::write(root.join("in/file"), "").unwrap();
        let allowed = [root.join("in")];
        let ask = |path: PathBuf| admitted(path.to_str().unwrap(), &allowed);
        assert_eq!(ask(inside.clone()).unwrap(), Some(inside.clone()));
        assert_eq!(admitted("", &allowed).unwrap(), None);
        for bad in
            [outside, root.join("in/link"), root.join("in/file"), root.join("in/ws/../../out"), "ws".into()]
        {
            assert_eq!(ask(bad.clone()).unwrap_err().kind, FaultKind::Invalid, "{}", bad.display());
        }
        assert!(admitted("/", &["/".into()]).is_err());
        assert!(admitted(inside.to_str().unwrap(), &[]).is_err());
    }
}
