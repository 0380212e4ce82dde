//! The last lines of the last cell: from what was measured to `ReturnAnswer`.

use serde_json::json;

use super::{
    family::Kind,
    options::Letters,
    python::literal,
    task::{Ending, Task},
    units::Unit,
};

/// Brings the measurement into the form asked for and returns it.
pub(super) fn last_lines(task: &Task) -> String {
    let is_count = task.family.kind() == Kind::Count;
    match &task.ending {
        Ending::Number(_) | Ending::Whole(_) if is_count => "ReturnAnswer(int(value))".into(),
        Ending::Measure(_) if is_count => "ReturnAnswer(int(value))".into(),
        Ending::Number(unit) => format!("ReturnAnswer(round({}, {}))", in_unit(*unit), unit.digits()),
        Ending::Whole(unit) => format!("ReturnAnswer(int(round({})))", in_unit(*unit)),
        Ending::Measure(unit) => {
            format!("ReturnAnswer(f\"{{{}:.{}f}} {}\")", in_unit(*unit), unit.digits().min(2), unit.symbol())
        }
        Ending::Words if task.family.kind() == Kind::Names => "ReturnAnswer(\", \".join(order))".into(),
        Ending::Words => "ReturnAnswer(word)".into(),
        Ending::YesNo => format!("{}ReturnAnswer(word)", yes_or_no(task)),
        Ending::Letter(letters) => by_letter(task, letters),
    }
}

fn in_unit(unit: Unit) -> String {
    match unit.scale() {
        1.0 => "value".into(),
        scale => format!("value / {scale}"),
    }
}

fn yes_or_no(task: &Task) -> String {
    task.family
        .asked()
        .map_or_else(String::new, |asked| format!("word = \"yes\" if word == {asked:?} else \"no\"\n"))
}

fn by_letter(task: &Task, letters: &Letters) -> String {
    match letters {
        Letters::Numbers(values) => format!(
            "options = {}\nReturnAnswer(min(options, key=lambda letter: abs(options[letter] - value)))",
            literal(&json!(values))
        ),
        Letters::Orders(orders) => format!(
            "options = {}\nReturnAnswer(next(letter for letter, names in options.items() if names == order))",
            literal(&json!(orders))
        ),
        Letters::Words(words) => {
            let yes_no = if words.contains_key("yes") { yes_or_no(task) } else { String::new() };
            format!("{yes_no}letters = {}\nReturnAnswer(letters[word])", literal(&json!(words)))
        }
    }
}
