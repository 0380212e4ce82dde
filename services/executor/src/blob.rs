//! Bytes as a sealed memory file: nobody can change or shrink it, whoever holds a descriptor.
//!
//! The large ones used last are kept, so that a result costs its copy once however many cells ask for it, replays
//! included.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write as _},
    os::fd::{AsRawFd as _, OwnedFd},
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use spatialclaw_bus::{self as bus, ArtifactStore};
use spatialclaw_domain::{ArtifactRef, Digest};

/// A smaller file is copied in less time than it is worth remembering.
const LARGE: u64 = 1 << 20;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the artifact store failed")]
    Store(#[from] bus::Error),
    #[error("a memory file could not be made")]
    Memory(#[from] io::Error),
}

/// Artifacts as memory files.
pub(crate) struct Blobs {
    store: ArtifactStore,
    /// The one used last at the end.
    kept: Mutex<VecDeque<Kept>>,
    limit: u64,
}

struct Kept {
    digest: Digest,
    size: u64,
    file: OwnedFd,
}

impl Blobs {
    /// Keeps at most `limit` bytes.
    pub(crate) fn new(store: ArtifactStore, limit: u64) -> Self {
        Self { store, kept: Mutex::default(), limit }
    }

    /// A sealed file with the artifact's bytes.
    pub(crate) async fn get(&self, artifact: &ArtifactRef) -> Result<OwnedFd, Error> {
        if let Some(file) = self.find(artifact.digest) {
            return Ok(file?);
        }
        let file = seal(self.store.get(artifact).await?).await?;
        self.keep(artifact, &file)?;
        Ok(file)
    }

    fn find(&self, digest: Digest) -> Option<io::Result<OwnedFd>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|it| it.digest == digest)?;
        let found = kept.remove(at)?;
        let file = reopened(&found.file);
        kept.push_back(found);
        Some(file)
    }

    fn keep(&self, artifact: &ArtifactRef, file: &OwnedFd) -> io::Result<()> {
        let (digest, size) = (artifact.digest, artifact.size);
        if !(LARGE..=self.limit).contains(&size) {
            return Ok(());
        }
        let file = reopened(file)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|it| it.digest != digest);
        kept.push_back(Kept { digest, size, file });
        while kept.iter().map(|it| it.size).sum::<u64>() > self.limit {
            kept.pop_front();
        }
        Ok(())
    }
}

/// The same file, with a position of its own: kernels share nothing that they can move.
fn reopened(file: &OwnedFd) -> io::Result<OwnedFd> {
    Ok(File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?.into())
}

/// Copies `bytes` into a new sealed memory file.
async fn seal(bytes: Bytes) -> io::Result<OwnedFd> {
    // Hundreds of megabytes are copied and faulted in here.
    tokio::task::spawn_blocking(move || seal_now(&bytes)).await?
}

fn seal_now(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("spatialclaw", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.write_all(bytes)?;
    fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};

    use super::*;

    #[tokio::test]
    async fn a_sealed_file_can_be_read_and_not_changed() {
        let file = seal(Bytes::from_static(b"tensor")).await.unwrap();
        for file in [reopened(&file).unwrap(), file].map(File::from) {
            let mut read = [0; 6];
            file.read_exact_at(&mut read, 0).unwrap();
            assert_eq!(&read, b"tensor");
            assert!(file.write_at(b"x", 0).is_err());
            assert!(file.set_len(1).is_err());
            assert!(file.set_len(100).is_err());
        }
    }

    #[tokio::test]
    async fn large_files_used_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = ArtifactStore::open(folder.path().to_str().unwrap()).unwrap();
        let blobs = Blobs::new(store.clone(), 2 * LARGE);
        let mut artifacts = Vec::new();
        for value in 0..3 {
            artifacts.push(store.put(vec![value; LARGE as usize].into(), "test").await.unwrap());
        }
        let mut inodes = Vec::new();
        for at in [0, 1, 0, 2, 0, 1] {
            let file = File::from(blobs.get(&artifacts[at]).await.unwrap());
            let mut read = [9];
            file.read_exact_at(&mut read, LARGE - 1).unwrap();
            assert_eq!(usize::from(read[0]), at);
            inodes.push(file.metadata().unwrap().ino());
        }
        assert!(inodes[0] == inodes[2] && inodes[2] == inodes[4], "used in between: {inodes:?}");
        assert_ne!(inodes[1], inodes[5], "made room for the third: {inodes:?}");
    }
}
