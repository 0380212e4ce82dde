//! A manifest, row by row.
//!
//! One row is one line of JSON. Memory is bounded by the longest row allowed
//! and 24 bytes for every id seen: ids must be unique in the whole file.
//!
//! ```text
//! open ──▶ is there anything like a row?  ──no──▶ NotAManifest, nothing runs
//!               │ yes
//!               ▼
//!          line ──▶ blank: skipped · over-long: skipped unread, one Error
//!               ──▶ Row, or one Error; the next line is read all the same
//! ```

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use crate::{Error, Limits, Row, raw, sniff};

/// Enough of a file to tell whether it is a manifest at all.
const WINDOW: usize = 256 << 10;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A file that is no manifest: nothing of it can run.
#[derive(Debug, thiserror::Error)]
pub enum NotAManifest {
    /// It cannot be opened or read.
    #[error("manifest `{path}` cannot be read: {cause}")]
    Unreadable {
        /// As given.
        path: String,
        /// What the operating system says.
        cause: io::Error,
    },
    /// It holds no rows.
    #[error("manifest `{path}` is empty: it holds no rows")]
    Empty {
        /// As given.
        path: String,
    },
    /// It is something else.
    #[error("`{path}` is no manifest: {problem}")]
    Other {
        /// As given.
        path: String,
        /// What it is and what it should be.
        problem: String,
    },
}

/// One line that is not blank.
#[derive(Debug)]
pub struct Entry {
    /// 1-based, counting every line of the file.
    pub line: u64,
    /// The row's id, where it could be read even though the row may be bad.
    pub id: Option<String>,
    /// The row, or what is wrong with it.
    pub row: Result<Row, Error>,
}

/// A manifest being read; an iterator over its [`Entry`]s in file order.
///
/// Reading blocks on the disk. After a read error, which is the last entry's
/// [`Error::Unreadable`], it ends.
pub struct Manifest<R = BufReader<File>> {
    lines: Lines<R>,
    limits: Limits,
    ids: HashMap<[u8; 16], u64>,
    ended: bool,
}

impl Manifest {
    /// Opens the manifest at `path`.
    ///
    /// # Errors
    /// If it cannot be read, holds no rows, or is something else altogether.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self, NotAManifest> {
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| {
            if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
        });
        match opened {
            Ok(file) => Self::read(BufReader::with_capacity(WINDOW, file), &name, limits),
            Err(cause) => Err(NotAManifest::Unreadable { path: name, cause }),
        }
    }

    /// How many rows [`Manifest`] will yield for `path`: its lines that are not blank.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn count(path: &Path) -> io::Result<u64> {
        let mut lines = Lines::new(BufReader::with_capacity(WINDOW, File::open(path)?), 0);
        let mut rows = 0;
        while let Some((_, line)) = lines.next()? {
            rows += u64::from(!matches!(line, Line::Blank));
        }
        Ok(rows)
    }
}

impl<R: BufRead> Manifest<R> {
    /// Reads a manifest from `reader`; errors call it `name`.
    ///
    /// # Errors
    /// As [`Manifest::open`].
    pub fn read(mut reader: R, name: &str, limits: &Limits) -> Result<Self, NotAManifest> {
        let unreadable = |cause| NotAManifest::Unreadable { path: name.to_owned(), cause };
        let start = reader.fill_buf().map_err(unreadable)?;
        if start.starts_with(BOM) {
            reader.consume(BOM.len());
        }
        let mut lines = Lines::new(reader, limits.max_row_bytes);
        if !lines.skip_blank().map_err(unreadable)? {
            return Err(NotAManifest::Empty { path: name.to_owned() });
        }
        let window = lines.reader.fill_buf().map_err(unreadable)?;
        if let Some(problem) = sniff::not_rows(window) {
            return Err(NotAManifest::Other { path: name.to_owned(), problem });
        }
        Ok(Self { lines, limits: limits.clone(), ids: HashMap::new(), ended: false })
    }

    fn entry(&mut self, line: u64, text: &[u8]) -> Entry {
        let id = raw::id_of(text, self.limits.max_id_chars);
        let row = Row::parse(text, &self.limits);
        let first = id.as_deref().and_then(|id| self.used_before(id, line));
        let row = match first {
            Some(first) => row.and(Err(Error::Duplicate { first })),
            None => row,
        };
        Entry { line, id, row }
    }

    /// The line that used `id` first, if that was an earlier one.
    fn used_before(&mut self, id: &str, line: u64) -> Option<u64> {
        let mut key = [0; 16];
        key.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
        let first = *self.ids.entry(key).or_insert(line);
        (first != line).then_some(first)
    }
}

