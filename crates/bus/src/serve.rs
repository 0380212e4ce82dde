//! Serves a subject: one loop for every carrier.
//!
//! A request over the limit is answered at once instead of waiting: the asker knows better what to do with the time.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use spatialclaw_domain::{Fault, FaultKind};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, field, info_span};

use crate::{
    Envelope, Error,
    carrier::{Request, Requests},
    envelope::MAX_BODY,
};

/// When an asker that met a busy server may try again.
const BUSY_RETRY: Duration = Duration::from_millis(100);

pub(crate) type Handler = Arc<dyn Fn(Bytes) -> BoxFuture<'static, Result<Bytes, Fault>> + Send + Sync>;

pub(crate) struct Server {
    pub(crate) subject: String,
    pub(crate) limit: usize,
    pub(crate) handler: Handler,
}

impl Server {
    /// Until `stop`, then until everything that had arrived is answered; what runs is answered also when no more can
    /// be received.
    pub(crate) async fn run(
        self,
        mut requests: Box<dyn Requests>,
        stop: CancellationToken,
    ) -> Result<(), Error> {
        let permits = Arc::new(Semaphore::new(self.limit));
        let mut running = JoinSet::new();
        let mut closing = false;
        let ended = loop {
            tokio::select! {
                () = stop.cancelled(), if !closing => {
                    closing = true;
                    requests.close().await;
                }
                request = requests.next() => match request {
                    Ok(Some(request)) => self.accept(request, &permits, &mut running).await,
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                },
                Some(_) = running.join_next() => {}
            }
        };
        while running.join_next().await.is_some() {}
        ended
    }

    async fn accept(&self, request: Request, permits: &Arc<Semaphore>, running: &mut JoinSet<()>) {
        let Ok(permit) = Arc::clone(permits).try_acquire_owned() else {
            return request.reply.send(Envelope::of_reply(Err(self.busy()))).await;
        };
        let span = info_span!(
            "serve",
            otel.kind = "server",
            spatialclaw.subject = %self.subject,
            error.type = field::Empty,
        );
        request.envelope.continue_trace(&span);
        running.spawn(answer(Arc::clone(&self.handler), request, permit).instrument(span));
    }

    fn busy(&self) -> Fault {
        let text = format!("`{}` is busy: it serves {} requests at once", self.subject, self.limit);
        Fault::new(FaultKind::Exhausted, text).retry_after(BUSY_RETRY)
    }
}

async fn answer(handler: Handler, request: Request, permit: OwnedSemaphorePermit) {
    let handled = AssertUnwindSafe(async { handler(request.envelope.body).await }).catch_unwind().await;
    let reply = handled
        .unwrap_or_else(|panic| {
            let text = panic_text(&*panic);
            tracing::error!(panic = %text, "a request's handler panicked");
            Err(Fault::new(FaultKind::Internal, format!("the handler panicked: {text}")))
        })
        .and_then(fits);
    if let Err(fault) = &reply {
        Span::current().record("error.type", fault.kind.as_str());
    }
    // Before the reply: whoever has it may ask again and must not find us busy with it.
    drop(permit);
    request.reply.send(Envelope::of_reply(reply)).await;
}

fn fits(body: Bytes) -> Result<Bytes, Fault> {
    if body.len() <= MAX_BODY {
        return Ok(body);
    }
    let error = Error::TooLarge { what: "the reply".to_owned(), size: body.len() };
    Err(Fault::new(FaultKind::Internal, error.to_string()))
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
