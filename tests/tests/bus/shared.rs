//! NATS only: what stands on a server belongs to everybody who uses it.

use std::time::Duration;

use async_nats::jetstream::{self, consumer::pull, stream};
use spatialclaw_bus::{Bus, Config, Delivery, Done, Queue};

use super::jobs::{finish, work};
use crate::world::{World, in_time, say};

/// Another client's idea of everything.
fn otherwise(config: &Config) -> Config {
    Config {
        replicas: 3,
        max_queued: 1,
        journal_age: Duration::from_secs(3600),
        ack_wait: Duration::from_secs(3600),
        ..config.clone()
    }
}

async fn standing(world: &World) -> anyhow::Result<(Vec<stream::Config>, Duration)> {
    let raw = jetstream::new(async_nats::connect(world.server.as_ref().unwrap().url()).await?);
    let mut streams = Vec::new();
    for name in ["queue_plan", "queue_solve", "dead", "journal"] {
        streams.push(raw.get_stream(format!("spatialclaw_{name}")).await?.cached_info().config.clone());
    }
    streams.push(raw.get_stream("KV_spatialclaw_leases").await?.cached_info().config.clone());
    let workers =
        raw.get_consumer_from_stream::<pull::Config, _, _>("workers", "spatialclaw_queue_plan").await?;
    Ok((streams, workers.cached_info().config.ack_wait))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_with_other_settings_changes_nothing() -> anyhow::Result<()> {
    let world = World::nats().await?;
    in_time(Box::pin(async {
        let (_worker, _given) = work(&world.bus, 1, finish).await?;
        let before = standing(&world).await?;
        assert_eq!(before.1, world.config.ack_wait);
        let other = Bus::connect(&otherwise(&world.config), "other").await?;
        let (_worker, _given) = work(&other, 1, finish).await?;
        assert_eq!(standing(&world).await?, before);
        Ok(())
    }))
    .await
}

/// The claim lapses by the server's clock, whatever this client would have had it be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_is_extended_as_often_as_the_server_wants() -> anyhow::Result<()> {
    let world = World::nats().await?;
    in_time(Box::pin(async {
        let (first, _given) = work(&world.bus, 1, finish).await?;
        first.drain(world.config.ack_wait).await;
        let other = Bus::connect(&otherwise(&world.config), "other").await?;
        let busy = world.config.ack_wait * 3;
        let (_worker, mut given) = work(&other, 2, move |delivery: Delivery| async move {
            if delivery.id == "long" {
                // The time the job takes is what is tested.
                tokio::time::sleep(busy).await;
            }
            Done::Finished
        })
        .await?;
        other.enqueue(Queue::Plan, "long", &say("job")).await?;
        assert_eq!(given.recv().await.unwrap().1.id, "long");
        tokio::time::sleep(busy).await;
        // Whatever had come back would stand before this one.
        other.enqueue(Queue::Plan, "next", &say("next")).await?;
        assert_eq!(given.recv().await.unwrap().1.id, "next");
        Ok(())
    }))
    .await
}
