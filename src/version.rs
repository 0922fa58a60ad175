//! What a check is aimed at: PostgreSQL versions as `--pg`, files and paths name them, and the server's role.

mod targets;

pub use targets::{Targets, from_path, from_pg_version_file};

use std::fmt;
use std::str::FromStr;

use semver::VersionReq;

/// A major version of PostgreSQL: 9.4 is `Major(904)`, 16 is `Major(1600)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Major(pub u16);

impl Major {
    /// Every major that files are checked against, ascending; 19 is a preview and only used when asked for.
    pub const CHECKED: [Major; 13] = [
        Major::V9_4,
        Major::V9_5,
        Major::V9_6,
        Major::V10,
        Major::V11,
        Major::V12,
        Major::V13,
        Major::V14,
        Major::V15,
        Major::V16,
        Major::V17,
        Major::V18,
        Major::V19,
    ];
    /// The newest major that has been released.
    pub const NEWEST: Major = Major::V18;
    /// 9.2
    pub const V9_2: Major = Major(902);
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
            (major @ 10.., _) => write!(f, "{major}"),
            (major, minor) => write!(f, "{major}.{minor}"),
        }
    }
}

impl Major {
    /// The major of that name, `9.6` or `16`, as tables write it.
    pub fn from_table(text: &str) -> Option<Major> {
        let number = |text: &[u8]| match *text {
            [one @ b'0'..=b'9'] => Some(u16::from(one - b'0')),
            [ten @ b'0'..=b'9', one @ b'0'..=b'9'] => Some(u16::from(ten - b'0') * 10 + u16::from(one - b'0')),
            _ => None,
        };
        // Tables are full of them: this is quicker than to split and parse.
        let text = text.as_bytes();
        match text.iter().position(|byte| *byte == b'.') {
            Some(dot) => Some(Major(number(&text[..dot])? * 100 + number(&text[dot + 1..])?)),
            None => Some(Major(number(text)? * 100)),
        }
    }

    /// Whether only a development state of it is known.
    pub fn is_preview(self) -> bool {
        self > Major::NEWEST
    }

    /// Whether it is known only as something to migrate from.
    pub fn is_only_a_source(self) -> bool {
        self < Major::V9_4
    }
}

/// A version of PostgreSQL.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PgVersion {
    /// The major: `9.6` or `16`.
    pub major: Major,
    /// The minor: 24 in `9.6.24`, 2 in `14.2`. None stands for the newest, whichever that is.
    pub minor: Option<u16>,
}

impl PgVersion {
    /// The newest minor of a major.
    pub fn newest(major: Major) -> PgVersion {
        PgVersion { major, minor: None }
    }

    /// As semver: `9.6.24` is 9.6.24, `14.2` is 14.2.0, and `16` is above every 16.x.
    pub fn semver(self) -> semver::Version {
        let minor = self.minor.map_or(u64::MAX, u64::from);
        match (u64::from(self.major.0 / 100), u64::from(self.major.0 % 100)) {
            (9, second) => semver::Version::new(9, second, minor),
            (first, _) => semver::Version::new(first, minor, 0),
        }
    }
}

impl fmt::Display for PgVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minor {
            Some(minor) => write!(f, "{}.{minor}", self.major),
            None => write!(f, "{}", self.major),
        }
    }
}

/// Why a text names no version, in words for the user.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct VersionError(String);

impl FromStr for PgVersion {
    type Err = VersionError;

