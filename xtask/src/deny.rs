//! `cargo xtask deny`: what may be depended on.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::shell::{cargo, output};

/// Licences that let a product be built and sold on top.
const LICENCES: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Crates that must not come back, and why.
const BANNED: [(&str, &str); 4] = [
    ("openssl-sys", "TLS is rustls with ring"),
    ("native-tls", "TLS is rustls with ring"),
    ("aws-lc-sys", "two TLS back ends: ring is the one"),
    ("ractor_cluster", "its own readme says it is not ready for production"),
];

/// Crates of which two versions would not talk to each other.
const ONCE: [&str; 9] =
    ["axum", "http", "hyper", "opentelemetry", "prost", "pyo3", "rustls", "tokio", "tonic"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

pub(crate) fn deny() -> anyhow::Result<()> {
    let text = output(cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata: Metadata = serde_json::from_str(&text).context("read cargo's metadata")?;
    let problems: Vec<String> = metadata
        .packages
        .iter()
        .filter_map(|package| {
            package.problem().map(|problem| format!("{} {}: {problem}", package.name, package.version))
        })
        .chain(twice(&metadata.packages))
        .collect();
    if problems.is_empty() {
        println!("deny: {} packages, nothing to object to", metadata.packages.len());
        return Ok(());
    }
    problems.iter().for_each(|problem| eprintln!("deny: {problem}"));
    bail!("{} objections", problems.len())
}

impl Package {
    fn problem(&self) -> Option<String> {
        if let Some((_, why)) = BANNED.iter().find(|(name, _)| *name == self.name) {
            return Some(format!("is banned: {why}"));
        }
        // A path dependency has no source: it is ours.
        let source = self.source.as_deref()?;
        if !source.starts_with("registry+") {
            return Some(format!("comes from {source}, not from the registry"));
        }
        self.licence_problem()
    }

    fn licence_problem(&self) -> Option<String> {
        let Some(licence) = &self.license else { return Some("names no licence".to_owned()) };
        // Some older manifests write `MIT/Apache-2.0`.
        match spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX) {
            Err(error) => Some(format!("its licence `{licence}` cannot be read: {}", error.reason)),
            Ok(expression) => {
                let allowed = expression
                    .evaluate(|wanted| wanted.license.id().is_some_and(|id| LICENCES.contains(&id.name)));
                (!allowed).then(|| format!("its licence `{licence}` is not on the list"))
            }
        }
    }
}

fn twice(packages: &[Package]) -> impl Iterator<Item = String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages.iter().filter(|package| ONCE.contains(&package.name.as_str())) {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| format!("{name} is there in {} versions: {versions:?}", versions.len()))
}
