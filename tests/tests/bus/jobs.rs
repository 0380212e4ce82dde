//! Work queues.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use spatialclaw_bus::{Bus, Delivery, Done, Envelope, Error, Queue, Serving};
use spatialclaw_proto::session::v1::Plan;
use tokio::sync::{Barrier, Notify, mpsc};
use tracing::Instrument as _;

use crate::world::{World, say, trace_id};

const LONG: Duration = Duration::from_secs(30);

/// What a worker was given.
pub(crate) type Given = (String, Delivery);

/// Works with `act` and reports every delivery.
pub(crate) async fn work<F, Fut>(
    bus: &Bus,
    limit: usize,
    act: F,
) -> anyhow::Result<(Serving, mpsc::Receiver<Given>)>
where
    F: Fn(Delivery) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Done> + Send + 'static,
{
    let (report, given) = mpsc::channel(64);
    let worker = bus.work(Queue::Plan, limit, move |job: Plan, delivery: Delivery| {
        let (report, act) = (report.clone(), act.clone());
        async move {
            report.send((job.text, delivery.clone())).await.unwrap();
            act(delivery).await
        }
    });
    Ok((worker.await?, given))
}

pub(crate) async fn finish(_: Delivery) -> Done {
    Done::Finished
}

pub(crate) fn retry() -> Done {
    Done::Retry { wait: Duration::ZERO, reason: "not now".to_owned() }
}

pub(crate) async fn a_known_id_is_queued_once(world: &World) -> anyhow::Result<()> {
    for (id, text) in [("a", "first"), ("a", "again"), ("b / ü.*", "second"), ("a", "again")] {
        world.bus.enqueue(Queue::Plan, id, &say(text)).await?;
    }
    let (worker, mut given) = work(&world.other().await?, 1, finish).await?;
    let (text, delivery) = given.recv().await.unwrap();
    assert_eq!((text.as_str(), delivery.id.as_str(), delivery.attempt), ("first", "a", 1));
    assert!(!delivery.is_last);
    let (text, delivery) = given.recv().await.unwrap();
    assert_eq!((text.as_str(), delivery.id.as_str()), ("second", "b / ü.*"));
    world.bus.enqueue(Queue::Plan, "c", &say("third")).await?;
    assert_eq!(given.recv().await.unwrap().0, "third");
    worker.drain(LONG).await;
    Ok(())
}

pub(crate) async fn a_retry_is_delivered_again(world: &World) -> anyhow::Result<()> {
    let wait = Duration::from_millis(300);
    let (_worker, mut given) = work(&world.bus, 1, move |delivery: Delivery| async move {
        if delivery.attempt == 1 {
            Done::Retry { wait, reason: "not now".to_owned() }
        } else {
            Done::Finished
        }
    })
    .await?;
    world.bus.enqueue(Queue::Plan, "a", &say("job")).await?;
    given.recv().await.unwrap();
    let refused = Instant::now();
    let (text, delivery) = given.recv().await.unwrap();
    assert_eq!((text.as_str(), delivery.attempt, delivery.is_last), ("job", 2, true));
    assert!(refused.elapsed() >= wait / 2, "it came back after {:?}", refused.elapsed());
    Ok(())
}

pub(crate) async fn a_panic_is_delivered_again(world: &World) -> anyhow::Result<()> {
    let (_worker, mut given) = work(&world.bus, 1, |delivery: Delivery| async move {
        assert_ne!(delivery.attempt, 1, "the first time is always wrong");
        Done::Finished
    })
    .await?;
    world.bus.enqueue(Queue::Plan, "a", &say("job")).await?;
    assert_eq!(given.recv().await.unwrap().1.attempt, 1);
    assert_eq!(given.recv().await.unwrap().1.attempt, 2);
    Ok(())
}

pub(crate) async fn a_job_outlives_its_worker(world: &World) -> anyhow::Result<()> {
    world.bus.enqueue(Queue::Plan, "a", &say("job")).await?;
    let (worker, mut given) = work(&world.bus, 1, |_| std::future::pending()).await?;
    assert_eq!(given.recv().await.unwrap().1.attempt, 1);
    drop(worker);
    let (_worker, mut given) = work(&world.other().await?, 1, finish).await?;
    let (text, delivery) = given.recv().await.unwrap();
    assert_eq!((text.as_str(), delivery.attempt), ("job", 2));
    Ok(())
}

