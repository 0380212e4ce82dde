//! What a picture file says about itself around its pixels.
//!
//! Decoders forgive what a question must not: a JPEG cut short decodes to grey,
//! and a kept file is read again elsewhere, with whatever lies between its
//! pixels. These two walks read markers and chunks only.

/// A JPEG's markers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Jpeg {
    /// 1 grey, 3 colour, 4 CMYK; 0 if it never says.
    pub(crate) components: u8,
    /// Whether the end marker follows the pixels.
    pub(crate) is_whole: bool,
}

impl Jpeg {
    /// Walks a JPEG from its start marker.
    pub(crate) fn walk(bytes: &[u8]) -> Self {
        let mut jpeg = Self { components: 0, is_whole: false };
        let mut at = 2;
        while let Some(marker) = next_marker(bytes, &mut at) {
            match marker {
                0xd9 => {
                    jpeg.is_whole = true;
                    break;
                }
                // Restart and standalone markers carry nothing.
                0x01 | 0xd0..=0xd8 => continue,
                _ => {}
            }
            let Some(length) = bytes.get(at..at + 2).map(|b| usize::from(b[0]) << 8 | usize::from(b[1]))
            else {
                break;
            };
            // Start of frame: length, precision, height, width, components.
            if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
                jpeg.components = bytes.get(at + 7).copied().unwrap_or(0);
            }
            at += length;
        }
        jpeg
    }
}

/// The next marker at or after `at`, which is moved past it. Entropy-coded data is skipped: in it `FF` is always
/// followed by `00` or a restart marker.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        *at += bytes.get(*at..)?.iter().position(|&byte| byte == 0xff)?;
        while bytes.get(*at) == Some(&0xff) {
            *at += 1;
        }
        let marker = *bytes.get(*at)?;
        *at += 1;
        if marker != 0 {
            return Some(marker);
        }
    }
}

/// Whether a RIFF file (WebP) is shorter than it says.
pub(crate) fn is_short_riff(bytes: &[u8]) -> bool {
    let Some(size) = bytes.get(4..8) else { return true };
    size.iter().rev().fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte)) + 8 > bytes.len()
}

/// Chunks that neither change how a PNG's pixels are read nor cost a reader anything.
const HARMLESS: [&[u8; 4]; 9] =
    [b"IHDR", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"tIME"];
const LARGEST_HARMLESS: usize = 64;

/// Whether a PNG holds pixels and nothing that another reader could stumble over: no animation, transparency, palette,
/// profile or compressed text.
pub(crate) fn is_plain_png(bytes: &[u8]) -> bool {
    let mut at = 8;
    loop {
        let (Some(length), Some(kind)) = (bytes.get(at..at + 4), bytes.get(at + 4..at + 8)) else {
            return false;
        };
        let length = length.iter().fold(0_usize, |sum, &byte| sum << 8 | usize::from(byte));
        let fits = kind == b"IDAT" || length <= LARGEST_HARMLESS;
        if !fits || !HARMLESS.iter().any(|harmless| *harmless == kind) {
            return false;
        }
        at += 12 + length;
        if kind == b"IEND" {
            return at == bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_is_whole_only_with_its_end_marker_after_the_pixels() {
        let thumbnail_end_in_exif = [0xff, 0xe1, 0x00, 0x04, 0xff, 0xd9];
        let frame = [0xff, 0xc0, 0x00, 0x0b, 8, 0, 1, 0, 1, 3, 0, 0, 0];
        let scan = [0xff, 0xda, 0x00, 0x02, 0x11, 0xff, 0x00, 0xd9, 0xff, 0xd0, 0x22];
        let cut = [&[0xff, 0xd8][..], &thumbnail_end_in_exif, &frame, &scan].concat();
        assert_eq!(Jpeg::walk(&cut), Jpeg { components: 3, is_whole: false });
        let whole = [&cut[..], &[0xff, 0xff, 0xd9], b"trailer"].concat();
        assert_eq!(Jpeg::walk(&whole), Jpeg { components: 3, is_whole: true });
        for end in 0..whole.len() {
            Jpeg::walk(&whole[..end]);
        }
    }
}
