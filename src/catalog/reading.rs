//! Values read for a parameter, with the server's own message and hint where it refuses one.

use super::{Kind, Parameter};
use crate::value::{Context, Refusal, Value, boolean, grammar, number};
use crate::version::Major;

impl Value {
    /// The value as `pg_settings` has it: numbers in the parameter's own unit, the rest as `SHOW` prints it.
    pub fn setting(&self, parameter: &Parameter, major: Major) -> Vec<u8> {
        match self {
            Value::Integer(_) if !grammar::is_octal(parameter.grammar.as_ref()) => self.plain(),
            Value::Real(_) => self.plain(),
            _ => self.shown(parameter, major),
        }
    }

    /// The value as `SHOW` prints it: numbers in the largest unit that fits.
    pub fn shown(&self, parameter: &Parameter, major: Major) -> Vec<u8> {
        match self {
            Value::Integer(value) if grammar::is_octal(parameter.grammar.as_ref()) => {
                format!("{value:04o}").into_bytes()
            }
            Value::Integer(value) => number::show_integer(*value, parameter.unit, major).into_bytes(),
            Value::Text(text) => grammar::shown(parameter.grammar.as_ref(), major, text),
            Value::Real(value) => number::show_real(*value, parameter.unit, major).into_bytes(),
            _ => self.plain(),
        }
    }
}

/// Reads a value for a parameter.
///
/// # Errors
/// As the server refuses it. A refusal without a message stands for
/// `invalid value for parameter "NAME": "VALUE"`.
pub fn read(parameter: &Parameter, context: &Context, text: &[u8]) -> Result<Value, Refusal> {
    match parameter.kind {
        Kind::Bool => {
            let value = boolean(text)
                .ok_or_else(|| says(format!("parameter \"{}\" requires a Boolean value", context.spelled)))?;
            match &parameter.grammar {
                Some(grammar) => {
                    grammar::adjust(grammar, context, i64::from(value)).map(|value| Value::Bool(value != 0))
                }
                None => Ok(Value::Bool(value)),
            }
        }
        Kind::Enum => {
            let shown = word(parameter, text)
                .ok_or_else(|| Refusal { hint: Some(available(parameter)), ..Refusal::default() })?;
            match &parameter.grammar {
                Some(grammar) => grammar::read(grammar, context, shown.as_bytes()).map(|used| match used {
                    used if used == shown.as_bytes() => Value::Word(shown),
                    used => Value::Text(used),
                }),
                None => Ok(Value::Word(shown)),
            }
        }
        Kind::Integer => {
            let value = number::integer(text, parameter.unit, context.major)?;
            if (value as f64) < parameter.range.0 || value as f64 > parameter.range.1 {
                return Err(out_of_range(parameter, context, &value.to_string()));
            }
            match &parameter.grammar {
                Some(grammar) => grammar::adjust(grammar, context, value).map(Value::Integer),
                None => Ok(Value::Integer(value)),
            }
        }
        Kind::Real => {
            let value =
                number::real(text, parameter.unit, context.major).map_err(|refusal| real_refusal(refusal, context))?;
            if value < parameter.range.0 || value > parameter.range.1 {
                return Err(out_of_range(parameter, context, &shown_limit(value, context.major)));
            }
            Ok(Value::Real(value))
        }
        Kind::String => match &parameter.grammar {
            Some(grammar) => grammar::read(grammar, context, text).map(Value::Text),
            None => Ok(Value::Text(text.to_vec())),
        },
    }
}

/// Reads a built-in default, which the server never refuses.
///
/// # Errors
/// Where the text does not fit the parameter's type.
pub fn read_unchecked(parameter: &Parameter, context: &Context, text: &[u8]) -> Result<Value, Refusal> {
    match parameter.kind {
        Kind::Integer => number::integer(text, parameter.unit, context.major).map(Value::Integer),
        Kind::Real => number::real(text, parameter.unit, context.major).map(Value::Real),
        Kind::Enum => Ok(word(parameter, text).map_or_else(|| Value::Text(text.to_vec()), Value::Word)),
        Kind::Bool => read(parameter, context, text),
        Kind::String => Ok(Value::Text(text.to_vec())),
    }
}

/// Whether it is one of the recovery targets, of which a server takes only one.
pub fn is_recovery_target(parameter: &Parameter) -> bool {
    parameter.traits.iter().any(|(word, _)| *word == "recovery-target")
}

/// The word of an enum as SHOW prints it.
fn word(parameter: &Parameter, text: &[u8]) -> Option<&'static str> {
    let found = parameter.words().find(|word| word.word.as_bytes().eq_ignore_ascii_case(text));
    found.map(|word| word.shown)
}

fn available(parameter: &Parameter) -> String {
    let words: Vec<&str> = parameter.words().filter(|word| word.listed).map(|word| word.word).collect();
    format!("Available values: {}.", words.join(", "))
}

fn says(message: String) -> Refusal {
    Refusal { message: Some(message), ..Refusal::default() }
}

fn real_refusal(refusal: Refusal, context: &Context) -> Refusal {
    if context.major < Major::V12 {
        return says(format!("parameter \"{}\" requires a numeric value", context.spelled));
    }
    refusal
}

fn shown_limit(value: f64, major: Major) -> String {
    match value {
        // The server's own printf names it in full from 12 on.
        value if value.is_infinite() && major >= Major::V12 => {
            if value > 0.0 { "Infinity" } else { "-Infinity" }.to_string()
        }
        value => number::general(value),
    }
}

fn out_of_range(parameter: &Parameter, context: &Context, value: &str) -> Refusal {
    let unit = match parameter.unit {
        Some(unit) if context.major >= Major::V12 => format!(" {}", unit.word()),
        _ => String::new(),
    };
    let limit_unit = if context.major >= Major::V17 { unit.as_str() } else { "" };
    let limit = |limit: f64| match parameter.kind {
        Kind::Integer => format!("{limit:.0}"),
        _ => number::general(limit),
    };
    says(format!(
        "{value}{unit} is outside the valid range for parameter \"{}\" ({}{limit_unit} .. {}{limit_unit})",
        context.spelled,
        limit(parameter.range.0),
        limit(parameter.range.1),
    ))
}
