use crate::loopback::{Loopback, now};
use axum::Router;
use axum::routing::get;
use jiff::SignedDuration;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// How old its samples are: the provider behind it publishes once an hour.
const LAG: SignedDuration = SignedDuration::from_mins(40);

/// A fake of grid-intensity-go's exporter: average intensities with the time that the provider gave them, and beside them the
/// relative series, which is a percentage and ranks nothing.
pub(crate) struct FakeIntensityExporter {
    server: Loopback,
}

impl FakeIntensityExporter {
    /// Starts it for zones with their g/kWh.
    pub(crate) async fn start(grid: &[(&str, f64)]) -> Self {
        let stamp = (now() - LAG).as_millisecond();
        let mut page = String::new();
        for (metric, units) in [("average", "gCO2e per kWh"), ("relative", "percent")] {
            writeln!(page, "# TYPE grid_intensity_carbon_{metric} gauge").unwrap();
            for (zone, grams) in grid {
                let value = if metric == "average" { *grams } else { 1.0 };
                writeln!(
                    page,
                    r#"grid_intensity_carbon_{metric}{{provider="ElectricityMaps",location="{zone}",node="",region="",units="{units}",is_estimated="true"}} {value} {stamp}"#
                )
                .unwrap();
            }
        }
        let router = Router::new().route("/metrics", get(move || std::future::ready(page.clone())));
        Self {
            server: Loopback::serve(router).await,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }
}
