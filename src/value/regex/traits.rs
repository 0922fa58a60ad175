//! Greedy or not: what a part of an expression prefers, and what that means for the part around it.

/// What a part of the expression would rather be, and what is in it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Traits {
    pub longer: bool,
    pub shorter: bool,
    /// Greedy and non-greedy parts are in it.
    pub mixed: bool,
    pub captures: bool,
    pub refers: bool,
}

impl Traits {
    pub fn of(greedy: Option<bool>) -> Traits {
        Traits { longer: greedy == Some(true), shorter: greedy == Some(false), ..Traits::default() }
    }

    pub fn or(self, other: Traits) -> Traits {
        Traits {
            longer: self.longer || other.longer,
            shorter: self.shorter || other.shorter,
            mixed: self.mixed || other.mixed,
            captures: self.captures || other.captures,
            refers: self.refers || other.refers,
        }
    }

    /// What the part around it has from it.
    pub fn up(self) -> Traits {
        Traits { longer: false, shorter: false, mixed: self.mixed || self.longer && self.shorter, ..self }
    }

    pub fn has_preference(self) -> bool {
        self.longer || self.shorter
    }

    /// Of two parts in a row, the first with a preference has its way.
    pub fn combine(self, other: Traits) -> Traits {
        let chosen = if self.has_preference() { self } else { other };
        Traits { longer: chosen.longer, shorter: chosen.shorter, ..self.or(other).up() }
    }

    pub fn is_interesting(self) -> bool {
        self.mixed || self.captures || self.refers
    }
}
