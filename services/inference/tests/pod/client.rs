//! A pod in this process and a client of it that knows the contract only.

use std::{io::Cursor, time::Duration};

use image::{EncodableLayout, ImageBuffer, ImageFormat, PixelWithColorType};
use spatialclaw_inference::{Config, EngineKind, Service};
use spatialclaw_proto::inference::v1::{
    self as wire, depth_client::DepthClient, depth_reply::Body, segment_client::SegmentClient,
};
use spatialclaw_runtime::{Readiness, Service as _};
use tonic::{Code, Status, transport::Channel};

const LIMIT: usize = 64 << 20;
pub(crate) const IDENTITY: [f64; 16] = [1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0., 0., 0., 0., 1.];

pub(crate) struct Pod {
    service: Service,
    pub(crate) readiness: Readiness,
    pub(crate) depth: DepthClient<Channel>,
    pub(crate) segment: SegmentClient<Channel>,
}

impl Pod {
    pub(crate) async fn start(engine: EngineKind, config: Config) -> Self {
        let readiness = Readiness::default();
        let config = Config { engine, listen: ([127, 0, 0, 1], 0).into(), ..config };
        let service = spatialclaw_inference::spawn(config, readiness.clone()).await.unwrap();
        let channel =
            Channel::from_shared(format!("http://{}", service.address())).unwrap().connect().await.unwrap();
        let depth = DepthClient::new(channel.clone()).max_decoding_message_size(LIMIT);
        let segment = SegmentClient::new(channel).max_decoding_message_size(LIMIT);
        Self { service, readiness, depth, segment }
    }

    pub(crate) async fn estimate(&self, request: wire::DepthRequest) -> Result<Vec<Body>, Status> {
        let mut stream = self.depth.clone().estimate(request).await?.into_inner();
        let mut bodies = Vec::new();
        while let Some(reply) = stream.message().await? {
            bodies.extend(reply.body);
        }
        Ok(bodies)
    }

    pub(crate) async fn views(&self, views: Vec<wire::View>) -> Result<Vec<wire::ViewDepth>, Status> {
        let bodies = self.estimate(wire::DepthRequest { views, ..Default::default() }).await?;
        Ok(view_depths(bodies))
    }

    pub(crate) async fn refused(&self, views: Vec<wire::View>, code: Code) -> String {
        let status = self.views(views).await.unwrap_err();
        assert_eq!(status.code(), code, "{status}");
        status.message().to_owned()
    }

    pub(crate) async fn concept(&self, view: wire::View, prompt: &str) -> Result<wire::ConceptReply, Status> {
        let request = wire::ConceptRequest {
            views: vec![view],
            prompts: vec![prompt.to_owned()],
            score_threshold: 0.3,
            ..Default::default()
        };
        let mut stream = self.segment.clone().concept(request).await?.into_inner();
        Ok(stream.message().await?.unwrap())
    }

    pub(crate) async fn interactive(
        &self,
        view: wire::View,
        corners: Option<wire::Box>,
        points: Vec<wire::Point>,
    ) -> Result<Vec<wire::Instance>, Status> {
        let request =
            wire::InteractiveRequest { view: Some(view), r#box: corners, points, ..Default::default() };
        Ok(self.segment.clone().interactive(request).await?.into_inner().candidates)
    }

    pub(crate) async fn stop(self) {
        let Self { service, depth, segment, .. } = self;
        drop((depth, segment));
        Box::new(service).drain(Duration::from_secs(10)).await;
    }
}

pub(crate) fn view_depths(bodies: Vec<Body>) -> Vec<wire::ViewDepth> {
    let view = |body| match body {
        Body::View(view) => Some(view),
        Body::Scene(_) | Body::Stats(_) => None,
    };
    bodies.into_iter().filter_map(view).collect()
}

pub(crate) fn floats(tensor: &Option<wire::Tensor>) -> Vec<f32> {
    let tensor = tensor.as_ref().unwrap();
    assert_eq!(tensor.dtype(), wire::DType::DtypeF32);
    tensor.data.chunks_exact(4).map(|raw| f32::from_le_bytes(raw.try_into().unwrap())).collect()
}

pub(crate) fn pixels(mask: &Option<wire::Mask>) -> Vec<bool> {
    let mask = mask.as_ref().unwrap();
    assert_eq!(mask.format(), wire::MaskFormat::Bits);
    let count = (mask.w * mask.h) as usize;
    assert_eq!(mask.data.len(), count.div_ceil(8));
    let pixels: Vec<bool> = (0..count).map(|at| mask.data[at / 8] & (0x80 >> (at % 8)) != 0).collect();
    assert_eq!(pixels.iter().filter(|on| **on).count() as u64, mask.area);
    pixels
}

pub(crate) fn png<P, C>(picture: &ImageBuffer<P, C>) -> Vec<u8>
where
    P: PixelWithColorType,
    [P::Subpixel]: EncodableLayout,
    C: std::ops::Deref<Target = [P::Subpixel]>,
{
    let mut file = Vec::new();
    picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png).unwrap();
    file
}
