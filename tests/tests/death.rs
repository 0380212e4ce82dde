//! Processes die; questions do not.
//!
//! The model's replies are scripted, so that one cell is long enough to be running when its process is killed. There is
//! one seat for kernels: whoever goes on needs the one that the dead left behind.

use std::{fs, path::Path};

use serde_json::{Value, json};
use spatialclaw_tests::{
    client::{self, Client},
    deployment::{Deployment, Mode, Options},
    pictures,
};
use tempfile::TempDir;

/// Sees 40, adds 2 very slowly, answers: the answer is right only if the first cell's variable is there again.
const CELLS: [&str; 3] = [
    "x = int(vlm.locate(InputImages[0], 'the mug').split(',')[0][1:])",
    "import time\ntime.sleep(4)\ny = x + 2\nprint(y)",
    "ReturnAnswer(y)",
];

/// Tokens of the only reply that is paid for: what the vision model says of the picture.
const LOOK: u64 = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_executor_costs_no_question() -> anyhow::Result<()> {
    let mut world = World::start(Mode::Deployed).await?;
    let id = world.ask().await?;
    world.until_the_slow_cell_runs(&id).await?;
    world.deployment.kill("executor")?;
    world.deployment.start_process("executor").await?;
    let events = world.client.follow(&id, client::ends).await?;
    assert!(names(&events).contains(&"kernel_lost"), "{:?}", names(&events));
    world.answered_once(&id, &events).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_codegen_costs_no_question() -> anyhow::Result<()> {
    let mut world = World::start(Mode::Deployed).await?;
    let id = world.ask().await?;
    world.until_the_slow_cell_runs(&id).await?;
    world.deployment.kill("codegen")?;
    world.deployment.start_process("codegen").await?;
    let events = world.client.follow(&id, client::ends).await?;
    world.answered_once(&id, &events).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_outlives_its_gateway_and_waits_for_a_planner() -> anyhow::Result<()> {
    let mut world = World::start(Mode::Deployed).await?;
    world.deployment.kill("planner")?;
    let id = world.ask().await?;
    world.deployment.kill("gateway")?;
    world.deployment.start_process("gateway").await?;
    world.client = Client::new(world.deployment.http())?;
    assert_eq!(world.client.result(&id).await?["status"], "queued");
    world.deployment.start_process("planner").await?;
    let events = world.client.follow(&id, client::ends).await?;
    world.answered_once(&id, &events).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_killed_and_started_again_goes_on() -> anyhow::Result<()> {
    let mut world = World::start(Mode::Embedded).await?;
    let id = world.ask().await?;
    world.until_the_slow_cell_runs(&id).await?;
    world.deployment.kill("embedded")?;
    world.deployment.start_process("embedded").await?;
    world.client = Client::new(world.deployment.http())?;
    let events = world.client.follow(&id, client::ends).await?;
    world.answered_once(&id, &events).await
}

struct World {
    deployment: Deployment,
    client: Client,
    dir: TempDir,
}

impl World {
    async fn start(mode: Mode) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        fs::write(dir.path().join("a.png"), pictures::png(64, 48))?;
        let transcript = dir.path().join("transcript.jsonl");
        fs::write(&transcript, self::transcript())?;
        let sets =
            vec!["backbone.kind=recorded".to_owned(), recorded(&transcript), "executor.kernels=1".to_owned()];
        let deployment = Deployment::start(mode, Options { sets, otlp: None }).await?;
        let client = Client::new(deployment.http())?;
        Ok(Self { deployment, client, dir })
    }

    async fn ask(&self) -> anyhow::Result<String> {
        let row = json!({
            "id": "slow", "question": "How much is 40 and 2?", "images": ["a.png"], "answer_type": "integer"
        });
        self.client.submit(&row, self.dir.path()).await
    }

    async fn until_the_slow_cell_runs(&self, id: &str) -> anyhow::Result<()> {
        let slow = |event: &Value| event["event"] == "cell_written" && event["cell"]["step"] == 2;
        self.client.follow(id, slow).await.map(|_| ())
    }

    /// The right answer, one ending, and every cell paid for once.
    async fn answered_once(&self, id: &str, events: &[Value]) -> anyhow::Result<()> {
        let names = names(events);
        let count = |name: &str| names.iter().filter(|it| **it == name).count();
        assert_eq!(
            (count("cell_written"), count("answered"), count("planned")),
            (CELLS.len(), 1, 1),
            "{names:?}"
        );
        let result = self.client.result(id).await?;
        assert_eq!(result["number"], 42.0, "{result}");
        assert_eq!(result["cost"]["prompt_tokens"], LOOK, "{result}");
        Ok(())
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

fn recorded(transcript: &Path) -> String {
    format!("backbone.recorded.path={}", transcript.display())
}

fn transcript() -> String {
    let plan = json!({"role": "plan", "expects": {"contains": "## Question"}, "reply": "Add the numbers."});
    let usage = json!({"calls": 1, "prompt_tokens": LOOK, "completion_tokens": 3, "cached_tokens": 0});
    let look =
        json!({"role": "locate", "expects": {"contains": "the mug"}, "reply": "(40,2)", "usage": usage});
    let cells = CELLS.iter().enumerate().map(|(turn, code)| {
        let reply = format!(
            "**Purpose**\nAdd.\n**Reasoning**\nStep by step.\n**Next Goal**\nThe sum.\n**Code**\n```python\n{code}\n```\n"
        );
        // Each turn must have seen what the one before brought about.
        let expects = if turn == 0 { "## Plan".to_owned() } else { format!("## Step {turn}: ok") };
        json!({"role": "code", "turn": turn, "expects": {"contains": expects}, "reply": reply})
    });
    [plan, look].into_iter().chain(cells).map(|entry| format!("{entry}\n")).collect()
}
