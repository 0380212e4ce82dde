//! NATS only: the server goes away and comes back, a worker dies at the worst moment, an answer is lost.

use std::time::Duration;

use async_nats::{HeaderMap, jetstream};
use spatialclaw_bus::{Error, Queue};
use spatialclaw_domain::{FaultKind, SessionId};
use spatialclaw_proto::session::v1::Plan;
use spatialclaw_tests::nats::NatsServer;

use super::jobs::{finish, work};
use crate::{
    lossy::Lossy,
    world::{World, entry, in_time, say, text},
};

const LONG: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_resumes_when_the_server_is_back() -> anyhow::Result<()> {
    let mut world = World::nats().await?;
    in_time(async {
        let session = SessionId::random();
        let _serving = world.bus.serve("echo", 1, |request: Plan| async move { Ok(request) }).await?;
        let (_worker, mut given) = work(&world.bus, 1, finish).await?;
        let mut follow = world.bus.follow(session, 0).await?;
        let first = world.bus.append(session, &entry("first"), 0).await?;
        assert_eq!(text(&follow.next().await?.1), "first");
        world.bus.enqueue(Queue::Plan, "a", &say("before")).await?;
        assert_eq!(given.recv().await.unwrap().0, "before");

        let server = world.server.as_mut().unwrap();
        server.kill().await?;
        let away = loop {
            match world.bus.ask::<_, Plan>("echo", &say("?"), LONG).await {
                Err(fault) => break fault,
                // The kill has not reached this connection yet.
                Ok(_) => tokio::task::yield_now().await,
            }
        };
        assert_eq!(away.kind, FaultKind::Unavailable, "{away}");
        server.start_again().await?;

        world.bus.enqueue(Queue::Plan, "b", &say("after")).await?;
        // What was done just before the end may be delivered again: its settling may not have been heard.
        while given.recv().await.unwrap().0 != "after" {}
        world.bus.append(session, &entry("second"), first).await?;
        assert_eq!(text(&follow.next().await?.1), "second");
        assert_eq!(world.bus.ask::<_, Plan>("echo", &say("back"), LONG).await?.text, "back");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_is_lost_when_the_server_stays_away() -> anyhow::Result<()> {
    let mut world = World::nats().await?;
    in_time(async {
        let mut lease = world.bus.hold("kernel.7", Duration::from_millis(600)).await?;
        world.server.as_mut().unwrap().kill().await?;
        lease.lost().await;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_outlive_a_server_that_comes_back() -> anyhow::Result<()> {
    let mut world = World::nats().await?;
    in_time(Box::pin(async {
        let lease = world.bus.hold("kernel.7", Duration::from_secs(15)).await?;
        let server = world.server.as_mut().unwrap();
        server.kill().await?;
        server.start_again().await?;
        world.bus.hold("kernel.8", LONG).await?.release().await;
        let refused = world.other().await?.hold("kernel.7", LONG).await.err();
        assert!(matches!(&refused, Some(Error::Held(key)) if key == "kernel.7"), "{refused:?}");
        lease.release().await;
        world.bus.lapsed("kernel.7").await?;
        Ok(())
    }))
    .await
}

/// As an earlier version kept them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_that_were_kept_in_memory_can_be_taken_again() -> anyhow::Result<()> {
    let server = NatsServer::start().await?;
    let raw = jetstream::new(async_nats::connect(server.url()).await?);
    let bucket = "spatialclaw_leases".to_owned();
    let in_memory = jetstream::kv::Config {
        bucket,
        history: 1,
        storage: jetstream::stream::StorageType::Memory,
        ..jetstream::kv::Config::default()
    };
    raw.create_key_value(in_memory).await?;
    let mut world = World::new(Some(server), |_| {}).await?;
    in_time(async {
        world.bus.hold("kernel.7", LONG).await?.release().await;
        let server = world.server.as_mut().unwrap();
        server.kill().await?;
        server.start_again().await?;
        world.bus.hold("kernel.7", LONG).await?.release().await;
        world.bus.lapsed("kernel.7").await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_named() -> anyhow::Result<()> {
    let mut world = World::nats().await?;
    world.server.as_mut().unwrap().kill().await?;
    let error = spatialclaw_bus::Bus::connect(&world.config, "late").await.err().map(anyhow::Error::from);
    let text = format!("{:#}", error.expect("it cannot connect"));
    assert!(text.contains(world.config.nats.as_deref().unwrap()), "{text}");
    Ok(())
}

/// A worker that dies while it buries a job leaves it in both places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_buried_job_is_revived_once() -> anyhow::Result<()> {
    let world = World::nats().await?;
    in_time(async {
        world.bus.enqueue(Queue::Plan, "a", &say("job")).await?;
        let raw = jetstream::new(async_nats::connect(world.server.as_ref().unwrap().url()).await?);
        let mut headers = HeaderMap::new();
        headers.insert("id", "a");
        headers.insert("reason", "never");
        let body = prost::Message::encode_to_vec(&say("job")).into();
        raw.publish_with_headers(format!("{}.dead.plan.a", world.config.prefix), headers, body)
            .await?
            .await?;
        assert!(world.bus.revive(Queue::Plan, "a").await?);
        assert!(world.bus.dead(Queue::Plan, 10).await?.is_empty());
        world.bus.enqueue(Queue::Plan, "b", &say("next")).await?;
        let (_worker, mut given) = work(&world.bus, 1, finish).await?;
        assert_eq!(given.recv().await.unwrap().1.id, "a");
        assert_eq!(given.recv().await.unwrap().1.id, "b");
        Ok(())
    })
    .await
}

/// What was stored is not refused as somebody else's when it is sent again, nor stored twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_no_conflict() -> anyhow::Result<()> {
    let server = NatsServer::start().await?;
    let lossy = Lossy::before(&server).await?;
    let world = World::new(Some(server), |config| config.nats = Some(lossy.url())).await?;
    in_time(async {
        let session = SessionId::random();
        let first = world.bus.append(session, &entry("first"), 0).await?;
        lossy.lose("spatialclaw_journal");
        let second = world.bus.append(session, &entry("second"), first).await?;
        assert_eq!(lossy.lost(), 1);
        let third = world.bus.append(session, &entry("third"), second).await?;
        let entries = world.bus.read(session, 0).await?;
        assert_eq!(entries.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [first, second, third]);

        lossy.lose("spatialclaw_queue_plan");
        world.bus.enqueue(Queue::Plan, "a", &say("job")).await?;
        assert_eq!(lossy.lost(), 2);
        world.bus.enqueue(Queue::Plan, "b", &say("next")).await?;
        let (_worker, mut given) = work(&world.bus, 1, finish).await?;
        assert_eq!(given.recv().await.unwrap().1.id, "a");
        assert_eq!(given.recv().await.unwrap().1.id, "b");
        Ok(())
    })
    .await
}
