//! Joins the admin listener, which wants to know what callers may read, with the cluster, which knows.

use crate::admin::settings::AdminAuth;
use crate::admin::{Access, Reviewer, Unreviewed, Verdict};
use crate::cluster::{self, Reviews};
use futures::FutureExt;
use futures::future::BoxFuture;
use kube::Client;
use std::sync::Arc;

/// Who is answered what tells of tenants, as the settings say.
#[must_use]
pub fn access(auth: AdminAuth, client: &Client) -> Access {
    match auth {
        AdminAuth::Off => Access::Open,
        AdminAuth::Token => Access::Reviewed(Arc::new(Reviews::new(client.clone()))),
    }
}

impl Reviewer for Reviews {
    fn review<'a>(
        &'a self,
        token: &'a str,
        namespace: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Verdict, Unreviewed>> {
        let told = async move {
            // Why there is none was logged where it happened.
            let verdict = self.may_get_pods(token, namespace).await.map_err(|_| Unreviewed)?;
            Ok(match verdict {
                cluster::Verdict::Allowed => Verdict::Allowed,
                cluster::Verdict::Denied => Verdict::Denied,
                cluster::Verdict::Unknown => Verdict::Unknown,
            })
        };
        told.boxed()
    }
}
