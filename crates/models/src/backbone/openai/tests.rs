//! Against a server that fails in every way an endpoint can.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Response, StatusCode},
    routing::post,
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::{Finish, Message, Part, Role, Speaker};

/// What the server does with one request.
enum Act {
    Answer(Value),
    Refuse(u16, &'static str, Option<&'static str>),
    Raw(&'static str),
    /// Sends the head and then breaks off.
    BreakOff,
    Hang,
    Huge,
}

#[derive(Clone, Default)]
struct Script {
    acts: Arc<Mutex<VecDeque<Act>>>,
    seen: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Script {
    fn requests(&self) -> Vec<(HeaderMap, Value)> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(State(script): State<Script>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    script.seen.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
    let act = script.acts.lock().unwrap().pop_front();
    let whole = |status: u16, text: String| {
        Response::builder().status(StatusCode::from_u16(status).unwrap()).body(Body::from(text)).unwrap()
    };
    match act {
        None => whole(500, "the script is over".into()),
        Some(Act::Answer(reply)) => whole(200, reply.to_string()),
        Some(Act::Raw(text)) => whole(200, text.into()),
        Some(Act::Huge) => whole(200, "x".repeat(BODY_LIMIT + 1)),
        Some(Act::Refuse(status, text, after)) => {
            let mut response = whole(status, text.into());
            if let Some(after) = after {
                response.headers_mut().insert("retry-after", after.parse().unwrap());
            }
            response
        }
        Some(Act::BreakOff) => {
            let parts = [Ok(Bytes::from("{\"choi")), Err(std::io::Error::other("broken"))];
            Response::new(Body::from_stream(Parts(parts.into_iter().collect())))
        }
        Some(Act::Hang) => std::future::pending().await,
    }
}

/// Pieces of a body, one after the other.
struct Parts(VecDeque<std::io::Result<Bytes>>);

impl futures::Stream for Parts {
    type Item = std::io::Result<Bytes>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.pop_front())
    }
}

/// A server that acts as told, and the configuration that reaches it.
async fn fake(acts: impl IntoIterator<Item = Act>) -> (Script, Config) {
    let script = Script { acts: Arc::new(Mutex::new(acts.into_iter().collect())), ..Script::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/chat/completions", post(serve)).with_state(script.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = Config {
        base_url,
        model: "m".into(),
        timeout: Duration::from_secs(20),
        attempts: 3,
        backoff: Duration::from_millis(1),
        backoff_max: Duration::from_millis(20),
        ..Config::default()
    };
    (script, config)
}

struct Store {
    _dir: tempfile::TempDir,
    artifacts: ArtifactStore,
}

fn store() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let artifacts = ArtifactStore::open(dir.path().to_str().unwrap()).unwrap();
    Store { _dir: dir, artifacts }
}

fn said(text: &str) -> Act {
    Act::Answer(json!({
        "model": "m-2025",
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 64}},
    }))
}

fn question() -> ChatRequest {
    let messages = vec![
        Message::text(Speaker::System, "be brief"),
        Message::text(Speaker::User, "how many?"),
        Message::text(Speaker::User, "## Plan\ncount"),
    ];
    ChatRequest { session: SessionId::random(), role: Role::Code, messages }
}

async fn ask(config: &Config) -> Result<ChatReply, Fault> {
    let store = store();
    Endpoint::new(config, store.artifacts).unwrap().chat(&question()).await
}

#[tokio::test]
async fn a_reply_carries_text_and_cost() {
    let (script, config) = fake([said("<think>hm</think> two")]).await;
    let reply = ask(&config).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.model.as_str(), reply.finish), ("two", "m-2025", Finish::Stop));
    assert_eq!((reply.usage.calls, reply.usage.prompt_tokens, reply.usage.cached_tokens), (1, 100, 64));
    let (_, body) = &script.requests()[0];
    let turns = json!([{"role": "system", "content": "be brief"},
                       {"role": "user", "content": "how many?\n\n## Plan\ncount"}]);
    assert_eq!(body["messages"], turns);
}

#[tokio::test]
async fn a_cut_reply_says_so() {
    let cut = json!({"choices": [{"message": {"content": "**Purpo"}, "finish_reason": "length"}]});
    let (_, config) = fake([Act::Answer(cut)]).await;
    assert_eq!(ask(&config).await.unwrap().finish, Finish::Length);
}

