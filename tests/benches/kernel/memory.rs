//! What idle kernels weigh, as the machine counts it.

use std::fs;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Map, Value, json};
use spatialclaw_executor::KernelLimits;
use spatialclaw_tests::{kernels::Kernel, pictures};

use crate::{Scale, house};

/// Leases asked for at once while the house fills.
const AT_ONCE: usize = 16;

pub(crate) async fn measure(_: Scale) -> anyhow::Result<Value> {
    let levels = [1, 64, 512, 1000];
    let house = house(levels[3], KernelLimits::default()).await?;
    let question = house.question(&[pictures::png(64, 48)], (64, 48)).await?;
    let mut kernels: Vec<Kernel> = Vec::new();
    let mut told = Map::new();
    let before = available()?;
    for level in levels {
        eprintln!("memory: {level} live");
        let missing = level - kernels.len();
        let leases = stream::iter(0..missing).map(|_| house.lease(&question)).buffer_unordered(AT_ONCE);
        kernels.extend(leases.try_collect::<Vec<_>>().await.map_err(anyhow::Error::msg)?);
        let pids = house.kernels();
        anyhow::ensure!(pids.len() == level, "{} processes, not {level}", pids.len());
        told.insert(level.to_string(), weigh(&pids, before, &house.template())?);
    }
    // Give the first and the last a cell: they live.
    for at in [0, levels[3] - 1] {
        let seen = kernels[at].run("print(6 * 7)", std::time::Duration::from_secs(60)).await;
        let seen = seen.map_err(anyhow::Error::msg)?;
        anyhow::ensure!(seen.stdout == "42\n", "kernel {at} does not work");
    }
    drop(kernels);
    house.close().await;
    Ok(told.into())
}

fn weigh(pids: &[u32], before: f64, template: &Option<u32>) -> anyhow::Result<Value> {
    let (mut pss, mut private) = (0.0, 0.0);
    for pid in pids {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        pss += field(&rollup, "Pss:");
        private += field(&rollup, "Private_Dirty:");
    }
    let count = pids.len() as f64;
    let own = fs::read_to_string("/proc/self/status")?;
    let template = template.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok());
    Ok(json!({
        "pss_mb": pss / count,
        "private_dirty_mb": private / count,
        "machine_mb_per_kernel": (before - available()?) / count,
        "executor_rss_mb": field(&own, "VmRSS:"),
        "template_pss_mb": template.map(|rollup| field(&rollup, "Pss:")),
    }))
}

/// Megabytes that the machine could still hand out, caches given up.
fn available() -> anyhow::Result<f64> {
    Ok(field(&fs::read_to_string("/proc/meminfo")?, "MemAvailable:"))
}

/// A line `name: N kB`, in megabytes.
fn field(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(name));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib * 1024.0 / 1e6)
}
