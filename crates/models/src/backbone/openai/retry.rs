//! When to try again, and what to say when not.

use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, SystemTime},
};

use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use spatialclaw_domain::{Fault, FaultKind};

/// The fault of one attempt that got `status` and `body`. `asked` is when the endpoint wants to be tried again.
pub(super) fn refused(
    url: &str,
    model: &str,
    status: StatusCode,
    body: &str,
    asked: Option<Duration>,
) -> Fault {
    let (kind, advice) = match status.as_u16() {
        400 | 413 | 422 => (
            FaultKind::Invalid,
            "check that the conversation fits the model's context, that the model takes pictures, and backbone.openai.*.extra",
        ),
        401 | 403 => (FaultKind::Invalid, "check backbone.openai.key_env or key_file"),
        404 | 405 => {
            (FaultKind::Invalid, "check backbone.openai.base_url (it ends in /v1 for most servers) and model")
        }
        300..=399 => (
            FaultKind::Invalid,
            "redirects are not followed; put the final address into backbone.openai.base_url",
        ),
        408 => (FaultKind::Deadline, "the endpoint took too long"),
        429 => (FaultKind::Exhausted, "the endpoint is at its rate limit"),
        425 | 500..=599 => (FaultKind::Unavailable, "the endpoint failed"),
        _ => (FaultKind::Invalid, "the endpoint does not accept the request"),
    };
    let said = excerpt(body);
    let fault = Fault::new(kind, format!("model `{model}` at {url} answered {status}: {advice}{said}"));
    match asked {
        Some(wait) => fault.retry_after(wait),
        None => fault,
    }
}

fn excerpt(body: &str) -> String {
    let flat: String = body.split_whitespace().collect::<Vec<_>>().join(" ");
    match flat.char_indices().nth(400) {
        _ if flat.is_empty() => String::new(),
        Some((cut, _)) => format!("; it said: {}…", &flat[..cut]),
        None => format!("; it said: {flat}"),
    }
}

/// What the endpoint asked for: seconds or a date.
pub(super) fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Doubling waits with jitter.
pub(super) struct Backoff {
    pub(super) first: Duration,
    pub(super) max: Duration,
}

impl Backoff {
    /// The wait after `failed` attempts: between half and all of `first · 2^(failed − 1)`, never above the bound.
    pub(super) fn wait(&self, failed: u32) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1))).min(self.max);
        doubled.mul_f64(0.5 + 0.5 * jitter())
    }
}

/// In [0, 1): every `RandomState` has keys of its own.
fn jitter() -> f64 {
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn header(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(text).unwrap())])
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(asked_wait(&header("2")), Some(Duration::from_secs(2)));
        assert_eq!(asked_wait(&header("Wed, 21 Oct 2015 07:28:00 GMT")), Some(Duration::ZERO));
        assert_eq!(asked_wait(&header("soon")), None);
        assert_eq!(asked_wait(&header("-1")), None);
        assert_eq!(asked_wait(&HeaderMap::new()), None);
    }

    #[test]
    fn waits_double_up_to_the_bound() {
        let backoff = Backoff { first: Duration::from_secs(1), max: Duration::from_secs(5) };
        for (failed, longest) in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (60, 5.0)] {
            let wait = backoff.wait(failed).as_secs_f64();
            assert!((longest / 2.0..=longest).contains(&wait), "{failed}: {wait}");
        }
    }
}
