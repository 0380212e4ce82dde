//! Times, and what is said about them.

use std::time::Duration;

use serde_json::{Value, json};

/// Times of the same thing, done again and again.
#[derive(Default)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64() * 1e3);
    }

    /// In milliseconds: best, median, 99th percentile.
    pub(crate) fn tell(mut self) -> Value {
        self.0.sort_by(f64::total_cmp);
        json!({
            "n": self.0.len(),
            "best_ms": self.at(0.0),
            "p50_ms": self.at(0.5),
            "p99_ms": self.at(0.99),
        })
    }

    fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((share * last as f64).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut all = Self::default();
        times.into_iter().for_each(|time| all.add(time));
        all
    }
}
