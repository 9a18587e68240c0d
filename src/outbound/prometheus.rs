use super::access::{Access, AccessClient};
use super::client::{HttpClient, OutboundError};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};
use url::Url;

/// What is repeated of a server's own words.
const MAX_TOLD: usize = 200;

/// One sample of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Value; never NaN or infinite.
    pub value: f64,
}

/// The answer to an instant query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vector {
    /// Samples that are numbers.
    pub samples: Vec<Sample>,
    /// How many were NaN, infinite or no number at all: they say nothing, but somebody may want to know.
    pub not_numbers: u64,
}

/// A sample with when it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedSample {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Value; never NaN or infinite.
    pub value: f64,
    /// When it was taken, which can be minutes before it was asked for.
    pub observed_at: Timestamp,
}

/// Samples with their times.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TimedVector {
    /// Samples that are numbers and have a time.
    pub samples: Vec<TimedSample>,
    /// How many were no numbers.
    pub not_numbers: u64,
}

/// Instant queries of one Prometheus.
#[derive(Debug, Clone)]
pub struct PrometheusClient {
    http: AccessClient,
    base: Url,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    #[serde(default)]
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

/// A series with all its samples of a stretch of time, oldest first.
#[derive(Deserialize)]
struct Stretch {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

impl Sample {
    /// The labels without the name of the metric, which functions such as `timestamp` drop.
    fn identity(&self) -> Vec<(&str, &str)> {
        self.labels
            .iter()
            .filter(|(key, _)| *key != "__name__")
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect()
    }
}

impl PrometheusClient {
    /// A client of the server at a base address, asked as it wants to be.
    #[must_use]
    pub fn new(http: HttpClient, base: Url, access: &Access) -> Self {
        Self {
            http: AccessClient::new(http, access),
            base,
        }
    }

    /// Evaluates an expression at a moment. Samples that are no number are left out and counted.
    ///
    /// # Errors
    /// When the server does not answer, or not with an instant vector.
    pub async fn query(&self, expression: &str, at: Timestamp) -> Result<Vector, OutboundError> {
        let series: Vec<Series> = self.ask(expression, at, "vector").await?;
        let mut vector = Vector::default();
        for Series { metric, value } in series {
            match number(&value.1) {
                Some(value) => vector.samples.push(Sample { labels: metric, value }),
                None => vector.not_numbers += 1,
            }
        }
        Ok(vector)
    }

    /// The series of an answer that must be of one type.
    async fn ask<T: DeserializeOwned>(
        &self,
        expression: &str,
        at: Timestamp,
        result_type: &str,
    ) -> Result<Vec<T>, OutboundError> {
        let host = self.base.host_str().unwrap_or_default().to_owned();
        let shape = |what: String| OutboundError::Shape {
            host: host.clone(),
            what,
        };
        let mut url = self.base.clone();
        let path = format!("{}/api/v1/query", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.query_pairs_mut()
            .append_pair("query", expression)
            .append_pair("time", &at.to_string());
        let body = self.http.get(url).await?;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|_| shape("it is not a query answer".to_owned()))?;
        let data = answer
            .data
            .filter(|_| answer.status == "success")
            .ok_or_else(|| shape(answer.error.chars().take(MAX_TOLD).collect()))?;
        if data.result_type != result_type {
            return Err(shape(format!(
                "the expression gives a {}, not a {result_type}",
                data.result_type
            )));
        }
        serde_json::from_value(data.result).map_err(|_| shape(format!("its {result_type}")))
    }

    /// The newest sample of each series of a selector, with the time that it bears, if that is within `reach` of a moment.
    ///
    /// An instant query finds nothing older than five minutes (the server's look-back), and an exporter that stamps its
    /// samples itself gives them times of an hour ago: such series would always seem empty. A range has them. One call.
    ///
    /// # Errors
    /// As [`PrometheusClient::query`]; also where the selector is another expression, of which no range can be taken.
    pub async fn newest(
        &self,
        selector: &str,
        reach: SignedDuration,
        at: Timestamp,
    ) -> Result<TimedVector, OutboundError> {
        let range = format!("{}[{}s]", selector.trim(), reach.as_secs());
        let series: Vec<Stretch> = self.ask(&range, at, "matrix").await?;
        let mut vector = TimedVector::default();
        for Stretch { metric, values } in series {
            let Some((stamp, text)) = values.last() else { continue };
            match (number(text), moment(*stamp)) {
                (Some(value), Some(observed_at)) => vector.samples.push(TimedSample {
                    labels: metric,
                    value,
                    observed_at,
                }),
                _ => vector.not_numbers += 1,
            }
        }
        Ok(vector)
    }

    /// Evaluates a selector at a moment, and the time of each of its samples: an answer bears the time of the question,
    /// and a sample up to five minutes old still answers it. Two calls.
    ///
    /// # Errors
    /// As [`PrometheusClient::query`].
    pub async fn timed(&self, selector: &str, at: Timestamp) -> Result<TimedVector, OutboundError> {
        self.timed_as(selector, selector, at).await
    }

    /// Evaluates an expression over the series of a selector, such as their rate, and takes the times of the series.
    ///
    /// # Errors
    /// As [`PrometheusClient::query`].
    pub async fn timed_as(
        &self,
        expression: &str,
        selector: &str,
        at: Timestamp,
    ) -> Result<TimedVector, OutboundError> {
        let values = self.query(expression, at).await?;
        if values.samples.is_empty() {
            return Ok(TimedVector {
                samples: Vec::new(),
                not_numbers: values.not_numbers,
            });
        }
        let stamps = self.query(&format!("timestamp({selector})"), at).await?;
        let stamps: HashMap<_, f64> = stamps
            .samples
            .iter()
            .map(|sample| (sample.identity(), sample.value))
            .collect();
        let timed = values.samples.iter().filter_map(|sample| {
            Some(TimedSample {
                labels: sample.labels.clone(),
                value: sample.value,
                observed_at: moment(*stamps.get(&sample.identity())?)?,
            })
        });
        Ok(TimedVector {
            samples: timed.collect(),
            not_numbers: values.not_numbers,
        })
    }
}

/// A sample's value; nothing where it is NaN, infinite or no number.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Seconds since 1970, as a moment.
fn moment(seconds: f64) -> Option<Timestamp> {
    let since = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::UNIX_EPOCH.checked_add(since).ok()
}
