//! PostgreSQL versions: majors, minors, and how `--pg` names them.

use std::fmt;

/// A major version of PostgreSQL: 9.4 is `Major(904)`, 16 is `Major(1600)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Major(pub u16);

impl Major {
    /// 9.4
    pub const V9_4: Major = Major(904);
    /// 9.5
    pub const V9_5: Major = Major(905);
    /// 9.6
    pub const V9_6: Major = Major(906);
    /// 10
    pub const V10: Major = Major(1000);
    /// 11
    pub const V11: Major = Major(1100);
    /// 12
    pub const V12: Major = Major(1200);
    /// 13
    pub const V13: Major = Major(1300);
    /// 14
    pub const V14: Major = Major(1400);
    /// 15
    pub const V15: Major = Major(1500);
    /// 16
    pub const V16: Major = Major(1600);
    /// 17
    pub const V17: Major = Major(1700);
    /// 18
    pub const V18: Major = Major(1800);
    /// 19, of which only a development state is known: a preview.
    pub const V19: Major = Major(1900);
}

impl fmt::Display for Major {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (major, 0) => write!(f, "{major}"),
            (major, minor) => write!(f, "{major}.{minor}"),
        }
    }
}
