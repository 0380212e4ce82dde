//! From a pod to `recon.points[fi]` in a cell: 64 frames of 378 × 504 pixels, depth, points and confidence.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use spatialclaw_executor::KernelLimits;
use spatialclaw_tests::kernels::{House, Kernel};

use crate::{Scale, house};

const SIZE: (u32, u32) = (504, 378);
const FRAMES: u8 = 64;
const LIMIT: Duration = Duration::from_secs(120);
/// Prints the milliseconds it took to have the result, a frame's points, and all points; then the kernel's own
/// processor time.
const CELL: &str = "import time\n\
    cpu, t0 = time.process_time(), time.perf_counter()\n\
    recon = tools.Reconstruct.Reconstruct(InputImages)\n\
    t1 = time.perf_counter()\n\
    c1 = time.process_time()\n\
    first = recon.points[InputImages[0].frame_index]\n\
    t2 = time.perf_counter()\n\
    total = sum(float(recon.points[fi][0, 0, 2]) for fi in recon.frame_indices)\n\
    t3, c3 = time.perf_counter(), time.process_time()\n\
    print(*(1e3 * x for x in (t1 - t0, t2 - t1, t3 - t0, c1 - cpu, c3 - cpu)))";

/// What one round took, milliseconds.
#[derive(Default)]
struct Round {
    result: f64,
    first_points: f64,
    all_points: f64,
    /// Processor time of the cell until the result was there, and until all points were.
    cell_cpu: f64,
    cell_cpu_points: f64,
    /// Of everybody before it: executor, perception, bus, and the pod if it was asked.
    rest_cpu: f64,
}

pub(crate) async fn measure(scale: Scale) -> anyhow::Result<Value> {
    let house = house(2, KernelLimits::default()).await?;
    let rounds = scale.pick(3, 10);
    let (mut fresh, mut again) = (Vec::new(), Vec::new());
    for at in 0..rounds {
        eprintln!("transfer: round {} of {rounds}", at + 1);
        let question = house.question(&frames(at)?, SIZE).await?;
        let mut kernel = house.lease(&question).await.map_err(anyhow::Error::msg)?;
        let asked = house.pod.calls();
        fresh.push(round(&mut kernel).await?);
        anyhow::ensure!(house.pod.calls() == asked + 1, "the pod was not asked once");
        again.push(second(&house, &mut kernel, asked + 1).await?);
        kernel.release().await.map_err(anyhow::Error::msg)?;
    }
    house.close().await;
    Ok(json!({ "from_pod": best(fresh), "from_cache": best(again) }))
}

/// The same on the node: perception remembers.
async fn second(house: &House, kernel: &mut Kernel, asked: usize) -> anyhow::Result<Round> {
    let seen = round(kernel).await?;
    anyhow::ensure!(house.pod.calls() == asked, "the pod was asked again");
    Ok(seen)
}

async fn round(kernel: &mut Kernel) -> anyhow::Result<Round> {
    let before = own_cpu_ms()?;
    let seen = kernel.run(CELL, LIMIT).await.map_err(anyhow::Error::msg)?;
    let rest_cpu = own_cpu_ms()? - before;
    anyhow::ensure!(seen.error.is_none(), "{:?}", seen.error);
    let numbers: Vec<f64> = seen.stdout.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    let [result, first_points, all_points, cell_cpu, cell_cpu_points] = numbers[..] else {
        anyhow::bail!("five numbers, not {:?}", seen.stdout)
    };
    Ok(Round { result, first_points, all_points, cell_cpu, cell_cpu_points, rest_cpu })
}

/// The round that cost least; machines have other things to do.
fn best(rounds: Vec<Round>) -> Value {
    let cost = |round: &Round| round.rest_cpu + round.cell_cpu;
    let best = rounds.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or_default();
    json!({
        "result_wall_ms": best.result,
        "first_points_wall_ms": best.first_points,
        "all_points_wall_ms": best.all_points,
        "cell_cpu_ms": best.cell_cpu,
        "cell_cpu_with_points_ms": best.cell_cpu_points,
        "rest_cpu_ms": best.rest_cpu,
        "cpu_ms": best.rest_cpu + best.cell_cpu,
        "cpu_with_points_ms": best.rest_cpu + best.cell_cpu_points,
    })
}

/// Pictures that nobody has seen before.
fn frames(round: u8) -> anyhow::Result<Vec<Vec<u8>>> {
    (0..FRAMES)
        .map(|frame| {
            let picture = image::RgbImage::from_pixel(SIZE.0, SIZE.1, image::Rgb([round, frame, 7]));
            let mut png = std::io::Cursor::new(Vec::new());
            picture.write_to(&mut png, image::ImageFormat::Png)?;
            Ok(png.into_inner())
        })
        .collect()
}

/// Processor time of this process, all threads.
fn own_cpu_ms() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let threads = fs::read_dir("/proc/self/task")?.flatten();
    let nanoseconds = |text: &str| text.split_whitespace().next()?.parse::<f64>().ok();
    let all =
        threads.filter_map(|task| nanoseconds(&fs::read_to_string(task.path().join("schedstat")).ok()?));
    let sum: f64 = all.sum();
    anyhow::ensure!(sum > 0.0, "this machine does not account processor time per thread: {stat:?}");
    Ok(sum / 1e6)
}
