use super::queue::Served;
use super::service::Service;
use crate::quantity::{Grams, GramsPerKwh, Joules};
use serde::Serialize;

/// How long it took until there was capacity again for the load that came, over the times at which there was not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// How often capacity fell short.
    pub episodes: usize,
    /// Half of them were over within so many seconds.
    pub p50: f64,
    /// 95 % of them were.
    pub p95: f64,
}

/// What a policy did over the measured days.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Hours of all replicas, from their start on.
    pub replica_hours: f64,
    /// Minutes in which more requests came than the ready replicas could serve.
    pub under_provisioned_minutes: u32,
    /// Minutes measured.
    pub minutes: u32,
    /// Share of the requests that waited for more than two seconds.
    pub late_share: f64,
    /// Time to capacity; none where capacity never fell short, and of the oracle, which is computed by the minute.
    pub to_capacity: Option<Wait>,
    /// What all of it emitted.
    pub grams: Grams,
    /// The most replicas at once.
    pub most: i32,
}

/// Adds up what happens second by second.
#[derive(Debug, Default)]
pub(super) struct Meter {
    replica_seconds: f64,
    joules_grams: f64,
    under: u32,
    minutes: u32,
    served: f64,
    late: f64,
    most: i32,
    short_since: Option<i64>,
    waits: Vec<f64>,
    minute: Minute,
}

/// What a minute adds up to.
#[derive(Debug, Default, Clone, Copy)]
struct Minute {
    came: f64,
    room: f64,
    replicas: f64,
    served: f64,
}

/// One second of the service.
pub(super) struct Second {
    pub(super) now: i64,
    pub(super) total: i32,
    /// What the ready replicas can serve.
    pub(super) room: f64,
    pub(super) came: f64,
    /// The mean rate of the last minute.
    pub(super) rate: f64,
    pub(super) served: Served,
}

impl Meter {
    pub(super) fn second(&mut self, second: &Second) {
        self.served += second.served.all;
        self.late += second.served.late;
        self.most = self.most.max(second.total);
        self.minute.came += second.came;
        self.minute.room += second.room;
        self.minute.replicas += f64::from(second.total);
        self.minute.served += second.served.all;
        match (self.short_since, second.rate > second.room) {
            (None, true) => self.short_since = Some(second.now),
            (Some(since), false) => {
                self.waits.push((second.now - since) as f64);
                self.short_since = None;
            }
            _ => {}
        }
    }

    /// The end of a minute in which the grid had this intensity.
    pub(super) fn minute(&mut self, service: &Service, intensity: GramsPerKwh) {
        let minute = std::mem::take(&mut self.minute);
        self.minutes += 1;
        self.under += u32::from(minute.came > minute.room);
        self.replica_seconds += minute.replicas;
        let joules = service.joules(minute.replicas, 1.0, minute.served);
        self.joules_grams += Joules::saturating(joules).at(intensity).get();
    }

    pub(super) fn done(mut self, end: i64) -> Outcome {
        self.waits.extend(self.short_since.map(|since| (end - since) as f64));
        self.waits.sort_by(f64::total_cmp);
        let at = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in a list"
            )]
            let place = (share * self.waits.len() as f64).ceil() as usize;
            self.waits.get(place.saturating_sub(1)).copied()
        };
        Outcome {
            replica_hours: self.replica_seconds / 3600.0,
            under_provisioned_minutes: self.under,
            minutes: self.minutes,
            late_share: if self.served > 0.0 {
                self.late / self.served
            } else {
                0.0
            },
            to_capacity: at(0.5).zip(at(0.95)).map(|(p50, p95)| Wait {
                episodes: self.waits.len(),
                p50,
                p95,
            }),
            grams: Grams::saturating(self.joules_grams),
            most: self.most,
        }
    }
}
