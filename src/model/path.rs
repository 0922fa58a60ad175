//! Paths as the server joins and prints them. They are bytes, and `/` separates them.

use std::path::{Path, PathBuf};

use crate::version::Major;

/// Bytes of a file name as a path. Bytes that are not UTF-8 are replaced where the platform cannot hold them.
pub fn from_bytes(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// A path's bytes.
pub fn to_bytes(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        path.as_os_str().as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    path.to_string_lossy().into_owned().into_bytes()
}

/// `location` seen from the directory of the file that names it.
pub fn resolve(location: &[u8], calling_file: &Path, major: Major) -> PathBuf {
    if location.starts_with(b"/") {
        // An absolute path is taken as it is written.
        return from_bytes(location);
    }
    let directory = calling_file.parent().unwrap_or(Path::new(""));
    join(directory, location, major)
}

/// `tail` below `directory`, cleaned as the server of that major does it.
pub fn join(directory: &Path, mut tail: &[u8], major: Major) -> PathBuf {
    while let Some(rest) = tail.strip_prefix(b"./") {
        tail = rest;
    }
    let head = to_bytes(directory);
    let separator: &[u8] = if head.is_empty() || tail.is_empty() { b"" } else { b"/" };
    from_bytes(&clean(&[head.as_slice(), separator, tail].concat(), major))
}

/// A path as the server of that major cleans it: from 15 on `..` and `.` are resolved everywhere; before, only at the end.
pub fn clean(path: &[u8], major: Major) -> Vec<u8> {
    let absolute = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
    if major >= Major::V15 {
        let parts = std::mem::take(&mut kept);
        for part in parts {
            match part {
                b"." => {}
                b".." if kept.last().is_some_and(|last| *last != b"..") => {
                    kept.pop();
                }
                b".." if absolute => {}
                part => kept.push(part),
            }
        }
    } else {
        clean_end(&mut kept);
    }
    let mut joined = kept.join(&b'/');
    if absolute {
        joined.insert(0, b'/');
    } else if joined.is_empty() {
        joined.push(b'.');
    }
    joined
}

fn clean_end(parts: &mut Vec<&[u8]>) {
    let mut up = 0;
    loop {
        match parts.last() {
            Some(&b".") => {
                parts.pop();
            }
            Some(&b"..") => {
                parts.pop();
                up += 1;
            }
            Some(_) if up > 0 => {
                parts.pop();
                up -= 1;
            }
            _ => break,
        }
    }
    parts.extend(std::iter::repeat_n(b"..".as_slice(), up));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_dots_stay_before_15() {
        let main = Path::new("/d/sub/a.conf");
        assert_eq!(resolve(b"../b.conf", main, Major::V14), Path::new("/d/sub/../b.conf"));
        assert_eq!(resolve(b"../b.conf", main, Major::V15), Path::new("/d/b.conf"));
        assert_eq!(resolve(b"./x//y/", main, Major::V10), Path::new("/d/sub/x/y"));
    }
}
