//! The page is inert and bounded whatever a journal holds.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by where it panics")]

use std::{collections::BTreeMap, io::Cursor};

use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};
use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::{
    Answer, AnswerType, ArtifactRef, Budget, Cell, CellError, Choice, Digest, Event, EventKind, Fault,
    FaultKind, Frame, Observation, Plan, Question, SessionId, ShownImage, ToolCall, Usage, Variable,
    VisionCall, VisionKind, VisionQuestion,
};
use spatialclaw_report::{Error, render};

const HOSTILE: &str = "\"><script>alert(1)</script>'\"` onerror=alert(2) javascript:alert(3) </pre></style></title>\
    <img src=x onerror=alert(4)><a href=javascript:alert(5)>x</a> {{7*7}} &lt;b&gt; \0\u{1b}[2J\u{202e}txt\u{200b}";

fn store() -> (tempfile::TempDir, ArtifactStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = ArtifactStore::open(&dir.path().display().to_string()).unwrap();
    (dir, store)
}

fn png(width: u32, height: u32) -> Bytes {
    let mut bytes = Cursor::new(Vec::new());
    let image = RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, (x * y) as u8]));
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner().into()
}

async fn put(store: &ArtifactStore, bytes: impl Into<Bytes>, media_type: &str) -> ArtifactRef {
    store.put(bytes.into(), media_type).await.unwrap()
}

fn question(text: &str, image: ArtifactRef) -> EventKind {
    let frame = Frame {
        index: 0,
        image,
        width: 64,
        height: 48,
        time_s: Some(0.5),
        intrinsics: None,
        pose: None,
        depth: None,
        instances: None,
    };
    let question = Question {
        session: SessionId::named("page"),
        label: text.to_owned(),
        text: text.to_owned(),
        frames: vec![frame],
        stereo: None,
        world_up: None,
        video: None,
        choices: vec![Choice { letter: text.to_owned(), text: text.to_owned() }],
        answer_type: AnswerType::Choice,
        unit: None,
        budget: Budget::default(),
    };
    EventKind::Submitted { question, traceparent: format!("00-{text}-x-01") }
}

fn observation(text: &str, image: ArtifactRef) -> Observation {
    let variable = Variable { name: text.into(), summary: text.into() };
    Observation {
        step: 1,
        seconds: 0.1,
        stdout: text.into(),
        stderr: text.into(),
        error: Some(CellError {
            kind: text.into(),
            message: text.into(),
            line: Some(1),
            traceback: text.into(),
        }),
        new_variables: vec![variable.clone()],
        changed_variables: vec![variable],
        shown: vec![ShownImage { image, label: text.into(), frame_index: Some(3) }],
        shown_dropped: 2,
        tool_calls_dropped: 1,
        tool_calls: vec![ToolCall {
            name: text.into(),
            seconds: 0.1,
            outcome: text.into(),
            engine: text.into(),
            cached: true,
        }],
        answer: Some(Answer { text: text.into(), number: None }),
        state_lost: true,
        stdout_truncated: true,
        vision: vec![VisionCall {
            asked: VisionQuestion { kind: VisionKind::Locate, text: text.into(), pictures: vec![] },
            answer: text.into(),
            failed: true,
            cached: true,
            model: text.into(),
            usage: Usage::default(),
        }],
        vision_usage: Usage::default(),
    }
}

/// A journal with `text` wherever text can stand.
fn journal(text: &str, image: &ArtifactRef) -> Vec<Event> {
    let usage = Usage { calls: 1, prompt_tokens: 12_345, completion_tokens: 6, cached_tokens: 0 };
    let told = || text.to_owned();
    let cell = Cell { step: 1, purpose: told(), reasoning: told(), next_goal: told(), code: told() };
    let kinds = [
        question(text, image.clone()),
        EventKind::Planned { plan: Plan { text: told(), model: told(), usage } },
        EventKind::CellWritten { cell, raw: told(), usage, model: told(), seconds: 1.0 },
        EventKind::KernelLost { step: 1, reason: told() },
        EventKind::Observed { observation: observation(text, image.clone()), walls: told() },
        EventKind::ReplyRejected { step: 2, reason: told(), raw: told(), usage },
        EventKind::Answered {
            answer: Answer { text: told(), number: None },
            steps: 2,
            usage,
            seconds: 1.0,
            evidence: vec![],
        },
    ];
    kinds.into_iter().zip(0..).map(|(kind, at)| Event { at_unix_ms: at * 500, kind }).collect()
}

