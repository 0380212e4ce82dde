//! What becomes of a session whose job nobody could do.

use spatialclaw_bus::{Done, Queue};
use spatialclaw_domain::{Event, EventKind, Fault, FaultKind, Plan, SessionId, Usage};
use spatialclaw_proto::session::v1::Answer;

use super::jobs::{finish, work};
use crate::world::{World, entry, say};

/// An entry that ends nothing.
fn planned() -> Event {
    let usage = Usage { calls: 1, ..Usage::default() };
    Event {
        at_unix_ms: 1,
        kind: EventKind::Planned { plan: Plan { text: "look".into(), model: "m".into(), usage } },
    }
}

/// A session that somebody waits for, and its job.
async fn submit(world: &World) -> anyhow::Result<SessionId> {
    let session = SessionId::random();
    world.bus.append(session, &planned(), 0).await?;
    world.bus.enqueue(Queue::Plan, &session.to_string(), &say("job")).await?;
    Ok(session)
}

/// How the session failed, as a caller who follows it sees it.
async fn failed(world: &World, session: SessionId) -> anyhow::Result<Fault> {
    let mut follow = world.bus.follow(session, 0).await?;
    loop {
        if let EventKind::Failed { fault, usage, seconds, .. } = follow.next().await?.1.kind {
            assert_eq!(usage.calls, 1, "what was spent is told");
            assert!(seconds > 0.0);
            return Ok(fault);
        }
    }
}

fn given_up() -> Done {
    Done::Dead { reason: "its picture\nis gone".to_owned() }
}

pub(crate) async fn a_session_fails_when_its_job_is_given_up(world: &World) -> anyhow::Result<()> {
    let session = submit(world).await?;
    let (_worker, _given) = work(&world.bus, 1, |_| async { given_up() }).await?;
    let fault = failed(world, session).await?;
    assert_eq!(fault.kind, FaultKind::Internal);
    let replay = format!("`spatialclaw dead replay plan {session}`");
    for part in ["queue `plan`", "its picture is gone", &replay] {
        assert!(fault.message.contains(part), "{fault}");
    }
    Ok(())
}

pub(crate) async fn a_session_fails_when_its_workers_went_away(world: &World) -> anyhow::Result<()> {
    let session = submit(world).await?;
    for _ in 0..world.config.max_deliveries {
        let (worker, mut given) = work(&world.bus, 1, |_| std::future::pending()).await?;
        given.recv().await.unwrap();
        drop(worker);
    }
    let (_worker, _given) = work(&world.bus, 1, finish).await?;
    let fault = failed(world, session).await?;
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("went away 2 times"), "{fault}");
    Ok(())
}

pub(crate) async fn a_session_fails_when_its_job_cannot_be_read(world: &World) -> anyhow::Result<()> {
    let session = SessionId::random();
    world.bus.append(session, &planned(), 0).await?;
    // Field 2 is a number here and text there.
    let other = Answer { number: Some(1.0), ..Answer::default() };
    world.bus.enqueue(Queue::Plan, &session.to_string(), &other).await?;
    let (_worker, _given) = work(&world.bus, 1, finish).await?;
    assert!(failed(world, session).await?.message.contains("cannot be decoded"));
    Ok(())
}

pub(crate) async fn a_session_that_has_ended_stays_as_it_is(world: &World) -> anyhow::Result<()> {
    let session = submit(world).await?;
    let last = world.bus.read(session, 0).await?.pop().unwrap().0;
    world.bus.append(session, &entry("enough"), last).await?;
    let (worker, mut given) = work(&world.bus, 1, |_| async { given_up() }).await?;
    given.recv().await.unwrap();
    worker.drain(world.config.ack_wait * 30).await;
    assert_eq!(world.bus.dead(Queue::Plan, 10).await?.len(), 1);
    assert!(world.bus.revive(Queue::Plan, &session.to_string()).await?);
    assert_eq!(world.bus.read(session, 0).await?.len(), 2);
    Ok(())
}

pub(crate) async fn a_replayed_session_is_opened_again(world: &World) -> anyhow::Result<()> {
    let session = submit(world).await?;
    let id = session.to_string();
    let (worker, _given) = work(&world.bus, 1, |_| async { given_up() }).await?;
    failed(world, session).await?;
    worker.drain(world.config.ack_wait * 30).await;
    // Whoever submits it again is answered by its journal.
    world.bus.enqueue(Queue::Plan, &id, &say("job")).await?;
    assert_eq!(world.bus.dead(Queue::Plan, 10).await?.len(), 1);

    assert!(world.other().await?.revive(Queue::Plan, &id).await?);
    let last = world.bus.read(session, 0).await?.pop().unwrap().1;
    assert!(matches!(last.kind, EventKind::Reopened { .. }), "{last:?}");
    let (_worker, mut given) = work(&world.bus, 1, finish).await?;
    let (text, delivery) = given.recv().await.unwrap();
    assert_eq!((text.as_str(), delivery.id, delivery.attempt), ("job", id.clone(), 1));
    assert!(!world.bus.revive(Queue::Plan, &id).await?, "it is alive or done");
    assert_eq!(world.bus.read(session, 0).await?.pop().unwrap().1, last);
    Ok(())
}
