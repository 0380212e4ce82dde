//! Questions to a vision model.

use spatialclaw_domain::{Picture, VisionCall, VisionKind, VisionQuestion};

use super::{Error, inward, out, required};
use crate::session::v1 as wire;

impl From<VisionKind> for wire::VisionKind {
    fn from(kind: VisionKind) -> Self {
        match kind {
            VisionKind::Locate => Self::Locate,
            VisionKind::Think => Self::Think,
        }
    }
}

impl TryFrom<wire::VisionKind> for VisionKind {
    type Error = Error;

    fn try_from(kind: wire::VisionKind) -> Result<Self, Error> {
        match kind {
            wire::VisionKind::Locate => Ok(Self::Locate),
            wire::VisionKind::Think => Ok(Self::Think),
            wire::VisionKind::Unspecified => Err(Error::invalid("vision.kind", "is not known here")),
        }
    }
}

impl From<Picture> for wire::Picture {
    fn from(picture: Picture) -> Self {
        Self { image: Some(picture.image.into()), frame_index: picture.frame_index }
    }
}

impl TryFrom<wire::Picture> for Picture {
    type Error = Error;

    fn try_from(picture: wire::Picture) -> Result<Self, Error> {
        let image = required(picture.image, "picture.image")?.try_into()?;
        Ok(Self { image, frame_index: picture.frame_index })
    }
}

impl From<VisionQuestion> for wire::VisionQuestion {
    fn from(asked: VisionQuestion) -> Self {
        Self {
            kind: wire::VisionKind::from(asked.kind).into(),
            text: asked.text,
            pictures: out(asked.pictures),
        }
    }
}

impl TryFrom<wire::VisionQuestion> for VisionQuestion {
    type Error = Error;

    fn try_from(asked: wire::VisionQuestion) -> Result<Self, Error> {
        Ok(Self { kind: asked.kind().try_into()?, text: asked.text, pictures: inward(asked.pictures)? })
    }
}

impl From<VisionCall> for wire::VisionCall {
    fn from(call: VisionCall) -> Self {
        Self {
            asked: Some(call.asked.into()),
            answer: call.answer,
            failed: call.failed,
            cached: call.cached,
            model: call.model,
            usage: Some(call.usage.into()),
        }
    }
}

impl TryFrom<wire::VisionCall> for VisionCall {
    type Error = Error;

    fn try_from(call: wire::VisionCall) -> Result<Self, Error> {
        Ok(Self {
            asked: required(call.asked, "vision.asked")?.try_into()?,
            answer: call.answer,
            failed: call.failed,
            cached: call.cached,
            model: call.model,
            usage: call.usage.map(Into::into).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use spatialclaw_domain::{ArtifactRef, Digest, Observation, Usage};

    use super::*;

    #[test]
    fn an_observation_keeps_what_was_asked_and_told() {
        let image = ArtifactRef { digest: Digest::of(b"p"), size: 1, media_type: "image/png".to_owned() };
        let pictures = vec![
            Picture { image: image.clone(), frame_index: Some(0) },
            Picture { image, frame_index: None },
        ];
        let usage = Usage { calls: 1, prompt_tokens: 2, completion_tokens: 3, cached_tokens: 4 };
        let call = VisionCall {
            asked: VisionQuestion { kind: VisionKind::Locate, text: "where?".to_owned(), pictures },
            answer: "(1, 2)".to_owned(),
            failed: false,
            cached: true,
            model: "m".to_owned(),
            usage,
        };
        let seen = Observation { vision: vec![call], vision_usage: usage, ..Observation::default() };
        assert_eq!(Observation::try_from(wire::Observation::from(seen.clone())), Ok(seen));
    }

    #[test]
    fn a_kind_that_is_not_known_is_refused() {
        let asked = wire::VisionQuestion { kind: 9, ..wire::VisionQuestion::default() };
        assert!(VisionQuestion::try_from(asked).is_err());
    }
}
