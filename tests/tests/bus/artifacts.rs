//! Content-addressed bytes.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use spatialclaw_bus::Error;
use spatialclaw_domain::{ArtifactRef, Digest};

use crate::world::World;

fn file(world: &World, digest: Digest) -> PathBuf {
    let hex = digest.to_string();
    world.artifacts().join(&hex[..2]).join(&hex[2..4]).join(&hex)
}

pub(crate) async fn what_is_put_is_there(world: &World) -> anyhow::Result<()> {
    for bytes in [Bytes::from_static(b"a frame"), Bytes::new(), vec![7; 5 << 20].into()] {
        let artifact = world.bus.artifacts().put(bytes.clone(), "image/png").await?;
        assert_eq!(artifact.digest, Digest::of(&bytes));
        assert_eq!((artifact.size, artifact.media_type.as_str()), (bytes.len() as u64, "image/png"));
        assert!(world.bus.artifacts().holds(artifact.digest).await?);
        assert_eq!(world.bus.artifacts().get(&artifact).await?, bytes);
    }
    Ok(())
}

pub(crate) async fn the_same_bytes_are_stored_once(world: &World) -> anyhow::Result<()> {
    let bytes = Bytes::from_static(b"a frame");
    let first = world.bus.artifacts().put(bytes.clone(), "image/png").await?;
    let written = fs::metadata(file(world, first.digest))?.modified()?;
    let (second, third) = tokio::try_join!(
        world.bus.artifacts().put(bytes.clone(), "image/png"),
        world.bus.artifacts().put(bytes.clone(), "image/png"),
    )?;
    assert_eq!((&second, &third), (&first, &first));
    assert_eq!(fs::metadata(file(world, first.digest))?.modified()?, written);
    Ok(())
}

pub(crate) async fn damage_is_noticed(world: &World) -> anyhow::Result<()> {
    let artifact = world.bus.artifacts().put(Bytes::from_static(b"a frame"), "image/png").await?;
    fs::write(file(world, artifact.digest), b"A frame")?;
    let damaged = world.bus.artifacts().get(&artifact).await;
    assert!(
        matches!(damaged, Err(Error::DamagedArtifact(digest)) if digest == artifact.digest),
        "{damaged:?}"
    );
    // Bytes that were cut off are put right by putting them again.
    fs::write(file(world, artifact.digest), b"a f")?;
    world.bus.artifacts().put(Bytes::from_static(b"a frame"), "image/png").await?;
    assert_eq!(world.bus.artifacts().get(&artifact).await?, "a frame");
    Ok(())
}

pub(crate) async fn what_is_missing_is_said_so(world: &World) -> anyhow::Result<()> {
    let artifact =
        ArtifactRef { digest: Digest::of(b"never put"), size: 9, media_type: "text/plain".to_owned() };
    assert!(!world.bus.artifacts().holds(artifact.digest).await?);
    let missing = world.bus.artifacts().get(&artifact).await;
    assert!(matches!(missing, Err(Error::NoArtifact(digest)) if digest == artifact.digest), "{missing:?}");
    Ok(())
}
