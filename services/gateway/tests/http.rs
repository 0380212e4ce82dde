//! The HTTP interface over a real port and a real in-process bus.

use std::{io::Cursor, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use futures::StreamExt as _;
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::{
    StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use spatialclaw_bus::{self as bus, Bus, Done, Queue, Serving};
use spatialclaw_domain::{
    Answer, ArtifactRef, Event, EventKind, Fault, FaultKind, Observation, Plan, SessionId, ShownImage, Usage,
};
use spatialclaw_gateway::{Config, Gateway, Service, openapi_text, spawn};
use spatialclaw_ingest::Limits;
use spatialclaw_proto::session::v1::PlanJob;
use spatialclaw_runtime::{Readiness, Service as _};
use tokio::{sync::mpsc, time::timeout};

/// Nothing here takes nearly as long; it keeps a lost message from hanging a test for ever.
const DEADLINE: Duration = Duration::from_secs(30);

struct World {
    _dir: tempfile::TempDir,
    bus: Bus,
    readiness: Readiness,
    service: Service,
    http: reqwest::Client,
}

impl World {
    async fn start() -> anyhow::Result<Self> {
        Self::with(Config::default()).await
    }

    async fn with(config: Config) -> anyhow::Result<Self> {
        // Somebody may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir()?;
        let artifacts = dir.path().join("artifacts").display().to_string();
        let carrier = bus::Config { path: Some(dir.path().join("bus")), artifacts, ..bus::Config::default() };
        let bus = Bus::connect(&carrier, "gateway-test").await?;
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..config };
        let readiness = Readiness::default();
        let service = spawn(Gateway::new(bus.clone()), config, Limits::default(), readiness.clone()).await?;
        let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build()?;
        Ok(Self { _dir: dir, bus, readiness, service, http })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.address())
    }

    async fn get(&self, path: &str) -> anyhow::Result<reqwest::Response> {
        Ok(self.http.get(self.url(path)).send().await?)
    }

    async fn post(&self, form: Form) -> anyhow::Result<reqwest::Response> {
        Ok(self.http.post(self.url("/v1/questions")).multipart(form).send().await?)
    }

    /// Submits the usual question; its session.
    async fn submit(&self) -> anyhow::Result<SessionId> {
        accepted(self.post(form(&row())?).await?).await
    }

    /// What a refusal says, once its status was looked at.
    async fn refused(&self, form: Form, status: StatusCode) -> anyhow::Result<String> {
        told(self.post(form).await?, status).await
    }

    /// Appends to a session's journal as the services behind the gateway would.
    async fn append(&self, session: SessionId, kind: EventKind) -> anyhow::Result<u64> {
        let entries = self.bus.read(session, 0).await?;
        let (last, first) = (entries.last().context("an empty journal")?.0, &entries[0].1);
        let event = Event { at_unix_ms: first.at_unix_ms + 1500, kind };
        Ok(self.bus.append(session, &event, last).await?)
    }

    async fn result(&self, session: SessionId) -> anyhow::Result<Value> {
        Ok(self.get(&format!("/v1/questions/{session}")).await?.json().await?)
    }

    /// The sessions of the jobs on the queue *plan*, as they come.
    async fn plan_jobs(&self) -> anyhow::Result<(Serving, mpsc::Receiver<(String, String)>)> {
        let (sender, receiver) = mpsc::channel(16);
        let serving = self.bus.work(Queue::Plan, 1, move |job: PlanJob, delivery| {
            let sender = sender.clone();
            async move {
                let session = job.question.map(|question| question.session).unwrap_or_default();
                let _ = sender.send((delivery.id, session)).await;
                Done::Finished
            }
        });
        Ok((serving.await?, receiver))
    }
}

fn png(colour: [u8; 3]) -> anyhow::Result<Bytes> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_pixel(16, 12, Rgb(colour)).write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner().into())
}

fn row() -> Value {
    json!({ "id": "row-1", "question": "How many chairs are there?", "images": ["a.png"] })
}

