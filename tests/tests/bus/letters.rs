//! The dead-letter place.

use spatialclaw_bus::{Delivery, Done, Queue};
use spatialclaw_proto::session::v1::{Answer, Plan};

use super::jobs::{finish, retry, work};
use crate::world::{World, say};

/// Buries the job `id` and waits until it is listed.
async fn bury(world: &World, id: &str) -> anyhow::Result<()> {
    let (worker, mut given) =
        work(&world.bus, 1, |_| async { Done::Dead { reason: "never".to_owned() } }).await?;
    world.bus.enqueue(Queue::Plan, id, &say("job")).await?;
    given.recv().await.unwrap();
    worker.drain(world.config.ack_wait * 30).await;
    Ok(())
}

async fn listed(world: &World) -> anyhow::Result<Vec<(String, String, u32)>> {
    let dead = world.bus.dead(Queue::Plan, 10).await?;
    Ok(dead.into_iter().map(|job| (job.id, job.reason, job.attempts)).collect())
}

pub(crate) async fn a_hopeless_job_is_listed(world: &World) -> anyhow::Result<()> {
    assert!(listed(world).await?.is_empty());
    bury(world, "a b.*").await?;
    assert_eq!(listed(world).await?, [("a b.*".to_owned(), "never".to_owned(), 1)]);
    assert!(world.bus.dead(Queue::Solve, 10).await?.is_empty());
    Ok(())
}

pub(crate) async fn a_job_that_failed_often_is_listed(world: &World) -> anyhow::Result<()> {
    let (worker, mut given) = work(&world.bus, 1, |_| async { retry() }).await?;
    world.bus.enqueue(Queue::Plan, "a", &say("job")).await?;
    assert!(!given.recv().await.unwrap().1.is_last);
    assert!(given.recv().await.unwrap().1.is_last);
    worker.drain(world.config.ack_wait * 30).await;
    assert_eq!(listed(world).await?, [("a".to_owned(), "not now".to_owned(), 2)]);
    Ok(())
}

pub(crate) async fn a_job_whose_workers_went_away_is_listed(world: &World) -> anyhow::Result<()> {
    world.bus.enqueue(Queue::Plan, "a", &say("job")).await?;
    for attempt in 1..=2 {
        let (worker, mut given) = work(&world.bus, 1, |_| std::future::pending()).await?;
        assert_eq!(given.recv().await.unwrap().1.attempt, attempt);
        drop(worker);
    }
    // The third delivery is never handed out: this worker sees only what comes after it.
    let (worker, mut given) = work(&world.bus, 1, finish).await?;
    while listed(world).await?.is_empty() {
        tokio::task::yield_now().await;
    }
    world.bus.enqueue(Queue::Plan, "b", &say("next")).await?;
    assert_eq!(given.recv().await.unwrap().1.id, "b");
    worker.drain(world.config.ack_wait * 30).await;
    let dead = listed(world).await?;
    assert_eq!((dead[0].0.as_str(), dead[0].1.as_str()), ("a", "its worker went away 2 times"));
    Ok(())
}

pub(crate) async fn an_unreadable_job_is_listed(world: &World) -> anyhow::Result<()> {
    let worker = world.bus.work(Queue::Plan, 1, |_: Plan, _| async { Done::Finished }).await?;
    let other = Answer { number: Some(1.0), ..Answer::default() };
    world.bus.enqueue(Queue::Plan, "a", &other).await?;
    while listed(world).await?.is_empty() {
        tokio::task::yield_now().await;
    }
    worker.drain(world.config.ack_wait * 30).await;
    assert!(listed(world).await?[0].1.contains("cannot be decoded"));
    Ok(())
}

pub(crate) async fn a_dead_job_is_known(world: &World) -> anyhow::Result<()> {
    bury(world, "a").await?;
    world.bus.enqueue(Queue::Plan, "a", &say("again")).await?;
    world.bus.enqueue(Queue::Plan, "b", &say("next")).await?;
    let (_worker, mut given) = work(&world.bus, 1, finish).await?;
    assert_eq!(given.recv().await.unwrap().1.id, "b");
    assert_eq!(listed(world).await?.len(), 1);
    Ok(())
}

pub(crate) async fn a_revived_job_is_new(world: &World) -> anyhow::Result<()> {
    bury(world, "a").await?;
    assert!(world.bus.revive(Queue::Plan, "a").await?);
    assert!(!world.bus.revive(Queue::Plan, "a").await?, "it is alive");
    assert!(!world.bus.revive(Queue::Plan, "b").await?, "nobody knows it");
    assert!(listed(world).await?.is_empty());
    let often = |delivery: Delivery| async move { if delivery.is_last { Done::Finished } else { retry() } };
    let (_worker, mut given) = work(&world.bus, 1, often).await?;
    let (text, delivery) = given.recv().await.unwrap();
    assert_eq!((text.as_str(), delivery.id.as_str(), delivery.attempt), ("job", "a", 1));
    assert_eq!(given.recv().await.unwrap().1.attempt, 2);
    Ok(())
}

pub(crate) async fn letters_are_listed_in_order(world: &World) -> anyhow::Result<()> {
    for id in ["c", "a", "b"] {
        bury(world, id).await?;
    }
    let ids = |dead: Vec<(String, String, u32)>| dead.into_iter().map(|job| job.0).collect::<Vec<_>>();
    assert_eq!(ids(listed(world).await?), ["c", "a", "b"]);
    assert_eq!(world.bus.dead(Queue::Plan, 2).await?.len(), 2);
    Ok(())
}
