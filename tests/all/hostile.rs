//! Inputs that nobody means: a clear finding or a clear error, never a panic, never a wait without end.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use insta_cmd::get_cargo_bin;
use tempfile::TempDir;

/// Long enough for a slow machine, far too short for work that grows with the square of the input.
const LIMIT: Duration = Duration::from_secs(60);

struct Seen {
    code: i32,
    out: String,
    err: String,
}

impl Seen {
    fn says(&self, text: &str) -> bool {
        self.out.contains(text) || self.err.contains(text)
    }
}

fn node(files: &[(&str, &[u8])]) -> TempDir {
    let node = tempfile::tempdir().unwrap();
    fs::write(node.path().join("PG_VERSION"), "16\n").unwrap();
    for (name, bytes) in files {
        let path = node.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    node
}

/// Checks a directory; panics on a panic, on a signal and when it takes too long.
fn check(directory: &Path, arguments: &[&str]) -> Seen {
    let outputs = tempfile::tempdir().unwrap();
    let (out, err) = (outputs.path().join("out"), outputs.path().join("err"));
    let mut command = Command::new(get_cargo_bin("pgconflint"));
    command.args(["check", "--color", "never"]).args(arguments).arg(directory);
    command.stdin(Stdio::null()).stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let before = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if before.elapsed() > LIMIT {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("no end after {LIMIT:?}: {}", directory.display());
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let seen = Seen { code: status.code().expect("no signal ends it"), out: text(&out), err: text(&err) };
    assert!(!seen.says("panicked"), "{}{}", seen.out, seen.err);
    seen
}

fn root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

#[test]
fn binary_junk() {
    let mut random = 1_u32;
    let junk: Vec<u8> = std::iter::repeat_with(|| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random.to_be_bytes()[0]
    })
    .take(100_000)
    .collect();
    let node = node(&[("postgresql.conf", &junk)]);
    let seen = check(node.path(), &[]);
    assert_eq!(seen.code, 1, "{}", seen.err);
    assert!(seen.out.contains("error["), "{}", &seen.out[..seen.out.len().min(500)]);
}

#[test]
fn zero_bytes_only() {
    let node = node(&[("postgresql.conf", &[0; 4096])]);
    assert_eq!(check(node.path(), &[]).code, 1);
}

#[test]
fn an_empty_file() {
    let node = node(&[("postgresql.conf", b"")]);
    let seen = check(node.path(), &[]);
    assert_eq!(seen.code, 0, "{}{}", seen.out, seen.err);
}

#[test]
fn a_directory_for_a_file() {
    let node = node(&[("postgresql.conf/x", b"")]);
    let seen = check(node.path(), &[]);
    assert!(seen.code == 2 && seen.says("directory"), "{} {}{}", seen.code, seen.out, seen.err);
}

#[test]
fn a_file_that_may_not_be_read() {
    if root() {
        return;
    }
    let node = node(&[("postgresql.conf", b"port = 1\n")]);
    fs::set_permissions(node.path().join("postgresql.conf"), fs::Permissions::from_mode(0o000)).unwrap();
    let seen = check(node.path(), &[]);
    assert!(seen.code == 2 && seen.says("Permission denied"), "{} {}{}", seen.code, seen.out, seen.err);
}

#[test]
fn a_circle_of_links() {
    let node = node(&[]);
    symlink("a", node.path().join("postgresql.conf")).unwrap();
    symlink("postgresql.conf", node.path().join("a")).unwrap();
    let seen = check(node.path(), &[]);
    assert!(seen.code == 2 && seen.says("symbolic links"), "{} {}{}", seen.code, seen.out, seen.err);
}

#[test]
fn a_pipe_for_a_file() {
    let node = node(&[]);
    let made = Command::new("mkfifo").arg(node.path().join("postgresql.conf")).status().unwrap();
    assert!(made.success());
    let seen = check(node.path(), &[]);
    assert!(seen.code == 2 && !seen.err.is_empty(), "{} {}{}", seen.code, seen.out, seen.err);
}

#[test]
fn an_included_pipe() {
    let node = node(&[("postgresql.conf", b"include 'pipe.conf'\n")]);
    assert!(Command::new("mkfifo").arg(node.path().join("pipe.conf")).status().unwrap().success());
    let seen = check(node.path(), &[]);
    assert!(seen.code != 0, "{}{}", seen.out, seen.err);
}

#[test]
fn a_circle_of_directories() {
    let node = node(&[("conf/a.conf", b"port = 1\n")]);
    symlink("..", node.path().join("conf/up")).unwrap();
    symlink("conf", node.path().join("again")).unwrap();
    let seen = check(node.path(), &[]);
    assert!(seen.code <= 2);
}

#[test]
fn bytes_that_are_no_text() {
    let node = node(&[("postgresql.conf", b"cluster_name = 'caf\xe9'\n\xff\xfe = 1\nwork_m\xe9m = 1\n")]);
    for format in ["text", "json"] {
        let seen = check(node.path(), &["--format", format]);
        assert_eq!(seen.code, 1, "{format}: {}", seen.err);
    }
}

#[test]
fn five_megabytes_in_one_line() {
    let line = |middle: &[u8]| [b"log_line_prefix = ", middle, b"\n"].concat();
    let long = vec![b'x'; 5 << 20];
    for bytes in [
        line(&[b"'".as_slice(), &long, b"'"].concat()),
        line(&[b"'".as_slice(), &long].concat()),
        line(&long),
        [b"# ".as_slice(), &long].concat(),
        long.clone(),
        vec![b'\''; 5 << 20],
        vec![b'='; 5 << 20],
        vec![b' '; 5 << 20],
    ] {
        let node = node(&[("postgresql.conf", &bytes)]);
        let seen = check(node.path(), &[]);
        assert!(seen.code <= 1, "{} {}", seen.code, seen.err);
        // A message may repeat a name as the server does, and a window shows the line.
        let said = seen.out.len();
        assert!(said < bytes.len() * 2, "{said} bytes about {:?}…", String::from_utf8_lossy(&bytes[..40]));
    }
}

#[test]
fn many_lines_of_one_setting() {
    let sizes = [20_000, 200_000].map(|count| {
        let node = node(&[("postgresql.conf", "work_mem = 4MB\n".repeat(count).as_bytes())]);
        let seen = check(node.path(), &["--format", "json"]);
        assert!(seen.code <= 1, "{} {}", seen.code, seen.err);
        seen.out.len()
    });
    // Ten times the lines are no more than ten times the words.
    assert!(sizes[1] < sizes[0] * 11 + 10_000, "{sizes:?}");
}

#[test]
fn many_broken_lines() {
    let node = node(&[("postgresql.conf", "= nothing\n".repeat(20_000).as_bytes())]);
    assert_eq!(check(node.path(), &[]).code, 1);
}

#[test]
fn includes_in_circles() {
    let circles: [&[(&str, &[u8])]; 4] = [
        &[("postgresql.conf", b"include 'postgresql.conf'\n")],
        &[
            ("postgresql.conf", b"include 'a.conf'\n"),
            ("a.conf", b"include 'b.conf'\n"),
            ("b.conf", b"include 'a.conf'\n"),
        ],
        &[
            ("postgresql.conf", b"include_dir 'd'\n"),
            ("d/a.conf", b"include_dir '.'\n"),
            ("d/b.conf", b"include 'a.conf'\n"),
        ],
        // Each reading doubles: two to the power of ten of them.
        &[
            ("postgresql.conf", b"include 'a.conf'\ninclude 'a.conf'\n"),
            ("a.conf", b"include 'b.conf'\ninclude 'b.conf'\n"),
            ("b.conf", b"include 'a.conf'\ninclude 'a.conf'\n"),
        ],
    ];
    for files in circles {
        let node = node(files);
        for pg in ["9.4", "9.6", "16", "9.4..18"] {
            let seen = check(node.path(), &["--pg", pg]);
            assert!(seen.code == 1 && seen.out.contains("include"), "{pg} {} {}{}", seen.code, seen.out, seen.err);
        }
    }
}

#[test]
fn a_long_chain_of_includes() {
    let names: Vec<String> = (0..500).map(|number| format!("{number}.conf")).collect();
    let texts: Vec<String> = (0..500).map(|number| format!("include '{}.conf'\n", number + 1)).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("postgresql.conf", b"include '0.conf'\n")];
    files.extend(names.iter().map(String::as_str).zip(texts.iter().map(String::as_bytes)));
    let node = node(&files);
    let seen = check(node.path(), &[]);
    assert!(seen.code == 1 && seen.out.contains("include-too-deep"), "{}{}", seen.out, seen.err);
}

