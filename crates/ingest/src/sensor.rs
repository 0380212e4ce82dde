//! What a device measured beside a picture: depth and instance masks.
//!
//! Both are kept byte for byte. They are decoded here once all the same, so
//! that a file that is cut short is the row's error and not a pod's.

use std::collections::{BTreeMap, BTreeSet};

use image::{ColorType, DynamicImage, ExtendedColorType, ImageDecoder as _, ImageFormat};

use crate::{
    PictureError,
    picture::{broken, format, measured},
    sniff,
};

const NPY_MAGIC: &[u8] = b"\x93NUMPY";
const NPY_MEDIA_TYPE: &str = "application/x-npy";
const IDS_TOLD: usize = 8;

/// Width and height, pixels.
pub(crate) type Size = (u32, u32);

/// Checks a depth map for a picture of `size`; returns its media type.
pub(crate) fn depth(bytes: &[u8], size: Size, max_pixels: u64) -> Result<&'static str, PictureError> {
    if bytes.starts_with(NPY_MAGIC) {
        npy(bytes, size, max_pixels)?;
        return Ok(NPY_MEDIA_TYPE);
    }
    let (image, stored) = grey_png(bytes, size, max_pixels, "a 16-bit grey PNG or a float32 .npy")?;
    match image {
        DynamicImage::ImageLuma16(image) if stored == ExtendedColorType::L16 => {
            if image.as_raw().iter().all(|&value| value == 0) {
                return Err(unfit("holds no reading: every pixel is 0"));
            }
            Ok("image/png")
        }
        image => Err(unfit(format!(
            "is a PNG of {}, but depth must be 16-bit grey (or a float32 .npy)",
            kind(image.color())
        ))),
    }
}

/// Checks instance masks for a picture of `size`; returns the ids in it, background left out.
pub(crate) fn masks(bytes: &[u8], size: Size, max_pixels: u64) -> Result<BTreeSet<u32>, PictureError> {
    let (image, stored) = grey_png(bytes, size, max_pixels, "an 8- or 16-bit grey PNG of ids")?;
    let mut seen = vec![false; 1 << 16];
    match image {
        DynamicImage::ImageLuma8(image) if stored == ExtendedColorType::L8 => {
            image.as_raw().iter().for_each(|&id| seen[usize::from(id)] = true);
        }
        DynamicImage::ImageLuma16(image) if stored == ExtendedColorType::L16 => {
            image.as_raw().iter().for_each(|&id| seen[usize::from(id)] = true);
        }
        image => {
            let told = kind(image.color());
            return Err(unfit(format!(
                "is a PNG of {told}, but masks must be 8- or 16-bit grey without a palette"
            )));
        }
    }
    Ok((1..1 << 16).filter(|&id| seen[id as usize]).collect())
}

/// Refuses masks none of whose ids has a name.
pub(crate) fn named(ids: &BTreeSet<u32>, labels: &BTreeMap<u32, String>) -> Result<(), PictureError> {
    if ids.is_empty() || ids.iter().any(|id| labels.contains_key(id)) {
        return Ok(());
    }
    let list = |ids: &mut dyn Iterator<Item = &u32>| {
        ids.take(IDS_TOLD).map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    Err(unfit(format!(
        "holds none of the ids that `labels` names: it holds {}, and labels name {}",
        list(&mut ids.iter()),
        list(&mut labels.keys())
    )))
}

fn grey_png(
    bytes: &[u8],
    size: Size,
    max_pixels: u64,
    wanted: &str,
) -> Result<(DynamicImage, ExtendedColorType), PictureError> {
    if format(bytes).ok() != Some(ImageFormat::Png) {
        return Err(unfit(format!("is {}, not {wanted}", sniff::looks_like(bytes))));
    }
    let decoder = measured(bytes, ImageFormat::Png, max_pixels)?;
    same_aspect(decoder.dimensions(), size)?;
    let stored = decoder.original_color_type();
    Ok((DynamicImage::from_decoder(decoder).map_err(broken)?, stored))
}

/// A resized copy may be off by the rounding of one pixel.
fn same_aspect((width, height): Size, (of_width, of_height): Size) -> Result<(), PictureError> {
    let [width, height, of_width, of_height] = [width, height, of_width, of_height].map(u64::from);
    if (width * of_height).abs_diff(height * of_width) <= of_width.max(of_height) {
        return Ok(());
    }
    Err(unfit(format!(
        "is {width}×{height}, not of the same shape as its picture ({of_width}×{of_height}): both must show the same view"
    )))
}

/// A little-endian float32 array of (height, width), C order.
fn npy(bytes: &[u8], size: Size, max_pixels: u64) -> Result<(), PictureError> {
    let wrong = || unfit("has a damaged .npy header");
    let (start, length) = match bytes.get(6).ok_or_else(wrong)? {
        1 => (10, bytes.get(8..10).map(|b| usize::from(b[0]) | usize::from(b[1]) << 8)),
        _ => {
            (12, bytes.get(8..12).map(|b| b.iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte))))
        }
    };
    let end = start + length.ok_or_else(wrong)?;
    let header = bytes.get(start..end).and_then(|text| str::from_utf8(text).ok()).ok_or_else(wrong)?;
    let dtype = npy_value(header, "descr").ok_or_else(wrong)?;
    if !dtype.starts_with("'<f4'") {
        let told = dtype.split(',').next().unwrap_or_default();
        return Err(unfit(format!("is a .npy of dtype {told}: save it as float32 (`depth.astype('<f4')`)")));
    }
    if !npy_value(header, "fortran_order").ok_or_else(wrong)?.starts_with("False") {
        return Err(unfit("is a .npy in Fortran order: save it with np.ascontiguousarray"));
    }
    let (height, width) =
        npy_shape(header).ok_or_else(|| unfit("is a .npy that is not of shape (height, width)"))?;
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(PictureError::TooManyPixels { width, height, limit: max_pixels });
    }
    same_aspect((width, height), size)?;
    readings(&bytes[end..], width as usize * height as usize)
}

