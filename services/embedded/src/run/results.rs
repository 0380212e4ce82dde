//! `results.jsonl`: one line a row, in the rows' order, whatever happens to the process.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use spatialclaw_domain::SessionId;
use spatialclaw_ingest::Entry;

use crate::result::{ResultLine, RowStatus, digest};

/// Names the run, so that two runs over one server do not share sessions.
#[derive(Serialize, Deserialize)]
struct RunFile {
    run: String,
}

/// The results of a run, old and new.
pub(crate) struct Results {
    run: String,
    path: PathBuf,
    file: File,
    done: u64,
    /// Reads the earlier results again while their rows go by; opened on first use.
    earlier: Option<std::io::Lines<BufReader<File>>>,
    /// Held as long as the run lives: two processes must not write one folder.
    _lock: File,
}

impl Results {
    /// Opens or starts the results in `out`; a line cut off by a crash is dropped. `fresh` forgets what is there.
    pub(crate) fn open(out: &Path, fresh: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(out).with_context(|| format!("make {}", out.display()))?;
        let lock = lock(&out.join("run.lock"))?;
        if fresh {
            forget(out)?;
        }
        for folder in [out.join("reports"), out.join("state")] {
            fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        }
        let run = run_id(&out.join("state/run.json"))?;
        let path = out.join("results.jsonl");
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&path)
            .with_context(|| format!("open {}", path.display()))?;
        let done = cut_partial_line(&mut file).with_context(|| format!("read {}", path.display()))?;
        Ok(Self { run, path, file, done, earlier: None, _lock: lock })
    }

    /// Rows that have a result from an earlier run.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets the first row without an answer and what follows it. The later rows' answers are in their journals:
    /// asking them again costs nothing.
    pub(crate) fn forget_failures(&mut self) -> anyhow::Result<()> {
        let (mut rows, mut kept) = (0, 0);
        for text in BufReader::new(File::open(&self.path)?).lines() {
            let text = text?;
            let line: ResultLine = serde_json::from_str(&text)
                .with_context(|| format!("{} holds a line that is no result", self.path.display()))?;
            if line.status != RowStatus::Answered {
                break;
            }
            rows += 1;
            kept += text.len() as u64 + 1;
        }
        self.file.set_len(kept).with_context(|| format!("cut {}", self.path.display()))?;
        self.done = rows;
        Ok(())
    }

    pub(crate) fn run_id(&self) -> &str {
        &self.run
    }

    /// Appends a result.
    pub(crate) fn write(&mut self, line: ResultLine) -> anyhow::Result<ResultLine> {
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        // One write: a crash leaves a whole line or a partial last one, which the next run drops.
        self.file.write_all(&text).with_context(|| format!("write {}", self.path.display()))?;
        Ok(line)
    }

    /// The earlier result of a row.
    pub(crate) fn recall(&mut self, entry: &Entry) -> anyhow::Result<ResultLine> {
        let lines = match &mut self.earlier {
            Some(lines) => lines,
            None => self.earlier.insert(BufReader::new(File::open(&self.path)?).lines()),
        };
        let Some(text) = lines.next().transpose()? else {
            bail!("{} was cut meanwhile", self.path.display())
        };
        let line: ResultLine = serde_json::from_str(&text)
            .with_context(|| format!("{} holds a line that is no result", self.path.display()))?;
        ensure!(
            line.line == entry.line && line.id == entry.id,
            "{} holds the results of another manifest (line {} is `{}` there): use another --out, or --fresh to \
             start over",
            self.path.display(),
            line.line,
            line.id.as_deref().unwrap_or("unreadable"),
        );
        let now = entry.row.as_ref().ok().map(digest);
        ensure!(
            line.row.is_none() || line.row == now,
            "row {} (`{}`) is no longer the one that {} answers: use another --out, or --fresh to start over",
            line.line,
            line.id.as_deref().unwrap_or("unreadable"),
            self.path.display(),
        );
        Ok(line)
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = File::create(path).with_context(|| format!("make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another run writes to this folder ({} is held): wait for it, or use another --out",
                path.display()
            )
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
    }
}

/// Removes what an earlier run left in `out`.
fn forget(out: &Path) -> anyhow::Result<()> {
    for folder in [out.join("reports"), out.join("state")] {
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
        }
    }
    let results = out.join("results.jsonl");
    if results.exists() {
        fs::remove_file(&results).with_context(|| format!("remove {}", results.display()))?;
    }
    Ok(())
}