    /// Reads `16`, `14.2`, `9.6` or `9.6.24`.
    fn from_str(text: &str) -> Result<PgVersion, VersionError> {
        let digits = text.trim_start_matches(|char: char| !char.is_ascii_digit());
        if digits.is_empty() {
            return Err(VersionError(format!("`{text}` is not a PostgreSQL version such as 16, 14.2 or 9.6")));
        }
        if digits.len() < text.len() {
            return Err(VersionError(format!("`{text}` is not a PostgreSQL version; did you mean `{digits}`?")));
        }
        if let Some((at, word)) =
            ["devel", "alpha", "beta", "rc"].iter().find_map(|word| Some((text.find(word)?, word)))
        {
            let release = &text[..at];
            return Err(VersionError(format!("`{text}` is no release ({word}); did you mean `{release}`?")));
        }
        let parts: Vec<u16> = text
            .split('.')
            .map(|part| part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit())))
            .collect::<Option<_>>()
            .ok_or_else(|| VersionError(format!("`{text}` is not a PostgreSQL version such as 16, 14.2 or 9.6")))?;
        from_parts(text, &parts)
    }
}

fn from_parts(text: &str, parts: &[u16]) -> Result<PgVersion, VersionError> {
    let (major, rest) = match parts {
        [9] => {
            return Err(VersionError(
                "before 10 the first two numbers are the major version: name one of 9.4, 9.5, 9.6".to_owned(),
            ));
        }
        [9, second @ 0..=6, rest @ ..] => (Major(900 + second), rest),
        [first @ 10..=19, rest @ ..] => (Major(first * 100), rest),
        [first @ 20..=99, ..] => {
            return Err(VersionError(format!(
                "PostgreSQL {first} is not known; the newest known are {} and, as a preview, {}",
                Major::NEWEST,
                Major::V19
            )));
        }
        _ => return Err(VersionError(format!("there is no PostgreSQL {text}"))),
    };
    match rest {
        [] => Ok(PgVersion { major, minor: None }),
        [minor] => Ok(PgVersion { major, minor: Some(*minor) }),
        [minor, ..] => Err(VersionError(format!("`{text}` has too many numbers; did you mean `{major}.{minor}`?"))),
    }
}

/// For which versions a rule holds: a semver requirement such as `>=10` or `>=9.6.3, <16.4`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requirement(VersionReq);

impl Requirement {
    /// Holds for every version.
    pub const ANY: Requirement = Requirement(VersionReq::STAR);

    /// Whether it holds for a version.
    pub fn holds_for(&self, version: PgVersion) -> bool {
        self.0.matches(&version.semver())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Requirement {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Requirement, VersionError> {
        VersionReq::parse(text).map(Requirement).map_err(|error| {
            VersionError(format!("`{text}` is not a requirement on versions such as `>=10` or `>=9.6.3, <16`: {error}"))
        })
    }
}

/// What a server is to the others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Others stream from it.
    Primary,
    /// It replays what another one sends.
    Standby,
}

impl Role {
    /// The word for it in options, comments and rule pages.
    pub fn word(self) -> &'static str {
        match self {
            Role::Primary => "primary",
            Role::Standby => "standby",
        }
    }

    /// The role that a word names.
    pub fn from_word(word: &str) -> Option<Role> {
        [Role::Primary, Role::Standby].into_iter().find(|role| role.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_print_as_they_are_read() {
        for text in ["16", "14.2", "9.6", "9.6.24", "9.0", "19", "10.0"] {
            assert_eq!(text.parse::<PgVersion>().map(|version| version.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn requirements_take_a_bare_major_for_its_newest_minor() {
        let holds = |requirement: &str, version: &str| {
            let requirement: Requirement = requirement.parse().expect(requirement);
            requirement.holds_for(version.parse().expect(version))
        };
        assert!(holds(">=16.4", "16"));
        assert!(!holds(">=16.4", "16.3"));
        assert!(!holds("<16.4", "16"));
        assert!(holds("<16.4", "16.3"));
        assert!(holds(">=9.6.24", "9.6"));
        assert!(holds(">=9.6.24", "10"));
        assert!(!holds(">=9.6.24", "9.6.23"));
        assert!(holds("<10", "9.6") && !holds("<10", "10"));
        assert!(holds(">=11, <=16", "16") && !holds(">=11, <=16", "17"));
        assert!(Requirement::ANY.holds_for(PgVersion::newest(Major::V9_4)));
        assert!("soon".parse::<Requirement>().is_err());
    }
}
