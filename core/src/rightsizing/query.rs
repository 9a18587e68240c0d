use super::serving::{self, Kind, Measure, Server, ServingMetric};
use jiff::SignedDuration;
use std::collections::BTreeMap;

/// Longest query that is asked, in bytes.
const MAX_QUERY: usize = 4096;
/// Labels of a preset.
const MAX_LABELS: usize = 8;
/// Bytes of a label's name or value.
const MAX_LABEL: usize = 256;

/// What Prometheus is asked. Only what can be asked is one: a text from a manifest becomes it here and nowhere else.
#[derive(Debug, Clone, PartialEq)]
pub enum PromQuery {
    /// A metric of a known server, of the target's pods.
    Preset(Preset),
    /// An expression of the tenant's own, asked as it is.
    Text(String),
}

/// A metric of a known server.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    row: &'static ServingMetric,
    quantile: Option<f64>,
    labels: BTreeMap<String, String>,
    window: Option<SignedDuration>,
}

/// Why something cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// The server has no such metric.
    #[error("the server exposes no metric for this measure")]
    NotExposed,
    /// A histogram without a quantile.
    #[error("is of single requests: give a quantile such as \"0.99\"")]
    QuantileMissing,
    /// A quantile of something else.
    #[error("takes no quantile: the server exposes no histogram for this measure")]
    QuantileNeedless,
    /// Not between 0 and 1.
    #[error("the quantile must be above 0 and below 1")]
    QuantileRange,
    /// A label's name.
    #[error("labels must have names of letters, digits and _, and none that begins with __")]
    LabelName,
    /// More or longer labels than are taken.
    #[error("takes at most {MAX_LABELS} labels of at most {MAX_LABEL} bytes")]
    Labels,
    /// Beyond what a rate can be taken over.
    #[error("the window must be from 10 s to 1 h")]
    Window,
    /// An empty or endless query.
    #[error("the query must have from 1 to {MAX_QUERY} bytes")]
    Length,
}

impl QueryError {
    /// The key of a preset that is to be set otherwise; none where it is about a query.
    #[must_use]
    pub fn key(self) -> Option<&'static str> {
        match self {
            Self::NotExposed => Some("measure"),
            Self::QuantileMissing | Self::QuantileNeedless | Self::QuantileRange => Some("quantile"),
            Self::LabelName | Self::Labels => Some("labels"),
            Self::Window => Some("window"),
            Self::Length => None,
        }
    }
}

impl PromQuery {
    /// A metric of a known server. `quantile` is for latencies of which the server has a histogram; `labels` narrow the series
    /// down; `window` is what rates are taken over, that of the settings where it is `None`.
    ///
    /// # Errors
    /// When the server has no such metric, or something about it is not as [`QueryError`] says.
    pub fn preset(
        (server, measure): (Server, Measure),
        quantile: Option<f64>,
        labels: BTreeMap<String, String>,
        window: Option<SignedDuration>,
    ) -> Result<Self, QueryError> {
        let row = serving::of(server, measure).ok_or(QueryError::NotExposed)?;
        match (row.kind, quantile) {
            (Kind::Histogram, None) => return Err(QueryError::QuantileMissing),
            (Kind::Histogram, Some(quantile)) if quantile <= 0.0 || quantile >= 1.0 || quantile.is_nan() => {
                return Err(QueryError::QuantileRange);
            }
            (Kind::Histogram, Some(_)) | (_, None) => {}
            (_, Some(_)) => return Err(QueryError::QuantileNeedless),
        }
        if labels.len() > MAX_LABELS
            || labels
                .iter()
                .any(|(name, value)| name.len().max(value.len()) > MAX_LABEL)
        {
            return Err(QueryError::Labels);
        }
        if !labels.keys().all(|name| is_label(name)) {
            return Err(QueryError::LabelName);
        }
        let bounds = SignedDuration::from_secs(10)..=SignedDuration::from_hours(1);
        if window.is_some_and(|window| !bounds.contains(&window)) {
            return Err(QueryError::Window);
        }
        Ok(Self::Preset(Preset {
            row,
            quantile,
            labels,
            window,
        }))
    }

