//! Prints the page of a made-up journal, for whoever works on its looks:
//! `cargo run -p spatialclaw-report --example sample > sample.html`.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{
    Answer, AnswerType, ArtifactRef, Budget, Cell, CellError, Choice, DepthMap, Event, EventKind, Frame,
    Intrinsics, Observation, Plan, Pose, Question, SessionId, ShownImage, ToolCall, Usage, Variable,
};

const PLAN: &str =
    "Measure, do not guess: reconstruct both frames, segment the objects, compare closest points.

### CHECKLIST
- [ ] masks of the red chair and of the table
- [ ] points of each in the world frame
- [ ] closest distance, sanity-checked against the bird's-eye view";

const BAD_CODE: &str = "recon = tools.Reconstruct(InputImages)
chair = tools.SAM3.segment_image_by_text(InputImages[0], \"the chair that is red\")
print(chair.num_objects)";

const GOOD_CODE: &str = "from scipy.spatial import cKDTree

chair = tools.SAM3.segment_image_by_text(InputImages[0], \"red chair\")
table = tools.SAM3.segment_image_by_text(InputImages[0], \"table\")
a = chair.get_masked_points(recon, 0)
b = table.get_masked_points(recon, 0)

# Every tenth point is plenty: the objects are some thousand points each.
distance, _ = cKDTree(a[::10]).query(b[::10])
print(f\"closest {distance.min():.3f} m over {len(a)} and {len(b)} points\")
show(recon.render_bev(masks=chair), \"bird's-eye view\")
ReturnAnswer(float(distance.min()))";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = ArtifactStore::open(&dir.path().display().to_string())?;
    print!("{}", spatialclaw_report::render(&store, &journal(&store).await?).await?);
    Ok(())
}

async fn journal(store: &ArtifactStore) -> anyhow::Result<Vec<Event>> {
    let usage = |prompt_tokens| Usage { calls: 1, prompt_tokens, completion_tokens: 380, cached_tokens: 0 };
    let written = |cell, tokens, seconds| EventKind::CellWritten {
        cell,
        raw: String::new(),
        usage: usage(tokens),
        model: "template".into(),
        seconds,
    };
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into();
    let kinds = [
        EventKind::Submitted { question: question(store).await?, traceparent },
        EventKind::Planned {
            plan: Plan { text: PLAN.into(), model: "template".into(), usage: usage(2_140) },
        },
        written(cell(1, "Reconstruct and find the chair", BAD_CODE), 4_310, 1.9),
        EventKind::Observed { observation: failed(), walls: "full".into() },
        written(cell(2, "Segment by label and measure the closest distance", GOOD_CODE), 5_020, 2.4),
        EventKind::Observed { observation: measured(store).await?, walls: "full".into() },
        EventKind::Answered {
            answer: Answer { text: "0.62 m".into(), number: Some(0.62) },
            steps: 2,
            usage: usage(11_470),
            seconds: 8.4,
            evidence: vec![],
        },
    ];
    Ok(kinds.into_iter().zip(0..).map(|(kind, at)| Event { at_unix_ms: at * 1_400, kind }).collect())
}

async fn question(store: &ArtifactStore) -> anyhow::Result<Question> {
    let mut frames = Vec::new();
    for index in [0, 12] {
        let image = picture(store, 640, 480, index * 9).await?;
        frames.push(Frame {
            index,
            width: 640,
            height: 480,
            time_s: Some(f64::from(index) / 10.0),
            intrinsics: Some(Intrinsics { fx: 525.0, fy: 525.0, cx: 319.5, cy: 239.5 }),
            pose: Some(Pose([0.0; 16])),
            depth: Some(DepthMap { artifact: image.clone(), metres_per_unit: 0.001 }),
            instances: None,
            image,
        });
    }
    Ok(Question {
        session: SessionId::named("sample"),
        label: "living-room-07".into(),
        text:
            "What is the distance between the red chair and the table, from their closest points, in metres?"
                .into(),
        frames,
        stereo: None,
        world_up: None,
        video: None,
        choices: ["0.2 m", "0.6 m", "1.4 m"]
            .into_iter()
            .zip(["A", "B", "C"])
            .map(|(text, letter)| Choice { letter: letter.into(), text: text.into() })
            .collect(),
        answer_type: AnswerType::Number,
        unit: Some("m".into()),
        budget: Budget::default(),
    })
}

fn cell(step: u32, purpose: &str, code: &str) -> Cell {
    Cell {
        step,
        purpose: purpose.into(),
        reasoning:
            "Depth and poses were measured, so the reconstruction is metric; closest points need both masks."
                .into(),
        next_goal: "Check the number against the bird's-eye view.".into(),
        code: code.into(),
    }
}

fn call(name: &str, seconds: f64, outcome: &str, cached: bool) -> ToolCall {
    ToolCall { name: name.into(), seconds, outcome: outcome.into(), engine: "sensor".into(), cached }
}

fn failed() -> Observation {
    let message =
        "nothing in the picture is called \"the chair that is red\"; known labels: red chair, table, lamp";
    Observation {
        step: 1,
        seconds: 0.84,
        error: Some(CellError {
            kind: "RuntimeError".into(),
            message: message.into(),
            line: Some(2),
            traceback: "File \"<cell 1>\", line 2\n    chair = tools.SAM3.segment_image_by_text(…)".into(),
        }),
        new_variables: vec![Variable {
            name: "recon".into(),
            summary: "Reconstruction, 2 frames of 640×480".into(),
        }],
        tool_calls: vec![
            call("Reconstruct", 0.412, "ok", false),
            call("SAM3.segment_image_by_text", 0.031, message, false),
        ],
        ..Observation::default()
    }
}

async fn measured(store: &ArtifactStore) -> anyhow::Result<Observation> {
    let shown = ShownImage {
        image: picture(store, 800, 800, 60).await?,
        label: "bird's-eye view".into(),
        frame_index: None,
    };
    Ok(Observation {
        step: 2,
        seconds: 0.37,
        stdout: "closest 0.620 m over 8123 and 20411 points\n".into(),
        new_variables: vec![
            Variable { name: "a".into(), summary: "ndarray, shape=(8123, 3), dtype=float32".into() },
            Variable { name: "distance".into(), summary: "ndarray, shape=(2042,), dtype=float64".into() },
        ],
        shown: vec![shown],
        tool_calls: vec![
            call("SAM3.segment_image_by_text", 0.021, "ok", false),
            call("SAM3.segment_image_by_text", 0.0, "ok", true),
        ],
        answer: Some(Answer { text: "0.62".into(), number: Some(0.62) }),
        ..Observation::default()
    })
}

async fn picture(store: &ArtifactStore, width: u32, height: u32, hue: u32) -> anyhow::Result<ArtifactRef> {
    let image = RgbImage::from_fn(width, height, |x, y| {
        let wall = (150 + x * 60 / width + hue) as u8;
        let is_box = (width / 3..width / 2).contains(&(x + hue)) && y > height / 2;
        Rgb(if is_box { [190, 60, 50] } else { [wall, (140 + y * 80 / height) as u8, 160] })
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(store.put(bytes.into_inner().into(), "image/png").await?)
}