#[test]
fn junk_for_pg_hba_conf_and_pg_ident_conf() {
    let mut random = 7_u32;
    let mut junk = || -> Vec<u8> {
        let byte = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random.to_be_bytes()[0]
        };
        std::iter::repeat_with(byte).take(200_000).collect()
    };
    let (hba, ident) = (junk(), junk());
    let node = node(&[("pg_hba.conf", &hba), ("pg_ident.conf", &ident)]);
    let seen = check(node.path(), &["--format", "concise"]);
    assert_eq!(seen.code, 1, "{}", seen.err);
    assert!(seen.out.contains("pg_hba.conf:") && seen.out.contains("pg_ident.conf:"), "{}", &seen.out[..500]);
}

#[test]
fn lists_of_names_without_end() {
    let names: Vec<String> = (0..40_000).map(|index| format!("u{index}")).collect();
    let line = format!("host {0} {0} 10.0.0.0/8 scram-sha-256\n", names.join(","));
    let node = node(&[("pg_hba.conf", [line.as_str(), &line, &line].concat().as_bytes())]);
    assert!(check(node.path(), &[]).code < 2);
}

#[test]
fn files_of_names_that_pull_in_each_other() {
    let mut files: Vec<(String, String)> =
        (0..30).map(|index| (format!("f{index}"), format!("@f{0} @f{0} @f{0}\n", index + 1))).collect();
    files.push(("f30".to_owned(), "x\n".to_owned()));
    files.push(("pg_hba.conf".to_owned(), "local @f0 all peer\ninclude pg_hba.conf\n".to_owned()));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let node = node(&files);
    assert_eq!(check(node.path(), &[]).code, 1);
    // Before 16 only the number of open files is a limit, and here it is not reached.
    assert!(check(node.path(), &["--pg", "14"]).code < 3);
}
