//! Between the wire and [`super::types`]. What a pod sends is checked, not trusted.

use bytes::Bytes;
use spatialclaw_domain::{Fault, FaultKind, Intrinsics};
use spatialclaw_proto::inference::v1 as wire;

use super::{
    BoxPrompt, DepthAbility, DepthAsk, Instance, InteractiveAsk, Mask, Measured, PointPrompt, Prompt,
    SegmentAbility, View, ViewDepth,
};

/// Pixels of one view; four bytes each must fit a message twice.
const MAX_PIXELS: u64 = 8 << 20;

impl From<wire::DepthInfo> for DepthAbility {
    fn from(info: wire::DepthInfo) -> Self {
        Self {
            engine: info.engine,
            model: info.model,
            weights_sha256: info.weights_sha256,
            max_views: info.max_views,
            needs_measured: info.needs_measured,
            single_image: info.single_image,
            stereo: info.stereo,
        }
    }
}

impl From<wire::SegmentInfo> for SegmentAbility {
    fn from(info: wire::SegmentInfo) -> Self {
        Self {
            engine: info.engine,
            model: info.model,
            weights_sha256: info.weights_sha256,
            text: info.text,
            boxes: info.r#box,
            points: info.points,
            needs_measured: info.needs_measured,
        }
    }
}

impl From<View> for wire::View {
    fn from(view: View) -> Self {
        Self {
            image: Some(wire::Image { encoded: view.image, width: view.width, height: view.height }),
            k: view.intrinsics.map(matrix).unwrap_or_default(),
            w2c: view.w2c.map(|pose| pose.to_vec()).unwrap_or_default(),
            measured: view.measured.map(Into::into),
        }
    }
}

impl From<Measured> for wire::Measured {
    fn from(measured: Measured) -> Self {
        Self {
            depth: measured.depth,
            metres_per_unit: measured.metres_per_unit,
            instances: measured.instances,
            labels: measured.labels.into_iter().collect(),
        }
    }
}

impl From<BoxPrompt> for wire::Box {
    fn from(b: BoxPrompt) -> Self {
        Self { x0: b.x0, y0: b.y0, x1: b.x1, y1: b.y1 }
    }
}

impl From<PointPrompt> for wire::Point {
    fn from(p: PointPrompt) -> Self {
        Self { x: p.x, y: p.y, positive: p.positive }
    }
}

fn matrix(k: Intrinsics) -> Vec<f64> {
    vec![k.fx, 0.0, k.cx, 0.0, k.fy, k.cy, 0.0, 0.0, 1.0]
}

pub(super) fn depth_request(call: wire::Call, ask: DepthAsk) -> wire::DepthRequest {
    let stereo = ask.stereo.map(|pair| wire::Stereo {
        left: pair.left,
        right: pair.right,
        baseline_m: pair.baseline_m,
        doffs_px: pair.doffs_px,
    });
    wire::DepthRequest { call: Some(call), views: ask.views.into_iter().map(Into::into).collect(), stereo }
}

