//! The numbers of a page, by key.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A number as it is printed.
#[derive(Debug, Clone, Copy)]
struct Printed {
    value: f64,
    decimals: u32,
}

/// The tables of a page's worked example.
#[derive(Debug)]
pub(crate) struct Page {
    name: &'static str,
    numbers: BTreeMap<String, Printed>,
    asked: RefCell<BTreeSet<String>>,
    wrong: RefCell<Vec<String>>,
}

impl Page {
    /// Reads `docs/formulas/NAME`: rows of the worked example whose first cell is a key in backquotes.
    pub(crate) fn read(name: &'static str) -> Self {
        let path = format!("{}/../docs/formulas/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let (_, example) = text.split_once("Worked example").unwrap();
        let mut numbers = BTreeMap::new();
        for row in example.lines().filter_map(|line| line.strip_prefix("| `")) {
            let (key, rest) = row.split_once("` | ").unwrap();
            let number = rest.split_whitespace().next().unwrap().replace(',', "");
            let printed = Printed {
                value: number
                    .parse()
                    .unwrap_or_else(|_| panic!("{name}: {key} is not a number")),
                decimals: number
                    .split_once('.')
                    .map_or(0, |(_, d)| u32::try_from(d.len()).unwrap()),
            };
            let twice = numbers.insert(key.to_owned(), printed);
            assert!(twice.is_none(), "{name}: {key} stands there twice");
        }
        Self {
            name,
            numbers,
            asked: RefCell::default(),
            wrong: RefCell::default(),
        }
    }

    fn printed(&self, key: &str) -> Printed {
        self.asked.borrow_mut().insert(key.to_owned());
        *self
            .numbers
            .get(key)
            .unwrap_or_else(|| panic!("{}: there is no {key}", self.name))
    }

    /// An input.
    pub(crate) fn given(&self, key: &str) -> f64 {
        self.printed(key).value
    }

    /// An input that is a whole number.
    pub(crate) fn whole(&self, key: &str) -> u32 {
        let value = self.given(key);
        (0..=1_000_000)
            .find(|whole| (f64::from(*whole) - value).abs() < 1e-9)
            .unwrap()
    }

    /// Compares a result of the code with the page, to the last digit printed.
    pub(crate) fn says(&self, key: &str, computed: f64) {
        let Printed { value, decimals } = self.printed(key);
        let half = 0.5 * 0.1_f64.powi(i32::try_from(decimals).unwrap());
        if (computed - value).abs() > half * (1.0 + 1e-9) {
            let line = format!("{key}: {value} on the page, {computed} by the code");
            self.wrong.borrow_mut().push(line);
        }
    }

    /// Fails for every number that was wrong, and for every one that nobody asked for.
    pub(crate) fn close(self) {
        let asked = self.asked.into_inner();
        let unchecked = self.numbers.keys().filter(|key| !asked.contains(*key));
        let unchecked = unchecked.map(|key| format!("{key}: no test asks for it"));
        let wrong: Vec<String> = self.wrong.into_inner().into_iter().chain(unchecked).collect();
        assert!(wrong.is_empty(), "docs/formulas/{}:\n{}", self.name, wrong.join("\n"));
    }
}
