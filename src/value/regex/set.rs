//! Sets of bytes, and the names that a bracket expression may use.

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    /// Adds the characters from `first` to `last`; those beyond a byte never occur in a text.
    pub fn insert(&mut self, first: u32, last: u32) {
        for byte in first..=last.min(255) {
            self.0[byte as usize / 64] |= 1 << (byte % 64);
        }
    }

    /// Adds every byte of another set.
    pub fn unite(&mut self, other: ByteSet) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// Takes one byte out.
    pub fn remove(&mut self, byte: u8) {
        self.0[usize::from(byte) / 64] &= !(1 << (byte % 64));
    }

    /// All other bytes.
    pub fn complement(self) -> ByteSet {
        ByteSet(self.0.map(|word| !word))
    }

    /// Adds the other case of each ASCII letter; the locale of the files is C.
    pub fn fold(&mut self) {
        for upper in b'A'..=b'Z' {
            let lower = upper.to_ascii_lowercase();
            if self.contains(upper) || self.contains(lower) {
                self.insert(upper.into(), upper.into());
                self.insert(lower.into(), lower.into());
            }
        }
    }

    /// Whether it holds that byte.
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte) / 64] >> (byte % 64) & 1 == 1
    }
}

/// Whether a byte is part of a word, as `\w` and `\y` see it.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The bytes of a class, `[:alpha:]` and the like; nothing where no server knows its name.
pub fn class(name: &[u8]) -> Option<ByteSet> {
    let member: fn(u8) -> bool = match name {
        b"alnum" => |byte| byte.is_ascii_alphanumeric(),
        b"alpha" => |byte| byte.is_ascii_alphabetic(),
        b"ascii" => |byte| byte.is_ascii(),
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        // The control characters of Latin-1 too, whatever the encoding.
        b"cntrl" => |byte| matches!(byte, 0..=0x1f | 0x7f..=0x9f),
        b"digit" => |byte| byte.is_ascii_digit(),
        b"graph" => |byte| byte.is_ascii_graphic(),
        b"lower" => |byte| byte.is_ascii_lowercase(),
        b"print" => |byte| byte.is_ascii_graphic() || byte == b' ',
        b"punct" => |byte| byte.is_ascii_punctuation(),
        b"space" => |byte| matches!(byte, b' ' | b'\t'..=b'\r'),
        b"upper" => |byte| byte.is_ascii_uppercase(),
        b"word" => is_word,
        b"xdigit" => |byte| byte.is_ascii_hexdigit(),
        _ => return None,
    };
    let mut set = ByteSet::default();
    for byte in (0..=u8::MAX).filter(|byte| member(*byte)) {
        set.insert(byte.into(), byte.into());
    }
    Some(set)
}

/// The character of a collating element, `[.hyphen.]` and the like: the POSIX names of ASCII without its
/// letters. Each was asked of servers 10 and 18.
pub fn collating_element(name: &[u8]) -> Option<u32> {
    if let [byte] = name {
        return Some(u32::from(*byte));
    }
    // In the order of ASCII; several names for one character stand together.
    const CONTROL: &str = "NUL SOH STX ETX EOT ENQ ACK BEL,alert BS,backspace HT,tab LF,newline VT,vertical-tab \
        FF,form-feed CR,carriage-return SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC IS4,FS IS3,GS IS2,RS IS1,US \
        space exclamation-mark quotation-mark number-sign dollar-sign percent-sign ampersand apostrophe \
        left-parenthesis right-parenthesis asterisk plus-sign comma hyphen,hyphen-minus period,full-stop \
        slash,solidus zero one two three four five six seven eight nine colon semicolon less-than-sign equals-sign \
        greater-than-sign question-mark commercial-at";
    const AFTER_UPPER: &str = "left-square-bracket backslash,reverse-solidus right-square-bracket \
        circumflex,circumflex-accent underscore,low-line grave-accent";
    const AFTER_LOWER: &str = "left-brace,left-curly-bracket vertical-line right-brace,right-curly-bracket tilde DEL";
    for (first, names) in [(0, CONTROL), (0x5b, AFTER_UPPER), (0x7b, AFTER_LOWER)] {
        for (code, names) in (first..).zip(names.split_ascii_whitespace()) {
            if names.split(',').any(|known| known.as_bytes() == name) {
                return Some(code);
            }
        }
    }
    None
}
