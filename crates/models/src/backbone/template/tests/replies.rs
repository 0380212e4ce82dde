//! What is said in which conversation.

use proptest::prelude::*;
use spatialclaw_domain::SessionId;

use super::super::{FAMILIES, converse, converse::Form, units};
use crate::{ChatRequest, Message, Part, Role, Speaker};

fn opening(question: &str, options: &[&str], format: &str) -> String {
    let lines: Vec<String> = ["A", "B", "C", "D"]
        .iter()
        .zip(options)
        .map(|(letter, text)| format!("{letter}. {text}\n"))
        .collect();
    let options = if lines.is_empty() { String::new() } else { format!("\n## Options\n{}", lines.concat()) };
    format!(
        "## Input\n3 images.\n\n## Question\n{question}\n{options}\n## Answer format\n{format}\nNothing else."
    )
}

fn conversation(role: Role, first: String, feedback: &[&str]) -> ChatRequest {
    let mut messages =
        vec![Message::text(Speaker::System, "be careful"), Message::text(Speaker::User, first)];
    if role == Role::Code {
        messages.push(Message::text(Speaker::User, "## Plan\nmeasure\n\nBegin with its first step."));
    }
    for text in feedback {
        messages.push(Message::text(Speaker::Assistant, "**Purpose**\n…"));
        messages.push(Message::text(Speaker::User, *text));
    }
    ChatRequest { session: SessionId::random(), role, messages }
}

fn say(request: &ChatRequest) -> String {
    super::super::say(request).unwrap()
}

fn code(question: &str, feedback: &[&str]) -> String {
    say(&conversation(Role::Code, opening(question, &[], "number in m"), feedback))
}

#[test]
fn it_does_not_pretend_to_see() {
    for role in [Role::Locate, Role::Think] {
        let fault = super::super::say(&conversation(role, "Where is the mug?".to_owned(), &[])).unwrap_err();
        assert!(fault.message.contains("cannot see") && !fault.is_retryable(), "{fault}");
    }
}

const DISTANCE: &str = "What is the distance between the red mug and the lamp, in metres?";
const FOUND: &str = "## Step 1: ok (0.12 s)\n### Output\nobject 1 (red mug): found as 'red mug': 1 in frame 0\n\
                     object 2 (lamp): found as 'lamp': 1 in frame 0\ngeometry: sensor, metres from measured\n### Left\n29 of 30 steps";
const MISSING: &str = "## Step 1: ok (0.12 s)\n### Output\nobject 1 (red mug): nothing found in 3 frames: it shows: lamp\n\
                       object 2 (lamp): found as 'lamp': 1 in frame 0\ngeometry: sensor, metres from measured\n### Left\n29 of 30 steps";

#[test]
fn cells_as_they_are_written() {
    insta::assert_snapshot!("observe", code(DISTANCE, &[]));
    insta::assert_snapshot!("answer_distance", code(DISTANCE, &[FOUND]));
    let viewpoint = "Standing at the sofa and facing the lamp, is the mug to my left or to my right?";
    let first = opening(viewpoint, &["left", "right"], "the letter of one option");
    let found = "## Step 1: ok (1 s)\n### Output\ngeometry: sensor";
    insta::assert_snapshot!("answer_viewpoint", say(&conversation(Role::Code, first, &[found])));
}

#[test]
fn plans_as_they_are_written() {
    let first = opening(DISTANCE, &[], "number in m");
    insta::assert_snapshot!("plan", say(&conversation(Role::Plan, first, &[])));
    let unknown = say(&conversation(Role::Plan, opening("Why?", &[], "text"), &[]));
    assert!(
        unknown.contains("distance between two objects") && unknown.contains("### CHECKLIST"),
        "{unknown}"
    );
}

#[test]
fn an_unknown_question_is_refused_naming_what_is_known() {
    let reply = code("Why is the chair blue?", &[]);
    assert!(reply.starts_with("**Cannot Answer**\n"), "{reply}");
    assert!(reply.contains("distance between two objects") && reply.contains("docs/reference/template.md"));
}

