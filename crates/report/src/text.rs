//! Text that others wrote, made fit to be seen.
//!
//! The template engine escapes; this bounds, and shows what would otherwise
//! hide or rearrange: control characters, marks that turn the reading
//! direction, characters without width.

use maud::{Markup, Render, html};

/// A piece of somebody's text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Text {
    shown: String,
    /// Characters that are not shown.
    left_out: usize,
}

/// The first `limit` characters of `text`, visible ones kept as they are.
pub(crate) fn text(text: &str, limit: usize) -> Text {
    let end = text.char_indices().nth(limit).map_or(text.len(), |(at, _)| at);
    let (kept, rest) = text.split_at(end);
    let mut shown = String::with_capacity(kept.len());
    let mut last = '\0';
    for c in kept.chars() {
        // CRLF is one line end.
        if !(c == '\n' && last == '\r') {
            show(c, &mut shown);
        }
        last = c;
    }
    Text { shown, left_out: rest.chars().count() }
}

impl Text {
    pub(crate) fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.shown.lines()
    }

    pub(crate) fn into_string(self) -> String {
        self.shown
    }

    /// Says how much is missing, if anything is.
    pub(crate) fn rest(&self) -> Markup {
        html! { @if self.left_out > 0 { span.cut { "… " (self.left_out) " more characters are not shown" } } }
    }
}

impl Render for Text {
    fn render(&self) -> Markup {
        html! { (self.shown) (self.rest()) }
    }
}

fn show(c: char, to: &mut String) {
    match c {
        '\n' | '\t' => to.push(c),
        '\r' | '\u{2028}' | '\u{2029}' => to.push('\n'),
        // U+2400 … are pictures of the controls.
        '\0'..='\u{1f}' => to.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
        '\u{7f}' => to.push('\u{2421}'),
        c if c.is_control() || hides(c) => to.push_str(&format!("⟨U+{:04X}⟩", c as u32)),
        c => to.push(c),
    }
}

/// Whether a character turns the reading direction or is not seen at all.
fn hides(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_shown() {
        let shown = |raw: &str| text(raw, 100).into_string();
        assert_eq!(shown("a\0b\x1b[31m\x7f"), "a␀b␛[31m␡");
        assert_eq!(shown("x\u{202e}y\u{200b}z\u{85}"), "x⟨U+202E⟩y⟨U+200B⟩z⟨U+0085⟩");
        assert_eq!(shown("one\r\ntwo\rthree\n\n"), "one\ntwo\nthree\n\n");
        assert_eq!(shown("שלום 👩‍🔬 é"), "שלום 👩‍🔬 é", "honest text stays");
    }

    #[test]
    fn what_is_long_is_cut_and_says_so() {
        let cut = text("äöü", 2);
        assert_eq!(
            cut.render().into_string(),
            "äö<span class=\"cut\">… 1 more characters are not shown</span>"
        );
        assert_eq!(text("äöü", 3).render().into_string(), "äöü");
    }
}
