//! Addresses of pg_hba.conf lines as getaddrinfo reads them, and the sets of clients they stand for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which clients a line is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// Every client.
    All,
    /// The server's own addresses.
    SameHost,
    /// Every network that the server is in.
    SameNet,
    /// A name, or with a dot in front the end of one; whatever is no address is a name, and is not looked at.
    Name(Vec<u8>),
    /// Those that are the same in all bits of the mask.
    Network(Network),
}

/// An address and a mask of the same family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// As it is written: bits outside of the mask may be set.
    pub address: IpAddr,
    /// Any bits.
    pub mask: IpAddr,
}

impl Network {
    /// The network of a length in bits; `None` if it is longer than the address.
    pub fn with_length(address: IpAddr, length: u32) -> Option<Network> {
        let mask = match address {
            IpAddr::V4(_) if length <= 32 => {
                IpAddr::V4(Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - length).unwrap_or(0)))
            }
            IpAddr::V6(_) if length <= 128 => {
                IpAddr::V6(Ipv6Addr::from_bits(u128::MAX.checked_shl(128 - length).unwrap_or(0)))
            }
            _ => return None,
        };
        Some(Network { address, mask })
    }

    /// Whether a client is in it.
    pub fn holds(&self, client: IpAddr) -> bool {
        let same = |address: u128, mask: u128, client: u128| (address ^ client) & mask == 0;
        match (self.address, self.mask, client) {
            (IpAddr::V4(address), IpAddr::V4(mask), IpAddr::V4(client)) => {
                same(address.to_bits().into(), mask.to_bits().into(), client.to_bits().into())
            }
            (IpAddr::V6(address), IpAddr::V6(mask), IpAddr::V6(client)) => {
                same(address.to_bits(), mask.to_bits(), client.to_bits())
            }
            _ => false,
        }
    }

    /// The length of the mask, unless it has holes.
    pub fn length(&self) -> Option<u32> {
        let (bits, width) = match self.mask {
            IpAddr::V4(mask) => (u128::from(mask.to_bits()) << 96, 32),
            IpAddr::V6(mask) => (mask.to_bits(), 128),
        };
        (bits.leading_ones() == bits.count_ones()).then_some(bits.leading_ones().min(width))
    }

    /// The first address of the network: that without the bits outside of the mask.
    pub fn first(&self) -> IpAddr {
        match (self.address, self.mask) {
            (IpAddr::V4(address), IpAddr::V4(mask)) => IpAddr::V4(address & mask),
            (IpAddr::V6(address), IpAddr::V6(mask)) => IpAddr::V6(address & mask),
            (address, _) => address,
        }
    }

    /// Its addresses as ascending ranges, both ends included, and whether they are of IPv4. A mask with holes
    /// makes several; `None` if they are too many to count.
    pub fn ranges(&self) -> Option<(bool, Vec<(u128, u128)>)> {
        let (is_v4, first, mask, width) = match (self.first(), self.mask) {
            (IpAddr::V4(first), IpAddr::V4(mask)) => {
                (true, u128::from(first.to_bits()), u128::from(mask.to_bits()), 32)
            }
            (IpAddr::V6(first), IpAddr::V6(mask)) => (false, first.to_bits(), mask.to_bits(), 128),
            _ => return None,
        };
        let full = if width == 32 { u128::from(u32::MAX) } else { u128::MAX };
        let free = !mask & full;
        // The free bits at the end make one range; each of the others doubles their number.
        let tail = 1_u128.checked_shl(free.trailing_ones()).map_or(u128::MAX, |next| next - 1);
        let holes: Vec<u128> =
            (0..width).map(|bit| 1_u128 << bit).filter(|bit| free & bit != 0 && tail & bit == 0).collect();
        if holes.len() > 12 {
            return None;
        }
        let starts = (0..1_u32 << holes.len()).map(|choice| {
            let chosen = holes.iter().enumerate().filter(|(index, _)| choice >> index & 1 == 1);
            chosen.fold(first, |start, (_, bit)| start | bit)
        });
        let mut ranges: Vec<(u128, u128)> = starts.map(|start| (start, start | tail)).collect();
        ranges.sort_unstable();
        Some((is_v4, ranges))
    }

    /// As a person writes it: `10.0.0.0/8`, or address and mask where the mask has holes.
    pub fn shown(&self) -> String {
        match self.length() {
            Some(length) => format!("{}/{length}", self.first()),
            None => format!("{} {}", self.address, self.mask),
        }
    }

    /// Whether it lies in loopback as a whole.
    pub fn is_loopback(&self) -> bool {
        match (self.first(), self.length()) {
            (IpAddr::V4(first), Some(length)) => first.octets()[0] == 127 && length >= 8,
            (IpAddr::V6(first), Some(length)) => first == Ipv6Addr::LOCALHOST && length == 128,
            _ => false,
        }
    }
}

