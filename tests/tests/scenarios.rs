//! What a user sees, once with every actor in one process and once with a process per service over a real nats-server.
//!
//! The same functions run against both: that is the proof that the two ways to run are one.

use std::{collections::HashSet, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use spatialclaw_tests::{
    client::{self, Client},
    deployment::{Deployment, Mode, Options, ROLES, root},
    examples,
};

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_one_process() -> anyhow::Result<()> {
    let mut deployment = Deployment::start(Mode::Embedded, Options::default()).await?;
    scenarios(&deployment).await?;
    deployment.terminate("embedded", Duration::from_secs(60))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_per_service_over_nats() -> anyhow::Result<()> {
    let mut deployment = Deployment::start(Mode::Deployed, Options::default()).await?;
    scenarios(&deployment).await?;
    for role in ROLES.into_iter().rev() {
        deployment.terminate(role, Duration::from_secs(60))?;
    }
    Ok(())
}

async fn scenarios(deployment: &Deployment) -> anyhow::Result<()> {
    let client = Client::new(deployment.http())?;
    the_example_questions_are_answered_rightly(&client, "examples").await?;
    the_example_questions_are_answered_rightly(&client, "examples/motorcycle").await?;
    an_answer_comes_with_its_evidence(&client).await?;
    a_question_that_is_not_understood_says_so(&client).await?;
    a_bad_submission_names_what_is_wrong(&client).await?;
    a_withdrawn_question_stays_withdrawn(&client).await
}

async fn the_example_questions_are_answered_rightly(client: &Client, folder: &str) -> anyhow::Result<()> {
    let rows = examples::rows(&format!("{folder}/questions.jsonl"))?;
    assert!(!rows.is_empty(), "no example questions in {folder}");
    let folder = root().join(folder);
    let wrong: Vec<String> = stream::iter(&rows)
        .map(|row| async {
            let id = client.submit(row, &folder).await?;
            let result = client.outcome(&id).await?;
            anyhow::Ok(examples::misses(row, &result))
        })
        .buffer_unordered(4)
        .try_filter_map(async |miss| Ok(miss))
        .try_collect()
        .await?;
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    Ok(())
}

async fn an_answer_comes_with_its_evidence(client: &Client) -> anyhow::Result<()> {
    let row = &examples::rows("examples/questions.jsonl")?[0];
    let id = client.submit(row, &root().join("examples")).await?;
    let events = client.follow(&id, client::ends).await?;
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names[..2], ["submitted", "planned"]);
    assert_eq!(names.last(), Some(&"answered"));
    let cells = names.iter().filter(|name| **name == "cell_written").count();
    assert!(cells >= 1 && cells == names.iter().filter(|name| **name == "observed").count(), "{names:?}");

    let result = client.result(&id).await?;
    assert_eq!(result["status"], "answered");
    assert_eq!(result["label"], row["id"]);
    assert!(result["cost"]["steps"].as_u64() >= Some(1), "{result}");
    assert!(result["cost"]["tool_calls"].as_u64() >= Some(1), "{result}");
    let evidence = result["evidence"].as_array().cloned().unwrap_or_default();
    let picture = evidence[0].as_str().unwrap_or_default();
    client.text(&format!("/v1/questions/{id}/report")).await.map(|page| {
        assert!(page.contains("data:image/"), "the report shows no picture");
        assert!(page.contains("ReturnAnswer"), "the report shows no cell");
    })?;
    assert_eq!(client.status(&format!("/v1/questions/{id}/artifacts/{picture}")).await?, 200);
    // A picture of somebody else's question is not served under this one.
    let foreign = "00".repeat(32);
    assert_eq!(client.status(&format!("/v1/questions/{id}/artifacts/{foreign}")).await?, 404);
    assert_eq!(client.status("/readyz").await?, 200);
    assert_eq!(client.status("/livez").await?, 200);
    let api: Value = serde_json::from_str(&client.text("/openapi.json").await?)?;
    assert!(api["paths"]["/v1/questions"]["post"].is_object());
    Ok(())
}

async fn a_question_that_is_not_understood_says_so(client: &Client) -> anyhow::Result<()> {
    let mut row = examples::rows("examples/questions.jsonl")?[0].clone();
    let keep: HashSet<&str> = HashSet::from(["frames", "images", "world_up"]);
    row.as_object_mut().expect("a row is an object").retain(|key, _| keep.contains(key.as_str()));
    row["id"] = json!("nonsense");
    row["question"] = json!("Why do people enjoy this painting so much?");
    let id = client.submit(&row, &root().join("examples")).await?;
    let result = client.outcome(&id).await?;
    assert_eq!(result["status"], "unanswered", "{result}");
    assert!(result["error"].as_str().is_some_and(|why| why.len() > 20), "{result}");
    Ok(())
}

async fn a_bad_submission_names_what_is_wrong(client: &Client) -> anyhow::Result<()> {
    let nowhere = root();
    let refusals = [
        (json!({"id": "a", "question": "How far?"}), "pictures"),
        (json!({"id": "a", "question": " ", "images": []}), "question"),
        (json!({"id": "a", "question": "How far?", "images": [], "colour": 1}), "colour"),
    ];
    for (row, named) in refusals {
        let refused = client.submit(&row, &nowhere).await.expect_err("a bad row was accepted").to_string();
        assert!(refused.contains("422") && refused.contains(named), "{refused}");
    }
    assert_eq!(client.status(&format!("/v1/questions/{}", "0".repeat(32))).await?, 404);
    Ok(())
}

async fn a_withdrawn_question_stays_withdrawn(client: &Client) -> anyhow::Result<()> {
    let row = &examples::rows("examples/questions.jsonl")?[0];
    let id = client.submit(row, &root().join("examples")).await?;
    match client.cancel(&id).await? {
        // It may have been answered before we could withdraw it; then it stays answered.
        409 => assert_eq!(client.outcome(&id).await?["status"], "answered"),
        code => {
            assert!((200..300).contains(&code), "{code}");
            assert_eq!(client.outcome(&id).await?["status"], "cancelled");
            assert_eq!(client.cancel(&id).await?, 409, "it was withdrawn already");
        }
    }
    Ok(())
}