fn file(name: &str, bytes: impl Into<Bytes>) -> Part {
    Part::stream(reqwest::Body::from(bytes.into())).file_name(name.to_owned())
}

fn form(row: &Value) -> anyhow::Result<Form> {
    Ok(Form::new().text("question", row.to_string()).part("file", file("a.png", png([9, 9, 9])?)))
}

async fn accepted(response: reqwest::Response) -> anyhow::Result<SessionId> {
    let status = response.status();
    let body: Value = response.json().await?;
    anyhow::ensure!(status == StatusCode::ACCEPTED, "{status}: {body}");
    Ok(body["id"].as_str().context("no id")?.parse()?)
}

async fn told(response: reqwest::Response, status: StatusCode) -> anyhow::Result<String> {
    anyhow::ensure!(response.status() == status, "{}: {}", response.status(), response.text().await?);
    let body: Value = response.json().await?;
    anyhow::ensure!(body["status"] == status.as_u16(), "{body}");
    Ok(body["message"].as_str().context("no message")?.to_owned())
}

fn planned() -> EventKind {
    let usage = Usage { calls: 1, prompt_tokens: 10, completion_tokens: 5, cached_tokens: 0 };
    EventKind::Planned { plan: Plan { text: "look".into(), model: "scripted".into(), usage } }
}

fn answered(text: &str, number: Option<f64>) -> EventKind {
    let answer = Answer { text: text.into(), number };
    EventKind::Answered { answer, steps: 1, usage: Usage::default(), seconds: 1.5, evidence: vec![] }
}

fn observed(image: ArtifactRef) -> EventKind {
    let shown = ShownImage { image, label: "masks".into(), frame_index: Some(0) };
    let vision_usage = Usage { calls: 1, prompt_tokens: 7, completion_tokens: 1, cached_tokens: 0 };
    let observation = Observation { step: 1, shown: vec![shown], vision_usage, ..Observation::default() };
    EventKind::Observed { observation, walls: "none".into() }
}

#[tokio::test]
async fn a_submission_is_journaled_and_queued_for_planning() -> anyhow::Result<()> {
    let world = World::start().await?;
    let (_serving, mut jobs) = world.plan_jobs().await?;
    let session = world.submit().await?;
    let job = timeout(DEADLINE, jobs.recv()).await?.context("no job")?;
    assert_eq!(job, (session.to_string(), session.to_string()));
    let journal = world.bus.read(session, 0).await?;
    let [(_, Event { kind: EventKind::Submitted { question, .. }, .. })] = &journal[..] else {
        anyhow::bail!("{journal:?}")
    };
    assert_eq!((question.label.as_str(), question.frames.len()), ("row-1", 1));
    assert_eq!(world.bus.artifacts().get(&question.frames[0].image).await?, png([9, 9, 9])?);
    Ok(())
}

