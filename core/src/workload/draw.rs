use crate::gpu::ModelIx;
use crate::quantity::Watts;
use serde::{Deserialize, Serialize};

/// What the pods of one owner were seen to draw on a board of a model, 95 % of the time at most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draw {
    /// The model's place in the catalogue.
    pub model: ModelIx,
    /// Watts of one board, idle included.
    pub per_board: Watts,
    /// How far that is below the most that the model draws.
    pub below_max: Watts,
    /// How many samples of a board it was learned from.
    pub samples: u32,
}
