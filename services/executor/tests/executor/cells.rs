//! What a cell can do, and what its asker gets to see of it.

use std::sync::{Arc, Mutex};

use crate::common::{CALL, HEIGHT, Kernel, WIDTH, World, config, run_request};
use bytesize::ByteSize;
use prost::Message as _;
use spatialclaw_domain::{FaultKind, Observation};
use spatialclaw_executor::Config;
use spatialclaw_proto::{
    kernel::v1::{self as wire, FromKernel, call, from_kernel, segment},
    perception::v1::perception_request,
};
use tracing::{Subscriber, span};
use tracing_subscriber::{Layer, layer, layer::SubscriberExt as _, registry::LookupSpan};

fn error(seen: &Observation) -> &str {
    seen.error.as_ref().map_or("no error", |error| &error.kind)
}

/// Runs a cell that must succeed.
async fn works(kernel: &Kernel, step: u32, code: &str) -> Observation {
    let seen = kernel.run(step, code).await;
    assert!(seen.error.is_none(), "{:?}", seen.error);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn state_persists_and_exceptions_are_observations() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let seen = works(&kernel, 1, "x = 20\nprint('hello')").await;
    assert_eq!((seen.step, seen.stdout.as_str()), (1, "hello\n"));
    assert_eq!(seen.new_variables[0].name, "x");
    let seen = kernel.run(2, "y = x + 1\nraise ValueError('no such chair')").await;
    let failure = seen.error.as_ref().unwrap();
    assert_eq!((failure.kind.as_str(), failure.line), ("ValueError", Some(2)));
    assert!(failure.message.contains("no such chair") && !seen.state_lost);
    let seen = works(&kernel, 3, "print(x, y)").await;
    assert_eq!(seen.stdout, "20 21\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_pictures_and_answers_arrive() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let code = "import numpy as np\n\
                print(InputImages[1].frame_index, np.array(InputImages[1]).shape, np.array(InputImages[1]).mean())\n\
                show(InputImages[1], label='the  brighter\\none')\n\
                ReturnAnswer('first')\nReturnAnswer(2.5)";
    let seen = works(&kernel, 1, code).await;
    assert_eq!(seen.stdout.lines().next(), Some("10 (6, 8, 3) 200.0"));
    let [shown] = &seen.shown[..] else { panic!("one picture, not {:?}", seen.shown) };
    assert_eq!((shown.label.as_str(), shown.frame_index), ("the brighter one", Some(10)));
    let png = world.bus.artifacts().get(&shown.image).await.unwrap();
    assert_eq!(image::load_from_memory(&png).unwrap().to_rgb8().dimensions(), (WIDTH, HEIGHT));
    let answer = seen.answer.unwrap();
    assert_eq!((answer.text.as_str(), answer.number), ("2.5", Some(2.5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_over_the_budget_are_dropped_and_counted() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let mut request = run_request(1, "for _ in range(5):\n    show(InputImages[0])");
    request.shown_images_left = 2;
    let seen = kernel.try_run(request).await.unwrap();
    assert_eq!((seen.shown.len(), seen.shown_dropped), (2, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconstruction_reaches_perception_once_and_its_arrays_come_back() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let code = "recon = tools.Reconstruct.Reconstruct([InputImages[1]])\n\
                print(recon.depth[10].shape, float(recon.depth[10].mean()))\n\
                recon.depth[10][0, 0] = 99\n\
                print(float(recon.depth[10][0, 0]))";
    let seen = works(&kernel, 1, code).await;
    assert_eq!(seen.stdout, "(6, 8) 2.0\n99.0\n");
    assert_eq!(world.perception.count(), 1);
    let [call] = &seen.tool_calls[..] else { panic!("one call, not {:?}", seen.tool_calls) };
    assert_eq!(
        (call.name.as_str(), call.outcome.as_str(), call.engine.as_str()),
        ("Reconstruct", "ok", "fake")
    );
    let asked = world.perception.asked.lock().unwrap();
    let Some(perception_request::Op::Reconstruct(request)) = &asked[0].op else { panic!("{:?}", asked[0]) };
    assert_eq!(request.frames[0].index, 10);
    assert_eq!(request.support[0].index, 0, "the first frame fixes the world");
}

#[tokio::test(flavor = "multi_thread")]
async fn segmentation_takes_frames_and_pictures_of_the_cells_own() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let code = "from PIL import Image\n\
                seg = tools.SAM3.segment_image_by_text(InputImages[1], 'chair')\n\
                own = tools.SAM3.segment_image_by_box(Image.new('RGB', (4, 4)), [0, 0, 3, 3])\n\
                print(int(seg.masks.sum()), own.masks.shape)";
    let seen = works(&kernel, 1, code).await;
    assert_eq!(seen.stdout.lines().last(), Some("24 (1, 1, 4, 4)"));
    let asked = world.perception.asked.lock().unwrap().clone();
    let frames: Vec<_> = asked
        .iter()
        .map(|request| match &request.op {
            Some(perception_request::Op::Segment(segment)) => segment.frame.clone().unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((frames[0].index, frames[0].width), (10, WIDTH));
    assert_eq!((frames[1].width, frames[1].height), (4, 4));
    let kept = frames[1].image.clone().unwrap().try_into().unwrap();
    assert!(!world.bus.artifacts().get(&kept).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_perception_are_exceptions_in_the_cell() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let code = "tools.SAM3.segment_image_by_text(InputImages[0], 'chair', confidence_threshold=0.95)";
    let seen = kernel.run(1, code).await;
    assert_eq!(error(&seen), "ValueError");
    assert!(seen.error.unwrap().message.contains("nothing is that certain"));
    assert_eq!(seen.tool_calls[0].outcome, "ValueError");
    // One that is away for a moment is asked again.
    world.perception.absences.store(2, std::sync::atomic::Ordering::Relaxed);
    works(&kernel, 2, "tools.SAM3.segment_image_by_text(InputImages[0], 'chair')").await;
    assert_eq!(world.perception.count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_go_around_the_package_are_checked_by_the_host() {
    let world = World::start().await;
    let kernel = world.lease().await;
    // The host end of the package is within a cell's reach; what it can ask for is not.
    let code = "import gc, spatialclaw._host as h\n\
                channel = [o for o in gc.get_objects() if isinstance(o, h.Channel)]\n\
                import spatialclaw._bridge as b\n\
                bridge = [o for o in gc.get_objects() if isinstance(o, b.Bridge)][0]\n\
                host = bridge._host\n\
                for ask in (lambda: host.fetch_frame(7), lambda: host.reconstruct([0, 7], 8, 6),\n\
                            lambda: host.reconstruct([0] * 65, 8, 6), lambda: host.reconstruct([0], 0, 6),\n\
                            lambda: host.segment(b'no png', 8, 6, text='chair'),\n\
                            lambda: host.segment(0, 8, 6, text=' ')):\n\
                \x20   try:\n\
                \x20       ask()\n\
                \x20   except ValueError as error:\n\
                \x20       print(error)";
    let seen = works(&kernel, 1, code).await;
    let lines: Vec<_> = seen.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{}", seen.stdout);
    assert_eq!(lines[0], "there is no frame 7; the absolute indices are 0, 10");
    assert!(lines[2].contains("at most 64") && lines[4].contains("no readable PNG"), "{}", seen.stdout);
    assert_eq!(world.perception.count(), 0, "nobody else was bothered");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_of_tool_calls_ends_in_an_exception() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let mut request =
        run_request(1, "for _ in range(3):\n    tools.SAM3.segment_image_by_text(InputImages[0], 'chair')");
    request.tool_calls_left = 2;
    let seen = kernel.try_run(request).await.unwrap();
    assert_eq!(error(&seen), "RuntimeError");
    assert!(seen.error.unwrap().message.contains("no tool calls are left"));
    assert_eq!((seen.tool_calls.len(), world.perception.count()), (2, 2));
}

/// A cell that writes `frames` to its session's socket, past the package.
fn blurting(frames: &[FromKernel]) -> String {
    let framed = |frame: &FromKernel| {
        let body = frame.encode_to_vec();
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        length.into_iter().chain(body).map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let hex: String = frames.iter().map(framed).collect();
    format!(
        "import os\nfor fd in range(3, 64):\n    try: os.write(fd, bytes.fromhex('{hex}'))\n    except OSError: pass"
    )
}

fn call(number: u64, op: call::Op) -> FromKernel {
    FromKernel { kind: Some(from_kernel::Kind::Call(wire::Call { call: number, op: Some(op) })) }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_calls_leave_no_record_even_when_nobody_waits_for_the_refusal() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let op = call::Op::Segment(wire::Segment {
        width: 8,
        height: 6,
        image: Some(segment::Image::Frame(0)),
        prompt: Some(segment::Prompt::Text("chair".to_owned())),
        score_threshold: 0.0,
    });
    let calls: Vec<_> = (1..=12).map(|number| call(number, op.clone())).collect();
    let mut request = run_request(1, &blurting(&calls));
    request.tool_calls_left = 0;
    let seen = kernel.try_run(request).await.unwrap();
    assert_eq!(seen.tool_calls, [], "{:?}", seen.error);
    assert_eq!(world.perception.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_to_segment_are_bounded_over_the_whole_cell() {
    let world = World::with(Config { max_cell_pictures: ByteSize::b(200), ..config() }).await;
    let kernel = world.lease().await;
    let code = "from PIL import Image\nfor _ in range(30):\n    \
                tools.SAM3.segment_image_by_text(Image.new('RGB', (4, 4)), 'chair')";
    let seen = kernel.run(1, code).await;
    assert_eq!(error(&seen), "RuntimeError");
    assert!(seen.error.unwrap().message.contains("one cell may send 200 B of pictures"));
    assert!((1..30).contains(&seen.tool_calls.len()), "{}", seen.tool_calls.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_bounded_over_the_whole_session() {
    let world = World::with(Config { max_session_tensors: ByteSize::kib(2), ..config() }).await;
    let kernel = world.lease().await;
    let seen = kernel.run(1, &CALL.repeat(30)).await;
    assert_eq!(error(&seen), "RuntimeError");
    assert!(seen.error.unwrap().message.contains("has received its 2.0 KiB"));
    assert!(seen.tool_calls.len() < 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_output_is_bounded() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let seen = works(&kernel, 1, "for i in range(200_000):\n    print('x' * 100)").await;
    assert!(seen.stdout_truncated && seen.stdout.len() < 20_000, "{}", seen.stdout.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_is_stopped_and_state_survives() {
    let world = World::start().await;
    let kernel = world.lease().await;
    works(&kernel, 1, "x = 7").await;
    let mut request = run_request(2, "y = 8\nwhile True:\n    pass");
    request.deadline_ms = 2000;
    let seen = kernel.try_run(request).await.unwrap();
    assert_eq!(error(&seen), "TimeoutError");
    let message = seen.error.unwrap().message;
    assert!(message.contains("limit of 2s") && !seen.state_lost, "{message}");
    assert_eq!(works(&kernel, 3, "print(x, y)").await.stdout, "7 8\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_gets_through_and_a_second_run_does_not() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let cell = format!("{CALL}while True: pass");
    let running = kernel.run(1, &cell);
    let meddling = async {
        world.perception.called().await;
        let fault = kernel.try_run(run_request(2, "1")).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Conflict, "{fault}");
        kernel.interrupt().await;
    };
    let (seen, ()) = tokio::join!(running, meddling);
    assert_eq!(error(&seen), "KeyboardInterrupt");
    assert!(!seen.state_lost);
    works(&kernel, 3, "1").await;
    let fault = kernel.try_run(run_request(4, &" ".repeat(2 << 20))).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid, "{fault}");
}

/// A span's name and its parent's.
type Kin = (&'static str, Option<&'static str>);

/// Remembers every span.
#[derive(Clone, Default)]
struct Family(Arc<Mutex<Vec<Kin>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Family {
    fn on_new_span(&self, _: &span::Attributes<'_>, id: &span::Id, context: layer::Context<'_, S>) {
        let span = context.span(id).unwrap();
        self.0.lock().unwrap().push((span.name(), span.parent().map(|parent| parent.name())));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_call_is_a_span_of_its_cell_and_a_cell_one_of_its_asker() {
    let family = Family::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(family.clone())).unwrap();
    let world = World::start().await;
    let kernel = world.lease().await;
    works(&kernel, 1, CALL).await;
    let spans = family.0.lock().unwrap().clone();
    assert!(spans.contains(&("execute_tool", Some("execute_cell"))), "{spans:?}");
    let parent = |name| spans.iter().find(|(span, _)| *span == name).and_then(|(_, parent)| *parent);
    // The bus's own span of the ask is in between.
    assert!(parent("execute_cell").is_some() && parent("lease").is_some(), "{spans:?}");
}
