//! Words for a person: stdout has what was asked for, stderr how it goes.
//!
//! A reader that has gone, as after `| head`, is no reason to stop, still less to panic.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write as _},
};

use anyhow::Context as _;

/// Writes a line to stdout.
///
/// # Errors
/// If it cannot be written, e.g. to a file on a full disk.
pub(crate) fn out(text: impl Display) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("write to stdout"),
        _ => Ok(()),
    }
}

/// Writes a line to stderr.
pub(crate) fn err(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether colours are welcome there (<https://no-color.org>).
pub(crate) fn is_colourful(stream: &impl IsTerminal) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !unwanted
}

/// A number of things: `1 step`, `2 steps`.
pub(crate) fn counted(number: impl Into<u64>, thing: &str) -> String {
    let number = number.into();
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Text from a model or a manifest on one line: it must not move a person's cursor, nor fill their screen.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let printable = |c: char| match c {
        '\t' => '\t',
        c if c.is_whitespace() => ' ',
        c if c.is_control() => '·',
        c => c,
    };
    let mut line: String = text.chars().take(longest).map(printable).collect();
    if text.chars().nth(longest).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(one_line("a\x1b[2Jb\u{9b}c\td\r\ne", 99), "a·[2Jb·c\td  e");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(one_line("äöü", 3), "äöü");
        assert_eq!(one_line("äöüß", 3), "äöü…");
    }

    #[test]
    fn one_thing_is_no_things() {
        assert_eq!([counted(0_u64, "row"), counted(1_u64, "row")], ["0 rows", "1 row"]);
    }
}
