//! What a kernel costs, walls up: `cargo xtask bench kernel` runs this beside Jupyter and prints the table.
//!
//! Everything is measured from where a user of the executor stands: at the bus. Results go to standard output as one
//! JSON object, progress to standard error. `--quick` takes fewer samples; `--only NAME` runs one part; `RUST_LOG` says
//! what is logged.

mod cells;
mod memory;
mod noise;
mod start;
mod stats;
mod transfer;

use anyhow::Context as _;
use bytesize::ByteSize;
use serde_json::{Map, Value, json};
use spatialclaw_executor::{Config, KernelLimits};
use spatialclaw_tests::{kernels::House, pictures};

/// How much is measured.
#[derive(Clone, Copy)]
struct Scale {
    is_quick: bool,
}

impl Scale {
    fn pick<T>(self, quick: T, full: T) -> T {
        if self.is_quick { quick } else { full }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let scale = Scale { is_quick: arguments.iter().any(|it| it == "--quick") };
    let only = arguments.iter().position(|it| it == "--only").and_then(|at| arguments.get(at + 1));
    let wanted = |part: &str| only.is_none_or(|only| only == part);
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut told = Map::new();
    told.insert("build".to_owned(), json!(if cfg!(debug_assertions) { "dev" } else { "release" }));
    runtime.block_on(async {
        if wanted("walls") {
            told.insert("walls".to_owned(), walls().await?);
        }
        if wanted("start") {
            told.insert("start".to_owned(), start::measure(scale).await.context("start")?);
        }
        if wanted("cells") {
            told.insert("cells".to_owned(), cells::measure(scale).await.context("cells")?);
        }
        if wanted("memory") {
            told.insert("memory".to_owned(), memory::measure(scale).await.context("memory")?);
        }
        if wanted("transfer") {
            told.insert("transfer".to_owned(), transfer::measure(scale).await.context("transfer")?);
        }
        if wanted("noise") {
            told.insert("noise".to_owned(), noise::measure(scale).await.context("noise")?);
        }
        anyhow::Ok(())
    })?;
    println!("{}", Value::Object(told));
    Ok(())
}

async fn walls() -> anyhow::Result<Value> {
    let house = house(1, KernelLimits::default()).await?;
    let question = house.question(&[pictures::png(64, 48)], (64, 48)).await?;
    let walls = house.lease(&question).await.map_err(anyhow::Error::msg)?.lease.walls;
    house.close().await;
    Ok(json!(walls))
}

/// A house with room for so many kernels.
async fn house(kernels: usize, limits: KernelLimits) -> anyhow::Result<House> {
    House::open(Config { kernels, kernel: limits, ..Config::default() }).await
}

fn memory(limit: ByteSize) -> KernelLimits {
    KernelLimits { memory: limit, ..KernelLimits::default() }
}
