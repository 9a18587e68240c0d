use super::client::{HttpClient, OutboundError};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use url::Url;

/// One sample of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Value; never NaN or infinite.
    pub value: f64,
}

/// Instant queries of one Prometheus.
#[derive(Debug, Clone)]
pub struct PrometheusClient {
    http: HttpClient,
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

impl PrometheusClient {
    /// A client of the server at a base address.
    #[must_use]
    pub fn new(http: HttpClient, base: Url) -> Self {
        Self { http, base }
    }

    /// Evaluates an expression at a moment. Samples that are no number are left out: they say nothing.
    ///
    /// # Errors
    /// When the server does not answer, or not with an instant vector.
    pub async fn query(&self, expression: &str, at: Timestamp) -> Result<Vec<Sample>, OutboundError> {
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
            .ok_or_else(|| shape(answer.error))?;
        if data.result_type != "vector" {
            return Err(shape(format!(
                "the expression gives a {}, not a vector",
                data.result_type
            )));
        }
        let series: Vec<Series> = serde_json::from_value(data.result).map_err(|_| shape("its vector".to_owned()))?;
        let sample = |series: Series| {
            let value = series.value.1.parse::<f64>().ok().filter(|value| value.is_finite())?;
            Some(Sample {
                labels: series.metric,
                value,
            })
        };
        Ok(series.into_iter().filter_map(sample).collect())
    }
}
