//! Pictures made on the spot.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

/// A PNG with a colour gradient.
///
/// # Panics
/// If the encoder fails, which it does not for memory.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        Rgb([(255 * x / width) as u8, (255 * y / height) as u8, 128])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).expect("a PNG is written to memory");
    bytes.into_inner()
}
