//! Content-addressed bytes in an object store.
//!
//! An object lies at `<first two hex digits>/<next two>/<all 64>`, so that no folder grows large. Writing is atomic
//! (the store's own rename or single put) and idempotent: what is there under a digest is what belongs there. Reading
//! verifies the digest.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload, local::LocalFileSystem, path::Path};
use spatialclaw_domain::{ArtifactRef, Digest};

use crate::Error;

/// Where bytes too large for a message lie. Clones share one store.
#[derive(Clone)]
pub struct ArtifactStore {
    store: Arc<dyn ObjectStore>,
    root: Path,
}

impl fmt::Debug for ArtifactStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArtifactStore({}/{})", self.store, self.root)
    }
}

impl ArtifactStore {
    /// Opens the store at `location`: a folder (made if missing), or a URL of S3, GCS or Azure.
    ///
    /// # Errors
    /// If the location cannot be read as one or the folder cannot be made.
    pub fn open(location: &str) -> Result<Self, Error> {
        let bad = |error: &dyn fmt::Display| Error::Config(format!("artifact store `{location}`: {error}"));
        std::fs::create_dir_all(location).map_err(|error| bad(&error))?;
        let store = LocalFileSystem::new_with_prefix(location).map_err(|error| bad(&error))?;
        Ok(Self { store: Arc::new(store), root: Path::default() })
    }

    /// Stores `bytes` under their digest; storing the same bytes again writes nothing.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn put(&self, bytes: Bytes, media_type: &str) -> Result<ArtifactRef, Error> {
        let digest = Digest::of(&bytes);
        let size = bytes.len() as u64;
        // A length that differs can only be damage: write it anew.
        if self.size(digest).await? != Some(size) {
            self.store
                .put(&self.path(digest), PutPayload::from_bytes(bytes))
                .await
                .map_err(|error| Error::carrier("put an artifact", error))?;
        }
        Ok(ArtifactRef { digest, size, media_type: media_type.to_owned() })
    }

    /// The bytes behind `artifact`, verified against its digest.
    ///
    /// # Errors
    /// [`Error::NoArtifact`], [`Error::DamagedArtifact`], or the store's own.
    pub async fn get(&self, artifact: &ArtifactRef) -> Result<Bytes, Error> {
        let digest = artifact.digest;
        let step = |error| match error {
            object_store::Error::NotFound { .. } => Error::NoArtifact(digest),
            error => Error::carrier("get an artifact", error),
        };
        let found = self.store.get(&self.path(digest)).await.map_err(step)?;
        let bytes = found.bytes().await.map_err(step)?;
        if Digest::of(&bytes) == digest { Ok(bytes) } else { Err(Error::DamagedArtifact(digest)) }
    }

    /// Whether the store holds `digest`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn holds(&self, digest: Digest) -> Result<bool, Error> {
        Ok(self.size(digest).await?.is_some())
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, Error> {
        match self.store.head(&self.path(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::carrier("look for an artifact", error)),
        }
    }

    fn path(&self, digest: Digest) -> Path {
        let hex = digest.to_string();
        self.root.clone().join(&hex[..2]).join(&hex[2..4]).join(hex.as_str())
    }
}
