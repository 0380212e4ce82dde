//! Measured depth: 16-bit grey PNG or little-endian f32 `.npy`.

use super::instances::grey_png;

const NPY_MAGIC: &[u8] = b"\x93NUMPY";
/// A header is a short Python dictionary; numpy itself refuses longer ones.
const NPY_HEADER: usize = 10_000;

/// Depth in metres, row by row; 0 = no reading.
#[derive(Debug, PartialEq)]
pub(super) struct Grid {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) metres: Vec<f32>,
}

/// Decodes either format, refusing more than `max_pixels` before allocating.
pub(super) fn decode(bytes: &[u8], metres_per_unit: f64, max_pixels: u64) -> Result<Grid, String> {
    if bytes.starts_with(NPY_MAGIC) {
        let (width, height, values) = npy(bytes, max_pixels)?;
        let value = |raw: &[u8]| f64::from(f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]));
        let metres = values.chunks_exact(4).map(|raw| reading(value(raw) * metres_per_unit)).collect();
        return Ok(Grid { width, height, metres });
    }
    let picture = grey_png(bytes, max_pixels)?;
    if picture.bits != 16 {
        return Err(format!("a grey PNG of {} bits; depth needs 16", picture.bits));
    }
    let metres = picture.values.iter().map(|&v| reading(f64::from(v) * metres_per_unit)).collect();
    Ok(Grid { width: picture.width, height: picture.height, metres })
}

fn reading(metres: f64) -> f32 {
    let metres = metres as f32;
    if metres.is_finite() && metres > 0.0 { metres } else { 0.0 }
}

/// Width, height and the raw values of a two-dimensional `<f4` array in C order.
fn npy(bytes: &[u8], max_pixels: u64) -> Result<(u32, u32, &[u8]), String> {
    let cut = || "the .npy file is cut short".to_owned();
    let version = *bytes.get(6).ok_or_else(cut)?;
    let (start, length) = match version {
        1 => (10, bytes.get(8..10).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]])))),
        2 | 3 => (12, bytes.get(8..12).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize)),
        other => return Err(format!("a .npy file of version {other}; known are 1 to 3")),
    };
    let length = length.ok_or_else(cut)?;
    if length > NPY_HEADER {
        return Err(format!("a .npy header of {length} bytes"));
    }
    let header = bytes.get(start..start + length).ok_or_else(cut)?;
    let header = str::from_utf8(header).map_err(|_| "the .npy header is no text".to_owned())?;
    let (width, height) = npy_shape(header, max_pixels)?;
    let values = &bytes[start + length..];
    let expected = width as usize * height as usize * 4;
    if values.len() != expected {
        return Err(format!(
            "{width}x{height} f32 values take {expected} bytes; the .npy file has {}",
            values.len()
        ));
    }
    Ok((width, height, values))
}

