//! What was found before, by content key: a bounded memory, least recently used out first.
//!
//! Only references are kept; the tensors lie in the artifact store. With a
//! file, every new entry is appended to it as a line of JSON and read back at
//! the next start. A line that cannot be read (a crash cut it short) is
//! skipped: the cost is one recomputation.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::Path,
};

use serde::{Deserialize, Serialize};
use spatialclaw_domain::ArtifactRef;

use crate::key::Key;

/// A result in the artifact store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) tensors: ArtifactRef,
    pub(crate) engine: String,
    pub(crate) model: String,
}

/// The memory.
pub(crate) struct Cache {
    entries: HashMap<Key, (u64, Found)>,
    /// By last use.
    order: BTreeMap<u64, Key>,
    clock: u64,
    limit: usize,
    log: Option<File>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    key: Key,
    found: Found,
}

impl Cache {
    /// A memory of at most `limit` results, continuing what `index` holds.
    ///
    /// # Errors
    /// If the file cannot be read, or not be written anew.
    pub(crate) fn open(limit: usize, index: Option<&Path>) -> std::io::Result<Self> {
        let mut cache = Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            clock: 0,
            limit: limit.max(1),
            log: None,
        };
        if let Some(index) = index {
            cache.recall(index)?;
            cache.log = Some(cache.rewrite(index)?);
        }
        Ok(cache)
    }

    fn recall(&mut self, index: &Path) -> std::io::Result<()> {
        let text = match fs::read(index) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let lines =
            text.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        for line in lines {
            self.remember(line.key, line.found);
        }
        Ok(())
    }

    /// Writes what is remembered to a new file in place of the old one, so that it does not grow for ever.
    fn rewrite(&self, index: &Path) -> std::io::Result<File> {
        if let Some(folder) = index.parent() {
            fs::create_dir_all(folder)?;
        }
        let draft = index.with_extension("tmp");
        let mut file = File::create(&draft)?;
        for key in self.order.values() {
            if let Some((_, found)) = self.entries.get(key) {
                file.write_all(&line(*key, found)?)?;
            }
        }
        fs::rename(&draft, index)?;
        OpenOptions::new().append(true).open(index)
    }

    /// What is remembered under `key`.
    pub(crate) fn get(&mut self, key: Key) -> Option<Found> {
        let found = self.entries.get(&key)?.1.clone();
        self.remember(key, found.clone());
        Some(found)
    }

    /// Remembers a new result.
    pub(crate) fn put(&mut self, key: Key, found: Found) {
        if let Some(log) = &mut self.log {
            let written = line(key, &found).and_then(|line| log.write_all(&line));
            if let Err(error) = written {
                tracing::warn!(%error, "the index of results is no longer written (perception.index)");
                self.log = None;
            }
        }
        self.remember(key, found);
    }

    /// Forgets a result that turned out to be gone.
    pub(crate) fn forget(&mut self, key: Key) {
        if let Some((used, _)) = self.entries.remove(&key) {
            self.order.remove(&used);
        }
    }

    fn remember(&mut self, key: Key, found: Found) {
        self.forget(key);
        self.clock += 1;
        self.entries.insert(key, (self.clock, found));
        self.order.insert(self.clock, key);
        while self.entries.len() > self.limit {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.entries.remove(&oldest);
        }
    }
}

fn line(key: Key, found: &Found) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(&Line { key, found: found.clone() })?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use spatialclaw_domain::Digest;

    use super::*;

    fn key(n: u8) -> Key {
        serde_json::from_value(Digest::of(&[n]).to_string().into()).unwrap()
    }

    fn found(n: u8) -> Found {
        let tensors = ArtifactRef { digest: Digest::of(&[n]), size: 1, media_type: String::new() };
        Found { tensors, engine: "sensor".to_owned(), model: "m".to_owned() }
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut cache = Cache::open(2, None).unwrap();
        cache.put(key(1), found(1));
        cache.put(key(2), found(2));
        assert!(cache.get(key(1)).is_some());
        cache.put(key(3), found(3));
        assert_eq!(cache.get(key(1)), Some(found(1)));
        assert_eq!(cache.get(key(2)), None);
    }

    #[test]
    fn a_memory_with_a_file_survives_even_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join("deep/index.jsonl");
        let mut cache = Cache::open(2, Some(&index)).unwrap();
        (1..4).for_each(|n| cache.put(key(n), found(n)));
        drop(cache);
        let torn = [fs::read(&index).unwrap(), b"{\"key\": \"to".to_vec()].concat();
        fs::write(&index, torn).unwrap();
        let mut cache = Cache::open(2, Some(&index)).unwrap();
        assert_eq!((cache.get(key(1)), cache.get(key(3))), (None, Some(found(3))));
        assert_eq!(fs::read_to_string(&index).unwrap().lines().count(), 2, "written anew, within the limit");
    }
}
