//! Damaged files and manifests come to an answer, whatever the damage.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by where it panics")]

use std::{collections::HashMap, io::Cursor};

use bytes::Bytes;
use image::{DynamicImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage};
use spatialclaw_bus::ArtifactStore;
use spatialclaw_ingest::{Limits, Manifest, Row, Uploaded, question};

/// A small generator of repeatable noise.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }

    /// `bytes` with a few of them changed, dropped, doubled or cut off.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut damaged = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(damaged.len());
            match self.below(5) {
                0 => damaged.truncate(at),
                1 => damaged.insert(at, self.below(256) as u8),
                2 if at < damaged.len() => drop(damaged.remove(at)),
                _ if at < damaged.len() => damaged[at] = self.below(256) as u8,
                _ => {}
            }
        }
        damaged
    }
}

fn encoded(image: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn picture() -> DynamicImage {
    RgbImage::from_fn(24, 16, |x, y| Rgb([(x * 9) as u8, (y * 15) as u8, (x * y) as u8])).into()
}

fn grey(bits16: bool) -> Vec<u8> {
    if bits16 {
        let deep = ImageBuffer::from_fn(24, 16, |x, y| Luma([(x * 1000 + y) as u16 + 1]));
        encoded(deep.into(), ImageFormat::Png)
    } else {
        encoded(ImageBuffer::from_fn(24, 16, |x, _| Luma([(x % 3) as u8])).into(), ImageFormat::Png)
    }
}

fn numpy() -> Vec<u8> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (16, 24), }\n";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(1.5_f32.to_le_bytes().repeat(24 * 16));
    bytes
}

#[tokio::test]
async fn damaged_files_are_questions_or_errors() {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::open(&dir.path().display().to_string()).unwrap();
    let limits = Limits { max_image_pixels: 100_000, ..Limits::default() };
    let row = r#"{"id":"r","question":"q?","frames":[{"image":"i","intrinsics":{"fx":9,"fy":9,"cx":9,"cy":9},
        "depth":{"file":"d","metres_per_unit":1},"masks":{"file":"m","labels":{"1":"one"}}}]}"#
        .replace('\n', " ");
    let row = Row::parse(row.as_bytes(), &limits).unwrap();
    let formats = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ];
    let mut noise = Noise(7);
    let (mut good, mut bad) = (0, 0);
    for round in 0..600 {
        let mut files = [
            encoded(picture(), formats[round % formats.len()]),
            if round % 2 == 0 { grey(true) } else { numpy() },
            grey(false),
        ];
        // Mostly the picture, which has the most decoders behind it.
        let which = [0, 0, 1, 2][noise.below(4)];
        files[which] = noise.damage(&files[which]);
        let parts = ["i", "d", "m"].map(str::to_owned).into_iter().zip(files.map(Bytes::from));
        let source = Uploaded::new(HashMap::from_iter(parts));
        match question(&row, &source, &store, &limits).await {
            Ok(_) => good += 1,
            Err(error) => {
                assert!(error.is_callers(), "{error}");
                assert!(error.to_string().starts_with("frames[0]."), "{error}");
                bad += 1;
            }
        }
    }
    assert!(good > 0 && bad > 0, "{good} good, {bad} bad: the damage is not what it should be");
}

#[test]
fn damaged_manifests_have_their_rows_or_errors() {
    let row = r#"{"id":"a","question":"q?","images":["a.png"],"options":{"A":"x","B":"y"},"answer":"A","world_up":[0,1,0]}"#;
    let text =
        format!("{row}\r\n\n{}\n[[[\n{}", row.replace("\"a\"", "\"b\""), row.replace("\"a\"", "\"c\""));
    let limits = Limits { max_row_bytes: 200, ..Limits::default() };
    let mut noise = Noise(11);
    for _ in 0..5_000 {
        let damaged = noise.damage(text.as_bytes());
        let Ok(manifest) = Manifest::read(damaged.as_slice(), "rows.jsonl", &limits) else { continue };
        let lines: Vec<u64> = manifest.map(|entry| entry.line).collect();
        assert!(lines.is_sorted_by(|a, b| a < b), "{lines:?}");
    }
}
