//! Writes a transcript while another backbone answers.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use spatialclaw_domain::{Fault, FaultKind};

use super::{Asked, Entry, EntryFinish, Expects};
use crate::{ChatReply, ChatRequest, Finish, LanguageModel, backbone::Error};

/// A backbone whose replies are appended to a transcript.
pub struct Recorder {
    path: PathBuf,
    file: Mutex<File>,
    inner: Arc<dyn LanguageModel>,
}

impl Recorder {
    /// Records what `inner` says at the end of the transcript `path`, which is made if missing.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn create(path: &Path, inner: Arc<dyn LanguageModel>) -> Result<Self, Error> {
        let failed = |cause| Error::File { key: "record", path: path.to_owned(), cause };
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), inner })
    }

    fn write(&self, request: &ChatRequest, reply: &ChatReply) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(&entry(request, reply))?;
        line.push(b'\n');
        // One write per line: a crash leaves whole lines.
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

fn entry(request: &ChatRequest, reply: &ChatReply) -> Entry {
    let asked = Asked::of(request);
    Entry {
        role: asked.role,
        turn: Some(asked.turn),
        question: Some(asked.question),
        expects: Expects::Digest(asked.digest),
        reply: reply.text.clone(),
        finish: match reply.finish {
            Finish::Stop => EntryFinish::Stop,
            Finish::Length => EntryFinish::Length,
        },
        usage: reply.usage,
        model: Some(reply.model.clone()),
    }
}

#[async_trait]
impl LanguageModel for Recorder {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, Fault> {
        let reply = self.inner.chat(request).await?;
        self.write(request, &reply).map_err(|error| {
            let text = format!("cannot write the transcript {}: {error}", self.path.display());
            Fault::new(FaultKind::Internal, text)
        })?;
        Ok(reply)
    }
}
