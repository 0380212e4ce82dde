//! The template backbone's cells, run by the product's own Python package in a room of known measures.
#![expect(clippy::unwrap_used, reason = "a test that cannot start has nothing to show")]

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use spatialclaw_domain::SessionId;
use spatialclaw_models::{ChatRequest, LanguageModel, Message, Role, Speaker, backbone::template::Template};

/// Turns a question may take.
const STEPS: usize = 8;

struct Kernel {
    child: Child,
    cells: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Kernel {
    /// `None` where the project's Python environment is not made yet.
    fn start() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python: PathBuf = root.join("../../.venv/bin/python");
        if !python.exists() {
            eprintln!("skipped: {} is missing; `cargo xtask test` makes it", python.display());
            return None;
        }
        let mut child = Command::new(python)
            .arg(root.join("tests/kernel.py"))
            .env("OPENBLAS_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (cells, replies) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Some(Self { child, cells, replies: BufReader::new(replies) })
    }

    fn enter(&mut self, room: &Value) {
        writeln!(self.cells, "{room}").unwrap();
    }

    fn run(&mut self, code: &str) -> Value {
        writeln!(self.cells, "{}", json!({"code": code})).unwrap();
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn opening(question: &str, options: &[&str], format: &str) -> String {
    let mut text = format!("## Input\nimages\n\n## Question\n{question}\n");
    if !options.is_empty() {
        text += "\n## Options\n";
    }
    for (letter, option) in ["A", "B", "C", "D"].iter().zip(options) {
        let _ = writeln!(text, "{letter}. {option}");
    }
    let _ = write!(text, "\n## Answer format\n{format}\nNothing else.");
    text
}

/// Asks until there is an answer, or a reason why there is none; the whole conversation comes along.
async fn solve(
    kernel: &mut Kernel,
    room: Value,
    question: &str,
    options: &[&str],
    format: &str,
) -> (String, String) {
    kernel.enter(&room);
    let first = opening(question, options, format);
    let messages = vec![Message::text(Speaker::System, "s"), Message::text(Speaker::User, first)];
    let mut request = ChatRequest { session: SessionId::random(), role: Role::Code, messages };
    let mut log = String::new();
    for step in 1..=STEPS {
        let reply = Template.chat(&request).await.unwrap().text;
        let _ = writeln!(log, "{reply}");
        let Some((_, code)) = reply.split_once("```python\n") else { return (reply, log) };
        let seen = kernel.run(code.trim_end_matches("\n```"));
        let feedback = feedback(step, &seen);
        let _ = writeln!(log, "{feedback}");
        if let Some(answer) = seen["answer"].as_str().filter(|_| seen["error"].is_null()) {
            return (answer.to_owned(), log);
        }
        request.messages.push(Message::text(Speaker::Assistant, reply));
        request.messages.push(Message::text(Speaker::User, feedback));
    }
    panic!("no end after {STEPS} steps:\n{log}");
}

fn feedback(step: usize, seen: &Value) -> String {
    let output = format!("### Output\n{}\n", seen["output"].as_str().unwrap());
    match seen["error"].as_str() {
        None => format!("## Step {step}: ok (0.10 s)\n{output}### Left\n9 of 10 steps"),
        Some(error) => {
            format!("## Step {step}: error (0.10 s)\n{output}### Error\n{error}\n### Left\n9 of 10 steps")
        }
    }
}

const LETTER: &str = "the letter of one option";

/// Room, question, options, format, answer, relative tolerance.
type Row = (&'static str, &'static str, &'static [&'static str], &'static str, &'static str, f64);

const ROWS: &[Row] = &[
    (
        "walk",
        "How far apart are the red chair and the blue chair, in metres?",
        &[],
        "number in m",
        "0.3808",
        0.02,
    ),
    ("walk", "How far is the red chair from the camera, in metres?", &[], "number in m", "2.8625", 0.02),
    (
        "walk",
        "How far is the red chair from the camera in frame 20, in metres?",
        &[],
        "number in m",
        "2.4597",
        0.02,
    ),
    ("walk", "How many stools are there?", &[], "integer", "2", 0.0),
    ("walk", "How many chairs are there in the garden?", &[], "integer", "", 0.0),
    ("walk", "Is there a stool?", &[], "yes or no", "yes", 0.0),
    ("walk", "Is there a piano?", &[], "yes or no", "no", 0.0),
    (
        "walk",
        "Which is nearest to the camera: the table, the shelf or the red chair?",
        &[],
        "text",
        "red chair",
        0.0,
    ),
    ("walk", "Which is farthest from the camera?", &["the table", "the shelf"], LETTER, "B", 0.0),
    (
        "walk",
        "Which object is closest to the blue chair: the table, the shelf or the red chair?",
        &[],
        "text",
        "red chair",
        0.0,
    ),
    (
        "walk",
        "List the table, the shelf and the red chair from nearest to farthest.",
        &[],
        "text",
        "red chair, table, shelf",
        0.0,
    ),
    (
        "walk",
        "Is the red chair to the left or to the right of the table?",
        &["left", "right"],
        LETTER,
        "B",
        0.0,
    ),
    ("walk", "Is the table closer to the camera than the shelf?", &[], "yes or no", "yes", 0.0),
    ("walk", "Is the table in front of or behind the shelf?", &[], "text", "in front", 0.0),
    ("walk", "Is the shelf above or below the table?", &[], "text", "above", 0.0),
    (
        "walk",
        "Standing at the table and facing the blue chair, is the shelf to my left, right, in front or behind?",
        &[],
        "text",
        "left",
        0.0,
    ),
    ("walk", "How tall is the shelf, in centimetres?", &[], "number in cm", "180", 0.02),
    ("walk", "How wide is the table?", &[], "number in m", "1.0", 0.02),
    ("walk", "Which is taller: the shelf or the table?", &[], "text", "shelf", 0.0),
    ("walk", "Is the table taller than the shelf?", &[], "yes or no", "no", 0.0),
    (
        "walk",
        "How far did the camera move between the first and the last frame, in metres?",
        &[],
        "number in m",
        "0.7211",
        0.001,
    ),
    ("walk", "How many degrees did the camera turn?", &[], "number", "0", 0.0),
    ("walk", "Did the camera move forward or backward?", &[], "text", "forward", 0.0),
    ("walk", "Did the camera move to the left?", &[], "yes or no", "no", 0.0),
    ("walk", "How high above the floor is the camera, in metres?", &[], "number in m", "1.5", 0.001),
    ("still", "What is the median depth of the red chair, in metres?", &[], "number in m", "2.75", 0.02),
    ("still", "How far apart are the red chair and the table?", &["1 m", "2.5 m", "4 m"], LETTER, "A", 0.0),
    ("still", "How many stools can you see?", &["1", "2", "3"], LETTER, "B", 0.0),
    (
        "ball",
        "How far did the ball move between frame 0 and frame 10, in metres?",
        &[],
        "number in m",
        "1.2",
        0.02,
    ),
    ("photo", "Is the sofa to the left or to the right of the table?", &[], "text", "right", 0.0),
    ("photo", "Is the shelf above or below the stool?", &[], "text", "above", 0.0),
    ("photo", "How many stools are there?", &[], "integer", "2", 0.0),
];

/// Whether an answer is as expected; no expectation means that there must be none.
fn is_right(answer: &str, expected: &str, tolerance: f64) -> bool {
    if expected.is_empty() {
        return answer.starts_with("**Cannot Answer**");
    }
    match (answer.parse::<f64>(), expected.parse::<f64>()) {
        (Ok(answer), Ok(expected)) => (answer - expected).abs() <= tolerance * expected.abs(),
        _ => answer == expected,
    }
}

#[tokio::test]
async fn cells_measure_a_known_room() {
    let Some(mut kernel) = Kernel::start() else { return };
    let mut wrong = Vec::new();
    for (room, question, options, format, expected, tolerance) in ROWS {
        let (answer, log) = solve(&mut kernel, json!({"room": room}), question, options, format).await;
        if !is_right(&answer, expected, *tolerance) {
            wrong.push(format!("{question}: {answer}, expected {expected}\n{}", outputs(&log)));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[tokio::test]
async fn what_cannot_be_measured_is_said_precisely() {
    let Some(mut kernel) = Kernel::start() else { return };
    let rows = [
        (
            "photo",
            "How far apart are the table and the shelf, in metres?",
            "no depth engine takes a single photograph",
        ),
        ("walk", "How far is the piano from the table, in metres?", "piano"),
        ("walk", "How far is the table from the camera in frame 77, in metres?", "77"),
        ("walk", "What colour is the table?", "distance between two objects"),
    ];
    for (room, question, reason) in rows {
        let (answer, log) = solve(&mut kernel, json!({"room": room}), question, &[], "number in m").await;
        assert!(
            answer.starts_with("**Cannot Answer**") && answer.contains(reason),
            "{question}: {answer}\n{log}"
        );
    }
}

/// Every row of the example manifests.
fn examples() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let manifests = entries.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let texts: Vec<String> = manifests.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    texts.iter().flat_map(|text| text.lines()).filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test]
async fn every_example_question_is_understood() {
    for row in examples() {
        let question = row["question"].as_str().unwrap();
        let options: Vec<&str> =
            row["options"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let messages = vec![Message::text(Speaker::User, opening(question, &options, &form(&row)))];
        let request = ChatRequest { session: SessionId::random(), role: Role::Code, messages };
        let reply = Template.chat(&request).await.unwrap().text;
        assert!(reply.starts_with("**Purpose**"), "{question}: {reply}");
    }
}

fn form(row: &Value) -> String {
    match row["answer_type"].as_str() {
        _ if row["options"].is_array() => LETTER.to_owned(),
        Some("number") => format!("number in {}", row["unit"].as_str().unwrap_or("m")),
        Some("integer") => "integer".to_owned(),
        Some("yes_no") => "yes or no".to_owned(),
        _ => "text".to_owned(),
    }
}

#[tokio::test]
#[ignore = "the demo does the same through the real services; this shows the cells' own errors"]
async fn example_scenes_are_measured_within_their_tolerance() {
    let Some(mut kernel) = Kernel::start() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut wrong = Vec::new();
    for row in examples().into_iter().filter(|row| row["frames"][0]["depth"].is_object()) {
        let question = row["question"].as_str().unwrap();
        let options: Vec<&str> =
            row["options"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let room = json!({"row": row, "folder": folder});
        let (answer, log) = solve(&mut kernel, room, question, &options, &form(&row)).await;
        let expected: Vec<String> = match &row["answer"] {
            Value::Array(any) => any.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(text) => vec![text.clone()],
            other => vec![other.to_string()],
        };
        let tolerance = row["tolerance"]["relative"].as_f64().unwrap_or(0.0);
        eprintln!("{question} {answer} ({})", expected.join(" | "));
        if !expected.iter().any(|expected| is_right(&answer, expected, tolerance)) {
            wrong.push(format!("{question}: {answer}, expected {expected:?}\n{}", outputs(&log)));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// What the cells of a conversation printed.
fn outputs(log: &str) -> String {
    log.split("## Step")
        .skip(1)
        .filter_map(|step| step.split("### Left").next())
        .collect::<Vec<_>>()
        .join("\n")
}
