//! The HTTP interface. Its OpenAPI document is made from these handlers.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Multipart, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{
        Html, IntoResponse, Response,
        sse::{Event as Sse, KeepAlive},
    },
};
use futures::stream::{self, Stream};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use serde::{Deserialize, Serialize};
use spatialclaw_bus::Follow;
use spatialclaw_domain::{Digest, EventKind, Event, SessionId};
use spatialclaw_runtime::{Readiness, health};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{Instrument as _, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use utoipa::{OpenApi, ToSchema, openapi};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Config, QuestionResult,
    api::{Api, Problem},
};

#[derive(OpenApi)]
#[openapi(info(
    title = "SpatialClaw",
    description = "Ask spatial questions about images and video.",
    license(name = "Apache-2.0")
))]
struct Document;

/// The OpenAPI document of this interface.
pub fn openapi() -> openapi::OpenApi {
    routes().split_for_parts().1
}

pub(crate) fn router(api: Api, config: &Config, readiness: Readiness) -> Router {
    let (router, document) = routes().split_for_parts();
    router
        .layer(DefaultBodyLimit::max(config.max_submission_bytes))
        .with_state(api)
        .route("/openapi.json", axum::routing::get(move || async { Json(document) }))
        .merge(health::router(readiness))
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
#[utoipa::path(
    post, path = "/v1/questions",
    request_body(content = Submission, content_type = "multipart/form-data"),
    responses(
        (status = 202, body = Accepted),
        (status = 413, body = Problem, description = "larger than the gateway takes"),
        (status = 422, body = Problem, description = "the row or a file cannot be used"),
        (status = 503, body = Problem),
    )
)]
async fn submit(
    State(api): State<Api>,
    headers: HeaderMap,
    form: Multipart,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let span = info_span!("POST /v1/questions", otel.kind = "server", http.request.method = "POST");
    let caller = TraceContextPropagator::new().extract(&Headers(&headers));
    // A subscriber without OpenTelemetry has nothing to attach the caller's context to.
    let _ = span.set_parent(caller);
    let session = api.submit(form).instrument(span).await?;
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
/// `Last-Event-ID` resumes.
#[utoipa::path(
    get, path = "/v1/questions/{id}/events", params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = 404, body = Problem),
        (status = 503, body = Problem, description = "too many streams are open"),
    )
)]
async fn events(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<axum::response::Sse<impl Stream<Item = Result<Sse, Infallible>>>, Problem> {
    let session = session(&id)?;
    let permit = api.streams.clone().try_acquire_owned().map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too many event streams are open: close some or try later")
    })?;
    let follow = api.gateway.follow(session, last_event_id(&headers)).await?;
    let feed = stream::unfold(Some((follow, permit)), next_event);
    Ok(axum::response::Sse::new(feed).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

type Feed = Option<(Follow, OwnedSemaphorePermit)>;

async fn next_event(feed: Feed) -> Option<(Result<Sse, Infallible>, Feed)> {
    let (mut follow, permit) = feed?;
    match follow.next().await {
        Ok((seq, event)) => {
            let rest = event.kind.outcome().is_none().then_some((follow, permit));
            Some((Ok(sse(seq, &event)), rest))
        }
        Err(error) => {
            tracing::warn!(%error, "an event stream broke off");
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

/// The question's journal as a page to read.
#[utoipa::path(
    get, path = "/v1/questions/{id}/report", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/html", body = String), (status = 404, body = Problem))
)]
async fn report(State(api): State<Api>, Path(id): Path<String>) -> Result<Html<String>, Problem> {
    let events = api.gateway.events(session(&id)?).await?;
    let page = spatialclaw_report::render(api.gateway.bus().artifacts(), &events)
        .await
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error))?;
    Ok(Html(page))
}

/// A picture shown while answering. Only what the question's own journal names is served.
#[utoipa::path(
    get, path = "/v1/questions/{id}/artifacts/{digest}",
    params(("id" = String, Path), ("digest" = String, Path)),
    responses((status = 200, content_type = "image/png", body = Vec<u8>), (status = 404, body = Problem))
)]
async fn artifact(State(api): State<Api>, Path((id, digest)): Path<(String, String)>) -> Result<Response, Problem> {
    let digest: Digest = digest.parse().map_err(Problem::invalid)?;
    let events = api.gateway.events(session(&id)?).await?;
    let shown = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Observed { observation, .. } => Some(&observation.shown),
            _ => None,
        })
        .flatten()
        .find(|shown| shown.image.digest == digest)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("question {id} showed no picture {digest}")))?;
    let bytes = api
        .gateway
        .bus()
        .artifacts()
        .get(&shown.image)
        .await
        .map_err(|error| Problem::new(StatusCode::SERVICE_UNAVAILABLE, error))?;
    Ok(([(header::CONTENT_TYPE, "image/png")], bytes).into_response())
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
