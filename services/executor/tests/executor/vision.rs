//! A cell's questions to the vision model.

use std::sync::{Arc, Mutex};

use crate::common::{Kernel, World, config, run_request};
use bytesize::ByteSize;
use spatialclaw_bus::{Bus, Serving};
use spatialclaw_domain::{Fault, FaultKind, Observation, Usage, VisionKind, VisionQuestion};
use spatialclaw_executor::Config;
use spatialclaw_proto::kernel::v1::{VisionReply, VisionRequest};

type Asked = Arc<Mutex<Vec<VisionQuestion>>>;

const USAGE: Usage = Usage { calls: 1, prompt_tokens: 100, completion_tokens: 5, cached_tokens: 0 };

/// Answers `vision` with how often it was asked, or with what `fault` says of that.
async fn seer(bus: &Bus, fault: fn(usize) -> Option<Fault>) -> (Asked, Serving) {
    let asked = Asked::default();
    let record = Arc::clone(&asked);
    let handler = move |request: VisionRequest| {
        let nth = {
            let mut record = record.lock().unwrap();
            record.push(request.asked.unwrap().try_into().unwrap());
            record.len()
        };
        async move {
            match fault(nth) {
                Some(fault) => Err(fault),
                None => Ok(VisionReply {
                    answer: format!("answer {nth}\u{7}"),
                    model: "seer".to_owned(),
                    usage: Some(USAGE.into()),
                }),
            }
        }
    };
    let serving = bus.serve("vision", 4, handler).await.unwrap();
    (asked, serving)
}

fn never(_: usize) -> Option<Fault> {
    None
}

async fn works(kernel: &Kernel, step: u32, code: &str) -> Observation {
    let seen = kernel.run(step, code).await;
    assert!(seen.error.is_none(), "{:?}", seen.error);
    seen
}

const LOCATE: &str = "told = vlm.locate(InputImages[1], 'where is the chair?')\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_once_and_booked_once() {
    let world = World::start().await;
    let (asked, _serving) = seer(&world.bus, never).await;
    let kernel = world.lease().await;
    let seen = works(&kernel, 1, &format!("{LOCATE}{LOCATE}print(repr(told))")).await;
    let told = "vlm.locate, 1 picture\nQ: where is the chair?\nA: answer 1\n";
    assert_eq!(seen.stdout, format!("{told}{told}'answer 1'\n"));
    assert_eq!(seen.vision_usage, USAGE);
    assert_eq!(seen.vision.iter().map(|call| call.cached).collect::<Vec<_>>(), [false, true]);
    let calls: Vec<_> =
        seen.tool_calls.iter().map(|call| (&*call.name, &*call.outcome, &*call.engine)).collect();
    assert_eq!(calls, [("vlm.locate", "ok", "seer"); 2]);
    let later = works(&kernel, 2, LOCATE).await;
    assert_eq!((later.vision_usage, asked.lock().unwrap().len()), (Usage::default(), 1));
    let question = asked.lock().unwrap()[0].clone();
    assert_eq!((question.kind, question.pictures[0].frame_index), (VisionKind::Locate, Some(10)));
    let png = world.bus.artifacts().get(&question.pictures[0].image).await.unwrap();
    assert_eq!(image::load_from_memory(&png).unwrap().to_rgb8().get_pixel(0, 0).0, [200; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_cell_is_told_what_it_was_told_and_nobody_is_asked() {
    let world = World::start().await;
    // The first question fails; the cell asks it again.
    let fails_once = |nth| (nth == 1).then(|| Fault::new(FaultKind::Internal, "it broke"));
    let (asked, _serving) = seer(&world.bus, fails_once).await;
    let cell = format!(
        "{LOCATE}first = told\n{LOCATE}vlm.ask_with_thinking(InputImages, 'what is it?')\nprint(first, told)"
    );
    let seen = works(&world.lease().await, 1, &cell).await;
    assert_eq!(asked.lock().unwrap().len(), 3);
    assert!(seen.stdout.ends_with("[vlm error] internal: it broke answer 2\n"), "{}", seen.stdout);
    assert_eq!(seen.vision_usage.calls, 2);

    let fresh = world.lease().await;
    let mut again = run_request(1, &cell);
    again.vision = seen.vision.iter().cloned().map(Into::into).collect();
    let replayed = fresh.try_run(again).await.unwrap();
    assert_eq!(replayed.stdout, seen.stdout);
    assert_eq!((replayed.vision_usage, replayed.tool_calls.len()), (Usage::default(), 3));
    works(&fresh, 2, LOCATE).await;
    assert_eq!(asked.lock().unwrap().len(), 3, "later cells know the answer too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_absent_or_refuses_is_a_text() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let seen = works(&kernel, 1, LOCATE).await;
    assert!(seen.stdout.contains("\nA: [vlm error] unavailable: "), "{}", seen.stdout);
    let (asked, _serving) = seer(&world.bus, |_| Some(Fault::new(FaultKind::Invalid, "it cannot see"))).await;
    let seen = works(&kernel, 2, &format!("{LOCATE}assert told.startswith('[vlm error]')")).await;
    assert!(seen.stdout.ends_with("A: [vlm error] invalid: it cannot see\n"), "{}", seen.stdout);
    assert_eq!((asked.lock().unwrap().len(), seen.tool_calls[0].outcome.as_str()), (1, "invalid"));
    assert!(seen.vision[0].failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_model_is_asked_until_it_has_time() {
    let world = World::start().await;
    let busy = |nth| (nth < 6).then(|| Fault::new(FaultKind::Exhausted, "busy"));
    let (asked, _serving) = seer(&world.bus, busy).await;
    let seen = works(&world.lease().await, 1, LOCATE).await;
    assert!(seen.stdout.ends_with("A: answer 6\n"), "{}", seen.stdout);
    assert_eq!(asked.lock().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cell_may_ask_is_bounded() {
    let world = World::with(Config { max_cell_pictures: ByteSize::b(200), ..config() }).await;
    let (asked, _serving) = seer(&world.bus, never).await;
    let kernel = world.lease().await;
    let error = |seen: Observation| {
        let error = seen.error.unwrap();
        (error.kind, error.message)
    };
    // Past the package's own checks, as hostile code goes.
    let bridge = "bridge = vlm.locate.__self__._bridge\n";
    for (code, kind, words) in [
        ("bridge.ask_vision('locate', [], 'where?')", "ValueError", "between 1 and 8 pictures, not 0"),
        ("bridge.ask_vision('locate', [(b'x', None)] * 9, 'where?')", "ValueError", "not 9"),
        ("bridge.ask_vision('locate', [(b'x', None)], 'where?')", "ValueError", "no readable PNG"),
        ("bridge.ask_vision('locate', [(b'x', None)], '\\0 ')", "ValueError", "blank"),
        ("bridge.ask_vision('locate', [(b'x', None)], 'x' * 99999)", "ValueError", "99999 bytes"),
        ("bridge.ask_vision('guess', [(b'x', None)], 'where?')", "ValueError", "not `guess`"),
        ("bridge.ask_vision('locate', [(b'x' * 201, None)], 'where?')", "RuntimeError", "200 B of pictures"),
    ] {
        let (met, message) = error(kernel.run(1, &format!("{bridge}{code}")).await);
        assert!(met == kind && message.contains(words), "{code}: {met}: {message}");
    }
    let mut none_left = run_request(2, LOCATE);
    none_left.tool_calls_left = 0;
    let (met, message) = error(kernel.try_run(none_left).await.unwrap());
    assert!(met == "RuntimeError" && message.contains("no tool calls are left"), "{message}");
    assert!(asked.lock().unwrap().is_empty());
}
