//! A row and its files to a [`Question`].
//!
//! One picture of a row is decoded at a time, off the async threads; how many
//! rows are worked on at once is the caller's bound on memory.

use std::collections::BTreeSet;

use bytes::Bytes;
use spatialclaw_bus::{self as bus, ArtifactStore};
use spatialclaw_domain::{
    ArtifactRef, DepthMap, Frame, InstanceMap, Intrinsics, Question, SessionId, StereoRig, Video,
};
use tokio::time::timeout;

use crate::{
    Error, FileError, FrameSpec, Limits, MaskSpec, Media, PictureError, Row, Source, VideoError,
    picture::{self, Picture},
    sensor,
    video::{Probe, Sample, Sampler},
};

/// Makes a row a question: its pictures are checked, made upright 8-bit RGB and put into `artifacts`.
///
/// The session is a fresh one; [`Row::session`] names one that survives a restart.
///
/// Cancel safety: dropping the future leaves at most some pictures in the store, where they are found again.
///
/// # Errors
/// The first file that cannot be used, by key and name; or [`Error::Store`].
pub async fn question(
    row: &Row,
    source: &dyn Source,
    artifacts: &ArtifactStore,
    limits: &Limits,
) -> Result<Question, Error> {
    let desk = Desk { source, artifacts, limits };
    let (frames, video) = match &row.media {
        Media::Images(names) => (desk.images(names).await?, None),
        Media::Frames(specs) => (desk.frames(specs, row.stereo.as_ref()).await?, None),
        Media::Video(name) => desk.video(name).await.map(|(frames, video)| (frames, Some(video)))?,
    };
    Ok(Question {
        session: SessionId::random(),
        label: row.id.clone(),
        text: row.question.clone(),
        frames,
        stereo: row.stereo,
        world_up: row.world_up,
        video,
        choices: row.choices.clone(),
        answer_type: row.answer_type,
        unit: row.unit.clone(),
        budget: limits.budget.clone(),
    })
}

/// Where files come from, where they go, and how much they may be.
struct Desk<'a> {
    source: &'a dyn Source,
    artifacts: &'a ArtifactStore,
    limits: &'a Limits,
}

impl Desk<'_> {
    async fn images(&self, names: &[String]) -> Result<Vec<Frame>, Error> {
        let mut frames = Vec::with_capacity(names.len());
        for (index, name) in (0..).zip(names) {
            let picture = self.picture(&format!("images[{index}]"), name).await?;
            frames.push(self.bare(index, picture).await?);
        }
        Ok(frames)
    }

    async fn frames(&self, specs: &[FrameSpec], stereo: Option<&StereoRig>) -> Result<Vec<Frame>, Error> {
        let mut frames = Vec::with_capacity(specs.len());
        let mut ids = BTreeSet::new();
        for (at, spec) in specs.iter().enumerate() {
            let in_stereo = stereo.is_some_and(|rig| rig.left == spec.index || rig.right == spec.index);
            frames.push(self.frame(&format!("frames[{at}]"), spec, in_stereo, &mut ids).await?);
        }
        labelled(specs, &ids)?;
        stereo.map_or(Ok(()), |rig| same_size(rig, &frames))?;
        Ok(frames)
    }

    /// One frame with what was measured; `ids` gathers the instance ids seen in the row.
    async fn frame(
        &self,
        key: &str,
        spec: &FrameSpec,
        in_stereo: bool,
        ids: &mut BTreeSet<u32>,
    ) -> Result<Frame, Error> {
        let image_key = format!("{key}.image");
        let picture = self.picture(&image_key, &spec.image).await?;
        if picture.was_turned && (spec.is_calibrated() || in_stereo) {
            return Err(Error::file(&image_key, &spec.image, PictureError::TurnedAndMeasured));
        }
        let size = (picture.width, picture.height);
        spec.intrinsics.map_or(Ok(()), |k| centred(&format!("{key}.intrinsics"), &k, size))?;
        let mut frame = self.bare(spec.index, picture).await?;
        frame.time_s = spec.time_s;
        frame.intrinsics = spec.intrinsics;
        frame.pose = spec.pose;
        if let Some(depth) = &spec.depth {
            let artifact = self.depth(&format!("{key}.depth.file"), &depth.file, size).await?;
            frame.depth = Some(DepthMap { artifact, metres_per_unit: depth.metres_per_unit });
        }
        if let Some(masks) = &spec.masks {
            let artifact = self.masks(&format!("{key}.masks.file"), masks, size, ids).await?;
            frame.instances = Some(InstanceMap { artifact, labels: masks.labels.clone() });
        }
        Ok(frame)
    }

    async fn depth(&self, key: &str, name: &str, size: sensor::Size) -> Result<ArtifactRef, Error> {
        let bytes = self.read(key, name).await?;
        let pixels = self.limits.max_image_pixels;
        let checked = aside(bytes.clone(), move |bytes| sensor::depth(&bytes, size, pixels)).await;
        let media_type = checked.map_err(|cause| Error::file(key, name, cause))?;
        self.keep(bytes, media_type).await
    }

    async fn masks(
        &self,
        key: &str,
        spec: &MaskSpec,
        size: sensor::Size,
        ids: &mut BTreeSet<u32>,
    ) -> Result<ArtifactRef, Error> {
        let bytes = self.read(key, &spec.file).await?;
        let pixels = self.limits.max_image_pixels;
        let checked = aside(bytes.clone(), move |bytes| sensor::masks(&bytes, size, pixels)).await;
        ids.extend(checked.map_err(|cause| Error::file(key, &spec.file, cause))?);
        self.keep(bytes, "image/png").await
    }

    async fn video(&self, name: &str) -> Result<(Vec<Frame>, Video), Error> {
        let refused = |cause: FileError| Error::file("video", name, cause);
        let local = self.source.local(name, self.limits.max_video_bytes).await.map_err(refused)?;
        let deadline = self.limits.video_deadline;
        timeout(deadline, self.sampled(name, local.path()))
            .await
            .unwrap_or_else(|_| Err(refused(VideoError::Deadline { seconds: deadline.as_secs() }.into())))
    }

    async fn sampled(&self, name: &str, path: &std::path::Path) -> Result<(Vec<Frame>, Video), Error> {
        let refused = |cause: VideoError| Error::file("video", name, cause);
        let mut probe = Probe::read(path, self.limits).await.map_err(refused)?;
        let frames = match self.sample(name, path, &probe).await {
            // Some packets are no frames: count what can be decoded and sample that.
            Err(Error::File { cause: FileError::Video(VideoError::EndsEarly { .. }), .. }) => {
                probe.recount(path, self.limits).await.map_err(refused)?;
                self.sample(name, path, &probe).await?
            }
            other => other?,
        };
        Ok((frames, probe.video))
    }

    async fn sample(&self, name: &str, path: &std::path::Path, probe: &Probe) -> Result<Vec<Frame>, Error> {
        let refused = |cause: FileError| Error::file("video", name, cause);
        let mut sampler = Sampler::start(path, self.limits, probe).map_err(|cause| refused(cause.into()))?;
        let mut frames = Vec::new();
        while let Some(Sample { index, time_s, image }) =
            sampler.next().await.map_err(|cause| refused(cause.into()))?
        {
            let picture = aside(image, |image| picture::png(&image)).await;
            let frame = self.bare(index, picture.map_err(|cause| refused(cause.into()))?).await?;
            frames.push(Frame { time_s: Some(time_s), ..frame });
        }
        Ok(frames)
    }

    async fn picture(&self, key: &str, name: &str) -> Result<Picture, Error> {
        let bytes = self.read(key, name).await?;
        let pixels = self.limits.max_image_pixels;
        let made = aside(bytes, move |bytes| picture::upright(bytes, pixels)).await;
        made.map_err(|cause| Error::file(key, name, cause))
    }

    async fn read(&self, key: &str, name: &str) -> Result<Bytes, Error> {
        let read = self.source.read(name, self.limits.max_image_bytes).await;
        read.map_err(|cause| Error::file(key, name, cause))
    }

    /// A frame of a picture alone.
    async fn bare(&self, index: u32, picture: Picture) -> Result<Frame, Error> {
        let Picture { bytes, media_type, width, height, .. } = picture;
        let image = self.keep(bytes, media_type).await?;
        Ok(Frame {
            index,
            image,
            width,
            height,
            time_s: None,
            intrinsics: None,
            pose: None,
            depth: None,
            instances: None,
        })
    }

    async fn keep(&self, bytes: Bytes, media_type: &str) -> Result<ArtifactRef, Error> {
        self.artifacts.put(bytes, media_type).await.map_err(|error: bus::Error| Error::Store(error))
    }
}

