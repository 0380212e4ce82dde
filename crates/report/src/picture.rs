//! Pictures as data URIs, small enough to inline.

use std::{collections::HashMap, io::Cursor};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{ArtifactRef, Digest};

use crate::story::{Step, Story};

/// A frame is a thumbnail; what a cell showed is worth a closer look.
const FRAME_EDGE: u32 = 480;
const SHOWN_EDGE: u32 = 1024;
/// Frames past this are counted, not shown: a long video would drown the page.
pub(crate) const FRAMES_SHOWN: usize = 12;
/// A PNG as small as this is shown as it is, which keeps drawings crisp.
const BYTES_AS_IS: usize = 400_000;
/// Bytes of all pictures of a page; later ones are counted, not shown.
const PAGE_BYTES: usize = 24 << 20;
/// No honest picture of ours is larger; anything larger is not even fetched.
const FETCHED_BYTES: u64 = 256 << 20;
const DECODED_BYTES: u64 = 512 << 20;

/// Every picture of a story, ready to inline.
#[derive(Default)]
pub(crate) struct Album {
    pictures: HashMap<Digest, Result<String, String>>,
    bytes: usize,
}

impl Album {
    pub(crate) async fn collect(artifacts: &ArtifactStore, story: &Story<'_>) -> Self {
        let mut album = Self::default();
        for frame in story.question.frames.iter().take(FRAMES_SHOWN) {
            album.add(artifacts, &frame.image, FRAME_EDGE).await;
        }
        for step in &story.steps {
            let Step::Cell { observation: Some(seen), .. } = step else { continue };
            for shown in &seen.shown {
                album.add(artifacts, &shown.image, SHOWN_EDGE).await;
            }
        }
        album
    }

    async fn add(&mut self, artifacts: &ArtifactStore, picture: &ArtifactRef, edge: u32) {
        if self.pictures.contains_key(&picture.digest) {
            return;
        }
        let uri = if self.bytes >= PAGE_BYTES {
            Err("is left out: the page holds enough pictures".to_owned())
        } else if picture.size > FETCHED_BYTES {
            Err("is left out: it is too large".to_owned())
        } else {
            fetch(artifacts, picture, edge).await
        };
        self.bytes += uri.as_ref().map_or(0, String::len);
        self.pictures.insert(picture.digest, uri);
    }

    /// A data URI, or why there is none; the reason reads after the picture's name.
    pub(crate) fn uri(&self, picture: &ArtifactRef) -> Result<&str, &str> {
        match self.pictures.get(&picture.digest) {
            Some(Ok(uri)) => Ok(uri),
            Some(Err(why)) => Err(why),
            None => Err("is left out"),
        }
    }
}

async fn fetch(artifacts: &ArtifactStore, picture: &ArtifactRef, edge: u32) -> Result<String, String> {
    let bytes = artifacts.get(picture).await.map_err(|error| format!("cannot be fetched: {error}"))?;
    tokio::task::spawn_blocking(move || inlined(&bytes, edge))
        .await
        .unwrap_or_else(|_| Err("cannot be decoded: the decoder crashed on it".to_owned()))
}

/// Decoded always, whatever its media type says: what a browser is given is known to be a picture.
fn inlined(bytes: &[u8], edge: u32) -> Result<String, String> {
    let broken = |error: &dyn std::fmt::Display| format!("cannot be decoded: {error:.200}");
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| broken(&error))?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODED_BYTES);
    reader.limits(limits);
    let format = reader.format();
    let picture = reader.decode().map_err(|error| broken(&error))?;
    let fits = picture.width() <= edge && picture.height() <= edge;
    if fits && format == Some(ImageFormat::Png) && bytes.len() <= BYTES_AS_IS {
        return Ok(data_uri("image/png", bytes));
    }
    let small = if fits { picture } else { picture.thumbnail(edge, edge) };
    let mut jpeg = Cursor::new(Vec::new());
    let rgb = DynamicImage::from(small.into_rgb8());
    rgb.write_to(&mut jpeg, ImageFormat::Jpeg).map_err(|error| broken(&error))?;
    Ok(data_uri("image/jpeg", jpeg.get_ref()))
}

fn data_uri(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
}
