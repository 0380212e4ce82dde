//! From the ask to run a cell to its observation, report of variables included.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use spatialclaw_executor::KernelLimits;
use spatialclaw_tests::{kernels::Kernel, pictures};

use crate::{Scale, house, stats::Times};

const LIMIT: Duration = Duration::from_secs(60);
/// A namespace as it looks in the middle of a question.
const LIVED_IN: &str = "import numpy as np\n\
    scalars = {f'k{i}': float(i) for i in range(20)}\n\
    globals().update({f'v{i}': i * 0.5 for i in range(20)})\n\
    names = [f'chair {i}' for i in range(10)]\n\
    depth = np.random.rand(8, 378, 504).astype(np.float32)\n\
    mask = np.zeros((4, 378, 504), bool)\n";

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Value> {
    let house = house(2, KernelLimits::default()).await?;
    let question = house.question(&[pictures::png(64, 48)], (64, 48)).await?;
    let mut told = Map::new();
    for (name, first, cell) in
        [("empty", "pass", "pass"), ("expression", "pass", "1+1"), ("lived_in", LIVED_IN, "pass")]
    {
        eprintln!("cells: {name}");
        let mut kernel = house.lease(&question).await.map_err(anyhow::Error::msg)?;
        let times = repeated(&mut kernel, first, cell, scale.pick(1000, 20_000)).await?;
        told.insert(name.to_owned(), times.tell());
        kernel.release().await.map_err(anyhow::Error::msg)?;
    }
    house.close().await;
    Ok(told.into())
}

/// Runs `first`, warms up, and times `cell` so often.
pub(crate) async fn repeated(
    kernel: &mut Kernel,
    first: &str,
    cell: &str,
    count: usize,
) -> anyhow::Result<Times> {
    for code in std::iter::once(first).chain(std::iter::repeat_n(cell, 20)) {
        kernel.run(code, LIMIT).await.map_err(anyhow::Error::msg)?;
    }
    let mut times = Times::default();
    for _ in 0..count {
        let asked = Instant::now();
        let seen = kernel.run(cell, LIMIT).await.map_err(anyhow::Error::msg)?;
        times.add(asked.elapsed());
        anyhow::ensure!(seen.error.is_none(), "{:?}", seen.error);
    }
    Ok(times)
}