/// Decodes where it may block. A decoder that panics is the picture's fault.
async fn aside<I: Send + 'static, T: Send + 'static>(
    input: I,
    work: impl FnOnce(I) -> Result<T, PictureError> + Send + 'static,
) -> Result<T, PictureError> {
    let done = tokio::task::spawn_blocking(move || work(input)).await;
    done.unwrap_or_else(|_| Err(PictureError::Broken("the decoder crashed on it".into())))
}

/// Intrinsics of another resolution put the principal point outside the picture.
fn centred(key: &str, k: &Intrinsics, (width, height): sensor::Size) -> Result<(), Error> {
    for (name, value, side, what) in [("cx", k.cx, width, "wide"), ("cy", k.cy, height, "high")] {
        if value > f64::from(side) {
            let problem = format!(
                "is {value}, but the picture is {side} pixels {what}: are they of another resolution?"
            );
            return Err(Error::value(format!("{key}.{name}"), problem));
        }
    }
    Ok(())
}

/// Masks that show instances must name one of them somewhere in the row.
fn labelled(specs: &[FrameSpec], ids: &BTreeSet<u32>) -> Result<(), Error> {
    let all = specs.iter().filter_map(|spec| spec.masks.as_ref());
    let labels = all.flat_map(|masks| masks.labels.clone()).collect();
    let first = specs.iter().enumerate().find_map(|(at, spec)| Some((at, spec.masks.as_ref()?)));
    let Some((at, masks)) = first else { return Ok(()) };
    sensor::named(ids, &labels)
        .map_err(|cause| Error::file(&format!("frames[{at}].masks.file"), &masks.file, cause))
}

/// A rectified pair has one size.
fn same_size(rig: &StereoRig, frames: &[Frame]) -> Result<(), Error> {
    let size =
        |index| frames.iter().find(|frame| frame.index == index).map(|frame| (frame.width, frame.height));
    match (size(rig.left), size(rig.right)) {
        (Some(left), Some(right)) if left != right => {
            let problem = format!(
                "is {}×{} and the left frame {}×{}: a rectified pair has one size",
                right.0, right.1, left.0, left.1
            );
            Err(Error::value("stereo.right", problem))
        }
        _ => Ok(()),
    }
}
