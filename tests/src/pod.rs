//! A perception pod without a model: its answers are functions of what it is sent, and it counts them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures::stream;
use spatialclaw_proto::inference::v1::{
    self as wire,
    depth_reply::Body,
    depth_server::{Depth, DepthServer},
    segment_server::{Segment, SegmentServer},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

const MESSAGE_LIMIT: usize = 64 << 20;
const NAME: &str = "fake";

/// A running pod; it ends on drop.
pub struct FakePod {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl FakePod {
    /// Serves on a free port.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let engine = Engine::default();
        let calls = Arc::clone(&engine.calls);
        let serving = tokio::spawn(async move {
            let depth = DepthServer::new(engine.clone()).max_decoding_message_size(MESSAGE_LIMIT);
            let segment = SegmentServer::new(engine).max_decoding_message_size(MESSAGE_LIMIT);
            let served = Server::builder().add_service(depth).add_service(segment);
            // Whoever asks it notices that it is gone.
            let _ended = served.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        Ok(Self { address, calls, serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers given so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Drop for FakePod {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone, Default)]
struct Engine {
    calls: Arc<AtomicUsize>,
}

impl Engine {
    fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

type Replies<T> = stream::Iter<std::vec::IntoIter<Result<T, Status>>>;

fn replies<T>(items: Vec<T>) -> Response<Replies<T>> {
    Response::new(stream::iter(items.into_iter().map(Ok).collect::<Vec<_>>()))
}

#[tonic::async_trait]
impl Depth for Engine {
    type EstimateStream = Replies<wire::DepthReply>;

    async fn estimate(
        &self,
        request: Request<wire::DepthRequest>,
    ) -> Result<Response<Self::EstimateStream>, Status> {
        self.count();
        let scene = wire::SceneHeader {
            unit: wire::Unit::Metre.into(),
            model: NAME.to_owned(),
            scale_source: "made up".to_owned(),
            ..wire::SceneHeader::default()
        };
        let views = request.into_inner().views;
        let views = views.into_iter().enumerate().map(|(at, view)| Body::View(seen(at, view)));
        let bodies = std::iter::once(Body::Scene(scene)).chain(views);
        Ok(replies(bodies.map(|body| wire::DepthReply { body: Some(body) }).collect()))
    }

    async fn info(&self, _: Request<wire::InfoRequest>) -> Result<Response<wire::DepthInfo>, Status> {
        Ok(Response::new(wire::DepthInfo {
            engine: NAME.to_owned(),
            model: NAME.to_owned(),
            max_views: 64,
            single_image: true,
            ..wire::DepthInfo::default()
        }))
    }
}

/// A slope whose distance depends on the picture.
fn seen(at: usize, view: wire::View) -> wire::ViewDepth {
    let image = view.image.unwrap_or_default();
    let (width, height) = (image.width, image.height);
    let near = 1.0 + image.encoded.iter().map(|byte| u32::from(*byte)).sum::<u32>() as f32 % 97.0 / 100.0;
    let row: Vec<u8> = (0..width).flat_map(|x| (near + x as f32 / 1000.0).to_le_bytes()).collect();
    let sure = 0.9_f32.to_le_bytes().repeat((width * height) as usize);
    let focal = f64::from(width);
    let middle = |side: u32| f64::from(side - 1) / 2.0;
    wire::ViewDepth {
        index: at as u32,
        depth: Some(tensor(width, height, row.repeat(height as usize))),
        confidence: Some(tensor(width, height, sure)),
        k: vec![focal, 0., middle(width), 0., focal, middle(height), 0., 0., 1.],
        w2c: vec![1., 0., 0., at as f64 * 0.1, 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.],
    }
}

fn tensor(width: u32, height: u32, data: Vec<u8>) -> wire::Tensor {
    let shape = vec![height.into(), width.into()];
    wire::Tensor { dtype: wire::DType::DtypeF32.into(), shape, data: data.into() }
}

#[tonic::async_trait]
impl Segment for Engine {
    type ConceptStream = Replies<wire::ConceptReply>;

    async fn concept(
        &self,
        request: Request<wire::ConceptRequest>,
    ) -> Result<Response<Self::ConceptStream>, Status> {
        self.count();
        let request = request.into_inner();
        let mut found = Vec::new();
        for (view, sent) in request.views.iter().enumerate() {
            for (prompt, text) in request.prompts.iter().enumerate() {
                found.push(wire::ConceptReply {
                    view: view as u32,
                    prompt: prompt as u32,
                    presence: 0.9,
                    instances: vec![left_part(sent, text)],
                    ..wire::ConceptReply::default()
                });
            }
        }
        Ok(replies(found))
    }

    async fn interactive(
        &self,
        request: Request<wire::InteractiveRequest>,
    ) -> Result<Response<wire::InteractiveReply>, Status> {
        self.count();
        let view = request.into_inner().view.unwrap_or_default();
        Ok(Response::new(wire::InteractiveReply { candidates: vec![left_part(&view, "thing")], stats: None }))
    }

    async fn info(&self, _: Request<wire::InfoRequest>) -> Result<Response<wire::SegmentInfo>, Status> {
        Ok(Response::new(wire::SegmentInfo {
            engine: NAME.to_owned(),
            model: NAME.to_owned(),
            text: true,
            r#box: true,
            points: true,
            ..wire::SegmentInfo::default()
        }))
    }
}

/// One object: columns from the left, as many as the name is long.
fn left_part(view: &wire::View, name: &str) -> wire::Instance {
    let (width, height) = view.image.as_ref().map_or((1, 1), |image| (image.width, image.height));
    let columns = (name.len() as u32).clamp(1, width);
    let mut bits = vec![0_u8; (width as usize * height as usize).div_ceil(8)];
    for pixel in (0..height).flat_map(|y| (0..columns).map(move |x| (y * width + x) as usize)) {
        bits[pixel / 8] |= 0x80 >> (pixel % 8);
    }
    let mask = wire::Mask {
        format: wire::MaskFormat::Bits.into(),
        h: height,
        w: width,
        data: Bytes::from(bits),
        area: u64::from(columns * height),
    };
    let corner = |side: u32| side.saturating_sub(1) as f32;
    wire::Instance {
        id: 1,
        score: 0.8,
        r#box: Some(wire::Box { x0: 0.0, y0: 0.0, x1: corner(columns), y1: corner(height) }),
        mask: Some(mask),
        label: name.to_owned(),
    }
}
