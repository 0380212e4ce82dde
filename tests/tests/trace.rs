//! One question, answered by separate processes, is one trace in a real OTLP receiver.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use spatialclaw_tests::{
    client::Client,
    deployment::{Deployment, Mode, Options, ROLES, root},
    examples,
    otlp::{Receiver, Seen},
};

/// The whole road, from the front door to the pod.
const ROAD: [&str; 8] =
    ["submit", "plan", "solve", "chat", "execute_cell", "execute_tool", "perceive", "estimate_depth"];

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_one_tree_of_spans() -> anyhow::Result<()> {
    let mut receiver = Receiver::start().await?;
    let options = Options { otlp: Some(receiver.address()), ..Options::default() };
    let mut deployment = Deployment::start(Mode::Deployed, options).await?;
    let client = Client::new(deployment.http())?;
    let rows = examples::rows("examples/questions.jsonl")?;
    let row = rows
        .iter()
        .find(|row| row["question"].as_str().is_some_and(|text| text.contains("distance between")))
        .expect("an example asks for a distance");
    let id = client.submit(row, &root().join("examples")).await?;
    assert_eq!(client.outcome(&id).await?["status"], "answered");
    // Leaving flushes what is still queued.
    for role in ROLES.into_iter().rev() {
        deployment.terminate(role, Duration::from_secs(60))?;
    }
    let spans = receiver.wait_for(Duration::from_secs(30), |spans| has_road(&of_question(spans, &id))).await;
    let tree = of_question(&spans, &id);
    check(&tree);
    Ok(())
}

/// The spans of the trace that the question's `submit` span belongs to.
fn of_question(spans: &[Seen], id: &str) -> Vec<Seen> {
    let submit = spans.iter().find(|seen| {
        seen.span.name == "submit" && seen.attribute("spatialclaw.session").as_deref() == Some(id)
    });
    let Some(submit) = submit else { return Vec::new() };
    spans.iter().filter(|seen| seen.span.trace_id == submit.span.trace_id).cloned().collect()
}

fn has_road(tree: &[Seen]) -> bool {
    ROAD.iter().all(|name| tree.iter().any(|seen| seen.span.name == *name))
}

fn check(tree: &[Seen]) {
    let names: BTreeMap<&str, usize> = tree.iter().fold(BTreeMap::new(), |mut names, seen| {
        *names.entry(seen.span.name.as_str()).or_default() += 1;
        names
    });
    assert!(has_road(tree), "missing on the road {ROAD:?}: have {names:?}");
    let services: BTreeSet<&str> = tree.iter().map(|seen| seen.service.as_str()).collect();
    for role in ["gateway", "planner", "codegen", "executor", "perception", "inference"] {
        assert!(services.contains(format!("spatialclaw-{role}").as_str()), "no span of {role}: {services:?}");
    }
    let known: BTreeMap<&[u8], &Seen> = tree.iter().map(|seen| (seen.id(), seen)).collect();
    let roots: Vec<&str> = tree
        .iter()
        .filter(|seen| !known.contains_key(seen.span.parent_span_id.as_slice()))
        .map(|seen| seen.span.name.as_str())
        .collect();
    assert_eq!(roots.len(), 1, "one root is wanted: {roots:?} in {names:?}");
    let longest = tree.iter().map(Seen::longest_attribute).max().unwrap_or(0);
    assert!(longest <= 4096, "an attribute has {longest} bytes");
    for (name, above) in [
        ("plan", "submit"),
        ("solve", "submit"),
        ("execute_cell", "solve"),
        ("execute_tool", "execute_cell"),
        ("perceive", "execute_tool"),
        ("estimate_depth", "perceive"),
        ("chat", "submit"),
    ] {
        assert!(
            tree.iter().any(|seen| seen.span.name == name && is_below(seen, above, &known)),
            "{name} is not below {above}"
        );
    }
}

fn is_below(seen: &Seen, above: &str, known: &BTreeMap<&[u8], &Seen>) -> bool {
    let mut at = seen;
    while let Some(parent) = known.get(at.span.parent_span_id.as_slice()) {
        if parent.span.name == above {
            return true;
        }
        at = parent;
    }
    false
}
