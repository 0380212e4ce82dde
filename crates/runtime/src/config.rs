//! Configuration as a value: defaults < file < environment < flags.
//!
//! * file: TOML, one table per section;
//! * environment: `SPATIALCLAW_<SECTION>__<KEY>` (two underscores go one level
//!   down; variables without them belong to somebody else and are ignored);
//! * flags: `--set section.key=value`.
//!
//! A key nobody knows is refused by name. One file may serve a whole
//! installation: a section that belongs to another service ([`SECTIONS`]) is
//! skipped, anything else unknown is an error.

use std::{collections::BTreeSet, path::PathBuf};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Env, Format, Serialized, Toml},
    value::{Dict, Map, Value},
};
use serde::{Serialize, de::DeserializeOwned};

/// Every section of a SpatialClaw configuration, whoever reads it.
pub const SECTIONS: [&str; 11] = [
    "backbone",
    "bus",
    "codegen",
    "executor",
    "gateway",
    "inference",
    "ingest",
    "perception",
    "planner",
    "pods",
    "process",
];

/// Prefix of environment variables.
pub const ENV_PREFIX: &str = "SPATIALCLAW_";

/// Where values come from, besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A TOML file; it must exist if named.
    pub file: Option<PathBuf>,
    /// `section.key` and value, in order; the last wins.
    pub sets: Vec<(String, String)>,
}

/// The configuration cannot be used as written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The named file is not there.
    #[error("configuration file {0} does not exist")]
    NoFile(PathBuf),
    /// A key is unknown or a value has the wrong shape.
    #[error("configuration: {0}")]
    Value(Box<figment::Error>),
    /// The value cannot be written as TOML.
    #[error("cannot print the configuration")]
    Print(#[from] toml::ser::Error),
}

impl From<figment::Error> for Error {
    fn from(error: figment::Error) -> Self {
        Self::Value(Box::new(error))
    }
}

/// Reads a configuration.
///
/// # Errors
/// Names the key and where its value came from.
pub fn load<C>(sources: &Sources) -> Result<C, Error>
where
    C: Default + Serialize + DeserializeOwned,
{
    let defaults = Serialized::defaults(C::default());
    let mine = own_sections(&defaults)?;
    let mut figment = Figment::from(defaults);
    if let Some(file) = &sources.file {
        if !file.is_file() {
            return Err(Error::NoFile(file.clone()));
        }
        figment = figment.merge(Sections { inner: Toml::file_exact(file), mine: mine.clone() });
    }
    let env = Env::prefixed(ENV_PREFIX).filter(|key| key.as_str().contains("__")).split("__");
    figment = figment.merge(Sections { inner: env, mine: mine.clone() });
    for (key, text) in &sources.sets {
        // Any text parses: what is no number, boolean, array or table is a string.
        let value: Value = text.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
        figment = figment.merge(Sections { inner: Serialized::default(key, value), mine: mine.clone() });
    }
    Ok(figment.extract()?)
}

/// The configuration as the TOML file that would produce it.
///
/// # Errors
/// If a value has no TOML form.
pub fn print<C: Serialize>(config: &C) -> Result<String, Error> {
    Ok(toml::to_string_pretty(config)?)
}

/// Reads `section.key=value`.
///
/// # Errors
/// If there is no `=` or no key.
pub fn parse_set(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if key.contains('.') => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is not of the form section.key=value")),
    }
}

fn own_sections(defaults: &impl Provider) -> Result<BTreeSet<String>, Error> {
    Ok(defaults.data()?.into_values().flat_map(|dict| dict.into_keys()).collect())
}

/// A provider without the sections of other services.
struct Sections<P> {
    inner: P,
    mine: BTreeSet<String>,
}

impl<P: Provider> Provider for Sections<P> {
    fn metadata(&self) -> Metadata {
        self.inner.metadata()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut data = self.inner.data()?;
        for dict in data.values_mut() {
            dict.retain(|section, _| self.mine.contains(section) || !SECTIONS.contains(&section.as_str()));
        }
        Ok(data)
    }

    fn profile(&self) -> Option<Profile> {
        self.inner.profile()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        planner: Planner,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Planner {
        #[serde(with = "humantime_serde")]
        deadline: Duration,
        concurrency: usize,
    }

    impl Default for Planner {
        fn default() -> Self {
            Self { deadline: Duration::from_secs(60), concurrency: 4 }
        }
    }

    fn file(text: &str) -> (tempfile::TempDir, Sources) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spatialclaw.toml");
        std::fs::write(&path, text).unwrap();
        (dir, Sources { file: Some(path), sets: vec![] })
    }

    fn set(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let (_dir, mut sources) = file("[planner]\nconcurrency = 8\ndeadline = '2m'\n");
        sources.sets = vec![set("planner.concurrency", "9")];
        let config: Config = load(&sources).unwrap();
        assert_eq!(config.planner, Planner { deadline: Duration::from_secs(120), concurrency: 9 });
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let (_dir, sources) = file("[planner]\nconcurency = 8\n");
        let error = load::<Config>(&sources).unwrap_err().to_string();
        assert!(error.contains("concurency"), "{error}");
    }

    #[test]
    fn sections_of_other_services_are_skipped_and_strangers_are_not() {
        let (_dir, sources) = file("[executor]\nanything = 1\n");
        assert_eq!(load::<Config>(&sources).unwrap(), Config::default());
        let (_dir, sources) = file("[exekutor]\nanything = 1\n");
        assert!(load::<Config>(&sources).unwrap_err().to_string().contains("exekutor"));
    }

    #[test]
    fn what_is_printed_reads_back() {
        let text = print(&Config::default()).unwrap();
        let (_dir, sources) = file(&text);
        assert_eq!(load::<Config>(&sources).unwrap(), Config::default());
    }

    #[test]
    fn a_named_file_must_exist() {
        let sources = Sources { file: Some("/nowhere/at/all.toml".into()), sets: vec![] };
        assert!(matches!(load::<Config>(&sources), Err(Error::NoFile(_))));
    }
}