/// A tag's name and attributes.
type Tag = (String, BTreeMap<String, String>);

/// Every tag of a page with its attributes; fails on anything that is not of the page's own making.
fn tags(page: &str) -> Vec<Tag> {
    let (head, rest) = page.split_once("<style>").expect("a style");
    let (style, body) = rest.split_once("</style>").expect("an end of it");
    assert!(!style.contains('<'), "the style is ours");
    let mut tags = Vec::new();
    for part in [head, body] {
        let mut rest = part;
        while let Some(start) = rest.find('<') {
            let (tag, after) = tag(&rest[start + 1..]);
            tags.extend(tag);
            rest = after;
        }
    }
    tags
}

/// One tag behind its `<`; `None` for an end tag.
fn tag(text: &str) -> (Option<Tag>, &str) {
    let end = text.find(|c: char| c == '>' || c.is_whitespace()).expect("a tag ends");
    let (name, mut rest) = text.split_at(end);
    let mut attributes = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            let is_start = !name.starts_with('/');
            return (is_start.then(|| (name.to_owned(), attributes)), after);
        }
        let end = rest.find(['=', '>', ' ']).expect("an attribute ends");
        let (key, after) = rest.split_at(end);
        let Some(quoted) = after.strip_prefix("=\"") else {
            attributes.insert(key.to_owned(), String::new());
            rest = after;
            continue;
        };
        let (value, after) = quoted.split_once('"').expect("a quote closes");
        attributes.insert(key.to_owned(), value.to_owned());
        rest = after;
    }
}

fn assert_inert(page: &str) {
    let harmless = [
        "!DOCTYPE",
        "html",
        "head",
        "meta",
        "title",
        "body",
        "main",
        "header",
        "section",
        "footer",
        "div",
        "p",
        "h1",
        "h2",
        "ul",
        "li",
        "b",
        "small",
        "span",
        "dl",
        "dt",
        "dd",
        "br",
        "pre",
        "code",
        "details",
        "summary",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "figure",
        "figcaption",
        "img",
    ];
    for (name, attributes) in tags(page) {
        assert!(harmless.contains(&name.as_str()), "<{name}>");
        for (key, value) in attributes {
            match key.as_str() {
                "class" | "dir" | "alt" | "open" => {}
                "src" => assert!(
                    value.starts_with("data:image/png;base64,")
                        || value.starts_with("data:image/jpeg;base64,"),
                    "{value:.80}"
                ),
                "lang" | "charset" | "http-equiv" | "name" | "content" => {
                    assert!(name == "meta" || name == "html")
                }
                "html" => assert_eq!(name, "!DOCTYPE"),
                other => panic!("<{name} {other}={value:.80}>"),
            }
        }
    }
    for hidden in ['\0', '\u{1b}', '\u{202e}', '\u{200b}'] {
        assert!(!page.contains(hidden), "{hidden:?} reached the page");
    }
}

#[tokio::test]
async fn hostile_text_can_only_be_read() {
    let (_dir, store) = store();
    let picture = put(&store, png(64, 48), "image/png\" onerror=\"alert(1)").await;
    let page = render(&store, &journal(HOSTILE, &picture)).await.unwrap();
    assert_inert(&page);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("⟨U+202E⟩") && page.contains('␀'));
    assert!(!page.contains("trace <code>"), "a trace context that is none is not shown");
}

