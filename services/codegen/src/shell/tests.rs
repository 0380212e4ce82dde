//! The actor when it does not come to its own end.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use spatialclaw_bus::{self as bus, Bus, Serving};
use spatialclaw_models::{ChatReply, LanguageModel};
use tokio::time::timeout;

use super::*;
use crate::{Config, fixture};

const PATIENCE: Duration = Duration::from_secs(30);

/// Never says a word.
struct Silent;

#[async_trait]
impl LanguageModel for Silent {
    fn name(&self) -> &str {
        "silent"
    }

    async fn chat(&self, _: &ChatRequest) -> Result<ChatReply, Fault> {
        std::future::pending().await
    }
}

/// An executor that leases one kernel and tells by what it lives.
async fn executor(bus: &Bus) -> (oneshot::Receiver<String>, Serving) {
    let (sender, owner) = oneshot::channel();
    let sender = Arc::new(Mutex::new(Some(sender)));
    let handler = move |request: LeaseRequest| {
        let first = sender.lock().unwrap().take();
        async move {
            first.unwrap().send(request.owner).unwrap();
            let kernel = KernelId::named("only").to_string();
            Ok(LeaseReply { kernel, executor: "fake".into(), walls: "none".into(), seconds: 0.0 })
        }
    };
    (owner, bus.serve("executor.lease", 1, handler).await.unwrap())
}

#[tokio::test]
async fn a_session_that_ends_badly_leaves_no_kernel_behind() {
    let dir = tempfile::tempdir().unwrap();
    let settings = bus::Config { artifacts: dir.path().display().to_string(), ..bus::Config::default() };
    let bus = Bus::connect(&settings, "test").await.unwrap();
    let (owner, _serving) = executor(&bus).await;
    let desk = Desk { bus: bus.clone(), model: Arc::new(Silent), config: Arc::new(Config::default()) };
    let journal = fixture::journal(vec![fixture::planned("look")]);
    let (ended, _end) = oneshot::channel();
    let given = Arguments {
        transcript: Transcript::fold(fixture::session(), &journal).unwrap(),
        is_last_delivery: false,
        attempt: 1,
        ended,
    };
    let (actor, joined) = Actor::spawn(None, Shell::new(desk), given).await.unwrap();
    let owner = timeout(PATIENCE, owner).await.unwrap().unwrap();
    assert!(bus.hold(&owner, PATIENCE).await.is_err(), "the kernel lives by it");
    // As after a panic: nothing of its own runs any more.
    actor.kill();
    joined.await.unwrap();
    timeout(PATIENCE, bus.lapsed(&owner)).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_cannot_be_watched_is_watched_again() {
    let failures = Mutex::new(3);
    let watch = || {
        let mut left = failures.lock().unwrap();
        let watched = if *left == 0 { Ok(()) } else { Err("the link is down") };
        *left -= i32::from(watched.is_err());
        std::future::ready(watched)
    };
    timeout(PATIENCE, insistently("kernel.k", watch)).await.unwrap();
    assert_eq!(*failures.lock().unwrap(), 0);
}