#[test]
fn what_is_missing_is_looked_for_under_other_names_then_wider_then_given_up() {
    let second = code(DISTANCE, &[MISSING]);
    assert!(second.contains(r#"other_names = {"red mug": ["red cup"]}"#), "{second}");
    let third = code(DISTANCE, &[MISSING, MISSING]);
    assert!(third.contains(r#"other_names = {"red mug": ["mug", "cup"]}"#), "{third}");
    let fourth = code(DISTANCE, &[MISSING, MISSING, MISSING]);
    assert!(fourth.contains("threshold=0.15"), "{fourth}");
    let fifth = code(DISTANCE, &[MISSING, MISSING, MISSING, MISSING]);
    assert!(
        fifth.starts_with("**Cannot Answer**")
            && fifth.contains("red mug")
            && fifth.contains("it shows: lamp")
    );
    let found_at_last = code(DISTANCE, &[MISSING, FOUND]);
    assert!(found_at_last.contains("ReturnAnswer(round(value, 4))"), "{found_at_last}");
}

#[test]
fn adjectives_stay_when_two_names_share_a_noun() {
    let question = "What is the distance between the red mug and the blue mug, in metres?";
    let missing = "## Step 1: ok (0.12 s)\n### Output\nobject 1 (red mug): nothing found in 3 frames: no\n\
                   object 2 (blue mug): found as 'blue mug': 1 in frame 0\ngeometry: sensor";
    let third = code(question, &[missing, missing]);
    assert!(third.contains("threshold=0.15") && !third.contains(r#""mug""#), "{third}");
}

#[test]
fn without_depth_it_reconstructs_less_and_then_says_so() {
    let flat = FOUND
        .replace("geometry: sensor, metres from measured", "geometry: none: a single photo has no depth");
    assert!(code(DISTANCE, &[&flat]).contains("useful"), "reconstruct again");
    let reply = code(DISTANCE, &[&flat, &flat]);
    assert!(
        reply.starts_with("**Cannot Answer**") && reply.contains("a single photo has no depth"),
        "{reply}"
    );
    let question = "Is the red mug above or below the lamp?";
    let reply = say(&conversation(Role::Code, opening(question, &[], "text"), &[&flat]));
    assert!(reply.contains("rows of the picture") && reply.contains("ReturnAnswer(word)"), "{reply}");
}

#[test]
fn errors_lead_to_one_more_try_and_an_honest_end() {
    let failed = "## Step 2: error (0.1 s)\n### Error\nValueError: no depth was read on 'lamp'\nline 9: x";
    assert!(code(DISTANCE, &[FOUND, failed]).contains("threshold=0.15"));
    let reply = code(DISTANCE, &[FOUND, failed, FOUND, failed]);
    assert!(
        reply.starts_with("**Cannot Answer**") && reply.contains("no depth was read on 'lamp'"),
        "{reply}"
    );
    assert_eq!(code(DISTANCE, &[failed]), code(DISTANCE, &[]), "a first look that failed is repeated once");
    assert!(code(DISTANCE, &[failed, failed]).starts_with("**Cannot Answer**"));
    let refused = "## Step 2: answer refused\n### Answer\n`x` is not a finite number";
    let reply = code(DISTANCE, &[FOUND, refused]);
    assert!(reply.starts_with("**Cannot Answer**") && reply.contains("is not a finite number"), "{reply}");
    let lost = "## Step 1: not understood\n### Error\nno code";
    assert_eq!(code(DISTANCE, &[lost]), code(DISTANCE, &[]));
    assert!(code(DISTANCE, &[lost, lost]).starts_with("**Cannot Answer**"));
}

#[test]
fn nothing_found_is_an_answer_to_how_many_and_is_there() {
    let none =
        "## Step 1: ok (0.1 s)\n### Output\nobject 1 (lamp): nothing found in 3 frames: it shows: chair";
    let unknown = none.replace("it shows: chair", "`lamp` is not in the vocabulary of 80 classes");
    let first = || opening("Is there a lamp?", &[], "yes or no");
    assert!(say(&conversation(Role::Code, first(), &[none])).contains("threshold=0.15"));
    assert!(say(&conversation(Role::Code, first(), &[none, none])).contains("ReturnAnswer(word)"));
    assert!(say(&conversation(Role::Code, first(), &[&unknown, &unknown])).starts_with("**Cannot Answer**"));
}

#[test]
fn answers_take_the_form_asked_for() {
    let last = |question: &str, options: &[&str], format: &str| {
        let found = "## Step 1: ok (1 s)\n### Output\ngeometry: sensor";
        say(&conversation(Role::Code, opening(question, options, format), &[found]))
    };
    let distance = "How far apart are the mug and the lamp?";
    let letter = "the letter of one option";
    let cases = [
        (distance, vec![], "number in cm", "ReturnAnswer(round(value / 0.01, 2))"),
        (distance, vec![], "number in feet", "ReturnAnswer(round(value / 0.3048, 3))"),
        (distance, vec![], "number", "ReturnAnswer(round(value, 4))"),
        (distance, vec![], "integer", "ReturnAnswer(int(round(value)))"),
        (distance, vec![], "text", "ReturnAnswer(f\"{value:.2f} m\")"),
        ("How far apart are the mug and the lamp, in inches?", vec![], "number", "round(value / 0.0254, 2)"),
        (distance, vec!["1.5 m", "80 cm"], letter, "options = {\"A\": 1.5, \"B\": 0.8}"),
        ("How many chairs are there?", vec!["2", "three"], letter, "options = {\"A\": 2.0, \"B\": 3.0}"),
        ("How many chairs are there?", vec![], "integer", "ReturnAnswer(int(value))"),
        (
            "Is the mug left or right of the lamp?",
            vec!["To the left", "To the right"],
            letter,
            "letters = {\"left\": \"A\", \"right\": \"B\"}",
        ),
        (
            "Is the mug to the left of the lamp?",
            vec![],
            "yes or no",
            "word = \"yes\" if word == \"left\" else \"no\"",
        ),
        (
            "Is the mug to the left of the lamp?",
            vec!["No", "Yes"],
            letter,
            "letters = {\"no\": \"A\", \"yes\": \"B\"}",
        ),
        ("Is the mug to the left of the lamp?", vec!["left", "right"], letter, "ReturnAnswer(letters[word])"),
        (
            "Which is nearest to the camera: the red mug or the lamp?",
            vec!["The lamp", "The mug"],
            letter,
            "letters = {\"lamp\": \"A\", \"red mug\": \"B\"}",
        ),
        (
            "List the mug, the lamp and the cat from nearest to farthest.",
            vec!["mug, lamp, cat", "the cat, then the lamp, then the mug"],
            letter,
            "\"B\": [\"cat\", \"lamp\", \"mug\"]",
        ),
        (
            "List the mug, the lamp and the cat from nearest to farthest.",
            vec![],
            "text",
            "ReturnAnswer(\", \".join(order))",
        ),
    ];
    for (question, options, format, line) in cases {
        let reply = last(question, &options, format);
        assert!(reply.contains(line), "{question} {format}: {reply}");
    }
    let misfit = last("How many chairs are there?", &["red", "blue"], letter);
    assert!(misfit.starts_with("**Cannot Answer**") && misfit.contains("option A"), "{misfit}");
    assert!(last(distance, &[], "yes or no").starts_with("**Cannot Answer**"));
    assert!(last(distance, &[], "number in degrees").starts_with("**Cannot Answer**"));
}

#[test]
fn hostile_names_stay_inside_their_quotes() {
    for name in
        ["mug\"); import os; (\"", "mug\\", "`` ```\n**Code**", "mug\u{202e}gum", "{names}", "%s", "mug'''"]
    {
        let reply = code(&format!("How far is the {name} from the camera?"), &[]);
        let fences = reply.matches("```").count();
        assert!(fences == 2 || fences == 0, "{reply}");
        assert!(!reply.contains("import os; (\"\"") && !reply.contains('\u{202e}'), "{reply}");
    }
}

/// Every cell that any family can produce, for the interpreter.
fn every_cell() -> Vec<String> {
    let found = "## Step 1: ok (1 s)\n### Output\ngeometry: sensor";
    let flat = "## Step 1: ok (1 s)\n### Output\ngeometry: none: x";
    let missing = "## Step 1: ok (1 s)\n### Output\nobject 1 (x): nothing found in 1 frames: x";
    let histories: [&[&str]; 6] =
        [&[], &[found], &[flat], &[missing], &[missing, missing], &[missing, missing, missing]];
    let mut cells = Vec::new();
    for (_, example) in FAMILIES {
        for history in histories {
            let reply = say(&conversation(Role::Code, opening(example, &[], "text"), history));
            cells.extend(python_block(&reply));
        }
    }
    let hostile = "How far is the a\\\"b`c\u{7}{d}$e's from the camera?";
    cells.extend(python_block(&code(hostile, &[])));
    cells
}

fn python_block(reply: &str) -> Option<String> {
    let (_, rest) = reply.split_once("```python\n")?;
    rest.split_once("\n```").map(|(code, _)| code.to_owned())
}

#[test]
fn every_cell_compiles() {
    let script = "import json, sys\nfor cell in json.load(sys.stdin): compile(cell, 'cell', 'exec')\n";
    let child = std::process::Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return eprintln!("skipped: no python3 here ({error})"),
    };
    let cells = every_cell();
    assert!(cells.len() > 60, "{}", cells.len());
    serde_json::to_writer(child.stdin.take().unwrap(), &cells).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_form_is_read_as_it_is_written() {
    let (read, _) = converse::read(&conversation(Role::Plan, opening("x", &[], "number in m"), &[]));
    assert_eq!(read.form, Form::Number(Some(units::Unit::Metre)));
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    let words = prop_oneof![
        Just("how far is the"),
        Just("between"),
        Just("and the"),
        Just("or"),
        Just(","),
        Just("?"),
        Just("left"),
        Just("standing at the"),
        Just("facing"),
        Just("nearest"),
        Just("## Question\n"),
        Just("## Options\nA. "),
        Just("## Answer format\n"),
        Just("the letter of one option"),
        Just("## Step 1: ok (1 s)\n"),
        Just("### Output\n"),
        Just("object 1 (a): nothing found "),
        Just("geometry: none: "),
        Just("## Step 2: error (1 s)\n### Error\n"),
        Just("frame 99999999999"),
        Just("1.5.2 m"),
        Just("ß\u{0}\u{1F600}"),
        Just("\"\\`"),
        Just("in cm"),
    ];
    let text =
        prop_oneof![prop::collection::vec(words, 0..25).prop_map(|words| words.join(" ")), any::<String>(),];
    let speaker = prop_oneof![Just(Speaker::System), Just(Speaker::User), Just(Speaker::Assistant)];
    let message =
        (speaker, text).prop_map(|(speaker, text)| Message { speaker, parts: vec![Part::Text(text)] });
    prop::collection::vec(message, 0..6)
}

proptest! {
    #[test]
    fn no_conversation_makes_it_panic(messages in messages(), plan in any::<bool>()) {
        let role = if plan { Role::Plan } else { Role::Code };
        let reply = say(&ChatRequest { session: SessionId::named("x"), role, messages });
        prop_assert!(!reply.trim().is_empty());
    }

    #[test]
    fn any_name_survives_the_trip_into_a_cell(name in "\\PC{1,30}") {
        let reply = code(&format!("How tall is the {name}, in metres?"), &[]);
        prop_assert!(reply.starts_with("**Cannot Answer**") || reply.matches("```").count() == 2);
    }
}
