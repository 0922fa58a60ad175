//! Why a line of pg_hba.conf is refused.

use crate::model::access::LineFault;
use crate::source::Place;

/// A part of a line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// The connection type.
    Type,
    /// The databases.
    Database,
    /// The users.
    User,
    /// The address.
    Address,
    /// The mask behind an address without one.
    Mask,
    /// The method.
    Method,
}

/// What is wrong with a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It cannot be split, or a file that it names cannot be read.
    Line(LineFault),
    /// A part that is not there.
    Missing(Part),
    /// Several words where one is due.
    Several(Part),
    /// A connection type that the version does not know.
    UnknownType,
    /// A method that the version does not know.
    UnknownMethod,
    /// A method that the server was not built with.
    NotBuilt(&'static str),
    /// A method that does not work on such a line.
    MethodNotHere(&'static str),
    /// What a setting stands in the way of, or has to allow first.
    Setting(&'static str),
    /// A number of bits that no address has.
    MaskLength,
    /// A host name with a number of bits.
    NameWithMask,
    /// What stands for the mask is none.
    NoMask,
    /// Address and mask of different families.
    MaskFamily,
    /// A regular expression that is none.
    Regex,
    /// An option without `=`.
    OptionForm,
    /// An option that the version does not know.
    UnknownOption,
    /// An option that does not belong to the method.
    OptionOfOther(&'static str),
    /// An option that does not belong to such a line.
    OptionNotHere(&'static str),
    /// A value that the option does not take.
    OptionValue(&'static str),
    /// Options that the method needs.
    OptionMissing(&'static str),
    /// Options that do not go together.
    OptionConflict(&'static str),
    /// A host name that does not resolve.
    Unresolved(&'static str),
}

/// Why a line is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// What is wrong.
    pub fault: Fault,
    /// Where.
    pub place: Place,
    /// The server's words.
    pub text: Vec<u8>,
    /// What the server's view shows as the error, which is nothing for a few faults.
    pub view: Option<Vec<u8>>,
}
