//! A manifest of everything that goes wrong with manifests, made on the spot.
//!
//! [`write()`] makes a folder with `rows.jsonl` and the files its rows name (and a
//! secret beside the folder that they must not reach), and returns what each row
//! must come to: one clear error naming the cause, or a right question. Good rows
//! stand between the bad ones.

use std::{
    fs,
    io::Cursor,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use image::{
    DynamicImage, Frame, GrayImage, ImageBuffer, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage,
    codecs::gif::GifEncoder,
};
use serde_json::{Value, json};

/// Pixels of the picture that stands in for all others.
pub const WIDTH: u32 = 64;
/// Pixels.
pub const HEIGHT: u32 = 48;
/// What good rows ask; with depth and masks the answer is [`DISTANCE_M`].
pub const QUESTION: &str = "How far is the ball from the camera, in metres?";
/// Metres.
pub const DISTANCE_M: f64 = 2.0;

/// What one row must come to.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// 1-based line of the manifest.
    pub line: u64,
    /// The row's id, where it can be known.
    pub id: Option<String>,
    /// What the row's error must say; empty for a row that is right.
    pub contains: Vec<&'static str>,
    /// Of a right row: width and height of its first picture, and the colour of that picture's first pixel.
    pub picture: Option<(u32, u32, [u8; 3])>,
    /// Of a right row: whether it carries depth and masks, so that [`QUESTION`] has its answer.
    pub is_measured: bool,
}

/// Writes the manifest `rows.jsonl` and its files into `folder`, which must be an empty folder inside a folder of the
/// caller's own.
///
/// # Errors
/// If a file cannot be written.
pub fn write(folder: &Path) -> anyhow::Result<Vec<Expectation>> {
    files(folder)?;
    let mut rows = Rows::default();
    text(&mut rows);
    values(&mut rows);
    names(&mut rows, folder);
    pictures(&mut rows);
    sensors(&mut rows);
    fs::write(folder.join("rows.jsonl"), &rows.bytes)?;
    Ok(rows.expected)
}

/// The manifest under construction.
#[derive(Default)]
struct Rows {
    bytes: Vec<u8>,
    lines: u64,
    expected: Vec<Expectation>,
}

