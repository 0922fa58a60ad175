//! A standby on its way to its primary: where it knocks, whether somebody listens there, and who opens.

pub mod dial;
pub mod door;
pub mod gate;
pub mod quorum;

/// What files say to a question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Answer {
    /// So it is.
    Yes,
    /// It is not.
    No,
    /// Two machines with the same files could differ.
    Depends,
}

impl Answer {
    /// The word for it in output.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Depends => "depends",
        }
    }

    /// What is known of both together.
    pub fn and(self, other: Answer) -> Answer {
        match (self, other) {
            (Answer::No, _) | (_, Answer::No) => Answer::No,
            (Answer::Yes, Answer::Yes) => Answer::Yes,
            _ => Answer::Depends,
        }
    }

    /// What is known where either may hold.
    pub fn or_depends(self, other: Answer) -> Answer {
        if self == other { self } else { Answer::Depends }
    }
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Answer {
        if yes { Answer::Yes } else { Answer::No }
    }
}
