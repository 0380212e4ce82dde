use std::sync::Arc;

use spatialclaw_domain::SessionId;

use super::*;
use crate::backbone::template::Template;

fn request(role: Role, turns: &[(Speaker, &str)]) -> ChatRequest {
    let messages = turns.iter().map(|(speaker, text)| Message::text(*speaker, *text)).collect();
    ChatRequest { session: SessionId::random(), role, messages }
}

fn transcript(lines: &str) -> (tempfile::TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("transcript.jsonl");
    std::fs::write(&path, lines).unwrap();
    (dir, Config { path })
}

const HAND_WRITTEN: &str = r###"
{"role": "plan", "expects": {"contains": "how many"}, "reply": "count them"}
{"role": "code", "expects": {"text": "how many?"}, "reply": "cell 1"}
{"role": "code", "expects": {"text": "## Step 1: ok (0.12 s)"}, "reply": "cell 2", "finish": "length"}
"###;

#[tokio::test]
async fn the_place_in_the_transcript_follows_from_the_conversation() {
    let (_dir, config) = transcript(HAND_WRITTEN);
    let model = Recorded::open(&config).unwrap();
    let plan = model.chat(&request(Role::Plan, &[(Speaker::User, "how many?")])).await.unwrap();
    assert_eq!(plan.text, "count them");
    let second = request(
        Role::Code,
        &[
            (Speaker::User, "how many?"),
            (Speaker::Assistant, "cell 1"),
            (Speaker::User, "## Step 1: ok (7.5 s)"),
        ],
    );
    let reply = model.chat(&second).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.finish), ("cell 2", Finish::Length));
}

#[tokio::test]
async fn a_mismatch_names_expected_and_got() {
    let (_dir, config) = transcript(HAND_WRITTEN);
    let model = Recorded::open(&config).unwrap();
    let fault = model.chat(&request(Role::Code, &[(Speaker::User, "how far?")])).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert!(fault.message.contains("how many?") && fault.message.contains("how far?"), "{fault}");
    let third =
        [(Speaker::User, "x"), (Speaker::Assistant, "y"), (Speaker::Assistant, "z"), (Speaker::User, "w")];
    let fault = model.chat(&request(Role::Code, &third)).await.unwrap_err();
    assert!(fault.message.contains("no further request"), "{fault}");
}

#[tokio::test]
async fn what_is_recorded_replays_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.jsonl");
    let recorder = Recorder::create(&path, Arc::new(Template)).unwrap();
    let asked = request(Role::Plan, &[(Speaker::User, "## Question\nHow many chairs are there?")]);
    let said = recorder.chat(&asked).await.unwrap();
    let replayed = Recorded::open(&Config { path }).unwrap();
    assert_eq!(replayed.chat(&asked).await.unwrap(), said);
    let other = request(Role::Plan, &[(Speaker::User, "## Question\nHow many lamps are there?")]);
    assert_eq!(replayed.chat(&other).await.unwrap_err().kind, FaultKind::Invalid);
}

#[tokio::test]
async fn questions_about_pictures_have_no_turns() {
    let (_dir, config) = transcript(
        r###"
{"role": "locate", "expects": {"contains": "mug"}, "reply": "(500, 500)"}
{"role": "locate", "expects": {"contains": "lamp"}, "reply": "Not visible"}
{"role": "think", "expects": {"contains": "lamp"}, "reply": "It is behind the sofa."}
"###,
    );
    let model = Recorded::open(&config).unwrap();
    for (role, asked, told) in [
        (Role::Locate, "where is the lamp?", "Not visible"),
        (Role::Locate, "where is the mug?", "(500, 500)"),
        (Role::Think, "where is the lamp?", "It is behind the sofa."),
    ] {
        let reply = model.chat(&request(role, &[(Speaker::User, asked)])).await.unwrap();
        assert_eq!(reply.text, told);
    }
}

#[test]
fn a_broken_line_is_named() {
    let (_dir, config) =
        transcript("{\"role\": \"plan\", \"expects\": {\"text\": \"a\"}, \"reply\": \"b\"}\n{\"role\":\n");
    assert!(matches!(Recorded::open(&config), Err(Error::Transcript { line: 2, .. })));
    assert!(matches!(Recorded::open(&Config::default()), Err(Error::Value { .. })));
    let nowhere = Config { path: "/nowhere/at/all.jsonl".into() };
    assert!(matches!(Recorded::open(&nowhere), Err(Error::File { .. })));
}

#[test]
fn durations_are_blank_and_nothing_else() {
    let cases = [
        ("ok (0.12 s)", "ok (_ s)"),
        ("3 steps", "3 steps"),
        ("12 s left, 4 steps, 1.5 m", "_ s left, 4 steps, 1.5 m"),
        ("7 söhne", "7 söhne"),
        ("1.2.3", "1.2.3"),
        ("", ""),
    ];
    for (text, blanked) in cases {
        assert_eq!(blank_durations(text), blanked);
    }
}
