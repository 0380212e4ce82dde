//! A row as written: the shape, not yet the sense.
//!
//! Unknown keys are refused by name, a key given twice too, and `null` is no
//! way to leave a key out.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use spatialclaw_domain::AnswerType;

use crate::Error;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRow {
    pub(crate) id: String,
    pub(crate) question: String,
    #[serde(default, deserialize_with = "present")]
    pub(crate) images: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) frames: Option<Vec<RawFrame>>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) video: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) stereo: Option<RawStereo>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) world_up: Option<[f64; 3]>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) options: Option<RawOptions>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) answer_type: Option<AnswerType>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) unit: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) answer: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) tolerance: Option<RawTolerance>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawFrame {
    pub(crate) image: String,
    #[serde(default, deserialize_with = "present")]
    pub(crate) index: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) time_s: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) intrinsics: Option<RawIntrinsics>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) pose: Option<[[f64; 4]; 4]>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) depth: Option<RawDepth>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) masks: Option<RawMasks>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawIntrinsics {
    pub(crate) fx: f64,
    pub(crate) fy: f64,
    pub(crate) cx: f64,
    pub(crate) cy: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawDepth {
    pub(crate) file: String,
    pub(crate) metres_per_unit: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMasks {
    pub(crate) file: String,
    pub(crate) labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStereo {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) baseline_m: f64,
    #[serde(default)]
    pub(crate) doffs_px: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTolerance {
    #[serde(default, deserialize_with = "present")]
    pub(crate) relative: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    pub(crate) absolute: Option<f64>,
}

/// Options as a list, or under letters of the author's choosing, in their order.
#[derive(Debug)]
pub(crate) enum RawOptions {
    List(Vec<String>),
    Lettered(Vec<(String, String)>),
}

impl<'de> Deserialize<'de> for RawOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Options;
        impl<'de> Visitor<'de> for Options {
            type Value = RawOptions;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of texts or an object of letters and texts")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawOptions, A::Error> {
                let mut list = Vec::new();
                while let Some(text) = seq.next_element()? {
                    list.push(text);
                }
                Ok(RawOptions::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawOptions, A::Error> {
                let mut lettered: Vec<(String, String)> = Vec::new();
                while let Some((letter, text)) = map.next_entry::<String, String>()? {
                    lettered.push((letter, text));
                }
                Ok(RawOptions::Lettered(lettered))
            }
        }
        deserializer.deserialize_any(Options)
    }
}

/// A key that is there has a value: `null` is refused.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The id alone, for naming a row that is otherwise unusable: read as far as the row can be read.
pub(crate) fn id_of(line: &[u8], max_chars: usize) -> Option<String> {
    let mut id = Id(None);
    // What is wrong past the id is told when the row is read.
    let _ = serde_json::Deserializer::from_slice(line).deserialize_map(&mut id);
    id.0.filter(|id| !id.is_empty() && id.chars().count() <= max_chars)
}

struct Id(Option<String>);

impl<'de> Visitor<'de> for &mut Id {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "id" {
                self.0 = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Reads one line (without its line end) into a row's shape.
pub(crate) fn read(line: &[u8]) -> Result<RawRow, Error> {
    let text = str::from_utf8(line).map_err(|error| Error::NotText { column: error.valid_up_to() + 1 })?;
    if let Some(nul) = text.find('\0') {
        return Err(json(nul + 1, "", "a NUL character, which JSON cannot hold"));
    }
    if !text.trim_start().starts_with('{') {
        return Err(json(1, "", "the row is no JSON object: it must start with `{`"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let row: RawRow = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        located(&path, error.inner())
    })?;
    reader.end().map_err(|error| located("", &error))?;
    Ok(row)
}

fn located(path: &str, error: &serde_json::Error) -> Error {
    let told = error.to_string();
    // The line within the row is always 1; the column is told separately.
    let message = told.rsplit_once(" at line ").map_or(told.as_str(), |(message, _)| message);
    let at = if matches!(path, "." | "?" | "") || !error.is_data() { "" } else { path };
    json(error.column().max(1), at, message)
}

fn json(column: usize, at: &str, message: &str) -> Error {
    let at = if at.is_empty() { String::new() } else { format!("{at}: ") };
    Error::Json { column, at, message: message.to_owned() }
}
