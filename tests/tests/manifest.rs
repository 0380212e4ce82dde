//! Every row of a malformed manifest comes to one clear error or a right question, and costs no other row anything.

use std::{collections::HashMap, path::Path};

use spatialclaw_bus::ArtifactStore;
use spatialclaw_domain::Question;
use spatialclaw_ingest::{Entry, Error, Folder, Limits, Manifest, Row, question};
use spatialclaw_tests::malformed::{self, Expectation};

struct World {
    dir: tempfile::TempDir,
    expected: Vec<Expectation>,
    artifacts: ArtifactStore,
}

impl World {
    fn make() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let folder = dir.path().join("rows");
        std::fs::create_dir(&folder)?;
        let expected = malformed::write(&folder)?;
        let artifacts = ArtifactStore::open(&dir.path().join("artifacts").display().to_string())?;
        Ok(Self { dir, expected, artifacts })
    }

    fn folder(&self) -> std::path::PathBuf {
        self.dir.path().join("rows")
    }

    async fn come_to(&self, entry: Entry, folder: &Folder, limits: &Limits) -> Result<Question, Error> {
        question(&entry.row?, folder, &self.artifacts, limits).await
    }
}

#[tokio::test]
async fn every_row_comes_to_one_clear_error_or_a_right_question() -> anyhow::Result<()> {
    let world = World::make()?;
    let limits = Limits::default();
    let folder = Folder::open(&world.folder())?;
    let path = world.folder().join("rows.jsonl");
    let entries: Vec<Entry> = Manifest::open(&path, &limits)?.collect();
    assert_eq!(entries.len(), world.expected.len());
    assert_eq!(Manifest::count(&path)?, entries.len() as u64);
    let mut wrong = Vec::new();
    for (entry, expected) in entries.into_iter().zip(&world.expected) {
        if (entry.line, &entry.id) != (expected.line, &expected.id) {
            wrong.push(format!("line {}: {:?}, not {expected:?}", entry.line, entry.id));
        }
        let came = world.come_to(entry, &folder, &limits).await;
        if let Err(problem) = judge(came, expected, &world.artifacts).await {
            wrong.push(format!("line {} ({:?}): {problem}", expected.line, expected.id));
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

async fn judge(
    came: Result<Question, Error>,
    expected: &Expectation,
    artifacts: &ArtifactStore,
) -> anyhow::Result<()> {
    match came {
        Err(error) => {
            let told = error.to_string();
            anyhow::ensure!(!expected.contains.is_empty(), "refused: {told}");
            anyhow::ensure!(expected.contains.iter().all(|words| told.contains(words)), "says: {told}");
            anyhow::ensure!(error.is_callers(), "blamed on us: {told}");
            // One line, of a length one reads, and nothing of where the files lie on this machine.
            anyhow::ensure!(told.chars().count() < 500 && !told.contains('\n'), "too long: {told}");
        }
        Ok(question) => {
            anyhow::ensure!(expected.contains.is_empty(), "accepted");
            anyhow::ensure!(Some(&question.label) == expected.id.as_ref(), "labelled {}", question.label);
            check_picture(&question, expected, artifacts).await?;
        }
    }
    Ok(())
}

async fn check_picture(
    question: &Question,
    expected: &Expectation,
    artifacts: &ArtifactStore,
) -> anyhow::Result<()> {
    let Some((width, height, colour)) = expected.picture else { return Ok(()) };
    let frame = &question.frames[0];
    anyhow::ensure!((frame.width, frame.height) == (width, height), "is {}×{}", frame.width, frame.height);
    let image = image::load_from_memory(&artifacts.get(&frame.image).await?)?;
    anyhow::ensure!((image.width(), image.height()) == (width, height), "its picture has another size");
    anyhow::ensure!(image.color() == image::ColorType::Rgb8, "its picture is {:?}", image.color());
    let first = image.into_rgb8().get_pixel(0, 0).0;
    // JPEG rounds.
    let near = first.iter().zip(colour).all(|(&have, want)| have.abs_diff(want) <= 3);
    anyhow::ensure!(near, "its first pixel is {first:?}, not {colour:?}");
    anyhow::ensure!(frame.is_measured() == expected.is_measured, "measurements were lost or invented");
    Ok(())
}

#[tokio::test]
async fn no_picture_outside_the_folder_reaches_the_store() -> anyhow::Result<()> {
    let world = World::make()?;
    // A picture that is kept byte for byte, so that finding its digest means that it was read.
    let secret = world.dir.path().join("secret.png");
    image::RgbImage::from_pixel(5, 5, image::Rgb([1, 2, 3])).save(&secret)?;
    let digest = spatialclaw_domain::Digest::of(&std::fs::read(&secret)?);
    let limits = Limits::default();
    let folder = Folder::open(&world.folder())?;
    for entry in Manifest::open(&world.folder().join("rows.jsonl"), &limits)? {
        let _ = world.come_to(entry, &folder, &limits).await;
    }
    assert!(!world.artifacts.holds(digest).await?);
    let row = Row::parse(br#"{"id":"a","question":"q?","images":["secret.png"]}"#, &limits)?;
    question(&row, &Folder::open(world.dir.path())?, &world.artifacts, &limits).await?;
    assert!(
        world.artifacts.holds(digest).await?,
        "from its own folder it is read, so the check above means something"
    );
    Ok(())
}

#[tokio::test]
async fn a_row_has_the_same_session_until_it_or_its_files_change() -> anyhow::Result<()> {
    let world = World::make()?;
    let limits = Limits::default();
    let folder = Folder::open(&world.folder())?;
    let first = || -> anyhow::Result<_> {
        let mut entries = Manifest::open(&world.folder().join("rows.jsonl"), &limits)?;
        Ok(entries.next().expect("a first row").row?)
    };
    let row = first()?;
    let session = row.session("run 1", &folder, &limits).await?;
    assert_eq!(first()?.session("run 1", &folder, &limits).await?, session);
    assert_ne!(row.session("run 2", &folder, &limits).await?, session);
    let mut other = row.clone();
    other.question.push('?');
    assert_ne!(other.session("run 1", &folder, &limits).await?, session);
    std::fs::copy(world.folder().join("grey.png"), world.folder().join("ball.png"))?;
    assert_ne!(row.session("run 1", &folder, &limits).await?, session);
    Ok(())
}

#[tokio::test]
async fn every_example_of_ours_is_a_right_question() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let artifacts = ArtifactStore::open(&dir.path().display().to_string())?;
    let limits = Limits::default();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let folder = Folder::open(&examples)?;
    for Entry { line, row, .. } in Manifest::open(&examples.join("questions.jsonl"), &limits)? {
        let row = row.map_err(|error| anyhow::anyhow!("line {line}: {error}"))?;
        let made = question(&row, &folder, &artifacts, &limits).await;
        made.map_err(|error| anyhow::anyhow!("line {line} ({}): {error}", row.id))?;
    }
    Ok(())
}

/// The reference, its schema and the parser tell the same story.
mod reference {
    use super::*;
    use serde_json::Value;

    const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference");

    fn schema() -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(Path::new(DOCS).join("manifest.schema.json"))?)?)
    }

    fn examples() -> anyhow::Result<Vec<Value>> {
        let text = std::fs::read_to_string(Path::new(DOCS).join("manifest.example.jsonl"))?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }

    #[test]
    fn the_example_rows_parse() -> anyhow::Result<()> {
        let path = Path::new(DOCS).join("manifest.example.jsonl");
        for entry in Manifest::open(&path, &Limits::default())? {
            entry.row.map_err(|error| anyhow::anyhow!("line {}: {error}", entry.line))?;
        }
        Ok(())
    }

    #[test]
    fn the_example_rows_fit_the_schema_and_use_every_key_of_it() -> anyhow::Result<()> {
        let schema = schema()?;
        let mut used = HashMap::new();
        for (at, row) in examples()?.iter().enumerate() {
            fits(&schema, &schema, row, "row", &mut used)
                .map_err(|problem| anyhow::anyhow!("example {}: {problem}", at + 1))?;
        }
        let unused: Vec<_> = objects(&schema)
            .into_iter()
            .flat_map(|(name, keys)| keys.into_iter().map(move |key| format!("{name}.{key}")))
            .filter(|key| !used.contains_key(key))
            .collect();
        assert!(unused.is_empty(), "no example shows {unused:?}");
        Ok(())
    }

    /// A key the schema knows is one the parser knows, at the same place, and the other way round: serde names the
    /// keys it would have taken.
    #[test]
    fn the_schema_has_the_parsers_keys() -> anyhow::Result<()> {
        let schema = schema()?;
        let example = |part: &str| match part {
            "row" => r#"{"strange":1}"#.to_owned(),
            "frame" => r#"{"frames":[{"strange":1}]}"#.to_owned(),
            "intrinsics" | "depth" | "masks" => format!(r#"{{"frames":[{{"{part}":{{"strange":1}}}}]}}"#),
            top => format!(r#"{{"{top}":{{"strange":1}}}}"#),
        };
        for (name, keys) in objects(&schema) {
            let row = example(&name);
            let Err(error) = spatialclaw_ingest::Row::parse(row.as_bytes(), &Limits::default()) else {
                anyhow::bail!("{row} parsed")
            };
            let told = error.to_string();
            anyhow::ensure!(told.contains("unknown field `strange`"), "{row}: {told}");
            let (_, listed) = told.split_once("expected").expect("serde lists the keys");
            let mut parser: Vec<_> = listed.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            parser.sort();
            assert_eq!(parser, keys, "keys of {name}");
        }
        Ok(())
    }

    #[test]
    fn the_page_explains_every_key() -> anyhow::Result<()> {
        let page = std::fs::read_to_string(Path::new(DOCS).join("manifest.md"))?;
        for (name, keys) in objects(&schema()?) {
            for key in keys {
                assert!(page.contains(&format!("`{key}`")), "manifest.md does not explain `{key}` of {name}");
            }
        }
        Ok(())
    }

    /// Every object of the schema with its keys, sorted: the row itself and each definition that has properties.
    fn objects(schema: &Value) -> Vec<(String, Vec<String>)> {
        let keys = |object: &Value| -> Option<Vec<String>> {
            let mut keys: Vec<_> = object["properties"].as_object()?.keys().cloned().collect();
            keys.sort();
            Some(keys)
        };
        let defined = schema["$defs"].as_object().into_iter().flatten();
        let mut objects = vec![("row".to_owned(), keys(schema).unwrap_or_default())];
        objects.extend(defined.filter_map(|(name, object)| Some((name.clone(), keys(object)?))));
        objects
    }

    /// The part of JSON Schema that ours uses; an unknown keyword is an error, so nothing is passed over in silence.
    fn fits(
        root: &Value,
        schema: &Value,
        value: &Value,
        at: &str,
        used: &mut HashMap<String, ()>,
    ) -> Result<(), String> {
        for (keyword, rule) in schema.as_object().ok_or("a schema must be an object")? {
            let good = match keyword.as_str() {
                "$schema" | "$id" | "title" | "description" | "$defs" | "default" | "examples" => true,
                "$ref" => {
                    let name = rule
                        .as_str()
                        .and_then(|path| path.strip_prefix("#/$defs/"))
                        .ok_or("a strange $ref")?;
                    return fits(root, &root["$defs"][name], value, name, used);
                }
                "type" => match rule.as_str().unwrap_or_default() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "integer" => value.is_u64() || value.is_i64(),
                    other => return Err(format!("unknown type {other}")),
                },
                "required" => rule
                    .as_array()
                    .into_iter()
                    .flatten()
                    .all(|key| value.get(key.as_str().unwrap_or("")).is_some()),
                "additionalProperties" => match rule {
                    Value::Bool(false) => {
                        let keys: Vec<_> =
                            value.as_object().into_iter().flat_map(|object| object.keys()).collect();
                        keys.into_iter().all(|key| schema["properties"].get(key).is_some())
                    }
                    rule => value
                        .as_object()
                        .into_iter()
                        .flat_map(|object| object.values())
                        .all(|entry| fits(root, rule, entry, at, used).is_ok()),
                },
                "propertyNames" => value.is_object(),
                "properties" => {
                    for (key, rule) in rule.as_object().into_iter().flatten() {
                        if let Some(inner) = value.get(key) {
                            used.insert(format!("{at}.{key}"), ());
                            fits(root, rule, inner, key, used)
                                .map_err(|problem| format!("{key}: {problem}"))?;
                        }
                    }
                    true
                }
                "items" => value
                    .as_array()
                    .into_iter()
                    .flatten()
                    .all(|entry| fits(root, rule, entry, at, used).is_ok()),
                "minItems" => {
                    value.as_array().is_none_or(|list| list.len() as u64 >= rule.as_u64().unwrap_or(0))
                }
                "maxItems" => {
                    value.as_array().is_none_or(|list| list.len() as u64 <= rule.as_u64().unwrap_or(0))
                }
                "minProperties" => {
                    value.as_object().is_none_or(|object| object.len() as u64 >= rule.as_u64().unwrap_or(0))
                }
                "minLength" => value
                    .as_str()
                    .is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().unwrap_or(0)),
                "maxLength" => value
                    .as_str()
                    .is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap_or(0)),
                "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap_or(0.0)),
                "exclusiveMinimum" => {
                    value.as_f64().is_none_or(|number| number > rule.as_f64().unwrap_or(0.0))
                }
                "enum" => rule.as_array().is_some_and(|all| all.contains(value)),
                "oneOf" => {
                    rule.as_array()
                        .into_iter()
                        .flatten()
                        .filter(|rule| fits(root, rule, value, at, used).is_ok())
                        .count()
                        == 1
                }
                "anyOf" => rule
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|rule| fits(root, rule, value, at, used).is_ok()),
                "dependentRequired" => rule.as_object().into_iter().flatten().all(|(key, needs)| {
                    value.get(key).is_none()
                        || needs
                            .as_array()
                            .into_iter()
                            .flatten()
                            .all(|need| value.get(need.as_str().unwrap_or("")).is_some())
                }),
                other => return Err(format!("the test does not know the keyword `{other}`")),
            };
            if !good {
                return Err(format!("{value:.80} breaks `{keyword}`"));
            }
        }
        Ok(())
    }
}
