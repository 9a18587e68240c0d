//! The yearly averages of the zones table.

use super::error::CarbonError;
use super::provider::{Ask, Provider, Told};
use heliotrope_core::grid::{IntensityKind, ZoneId, ZoneTable};
use jiff::Timestamp;
use std::future::pending;
use std::time::Duration;
use tokio::sync::watch;

/// Says what the table says, and says it anew when the table has changed.
pub(super) struct TableProvider {
    table: watch::Receiver<ZoneTable>,
    kind: IntensityKind,
    every: Duration,
}

impl TableProvider {
    pub(super) fn new(table: watch::Receiver<ZoneTable>, kind: IntensityKind, every: Duration) -> Self {
        Self { table, kind, every }
    }
}

impl Provider for TableProvider {
    type Topic = Vec<ZoneId>;

    fn asks(&self, zones: &[ZoneId]) -> Vec<Ask<Vec<ZoneId>>> {
        vec![Ask {
            topic: zones.to_vec(),
            key: "table".to_owned(),
            zones: zones.to_vec(),
            every: self.every,
            calls: 0,
            needs: None,
        }]
    }

    /// A zone without a figure of this kind is not told.
    async fn fetch(&self, zones: &Vec<ZoneId>, _: Timestamp) -> Result<Vec<Told>, CarbonError> {
        let table = self.table.borrow();
        let told = zones.iter().filter_map(|zone| {
            let average = table.yearly(zone, self.kind)?;
            Some(Told {
                zone: Some(zone.clone()),
                fixed: Some(average.intensity),
                ..Told::nothing(self.kind)
            })
        });
        Some(told.collect::<Vec<_>>())
            .filter(|told| !told.is_empty())
            .ok_or(CarbonError::NoData)
    }

    async fn changed(&self) {
        if self.table.clone().changed().await.is_err() {
            pending::<()>().await;
        }
    }
}
