//! The two gRPC services.

use std::{sync::Arc, time::Duration};

use futures::stream;
use spatialclaw_proto::inference::v1::{
    self as wire,
    depth_server::{Depth, DepthServer},
    segment_server::{Segment, SegmentServer},
};
use tokio::time::Instant;
use tonic::{Request, Response, Status, metadata::MetadataMap, service::Routes};
use tracing::{Instrument as _, Span, info_span};

use crate::{
    Config, Engine, Refusal,
    admission::{Admission, Permit},
    parse::{self, Limits},
    reply, trace,
};

/// Bytes of one gRPC message, either way.
const MESSAGE_LIMIT: usize = 64 << 20;

/// Stands before an engine. Clones share one door.
#[derive(Clone)]
pub(crate) struct Server {
    engine: Arc<dyn Engine>,
    admission: Arc<Admission>,
    limits: Limits,
    deadline: Duration,
}

type Replies<T> = stream::Iter<std::vec::IntoIter<Result<T, Status>>>;

fn replies<T>(items: Vec<T>) -> Response<Replies<T>> {
    let items: Vec<Result<T, Status>> = items.into_iter().map(Ok).collect();
    Response::new(stream::iter(items))
}

impl Server {
    pub(crate) fn new(engine: Arc<dyn Engine>, config: &Config) -> Self {
        Self {
            admission: Arc::new(Admission::new(config.concurrency, config.queue)),
            limits: Limits::new(config, engine.about()),
            deadline: config.deadline,
            engine,
        }
    }

    pub(crate) fn routes(&self) -> Routes {
        let depth = DepthServer::new(self.clone())
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        let segment = SegmentServer::new(self.clone())
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        Routes::new(depth).add_service(segment)
    }

    /// Waits for a place and works, both within the caller's deadline and ours.
    async fn admitted<T, F, Fut>(
        &self,
        call: Option<wire::Call>,
        span: Span,
        work: F,
    ) -> Result<(T, wire::Stats), Status>
    where
        F: FnOnce(Permit) -> Fut,
        Fut: Future<Output = Result<T, Refusal>>,
    {
        let allowed = match call.map_or(0, |call| call.deadline_ms) {
            0 => self.deadline,
            ms => self.deadline.min(Duration::from_millis(ms.into())),
        };
        let timed = async {
            let asked = Instant::now();
            let permit = self.admission.enter().await?;
            let entered = Instant::now();
            let done = work(permit).await?;
            let stats =
                wire::Stats { queue_us: micros(entered - asked), compute_us: micros(entered.elapsed()) };
            Ok((done, stats))
        };
        let late = || Refusal::Deadline(format!("not done within {allowed:?}, waiting for a place included"));
        let outcome = async { tokio::time::timeout(allowed, timed).await.unwrap_or_else(|_| Err(late())) };
        outcome.instrument(span).await.map_err(|refusal| {
            tracing::debug!(%refusal, "refused");
            refusal.into()
        })
    }
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// A span that continues the caller's trace.
fn continued(span: Span, metadata: &MetadataMap) -> Span {
    trace::adopt(&span, metadata);
    span
}

#[tonic::async_trait]
impl Depth for Server {
    type EstimateStream = Replies<wire::DepthReply>;

    async fn estimate(
        &self,
        request: Request<wire::DepthRequest>,
    ) -> Result<Response<Self::EstimateStream>, Status> {
        let about = self.engine.about();
        let views = request.get_ref().views.len();
        let span = info_span!("estimate_depth", otel.kind = "server", engine = about.engine, views);
        let span = continued(span, request.metadata());
        let mut message = request.into_inner();
        let call = message.call.take();
        let ask = parse::depth(message, &self.limits)?;
        let work = |permit| async { self.engine.depth(permit, ask).await };
        let (scene, stats) = self.admitted(call, span, work).await?;
        Ok(replies(reply::scene(about, scene, stats)))
    }

    async fn info(&self, _: Request<wire::InfoRequest>) -> Result<Response<wire::DepthInfo>, Status> {
        Ok(Response::new(reply::depth_info(self.engine.about())))
    }
}

#[tonic::async_trait]
impl Segment for Server {
    type ConceptStream = Replies<wire::ConceptReply>;

    async fn concept(
        &self,
        request: Request<wire::ConceptRequest>,
    ) -> Result<Response<Self::ConceptStream>, Status> {
        let engine = self.engine.about().engine;
        let views = request.get_ref().views.len();
        let span = continued(
            info_span!("segment", otel.kind = "server", engine, prompt = "text", views),
            request.metadata(),
        );
        let mut message = request.into_inner();
        let call = message.call.take();
        let asks = parse::concepts(message, &self.limits)?;
        let mut sent = Vec::new();
        for (at, ask) in asks.into_iter().enumerate() {
            let work = |permit| async { self.engine.concept(permit, ask).await };
            let (found, stats) = self.admitted(call, span.clone(), work).await?;
            let answers = found.into_iter().enumerate();
            sent.extend(answers.map(|(prompt, concept)| reply::concept(at, prompt, concept, stats)));
        }
        Ok(replies(sent))
    }

    async fn interactive(
        &self,
        request: Request<wire::InteractiveRequest>,
    ) -> Result<Response<wire::InteractiveReply>, Status> {
        let engine = self.engine.about().engine;
        let prompt = if request.get_ref().r#box.is_some() { "box" } else { "points" };
        let span = info_span!("segment", otel.kind = "server", engine, prompt, views = 1);
        let span = continued(span, request.metadata());
        let mut message = request.into_inner();
        let call = message.call.take();
        let ask = parse::interactive(message, &self.limits)?;
        let work = |permit| async { self.engine.interactive(permit, ask).await };
        let (found, stats) = self.admitted(call, span, work).await?;
        let candidates = found.into_iter().map(reply::instance).collect();
        Ok(Response::new(wire::InteractiveReply { candidates, stats: Some(stats) }))
    }

    async fn info(&self, _: Request<wire::InfoRequest>) -> Result<Response<wire::SegmentInfo>, Status> {
        Ok(Response::new(reply::segment_info(self.engine.about())))
    }
}
