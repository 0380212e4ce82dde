//! A row that makes sense; its files have not been looked at yet.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;
use spatialclaw_domain::{AnswerType, Choice, Digest, Intrinsics, Pose, SessionId, StereoRig};

use crate::{
    Error, Limits, Source, check,
    raw::{self, RawFrame, RawOptions, RawRow},
};

/// One row of a manifest, checked in everything that needs no file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The author's name for it.
    pub id: String,
    /// What is asked.
    pub question: String,
    /// What it is asked about.
    pub media: Media,
    /// A calibrated pair among the frames.
    pub stereo: Option<StereoRig>,
    /// Which way is up in the poses' world; unit length.
    pub world_up: Option<[f64; 3]>,
    /// Empty unless the answer is one of these.
    pub choices: Vec<Choice>,
    /// What counts as an answer.
    pub answer_type: AnswerType,
    /// Unit the answer is wanted in.
    pub unit: Option<String>,
    /// What the author holds to be right; never shown to a model.
    #[serde(skip)]
    pub reference: Option<Reference>,
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// Bare photographs, by file name.
    Images(Vec<String>),
    /// Pictures with what a device measured.
    Frames(Vec<FrameSpec>),
    /// A video to sample, by file name.
    Video(String),
}

/// One picture and what came with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrameSpec {
    /// Absolute index; strictly rising within a row.
    pub index: u32,
    /// File name.
    pub image: String,
    /// Seconds since the start of the recording.
    pub time_s: Option<f64>,
    /// Pixels of the picture.
    pub intrinsics: Option<Intrinsics>,
    /// Camera-to-world.
    pub pose: Option<Pose>,
    /// Measured depth.
    pub depth: Option<DepthSpec>,
    /// Known instances.
    pub masks: Option<MaskSpec>,
}

impl FrameSpec {
    /// Whether anything was given that depends on how the picture is turned.
    pub(crate) fn is_calibrated(&self) -> bool {
        self.intrinsics.is_some() || self.pose.is_some() || self.depth.is_some() || self.masks.is_some()
    }
}

/// A depth picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DepthSpec {
    /// File name.
    pub file: String,
    /// Stored value times this is metres.
    pub metres_per_unit: f64,
}

/// A picture of instance ids.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MaskSpec {
    /// File name.
    pub file: String,
    /// Id in the picture to name.
    pub labels: BTreeMap<u32, String>,
}

/// What the author holds to be right.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// A number, a text, or a list of texts any of which is right.
    pub answer: Value,
    /// How near a number must come.
    pub tolerance: Tolerance,
}

/// How near a number must come; the wider of the two counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// Share of the reference answer.
    pub relative: Option<f64>,
    /// In the answer's unit.
    pub absolute: Option<f64>,
}

impl Row {
    /// Reads one line of a manifest, without its line end.
    ///
    /// # Errors
    /// The first thing wrong with it, naming the key or the column.
    pub fn parse(line: &[u8], limits: &Limits) -> Result<Self, Error> {
        Self::check(raw::read(line)?, limits)
    }

    fn check(raw: RawRow, limits: &Limits) -> Result<Self, Error> {
        check::id(&raw.id, limits.max_id_chars)?;
        check::question(&raw.question, limits.max_question_chars)?;
        let choices = raw.options.map(|options| choices(options, limits)).transpose()?.unwrap_or_default();
        let answer_type = answer_type(raw.answer_type, &choices)?;
        let media = media(raw.images, raw.frames, raw.video, limits)?;
        let stereo = raw.stereo.map(|rig| check::stereo(&rig, &media)).transpose()?;
        check::texts(&raw.question, &choices, &media)?;
        let reference = check::reference(raw.answer, raw.tolerance, answer_type, &choices)?;
        Ok(Self {
            id: raw.id,
            question: raw.question,
            media,
            stereo,
            world_up: raw.world_up.map(check::world_up).transpose()?,
            choices,
            answer_type,
            unit: raw.unit.map(check::unit).transpose()?,
            reference,
        })
    }

    /// A digest of everything asked, the files' bytes included and the reference answer not.
    ///
    /// Two rows with the same fingerprint have the same answer.
    ///
    /// # Errors
    /// If a file the row names cannot be read.
    pub async fn fingerprint(&self, source: &dyn Source, limits: &Limits) -> Result<Digest, Error> {
        let mut hasher = blake3::Hasher::new();
        let text = serde_json::to_vec(self).map_err(|error| Error::value("row", error.to_string()))?;
        hasher.update(&text);
        for (key, name) in self.files() {
            let hashed = match &self.media {
                Media::Video(_) => hash_video(source, name, limits).await,
                _ => source.read(name, limits.max_image_bytes).await.map(|bytes| blake3::hash(&bytes)),
            };
            hasher.update(hashed.map_err(|cause| Error::file(&key, name, cause))?.as_bytes());
        }
        Ok((*hasher.finalize().as_bytes()).into())
    }

