//! stub
use super::refusal::{Read, Refusal};
use crate::version::Major;
/// stub
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Grammar {}
impl Grammar {
    /// stub
    pub fn from_word(_word: &'static str, _argument: &'static str) -> Option<Grammar> { None }
}
/// stub
pub struct Context<'a> { /// x
    pub major: Major, /// x
    pub name: &'a str, /// x
    pub spelled: &'a str, /// x
    pub abbreviations_known: bool }
/// stub
pub fn read(_grammar: &Grammar, _context: &Context, text: &[u8]) -> Read { Ok(text.to_vec()) }
/// stub
pub fn adjust(_grammar: &Grammar, _context: &Context, value: i64) -> Result<i64, Refusal> { Ok(value) }
/// stub
pub fn is_octal(_grammar: Option<&Grammar>) -> bool { false }