fn npy_value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = header.split_once(&format!("'{key}':"))?;
    Some(after.trim_start())
}

fn npy_shape(header: &str) -> Option<(u32, u32)> {
    let (inside, _) = npy_value(header, "shape")?.strip_prefix('(')?.split_once(')')?;
    let sides: Vec<u32> = inside.split(',').map(|side| side.trim().parse().ok()).collect::<Option<_>>()?;
    match sides[..] {
        [height, width] if height > 0 && width > 0 => Some((height, width)),
        _ => None,
    }
}

fn readings(data: &[u8], count: usize) -> Result<(), PictureError> {
    if data.len() < count * 4 {
        return Err(PictureError::Truncated);
    }
    if data.len() > count * 4 {
        return Err(unfit("is a .npy longer than its header says"));
    }
    let mut any = false;
    for value in data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])) {
        if value < 0.0 && value.is_finite() {
            return Err(unfit(format!(
                "holds the negative depth {value}: use 0 or NaN where there is no reading"
            )));
        }
        any |= value > 0.0 && value.is_finite();
    }
    if any { Ok(()) } else { Err(unfit("holds no reading: every value is 0 or not finite")) }
}

fn unfit(problem: impl Into<String>) -> PictureError {
    PictureError::Unfit(problem.into())
}

fn kind(color: ColorType) -> &'static str {
    match color {
        ColorType::L8 => "8-bit grey (or less)",
        ColorType::L16 => "16-bit grey",
        ColorType::La8 | ColorType::La16 => "grey with transparency",
        _ => "colour (or with a palette)",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{GrayImage, ImageBuffer, Luma, RgbImage};

    use super::*;

    const SIZE: Size = (640, 480);
    const PIXELS: u64 = 1_000_000;

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.into().write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn grey16(width: u32, height: u32, value: u16) -> Vec<u8> {
        png(ImageBuffer::<Luma<u16>, _>::from_pixel(width, height, Luma([value])))
    }

    fn numpy(dtype: &str, order: &str, shape: &str, data: &[f32]) -> Vec<u8> {
        let header = format!("{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        data.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        bytes
    }

    #[test]
    fn depth_is_16_bit_grey_or_float32_of_the_same_shape() {
        assert_eq!(depth(&grey16(320, 240, 1500), SIZE, PIXELS).unwrap(), "image/png");
        assert_eq!(depth(&grey16(213, 160, 1500), SIZE, PIXELS).unwrap(), "image/png");
        let mut values = vec![f32::NAN; 12];
        values[5] = 1.5;
        assert_eq!(depth(&numpy("<f4", "False", "(3, 4)", &values), SIZE, PIXELS).unwrap(), NPY_MEDIA_TYPE);
    }

    #[test]
    fn depth_that_cannot_be_used_says_why() {
        let mut cut = grey16(320, 240, 1500);
        cut.truncate(cut.len() / 2);
        for (bytes, words) in [
            (grey16(240, 320, 1500), "240×320, not of the same shape"),
            (grey16(320, 240, 0), "no reading"),
            (png(GrayImage::from_pixel(320, 240, Luma([9]))), "8-bit grey"),
            (png(RgbImage::new(320, 240)), "colour"),
            (cut, "truncated"),
            (b"\xff\xd8\xff\xe0".to_vec(), "is a JPEG picture, not a 16-bit grey PNG"),
            (numpy("<f8", "False", "(3, 4)", &[1.0; 12]), "'<f8'"),
            (numpy("<f4", "True", "(3, 4)", &[1.0; 12]), "Fortran"),
            (numpy("<f4", "False", "(12,)", &[1.0; 12]), "(height, width)"),
            (numpy("<f4", "False", "(3, 4)", &[1.0; 11]), "truncated"),
            (numpy("<f4", "False", "(3, 4)", &[1.0; 13]), "longer than its header"),
            (numpy("<f4", "False", "(3, 4)", &[-1.0; 12]), "negative depth -1"),
            (numpy("<f4", "False", "(3, 4)", &[f32::INFINITY; 12]), "no reading"),
            (numpy("<f4", "False", "(30000, 40000)", &[]), "40000×30000"),
            (b"\x93NUMPY\x01\x00\xff\xff".to_vec(), "damaged .npy header"),
        ] {
            let refused = depth(&bytes, SIZE, PIXELS).unwrap_err().to_string();
            assert!(refused.contains(words), "{words}: {refused}");
        }
    }

    #[test]
    fn masks_tell_their_ids_and_must_share_one_with_the_labels() {
        let ids =
            masks(&png(GrayImage::from_fn(320, 240, |x, _| Luma([(x % 3) as u8]))), SIZE, PIXELS).unwrap();
        assert_eq!(ids, BTreeSet::from([1, 2]));
        let labels = |ids: &[u32]| ids.iter().map(|&id| (id, "chair".to_owned())).collect();
        named(&ids, &labels(&[2, 9])).unwrap();
        named(&BTreeSet::new(), &labels(&[9])).unwrap();
        let refused = named(&ids, &labels(&[9])).unwrap_err().to_string();
        assert!(refused.contains("holds 1, 2") && refused.contains("name 9"), "{refused}");
        assert!(
            masks(&png(RgbImage::new(320, 240)), SIZE, PIXELS).unwrap_err().to_string().contains("colour")
        );
    }
}