pub(super) fn interactive_request(
    call: wire::Call,
    ask: InteractiveAsk,
) -> Result<wire::InteractiveRequest, Fault> {
    let (points, r#box) = match ask.prompt {
        Prompt::Points(points) => (points.into_iter().map(Into::into).collect(), None),
        Prompt::Box(b) => (Vec::new(), Some(b.into())),
        Prompt::Text(text) => {
            let message = format!("`{text}` is a text prompt: ask for a concept, not interactively");
            return Err(Fault::new(FaultKind::Invalid, message));
        }
    };
    Ok(wire::InteractiveRequest { call: Some(call), view: Some(ask.view.into()), points, r#box })
}

pub(super) fn view_depth(view: wire::ViewDepth) -> Result<ViewDepth, String> {
    let depth = view.depth.ok_or_else(|| format!("view {} has no depth", view.index))?;
    let (height, width) = shape(&depth)?;
    let confidence = view.confidence.ok_or_else(|| format!("view {} has no confidence", view.index))?;
    if shape(&confidence)? != (height, width) {
        return Err(format!("depth and confidence of view {} differ in shape", view.index));
    }
    let k: [f64; 9] =
        view.k.as_slice().try_into().map_err(|_| format!("view {} has no intrinsics", view.index))?;
    let w2c = view.w2c.as_slice().try_into().map_err(|_| format!("view {} has no pose", view.index))?;
    Ok(ViewDepth {
        index: view.index,
        width,
        height,
        depth: floats(&depth)?,
        confidence: floats(&confidence)?,
        intrinsics: Intrinsics { fx: k[0], fy: k[4], cx: k[2], cy: k[5] },
        w2c,
    })
}

fn shape(tensor: &wire::Tensor) -> Result<(u32, u32), String> {
    match tensor.shape[..] {
        [h, w] if h > 0 && w > 0 && h.saturating_mul(w) <= MAX_PIXELS => Ok((h as u32, w as u32)),
        _ => Err(format!("a tensor of shape {:?} where [h, w] was expected", tensor.shape)),
    }
}

fn floats(tensor: &wire::Tensor) -> Result<Vec<f32>, String> {
    let count: u64 = tensor.shape.iter().product();
    if tensor.dtype() != wire::DType::DtypeF32 || tensor.data.len() as u64 != count * 4 {
        return Err(format!(
            "{} bytes of {} for shape {:?}",
            tensor.data.len(),
            tensor.dtype().as_str_name(),
            tensor.shape
        ));
    }
    let four = |raw: &[u8]| f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
    Ok(tensor.data.chunks_exact(4).map(four).collect())
}

pub(super) fn instance(found: wire::Instance) -> Result<Instance, String> {
    let mask = found.mask.ok_or_else(|| format!("instance {} has no mask", found.id))?;
    Ok(Instance { id: found.id, score: found.score, label: found.label, mask: unpack(&mask)? })
}

fn unpack(mask: &wire::Mask) -> Result<Mask, String> {
    let count = u64::from(mask.w) * u64::from(mask.h);
    if mask.format() != wire::MaskFormat::Bits || count == 0 || count > 8 * MAX_PIXELS {
        return Err(format!("a mask of {}x{} in {}", mask.w, mask.h, mask.format().as_str_name()));
    }
    if mask.data.len() as u64 != count.div_ceil(8) {
        return Err(format!("{} bytes for a mask of {}x{}", mask.data.len(), mask.w, mask.h));
    }
    Ok(Mask { width: mask.w, height: mask.h, pixels: bits(&mask.data, count as usize) })
}

fn bits(data: &Bytes, count: usize) -> Vec<bool> {
    (0..count).map(|at| data[at / 8] & (0x80 >> (at % 8)) != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[u64], values: usize) -> wire::Tensor {
        wire::Tensor {
            dtype: wire::DType::DtypeF32.into(),
            shape: shape.to_vec(),
            data: vec![0; values * 4].into(),
        }
    }

    #[test]
    fn what_a_pod_sends_is_checked() {
        assert!(shape(&tensor(&[2, 3], 6)).is_ok());
        assert!(shape(&tensor(&[u64::MAX, u64::MAX], 0)).is_err());
        assert!(shape(&tensor(&[0, 3], 0)).is_err());
        assert!(floats(&tensor(&[2, 3], 5)).is_err());
        assert_eq!(floats(&tensor(&[2, 3], 6)).unwrap(), vec![0.0; 6]);
    }

    #[test]
    fn masks_are_read_most_significant_bit_first() {
        let mask = |data: &'static [u8]| wire::Mask {
            format: wire::MaskFormat::Bits.into(),
            h: 2,
            w: 5,
            data: Bytes::from_static(data),
            area: 0,
        };
        let pixels = unpack(&mask(&[0b1000_0000, 0b0100_0000])).unwrap().pixels;
        let set: Vec<usize> = pixels.iter().enumerate().filter_map(|(at, &on)| on.then_some(at)).collect();
        assert_eq!(set, [0, 9]);
        assert!(unpack(&mask(&[0])).is_err());
    }
}