#[tokio::test]
async fn under_one_key_a_submission_is_asked_once() -> anyhow::Result<()> {
    let world = World::start().await?;
    let keyed = async |key: &str, row: &Value| {
        let post = world.http.post(world.url("/v1/questions")).header("Idempotency-Key", key);
        accepted(post.multipart(form(row)?).send().await?).await
    };
    let first = keyed("k", &row()).await?;
    assert_eq!(keyed("k", &row()).await?, first);
    assert_eq!(world.bus.read(first, 0).await?.len(), 1);
    let (_serving, mut jobs) = world.plan_jobs().await?;
    let other = keyed("other", &row()).await?;
    let mut asked = Vec::new();
    for _ in 0..2 {
        asked.push(timeout(DEADLINE, jobs.recv()).await?.context("no job")?.0);
    }
    assert_eq!(asked, [first.to_string(), other.to_string()], "and nothing between them");
    let mut changed = row();
    changed["question"] = json!("How many tables are there?");
    assert_ne!(keyed("k", &changed).await?, first);
    assert_ne!(world.submit().await?, world.submit().await?, "without a key every submission is new");
    let refused = world.http.post(world.url("/v1/questions")).header("Idempotency-Key", "k".repeat(300));
    let message =
        told(refused.multipart(form(&row())?).send().await?, StatusCode::UNPROCESSABLE_ENTITY).await?;
    assert!(message.contains("Idempotency-Key"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_result_tells_where_the_question_stands() -> anyhow::Result<()> {
    let world = World::start().await?;
    let session = world.submit().await?;
    let result = world.result(session).await?;
    assert_eq!((&result["status"], &result["label"]), (&json!("queued"), &json!("row-1")));
    world.append(session, planned()).await?;
    assert_eq!(world.result(session).await?["status"], "working");
    let picture = world.bus.artifacts().put(png([1, 2, 3])?, "image/png").await?;
    world.append(session, observed(picture.clone())).await?;
    world.append(session, answered("2.5 m", Some(2.5))).await?;
    let result = world.result(session).await?;
    assert_eq!(result["status"], "answered");
    assert_eq!((&result["answer"], &result["number"]), (&json!("2.5 m"), &json!(2.5)));
    assert_eq!((&result["cost"]["prompt_tokens"], &result["cost"]["seconds"]), (&json!(17), &json!(1.5)));
    assert_eq!(result["evidence"], json!([picture.digest.to_string()]));
    let usage = Usage::default();
    let fault = Fault::new(FaultKind::Unavailable, "no pod");
    for (kind, status, error) in [
        (
            EventKind::Unanswered { reason: "gave up".into(), steps: 1, usage, seconds: 1.0 },
            "unanswered",
            "gave up",
        ),
        (EventKind::Failed { fault, steps: 1, usage, seconds: 1.0 }, "error", "no pod"),
        (EventKind::Cancelled { reason: "enough".into() }, "cancelled", "enough"),
    ] {
        let session = world.submit().await?;
        world.append(session, kind).await?;
        let result = world.result(session).await?;
        assert_eq!((&result["status"], &result["error"]), (&json!(status), &json!(error)));
        assert!(result.get("answer").is_none());
    }
    let message = told(world.get("/v1/questions/feed").await?, StatusCode::NOT_FOUND).await?;
    assert!(message.contains("32 hex digits"), "{message}");
    let stranger = SessionId::random();
    told(world.get(&format!("/v1/questions/{stranger}")).await?, StatusCode::NOT_FOUND).await?;
    Ok(())
}

/// Ids, names and data of a whole event stream.
async fn stream(response: reqwest::Response) -> anyhow::Result<Vec<(u64, String, Value)>> {
    anyhow::ensure!(response.status() == StatusCode::OK, "{}", response.status());
    let text = timeout(DEADLINE, response.text()).await??;
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned));
        line.with_context(|| format!("no {name} in {block}"))
    };
    text.split("\n\n")
        .filter(|block| block.contains("data:"))
        .map(|block| {
            Ok((
                field(block, "id")?.parse()?,
                field(block, "event")?,
                serde_json::from_str(&field(block, "data")?)?,
            ))
        })
        .collect()
}

#[tokio::test]
async fn events_are_followed_to_the_closing_one_and_resumed() -> anyhow::Result<()> {
    let world = World::start().await?;
    let session = world.submit().await?;
    let path = format!("/v1/questions/{session}/events");
    let live = world.get(&path).await?;
    world.append(session, planned()).await?;
    world.append(session, answered("2", Some(2.0))).await?;
    let events = stream(live).await?;
    let names: Vec<_> = events.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(names, ["submitted", "planned", "answered"]);
    assert_eq!(events[2].2["answer"]["text"], "2");
    let after = |id: u64| world.http.get(world.url(&path)).header("Last-Event-ID", id.to_string()).send();
    assert_eq!(stream(after(events[0].0).await?).await?, events[1..]);
    assert_eq!(after(events[2].0).await?.status(), StatusCode::NO_CONTENT);
    told(world.get(&format!("/v1/questions/{}/events", SessionId::random())).await?, StatusCode::NOT_FOUND)
        .await?;
    Ok(())
}

