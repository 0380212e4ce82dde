//! From an engine's answers to the wire.

use spatialclaw_domain::Intrinsics;
use spatialclaw_proto::inference::v1::{self as wire, depth_reply::Body};

use crate::{About, Concept, Instance, Mask, Rect, Scene, ViewDepth};

pub(crate) fn depth_info(about: &About) -> wire::DepthInfo {
    wire::DepthInfo {
        engine: about.engine.to_owned(),
        model: about.model.clone(),
        weights_sha256: about.weights_sha256.clone(),
        license: about.license.to_owned(),
        max_views: about.max_views,
        needs_measured: about.needs_measured,
        single_image: about.single_image,
        stereo: about.stereo,
    }
}

pub(crate) fn segment_info(about: &About) -> wire::SegmentInfo {
    wire::SegmentInfo {
        engine: about.engine.to_owned(),
        model: about.model.clone(),
        weights_sha256: about.weights_sha256.clone(),
        license: about.license.to_owned(),
        text: about.text,
        r#box: about.boxes,
        points: about.points,
        vocabulary: about.vocabulary.clone(),
        needs_measured: about.needs_measured,
    }
}

/// Header, then one message a view, then the cost.
pub(crate) fn scene(about: &About, scene: Scene, stats: wire::Stats) -> Vec<wire::DepthReply> {
    let header = wire::SceneHeader {
        unit: wire::Unit::Metre.into(),
        model: about.model.clone(),
        weights_sha256: about.weights_sha256.clone(),
        license: about.license.to_owned(),
        scale_source: scene.scale_source.to_owned(),
    };
    let views = scene.views.into_iter().map(|view| Body::View(view_depth(view)));
    std::iter::once(Body::Scene(header))
        .chain(views)
        .chain([Body::Stats(stats)])
        .map(|body| wire::DepthReply { body: Some(body) })
        .collect()
}

fn view_depth(view: ViewDepth) -> wire::ViewDepth {
    let shape = [u64::from(view.height), u64::from(view.width)];
    wire::ViewDepth {
        index: view.index,
        depth: Some(tensor(&shape, &view.depth)),
        confidence: Some(tensor(&shape, &view.confidence)),
        k: matrix(view.intrinsics),
        w2c: view.w2c.to_vec(),
    }
}

fn tensor(shape: &[u64], values: &[f32]) -> wire::Tensor {
    let mut data = Vec::with_capacity(values.len() * 4);
    for value in values {
        data.extend_from_slice(&value.to_le_bytes());
    }
    wire::Tensor { dtype: wire::DType::DtypeF32.into(), shape: shape.to_vec(), data: data.into() }
}

fn matrix(k: Intrinsics) -> Vec<f64> {
    vec![k.fx, 0.0, k.cx, 0.0, k.fy, k.cy, 0.0, 0.0, 1.0]
}

pub(crate) fn concept(view: usize, prompt: usize, found: Concept, stats: wire::Stats) -> wire::ConceptReply {
    wire::ConceptReply {
        view: view as u32,
        prompt: prompt as u32,
        presence: found.presence,
        instances: found.instances.into_iter().map(instance).collect(),
        stats: Some(stats),
        note: found.note,
    }
}

pub(crate) fn instance(found: Instance) -> wire::Instance {
    wire::Instance {
        id: found.id,
        score: found.score,
        r#box: Some(rect(found.rect)),
        mask: Some(mask(found.mask)),
        label: found.label,
    }
}

fn rect(rect: Rect) -> wire::Box {
    wire::Box { x0: rect.x0 as f32, y0: rect.y0 as f32, x1: rect.x1 as f32, y1: rect.y1 as f32 }
}

fn mask(mask: Mask) -> wire::Mask {
    wire::Mask {
        format: wire::MaskFormat::Bits.into(),
        h: mask.height,
        w: mask.width,
        data: mask.bits.into(),
        area: mask.area,
    }
}
