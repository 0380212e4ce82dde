//! Bytes of any still-picture format to an upright 8-bit RGB picture.
//!
//! The format is told by content, never by the file's name. Pixels are counted
//! in the header before anything is decoded. Everything is decoded once, so
//! that a picture that is accepted here opens everywhere; the original bytes are
//! kept where they already are what is wanted, else a PNG is written.
//!
//! Of an animation the first frame counts. Transparency is laid on white.

use std::io::{Cursor, ErrorKind};

use bytes::Bytes;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder as _, ImageError, ImageFormat, ImageReader,
    Limits, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
    metadata::Orientation,
};

use crate::{
    PictureError,
    container::{self, Jpeg},
    sniff,
};

/// Widest pixel any decoder makes: four 32-bit channels.
const BYTES_PER_PIXEL: u64 = 16;
/// What a decoder may need besides its pixels.
const SPARE_BYTES: u64 = 64 << 20;
const MESSAGE_CHARS: usize = 200;

/// An upright 8-bit RGB picture, encoded.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) bytes: Bytes,
    pub(crate) media_type: &'static str,
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
    /// Whether it was stored in another orientation than it is meant to be seen.
    pub(crate) was_turned: bool,
}

/// Makes a picture upright 8-bit RGB. Takes as long as decoding does: call it where it may block.
pub(crate) fn upright(bytes: Bytes, max_pixels: u64) -> Result<Picture, PictureError> {
    let format = format(&bytes)?;
    let jpeg = (format == ImageFormat::Jpeg).then(|| Jpeg::walk(&bytes));
    let is_cut = jpeg.as_ref().is_some_and(|jpeg| !jpeg.is_whole)
        || format == ImageFormat::WebP && container::is_short_riff(&bytes);
    if is_cut {
        return Err(PictureError::Truncated);
    }
    let mut decoder = measured(&bytes, format, max_pixels)?;
    // Unreadable metadata tells of no turn.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let stored = decoder.original_color_type();
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let was_turned = orientation != Orientation::NoTransforms;
    let as_is = match jpeg {
        Some(jpeg) => jpeg.components == 3,
        None => {
            format == ImageFormat::Png && stored == ExtendedColorType::Rgb8 && container::is_plain_png(&bytes)
        }
    };
    if as_is && !was_turned {
        let (width, height) = (image.width(), image.height());
        return Ok(Picture { bytes, media_type: format.to_mime_type(), width, height, was_turned });
    }
    image.apply_orientation(orientation);
    Ok(Picture { was_turned, ..png(&opaque(image))? })
}

/// An 8-bit RGB image as a PNG.
pub(crate) fn png(image: &RgbImage) -> Result<Picture, PictureError> {
    let (width, height) = image.dimensions();
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8)
        .map_err(broken)?;
    Ok(Picture { bytes: bytes.into(), media_type: "image/png", width, height, was_turned: false })
}

/// The format that the content shows.
pub(crate) fn format(bytes: &[u8]) -> Result<ImageFormat, PictureError> {
    let guessed = image::guess_format(bytes).ok();
    guessed
        .filter(ImageFormat::reading_enabled)
        .ok_or_else(|| PictureError::Unknown(sniff::looks_like(bytes)))
}

/// A decoder that has read its header and found no more pixels than allowed.
pub(crate) fn measured<'a>(
    bytes: &'a [u8],
    format: ImageFormat,
    max_pixels: u64,
) -> Result<impl ImageDecoder + use<'a>, PictureError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels.saturating_mul(BYTES_PER_PIXEL).saturating_add(SPARE_BYTES));
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(PictureError::Broken("it has no pixels".into()));
    }
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(PictureError::TooManyPixels { width, height, limit: max_pixels });
    }
    Ok(decoder)
}

/// What a decoder's error means for the picture.
pub(crate) fn broken(error: ImageError) -> PictureError {
    if let ImageError::IoError(cause) = &error
        && cause.kind() == ErrorKind::UnexpectedEof
    {
        return PictureError::Truncated;
    }
    let told = error.to_string();
    let lower = told.to_lowercase();
    if ["unexpected end", "unexpectedeof", "unexpected eof", "failed to fill whole buffer", "exhausted data"]
        .iter()
        .any(|words| lower.contains(words))
    {
        return PictureError::Truncated;
    }
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    PictureError::Broken(told.chars().take(MESSAGE_CHARS).collect())
}