impl Rows {
    fn line(&mut self, id: Option<&str>, bytes: &[u8], contains: &[&'static str]) -> &mut Expectation {
        if self.lines == 0 {
            self.bytes.extend(b"\xef\xbb\xbf");
        }
        self.bytes.extend(bytes);
        // Line ends of both kinds, and now and then a blank line.
        self.lines += 1;
        let line = self.lines;
        self.bytes.extend(if line.is_multiple_of(2) { &b"\r\n"[..] } else { b"\n" });
        if line.is_multiple_of(5) {
            self.bytes.extend(b"  \r\n");
            self.lines += 1;
        }
        let id = id.map(str::to_owned);
        let contains = contains.to_vec();
        self.expected.push(Expectation { line, id, contains, picture: None, is_measured: false });
        self.expected.last_mut().expect("just pushed")
    }

    /// A row that must fail, and a good one after it.
    fn bad(&mut self, id: &str, row: Value, contains: &[&'static str]) {
        let mut row = row;
        row["id"] = json!(id);
        self.line(Some(id), row.to_string().as_bytes(), contains);
        self.good();
    }

    /// The same for a line that is no JSON.
    fn raw(&mut self, id: Option<&str>, bytes: impl AsRef<[u8]>, contains: &[&'static str]) {
        self.line(id, bytes.as_ref(), contains);
        self.good();
    }

    fn good(&mut self) {
        let id = format!("good-{}", self.lines + 1);
        let mut row = measured("ball.png");
        row["id"] = json!(id);
        row["answer"] = json!(DISTANCE_M);
        row["answer_type"] = json!("number");
        row["tolerance"] = json!({ "relative": 0.02 });
        let expected = self.line(Some(&id), row.to_string().as_bytes(), &[]);
        expected.picture = Some((WIDTH, HEIGHT, BACKGROUND));
        expected.is_measured = true;
    }

    /// A row about one odd picture that must come out right.
    fn right(&mut self, id: &str, image: &str, picture: (u32, u32, [u8; 3])) {
        let mut row = bare(image);
        row["id"] = json!(id);
        self.line(Some(id), row.to_string().as_bytes(), &[]).picture = Some(picture);
    }
}

fn bare(image: &str) -> Value {
    json!({ "question": QUESTION, "images": [image] })
}

fn measured(image: &str) -> Value {
    json!({ "question": QUESTION, "frames": [frame(image)] })
}

fn frame(image: &str) -> Value {
    json!({
        "image": image,
        "intrinsics": { "fx": 60.0, "fy": 60.0, "cx": 31.5, "cy": 23.5 },
        "depth": { "file": "ball.depth.png", "metres_per_unit": 0.001 },
        "masks": { "file": "ball.masks.png", "labels": { "1": "ball" } },
    })
}

fn with(mut row: Value, key: &str, value: Value) -> Value {
    row[key] = value;
    row
}

/// `measured` with one key of its frame replaced.
fn reframed(key: &str, value: Value) -> Value {
    let mut row = measured("ball.png");
    row["frames"][0][key] = value;
    row
}

/// Lines that are not rows.
fn text(rows: &mut Rows) {
    rows.good();
    rows.raw(
        Some("bad-utf8"),
        b"{\"id\":\"bad-utf8\",\"question\":\"caf\xe9?\",\"images\":[\"ball.png\"]}",
        &["column", "not UTF-8"],
    );
    rows.raw(
        Some("truncated"),
        r#"{"id":"truncated","question":"How far is the b"#,
        &["EOF while parsing a string"],
    );
    rows.raw(Some("nul"), b"{\"id\":\"nul\",\"question\":\"a\0b\",\"images\":[\"ball.png\"]}", &["NUL"]);
    let nan = r#"{"id":"nan","question":"q?","frames":[{"image":"ball.png","time_s":NaN}]}"#;
    rows.raw(Some("nan"), nan, &["column", "expected value"]);
    let huge = nan.replace("NaN", "1e999").replace("\"nan\"", "\"huge\"");
    rows.raw(Some("huge"), huge, &["number out of range"]);
    for (id, key) in [("deep-answer", "answer"), ("deep-stranger", "stranger"), ("deep-images", "images")] {
        let bomb = format!(r#"{{"id":"{id}","question":"q?","{key}":{}"#, "[".repeat(10_000));
        let cause = match key {
            "answer" => "recursion limit",
            "images" => "expected a string",
            _ => "unknown field `stranger`",
        };
        rows.raw(Some(id), bomb, &[cause]);
    }
    rows.raw(None, "[".repeat(10_000), &["must start with `{`"]);
    rows.raw(None, "no JSON at all", &["column 1: ", "must start with `{`"]);
    rows.raw(None, "\"text\"", &["must start with `{`"]);
    rows.raw(None, "[\"a\", \"row\", \"as a list\"]", &["must start with `{`"]);
    rows.raw(
        Some("twice"),
        r#"{"id":"twice","question":"a?","question":"b?","images":["ball.png"]}"#,
        &["duplicate field `question`"],
    );
    rows.raw(
        Some("two-rows"),
        format!("{0}{0}", with(bare("ball.png"), "id", json!("two-rows"))),
        &["trailing characters"],
    );
    rows.raw(
        Some("surrogate"),
        r#"{"id":"surrogate","question":"\ud800?","images":["ball.png"]}"#,
        &["escape"],
    );
    rows.raw(
        Some("over-long"),
        format!(r#"{{"id":"over-long","question":"{}"}}"#, "x".repeat(9 << 20)),
        &["longer than 8388608 bytes"],
    );
}

/// Rows whose values make no sense.
fn values(rows: &mut Rows) {
    let row = || bare("ball.png");
    rows.bad("good-1", row(), &["id: is already used in line 1"]);
    rows.bad(
        "one-mb",
        with(row(), "question", json!("x".repeat(1 << 20))),
        &["question: has 1048576 characters"],
    );
    // Too long to be told as the row's name.
    let long = with(row(), "id", json!("i".repeat(257)));
    rows.raw(None, long.to_string(), &["id: has 257 characters"]);
    rows.bad("empty-question", with(row(), "question", json!(" \n")), &["question: is empty"]);
    rows.bad(
        "escaped-nul",
        with(row(), "question", json!("a\0b")),
        &["question: holds the control character U+0000"],
    );
    rows.bad("no-question", json!({ "images": ["ball.png"] }), &["missing field `question`"]);
    rows.bad("stranger", with(row(), "imagse", json!(["ball.png"])), &["unknown field `imagse`"]);
    rows.bad("null", with(row(), "unit", Value::Null), &["unit", "null"]);
    rows.bad("no-pictures", json!({ "question": QUESTION }), &["give `images`, `frames` or `video`"]);
    rows.bad("no-images", json!({ "question": QUESTION, "images": [] }), &["images: is empty"]);
    rows.bad("both", with(measured("ball.png"), "images", json!(["ball.png"])), &["exactly one of"]);
    rows.bad(
        "513-images",
        with(row(), "images", json!(vec!["ball.png"; 513])),
        &["images: has 513 entries", "512"],
    );
    let options: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
    rows.bad("1001-options", with(row(), "options", json!(options)), &["options: has 1001 entries"]);
    rows.bad(
        "misfit",
        with(with(row(), "answer_type", json!("number")), "answer", json!("two")),
        &["answer: must be a number"],
    );
    let mirrored = json!([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]]);
    rows.bad("mirrored", reframed("pose", mirrored), &["frames[0].pose: mirrors"]);
    let twice = json!([frame("ball.png"), { "image": "ball.png", "index": 0 }]);
    rows.bad(
        "same-index",
        with(measured("ball.png"), "frames", twice),
        &["frames[1].index: 0 is used twice"],
    );
    let elsewhere = json!({ "fx": 900.0, "fy": 900.0, "cx": 480.0, "cy": 360.0 });
    rows.bad(
        "other-resolution",
        reframed("intrinsics", elsewhere),
        &["intrinsics.cx: is 480", "64 pixels wide"],
    );
}

/// Rows whose files are elsewhere, or nowhere.
fn names(rows: &mut Rows, folder: &Path) {
    let secret = secret(folder);
    let absolute = secret.display().to_string();
    for (id, name, cause) in [
        ("missing", "none.png", "`none.png` does not exist"),
        ("traversal", "../secret.png", "`../secret.png` leads out of the manifest's folder"),
        ("deep-traversal", "sub/../../secret.png", "leads out of the manifest's folder"),
        ("absolute", absolute.as_str(), "leads out of the manifest's folder"),
        ("symlink", "outside.png", "`outside.png` leads out of the manifest's folder"),
        ("symlink-folder", "up/secret.png", "leads out of the manifest's folder"),
        ("url", "https://example.com/a.png", "is a URL"),
        ("file-url", "file:///etc/passwd", "is a URL"),
        ("data-url", "data:image/png;base64,AA==", "is a URL"),
        ("folder", "sub", "is a folder"),
        ("zero", "zero.png", "`zero.png` is empty (0 bytes)"),
        ("sparse", "sparse.png", "has more than 268435456 bytes"),
    ] {
        rows.bad(id, bare(name), &["images[0]: ", cause]);
    }
    rows.bad(
        "no-video",
        json!({ "question": QUESTION, "video": "none.mp4" }),
        &["video: `none.mp4` does not exist"],
    );
    rows.bad("text-video", json!({ "question": QUESTION, "video": "words.png" }), &["video: `words.png`"]);
}

/// Rows about odd pictures.
fn pictures(rows: &mut Rows) {
    for (id, name, cause) in [
        ("cut-png", "cut.png", "`cut.png` ends early: the file is truncated"),
        ("cut-jpeg", "cut.jpg", "`cut.jpg` ends early: the file is truncated"),
        ("words", "words.png", "`words.png` is no picture"),
        ("web-page", "page.jpg", "it looks like a web page"),
        ("bomb-png", "bomb.png", "claims 30000×30000 pixels, over the limit of 100000000"),
        ("bomb-gif", "bomb.gif", "claims 30000×30000 pixels"),
        ("bomb-jpeg", "bomb.jpg", "claims 30000×30000 pixels"),
        ("bomb-bmp", "bomb.bmp", "claims 30000×30000 pixels"),
    ] {
        rows.bad(id, bare(name), &["images[0]: ", cause]);
    }
    rows.bad("turned-measured", measured("turned.jpg"), &["frames[0].image: ", "EXIF orientation"]);
    rows.right("wrong-extension", "really-png.jpg", (WIDTH, HEIGHT, BACKGROUND));
    rows.right("cmyk", "cmyk.jpg", (8, 8, [0, 255, 255]));
    rows.right("16-bit", "deep.png", (8, 6, [255, 128, 0]));
    rows.right("grey", "grey.png", (8, 6, [77, 77, 77]));
    rows.right("transparent", "glass.png", (8, 6, [255, 255, 255]));
    rows.right("animated", "animated.gif", (8, 6, [255, 0, 0]));
    rows.right("turned", "turned.jpg", (HEIGHT, WIDTH, [40, 40, 40]));
    rows.right("symlink-inside", "inside.png", (WIDTH, HEIGHT, BACKGROUND));
    rows.good();
}

/// Rows whose measurements do not fit.
fn sensors(rows: &mut Rows) {
    let depth = |file: &str| reframed("depth", json!({ "file": file, "metres_per_unit": 0.001 }));
    let masks = |file: &str| reframed("masks", json!({ "file": file, "labels": { "1": "ball" } }));
    rows.bad("depth-shape", depth("square.depth.png"), &["frames[0].depth.file: ", "48×48", "64×48"]);
    rows.bad("depth-empty", depth("empty.depth.png"), &["holds no reading"]);
    rows.bad("depth-colour", depth("ball.png"), &["16-bit grey"]);
    rows.bad("depth-cut", depth("cut.depth.png"), &["truncated"]);
    rows.bad(
        "depth-unit",
        reframed("depth", json!({ "file": "ball.depth.png", "metres_per_unit": 0 })),
        &["depth.metres_per_unit: must be above 0"],
    );
    rows.bad("masks-colour", masks("ball.png"), &["frames[0].masks.file: ", "8- or 16-bit grey"]);
    rows.bad("masks-strangers", masks("strangers.masks.png"), &["none of the ids", "7"]);
    let stereo = json!({ "left": 0, "right": 1, "baseline_m": 0.1 });
    rows.bad(
        "stereo",
        with(measured("ball.png"), "stereo", stereo),
        &["stereo.right: names no frame's index"],
    );
}

const BACKGROUND: [u8; 3] = [90, 110, 130];
const BALL: [u8; 3] = [220, 40, 40];

fn is_ball(x: u32, y: u32) -> bool {
    (24..40).contains(&x) && (16..32).contains(&y)
}

fn secret(folder: &Path) -> PathBuf {
    folder.parent().unwrap_or(folder).join("secret.png")
}

fn files(folder: &Path) -> anyhow::Result<()> {
    let ball = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| Rgb(if is_ball(x, y) { BALL } else { BACKGROUND }));
    let png = encoded(&ball.clone().into(), ImageFormat::Png)?;
    fs::create_dir(folder.join("sub"))?;
    fs::write(secret(folder), &png)?;
    symlink("../secret.png", folder.join("outside.png"))?;
    symlink("..", folder.join("up"))?;
    symlink("ball.png", folder.join("inside.png"))?;
    fs::File::create(folder.join("sparse.png"))?.set_len(300 << 20)?;
    let jpeg = encoded(&ball.into(), ImageFormat::Jpeg)?;
    let dark = RgbImage::from_fn(WIDTH, HEIGHT, |_, y| Rgb(if y < HEIGHT / 2 { [200; 3] } else { [40; 3] }));
    let dark = encoded(&dark.into(), ImageFormat::Jpeg)?;
    let made: [(&str, Vec<u8>); 21] = [
        ("zero.png", Vec::new()),
        ("words.png", b"this is no picture".to_vec()),
        ("page.jpg", b"<!DOCTYPE html><title>404</title>".to_vec()),
        ("cut.png", png[..png.len() * 2 / 3].to_vec()),
        ("cut.jpg", jpeg[..jpeg.len() * 2 / 3].to_vec()),
        ("really-png.jpg", png.clone()),
        ("bomb.png", png_header(30_000, 30_000)),
        ("bomb.gif", gif_header(30_000, 30_000)),
        ("bomb.jpg", resized_jpeg(&jpeg, 30_000, 30_000)),
        ("bomb.bmp", bmp_header(30_000, 30_000)),
        ("cmyk.jpg", flat_cmyk([1, 255, 255, 255])),
        ("turned.jpg", turned(&dark, 6)),
        ("animated.gif", animated()?),
        (
            "deep.png",
            encoded(&ImageBuffer::from_pixel(8, 6, Rgb([0xffff_u16, 0x8080, 0])).into(), ImageFormat::Png)?,
        ),
        ("grey.png", encoded(&GrayImage::from_pixel(8, 6, Luma([77])).into(), ImageFormat::Png)?),
        ("glass.png", encoded(&RgbaImage::from_pixel(8, 6, Rgba([1, 2, 3, 0])).into(), ImageFormat::Png)?),
        ("ball.masks.png", masks(1)?),
        ("strangers.masks.png", masks(7)?),
        ("square.depth.png", depth(48, |_, _| 2_000)?),
        ("empty.depth.png", depth(WIDTH, |_, _| 0)?),
        ("ball.png", png),
    ];
    for (name, bytes) in made {
        fs::write(folder.join(name), bytes)?;
    }
    let measured = depth(WIDTH, |x, y| if is_ball(x, y) { 2_000 } else { 3_000 })?;
    fs::write(folder.join("cut.depth.png"), &measured[..measured.len() / 2])?;
    fs::write(folder.join("ball.depth.png"), measured)?;
    Ok(())
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}

/// Millimetres.
fn depth(width: u32, at: impl Fn(u32, u32) -> u16) -> anyhow::Result<Vec<u8>> {
    encoded(&ImageBuffer::from_fn(width, HEIGHT, |x, y| Luma([at(x, y)])).into(), ImageFormat::Png)
}

fn masks(id: u8) -> anyhow::Result<Vec<u8>> {
    let ids = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([if is_ball(x, y) { id } else { 0 }]));
    encoded(&ids.into(), ImageFormat::Png)
}

/// Red, then blue.
fn animated() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for colour in [[255, 0, 0, 255], [0, 0, 255, 255]] {
        encoder.encode_frame(Frame::new(RgbaImage::from_pixel(8, 6, Rgba(colour))))?;
    }
    drop(encoder);
    Ok(bytes)
}

/// A PNG whose header promises pixels that do not follow.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\r",
        &header[..],
        &crc32(&header).to_be_bytes(),
        b"\0\0\0\0IDAT\x35\xaf\x06\x1e",
    ]
    .concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn gif_header(width: u16, height: u16) -> Vec<u8> {
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [&b"GIF89a"[..], &size, b"\x80\0\0\0\0\0\xff\xff\xff", b",\0\0\0\0", &size, b"\0\x02\x02\x44\x01\0;"]
        .concat()
}

