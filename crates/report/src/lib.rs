//! A session's journal as one HTML page a person likes to read.
//!
//! The page is self-contained (pictures are inlined as data URIs) and inert:
//! no script, no link that leaves it, every text escaped by the template
//! engine, and a content-security policy that allows inline pictures and style
//! only. Model-written text can therefore do nothing but be read.
//!
//! A picture that cannot be fetched or decoded leaves a note in its place; the
//! rest of the page is unharmed.

mod page;
mod picture;
mod story;
mod text;

use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::Event;

pub use story::{Ending, Step, Story};

/// What a page may do: show its own pictures and style. It is in the page itself; whoever serves the page says it
/// once more in a header.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri \
    'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/// The page cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal does not begin with a question.
    #[error("the journal does not begin with `submitted`: there is no question to report on")]
    NoQuestion,
}

/// Writes the page of one session.
///
/// # Errors
/// [`Error::NoQuestion`] if `events` is not a session's journal from its start.
pub async fn render(artifacts: &ArtifactStore, events: &[Event]) -> Result<String, Error> {
    let story = Story::of(events).ok_or(Error::NoQuestion)?;
    let album = picture::Album::collect(artifacts, &story).await;
    Ok(page::render(&story, &album).into_string())
}
