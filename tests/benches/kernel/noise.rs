//! Eight sessions that do their worst, and a ninth that wants to work.

use std::time::Duration;

use bytesize::ByteSize;
use futures::future::join_all;
use serde_json::{Value, json};
use spatialclaw_tests::{kernels::Kernel, pictures};

use crate::{Scale, cells::repeated, house, memory};

const NEIGHBOURS: usize = 8;
/// Fills memory until it is refused, then tries to fork and floods its output, for ever.
const WORST: &str = "import os, sys, numpy as np\n\
    hoard = []\n\
    try:\n\
    \x20   while True: hoard.append(np.ones(4 << 20))\n\
    except MemoryError: pass\n\
    while True:\n\
    \x20   try: os.fork()\n\
    \x20   except Exception: pass\n\
    \x20   print('x' * 1000)\n\
    \x20   os.write(1, b'y' * 1000)\n";
const CALM: &str = "pass";
/// A cell with some work of its own.
const WORK: &str = "sum(i * i for i in range(20_000))";

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Value> {
    // Together they stay within the machine: bounding the sum is the operator's business.
    let house = house(NEIGHBOURS + 1, memory(ByteSize::mib(1536))).await?;
    let question = house.question(&[pictures::png(64, 48)], (64, 48)).await?;
    let mut ninth = house.lease(&question).await.map_err(anyhow::Error::msg)?;
    let count = scale.pick(500, 3000);
    eprintln!("noise: idle");
    let idle = both(&mut ninth, count).await?;
    eprintln!("noise: {NEIGHBOURS} neighbours");
    let mut noisy = Vec::new();
    for _ in 0..NEIGHBOURS {
        noisy.push(house.lease(&question).await.map_err(anyhow::Error::msg)?);
    }
    let length = Duration::from_secs(scale.pick(30, 120));
    let noise = join_all(noisy.iter_mut().map(|kernel| kernel.run(WORST, length)));
    let loud = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        both(&mut ninth, count).await
    };
    let loud = tokio::select! {
        loud = loud => loud?,
        _ = noise => anyhow::bail!("the neighbours fell silent before the ninth was done"),
    };
    end(noisy).await;
    house.close().await;
    Ok(json!({ "idle": idle, "loud": loud }))
}

async fn both(kernel: &mut Kernel, count: usize) -> anyhow::Result<Value> {
    let empty = repeated(kernel, CALM, CALM, count).await?.tell();
    let work = repeated(kernel, CALM, WORK, count / 5).await?.tell();
    Ok(json!({ "empty": empty, "work": work }))
}

async fn end(noisy: Vec<Kernel>) {
    // One that was killed has nothing to give back.
    let _gone = join_all(noisy.into_iter().map(Kernel::release)).await;
}