#[tokio::test]
async fn parameters_of_the_role_and_pictures_travel() {
    let (script, mut config) = fake([said("a")]).await;
    config.code.temperature = Some(0.5);
    config.code.max_tokens = Some(64);
    config.code.extra = json!({"chat_template_kwargs": {"enable_thinking": false}, "model": "other"})
        .as_object()
        .cloned()
        .unwrap();
    config.session_header = Some("x-session".into());
    let store = store();
    let image = store.artifacts.put(Bytes::from_static(b"png"), "image/png").await.unwrap();
    let mut request = question();
    request.messages[1].parts.push(Part::Image(image));
    Endpoint::new(&config, store.artifacts.clone()).unwrap().chat(&request).await.unwrap();
    let (headers, body) = &script.requests()[0];
    assert_eq!(headers["x-session"], request.session.to_string());
    assert_eq!(body["model"], "m");
    assert_eq!(body["max_tokens"], 64);
    assert_eq!(body["chat_template_kwargs"]["enable_thinking"], false);
    assert_eq!(body["messages"][1]["content"][1]["image_url"]["url"], "data:image/png;base64,cG5n");
}

#[tokio::test]
async fn passing_troubles_are_tried_again() {
    let troubles = [
        Act::Refuse(500, "oops", None),
        Act::Refuse(503, "busy", Some("0")),
        Act::Refuse(429, "slow down", Some("0.01")),
        Act::Raw("this is no JSON"),
        Act::Answer(json!({"choices": []})),
        Act::BreakOff,
    ];
    for trouble in troubles {
        let (script, config) = fake([trouble, said("fine")]).await;
        let reply = ask(&config).await.unwrap();
        assert_eq!((reply.text.as_str(), reply.usage.calls), ("fine", 2));
        assert_eq!(script.requests().len(), 2);
    }
}

#[tokio::test]
async fn troubles_that_stay_are_reported_after_the_last_attempt() {
    let (script, config) = fake((0..9).map(|_| Act::Refuse(502, "bad gateway", None))).await;
    let fault = ask(&config).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unavailable);
    assert!(fault.message.contains("bad gateway"), "{fault}");
    assert_eq!(script.requests().len(), 3);
}

#[tokio::test]
async fn what_the_caller_must_mend_is_not_tried_again() {
    for (status, advice) in [(400, "context"), (401, "key_env"), (404, "base_url"), (307, "redirects")] {
        let (script, config) = fake([Act::Refuse(status, "no", None), said("late")]).await;
        let fault = ask(&config).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert!(fault.message.contains(advice), "{fault}");
        assert_eq!(script.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_wait_longer_than_allowed_goes_to_the_caller() {
    let (script, config) = fake([Act::Refuse(429, "tomorrow", Some("3600")), said("late")]).await;
    let fault = ask(&config).await.unwrap_err();
    assert_eq!((fault.kind, fault.retry_after), (FaultKind::Exhausted, Some(Duration::from_secs(3600))));
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn silence_ends_at_the_timeout() {
    let (script, mut config) = fake([Act::Hang, Act::Hang]).await;
    config.timeout = Duration::from_millis(50);
    config.attempts = 2;
    assert_eq!(ask(&config).await.unwrap_err().kind, FaultKind::Deadline);
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_, mut config) = fake([]).await;
    config.base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(ask(&config).await.unwrap_err().kind, FaultKind::Unavailable);
}

#[tokio::test]
async fn an_endless_reply_is_cut_off() {
    let (_, config) = fake([Act::Huge]).await;
    assert_eq!(ask(&config).await.unwrap_err().kind, FaultKind::Invalid);
}

#[tokio::test]
async fn the_key_is_sent_and_never_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, "sk-secret-1\n").unwrap();
    let (script, mut config) = fake([Act::Refuse(401, "Incorrect API key: sk-secret-1", None)]).await;
    config.key_file = Some(path);
    let fault = ask(&config).await.unwrap_err();
    assert_eq!(script.requests()[0].0["authorization"], "Bearer sk-secret-1");
    let key = config.key().unwrap().unwrap();
    for text in [fault.message, format!("{config:?} {key:?} {:?}", key.header())] {
        assert!(!text.contains("sk-secret"), "{text}");
    }
}

#[test]
fn a_wrong_configuration_names_the_key() {
    let good = Config { base_url: "http://x/v1".into(), model: "m".into(), ..Config::default() };
    let wrong = [
        (Config { base_url: String::new(), ..good.clone() }, "openai.base_url"),
        (Config { base_url: "ftp://x".into(), ..good.clone() }, "openai.base_url"),
        (Config { model: String::new(), ..good.clone() }, "openai.model"),
        (Config { attempts: 0, ..good.clone() }, "openai.attempts"),
        (Config { key_env: Some("NO_SUCH_VARIABLE_HERE".into()), ..good.clone() }, "openai.key_env"),
        (Config { key_file: Some("/nowhere/key".into()), ..good.clone() }, "openai.key_file"),
        (Config { session_header: Some("a b".into()), ..good.clone() }, "openai.session_header"),
    ];
    for (config, key) in wrong {
        let error = Endpoint::new(&config, store().artifacts).err().unwrap().to_string();
        assert!(error.contains(key), "{error}");
    }
    assert!(Endpoint::new(&good, store().artifacts).is_ok());
}
