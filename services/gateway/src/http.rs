//! The HTTP interface. Its OpenAPI document is made from these handlers.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, Path, State, multipart::MultipartRejection},
    http::{HeaderMap, StatusCode, header},
    response::{
        Html, IntoResponse, Response,
        sse::{Event as Sse, KeepAlive},
    },
};
use futures::stream;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use serde::{Deserialize, Serialize};
use spatialclaw_bus::Follow;
use spatialclaw_domain::{ArtifactRef, Digest, Event, EventKind, SessionId};
use spatialclaw_runtime::{Readiness, Shutdown, health};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument as _, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Config, QuestionResult,
    api::{Api, Problem},
};

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const MAX_KEY_CHARS: usize = 256;

#[derive(OpenApi)]
#[openapi(info(
    title = "SpatialClaw",
    description = "Ask spatial questions about images and video.",
    license(name = "Apache-2.0")
))]
struct Document;

/// The OpenAPI document of this interface, as JSON to be read and compared; `docs/reference/openapi.json`.
pub fn openapi_text() -> String {
    let document = routes().split_for_parts().1;
    // A document made of strings and maps always has a JSON form.
    document.to_pretty_json().map_or_else(|error| error.to_string(), |text| text + "\n")
}

pub(crate) fn router(api: Api, config: &Config, readiness: Readiness) -> Router {
    let (router, document) = routes().split_for_parts();
    router
        .layer(DefaultBodyLimit::max(config.max_submission_bytes))
        .with_state(api)
        .route("/openapi.json", axum::routing::get(move || async { Json(document) }))
        .merge(health::router(readiness))
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "there is nothing here: see /openapi.json")
        })
}

fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(submit))
        .routes(routes!(result, cancel))
        .routes(routes!(events))
        .routes(routes!(report))
        .routes(routes!(artifact))
}

/// Where an accepted question is to be found.
#[derive(Serialize, Deserialize, ToSchema)]
struct Accepted {
    /// Session id, 32 hex digits.
    id: String,
}

/// A submission: one manifest row, and the files it names.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the multipart form to OpenAPI")]
struct Submission {
    /// One manifest row (docs/reference/manifest.schema.json) as JSON.
    question: String,
    /// Each file under the name the row gives it.
    #[schema(value_type = Vec<String>, format = Binary)]
    files: Vec<Vec<u8>>,
}

/// Submit a question.
///
/// Under one `Idempotency-Key` the same row with the same files is asked once, however often it is submitted.
#[utoipa::path(
    post, path = "/v1/questions",
    params(("idempotency-key" = Option<String>, Header, description = "1 to 256 characters of the caller's choosing")),
    request_body(content = Submission, content_type = "multipart/form-data"),
    responses(
        (status = 202, body = Accepted),
        (status = 400, body = Problem, description = "no multipart form"),
        (status = 408, body = Problem, description = "the submission took too long to read"),
        (status = 413, body = Problem, description = "larger than the gateway takes"),
        (status = 422, body = Problem, description = "the row or a file cannot be used"),
        (status = 503, body = Problem, description = "too many submissions at once, or the bus is away: try again"),
    )
)]
async fn submit(
    State(api): State<Api>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let key = idempotency_key(&headers)?;
    let span = info_span!("POST /v1/questions", otel.kind = "server", http.request.method = "POST");
    let caller = TraceContextPropagator::new().extract(&Headers(&headers));
    // A subscriber without OpenTelemetry has nothing to attach the caller's context to.
    let _ = span.set_parent(caller);
    let session = api.submit(form?, key).instrument(span).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { id: session.to_string() })))
}

