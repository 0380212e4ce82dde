//! Where a row's files come from: a folder, or the parts of an upload.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::{Component, Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use tempfile::NamedTempFile;

use crate::FileError;

const PICTURE_BYTES: &str = "ingest.max_image_bytes";
const VIDEO_BYTES: &str = "ingest.max_video_bytes";

/// Resolves the names in a row to bytes.
#[async_trait]
pub trait Source: Send + Sync {
    /// The bytes called `name`: at least one and at most `limit`.
    async fn read(&self, name: &str, limit: u64) -> Result<Bytes, FileError>;

    /// The same as a local file, for a program that wants a path.
    async fn local(&self, name: &str, limit: u64) -> Result<Local, FileError>;
}

/// A local file, removed on drop if it was made for the occasion.
pub struct Local {
    path: PathBuf,
    _made: Option<NamedTempFile>,
}

impl Local {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder a manifest lies in; nothing outside it is ever opened.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at `path`.
    ///
    /// # Errors
    /// If it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { root: path.canonicalize()? })
    }

    /// The canonical path of a file inside the folder.
    fn resolve(&self, name: &str) -> Result<PathBuf, FileError> {
        if is_url(name) {
            return Err(FileError::Url);
        }
        // Before asking the disk, so that an answer never tells what lies outside.
        if name.contains('\0') || leaves(Path::new(name)) {
            return Err(FileError::Outside);
        }
        let path = self.root.join(name).canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileError::Missing,
            _ => FileError::Read(error),
        })?;
        if path.starts_with(&self.root) { Ok(path) } else { Err(FileError::Outside) }
    }

    fn open_regular(
        &self,
        name: &str,
        limit: u64,
        setting: &'static str,
    ) -> Result<(PathBuf, File), FileError> {
        let path = self.resolve(name)?;
        // Not following a link keeps the file inside even if somebody swaps it now;
        // not blocking keeps a FIFO from holding us before its type is known.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(&path)
            .map_err(FileError::Read)?;
        let meta = file.metadata().map_err(FileError::Read)?;
        if let Some(what) = irregular(&meta) {
            return Err(FileError::NotRegular(what));
        }
        match meta.len() {
            0 => Err(FileError::Empty),
            size if size > limit => Err(FileError::TooLarge { limit, setting }),
            _ => Ok((path, file)),
        }
    }

    fn read_now(&self, name: &str, limit: u64) -> Result<Bytes, FileError> {
        let (_, file) = self.open_regular(name, limit, PICTURE_BYTES)?;
        let mut bytes = Vec::new();
        // The file may grow while it is read.
        file.take(limit + 1).read_to_end(&mut bytes).map_err(FileError::Read)?;
        if bytes.len() as u64 > limit {
            return Err(FileError::TooLarge { limit, setting: PICTURE_BYTES });
        }
        Ok(bytes.into())
    }
}

#[async_trait]
impl Source for Folder {
    async fn read(&self, name: &str, limit: u64) -> Result<Bytes, FileError> {
        let (folder, name) = (self.clone(), name.to_owned());
        aside(move || folder.read_now(&name, limit)).await
    }

    async fn local(&self, name: &str, limit: u64) -> Result<Local, FileError> {
        let (folder, name) = (self.clone(), name.to_owned());
        let (path, _) = aside(move || folder.open_regular(&name, limit, VIDEO_BYTES)).await?;
        Ok(Local { path, _made: None })
    }
}

/// Files that came with the row.
#[derive(Clone, Debug, Default)]
pub struct Uploaded {
    parts: HashMap<String, Bytes>,
}

impl Uploaded {
    /// Parts by name.
    pub fn new(parts: HashMap<String, Bytes>) -> Self {
        Self { parts }
    }

