//! The token: half an hour for a name and a password.

use super::{WattTime, address};
use crate::carbon::allowance::Allowance;
use crate::carbon::error::CarbonError;
use crate::outbound::{Answer, Credential, HttpClient, OutboundError, Secret};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::Mutex;
use url::Url;

/// A token counts for 30 minutes; it is renewed before, so that none expires on the way.
const RENEWED_AFTER: SignedDuration = SignedDuration::from_mins(25);
/// A token that is refused is renewed, but not one that is as new as this: then the account lacks the right, and another
/// token would lack it too.
const NEW: SignedDuration = SignedDuration::from_mins(1);
/// WattTime takes 100 logins in five minutes. A fifth of it is far more than one process needs, and leaves room for others of
/// the same account.
const LOGINS: (Duration, u32) = (Duration::from_secs(300), 20);

/// Logged in, or able to.
pub(super) struct Session {
    http: HttpClient,
    base: Url,
    username_file: PathBuf,
    password_file: PathBuf,
    logins: Allowance,
    /// Held while somebody logs in, so that the others wait for that token.
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    bearer: Secret,
    since: Timestamp,
    /// Whether it is there because the one before was refused.
    after_refusal: bool,
}

/// No `Debug`: it would show the token.
#[derive(Deserialize)]
struct Login {
    token: String,
}

impl Session {
    pub(super) fn new(http: HttpClient, settings: &WattTime) -> Self {
        Self {
            http,
            base: settings.url.clone(),
            username_file: settings.username_file.clone(),
            password_file: settings.password_file.clone(),
            logins: Allowance::within(LOGINS.0, Some(LOGINS.1)),
            token: Mutex::default(),
        }
    }

    /// Fetches with the token. One that is refused, be it with 401 or with 403, is renewed once.
    pub(super) async fn get(&self, url: Url, now: Timestamp) -> Result<Vec<u8>, CarbonError> {
        let token = self.token(now, None).await?;
        let answer = self.call(url.clone(), &token).await?;
        let fresh = token.after_refusal && now.duration_since(token.since) < NEW;
        if !is_refusal(&answer) || fresh {
            return body(answer);
        }
        let renewed = self.token(now, Some(&token)).await?;
        body(self.call(url, &renewed).await?)
    }

    async fn call(&self, url: Url, token: &Token) -> Result<Answer, CarbonError> {
        Ok(self.http.call(url, Some(Credential::Bearer(&token.bearer))).await?)
    }

    /// The token at hand, or a new one where it is old or is the one that was refused.
    async fn token(&self, now: Timestamp, refused: Option<&Token>) -> Result<Token, CarbonError> {
        let mut held = self.token.lock().await;
        if let Some(token) = held.as_ref()
            && now.duration_since(token.since) < RENEWED_AFTER
            && refused.is_none_or(|refused| refused.bearer != token.bearer)
        {
            return Ok(token.clone());
        }
        *held = None;
        let token = Token {
            bearer: self.log_in().await?,
            since: now,
            after_refusal: refused.is_some(),
        };
        Ok(held.insert(token).clone())
    }

    async fn log_in(&self) -> Result<Secret, CarbonError> {
        let (username, password) = (Secret::read(&self.username_file)?, Secret::read(&self.password_file)?);
        let (limit, minutes) = (LOGINS.1, LOGINS.0.as_secs() / 60);
        self.logins
            .spend(1, tokio::time::Instant::now())
            .map_err(|_| CarbonError::Logins { limit, minutes })?;
        let url = address(&self.base, &["login"])?;
        let answer = self
            .http
            .call(url, Some(Credential::Basic(&username, &password)))
            .await?;
        let host = answer.host.clone();
        if is_refusal(&answer) {
            return Err(CarbonError::Key { host });
        }
        let login = serde_json::from_slice::<Login>(&answer.body()?).ok();
        let bearer = login.and_then(|login| Secret::new(&login.token));
        let what = || "login gives no token".to_owned();
        Ok(bearer.ok_or_else(|| OutboundError::Shape { host, what: what() })?)
    }
}

fn is_refusal(answer: &Answer) -> bool {
    matches!(answer.status, 401 | 403)
}

/// The body of a success. What a token of just now may not read is not part of the plan.
fn body(answer: Answer) -> Result<Vec<u8>, CarbonError> {
    if is_refusal(&answer) {
        return Err(CarbonError::Denied { host: answer.host });
    }
    Ok(answer.body()?)
}
