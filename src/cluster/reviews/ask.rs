use super::wire::{AccessReview, Review, TokenReview, User};
use super::{AUDIENCE, ReviewError};
use crate::cluster::pace::Pace;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// A person waits for the answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// The API server repeats the question, token and all, and adds groups.
const MAX_ANSWER: usize = 128 * 1024;

/// The questions themselves, within a pace.
pub(super) struct Asking {
    pub(super) client: Client,
    pub(super) pace: Pace,
    pub(super) places: Semaphore,
}

impl Asking {
    /// Who bears a token. It may be one for Heliotrope alone, or one for the API server.
    pub(super) async fn who(&self, token: &str) -> Result<Option<Arc<User>>, ReviewError> {
        for audiences in [&[AUDIENCE][..], &[]] {
            let review = TokenReview::about(token, audiences);
            let answer: Review<super::wire::Identified> = self.create(TokenReview::PATH, &review).await?;
            if let Some(user) = answer.status.user_of(audiences) {
                return Ok(Some(Arc::new(user)));
            }
        }
        Ok(None)
    }

    /// Whether somebody may get pods in a namespace, or in all of them.
    pub(super) async fn may_get_pods(&self, user: &User, namespace: Option<&str>) -> Result<bool, ReviewError> {
        let review = AccessReview::of_pods(user, namespace);
        let answer: Review<super::wire::Judged> = self.create(AccessReview::PATH, &review).await?;
        Ok(answer.status.is_allowed())
    }

    /// Not by kube's own call: that logs an answer which it cannot read, and the answer repeats the token.
    async fn create<A: DeserializeOwned>(&self, path: &str, review: &impl Serialize) -> Result<A, ReviewError> {
        let _place = self.places.try_acquire().map_err(|_| ReviewError::Busy)?;
        self.pace.take(Instant::now()).map_err(|_| ReviewError::Busy)?;
        let body = serde_json::to_vec(review).map_err(|_| ReviewError::Shape)?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(Body::from(body))
            .map_err(|_| ReviewError::Shape)?;
        let answered = timeout(PATIENCE, self.exchange(request)).await;
        let bytes = answered.map_err(|_| ReviewError::Silent("it took longer than 3 seconds"))??;
        serde_json::from_slice(&bytes).map_err(|_| ReviewError::Shape)
    }

    async fn exchange(&self, request: Request<Body>) -> Result<Vec<u8>, ReviewError> {
        let sent = self.client.send(request).await;
        let answer = sent.map_err(|_| ReviewError::Silent("no connection, or it broke off"))?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => return Err(ReviewError::Forbidden),
            status => return Err(ReviewError::Status(status.as_u16())),
        }
        let read = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let read = read.map_err(|_| ReviewError::Silent("the answer broke off or is too long"))?;
        Ok(read.to_bytes().to_vec())
    }
}
