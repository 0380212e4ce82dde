//! Units of answers, and numbers in options.

/// What a number is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Metre,
    Centimetre,
    Millimetre,
    Inch,
    Foot,
    Yard,
    Degree,
    Radian,
}

impl Unit {
    pub(super) const ALL: [Self; 8] = [
        Self::Metre,
        Self::Centimetre,
        Self::Millimetre,
        Self::Inch,
        Self::Foot,
        Self::Yard,
        Self::Degree,
        Self::Radian,
    ];

    /// How people write it, the symbol first.
    pub(super) fn spellings(self) -> &'static [&'static str] {
        match self {
            Self::Metre => &["m", "metre", "metres", "meter", "meters"],
            Self::Centimetre => &["cm", "centimetre", "centimetres", "centimeter", "centimeters"],
            Self::Millimetre => &["mm", "millimetre", "millimetres", "millimeter", "millimeters"],
            Self::Inch => &["in", "inch", "inches"],
            Self::Foot => &["ft", "foot", "feet"],
            Self::Yard => &["yd", "yard", "yards"],
            Self::Degree => &["deg", "degree", "degrees", "°"],
            Self::Radian => &["rad", "radian", "radians"],
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let lower = text.trim().trim_matches(['`', '.', '(', ')']).to_lowercase();
        Self::ALL.into_iter().find(|unit| unit.spellings().contains(&lower.as_str()))
    }

    pub(super) fn symbol(self) -> &'static str {
        self.spellings()[0]
    }

    /// Metres or degrees in one of it.
    pub(super) fn scale(self) -> f64 {
        match self {
            Self::Metre | Self::Degree => 1.0,
            Self::Centimetre => 0.01,
            Self::Millimetre => 0.001,
            Self::Inch => 0.0254,
            Self::Foot => 0.3048,
            Self::Yard => 0.9144,
            Self::Radian => 180.0 / std::f64::consts::PI,
        }
    }

    pub(super) fn is_angle(self) -> bool {
        matches!(self, Self::Degree | Self::Radian)
    }

    /// Decimals worth stating.
    pub(super) fn digits(self) -> u32 {
        match self {
            Self::Millimetre => 1,
            Self::Centimetre | Self::Inch | Self::Degree => 2,
            Self::Foot | Self::Yard => 3,
            Self::Metre | Self::Radian => 4,
        }
    }
}

/// The quantity an option states, in metres or degrees (or plain, for a count): `1.2 m`, `about 3 feet`, `1-2 m` (its
/// middle), `four`.
pub(super) fn quantity(text: &str, default: Unit) -> Option<f64> {
    let lower = text.to_lowercase().replace('–', "-").replace(',', "");
    let numbers = numbers(&lower);
    let value = match numbers.as_slice() {
        [] => word_number(&lower)?,
        [(value, _)] => *value,
        [(low, _), (high, _)] if low <= high => f64::midpoint(*low, *high),
        _ => return None,
    };
    let after = numbers.last().map_or("", |(_, end)| &lower[*end..]);
    let unit = after.split_whitespace().find_map(Unit::parse).unwrap_or(default);
    Some(value * unit.scale())
}

/// Every number in a text and where it ends. A minus sign counts only at the start.
fn numbers(text: &str) -> Vec<(f64, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = text[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + offset;
        let length =
            text[start..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len() - start);
        let digits = text[start..start + length].trim_end_matches('.');
        at = start + length;
        if let Ok(value) = digits.parse::<f64>() {
            let negative = found.is_empty() && text[..start].trim() == "-";
            found.push((if negative { -value } else { value }, start + digits.len()));
        }
    }
    found
}

fn word_number(text: &str) -> Option<f64> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    if words.contains(&"none") {
        return Some(0.0);
    }
    WORDS.iter().position(|word| words.contains(word)).map(|value| value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_state_quantities() {
        let cases = [
            ("1.2 m", Some(1.2)),
            ("120cm", Some(1.2)),
            ("about 10 feet", Some(3.048)),
            ("1 - 2 m", Some(1.5)),
            ("3", Some(3.0)),
            ("Four", Some(4.0)),
            ("1,200 mm", Some(1.2)),
            ("none", Some(0.0)),
            ("2.", Some(2.0)),
            ("far", None),
            ("", None),
        ];
        for (text, value) in cases {
            let read = quantity(text, Unit::Metre);
            assert_eq!(read.map(|v| (v * 1e6).round()), value.map(|v: f64| (v * 1e6).round()), "{text}");
        }
    }

    #[test]
    fn units_are_read_as_people_write_them() {
        assert_eq!(Unit::parse("Metres"), Some(Unit::Metre));
        assert_eq!(Unit::parse("feet."), Some(Unit::Foot));
        assert_eq!(Unit::parse("furlongs"), None);
    }
}