fn npy_shape(header: &str, max_pixels: u64) -> Result<(u32, u32), String> {
    let field = |name: &str| {
        let quoted = [format!("'{name}':"), format!("\"{name}\":")];
        let at = quoted.iter().find_map(|key| header.find(key.as_str()).map(|at| at + key.len()));
        at.map(|at| header[at..].trim_start()).ok_or_else(|| format!("the .npy header has no `{name}`"))
    };
    let dtype = field("descr")?.trim_start_matches(['\'', '"']);
    if !dtype.starts_with("<f4") {
        let given = dtype.split(['\'', '"', ',']).next().unwrap_or_default();
        return Err(format!("a .npy file of dtype `{given:.16}`; depth is `<f4` (little-endian float32)"));
    }
    if !field("fortran_order")?.starts_with("False") {
        return Err("a .npy file in Fortran order; save it with np.ascontiguousarray".to_owned());
    }
    let shape =
        field("shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(inside, _)| inside);
    let shape = shape.ok_or_else(|| "the .npy header has no shape".to_owned())?;
    let sides: Vec<Option<u32>> = shape.split(',').map(|side| side.trim().parse().ok()).collect();
    match sides[..] {
        [Some(h), Some(w)] if h > 0 && w > 0 && u64::from(h) * u64::from(w) <= max_pixels => Ok((w, h)),
        [Some(h), Some(w)] => Err(format!("{w}x{h} pixels; allowed are 1 to {max_pixels}")),
        _ => Err(format!("a .npy file of shape ({shape:.64}); depth has two dimensions")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageBuffer, ImageFormat, Luma};

    use super::*;

    const MAX: u64 = 1_000;

    fn npy_file(header: &str, values: &[f32]) -> Vec<u8> {
        let mut file = NPY_MAGIC.to_vec();
        file.extend([1, 0]);
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        file
    }

    fn header(dtype: &str, shape: &str) -> String {
        format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n")
    }

    fn png(values: &[u16]) -> Vec<u8> {
        let picture: ImageBuffer<Luma<u16>, _> = ImageBuffer::from_raw(2, 2, values.to_vec()).unwrap();
        let mut file = Vec::new();
        picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png).unwrap();
        file
    }

    #[test]
    fn sixteen_bit_pictures_are_scaled_and_zero_is_no_reading() {
        let grid = decode(&png(&[0, 1000, 2500, 65535]), 0.001, MAX).unwrap();
        assert_eq!((grid.width, grid.height), (2, 2));
        assert_eq!(grid.metres, [0.0, 1.0, 2.5, 65.535]);
    }

    #[test]
    fn arrays_are_read_and_what_is_not_finite_is_no_reading() {
        let file = npy_file(&header("<f4", "(2, 3)"), &[1.0, f32::NAN, f32::INFINITY, -1.0, 0.0, 2.0]);
        let grid = decode(&file, 0.5, MAX).unwrap();
        assert_eq!((grid.width, grid.height), (3, 2));
        assert_eq!(grid.metres, [0.5, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn hostile_arrays_are_refused_by_name() {
        let refused = |file: Vec<u8>| decode(&file, 1.0, MAX).unwrap_err();
        assert!(refused(npy_file(&header("<f8", "(1, 1)"), &[0.0, 0.0])).contains("<f8"));
        assert!(refused(npy_file(&header(">f4", "(1, 1)"), &[0.0])).contains(">f4"));
        assert!(refused(npy_file(&header("|O", "(1, 1)"), &[0.0])).contains("|O"));
        assert!(refused(npy_file(&header("<f4", "(4294967295, 4294967295)"), &[])).contains("allowed"));
        assert!(
            refused(npy_file(&header("<f4", "(99999999999999999999, 1)"), &[])).contains("two dimensions")
        );
        assert!(refused(npy_file(&header("<f4", "(2, 2, 1)"), &[0.0; 4])).contains("two dimensions"));
        assert!(refused(npy_file(&header("<f4", "(2, 2)"), &[0.0; 3])).contains("16 bytes"));
        assert!(refused(npy_file(&header("<f4", "(2, 2)"), &[0.0; 5])).contains("16 bytes"));
        assert!(refused(npy_file("", &[])).contains("descr"));
        assert!(refused(NPY_MAGIC.to_vec()).contains("cut short"));
        assert!(refused([NPY_MAGIC, &[2, 0, 255, 255, 255, 255]].concat()).contains("header of 4294967295"));
    }

    #[test]
    fn hostile_pictures_are_refused_by_name() {
        let refused = |file: &[u8], max| decode(file, 1.0, max).unwrap_err();
        let file = png(&[1, 2, 3, 4]);
        assert!(refused(&file, 3).contains("2x2"));
        assert!(refused(&file[..file.len() / 2], MAX).contains("PNG"));
        assert!(refused(b"neither", MAX).contains("PNG"));
        let mut bomb = file.clone();
        bomb[16..24].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
        assert!(!refused(&bomb, MAX).is_empty());
        let mut eight = Vec::new();
        image::GrayImage::new(2, 2).write_to(&mut Cursor::new(&mut eight), ImageFormat::Png).unwrap();
        assert!(refused(&eight, MAX).contains("8 bits"));
        let mut colour = Vec::new();
        image::RgbImage::new(2, 2).write_to(&mut Cursor::new(&mut colour), ImageFormat::Png).unwrap();
        assert!(refused(&colour, MAX).contains("grey"));
    }
}
