//! Pictures as data URIs, small enough to inline.

use std::{collections::HashMap, io::Cursor};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{ImageFormat, ImageReader, Limits};
use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{ArtifactRef, Digest};

use crate::story::{Step, Story};

/// A frame is a thumbnail; what a cell showed is worth a closer look.
const FRAME_EDGE: u32 = 480;
const SHOWN_EDGE: u32 = 1024;
/// Frames past this are counted, not shown: a long video would drown the page.
pub(crate) const FRAMES_SHOWN: usize = 12;
const SHOWN_BYTES_AS_IS: usize = 400_000;
const DECODED_BYTES: u64 = 512 << 20;

/// Every picture of a story, ready to inline.
#[derive(Default)]
pub(crate) struct Album(HashMap<Digest, Result<String, String>>);

impl Album {
    pub(crate) async fn collect(artifacts: &ArtifactStore, story: &Story<'_>) -> Self {
        let mut album = Self::default();
        for frame in story.question.frames.iter().take(FRAMES_SHOWN) {
            album.add(artifacts, &frame.image, FRAME_EDGE, 0).await;
        }
        for step in &story.steps {
            let Step::Cell { observation: Some(seen), .. } = step else { continue };
            for shown in &seen.shown {
                album.add(artifacts, &shown.image, SHOWN_EDGE, SHOWN_BYTES_AS_IS).await;
            }
        }
        album
    }

    async fn add(&mut self, artifacts: &ArtifactStore, picture: &ArtifactRef, edge: u32, as_is: usize) {
        if self.0.contains_key(&picture.digest) {
            return;
        }
        let uri = match artifacts.get(picture).await {
            Err(error) => Err(format!("picture is gone: {error}")),
            Ok(bytes) if bytes.len() <= as_is => Ok(data_uri(&picture.media_type, &bytes)),
            Ok(bytes) => tokio::task::spawn_blocking(move || thumbnail(&bytes, edge))
                .await
                .unwrap_or_else(|error| Err(error.to_string())),
        };
        self.0.insert(picture.digest, uri);
    }

    pub(crate) fn uri(&self, picture: &ArtifactRef) -> Result<&str, &str> {
        match self.0.get(&picture.digest) {
            Some(Ok(uri)) => Ok(uri),
            Some(Err(why)) => Err(why),
            None => Err("not collected"),
        }
    }
}

fn thumbnail(bytes: &[u8], edge: u32) -> Result<String, String> {
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODED_BYTES);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| format!("picture cannot be decoded: {error}"))?;
    let small = picture.thumbnail(edge.min(picture.width()), edge.min(picture.height())).into_rgb8();
    let mut jpeg = Cursor::new(Vec::new());
    small.write_to(&mut jpeg, ImageFormat::Jpeg).map_err(|error| error.to_string())?;
    Ok(data_uri("image/jpeg", jpeg.get_ref()))
}

fn data_uri(media_type: &str, bytes: &[u8]) -> String {
    // The media type comes from the store; only picture types may reach the page.
    let media_type = if media_type.starts_with("image/") { media_type } else { "image/png" };
    format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
}
