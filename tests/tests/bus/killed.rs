//! A process is killed with `kill -9`, and what it had in hand is found again.

use std::{env, process::Stdio, time::Duration};

use anyhow::Context as _;
use spatialclaw_bus::{Bus, Config, Delivery, Done, Error, Queue};
use spatialclaw_domain::SessionId;
use spatialclaw_proto::session::v1::Plan;
use spatialclaw_tests::nats::NatsServer;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::jobs::{finish, work};
use crate::world::{World, entry, in_time, say, text};

const CONFIG: &str = "SPATIALCLAW_TEST_BUS";
const READY: &str = "holding on";

/// Starts this very test binary as a second process that takes things in hand and never lets go.
async fn start_holder(config: &Config) -> anyhow::Result<Child> {
    let mut child = Command::new(env::current_exe()?)
        .args(["killed::holder", "--exact", "--ignored", "--nocapture"])
        .env(CONFIG, serde_json::to_string(config)?)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
    while let Some(line) = lines.next_line().await? {
        if line.contains(READY) {
            return Ok(child);
        }
    }
    anyhow::bail!("the holder ended early")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the second process of the other tests"]
async fn holder() -> anyhow::Result<()> {
    let Ok(config) = env::var(CONFIG) else { return Ok(()) };
    let bus = Bus::connect(&serde_json::from_str(&config)?, "holder").await?;
    let session = SessionId::named("held");
    let first = bus.append(session, &entry("first"), 0).await?;
    bus.append(session, &entry("second"), first).await?;
    for id in ["claimed", "waiting"] {
        bus.enqueue(Queue::Plan, id, &say(id)).await?;
    }
    let _lease = bus.hold("kernel.7", Duration::from_secs(1)).await?;
    let (claimed, mut claims) = tokio::sync::mpsc::channel(1);
    let worker = bus.work(Queue::Plan, 1, move |_: Plan, _: Delivery| {
        let claimed = claimed.clone();
        async move {
            claimed.send(()).await.unwrap();
            std::future::pending::<Done>().await
        }
    });
    let _worker = worker.await?;
    claims.recv().await.context("nothing was claimed")?;
    println!("{READY}");
    std::future::pending().await
}

/// What a survivor must find, in this order of deliveries.
async fn find(bus: &Bus, deliveries: [(&str, u32); 2]) -> anyhow::Result<()> {
    let entries = bus.read(SessionId::named("held"), 0).await?;
    assert_eq!(entries.iter().map(|(_, event)| text(event)).collect::<Vec<_>>(), ["first", "second"]);
    let (_worker, mut given) = work(bus, 1, finish).await?;
    for expected in deliveries {
        let (id, delivery) = given.recv().await.unwrap();
        assert_eq!((id.as_str(), delivery.attempt), expected);
    }
    bus.lapsed("kernel.7").await?;
    bus.hold("kernel.7", Duration::from_secs(1)).await?.release().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_found_as_it_was_left() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    // A claim that nobody waits for: it must be void, not lapse.
    let keep = |config: &mut Config| {
        config.path = Some(folder.path().join("bus"));
        config.ack_wait = Duration::from_secs(3600);
    };
    let world = World::new(None, |_| {}).await?;
    let mut config = world.config.clone();
    keep(&mut config);
    in_time(Box::pin(async {
        let mut holder = start_holder(&config).await?;
        let refused = Bus::connect(&config, "second").await.err().context("two processes share a store")?;
        assert!(matches!(refused, Error::Config(_)), "{refused:?}");
        let text = refused.to_string();
        assert!(
            text.contains("in use by process") && text.contains(&holder.id().unwrap().to_string()),
            "{text}"
        );
        holder.kill().await?;
        let bus = Bus::connect(&config, "survivor").await?;
        find(&bus, [("claimed", 2), ("waiting", 1)]).await
    }))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_can_be_opened_again_at_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bus");
    for number in 0..3 {
        let world = World::new(None, |config| config.path = Some(path.clone())).await?;
        in_time(async {
            let session = SessionId::named("kept");
            let last = world.bus.read(session, 0).await?.last().map_or(0, |(seq, _)| *seq);
            assert_eq!(last, number);
            world.bus.append(session, &entry("again"), last).await?;
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_held_comes_back_over_nats() -> anyhow::Result<()> {
    let world = World::new(Some(NatsServer::start().await?), |_| {}).await?;
    in_time(async {
        let mut holder = start_holder(&world.config).await?;
        holder.kill().await?;
        find(&world.bus, [("waiting", 1), ("claimed", 2)]).await
    })
    .await
}
