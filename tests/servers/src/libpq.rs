//! The client library of each major, loaded from its installation and asked what it makes of a connection string.
//!
//! No call reaches further than a loopback address or a socket: who asks sees to it.
#![expect(unsafe_code, reason = "a C library is called")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libloading::Library;

use crate::files::Bytes;
use crate::install;

/// A loaded libpq.
#[derive(Debug)]
pub struct Libpq {
    /// Its major version.
    pub major: u16,
    library: Library,
}

/// `PQconninfoOption`, the same in all majors.
#[repr(C)]
struct Option_ {
    keyword: *const c_char,
    envvar: *const c_char,
    compiled: *const c_char,
    val: *const c_char,
    label: *const c_char,
    dispchar: *const c_char,
    dispsize: c_int,
}

/// What `PQconninfoParse` makes of a string: the options that are set, sorted, or its message.
pub type Parsed = Result<Vec<(Bytes, Bytes)>, Bytes>;

const POLLING_FAILED: c_int = 0;
const POLLING_READING: c_int = 1;
const POLLING_OK: c_int = 3;
const CONNECTION_BAD: c_int = 1;

type Parse = unsafe extern "C" fn(*const c_char, *mut *mut c_char) -> *mut Option_;
type Start = unsafe extern "C" fn(*const *const c_char, *const *const c_char, c_int) -> *mut c_void;
type Ask = unsafe extern "C" fn(*mut c_void) -> c_int;
type Message = unsafe extern "C" fn(*mut c_void) -> *const c_char;
type Free = unsafe extern "C" fn(*mut c_void);

impl Libpq {
    /// Loads the library of an installed major.
    pub fn load(major: u16) -> Result<Libpq> {
        let path = install::home(major)?.join("lib/libpq.so.5");
        // SAFETY: libpq has no initialiser that does more than any program that links it allows.
        let library = unsafe { Library::new(&path) }.with_context(|| path.display().to_string())?;
        let libpq = Libpq { major, library };
        // SAFETY: the signature is that of libpq-fe.h.
        let version = unsafe { libpq.library.get::<unsafe extern "C" fn() -> c_int>(b"PQlibVersion\0")?() };
        ensure!(version / 10_000 == i32::from(major), "{} is version {version}", path.display());
        Ok(libpq)
    }

    /// Asks `PQconninfoParse`. A zero byte ends the string.
    pub fn parse(&self, text: &[u8]) -> Result<Parsed> {
        let text = c_string(text);
        // SAFETY: signatures as in libpq-fe.h; what the library allocates is given back to it, once.
        unsafe {
            let parse = self.library.get::<Parse>(b"PQconninfoParse\0")?;
            let free = self.library.get::<Free>(b"PQfreemem\0")?;
            let mut error: *mut c_char = ptr::null_mut();
            let options = parse(text.as_ptr(), &mut error);
            if options.is_null() {
                ensure!(!error.is_null(), "libpq {} is out of memory", self.major);
                let message = bytes(error);
                free(error.cast());
                return Ok(Err(message));
            }
            let mut found = Vec::new();
            let mut option = options;
            while !(*option).keyword.is_null() {
                if !(*option).val.is_null() {
                    found.push((bytes((*option).keyword), bytes((*option).val)));
                }
                option = option.add(1);
            }
            self.library.get::<unsafe extern "C" fn(*mut Option_)>(b"PQconninfoFree\0")?(options);
            found.sort();
            Ok(Ok(found))
        }
    }

    /// What it says when it connects as a walreceiver does; it must not come to a connection.
    pub fn connect(&self, text: &[u8]) -> Result<Bytes> {
        let connection = self.begin(text)?;
        // SAFETY: the connection is open until the last call.
        unsafe {
            let poll = self.library.get::<Ask>(b"PQconnectPoll\0")?;
            let status = self.library.get::<Ask>(b"PQstatus\0")?;
            let before = Instant::now();
            let mut state = if status(connection) == CONNECTION_BAD { POLLING_FAILED } else { POLLING_READING };
            while state != POLLING_FAILED && state != POLLING_OK && before.elapsed() < Duration::from_secs(5) {
                state = poll(connection);
                if state != POLLING_FAILED {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            let message = bytes(self.library.get::<Message>(b"PQerrorMessage\0")?(connection));
            self.library.get::<Free>(b"PQfinish\0")?(connection);
            ensure!(state == POLLING_FAILED, "libpq {} comes to a connection", self.major);
            Ok(message)
        }
    }

    /// The password that it would send, from the string or from a passfile; empty where there is none.
    pub fn password(&self, text: &[u8]) -> Result<Bytes> {
        let connection = self.begin(text)?;
        // SAFETY: the connection is open until the last call, and the password is copied before it.
        unsafe {
            let password = self.library.get::<Message>(b"PQpass\0")?(connection);
            let password = if password.is_null() { Bytes::new() } else { bytes(password) };
            self.library.get::<Free>(b"PQfinish\0")?(connection);
            Ok(password)
        }
    }

    /// Begins to connect as a walreceiver does; who calls it closes the connection.
    fn begin(&self, text: &[u8]) -> Result<*mut c_void> {
        let text = c_string(text);
        let keywords = [c"dbname", c"replication", c"dbname", c"fallback_application_name"];
        let values = [text.as_c_str(), c"true", c"replication", c"walreceiver"];
        let pointers = |texts: [&CStr; 4]| texts.map(CStr::as_ptr).into_iter().chain([ptr::null()]).collect::<Vec<_>>();
        let (keywords, values) = (pointers(keywords), pointers(values));
        // SAFETY: the signature is that of libpq-fe.h; both arrays end in a null pointer and outlive the call.
        let connection = unsafe {
            let start = self.library.get::<Start>(b"PQconnectStartParams\0")?;
            start(keywords.as_ptr(), values.as_ptr(), 1)
        };
        ensure!(!connection.is_null(), "libpq {} is out of memory", self.major);
        Ok(connection)
    }
}

fn c_string(text: &[u8]) -> CString {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    CString::new(&text[..end]).expect("cut before the first zero byte")
}

/// # Safety
/// The pointer is that of a string that ends in a zero byte.
unsafe fn bytes(text: *const c_char) -> Bytes {
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_bytes().to_vec()
}
