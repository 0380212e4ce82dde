//! Asks: core request and reply, servers in one queue group.

use std::{sync::Arc, time::Duration};

use async_nats::{RequestErrorKind, Subject, Subscriber};
use async_trait::async_trait;
use futures::StreamExt as _;
use spatialclaw_domain::{Fault, FaultKind};

use super::{link::Link, wire};
use crate::{
    Envelope, Error,
    carrier::{Reply, Request, Requests},
};

const GROUP: &str = "servers";

pub(super) async fn ask(
    link: &Link,
    subject: &str,
    request: Envelope,
    deadline: Duration,
) -> Result<Envelope, Fault> {
    let away = || Fault::new(FaultKind::Unavailable, format!("`{subject}` cannot be reached: NATS is away"));
    if !link.is_up() {
        return Err(away());
    }
    let headers = wire::headers(&request);
    let request = async_nats::Request::new().headers(headers).payload(request.body).timeout(Some(deadline));
    let replied = tokio::select! {
        replied = link.client.send_request(link.ask(subject), request) => replied,
        () = link.down() => return Err(away()),
    };
    match replied {
        Ok(reply) => Ok(wire::envelope(reply.headers.as_ref(), reply.payload)),
        Err(error) => Err(match error.kind() {
            RequestErrorKind::NoResponders => {
                Fault::new(FaultKind::Unavailable, format!("nobody serves `{subject}`"))
            }
            RequestErrorKind::TimedOut => {
                Fault::new(FaultKind::Deadline, format!("`{subject}` did not answer within {deadline:?}"))
            }
            _ => Fault::from(Error::carrier("ask", error)),
        }),
    }
}

pub(super) async fn serve(link: &Arc<Link>, subject: &str) -> Result<Inbox, Error> {
    let step = |error| Error::carrier("serve", error);
    let messages = link.client.queue_subscribe(link.ask(subject), GROUP.to_owned()).await.map_err(step)?;
    link.settled().await?;
    Ok(Inbox { link: Arc::clone(link), messages, is_closed: false })
}

pub(super) struct Inbox {
    link: Arc<Link>,
    messages: Subscriber,
    is_closed: bool,
}

#[async_trait]
impl Requests for Inbox {
    async fn next(&mut self) -> Result<Option<Request>, Error> {
        loop {
            let Some(message) = self.messages.next().await else {
                let gone = || Error::carrier("serve", "the NATS client was closed");
                return if self.is_closed { Ok(None) } else { Err(gone()) };
            };
            // A message nobody waits for an answer to is no ask.
            let Some(to) = message.reply else { continue };
            let envelope = wire::envelope(message.headers.as_ref(), message.payload);
            let reply = Answer { link: Arc::clone(&self.link), to: Some(to) };
            return Ok(Some(Request { envelope, reply: Box::new(reply) }));
        }
    }

    async fn close(&mut self) {
        self.is_closed = true;
        if let Err(error) = self.messages.drain().await {
            tracing::warn!(%error, "a subscription was not closed");
        }
    }
}

struct Answer {
    link: Arc<Link>,
    /// `None` once answered.
    to: Option<Subject>,
}

#[async_trait]
impl Reply for Answer {
    async fn send(mut self: Box<Self>, reply: Envelope) {
        if let Some(to) = self.to.take() {
            send(&self.link, to, reply).await;
        }
    }
}

impl Drop for Answer {
    /// The handler was abandoned: better the asker knows now than at its deadline.
    fn drop(&mut self) {
        let (Some(to), Ok(runtime)) = (self.to.take(), tokio::runtime::Handle::try_current()) else { return };
        let link = Arc::clone(&self.link);
        runtime.spawn(async move {
            let fault = Fault::new(FaultKind::Unavailable, "the server went away before it answered");
            send(&link, to, Envelope::of_reply(Err(fault))).await;
        });
    }
}

async fn send(link: &Link, to: Subject, reply: Envelope) {
    let sent = link.client.publish_with_headers(to, wire::headers(&reply), reply.body).await;
    if let Err(error) = sent {
        tracing::warn!(%error, "a reply was not sent");
    }
}