    /// An expression, asked as it is.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn text(query: &str) -> Result<Self, QueryError> {
        let query = query.trim();
        if query.is_empty() || query.len() > MAX_QUERY {
            return Err(QueryError::Length);
        }
        Ok(Self::Text(query.to_owned()))
    }

    /// The metric, where it is one of the table.
    #[must_use]
    pub fn metric(&self) -> Option<&'static str> {
        match self {
            Self::Preset(preset) => Some(preset.row.name),
            Self::Text(_) => None,
        }
    }
}

impl Preset {
    /// The row of the table.
    #[must_use]
    pub fn row(&self) -> &'static ServingMetric {
        self.row
    }

    /// Which quantile, of a histogram and of nothing else.
    #[must_use]
    pub fn quantile(&self) -> Option<f64> {
        self.quantile
    }

    /// Labels that the series must have besides.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// What rates are taken over; that of the settings where it is `None`.
    #[must_use]
    pub fn window(&self) -> Option<SignedDuration> {
        self.window
    }
}

/// A name that Prometheus takes for a label, and none of those that it keeps for itself.
fn is_label(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty()
        && !name.starts_with("__")
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset(server: Server, measure: Measure, quantile: Option<f64>) -> Result<PromQuery, QueryError> {
        PromQuery::preset((server, measure), quantile, BTreeMap::new(), None)
    }

    #[test]
    fn a_histogram_wants_a_quantile_and_nothing_else_takes_one() {
        assert!(preset(Server::Vllm, Measure::Latency, Some(0.99)).is_ok());
        assert!(preset(Server::Vllm, Measure::QueueDepth, None).is_ok());
        assert!(
            preset(Server::Triton, Measure::Latency, None).is_ok(),
            "a mean of two counters"
        );
        for (server, measure, quantile, error) in [
            (Server::Vllm, Measure::Latency, None, QueryError::QuantileMissing),
            (
                Server::Vllm,
                Measure::QueueDepth,
                Some(0.5),
                QueryError::QuantileNeedless,
            ),
            (
                Server::Triton,
                Measure::Latency,
                Some(0.99),
                QueryError::QuantileNeedless,
            ),
            (Server::Vllm, Measure::Latency, Some(1.0), QueryError::QuantileRange),
            (Server::Vllm, Measure::Latency, Some(99.0), QueryError::QuantileRange),
            (
                Server::Vllm,
                Measure::Latency,
                Some(f64::NAN),
                QueryError::QuantileRange,
            ),
            (Server::Vllm, Measure::GpuMemory, None, QueryError::NotExposed),
            (Server::LlamaCpp, Measure::Latency, Some(0.9), QueryError::NotExposed),
            (Server::LlamaCpp, Measure::KvCache, None, QueryError::NotExposed),
        ] {
            assert_eq!(preset(server, measure, quantile), Err(error), "{server:?} {measure:?}");
        }
    }

    #[test]
    fn labels_and_texts_are_bounded() {
        let labelled = |name: &str, value: &str| {
            let labels = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            PromQuery::preset((Server::Vllm, Measure::QueueDepth), None, labels, None).err()
        };
        assert_eq!(
            labelled("model_name", "a\"} or x{b=\""),
            None,
            "escaped when it is written"
        );
        for name in ["", "1st", "a-b", "a}", "__name__", "ä"] {
            assert_eq!(labelled(name, "x"), Some(QueryError::LabelName), "{name}");
        }
        assert_eq!(labelled("a", &"x".repeat(257)), Some(QueryError::Labels));
        assert_eq!(PromQuery::text("  \n"), Err(QueryError::Length));
        assert_eq!(PromQuery::text(&"x".repeat(4097)), Err(QueryError::Length));
        assert_eq!(PromQuery::text(" up "), Ok(PromQuery::Text("up".to_owned())));
    }
}