    /// The session of this row in the run called `scope`: asking the row again in that run, unchanged, is asking the
    /// same session. The CLI's scope is its output folder's own id; the gateway's is the caller's idempotency key.
    ///
    /// # Errors
    /// If a file the row names cannot be read.
    pub async fn session(
        &self,
        scope: &str,
        source: &dyn Source,
        limits: &Limits,
    ) -> Result<SessionId, Error> {
        let fingerprint = self.fingerprint(source, limits).await?;
        Ok(SessionId::named(&format!("{fingerprint}/{scope}")))
    }

    /// Every file the row names, with the key that names it.
    fn files(&self) -> Vec<(String, &str)> {
        match &self.media {
            Media::Images(names) => {
                names.iter().enumerate().map(|(at, name)| (format!("images[{at}]"), name.as_str())).collect()
            }
            Media::Video(name) => vec![("video".to_owned(), name.as_str())],
            Media::Frames(frames) => frames
                .iter()
                .enumerate()
                .flat_map(|(at, frame)| frame.files(&format!("frames[{at}]")))
                .collect(),
        }
    }
}

impl FrameSpec {
    fn files(&self, key: &str) -> Vec<(String, &str)> {
        let mut files = vec![(format!("{key}.image"), self.image.as_str())];
        files.extend(self.depth.as_ref().map(|depth| (format!("{key}.depth.file"), depth.file.as_str())));
        files.extend(self.masks.as_ref().map(|masks| (format!("{key}.masks.file"), masks.file.as_str())));
        files
    }
}

async fn hash_video(
    source: &dyn Source,
    name: &str,
    limits: &Limits,
) -> Result<blake3::Hash, crate::FileError> {
    let local = source.local(name, limits.max_video_bytes).await?;
    let path = local.path().to_owned();
    let hashed = tokio::task::spawn_blocking(move || {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(path)?)?;
        Ok(hasher.finalize())
    });
    hashed.await.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(crate::FileError::Read)
}

fn media(
    images: Option<Vec<String>>,
    frames: Option<Vec<RawFrame>>,
    video: Option<String>,
    limits: &Limits,
) -> Result<Media, Error> {
    match (images, frames, video) {
        (Some(names), None, None) => {
            check::count("images", names.len(), limits.max_images)?;
            Ok(Media::Images(names))
        }
        (None, Some(frames), None) => {
            check::count("frames", frames.len(), limits.max_images)?;
            Ok(Media::Frames(check::frames(frames)?))
        }
        (None, None, Some(name)) => Ok(Media::Video(name)),
        (None, None, None) => Err(Error::value("row", "has no pictures: give `images`, `frames` or `video`")),
        _ => Err(Error::value("row", "give exactly one of `images`, `frames` and `video`")),
    }
}

fn answer_type(given: Option<AnswerType>, choices: &[Choice]) -> Result<AnswerType, Error> {
    match (given, choices.is_empty()) {
        (None, true) => Ok(AnswerType::Text),
        (None | Some(AnswerType::Choice), false) => Ok(AnswerType::Choice),
        (Some(AnswerType::Choice), true) => {
            Err(Error::value("answer_type", "is `choice`, but the row has no `options`"))
        }
        (Some(other), true) => Ok(other),
        (Some(_), false) => {
            Err(Error::value("answer_type", "must be `choice` (or left out) for a row with `options`"))
        }
    }
}

fn choices(options: RawOptions, limits: &Limits) -> Result<Vec<Choice>, Error> {
    let lettered: Vec<(String, String)> = match options {
        RawOptions::List(texts) => {
            texts.into_iter().enumerate().map(|(at, text)| (letter(at), text)).collect()
        }
        RawOptions::Lettered(lettered) => lettered,
    };
    if lettered.len() < 2 || lettered.len() > limits.max_options {
        let problem = format!("has {} entries: give 2 to {}", lettered.len(), limits.max_options);
        return Err(Error::value("options", problem));
    }
    let mut seen = HashSet::new();
    lettered
        .into_iter()
        .map(|(letter, text)| {
            let choice = check::choice(letter, text, limits.max_question_chars)?;
            if seen.insert(choice.letter.to_uppercase()) {
                Ok(choice)
            } else {
                Err(Error::value("options", format!("the letter `{}` is used twice", choice.letter)))
            }
        })
        .collect()
}

/// A, B, … Z, AA, AB, …
fn letter(mut at: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + (at % 26) as u8);
        if at < 26 {
            break;
        }
        at = at / 26 - 1;
    }
    letters.reverse();
    letters.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        let letters: Vec<_> = [0, 25, 26, 51, 52, 701, 702].into_iter().map(letter).collect();
        assert_eq!(letters, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
