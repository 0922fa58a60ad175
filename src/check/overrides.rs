//! stub
use super::spot::{Spot, View};
/// stub
pub fn check(_view: &View, _spots: &mut Vec<Spot>) {}
