//! JSON lines: a request a line in, a reply a line out, in the same order.

use std::{
    io::{self, BufRead, Read as _},
    pin::pin,
};

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::{
    io::{AsyncWriteExt as _, stdout},
    sync::mpsc,
};

use super::{
    reply,
    sessions::{Sessions, UNDER_WAY},
};

/// Longest line, bytes.
const LINE: usize = 8 << 20;

/// One line, or why it is none.
pub(super) type Line = Result<Vec<u8>, String>;

/// Answers lines until there are no more.
pub(super) async fn serve(mut sessions: Sessions) -> anyhow::Result<()> {
    let lines = stream::unfold(lines(Blank::Skip), async |mut lines| Some((lines.recv().await?, lines)));
    {
        let replies = lines
            .map(|line| match line {
                Ok(line) => sessions.begin(&line),
                Err(why) => Box::pin(std::future::ready(reply::refused(&why))),
            })
            .buffered(UNDER_WAY);
        let mut replies = pin!(replies);
        while let Some(reply) = replies.next().await {
            tell(&reply).await.context("write a reply")?;
        }
    }
    sessions.end().await;
    Ok(())
}

async fn tell(reply: &Value) -> io::Result<()> {
    let mut out = stdout();
    out.write_all(format!("{reply}\n").as_bytes()).await?;
    out.flush().await
}

/// What becomes of blank lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Blank {
    Skip,
    Keep,
}

/// Standard input, line by line. On a thread that ends with the process, since nothing can
/// wake a read of a terminal.
pub(super) fn lines(blank: Blank) -> mpsc::Receiver<Line> {
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next(&mut input, blank) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn next(input: &mut impl BufRead, blank: Blank) -> Option<Line> {
    loop {
        let mut line = Vec::new();
        let read = input.by_ref().take(LINE as u64 + 1).read_until(b'\n', &mut line);
        match read {
            Err(error) => return Some(Err(format!("standard input cannot be read: {error}"))),
            Ok(0) => return None,
            Ok(_) if line.len() > LINE && !line.ends_with(b"\n") => {
                skip(input);
                return Some(Err(format!("a line of more than {LINE} bytes")));
            }
            Ok(_) if blank == Blank::Skip && line.trim_ascii().is_empty() => {}
            Ok(_) => return Some(Ok(line)),
        }
    }
}

/// To the end of the line.
fn skip(input: &mut impl BufRead) {
    loop {
        let (count, is_end) = match input.fill_buf() {
            Ok([]) | Err(_) => return,
            Ok(part) => match part.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (part.len(), false),
            },
        };
        input.consume(count);
        if is_end {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_cost_only_themselves() {
        let text = format!("one\n\n  \n{}\ntwo", "x".repeat(LINE + 5));
        let mut input = io::BufReader::new(text.as_bytes());
        assert_eq!(next(&mut input, Blank::Skip), Some(Ok(b"one\n".to_vec())));
        assert!(matches!(next(&mut input, Blank::Skip), Some(Err(_))));
        assert_eq!(next(&mut input, Blank::Skip), Some(Ok(b"two".to_vec())));
        assert_eq!(next(&mut input, Blank::Skip), None);
    }
}
