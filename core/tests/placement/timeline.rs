//! Minutes of a cluster whose telemetry lags: pods are answered, bound, started, run and end, samples come late or not at
//! all, the extender starts anew. Whatever the scheduler chooses of an answer, no rack draws more than its cap.

use crate::domains::{Floor, asked, asking, filtered, promised, racks, running, sample};
use crate::world::{NodeSpec, World, ZoneSpec, all, now, policy};
use heliotrope_core::placement::{Bookings, Candidate};
use heliotrope_core::snapshot::{BookingBounds, ClusterEvent, Snapshot, SnapshotBuilder, Surroundings};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;
use std::sync::Arc;

/// Seconds of one step.
const STEP: i64 = 15;
/// Steps in which a pod's power rises, and by which samples lag.
const RISE: i64 = 8;
const LAG: i64 = 3;
const BOARDS: u32 = 8;

#[derive(Debug, Clone)]
enum Step {
    /// A pod of so many GPUs asks; it lands on one of the kept nodes, after some steps, and starts after some more. It
    /// comes to draw a share of the most that it may.
    Ask {
        gpus: u32,
        lands: Index,
        binds: i64,
        starts: i64,
        peak: f64,
    },
    /// One of the running pods ends.
    End(Index),
    /// A scrape of all nodes.
    Scrape,
    /// Time goes by.
    Wait,
    /// The extender is killed and starts anew, once what it answered has been bound.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ask = (
        1u32..5,
        any::<Index>(),
        0i64..3,
        0i64..3,
        prop_oneof![Just(1.0), 0.0f64..1.0],
    );
    let ask = ask.prop_map(|(gpus, lands, binds, starts, peak)| Step::Ask {
        gpus,
        lands,
        binds,
        starts,
        peak,
    });
    let step = prop_oneof![
        8 => ask,
        2 => any::<Index>().prop_map(Step::End),
        5 => Just(Step::Scrape),
        5 => Just(Step::Wait),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..120)
}

struct Pod {
    uid: String,
    gpus: u32,
    node: usize,
    binds: i64,
    starts: i64,
    /// Watts at the end of its rise.
    peak: f64,
    ended: Option<i64>,
}

impl Pod {
    /// What it draws in truth.
    fn draws(&self, step: i64) -> f64 {
        if step < self.starts || self.ended.is_some_and(|ended| ended <= step) {
            return 0.0;
        }
        self.peak * ((step - self.starts) as f64 / RISE as f64).min(1.0)
    }
}

fn at(step: i64) -> Timestamp {
    now() + SignedDuration::from_secs(step * STEP)
}

struct Run {
    floor: Floor,
    builder: SnapshotBuilder,
    bookings: Bookings,
    pods: Vec<Pod>,
    step: i64,
    told: usize,
    snapshot: Snapshot,
}

impl Run {
    fn new(floor: Floor) -> Self {
        let mut builder = Self::fresh(&floor);
        let snapshot = builder.build(at(0));
        Self {
            floor,
            builder,
            bookings: Bookings::none(),
            pods: Vec::new(),
            step: 0,
            told: 0,
            snapshot,
        }
    }

    fn fresh(floor: &Floor) -> SnapshotBuilder {
        let mut builder = floor.builder();
        builder.surround(Surroundings {
            bookings: BookingBounds {
                ramp: SignedDuration::from_secs((RISE + LAG) * STEP),
                in_flight: SignedDuration::from_mins(5),
                ..BookingBounds::default()
            },
            ..floor.surroundings()
        });
        builder
    }

    fn truth(&self, node: usize, step: i64) -> f64 {
        let idle = crate::world::MODELS[self.floor.world.nodes[node].model.unwrap()].1 * f64::from(BOARDS);
        idle + self
            .pods
            .iter()
            .filter(|pod| pod.node == node)
            .map(|pod| pod.draws(step))
            .sum::<f64>()
    }

    /// What the watch shows of the pods that are bound.
    fn watch(&mut self) {
        for pod in self
            .pods
            .iter()
            .filter(|pod| pod.binds <= self.step && pod.ended.is_none())
        {
            let since = (pod.starts <= self.step).then(|| at(pod.starts));
            let facts = running(&pod.uid, pod.gpus, pod.node, since);
            self.builder
                .apply_cluster(ClusterEvent::Pod(Box::new(facts)), at(self.step));
        }
    }

    fn publish(&mut self) {
        self.watch();
        self.snapshot = self.builder.build(at(self.step));
        self.bookings
            .settle(&self.snapshot, at(self.step), |uid| self.builder.pod(uid));
    }