pub(crate) async fn a_long_job_is_delivered_once(world: &World) -> anyhow::Result<()> {
    let busy = world.config.ack_wait * 3;
    let long = move |delivery: Delivery| async move {
        if delivery.id == "long" {
            // The time the job takes is what is tested.
            tokio::time::sleep(busy).await;
        }
        Done::Finished
    };
    let (first, mut given) = work(&world.bus, 1, long).await?;
    world.bus.enqueue(Queue::Plan, "long", &say("job")).await?;
    given.recv().await.unwrap();
    let (second, mut idle) = work(&world.other().await?, 1, long).await?;
    first.drain(LONG).await;
    // Whatever had come back would stand before this one.
    world.bus.enqueue(Queue::Plan, "next", &say("next")).await?;
    assert_eq!(idle.recv().await.unwrap().1.id, "next");
    assert!(given.recv().await.is_none());
    second.drain(LONG).await;
    Ok(())
}

pub(crate) async fn workers_do_as_much_as_allowed_at_once(world: &World) -> anyhow::Result<()> {
    // Three jobs that can only end together.
    let together = Arc::new(Barrier::new(3));
    let meet = Arc::clone(&together);
    let act = move |_| {
        let meet = Arc::clone(&meet);
        async move {
            meet.wait().await;
            Done::Finished
        }
    };
    let (first, mut given) = work(&world.bus, 2, act.clone()).await?;
    let (second, mut more) = work(&world.other().await?, 1, act).await?;
    for id in ["a", "b", "c"] {
        world.bus.enqueue(Queue::Plan, id, &say(id)).await?;
    }
    for _ in 0..2 {
        given.recv().await.unwrap();
    }
    more.recv().await.unwrap();
    first.drain(LONG).await;
    second.drain(LONG).await;
    Ok(())
}

pub(crate) async fn draining_finishes_the_running_job(world: &World) -> anyhow::Result<()> {
    let go = Arc::new(Notify::new());
    let door = Arc::clone(&go);
    let (worker, mut given) = work(&world.bus, 1, move |_| {
        let go = Arc::clone(&door);
        async move {
            go.notified().await;
            Done::Finished
        }
    })
    .await?;
    world.bus.enqueue(Queue::Plan, "a", &say("running")).await?;
    world.bus.enqueue(Queue::Plan, "b", &say("waiting")).await?;
    given.recv().await.unwrap();
    // Looked at once, so that it has begun before the job may end.
    let mut drained = pin!(worker.drain(LONG));
    assert!(drained.as_mut().now_or_never().is_none(), "a job is still running");
    go.notify_one();
    drained.await;
    let (_worker, mut given) = work(&world.bus, 1, finish).await?;
    let (text, delivery) = given.recv().await.unwrap();
    assert_eq!((text.as_str(), delivery.attempt), ("waiting", 1));
    Ok(())
}

pub(crate) async fn a_full_queue_refuses(world: &World) -> anyhow::Result<()> {
    for id in ["a", "b", "c"] {
        world.bus.enqueue(Queue::Plan, id, &say(id)).await?;
    }
    let refused = world.bus.enqueue(Queue::Plan, "d", &say("d")).await;
    assert!(matches!(refused, Err(Error::QueueFull("plan"))), "{refused:?}");
    world.bus.enqueue(Queue::Plan, "a", &say("known")).await?;
    world.bus.enqueue(Queue::Solve, "d", &say("another queue")).await?;
    let (worker, mut given) = work(&world.bus, 1, finish).await?;
    for id in ["a", "b", "c"] {
        assert_eq!(given.recv().await.unwrap().0, id);
    }
    worker.drain(LONG).await;
    world.bus.enqueue(Queue::Plan, "d", &say("d")).await?;
    Ok(())
}

pub(crate) async fn the_handler_is_in_the_trace_of_whoever_queued(world: &World) -> anyhow::Result<()> {
    let (report, mut traces) = mpsc::channel(1);
    let worker = world.bus.work(Queue::Plan, 1, move |_: Plan, _| {
        let report = report.clone();
        async move {
            report.send(Envelope::current_traceparent().unwrap_or_default()).await.unwrap();
            Done::Finished
        }
    });
    let _worker = worker.await?;
    let sender = async {
        world.bus.enqueue(Queue::Plan, "a", &say("job")).await?;
        anyhow::Ok(Envelope::current_traceparent().unwrap())
    }
    .instrument(tracing::info_span!("sender"))
    .await?;
    assert_eq!(trace_id(&traces.recv().await.unwrap()), trace_id(&sender));
    Ok(())
}
