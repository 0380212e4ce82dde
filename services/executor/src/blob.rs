//! Bytes as a sealed memory file: nobody can change or shrink it, whoever holds a descriptor.

use std::{fs::File, io, io::Write as _, os::fd::OwnedFd};

use bytes::Bytes;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// Copies `bytes` into a new sealed memory file.
pub(crate) async fn seal(bytes: Bytes) -> io::Result<OwnedFd> {
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
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[tokio::test]
    async fn a_sealed_file_can_be_read_and_not_changed() {
        let file = File::from(seal(Bytes::from_static(b"tensor")).await.unwrap());
        let mut read = [0; 6];
        file.read_exact_at(&mut read, 0).unwrap();
        assert_eq!(&read, b"tensor");
        assert!(file.write_at(b"x", 0).is_err());
        assert!(file.set_len(1).is_err());
        assert!(file.set_len(100).is_err());
    }
}