    fn ask(
        &mut self,
        gpus: u32,
        lands: impl Fn(usize) -> usize,
        (binds, starts): (i64, i64),
        peak: f64,
    ) -> Result<(), TestCaseError> {
        let uid = format!("pod-{}", self.told);
        self.told += 1;
        let free = |node: usize| {
            let held = self.pods.iter().filter(|pod| pod.node == node && pod.ended.is_none());
            BOARDS - held.map(|pod| pod.gpus).sum::<u32>() >= gpus
        };
        let places: Vec<usize> = (0..self.floor.world.nodes.len()).filter(|node| free(*node)).collect();
        let every = all(&self.snapshot);
        let candidates: Vec<Candidate<'_>> = places.iter().map(|node| every[*node]).collect();
        let (ask, policy) = (asking(gpus), policy());
        let question = asked((&uid, at(self.step)), &self.snapshot, &ask, &policy, &self.bookings);
        let verdict = filtered(&question, &candidates);
        let kept: Vec<usize> = (0..places.len())
            .filter(|place| verdict.kept[*place])
            .map(|place| places[place])
            .collect();
        if kept.is_empty() {
            return Ok(());
        }
        let promise = promised(&question, &candidates, &verdict.kept);
        self.bookings.promise(promise);
        for node in &kept {
            for ix in &self.snapshot.nodes()[*node].domains {
                let domain = self.snapshot.domain(*ix).unwrap();
                let bears = domain.committed.get() + self.bookings.reserved_in(&domain.key).get();
                prop_assert!(bears <= domain.cap.get() + 1.0, "{} bears {bears} W", domain.key.value);
            }
        }
        let node = kept[lands(kept.len())];
        self.pods.push(Pod {
            uid,
            gpus,
            node,
            binds: self.step + binds,
            starts: self.step + binds + starts,
            peak: peak * self.floor.rise(node) * f64::from(gpus),
            ended: None,
        });
        Ok(())
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Ask {
                gpus,
                lands,
                binds,
                starts,
                peak,
            } => self.ask(*gpus, |kept| lands.index(kept), (*binds, *starts), *peak)?,
            Step::End(which) => {
                let step = self.step;
                let live: Vec<&mut Pod> = self
                    .pods
                    .iter_mut()
                    .filter(|pod| pod.binds <= step && pod.ended.is_none())
                    .collect();
                if !live.is_empty() {
                    let which = which.index(live.len());
                    let pod = live.into_iter().nth(which).unwrap();
                    pod.ended = Some(step);
                    let uid = Arc::from(pod.uid.as_str());
                    self.builder.apply_cluster(ClusterEvent::PodGone { uid }, at(step));
                }
            }
            Step::Scrape => {
                for node in 0..self.floor.world.nodes.len() {
                    let seen = self.truth(node, self.step - LAG);
                    self.builder.apply_power(sample(node, BOARDS, seen, at(self.step)));
                }
            }
            Step::Wait => self.step += 1,
            Step::Restart => {
                let last = self.pods.iter().map(|pod| pod.binds).max().unwrap_or(0);
                self.step = self.step.max(last);
                (self.builder, self.bookings) = (Self::fresh(&self.floor), Bookings::none());
            }
        }
        self.publish();
        self.holds()
    }

    fn holds(&self) -> Result<(), TestCaseError> {
        for domain in self.snapshot.domains() {
            let rack = |node: &usize| format!("r{}", self.floor.rack(*node)) == *domain.key.value;
            let nodes = (0..self.floor.world.nodes.len()).filter(rack);
            let drawn: f64 = nodes.map(|node| self.truth(node, self.step)).sum();
            prop_assert!(drawn <= domain.cap.get() + 1.0, "{} draws {drawn} W", domain.key.value);
            let bears = domain.committed.get() + self.bookings.reserved_in(&domain.key).get();
            prop_assert!(
                drawn <= bears + 1.0,
                "{} draws {drawn} W, and {bears} W are counted",
                domain.key.value
            );
        }
        Ok(())
    }
}

fn floor(models: &[usize], cap: f64) -> Floor {
    let node = |model: &usize| NodeSpec {
        boards: BOARDS,
        ..NodeSpec::in_zone(model % 2).of_model(*model)
    };
    let world = World {
        zones: [60.0, 400.0].map(ZoneSpec::flat).to_vec(),
        nodes: models.iter().map(node).collect(),
        pending: Vec::new(),
    };
    let mut floor = Floor {
        world,
        racks: 2,
        rules: Vec::new(),
    };
    let mut idle = [0.0; 2];
    let mut rise = [0.0; 2];
    for node in 0..models.len() {
        let (_, bare, _, max, _) = crate::world::MODELS[models[node]];
        idle[floor.rack(node)] += bare * f64::from(BOARDS);
        rise[floor.rack(node)] += (max - bare) * f64::from(BOARDS);
    }
    // Room for a share of what the rack could draw.
    let mut rule = racks(0.0);
    for rack in 0..2 {
        let watts = crate::domains::watts(idle[rack] + cap * rise[rack]);
        rule.values.insert(Arc::from(format!("r{rack}")), watts);
    }
    floor.rules = vec![rule];
    floor
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn no_rack_draws_more_than_its_cap_however_late_telemetry_is(
        models in prop::collection::vec(0usize..3, 2..7), cap in 0.1f64..0.9, steps in steps(),
    ) {
        let mut run = Run::new(floor(&models, cap));
        for step in &steps {
            run.take(step)?;
        }
    }
}

/// What the bookings are for: judged by what is measured alone, a burst fits everywhere and then draws too much.
#[test]
fn a_burst_is_bounded_before_telemetry_shows_any_of_it_and_goes_on_when_it_does() {
    let mut run = Run::new(floor(&[2, 2], 0.5));
    let half = 0.4;
    let burst = |run: &mut Run| {
        for _ in 0..16 {
            run.ask(1, |_| 0, (0, 0), half).unwrap();
            run.publish();
        }
        run.pods.len()
    };
    run.take(&Step::Scrape).unwrap();
    assert_eq!(
        burst(&mut run),
        8,
        "four of eight boards of each rack are promised whole"
    );
    for _ in 0..RISE + LAG {
        run.take(&Step::Wait).unwrap();
    }
    run.take(&Step::Scrape).unwrap();
    assert_eq!(
        burst(&mut run),
        12,
        "each rack draws 40 % of four boards and has room for two more"
    );
}
