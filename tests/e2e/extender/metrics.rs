/// One scrape of a `/metrics` page.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// Takes the page's text.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The page.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The value of the series with this name and at least these labels; the sum if several fit.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fitting = self.0.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (labels_text, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.rsplit_once('}')?,
                None => ("", rest),
            };
            if !labels_text.is_empty() || value.starts_with(' ') {
                let all = labels.iter().all(|(key, value)| {
                    let wanted = format!("{key}=\"{value}\"");
                    labels_text.split(',').any(|pair| pair == wanted)
                });
                return all
                    .then(|| value.split_whitespace().next()?.parse::<f64>().ok())
                    .flatten();
            }
            None
        });
        fitting.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }

    /// The same of a counter of things; none where there is no such series.
    pub(crate) fn count(&self, name: &str, labels: &[(&str, &str)]) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counters of things are whole and not negative"
        )]
        let count = self.get(name, labels).unwrap_or_default() as usize;
        count
    }

    /// The lines that contain a text, for messages.
    pub(crate) fn lines_with(&self, text: &str) -> Vec<&str> {
        self.0
            .lines()
            .filter(|line| !line.starts_with('#') && line.contains(text))
            .collect()
    }
}
