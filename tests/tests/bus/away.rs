//! NATS only: the server goes away and comes back.

use std::time::Duration;

use spatialclaw_bus::Queue;
use spatialclaw_domain::{FaultKind, SessionId};
use spatialclaw_proto::session::v1::Plan;

use super::jobs::{finish, work};
use crate::world::{World, entry, in_time, say, text};

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
        assert_eq!(given.recv().await.unwrap().0, "after");
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
async fn a_server_that_is_not_there_is_named() -> anyhow::Result<()> {
    let mut world = World::nats().await?;
    world.server.as_mut().unwrap().kill().await?;
    let error = spatialclaw_bus::Bus::connect(&world.config, "late").await.err().map(anyhow::Error::from);
    let text = format!("{:#}", error.expect("it cannot connect"));
    assert!(text.contains(world.config.nats.as_deref().unwrap()), "{text}");
    Ok(())
}