/// RGB, with anything transparent laid on white.
fn opaque(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let image = image.into_rgba8();
    let mut flat = RgbImage::new(image.width(), image.height());
    for (to, from) in flat.pixels_mut().zip(image.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u32::from);
        to.0 = [red, green, blue].map(|channel| ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8);
    }
    flat
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, ImageBuffer, Luma, Rgb, Rgba, RgbaImage, codecs::gif::GifEncoder};

    use super::*;

    const PIXELS: u64 = 1_000_000;

    /// 3×2, every pixel different.
    fn rgb() -> RgbImage {
        RgbImage::from_fn(3, 2, |x, y| Rgb([(x * 80) as u8, (y * 200) as u8, 90]))
    }

    fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Bytes {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner().into()
    }

    fn decoded(picture: &Picture) -> RgbImage {
        let image = image::load_from_memory(&picture.bytes).unwrap();
        assert_eq!((image.width(), image.height()), (picture.width, picture.height));
        assert_eq!(image.color(), image::ColorType::Rgb8);
        image.into_rgb8()
    }

    /// An EXIF block that says how the picture is turned, as an APP1 segment behind the start marker.
    fn turned(jpeg: &[u8], orientation: u8) -> Bytes {
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        let length = (exif.len() as u16 + 2).to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat().into()
    }

    #[test]
    fn what_is_already_right_keeps_its_bytes() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let bytes = encoded(rgb(), format);
            let picture = upright(bytes.clone(), PIXELS).unwrap();
            assert_eq!(picture.bytes, bytes);
            assert_eq!((picture.width, picture.height, picture.was_turned), (3, 2, false));
        }
    }

    #[test]
    fn other_kinds_of_picture_become_rgb() {
        let grey = GrayImage::from_pixel(3, 2, Luma([77]));
        let deep: ImageBuffer<Rgb<u16>, Vec<u16>> = ImageBuffer::from_pixel(3, 2, Rgb([0xffff, 0x8080, 0]));
        let glass = RgbaImage::from_pixel(3, 2, Rgba([0, 100, 200, 0]));
        for (bytes, want) in [
            (encoded(grey, ImageFormat::Jpeg), [77, 77, 77]),
            (encoded(deep, ImageFormat::Png), [255, 128, 0]),
            (encoded(glass, ImageFormat::Png), [255, 255, 255]),
        ] {
            let picture = upright(bytes, PIXELS).unwrap();
            assert_eq!(picture.media_type, "image/png");
            assert!(decoded(&picture).pixels().all(|pixel| pixel.0 == want), "{want:?}");
        }
        for format in [ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
            assert_eq!(decoded(&upright(encoded(rgb(), format), PIXELS).unwrap()), rgb(), "{format:?}");
        }
    }

    #[test]
    fn of_an_animation_the_first_frame_counts() {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new(&mut bytes);
        for red in [255, 0] {
            let frame = RgbaImage::from_pixel(4, 4, Rgba([red, 0, 0, 255]));
            encoder.encode_frame(image::Frame::new(frame)).unwrap();
        }
        drop(encoder);
        let picture = upright(bytes.into(), PIXELS).unwrap();
        assert_eq!(decoded(&picture).get_pixel(0, 0).0, [255, 0, 0]);
    }

    #[test]
    fn an_exif_turn_is_applied() {
        let jpeg = encoded(
            RgbImage::from_fn(32, 16, |x, _| Rgb([if x < 16 { 250 } else { 5 }, 0, 0])),
            ImageFormat::Jpeg,
        );
        let picture = upright(turned(&jpeg, 6), PIXELS).unwrap();
        assert!(picture.was_turned);
        assert_eq!((picture.width, picture.height), (16, 32));
        // Turned clockwise, the left half is on top.
        let image = decoded(&picture);
        assert!(image.get_pixel(8, 4).0[0] > 200 && image.get_pixel(8, 28).0[0] < 50);
        let upright = upright(turned(&jpeg, 1), PIXELS).unwrap();
        assert!(!upright.was_turned && upright.media_type == "image/jpeg");
    }

    #[test]
    fn pixels_are_counted_before_they_are_decoded() {
        let mut bomb = encoded(rgb(), ImageFormat::Png).to_vec();
        bomb[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
        let crc = crc32(&bomb[12..29]).to_be_bytes();
        bomb[29..33].copy_from_slice(&crc);
        let refused = upright(bomb.into(), 100_000_000).unwrap_err();
        assert!(
            matches!(refused, PictureError::TooManyPixels { width: 30_000, height: 30_000, .. }),
            "{refused}"
        );
        assert!(matches!(
            upright(encoded(rgb(), ImageFormat::Jpeg), 5),
            Err(PictureError::TooManyPixels { .. })
        ));
    }

    #[test]
    fn a_picture_cut_short_is_truncated_wherever_it_is_cut() {
        let noise =
            RgbImage::from_fn(64, 64, |x, y| Rgb([(x * y) as u8, (x ^ y) as u8, (x * 7 + y * 13) as u8]));
        for format in
            [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Tiff]
        {
            let whole = encoded(noise.clone(), format);
            for share in [4, 3, 2] {
                let cut = whole.slice(..whole.len() - whole.len() / share);
                let refused = upright(cut, PIXELS).unwrap_err();
                assert!(matches!(refused, PictureError::Truncated), "{format:?} less 1/{share}: {refused}");
            }
        }
    }

    #[test]
    fn what_is_no_picture_says_what_it_looks_like() {
        for (bytes, words) in [
            (&b"%PDF-1.7"[..], "PDF"),
            (b"\0\0\0\x18ftypheic\0\0", "HEIC"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b"hello", "plain text"),
            (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        ] {
            let refused = upright(Bytes::from_static(bytes), PIXELS).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        }
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        })
    }
}
