//! Pictures and measurements out of the artifact store, into views.

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{ArtifactRef, Fault, FaultKind, Frame, Pose};
use spatialclaw_models::pod::{MESSAGE_LIMIT, Measured, View};

use crate::{rigid, route::Way};

const CONCURRENT_READS: usize = 8;

/// What of a frame a pod is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Depth.
    Depth,
    /// Masks.
    Masks,
}

/// The views of `frames`, in order.
///
/// # Errors
/// `invalid` if they are too large for one call, else the store's own.
pub(crate) async fn views(
    store: &ArtifactStore,
    frames: &[&Frame],
    way: Way,
    want: Want,
) -> Result<Vec<View>, Fault> {
    let bytes: u64 = frames.iter().map(|frame| weight(frame, way, want)).sum();
    if bytes > MESSAGE_LIMIT as u64 {
        return Err(Fault::new(
            FaultKind::Invalid,
            format!(
                "{} frames weigh {} MiB, over the {} MiB that one call to a pod carries: ask for fewer at once",
                frames.len(),
                bytes >> 20,
                MESSAGE_LIMIT >> 20
            ),
        ));
    }
    let reads: Vec<_> = frames.iter().map(|frame| view(store, frame, way, want)).collect();
    stream::iter(reads).buffered(CONCURRENT_READS).try_collect().await
}

fn weight(frame: &Frame, way: Way, want: Want) -> u64 {
    match (way, want) {
        (Way::Measured, Want::Depth) => frame.depth.as_ref().map_or(0, |depth| depth.artifact.size),
        (Way::Measured, Want::Masks) => frame.instances.as_ref().map_or(0, |map| map.artifact.size),
        _ => frame.image.size,
    }
}

async fn view(store: &ArtifactStore, frame: &Frame, way: Way, want: Want) -> Result<View, Fault> {
    let mut view = View {
        width: frame.width,
        height: frame.height,
        intrinsics: frame.intrinsics,
        w2c: frame.pose.map(|Pose(c2w)| rigid::inverse(&c2w)),
        ..View::default()
    };
    match way {
        Way::Measured => view.measured = Some(measured(store, frame, want).await?),
        Way::Stereo | Way::Pictures => view.image = get(store, &frame.image).await?,
    }
    Ok(view)
}

async fn measured(store: &ArtifactStore, frame: &Frame, want: Want) -> Result<Measured, Fault> {
    let mut measured = Measured::default();
    match want {
        Want::Depth => {
            if let Some(depth) = &frame.depth {
                measured.depth = get(store, &depth.artifact).await?;
                measured.metres_per_unit = depth.metres_per_unit;
            }
        }
        Want::Masks => {
            if let Some(map) = &frame.instances {
                measured.instances = get(store, &map.artifact).await?;
                measured.labels = map.labels.clone();
            }
        }
    }
    Ok(measured)
}

async fn get(store: &ArtifactStore, artifact: &ArtifactRef) -> Result<Bytes, Fault> {
    Ok(store.get(artifact).await?)
}