#[tokio::test]
async fn a_page_is_bounded_whatever_its_journal_holds() {
    let (_dir, store) = store();
    let picture = put(&store, png(64, 48), "image/png").await;
    let huge = "<é\n".repeat(1 << 15);
    let mut events = journal(&huge, &picture);
    let EventKind::Observed { observation, .. } = &mut events[4].kind else { panic!("an observation") };
    observation.new_variables =
        vec![Variable { name: "x".repeat(1 << 10), summary: "y".repeat(1 << 10) }; 10_000];
    observation.tool_calls = vec![observation.tool_calls[0].clone(); 1_000];
    observation.shown = vec![observation.shown[0].clone(); 1_000];
    let answered = events.pop().unwrap();
    let rejected = events[5].clone();
    events.extend(std::iter::repeat_n(rejected, 500));
    events.push(answered);
    let page = render(&store, &events).await.unwrap();
    assert!(page.len() < 32 << 20, "{} MiB", page.len() >> 20);
    assert_inert(&page);
    for words in
        ["more characters are not shown", "more steps", "more calls", "more variables", "more pictures"]
    {
        assert!(page.contains(words), "{words}");
    }
}

#[tokio::test]
async fn pictures_of_a_page_share_a_bound() {
    let (_dir, store) = store();
    let mut events = journal("x", &put(&store, png(64, 48), "image/png").await);
    let mut shown = Vec::new();
    for at in 0..60_u32 {
        // Noise, so that each weighs about its pixels, and each is another picture.
        let noise = |x: u32, y: u32| {
            let sum =
                x.wrapping_mul(374_761_393) ^ y.wrapping_mul(668_265_263) ^ at.wrapping_mul(2_246_822_519);
            let mixed = (sum ^ sum >> 13).wrapping_mul(1_274_126_177);
            (mixed ^ mixed >> 16).to_le_bytes()
        };
        let image = RgbImage::from_fn(360, 350, |x, y| Rgb([0, 1, 2].map(|at| noise(x, y)[at])));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let image = put(&store, bytes.into_inner(), "image/png").await;
        shown.push(ShownImage { image, label: format!("picture {at}"), frame_index: None });
    }
    let EventKind::Observed { observation, .. } = &mut events[4].kind else { panic!("an observation") };
    observation.shown = shown;
    let page = render(&store, &events).await.unwrap();
    assert!(page.len() < 32 << 20, "{} MiB", page.len() >> 20);
    assert!(page.contains("the page holds enough pictures"));
}

#[tokio::test]
async fn a_picture_that_cannot_be_shown_leaves_a_note() {
    let (_dir, store) = store();
    let gone = ArtifactRef { digest: Digest::of(b"gone"), size: 4, media_type: "image/png".into() };
    let whole = png(64, 48);
    let mut bomb = whole.to_vec();
    bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    for picture in [
        gone,
        put(&store, &b"no picture"[..], "image/png").await,
        put(&store, svg, "image/svg+xml").await,
        put(&store, whole.slice(..whole.len() / 2), "image/png").await,
        put(&store, bomb, "image/png").await,
        put(&store, Bytes::new(), "image/png").await,
    ] {
        let page = render(&store, &journal("fine", &picture)).await.unwrap();
        assert_inert(&page);
        assert!(page.contains("class=\"missing\"") && !page.contains("<img"), "{picture:?}");
        assert!(page.contains("Answer"), "the rest is unharmed");
    }
}

#[tokio::test]
async fn every_ending_is_told() {
    let (_dir, store) = store();
    let picture = put(&store, png(64, 48), "image/png").await;
    let usage = Usage::default();
    let ended = |kind| {
        vec![Event { at_unix_ms: 0, kind: question("q", picture.clone()) }, Event { at_unix_ms: 2500, kind }]
    };
    let fault = Fault::new(FaultKind::Unavailable, "no pod answers");
    for (events, words) in [
        (
            ended(EventKind::Unanswered { reason: "30 steps".into(), steps: 30, usage, seconds: 2.5 }),
            "30 steps",
        ),
        (ended(EventKind::Failed { fault, steps: 0, usage, seconds: 2.5 }), "no pod answers"),
        (ended(EventKind::Cancelled { reason: "enough".into() }), "enough"),
        (ended(EventKind::KernelLost { step: 1, reason: "gone".into() }), "Still at work"),
    ] {
        let page = render(&store, &events).await.unwrap();
        assert!(page.contains(words) && page.contains("2.50 s"), "{words}");
    }
    assert!(matches!(render(&store, &[]).await, Err(Error::NoQuestion)));
}
