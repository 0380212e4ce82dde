//! From the ask for a lease to an interpreter that has said that it is ready behind its walls.

use std::time::{Duration, Instant};

use futures::future::try_join_all;
use serde_json::{Map, Value};
use spatialclaw_domain::{Fault, Question};
use spatialclaw_executor::KernelLimits;
use spatialclaw_tests::{
    kernels::{House, Kernel},
    pictures,
};

use crate::{Scale, house, stats::Times};

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Value> {
    let house = house(2 * 64, KernelLimits::default()).await?;
    let question = house.question(&[pictures::png(64, 48)], (64, 48)).await?;
    let mut told = Map::new();
    for (name, at_once, rounds) in
        [("alone", 1, scale.pick(100, 1000)), ("16", 16, scale.pick(5, 50)), ("64", 64, scale.pick(3, 20))]
    {
        eprintln!("start: {at_once} at once");
        let mut times = Times::default();
        for _ in 0..rounds {
            round(&house, &question, at_once, &mut times).await?;
        }
        told.insert(name.to_owned(), times.tell());
    }
    house.close().await;
    Ok(told.into())
}

async fn round(house: &House, question: &Question, at_once: usize, times: &mut Times) -> anyhow::Result<()> {
    let leases = try_join_all((0..at_once).map(|_| timed(house, question))).await;
    let (kernels, took): (Vec<_>, Vec<_>) = leases.map_err(anyhow::Error::msg)?.into_iter().unzip();
    took.into_iter().for_each(|time| times.add(time));
    try_join_all(kernels.into_iter().map(Kernel::release)).await.map_err(anyhow::Error::msg)?;
    emptied(house).await;
    Ok(())
}

async fn timed(house: &House, question: &Question) -> Result<(Kernel, Duration), Fault> {
    let asked = Instant::now();
    let kernel = house.lease(question).await?;
    Ok((kernel, asked.elapsed()))
}

/// A release is answered before the process is gone.
pub(crate) async fn emptied(house: &House) {
    while !house.kernels().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
