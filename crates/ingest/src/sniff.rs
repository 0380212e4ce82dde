//! What bytes look like, whatever a file's name promises.

use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// Share of control characters from which text counts as binary, in percent.
const BINARY_PERCENT: usize = 10;

const MAGIC: [(&[u8], &str); 17] = [
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"version https://git-lfs", "a Git LFS pointer: fetch the file itself"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"<svg", "an SVG drawing"),
];

/// A few words on what `bytes` seem to be.
pub(crate) fn looks_like(bytes: &[u8]) -> &'static str {
    if let Some(what) = by_magic(bytes) {
        return what;
    }
    let start = &bytes[..bytes.len().min(1024)];
    let text = String::from_utf8_lossy(start).trim_start().to_lowercase();
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        "a web page (a failed download?)"
    } else if is_binary(start) {
        "unknown binary data"
    } else {
        "plain text"
    }
}

fn by_magic(bytes: &[u8]) -> Option<&'static str> {
    if let Some(&(_, what)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(what);
    }
    match (bytes.get(4..8), bytes.get(8..12)) {
        (Some(b"ftyp"), Some(b"avif" | b"avis")) => Some("an AVIF picture"),
        (Some(b"ftyp"), Some(b"heic" | b"heix" | b"mif1" | b"msf1" | b"hevc")) => Some("a HEIC picture"),
        (Some(b"ftyp"), _) => Some("an MP4 or QuickTime video"),
        (_, Some(b"AVI ")) if bytes.starts_with(b"RIFF") => Some("an AVI video"),
        (_, Some(b"WEBP")) if bytes.starts_with(b"RIFF") => Some("a WebP picture"),
        _ => None,
    }
}

fn is_binary(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let strange = |c: char| c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_ascii_whitespace());
    let count = text.chars().filter(|&c| strange(c)).count();
    count * 100 > text.chars().count() * BINARY_PERCENT
}

/// Why a file that starts with `window` (white space already skipped) cannot be JSON Lines of objects; `None` if it
/// may be, however broken its rows.
pub(crate) fn not_rows(window: &[u8]) -> Option<String> {
    let lines: Vec<&[u8]> = window.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).collect();
    let is_object =
        |line: &&[u8]| line.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(line).is_ok();
    if let Some(what) = by_magic(window) {
        return Some(format!("it is {what}, not lines of JSON"));
    }
    let first_is_whole = serde_json::from_slice::<IgnoredAny>(lines[0]).is_ok();
    if window.starts_with(b"[") && !(first_is_whole && lines[1..].iter().any(is_object)) {
        return Some(
            "it is one JSON array: write each row as an object on a line of its own (JSON Lines)".into(),
        );
    }
    if window.starts_with(b"{") && !first_is_whole && spans_lines(window, lines[0].len()) {
        return Some("its JSON spans lines: write each row on one line (JSON Lines)".into());
    }
    if lines.iter().any(is_object) {
        return None;
    }
    if is_binary(window) && !window.starts_with(b"{") {
        return Some(format!("it looks like {}, not lines of JSON", looks_like(window)));
    }
    if !lines.iter().any(|line| line.starts_with(b"{")) {
        return Some(format!("no line of it is a JSON object; it looks like {}", looks_like(window)));
    }
    None
}

/// Whether the first value goes on past the first line.
fn spans_lines(window: &[u8], first_line: usize) -> bool {
    if window.len() <= first_line + 2 {
        return false;
    }
    let mut values = Deserializer::from_slice(window).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => values.byte_offset() > first_line + 1,
        // Good JSON so far, and more of it than a line.
        Some(Err(error)) => error.is_eof(),
        None => false,
    }
}