    fn part(&self, name: &str, limit: u64, setting: &'static str) -> Result<&Bytes, FileError> {
        if is_url(name) {
            return Err(FileError::Url);
        }
        match self.parts.get(name) {
            None => Err(FileError::NotUploaded),
            Some(bytes) if bytes.is_empty() => Err(FileError::Empty),
            Some(bytes) if bytes.len() as u64 > limit => Err(FileError::TooLarge { limit, setting }),
            Some(bytes) => Ok(bytes),
        }
    }
}

#[async_trait]
impl Source for Uploaded {
    async fn read(&self, name: &str, limit: u64) -> Result<Bytes, FileError> {
        self.part(name, limit, PICTURE_BYTES).cloned()
    }

    async fn local(&self, name: &str, limit: u64) -> Result<Local, FileError> {
        let bytes = self.part(name, limit, VIDEO_BYTES)?.clone();
        aside(move || {
            let mut file = NamedTempFile::new().map_err(FileError::Read)?;
            file.write_all(&bytes).map_err(FileError::Read)?;
            Ok(Local { path: file.path().to_owned(), _made: Some(file) })
        })
        .await
    }
}

/// Runs disk work where it may block.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, FileError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(FileError::Read(io::Error::other(error))))
}

fn is_url(name: &str) -> bool {
    name.contains("://") || name.starts_with("data:") || name.starts_with("file:")
}

/// Whether a relative path climbs above where it starts, or is no relative path.
fn leaves(path: &Path) -> bool {
    let mut depth = 0_i32;
    for component in path.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => depth -= 1,
            Component::RootDir | Component::Prefix(_) => return true,
        }
        if depth < 0 {
            return true;
        }
    }
    false
}

/// What it is, if not a regular file.
fn irregular(meta: &fs::Metadata) -> Option<&'static str> {
    let kind = meta.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else if kind.is_fifo() {
        Some("a named pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct World {
        _dir: tempfile::TempDir,
        folder: Folder,
    }

    fn world() -> World {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("rows");
        fs::create_dir_all(root.join("sub")).unwrap();
        fs::write(dir.path().join("secret.png"), b"secret").unwrap();
        fs::write(root.join("a.png"), b"picture").unwrap();
        fs::write(root.join("empty.png"), b"").unwrap();
        symlink("../a.png", root.join("sub/inside.png")).unwrap();
        symlink("../secret.png", root.join("outside.png")).unwrap();
        symlink(dir.path(), root.join("up")).unwrap();
        World { folder: Folder::open(&root).unwrap(), _dir: dir }
    }

    #[tokio::test]
    async fn files_and_links_inside_the_folder_are_read() {
        let world = world();
        for name in ["a.png", "./a.png", "sub/../a.png", "sub/inside.png"] {
            assert_eq!(world.folder.read(name, 100).await.unwrap(), "picture", "{name}");
        }
    }

    #[tokio::test]
    async fn nothing_outside_the_folder_is_read() {
        let world = world();
        let absolute = world._dir.path().join("secret.png");
        for name in [
            "../secret.png",
            "sub/../../secret.png",
            "../rows/a.png",
            "outside.png",
            "up/secret.png",
            absolute.to_str().unwrap(),
            "a.png\0",
        ] {
            let error = world.folder.read(name, 100).await.unwrap_err();
            assert!(matches!(error, FileError::Outside), "{name}: {error}");
        }
        for name in ["https://example.com/a.png", "file:///etc/passwd", "data:image/png;base64,AA=="] {
            assert!(matches!(world.folder.read(name, 100).await, Err(FileError::Url)), "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_no_readable_file_says_what_it_is() {
        let world = world();
        let fifo = world.folder.root.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let refused = async |name: &str| world.folder.read(name, 3).await.unwrap_err().to_string();
        assert!(refused("pipe").await.contains("named pipe"));
        assert!(refused("sub").await.contains("a folder"));
        assert!(refused("empty.png").await.contains("0 bytes"));
        assert!(refused("none.png").await.contains("does not exist"));
        assert!(refused("a.png/b").await.contains("does not exist"));
        assert!(refused("a.png").await.contains("more than 3 bytes"));
    }
}
