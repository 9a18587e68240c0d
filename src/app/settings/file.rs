use super::raw::{RawSettings, Settings};
use super::{Finding, access, envelope};
use crate::app::tables::Tables;
use crate::app::yaml::{self, Document};
use crate::settings::Problems;
use heliotrope_core::placement::Throughput;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A settings file and the tables it names are read up to this size each.
const MAX_BYTES: u64 = 1024 * 1024;

/// A settings file that is right, with the tables it names.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it says.
    pub settings: Settings,
    /// The tables that are compiled in, with the operator's laid over them.
    pub tables: Tables,
    /// The file as it is written.
    pub document: Document,
    /// Every file that was read, the settings file first.
    pub files: Vec<PathBuf>,
    /// A hash over the contents of these files.
    pub fingerprint: u64,
}

/// Why settings are not taken.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("settings file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is wrong.
    #[error("settings are refused: {} problem(s), the first is {}", findings.len(), first(findings))]
    Refused {
        /// Everything that is wrong.
        findings: Vec<Finding>,
    },
}

fn first(findings: &[Finding]) -> String {
    findings.first().map(ToString::to_string).unwrap_or_default()
}

/// Reads a settings file and the tables it names. Relative names are taken from the folder of the settings file.
///
/// # Errors
/// When the file cannot be read, or everything that is wrong with it.
pub fn load(path: &Path) -> Result<Loaded, SettingsError> {
    let text = read(path).map_err(|source| SettingsError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let mut loaded = parse(&text, path.parent().unwrap_or(Path::new(".")))?;
    loaded.files.insert(0, path.to_owned());
    Ok(loaded)
}

/// Reads settings from a text; `folder` is where relative table files are.
///
/// # Errors
/// Everything that is wrong.
pub fn parse(text: &str, folder: &Path) -> Result<Loaded, SettingsError> {
    let refused = |findings| SettingsError::Refused { findings };
    let document = Document::parse(text).map_err(|finding| refused(vec![finding]))?;
    envelope::check(&document).map_err(refused)?;
    let mut sources = TableFiles::default();
    let (tables, mut findings) = sources.lay(&document, folder);
    let validate = |raw: RawSettings, problems: &mut Problems| raw.located(folder).validate(problems);
    let settings = match yaml::read(&document, validate) {
        Ok(settings) => {
            findings.extend(across(&settings, &tables, &document));
            findings.extend(access::check(&settings, &document));
            Some(settings)
        }
        Err(found) => {
            findings.extend(found);
            None
        }
    };
    findings.sort_by_key(|finding| finding.at);
    match settings {
        Some(settings) if findings.is_empty() => Ok(Loaded {
            settings,
            tables,
            document,
            fingerprint: fingerprint(std::iter::once(text).chain(sources.texts.iter().map(String::as_str))),
            files: sources.files,
        }),
        _ => Err(refused(findings)),
    }
}

/// A hash over texts, in their order.
pub(super) fn fingerprint<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for text in texts {
        hasher.write_usize(text.len());
        hasher.write(text.as_bytes());
    }
    hasher.finish()
}

/// Reads a text file of bounded size.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        let message = format!("it is larger than {MAX_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

#[derive(Debug, Default)]
struct TableFiles {
    files: Vec<PathBuf>,
    texts: Vec<String>,
}

type Lay = fn(&mut Tables, &str) -> Result<(), Vec<Finding>>;

/// The keys that name table files.
const TABLE_KEYS: [(&str, Lay); 3] = [
    ("carbon.zonesFile", Tables::lay_zones),
    ("carbon.regionsFile", Tables::lay_regions),
    ("power.gpuProfilesFile", Tables::lay_gpus),
];

/// The settings file and the tables that it names, be it right or wrong.
pub(super) fn files(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let document = read(path).ok().and_then(|text| Document::parse(&text).ok());
    let tables = TABLE_KEYS.iter().filter_map(|(key, _)| {
        let name = document.as_ref()?.scalar(key)?;
        Some(folder.join(name))
    });
    std::iter::once(path.to_owned()).chain(tables).collect()
}

impl TableFiles {
    /// The tables that are compiled in, with those that the document names laid over them.
    fn lay(&mut self, document: &Document, folder: &Path) -> (Tables, Vec<Finding>) {
        let (mut tables, mut findings) = match Tables::builtin() {
            Ok(tables) => (tables, Vec::new()),
            Err(findings) => (Tables::default(), findings),
        };
        for (key, lay) in TABLE_KEYS {
            let Some(name) = document.scalar(key) else { continue };
            let mut found = |message: String| {
                findings.push(Finding {
                    at: document.nearest(key),
                    path: key.to_owned(),
                    message,
                });
            };
            let path = folder.join(name);
            match read(&path) {
                Err(error) => found(format!("{} cannot be read: {error}", path.display())),
                Ok(text) => {
                    if let Err(wrong) = lay(&mut tables, &text) {
                        for wrong in wrong {
                            found(format!("{}: {wrong}", path.display()));
                        }
                    }
                    self.files.push(path);
                    self.texts.push(text);
                }
            }
        }
        (tables, findings)
    }
}

/// What only settings and tables together can show to be wrong.
fn across(settings: &Settings, tables: &Tables, document: &Document) -> Vec<Finding> {
    let key = "placement.referenceModel";
    let policy = &settings.placement.policy;
    let catalogue = &tables.gpus.catalogue;
    let profile = catalogue
        .find(&policy.reference_model)
        .and_then(|model| catalogue.profile(model));
    let message = match profile {
        None => format!(
            "`{}` has no gpu profile: name a model of the table",
            policy.reference_model
        ),
        Some(profile) if policy.throughput != Throughput::Neutral && policy.throughput.of(profile).is_none() => {
            let column = if policy.throughput == Throughput::Rated {
                "rated"
            } else {
                "measured"
            };
            format!(
                "`{}` has no {column} throughput, which `throughput: {column}` needs",
                profile.model
            )
        }
        Some(_) => return Vec::new(),
    };
    vec![Finding {
        at: document.nearest(key),
        path: key.to_owned(),
        message,
    }]
}
