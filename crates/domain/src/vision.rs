//! What a cell asks a vision model, and what it is told.

use serde::{Deserialize, Serialize};

use crate::{ArtifactRef, Digest, Usage};

/// What a cell wants of a vision model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisionKind {
    /// Where something is: coordinates, or that it is not visible.
    Locate,
    /// A considered answer in words.
    Think,
}

impl VisionKind {
    /// As cells call it.
    pub fn tool(self) -> &'static str {
        match self {
            Self::Locate => "vlm.locate",
            Self::Think => "vlm.ask_with_thinking",
        }
    }

    /// Pictures that one question may come with.
    pub fn max_pictures(self) -> usize {
        match self {
            Self::Locate => 8,
            Self::Think => 64,
        }
    }
}

/// A picture and the frame it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// PNG.
    pub image: ArtifactRef,
    /// Absolute index, if it is of one frame.
    pub frame_index: Option<u32>,
}

/// A question about pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisionQuestion {
    /// What is wanted.
    pub kind: VisionKind,
    /// As the cell asked it.
    pub text: String,
    /// In order.
    pub pictures: Vec<Picture>,
}

impl VisionQuestion {
    /// The same for the same question about the same pictures, and for no other.
    pub fn key(&self) -> Digest {
        let mut bytes = format!("{} {} ", self.kind.tool(), self.text.len()).into_bytes();
        bytes.extend_from_slice(self.text.as_bytes());
        for picture in &self.pictures {
            bytes.extend_from_slice(picture.image.digest.as_bytes());
            bytes.extend(picture.frame_index.map_or([0xff; 8], |index| u64::from(index).to_le_bytes()));
        }
        Digest::of(&bytes)
    }
}

/// A question to a vision model and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisionCall {
    /// What was asked.
    pub asked: VisionQuestion,
    /// What the cell was told; bounded by the executor.
    pub answer: String,
    /// The model gave no answer, and `answer` says why.
    pub failed: bool,
    /// It had been answered before and cost nothing now.
    pub cached: bool,
    /// Who answered.
    pub model: String,
    /// What it cost.
    pub usage: Usage,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: VisionKind, text: &str, frames: &[(&str, Option<u32>)]) -> Digest {
        let picture = |(name, frame_index): &(&str, Option<u32>)| Picture {
            image: ArtifactRef {
                digest: Digest::of(name.as_bytes()),
                size: 1,
                media_type: "image/png".to_owned(),
            },
            frame_index: *frame_index,
        };
        VisionQuestion { kind, text: text.to_owned(), pictures: frames.iter().map(picture).collect() }.key()
    }

    #[test]
    fn whatever_is_asked_otherwise_has_another_key() {
        let one = [("a", Some(0)), ("b", None)];
        let key = asked(VisionKind::Locate, "where?", &one);
        assert_eq!(key, asked(VisionKind::Locate, "where?", &one));
        for other in [
            asked(VisionKind::Think, "where?", &one),
            asked(VisionKind::Locate, "where", &one),
            asked(VisionKind::Locate, "where?", &one[..1]),
            asked(VisionKind::Locate, "where?", &[("b", None), ("a", Some(0))]),
            asked(VisionKind::Locate, "where?", &[("a", Some(1)), ("b", None)]),
            asked(VisionKind::Locate, "where?", &[("a", Some(0)), ("b", Some(0))]),
        ] {
            assert_ne!(key, other);
        }
    }
}
