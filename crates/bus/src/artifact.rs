//! Content-addressed bytes in an object store.

use bytes::Bytes;
use spatialclaw_domain::{ArtifactRef, Digest};

use crate::Error;

/// Where bytes too large for a message lie. Clones share one store.
#[derive(Clone, Debug)]
pub struct ArtifactStore {}

impl ArtifactStore {
    /// Opens the store at `location`: a folder (made if missing), or a URL of S3, GCS or Azure.
    ///
    /// # Errors
    /// If the location cannot be read as one or the folder cannot be made.
    pub fn open(_location: &str) -> Result<Self, Error> {
        todo!()
    }

    /// Stores `bytes` under their digest; storing the same bytes again writes nothing.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn put(&self, _bytes: Bytes, _media_type: &str) -> Result<ArtifactRef, Error> {
        todo!()
    }

    /// The bytes behind `artifact`, verified against its digest.
    ///
    /// # Errors
    /// [`Error::NoArtifact`], [`Error::DamagedArtifact`], or the store's own.
    pub async fn get(&self, _artifact: &ArtifactRef) -> Result<Bytes, Error> {
        todo!()
    }

    /// Whether the store holds `digest`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn holds(&self, _digest: Digest) -> Result<bool, Error> {
        todo!()
    }
}