impl<R: BufRead> Iterator for Manifest<R> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        while !self.ended {
            match self.lines.next() {
                Ok(None) => break,
                Ok(Some((_, Line::Blank))) => {}
                Ok(Some((line, Line::TooLong))) => {
                    let row = Err(Error::TooLong { limit: self.limits.max_row_bytes });
                    let id = raw::id_of(&self.lines.buffer, self.limits.max_id_chars);
                    return Some(Entry { line, id, row });
                }
                Ok(Some((line, Line::Text))) => {
                    let text = std::mem::take(&mut self.lines.buffer);
                    let entry = self.entry(line, &text);
                    self.lines.buffer = text;
                    return Some(entry);
                }
                Err(cause) => {
                    self.ended = true;
                    let line = self.lines.number + 1;
                    return Some(Entry { line, id: None, row: Err(Error::Unreadable(cause)) });
                }
            }
        }
        self.ended = true;
        None
    }
}

/// What a line is; the text of one that fits lies in [`Lines::buffer`].
enum Line {
    Blank,
    Text,
    TooLong,
}

/// Lines of bounded length, without their line ends.
struct Lines<R> {
    reader: R,
    /// Of the line read last.
    number: u64,
    limit: usize,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn new(reader: R, limit: usize) -> Self {
        Self { reader, number: 0, limit, buffer: Vec::new() }
    }

    /// Skips leading white space, counting lines; whether anything follows.
    fn skip_blank(&mut self) -> io::Result<bool> {
        loop {
            let window = self.reader.fill_buf()?;
            if window.is_empty() {
                return Ok(false);
            }
            let blank = window.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let ended = blank < window.len();
            self.number += window[..blank].iter().filter(|&&byte| byte == b'\n').count() as u64;
            self.reader.consume(blank);
            if ended {
                return Ok(true);
            }
        }
    }

