//! Content-addressed bytes in an object store.
//!
//! An object lies at `<first two hex digits>/<next two>/<all 64>`, so that no folder grows large. Writing is atomic
//! (the store's own rename or single put) and idempotent: what is there under a digest, with its length, is what
//! belongs there. Reading verifies the digest.
//!
//! | location | store | credentials |
//! |---|---|---|
//! | a path, or `file:///…` | a folder | – |
//! | `s3://bucket/prefix` | S3 and what speaks it | environment `AWS_*` (`AWS_ENDPOINT`, `AWS_ALLOW_HTTP` for others) |
//! | `gs://bucket/prefix` | Google Cloud Storage | environment `GOOGLE_*` |
//! | `az://container/prefix` | Azure Blob Storage | environment `AZURE_*` |
//!
//! An artifact is held in memory whole, once, while it is put or got.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use object_store::{
    ObjectStore, ObjectStoreExt as _, ObjectStoreScheme, PutPayload, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, local::LocalFileSystem, path::Path,
};
use spatialclaw_domain::{ArtifactRef, Digest};
use url::Url;

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
        let bad = |error: &dyn fmt::Display| Error::Config(format!("bus.artifacts `{location}`: {error}"));
        // Anything without a scheme is a path; a scheme has at least two letters, so `c:` is none.
        let url = Url::parse(location).ok().filter(|url| url.scheme().len() > 1);
        let (store, root) = match url {
            None => (folder(location.as_ref())?, Path::default()),
            Some(url) if url.scheme() == "file" => {
                let path = url.to_file_path().map_err(|()| bad(&"it names no local folder"))?;
                (folder(&path)?, Path::default())
            }
            Some(url) => cloud(&url).map_err(|error| bad(&error))?,
        };
        Ok(Self { store, root })
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

fn folder(path: &std::path::Path) -> Result<Arc<dyn ObjectStore>, Error> {
    let bad =
        |error: &dyn fmt::Display| Error::Config(format!("bus.artifacts `{}`: {error}", path.display()));
    std::fs::create_dir_all(path).map_err(|error| bad(&error))?;
    let store = LocalFileSystem::new_with_prefix(path).map_err(|error| bad(&error))?;
    Ok(Arc::new(store))
}

/// Only variables with the store's own prefix are read: a bare `TOKEN` or `REGION` is somebody else's.
fn cloud(url: &Url) -> Result<(Arc<dyn ObjectStore>, Path), Box<dyn std::error::Error>> {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let unknown = "expected a folder, s3://, gs:// or az://";
    let (scheme, root) = ObjectStoreScheme::parse(url).map_err(|_| unknown)?;
    let store: Arc<dyn ObjectStore> = match scheme {
        ObjectStoreScheme::AmazonS3 => Arc::new(AmazonS3Builder::from_env().with_url(url.as_str()).build()?),
        ObjectStoreScheme::GoogleCloudStorage => {
            Arc::new(GoogleCloudStorageBuilder::from_env().with_url(url.as_str()).build()?)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            Arc::new(MicrosoftAzureBuilder::from_env().with_url(url.as_str()).build()?)
        }
        _ => return Err(unknown.into()),
    };
    Ok((store, root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_folder_or_a_cloud() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("made/if missing");
        ArtifactStore::open(path.to_str().unwrap()).unwrap();
        assert!(path.is_dir());
        let file = Url::from_file_path(home.path().join("file")).unwrap();
        ArtifactStore::open(file.as_str()).unwrap();
        assert!(home.path().join("file").is_dir());
        let s3 = ArtifactStore::open("s3://bucket/some/prefix").unwrap();
        let hex = Digest::of(b"x").to_string();
        let expected = format!("some/prefix/{}/{}/{hex}", &hex[..2], &hex[2..4]);
        assert_eq!(s3.path(Digest::of(b"x")).as_ref(), expected);
    }

    #[test]
    fn a_location_of_no_store_is_named() {
        for location in ["ftp://host/x", "https://example.com/x", "memory:///"] {
            let text = ArtifactStore::open(location).unwrap_err().to_string();
            assert!(text.contains(location) && text.contains("s3://"), "{text}");
        }
    }
}
