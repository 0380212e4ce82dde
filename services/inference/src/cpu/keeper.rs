//! Keeps a child running and hands it one request after the other.
//!
//! ```text
//!            ┌────────── fault: again, the unanswered request once more ──────────┐
//!            ▼                                                                    │
//!  starting ──hello──► serving ──request──► working ──answer──► serving           │
//!     │                   └── child ends ──────┴── child ends, deadline ──────────┘
//!     └─ cannot start: whoever waits is told why; again after a pause that doubles up to 30 s
//! ```
//!
//! A request that has cost two children is answered with an error: a third
//! would not fare better. A request whose caller has left is dropped before it
//! is sent. A child that works past the deadline is killed, since nothing else
//! stops it.

use std::time::Duration;

use spatialclaw_runtime::Readiness;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::child::{Child, Launch, Message};
use crate::{Refusal, admission::Permit};

const CONDITION: &str = "cpu engine";
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const ATTEMPTS: u32 = 2;

/// A request on its way to the child.
pub(super) struct Job {
    message: Message,
    reply: oneshot::Sender<Result<Message, Refusal>>,
    attempts: u32,
    _permit: Permit,
}

impl Job {
    pub(super) fn new(
        message: Message,
        reply: oneshot::Sender<Result<Message, Refusal>>,
        permit: Permit,
    ) -> Self {
        Self { message, reply, attempts: 0, _permit: permit }
    }

    fn answer(self, answer: Result<Message, Refusal>) {
        // The caller may have left: then nobody needs it.
        let _ = self.reply.send(answer);
    }
}

/// Runs until nobody can ask any more.
pub(super) async fn keep(
    launch: Launch,
    mut jobs: mpsc::Receiver<Job>,
    readiness: Readiness,
    deadline: Duration,
) {
    let mut unanswered = None;
    let mut pause = FIRST_PAUSE;
    loop {
        readiness.set(CONDITION, false, "starting");
        let why = match launch.start().await {
            Ok(child) => {
                readiness.set(CONDITION, true, detail(&child, &launch));
                pause = FIRST_PAUSE;
                match serve(child, &mut jobs, &mut unanswered, deadline).await {
                    Some(fault) => tracing::error!(fault, "the cpu engine ended; starting it again"),
                    None => return,
                }
                continue;
            }
            Err(error) => format!("the cpu engine cannot start: {error:#}"),
        };
        tracing::error!(why);
        readiness.set(CONDITION, false, why.as_str());
        if !refuse(&why, unanswered.take(), &mut jobs, pause).await {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn detail(child: &Child, launch: &Launch) -> String {
    let able = launch.missing().unwrap_or_else(|| "ready".to_owned());
    format!("process {}: {able}", child.pid())
}

/// Tells everybody who waits, and whoever comes during the pause, why there is no answer. False: nobody can ask.
async fn refuse(why: &str, unanswered: Option<Job>, jobs: &mut mpsc::Receiver<Job>, pause: Duration) -> bool {
    let until = Instant::now() + pause;
    let mut waiting = unanswered;
    loop {
        if let Some(job) = waiting {
            job.answer(Err(Refusal::Unavailable(why.to_owned())));
        }
        match tokio::time::timeout_at(until, jobs.recv()).await {
            Ok(Some(job)) => waiting = Some(job),
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

/// Hands over requests until the child is of no more use, and says why; none when nobody can ask any more.
async fn serve(
    mut child: Child,
    jobs: &mut mpsc::Receiver<Job>,
    unanswered: &mut Option<Job>,
    deadline: Duration,
) -> Option<String> {
    loop {
        let job = match unanswered.take() {
            Some(job) => job,
            None => tokio::select! {
                job = jobs.recv() => job?,
                status = child.ended() => return Some(status),
            },
        };
        if job.reply.is_closed() {
            continue;
        }
        match tokio::time::timeout(deadline, child.exchange(&job.message)).await {
            Ok(Ok(answer)) => job.answer(read(answer)),
            Ok(Err(fault)) => {
                *unanswered = once_more(job, &fault);
                return Some(format!("{fault:#}"));
            }
            Err(_) => {
                let why = format!("the cpu engine was not done within {deadline:?} (inference.deadline)");
                job.answer(Err(Refusal::Deadline(why.clone())));
                return Some(why);
            }
        }
    }
}

fn once_more(mut job: Job, fault: &anyhow::Error) -> Option<Job> {
    job.attempts += 1;
    if job.attempts < ATTEMPTS {
        return Some(job);
    }
    let why = format!("the cpu engine ended twice over this request ({fault:#}); it will not be tried again");
    job.answer(Err(Refusal::Internal(why)));
    None
}

fn read(answer: Message) -> Result<Message, Refusal> {
    let error = &answer.header["error"];
    let Some(kind) = error["kind"].as_str() else { return Ok(answer) };
    let message = error["message"].as_str().unwrap_or_default().to_owned();
    Err(match kind {
        "invalid" => Refusal::Invalid(message),
        "precondition" => Refusal::Precondition(message),
        _ => Refusal::Internal(message),
    })
}
