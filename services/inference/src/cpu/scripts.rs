//! The child's Python files. They are part of this program: there is nothing to install beside it.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use serde::Deserialize;
use tempfile::TempDir;

const FILES: [(&str, &str); 7] = [
    ("engine.py", include_str!("../../engine/engine.py")),
    ("pictures.py", include_str!("../../engine/pictures.py")),
    ("stereo.py", include_str!("../../engine/stereo.py")),
    ("segment.py", include_str!("../../engine/segment.py")),
    ("detect.py", include_str!("../../engine/detect.py")),
    ("vocabulary.py", VOCABULARY),
    ("models.json", MODELS),
];
const VOCABULARY: &str = include_str!("../../engine/vocabulary.py");
const MODELS: &str = include_str!("../../engine/models.json");

/// The files in a temporary folder, gone when this is.
#[derive(Debug)]
pub(super) struct Scripts(TempDir);

impl Scripts {
    pub(super) fn unpack() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("spatialclaw-engine-").tempdir();
        let folder = folder.context("make a temporary folder for the cpu engine")?;
        for (name, text) in FILES {
            std::fs::write(folder.path().join(name), text).with_context(|| format!("write {name}"))?;
        }
        Ok(Self(folder))
    }

    pub(super) fn main(&self) -> PathBuf {
        self.0.path().join("engine.py")
    }
}

#[derive(Deserialize)]
struct Pinned {
    sha256: String,
}

/// The pinned SHA-256 of every model file, one after the other in the order of their names.
pub(super) fn weights() -> anyhow::Result<Bytes> {
    let pinned: BTreeMap<String, Pinned> = serde_json::from_str(MODELS).context("read models.json")?;
    let digests: Vec<Vec<u8>> =
        pinned.values().map(|file| hex::decode(&file.sha256)).collect::<Result<_, _>>()?;
    Ok(digests.concat().into())
}

/// The detector's classes, as `vocabulary.py` names them.
pub(super) fn vocabulary() -> Vec<String> {
    let table = VOCABULARY.split_once("NAMES = {").map_or("", |(_, rest)| rest);
    let table = table.split_once('}').map_or(table, |(table, _)| table);
    table.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read() {
        let names = vocabulary();
        assert_eq!((names.len(), names[0].as_str(), names[79].as_str()), (80, "person", "toothbrush"));
        assert_eq!(weights().unwrap().len(), 96);
    }
}