/// Where a question stands.
#[utoipa::path(
    get, path = "/v1/questions/{id}", params(("id" = String, Path)),
    responses((status = 200, body = QuestionResult), (status = 404, body = Problem))
)]
async fn result(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<QuestionResult>, Problem> {
    Ok(Json(api.gateway.result(session(&id)?).await?))
}

/// Withdraw a question.
#[utoipa::path(
    delete, path = "/v1/questions/{id}", params(("id" = String, Path)),
    responses(
        (status = 204), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "it has already ended"),
    )
)]
async fn cancel(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    api.gateway.cancel(session(&id)?, "withdrawn by the caller").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Follow a question as server-sent events, one per journal entry, to its closing event.
///
/// `Last-Event-ID` resumes behind that event.
#[utoipa::path(
    get, path = "/v1/questions/{id}/events",
    params(("id" = String, Path), ("last-event-id" = Option<u64>, Header, description = "the last event seen")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 204, description = "the question has ended, and its last event was seen already"),
        (status = 404, body = Problem),
        (status = 503, body = Problem, description = "too many streams are open"),
    )
)]
async fn events(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let session = session(&id)?;
    let after = last_event_id(&headers);
    let permit = api.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many event streams are open: close some or try later",
        )
    })?;
    if api.gateway.is_told(session, after).await? {
        // What a browser's EventSource takes as the end; anything else it would ask again for ever.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follow = api.gateway.follow(session, after).await?;
    let feed = Feed { follow, _permit: permit, shutdown: api.shutdown };
    let stream = stream::unfold(Some(feed), next_event);
    Ok(axum::response::Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// One open event stream.
struct Feed {
    follow: Follow,
    /// Held as long as the stream is open.
    _permit: OwnedSemaphorePermit,
    shutdown: Shutdown,
}

async fn next_event(feed: Option<Feed>) -> Option<(Result<Sse, Infallible>, Option<Feed>)> {
    let mut feed = feed?;
    let next = tokio::select! {
        next = feed.follow.next() => next,
        // The client comes back, to another instance, and goes on where it was.
        () = feed.shutdown.begun() => return None,
    };
    match next {
        Ok((seq, event)) => {
            let rest = event.kind.outcome().is_none().then_some(feed);
            Some((Ok(sse(seq, &event)), rest))
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "an event stream broke off");
            None
        }
    }
}

fn sse(seq: u64, event: &Event) -> Sse {
    let sse = Sse::default().id(seq.to_string()).event(event.kind.name());
    sse.json_data(event).unwrap_or_else(|error| Sse::default().comment(error.to_string()))
}

fn last_event_id(headers: &HeaderMap) -> u64 {
    headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if (1..=MAX_KEY_CHARS).contains(&key.len()) => Ok(Some(key)),
        _ => Err(Problem::invalid(format!(
            "Idempotency-Key must be 1 to {MAX_KEY_CHARS} visible ASCII characters"
        ))),
    }
}

/// The question's journal as a page to read.
#[utoipa::path(
    get, path = "/v1/questions/{id}/report", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 404, body = Problem))
)]
async fn report(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    let events = api.gateway.events(session(&id)?).await?;
    let page = spatialclaw_report::render(api.gateway.bus().artifacts(), &events)
        .await
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error))?;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, spatialclaw_report::CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    Ok((headers, Html(page)).into_response())
}

/// A picture of the question, or one shown while answering. Only what its own journal names is served.
#[utoipa::path(
    get, path = "/v1/questions/{id}/artifacts/{digest}",
    params(("id" = String, Path), ("digest" = String, Path, description = "64 hex digits")),
    responses(
        (status = 200, content_type = "image/png", body = Vec<u8>),
        (status = 404, body = Problem),
        (status = 422, body = Problem, description = "that is no digest"),
    )
)]
async fn artifact(
    State(api): State<Api>,
    Path((id, digest)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let digest: Digest = digest.parse().map_err(Problem::invalid)?;
    let events = api.gateway.events(session(&id)?).await?;
    let picture = events
        .iter()
        .flat_map(|event| pictures(&event.kind))
        .find(|picture| picture.digest == digest)
        .ok_or_else(|| {
            Problem::new(StatusCode::NOT_FOUND, format!("question {id} has no picture {digest}"))
        })?;
    let bytes = api.gateway.bus().artifacts().get(picture).await.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "an artifact could not be fetched");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, error)
    })?;
    // Only the two types a browser may draw and can do nothing else with.
    let media_type = if picture.media_type == "image/jpeg" { "image/jpeg" } else { "image/png" };
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable"),
    ];
    Ok((headers, bytes).into_response())
}

/// The pictures that an event names.
fn pictures(event: &EventKind) -> Vec<&ArtifactRef> {
    match event {
        EventKind::Submitted { question, .. } => question.frames.iter().map(|frame| &frame.image).collect(),
        EventKind::Observed { observation, .. } => {
            observation.shown.iter().map(|shown| &shown.image).collect()
        }
        _ => Vec::new(),
    }
}

fn session(id: &str) -> Result<SessionId, Problem> {
    id.parse().map_err(|error| Problem::new(StatusCode::NOT_FOUND, error))
}

/// HTTP headers as a W3C trace context carrier.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