fn bmp_header(width: u32, height: u32) -> Vec<u8> {
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    [&b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"[..], &size, b"\x01\0\x18\0", &[0; 24]].concat()
}

/// The same JPEG with other sides in its start of frame.
fn resized_jpeg(jpeg: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg.to_vec();
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a baseline JPEG");
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// The same JPEG with an EXIF block that says how it is turned.
fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

/// An 8×8 JPEG of one colour in four channels, stored as Adobe does: 255 is no ink. Channels must be 1 to 64 or 192 to
/// 255.
fn flat_cmyk(stored: [u8; 4]) -> Vec<u8> {
    let mut jpeg = b"\xff\xd8\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0".to_vec();
    jpeg.extend(b"\xff\xdb\0\x43\0");
    jpeg.extend([1; 64]);
    jpeg.extend(b"\xff\xc0\0\x14\x08\0\x08\0\x08\x04\x01\x11\0\x02\x11\0\x03\x11\0\x04\x11\0");
    // One code for each: DC differences of 10 bits (`0`), the end of a block (`0`).
    jpeg.extend(b"\xff\xc4\0\x14\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0a");
    jpeg.extend(b"\xff\xc4\0\x14\x10\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    jpeg.extend(b"\xff\xda\0\x0e\x04\x01\0\x02\0\x03\0\x04\0\0\x3f\0");
    let mut bits: Vec<bool> = Vec::new();
    for value in stored {
        // 8 times the level-shifted value; ten bits hold what is 512 to 1023 either way.
        let dc = (i32::from(value) - 128) * 8;
        let magnitude = if dc < 0 { dc + 1023 } else { dc };
        bits.push(false);
        bits.extend((0..10).rev().map(|bit| magnitude >> bit & 1 == 1));
        bits.push(false);
    }
    for byte in bits.chunks(8) {
        let byte = (0..8).fold(0_u8, |sum, at| sum << 1 | u8::from(byte.get(at).copied().unwrap_or(true)));
        jpeg.push(byte);
        if byte == 0xff {
            jpeg.push(0);
        }
    }
    jpeg.extend(b"\xff\xd9");
    jpeg
}