#[tokio::test]
async fn event_streams_are_bounded_and_a_closed_one_makes_room() -> anyhow::Result<()> {
    let world = World::with(Config { concurrent_streams: 1, ..Config::default() }).await?;
    let (first, second) = (world.submit().await?, world.submit().await?);
    let open = world.get(&format!("/v1/questions/{first}/events")).await?;
    let path = format!("/v1/questions/{second}/events");
    let message = told(world.get(&path).await?, StatusCode::SERVICE_UNAVAILABLE).await?;
    assert!(message.contains("too many event streams"), "{message}");
    world.append(first, answered("1", None)).await?;
    stream(open).await?;
    let room = async {
        while world.get(&path).await?.status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    timeout(DEADLINE, room).await?
}

#[tokio::test]
async fn a_question_is_withdrawn_once_and_only_before_its_end() -> anyhow::Result<()> {
    let world = World::start().await?;
    let session = world.submit().await?;
    let cancel =
        |session: SessionId| world.http.delete(world.url(&format!("/v1/questions/{session}"))).send();
    assert_eq!(cancel(session).await?.status(), StatusCode::NO_CONTENT);
    let journal = world.bus.read(session, 0).await?;
    assert!(
        matches!(journal.last(), Some((_, Event { kind: EventKind::Cancelled { .. }, .. }))),
        "{journal:?}"
    );
    let message = told(cancel(session).await?, StatusCode::CONFLICT).await?;
    assert!(message.contains("already ended"), "{message}");
    told(cancel(SessionId::random()).await?, StatusCode::NOT_FOUND).await?;
    Ok(())
}

#[tokio::test]
async fn only_pictures_of_the_questions_own_journal_are_served() -> anyhow::Result<()> {
    let world = World::start().await?;
    let (session, stranger) = (world.submit().await?, world.submit().await?);
    let bytes = png([200, 0, 0])?;
    let shown = world.bus.artifacts().put(bytes.clone(), "image/png").await?;
    world.append(session, observed(shown.clone())).await?;
    let path = |session: SessionId, digest: &str| format!("/v1/questions/{session}/artifacts/{digest}");
    let own = world.get(&path(session, &shown.digest.to_string())).await?;
    assert_eq!(own.headers()["content-type"], "image/png");
    assert_eq!(own.headers()["x-content-type-options"], "nosniff");
    assert_eq!(own.bytes().await?, bytes);
    let question = world.bus.artifacts().put(png([9, 9, 9])?, "image/png").await?;
    assert_eq!(world.get(&path(session, &question.digest.to_string())).await?.status(), StatusCode::OK);
    told(world.get(&path(stranger, &shown.digest.to_string())).await?, StatusCode::NOT_FOUND).await?;
    told(world.get(&path(session, "..%2f..%2fetc%2fpasswd")).await?, StatusCode::UNPROCESSABLE_ENTITY)
        .await?;
    Ok(())
}

#[tokio::test]
async fn the_report_is_a_page_that_can_do_nothing() -> anyhow::Result<()> {
    let world = World::start().await?;
    let session = world.submit().await?;
    world.append(session, answered("<script>alert(1)</script>", None)).await?;
    let report = world.get(&format!("/v1/questions/{session}/report")).await?;
    let policy = report.headers()["content-security-policy"].to_str()?.to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    let page = report.text().await?;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    Ok(())
}

#[tokio::test]
async fn what_is_too_large_is_turned_away() -> anyhow::Result<()> {
    let world =
        World::with(Config { max_submission_bytes: 50_000, max_files: 2, ..Config::default() }).await?;
    let big = form(&row())?.part("file", file("b.png", vec![0; 60_000]));
    world.refused(big, StatusCode::PAYLOAD_TOO_LARGE).await?;
    let many = (0..3).fold(Form::new(), |form, n| form.part("file", file(&format!("{n}.png"), vec![0])));
    let message = world.refused(many, StatusCode::UNPROCESSABLE_ENTITY).await?;
    assert!(message.contains("more than 2 files"), "{message}");
    world.submit().await?;
    Ok(())
}

#[tokio::test]
async fn a_bad_submission_is_refused_in_words_that_help() -> anyhow::Result<()> {
    let world = World::start().await?;
    let picture = || Ok::<_, anyhow::Error>(file("a.png", png([9, 9, 9])?));
    let with = |key: &str, value: Value| {
        let mut row = row();
        row[key] = value;
        row
    };
    for (form, words) in [
        (Form::new().part("file", picture()?), "part `question` is missing"),
        (form(&row())?.part("file", picture()?), "two parts are named `a.png`"),
        (form(&row())?.text("question", row().to_string()), "two parts `question`"),
        (form(&with("imagse", json!([])))?, "unknown field `imagse`"),
        (form(&with("images", json!(["b.png"])))?, "images[0]: `b.png` was not uploaded"),
        (form(&with("images", json!(["https://example.com/a.png"])))?, "is a URL"),
        (form(&with("images", json!(["/etc/passwd"])))?, "was not uploaded"),
        (Form::new().text("question", row().to_string()).part("f", file("a.png", "hello")), "plain text"),
        (Form::new().text("question", "{\"id\":").part("f", picture()?), "column"),
    ] {
        let message = world.refused(form, StatusCode::UNPROCESSABLE_ENTITY).await?;
        assert!(message.contains(words), "{words}: {message}");
    }
    let post = || world.http.post(world.url("/v1/questions"));
    told(post().body("{}").send().await?, StatusCode::BAD_REQUEST).await?;
    let broken = post().header("content-type", "multipart/form-data; boundary=x").body("--x\r\nnonsense");
    told(broken.send().await?, StatusCode::BAD_REQUEST).await?;
    told(world.get("/elsewhere").await?, StatusCode::NOT_FOUND).await?;
    Ok(())
}

#[tokio::test]
async fn it_describes_itself_and_says_whether_it_is_ready() -> anyhow::Result<()> {
    let world = World::start().await?;
    let served: Value = world.get("/openapi.json").await?.json().await?;
    assert_eq!(served, serde_json::from_str::<Value>(&openapi_text())?);
    assert_eq!(world.get("/livez").await?.status(), StatusCode::OK);
    world.readiness.set("bus", false, "connecting");
    assert_eq!(world.get("/readyz").await?.status(), StatusCode::SERVICE_UNAVAILABLE);
    world.readiness.set("bus", true, "connected");
    assert_eq!(world.get("/readyz").await?.status(), StatusCode::OK);
    Ok(())
}

#[test]
fn the_committed_openapi_document_is_up_to_date() -> anyhow::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/openapi.json");
    let committed = std::fs::read_to_string(path)?;
    assert!(
        committed == openapi_text(),
        "docs/reference/openapi.json is out of date: write it anew with\n\
         cargo run -p spatialclaw-gateway -- --print-openapi > docs/reference/openapi.json"
    );
    Ok(())
}

#[tokio::test]
async fn draining_ends_open_streams_and_closes_the_port() -> anyhow::Result<()> {
    let world = World::start().await?;
    let session = world.submit().await?;
    let url = world.url(&format!("/v1/questions/{session}/events"));
    let mut open = world.http.get(&url).send().await?.bytes_stream();
    let first = timeout(DEADLINE, open.next()).await?.context("no event")??;
    assert!(first.starts_with(b"id: ") || first.starts_with(b"event: "), "{first:?}");
    let World { service, http, .. } = world;
    timeout(DEADLINE, Box::new(service).drain(DEADLINE * 2)).await?;
    while let Some(rest) = timeout(DEADLINE, open.next()).await? {
        rest?;
    }
    drop(open);
    assert!(http.get(&url).send().await.is_err());
    Ok(())
}