    /// The next line and its number; `None` at the end.
    fn next(&mut self) -> io::Result<Option<(u64, Line)>> {
        self.buffer.clear();
        let (mut any, mut blank, mut long) = (false, true, false);
        loop {
            let window = match self.reader.fill_buf() {
                Ok(window) => window,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if window.is_empty() {
                break;
            }
            any = true;
            let end = window.iter().position(|&byte| byte == b'\n');
            let part = &window[..end.unwrap_or(window.len())];
            blank &= part.iter().all(u8::is_ascii_whitespace);
            // One byte more than a row may have, for the `\r` of a line end.
            let room = (self.limit + 1).saturating_sub(self.buffer.len());
            long |= part.len() > room;
            self.buffer.extend_from_slice(&part[..part.len().min(room)]);
            let used = end.map_or(window.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        self.buffer.pop_if(|last| *last == b'\r');
        long |= self.buffer.len() > self.limit;
        let line = if blank {
            Line::Blank
        } else if long {
            Line::TooLong
        } else {
            Line::Text
        };
        Ok(Some((self.number, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str) -> String {
        format!(r#"{{"id":"{id}","question":"how many?","images":["a.png"]}}"#)
    }

    fn open(text: impl AsRef<[u8]>, limits: &Limits) -> Result<Vec<Entry>, NotAManifest> {
        // A tiny buffer: every line spans several fills, except that the sniffed window must hold something.
        let reader = BufReader::with_capacity(512, text.as_ref());
        Ok(Manifest::read(reader, "rows.jsonl", limits)?.collect())
    }

    fn told(entries: &[Entry]) -> Vec<(u64, Option<&str>, String)> {
        entries
            .iter()
            .map(|entry| {
                let told =
                    entry.row.as_ref().map_or_else(ToString::to_string, |row| format!("ok {}", row.id));
                (entry.line, entry.id.as_deref(), told)
            })
            .collect()
    }

    #[test]
    fn bom_crlf_and_blank_lines_are_no_trouble() {
        let text = format!("\u{feff}\n{}\r\n\r\n  \n{}\n{}", row("a"), row("b"), row("c"));
        let entries = open(text, &Limits::default()).unwrap();
        assert_eq!(
            told(&entries),
            [(2, Some("a"), "ok a".into()), (5, Some("b"), "ok b".into()), (6, Some("c"), "ok c".into())]
        );
    }

    #[test]
    fn a_bad_row_costs_only_itself() {
        let lines = [
            row("a").into_bytes(),
            b"{\"id\":\"b\",\"question\":\"Wh".to_vec(),
            b"{\"id\":\"c\",\"question\":\"\xff\"}".to_vec(),
            b"{\"id\":\"d\",\"question\":\"\0\"}".to_vec(),
            row("a").into_bytes(),
            format!("{{\"id\":\"e\",\"answer\":{}", "[".repeat(10_000)).into_bytes(),
            b"plain words".to_vec(),
            row("f").into_bytes(),
        ];
        let entries = open(lines.join(&b'\n'), &Limits::default()).unwrap();
        let told = told(&entries);
        assert_eq!(told.iter().map(|(line, ..)| *line).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
        let ids: Vec<_> = told.iter().map(|(_, id, _)| *id).collect();
        assert_eq!(ids, [Some("a"), Some("b"), Some("c"), Some("d"), Some("a"), Some("e"), None, Some("f")]);
        for (at, words) in [
            (0, "ok a"),
            (1, "EOF while parsing a string"),
            (2, "not UTF-8"),
            (3, "NUL"),
            (4, "line 1"),
            (5, "recursion limit"),
            (6, "column 1"),
            (7, "ok f"),
        ] {
            assert!(told[at].2.contains(words), "{}: {}", at + 1, told[at].2);
        }
    }

    #[test]
    fn an_over_long_line_is_skipped_without_being_kept() {
        let limits = Limits { max_row_bytes: 100, ..Limits::default() };
        let text =
            format!("{}\n{{\"id\":\"big\",\"x\":\"{}\"}}\n{}\n", row("a"), "y".repeat(100_000), row("b"));
        let mut manifest =
            Manifest::read(BufReader::with_capacity(512, text.as_bytes()), "rows.jsonl", &limits).unwrap();
        let entries: Vec<_> = manifest.by_ref().collect();
        assert!(manifest.lines.buffer.capacity() < 1_000);
        let told = told(&entries);
        assert_eq!(told[0].2, "ok a");
        assert_eq!(told[1].1, Some("big"));
        assert!(told[1].2.contains("longer than 100 bytes"), "{}", told[1].2);
        assert_eq!((told[2].0, told[2].2.as_str()), (3, "ok b"));
    }

    #[test]
    fn a_row_may_be_exactly_as_long_as_allowed() {
        let text = format!("{}\r\n", row("a"));
        let limits = Limits { max_row_bytes: text.len() - 2, ..Limits::default() };
        assert!(open(&text, &limits).unwrap()[0].row.is_ok());
        let limits = Limits { max_row_bytes: text.len() - 3, ..Limits::default() };
        assert!(matches!(open(&text, &limits).unwrap()[0].row, Err(Error::TooLong { .. })));
    }

    #[test]
    fn what_is_no_manifest_at_all_says_what_it_is() {
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(row("a").encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let noise: Vec<u8> = (0..8_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let pretty = "{\n  \"id\": \"a\",\n  \"images\": [\n    {}\n  ]\n}\n";
        for (bytes, words) in [
            (Vec::new(), "empty"),
            (b"\xef\xbb\xbf \r\n\n".to_vec(), "empty"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "a PNG picture"),
            (b"\x1f\x8b\x08\0\0".to_vec(), "gzip"),
            (utf16, "UTF-16"),
            (noise, "binary"),
            (format!("[\n{},\n{}\n]\n", row("a"), row("b")).into_bytes(), "JSON array"),
            (format!("[{}]", row("a")).into_bytes(), "JSON array"),
            (pretty.as_bytes().to_vec(), "spans lines"),
            (pretty.as_bytes()[..30].to_vec(), "spans lines"),
            (b"id,question,image\na,how many?,a.png\n".to_vec(), "no line"),
        ] {
            let refused = open(&bytes, &Limits::default()).unwrap_err().to_string();
            assert!(refused.contains(words), "{words}: {refused}");
            assert!(refused.contains("rows.jsonl"), "{refused}");
        }
    }

    #[test]
    fn a_broken_first_row_is_still_a_row() {
        for first in ["{\"id\":\"x\",\"question\":\"Wh", "[1, 2]", "\0\0\0\0", "words"] {
            let entries = open(format!("{first}\n{}\n", row("a")), &Limits::default()).unwrap();
            assert!(entries[0].row.is_err() && entries[1].row.is_ok(), "{first}");
        }
        assert!(open("{\"id\":\"only\",\"ques", &Limits::default()).unwrap()[0].row.is_err());
    }

    #[test]
    fn rows_are_counted_as_they_will_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.jsonl");
        std::fs::write(&path, format!("\n{}\r\n \nwords\n{}", row("a"), row("b"))).unwrap();
        assert_eq!(Manifest::count(&path).unwrap(), 3);
        assert_eq!(Manifest::open(&path, &Limits::default()).unwrap().count(), 3);
        assert!(matches!(
            Manifest::open(dir.path(), &Limits::default()),
            Err(NotAManifest::Unreadable { .. })
        ));
    }
}
