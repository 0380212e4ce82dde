//! The engine `sensor`.

use image::{GrayImage, ImageBuffer, Luma};
use spatialclaw_inference::{Config, EngineKind};
use spatialclaw_proto::inference::v1::{self as wire, depth_reply::Body};
use tonic::Code;

use crate::client::{IDENTITY, Pod, floats, pixels, png};

async fn pod() -> Pod {
    Pod::start(EngineKind::Sensor, Config::default()).await
}

/// 8 x 6 pixels, depth and instances measured on 4 x 3.
fn view(posed: bool) -> wire::View {
    let depth: ImageBuffer<Luma<u16>, Vec<u16>> =
        ImageBuffer::from_fn(4, 3, |x, y| Luma([(1000 * (y * 4 + x)) as u16]));
    let ids = GrayImage::from_fn(4, 3, |x, _| Luma([if x < 2 { 5 } else { 6 }]));
    wire::View {
        image: Some(wire::Image { width: 8, height: 6, ..Default::default() }),
        k: vec![10.0, 0.0, 3.5, 0.0, 10.0, 2.5, 0.0, 0.0, 1.0],
        w2c: if posed { IDENTITY.to_vec() } else { vec![] },
        measured: Some(wire::Measured {
            depth: png(&depth).into(),
            metres_per_unit: 0.001,
            instances: png(&ids).into(),
            labels: [(5, "left half".to_owned()), (6, "right half".to_owned())].into(),
        }),
    }
}

fn bare() -> wire::View {
    wire::View { measured: None, ..view(false) }
}

#[tokio::test]
async fn it_says_what_it_is() {
    let pod = pod().await;
    let depth = pod.depth.clone().info(wire::InfoRequest {}).await.unwrap().into_inner();
    assert_eq!((depth.engine.as_str(), depth.needs_measured, depth.single_image), ("sensor", true, false));
    assert!(depth.max_views >= 1 && !depth.model.is_empty() && !depth.license.is_empty());
    let segment = pod.segment.clone().info(wire::InfoRequest {}).await.unwrap().into_inner();
    assert!(segment.text && segment.r#box && segment.points && segment.vocabulary.is_empty());
    assert!(pod.readiness.is_ready());
    pod.stop().await;
}

#[tokio::test]
async fn what_was_measured_comes_back_in_metres() {
    let pod = pod().await;
    let bodies =
        pod.estimate(wire::DepthRequest { views: vec![view(false)], ..Default::default() }).await.unwrap();
    let [Body::Scene(scene), Body::View(view), Body::Stats(_)] = &bodies[..] else { panic!("{bodies:?}") };
    assert_eq!((scene.unit(), scene.scale_source.as_str()), (wire::Unit::Metre, "measured depth"));
    assert_eq!(view.depth.as_ref().unwrap().shape, [3, 4]);
    assert_eq!(floats(&view.depth), (0..12).map(|v| v as f32).collect::<Vec<_>>());
    assert_eq!(floats(&view.confidence)[..3], [0.0, 1.0, 1.0]);
    assert_eq!(view.k, [5.0, 0.0, 1.5, 0.0, 5.0, 1.0, 0.0, 0.0, 1.0], "in pixels of the depth map");
    assert_eq!(view.w2c, IDENTITY, "a lone view without a pose is the world");
    pod.stop().await;
}

#[tokio::test]
async fn posed_views_keep_their_poses_and_a_view_does_not_depend_on_its_company() {
    let pod = pod().await;
    let mut moved = view(true);
    moved.w2c[3] = 2.5;
    let both = pod.views(vec![view(true), moved.clone()]).await.unwrap();
    let alone = pod.views(vec![moved.clone()]).await.unwrap();
    assert_eq!(both[1].w2c, moved.w2c);
    assert_eq!((&both[1].depth, &both[1].confidence), (&alone[0].depth, &alone[0].confidence));
    pod.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let pod = pod().await;
    assert!(pod.refused(vec![], Code::InvalidArgument).await.contains("0 given"));
    assert!(pod.refused(vec![view(true); 65], Code::InvalidArgument).await.contains("65 given"));
    assert!(pod.refused(vec![view(true), view(false)], Code::InvalidArgument).await.contains("1 of 2"));
    let mut huge = view(true);
    huge.image = Some(wire::Image { width: 60_000, height: 60_000, ..Default::default() });
    assert!(pod.refused(vec![huge], Code::InvalidArgument).await.contains("max_pixels"));
    let mut garbage = view(true);
    garbage.measured.as_mut().unwrap().depth = vec![0; 64].into();
    assert!(pod.refused(vec![garbage], Code::InvalidArgument).await.contains("view 0"));
    let mut stretched = view(true);
    stretched.image = Some(wire::Image { width: 8, height: 9, ..Default::default() });
    assert!(pod.refused(vec![stretched], Code::InvalidArgument).await.contains("aspects"));
    let mut scale = view(true);
    scale.measured.as_mut().unwrap().metres_per_unit = f64::NAN;
    assert!(pod.refused(vec![scale], Code::InvalidArgument).await.contains("metres_per_unit"));
    pod.stop().await;
}

#[tokio::test]
async fn what_was_not_measured_is_not_made_up() {
    let pod = pod().await;
    assert!(pod.refused(vec![bare()], Code::FailedPrecondition).await.contains("depth pod"));
    assert!(pod.refused(vec![view(false), view(false)], Code::FailedPrecondition).await.contains("poses"));
    let lensless = wire::View { k: vec![], ..view(true) };
    assert!(pod.refused(vec![lensless], Code::FailedPrecondition).await.contains("intrinsics"));
    let status = pod.concept(bare(), "chair").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    pod.stop().await;
}

#[tokio::test]
async fn an_object_has_one_id_however_it_is_named() {
    let pod = pod().await;
    let by_text = pod.concept(view(true), "right half").await.unwrap();
    let point = wire::Point { x: 6.0, y: 2.0, positive: true };
    let by_point = pod.interactive(view(false), None, vec![point]).await.unwrap();
    let corners = wire::Box { x0: 4.0, y0: 0.0, x1: 7.0, y1: 5.0 };
    let by_box = pod.interactive(view(true), Some(corners), vec![]).await.unwrap();
    for found in [&by_text.instances[0], &by_point[0], &by_box[0]] {
        assert_eq!((found.id, found.label.as_str()), (6, "right half"));
        assert_eq!(pixels(&found.mask)[..4], [false, false, true, true]);
    }
    let both = wire::Point { x: 1.0, y: 1.0, positive: true };
    assert_eq!(
        pod.interactive(view(true), Some(corners), vec![both]).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    pod.stop().await;
}

#[tokio::test]
async fn a_text_that_names_nothing_is_an_answer_with_a_note() {
    let pod = pod().await;
    let nothing = pod.concept(view(true), "piano").await.unwrap();
    assert_eq!((nothing.instances.len(), nothing.presence), (0, 0.0));
    assert!(nothing.note.contains("left half, right half"), "{}", nothing.note);
    let status = pod.concept(view(true), " ").await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    pod.stop().await;
}