/// A numeric address in one of the forms that getaddrinfo takes: `10.1` is 10.0.0.1, numbers may be octal or
/// hexadecimal, a zone behind `%` is dropped.
///
/// A zone is a number, or for link-local addresses the name of an interface.
pub fn parse(text: &[u8], interface: &dyn Fn(&str) -> bool) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Some(address) = parse_v4(text) {
        return Some(IpAddr::V4(address));
    }
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let parsed: Ipv6Addr = address.parse().ok()?;
    let is_link_local = parsed.segments()[0] & 0xffc0 == 0xfe80 || parsed.segments()[0] & 0xff0f == 0xff02;
    let is_number = |zone: &str| !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_digit());
    let is_zone = |zone: &str| is_number(zone) || is_link_local && interface(zone);
    zone.is_none_or(is_zone).then_some(IpAddr::V6(parsed))
}

/// One to four numbers joined by dots; the last one fills what is left.
fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let mut numbers = Vec::new();
    for part in text.split('.') {
        numbers.push(number(part)?);
    }
    let (last, front) = numbers.split_last()?;
    if front.len() > 3 || front.iter().any(|number| *number > 255) {
        return None;
    }
    let room = 32 - 8 * u32::try_from(front.len()).ok()?;
    if room < 32 && *last >> room != 0 {
        return None;
    }
    let high = front.iter().enumerate().fold(0_u32, |sum, (index, number)| sum | number << (24 - 8 * index));
    Some(Ipv4Addr::from_bits(high | last))
}

/// A number in C's notation.
fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| char::from(byte).is_digit(radix));
    if is_number { u32::from_str_radix(digits, radix).ok() } else { None }
}

/// The number behind a slash as strtol reads it; `None` if it is none or out of range.
pub fn length(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let value = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u32::MAX) };
    (!is_negative || value == 0).then_some(value)
}

/// An address as the server's views print it.
pub fn shown(address: IpAddr) -> String {
    match address {
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            // The C library writes the last 32 bits of such addresses as IPv4.
            let compatible = segments[..6].iter().all(|part| *part == 0) && segments[6] != 0;
            if compatible {
                let low = Ipv4Addr::from_bits(u32::from(segments[6]) << 16 | u32::from(segments[7]));
                return format!("::{low}");
            }
            v6.to_string()
        }
        IpAddr::V4(v4) => v4.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_forms_are_those_of_getaddrinfo() {
        let v4 = |text: &str| parse(text.as_bytes(), &|_| true).map(|address| address.to_string());
        assert_eq!(v4("10").as_deref(), Some("0.0.0.10"));
        assert_eq!(v4("127.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(v4("0x7f.0.0.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(v4("01.2.3.010").as_deref(), Some("1.2.3.8"));
        for name in ["300.1.1.1", "1.2.3.4.5", "*", "127.0.0.1:5432", "", "1..2", "08.1.1.1", "[::1]", "a.b"] {
            assert_eq!(parse(name.as_bytes(), &|_| true), None, "{name}");
        }
        assert_eq!(v4("fe80::1%eth0").as_deref(), Some("fe80::1"));
        assert_eq!(length(b"+008"), Some(8));
        assert_eq!(length(b"-1"), None);
        assert_eq!(length(b"8/8"), None);
    }

    #[test]
    fn masks_with_holes_make_several_ranges() {
        let network = |address: &str, mask: &str| Network {
            address: address.parse().expect("an address"),
            mask: mask.parse().expect("a mask"),
        };
        let (is_v4, ranges) = network("10.1.9.7", "255.255.0.255").ranges().expect("256 ranges");
        assert!(is_v4);
        assert_eq!((ranges.len(), ranges[0], ranges[1].0 - ranges[0].0), (256, (0x0a01_0007, 0x0a01_0007), 256));
        assert_eq!(network("10.0.0.0", "0.0.0.255").ranges(), None);
        let all = network("1.2.3.4", "0.0.0.0").ranges().expect("one");
        assert_eq!(all.1, [(0, u128::from(u32::MAX))]);
        let all = network("::", "::").ranges().expect("one");
        assert_eq!(all.1, [(0, u128::MAX)]);
        let one = network("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").ranges().expect("one");
        assert_eq!(one.1, [(1, 1)]);
        assert_eq!(network("10.0.0.0", "255.0.0.0").ranges().expect("one").1, [(0x0a00_0000, 0x0aff_ffff)]);
    }
}
