//! The calls themselves.

use spatialclaw_bus::Envelope;
use spatialclaw_domain::{Fault, FaultKind};
use spatialclaw_proto::inference::v1::{
    self as wire, depth_client::DepthClient, depth_reply::Body, segment_client::SegmentClient,
};
use tonic::{Code, Request, Status, transport::Channel};

use super::{
    Abilities, Concept, ConceptAsk, DepthAsk, Instance, InteractiveAsk, MESSAGE_LIMIT, Pod, Scene, convert,
};

impl Pod {
    fn depth_client(&self) -> DepthClient<Channel> {
        DepthClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT)
    }

    fn segment_client(&self) -> SegmentClient<Channel> {
        SegmentClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT)
    }

    /// A request that carries the trace. How long its caller will wait is told in [`Self::call`]; when that is over
    /// the call is dropped, and the pod hears of it.
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(value) = Envelope::current_traceparent().and_then(|text| text.parse().ok()) {
            request.metadata_mut().insert("traceparent", value);
        }
        request
    }

    fn call(&self) -> wire::Call {
        wire::Call { seed: 0, deadline_ms: u32::try_from(self.deadline.as_millis()).unwrap_or(u32::MAX) }
    }

    pub(super) async fn ask_abilities(&self) -> Result<Abilities, Fault> {
        let both = async {
            let depth = self.depth_client().info(self.request(wire::InfoRequest {})).await;
            let segment = self.segment_client().info(self.request(wire::InfoRequest {})).await;
            (depth, segment)
        };
        let (depth, segment) = match tokio::time::timeout(self.info_deadline, both).await {
            Ok(both) => both,
            Err(_) => {
                return Err(self.gone(&format!("it did not answer within {:?}", self.info_deadline)));
            }
        };
        Ok(Abilities {
            depth: self.offered(depth)?.map(Into::into),
            segment: self.offered(segment)?.map(Into::into),
        })
    }

    /// A pod need not offer both services.
    fn offered<T>(&self, info: Result<tonic::Response<T>, Status>) -> Result<Option<T>, Fault> {
        match info {
            Ok(info) => Ok(Some(info.into_inner())),
            Err(status) if status.code() == Code::Unimplemented => Ok(None),
            Err(status) => Err(self.fault(status)),
        }
    }

    pub(super) async fn estimate(&self, ask: DepthAsk) -> Result<Scene, Fault> {
        let request = convert::depth_request(self.call(), ask);
        let reply = self.depth_client().estimate(self.request(request)).await;
        let mut stream = reply.map_err(|status| self.fault(status))?.into_inner();
        let mut header = None;
        let mut views = Vec::new();
        while let Some(reply) = stream.message().await.map_err(|status| self.fault(status))? {
            match reply.body {
                Some(Body::Scene(scene)) => header = Some(scene),
                Some(Body::View(view)) => views.push(convert::view_depth(view).map_err(|e| self.broken(&e))?),
                Some(Body::Stats(_)) | None => {}
            }
        }
        let header = header.ok_or_else(|| self.broken("its answer has no scene header"))?;
        if header.unit() != wire::Unit::Metre {
            return Err(self.broken("its depth is not in metres, and there is nothing here to scale it by"));
        }
        Ok(Scene { model: header.model, scale_source: header.scale_source, views })
    }

    pub(super) async fn ask_concept(&self, ask: ConceptAsk) -> Result<Concept, Fault> {
        let request = wire::ConceptRequest {
            call: Some(self.call()),
            views: vec![ask.view.into()],
            prompts: vec![ask.text],
            score_threshold: ask.score_threshold,
            max_instances: ask.max_instances,
        };
        let reply = self.segment_client().concept(self.request(request)).await;
        let mut stream = reply.map_err(|status| self.fault(status))?.into_inner();
        let mut concept = Concept::default();
        while let Some(reply) = stream.message().await.map_err(|status| self.fault(status))? {
            concept.presence = reply.presence;
            concept.note = reply.note;
            concept.instances.extend(self.instances(reply.instances)?);
        }
        Ok(concept)
    }

    pub(super) async fn ask_interactive(&self, ask: InteractiveAsk) -> Result<Vec<Instance>, Fault> {
        let request = convert::interactive_request(self.call(), ask)?;
        let reply = self.segment_client().interactive(self.request(request)).await;
        self.instances(reply.map_err(|status| self.fault(status))?.into_inner().candidates)
    }

    fn instances(&self, found: Vec<wire::Instance>) -> Result<Vec<Instance>, Fault> {
        found.into_iter().map(|one| convert::instance(one).map_err(|error| self.broken(&error))).collect()
    }

    fn gone(&self, why: &str) -> Fault {
        let message = format!(
            "perception pod {} is not reachable: {why}; start it, or mend its address in pods.endpoints",
            self.url
        );
        Fault::new(FaultKind::Unavailable, message)
    }

    fn broken(&self, why: &str) -> Fault {
        Fault::new(FaultKind::Internal, format!("perception pod {} broke the contract: {why}", self.url))
    }

    fn fault(&self, status: Status) -> Fault {
        let said = status.message();
        if std::error::Error::source(&status).is_some() {
            // Not the pod's words: the connection failed.
            return self.gone(&root_cause(&status));
        }
        match status.code() {
            // The engine's own words are for whoever asked: they name the value and the fix.
            Code::InvalidArgument | Code::FailedPrecondition => Fault::new(FaultKind::Invalid, said),
            Code::NotFound => Fault::new(FaultKind::NotFound, said),
            Code::OutOfRange => Fault::new(FaultKind::Invalid, self.too_large(said)),
            Code::ResourceExhausted => self.told(FaultKind::Exhausted, said),
            Code::DeadlineExceeded => self.late(self.deadline),
            Code::Cancelled => self.told(FaultKind::Cancelled, said),
            Code::Unavailable => self.told(FaultKind::Unavailable, said),
            _ => self.told(FaultKind::Internal, said),
        }
    }

    fn told(&self, kind: FaultKind, said: &str) -> Fault {
        Fault::new(kind, format!("perception pod {}: {said}", self.url))
    }

    /// tonic's answer to a message over [`MESSAGE_LIMIT`].
    fn too_large(&self, said: &str) -> String {
        format!(
            "too many pixels for one call to perception pod {} ({said}); ask for fewer frames at once",
            self.url
        )
    }
}

/// The innermost error: the layers above it only say "transport error".
fn root_cause(status: &Status) -> String {
    let mut cause: &dyn std::error::Error = status;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
