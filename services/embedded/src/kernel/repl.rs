//! Cells typed by a person.

use std::{fs, path::Path};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    jsonl::{self, Blank},
    sessions::Sessions,
};

const HELP: &str = "an empty line runs the cell above it; :reset starts over, :quit (or Ctrl-D) leaves\n\
                    InputImages, Metadata, tools, show, ReturnAnswer are there: print(InputImages)";
const SESSION: &str = "repl";

/// Runs cells until the input ends. Shown pictures are saved in `out`.
pub(super) async fn run(mut sessions: Sessions, out: &Path) -> anyhow::Result<()> {
    println!("{HELP}");
    let mut input = jsonl::lines(Blank::Keep);
    let (mut cell, mut pictures) = (String::new(), 0_u32);
    while let Some(line) = input.recv().await {
        let line = String::from_utf8_lossy(&line.map_err(anyhow::Error::msg)?).into_owned();
        match line.trim() {
            ":quit" => break,
            ":reset" => {
                cell.clear();
                let request = json!({ "op": "close", "session": SESSION });
                sessions.begin(request.to_string().as_bytes()).await;
                println!("a fresh session");
            }
            "" if cell.trim().is_empty() => {}
            "" => {
                exec(&mut sessions, &std::mem::take(&mut cell), out, &mut pictures).await?;
            }
            _ => cell.push_str(&line),
        }
    }
    if !cell.trim().is_empty() {
        exec(&mut sessions, &cell, out, &mut pictures).await?;
    }
    sessions.end().await;
    Ok(())
}

async fn exec(sessions: &mut Sessions, cell: &str, out: &Path, pictures: &mut u32) -> anyhow::Result<()> {
    let request = json!({ "op": "exec", "session": SESSION, "cell": cell });
    let reply = sessions.begin(request.to_string().as_bytes()).await;
    for key in ["stdout", "stderr"] {
        let text = reply[key].as_str().unwrap_or_default();
        if !text.is_empty() {
            println!("{}", text.trim_end());
        }
    }
    if let Some(error) = reply["error"].as_str() {
        println!("{error}");
    }
    for image in reply["images"].as_array().into_iter().flatten() {
        *pictures += 1;
        save(image, &out.join(format!("{pictures:03}.png", pictures = *pictures)))?;
    }
    if !reply["answer"].is_null() {
        println!("answer: {}", reply["answer"]);
    }
    if reply["restarted"] == true {
        println!("(the kernel was restarted and the earlier cells were run again)");
    }
    Ok(())
}

fn save(image: &Value, file: &Path) -> anyhow::Result<()> {
    let png = STANDARD.decode(image["b64"].as_str().unwrap_or_default()).context("read a picture")?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    fs::write(file, png).with_context(|| format!("write {}", file.display()))?;
    println!("[{} x {}] {} -> {}", image["w"], image["h"], image["label"], file.display());
    Ok(())
}
