//! Which words mean which family. The first rule that matches wins.

mod camera;
mod compare;
mod measure;
mod place;

use super::{
    ask::{Context, Held},
    family::Family,
    pattern::{self, Token},
};

/// Ways to ask one thing.
struct Rule {
    patterns: &'static [&'static str],
    /// `None` if the words fit but make no sense: the next rule is tried.
    build: fn(&Held, &Context) -> Option<Family>,
}

/// The family of a question without its modifiers.
pub(super) fn first(tokens: &[Token], context: &Context) -> Option<Family> {
    let rules =
        [place::VIEWPOINT, camera::RULES, measure::RULES, compare::RULES, place::RULES, measure::LAST];
    rules.into_iter().flatten().find_map(|rule| {
        rule.patterns.iter().find_map(|pattern| {
            let captures = pattern::whole(pattern, tokens)?;
            (rule.build)(&Held(captures), context)
        })
    })
}
