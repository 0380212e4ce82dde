//! Pictures that come out of a kernel: checked to be what they claim, then kept in the artifact store.

use std::{io::Cursor, sync::Arc, time::Duration};

use bytes::Bytes;
use image::{ImageDecoder as _, Limits, codecs::png::PngDecoder};
use spatialclaw_bus::{self as bus, ArtifactStore};
use spatialclaw_domain::ArtifactRef;
use tokio::{sync::Semaphore, time::timeout};

use crate::Config;

const MEDIA_TYPE: &str = "image/png";
/// Bytes of one decoded pixel at most: 16-bit RGBA.
const PIXEL_BYTES: u64 = 8;
/// Pictures decoded at once; decoding is processor time and memory that kernels ask us to spend.
const DECODERS: usize = 2;
/// How long the artifact store may take for one picture.
const STORE_DEADLINE: Duration = Duration::from_secs(30);

/// Why a picture is not kept; for the reader of the cell's output.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the picture has {bytes} bytes, more than {limit}")]
    TooManyBytes { bytes: usize, limit: u64 },
    #[error("the picture has {width}x{height} pixels, more than {limit} in all")]
    TooManyPixels { width: u32, height: u32, limit: u64 },
    #[error("the picture is no readable PNG: {0}")]
    NoPng(#[from] image::ImageError),
    #[error("the artifact store failed")]
    Store(#[from] bus::Error),
    #[error("the artifact store took longer than {STORE_DEADLINE:?}")]
    StoreSlow,
    #[error("the picture could not be checked")]
    Unchecked,
}

/// A kept picture.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) artifact: ArtifactRef,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Checks and keeps.
pub(crate) struct Pictures {
    store: ArtifactStore,
    decoders: Arc<Semaphore>,
    max_bytes: u64,
    max_pixels: u64,
}

impl Pictures {
    pub(crate) fn new(store: ArtifactStore, config: &Config) -> Self {
        Self {
            store,
            decoders: Arc::new(Semaphore::new(DECODERS)),
            max_bytes: config.max_picture.as_u64(),
            max_pixels: config.max_picture_pixels,
        }
    }

    /// Keeps `png` if it is a whole PNG within the bounds.
    pub(crate) async fn keep(&self, png: Bytes) -> Result<Picture, Refusal> {
        if png.len() as u64 > self.max_bytes {
            return Err(Refusal::TooManyBytes { bytes: png.len(), limit: self.max_bytes });
        }
        let permit = Arc::clone(&self.decoders).acquire_owned().await.map_err(|_| Refusal::Unchecked)?;
        let (bytes, max_pixels) = (png.clone(), self.max_pixels);
        let check = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            size(&bytes, max_pixels)
        });
        let (width, height) = check.await.map_err(|_| Refusal::Unchecked)??;
        let artifact = timeout(STORE_DEADLINE, self.store.put(png, MEDIA_TYPE))
            .await
            .map_err(|_| Refusal::StoreSlow)??;
        Ok(Picture { artifact, width, height })
    }
}

/// Width and height of a PNG that decodes to its end.
fn size(png: &[u8], max_pixels: u64) -> Result<(u32, u32), Refusal> {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels * PIXEL_BYTES);
    let decoder = PngDecoder::with_limits(Cursor::new(png), limits)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(Refusal::TooManyPixels { width, height, limit: max_pixels });
    }
    let mut pixels = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut pixels)?;
    Ok((width, height))
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut png = Vec::new();
        let pixels = vec![9; (width * height) as usize];
        PngEncoder::new(&mut png).write_image(&pixels, width, height, ExtendedColorType::L8).unwrap();
        png
    }

    #[test]
    fn a_whole_png_within_bounds_has_a_size() {
        assert_eq!(size(&png(5, 3), 100).unwrap(), (5, 3));
    }

    #[test]
    fn bombs_stumps_and_strangers_are_refused() {
        assert!(matches!(
            size(&png(50, 30), 100),
            Err(Refusal::TooManyPixels { width: 50, height: 30, limit: 100 })
        ));
        let whole = png(50, 30);
        assert!(matches!(size(&whole[..whole.len() / 2], 10_000), Err(Refusal::NoPng(_))));
        assert!(matches!(size(b"GIF89a", 100), Err(Refusal::NoPng(_))));
        assert!(matches!(size(b"", 100), Err(Refusal::NoPng(_))));
    }
}