fn run_id(file: &Path) -> anyhow::Result<String> {
    if let Ok(text) = fs::read(file) {
        let known: RunFile =
            serde_json::from_slice(&text).with_context(|| format!("{} cannot be read", file.display()))?;
        return Ok(known.run);
    }
    let run = SessionId::random().to_string();
    let draft = file.with_extension("tmp");
    fs::write(&draft, serde_json::to_vec(&RunFile { run: run.clone() })?)
        .and_then(|()| fs::rename(&draft, file))
        .with_context(|| format!("write {}", file.display()))?;
    Ok(run)
}

/// Counts whole lines and truncates what follows the last of them.
fn cut_partial_line(file: &mut File) -> std::io::Result<u64> {
    let mut reader = BufReader::new(&*file);
    let (mut lines, mut whole) = (0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 || line.last() != Some(&b'\n') {
            break;
        }
        lines += 1;
        whole += read as u64;
    }
    file.set_len(whole)?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: u64, id: &str) -> Entry {
        Entry { line, id: Some(id.to_owned()), row: Err(spatialclaw_ingest::Error::TooLong { limit: 1 }) }
    }

    #[test]
    fn a_line_cut_off_by_a_crash_is_dropped_and_the_rest_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut results = Results::open(dir.path(), false).unwrap();
        let run = results.run_id().to_owned();
        results.write(ResultLine::refused(1, Some("a".to_owned()), "no".to_owned())).unwrap();
        drop(results);
        let mut file = OpenOptions::new().append(true).open(dir.path().join("results.jsonl")).unwrap();
        file.write_all(b"{\"line\":2,\"id\":\"b").unwrap();
        let mut results = Results::open(dir.path(), false).unwrap();
        assert_eq!((results.done(), results.run_id()), (1, run.as_str()));
        assert_eq!(results.recall(&entry(1, "a")).unwrap().error.as_deref(), Some("no"));
        results.write(ResultLine::refused(2, Some("b".to_owned()), "no".to_owned())).unwrap();
        drop(results);
        assert_eq!(Results::open(dir.path(), false).unwrap().done(), 2);
    }

    #[test]
    fn results_of_another_manifest_are_not_mixed_in() {
        let dir = tempfile::tempdir().unwrap();
        let mut results = Results::open(dir.path(), false).unwrap();
        results.write(ResultLine::refused(1, Some("a".to_owned()), "no".to_owned())).unwrap();
        drop(results);
        let mut results = Results::open(dir.path(), false).unwrap();
        let error = results.recall(&entry(1, "other")).unwrap_err().to_string();
        assert!(error.contains("another manifest"), "{error}");
        drop(results);
        assert_eq!(Results::open(dir.path(), true).unwrap().done(), 0);
    }

    #[test]
    fn a_row_that_was_changed_in_place_is_noticed() {
        let parsed = |question: &str| {
            let row = format!(r#"{{"id":"a","question":"{question}","images":["a.png"]}}"#);
            spatialclaw_ingest::Row::parse(row.as_bytes(), &spatialclaw_ingest::Limits::default()).unwrap()
        };
        let entry = |question| Entry { row: Ok(parsed(question)), ..entry(1, "a") };
        let dir = tempfile::tempdir().unwrap();
        let mut results = Results::open(dir.path(), false).unwrap();
        let line = ResultLine::refused(1, Some("a".to_owned()), "no".to_owned());
        results.write(ResultLine { row: Some(digest(&parsed("How far?"))), ..line }).unwrap();
        assert!(results.recall(&entry("How far?")).is_ok());
        drop(results);
        let mut results = Results::open(dir.path(), false).unwrap();
        let error = results.recall(&entry("How long?")).unwrap_err().to_string();
        assert!(error.contains("row 1 (`a`)"), "{error}");
    }

    #[test]
    fn a_retry_starts_at_the_first_row_without_an_answer() {
        let dir = tempfile::tempdir().unwrap();
        let mut results = Results::open(dir.path(), false).unwrap();
        for (line, status) in [(1, RowStatus::Answered), (2, RowStatus::Error), (3, RowStatus::Answered)] {
            results.write(ResultLine { status, ..ResultLine::refused(line, None, String::new()) }).unwrap();
        }
        results.forget_failures().unwrap();
        results.write(ResultLine::refused(2, None, String::new())).unwrap();
        drop(results);
        assert_eq!(Results::open(dir.path(), false).unwrap().done(), 2);
    }

    #[test]
    fn a_folder_belongs_to_one_run_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = Results::open(dir.path(), false).unwrap();
        let error = Results::open(dir.path(), true).err().unwrap().to_string();
        assert!(error.contains("another run"), "{error}");
        drop(first);
        Results::open(dir.path(), false).unwrap();
    }
}
