//! Request and reply.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use spatialclaw_bus::{Bus, Envelope, MAX_BODY, Serving};
use spatialclaw_domain::{Fault, FaultKind};
use spatialclaw_proto::session::v1::{Answer, Plan};
use tokio::sync::{Notify, mpsc};
use tracing::Instrument as _;

use crate::world::{World, say, trace_id};

const LONG: Duration = Duration::from_secs(30);

async fn ask(bus: &Bus, text: &str) -> Result<String, Fault> {
    bus.ask::<Plan, Plan>("echo", &say(text), LONG).await.map(|reply| reply.text)
}

async fn echo(bus: &Bus) -> anyhow::Result<Serving> {
    Ok(bus.serve("echo", 8, |request: Plan| async move { Ok(say(&format!("{}!", request.text))) }).await?)
}

pub(crate) async fn a_request_is_answered(world: &World) -> anyhow::Result<()> {
    let _serving = echo(&world.other().await?).await?;
    assert_eq!(ask(&world.bus, "hello").await?, "hello!");
    Ok(())
}

pub(crate) async fn nobody_serving_is_an_answer(world: &World) -> anyhow::Result<()> {
    let asked = Instant::now();
    let fault = ask(&world.bus, "hello").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable, "{fault}");
    assert!(asked.elapsed() < LONG, "it waited for the deadline");
    assert!(fault.message.contains("`echo`"), "{fault}");
    Ok(())
}

pub(crate) async fn an_ask_has_a_deadline(world: &World) -> anyhow::Result<()> {
    let _serving =
        world.bus.serve("slow", 1, |_: Plan| std::future::pending::<Result<Plan, Fault>>()).await?;
    let fault = world.bus.ask::<_, Plan>("slow", &say("?"), Duration::from_millis(100)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Deadline, "{fault}");
    Ok(())
}

pub(crate) async fn a_fault_travels_whole(world: &World) -> anyhow::Result<()> {
    let fault = Fault::new(FaultKind::NotFound, "no such kernel: `7`\nlease one")
        .retry_after(Duration::from_millis(1500));
    let sent = fault.clone();
    let _serving = world
        .bus
        .serve("echo", 1, move |_: Plan| {
            let fault = sent.clone();
            async move { Err::<Plan, _>(fault) }
        })
        .await?;
    assert_eq!(ask(&world.bus, "?").await, Err(fault));
    Ok(())
}

pub(crate) async fn one_request_over_the_limit_is_refused(world: &World) -> anyhow::Result<()> {
    let (entered, mut inside) = mpsc::channel(1);
    let go = Arc::new(Notify::new());
    let door = Arc::clone(&go);
    let _serving = world
        .bus
        .serve("echo", 1, move |request: Plan| {
            let (entered, go) = (entered.clone(), Arc::clone(&door));
            async move {
                entered.send(()).await.unwrap();
                go.notified().await;
                Ok(request)
            }
        })
        .await?;
    let bus = world.bus.clone();
    let first = tokio::spawn(async move { ask(&bus, "first").await });
    inside.recv().await.unwrap();
    let fault = ask(&world.bus, "second").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Exhausted, "{fault}");
    assert!(fault.retry_after.is_some());
    go.notify_one();
    assert_eq!(first.await??, "first");
    Ok(())
}

pub(crate) async fn what_is_too_large_is_refused(world: &World) -> anyhow::Result<()> {
    let _serving = world.bus.serve("echo", 1, |_: Plan| async { Ok(say(&"x".repeat(MAX_BODY + 1))) }).await?;
    let fault = ask(&world.bus, &"x".repeat(MAX_BODY + 1)).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid, "{fault}");
    assert!(fault.message.contains("artifact store"), "{fault}");
    let fault = ask(&world.bus, "small").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Internal, "{fault}");
    assert!(fault.message.contains("the reply"), "{fault}");
    Ok(())
}

pub(crate) async fn what_cannot_be_decoded_is_refused(world: &World) -> anyhow::Result<()> {
    let _serving = echo(&world.bus).await?;
    // Field 2 is a number here and text there.
    let other = Answer { number: Some(1.0), ..Answer::default() };
    let fault = world.bus.ask::<_, Plan>("echo", &other, LONG).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid, "{fault}");
    Ok(())
}

pub(crate) async fn a_panic_is_an_answer_and_the_server_goes_on(world: &World) -> anyhow::Result<()> {
    let _serving = world
        .bus
        .serve("echo", 1, |request: Plan| async move {
            assert_ne!(request.text, "bad", "bad request");
            Ok(request)
        })
        .await?;
    let fault = ask(&world.bus, "bad").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Internal, "{fault}");
    assert!(fault.message.contains("bad request"), "{fault}");
    assert_eq!(ask(&world.bus, "good").await?, "good");
    Ok(())
}

pub(crate) async fn servers_share_a_subject_and_leave_it(world: &World) -> anyhow::Result<()> {
    let first = echo(&world.bus).await?;
    let second = echo(&world.other().await?).await?;
    for _ in 0..20 {
        assert_eq!(ask(&world.bus, "a").await?, "a!");
    }
    first.drain(LONG).await;
    for _ in 0..20 {
        assert_eq!(ask(&world.bus, "b").await?, "b!");
    }
    second.drain(LONG).await;
    assert_eq!(ask(&world.bus, "c").await.unwrap_err().kind, FaultKind::Unavailable);
    Ok(())
}

pub(crate) async fn an_abandoned_request_is_answered(world: &World) -> anyhow::Result<()> {
    let (entered, mut inside) = mpsc::channel(1);
    let serving = world
        .bus
        .serve("echo", 1, move |_: Plan| {
            let entered = entered.clone();
            async move {
                entered.send(()).await.unwrap();
                std::future::pending::<Result<Plan, Fault>>().await
            }
        })
        .await?;
    let bus = world.bus.clone();
    let asked = tokio::spawn(async move { ask(&bus, "?").await });
    inside.recv().await.unwrap();
    drop(serving);
    assert_eq!(asked.await?.unwrap_err().kind, FaultKind::Unavailable);
    Ok(())
}

pub(crate) async fn draining_finishes_what_runs(world: &World) -> anyhow::Result<()> {
    let (entered, mut inside) = mpsc::channel(1);
    let go = Arc::new(Notify::new());
    let door = Arc::clone(&go);
    let serving = world
        .bus
        .serve("echo", 1, move |request: Plan| {
            let (entered, go) = (entered.clone(), Arc::clone(&door));
            async move {
                entered.send(()).await.unwrap();
                go.notified().await;
                Ok(request)
            }
        })
        .await?;
    let bus = world.bus.clone();
    let asked = tokio::spawn(async move { ask(&bus, "last").await });
    inside.recv().await.unwrap();
    let drained = tokio::spawn(serving.drain(LONG));
    go.notify_one();
    assert_eq!(asked.await??, "last");
    drained.await?;
    Ok(())
}

pub(crate) async fn the_handler_is_in_the_askers_trace(world: &World) -> anyhow::Result<()> {
    let _serving = world
        .bus
        .serve("echo", 1, |_: Plan| async { Ok(say(&Envelope::current_traceparent().unwrap_or_default())) })
        .await?;
    let (asker, handler) = async {
        let asker = Envelope::current_traceparent().unwrap();
        (asker, ask(&world.bus, "?").await)
    }
    .instrument(tracing::info_span!("asker"))
    .await;
    let handler = handler?;
    assert_eq!(trace_id(&handler), trace_id(&asker));
    assert_ne!(handler, asker, "the handler has a span of its own");
    Ok(())
}
