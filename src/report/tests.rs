//! Every format on findings that are hard to show.

mod formats;

use std::sync::Arc;

use super::*;
use crate::finding::{Edit, Fix, Label, Safety, Severity};
use crate::source::{FileKind, Place, Source, Span};
use crate::version::Major;

/// A file and the texts in it that are places: `«…»` marks them, in order.
fn add(sources: &mut Sources, path: &str, marked: &[u8]) -> Vec<Place> {
    let (open, close) = ("«".as_bytes(), "»".as_bytes());
    let mut bytes = Vec::new();
    let mut spans = Vec::new();
    let mut starts = Vec::new();
    let mut at = 0;
    while at < marked.len() {
        if marked[at..].starts_with(open) {
            starts.push(bytes.len());
            at += open.len();
        } else if marked[at..].starts_with(close) {
            spans.push(Span::new(starts.pop().expect("opened before"), bytes.len()));
            at += close.len();
        } else {
            bytes.push(marked[at]);
            at += 1;
        }
    }
    let file = sources.add(Source::new(path.into(), FileKind::Conf, Arc::from(bytes)));
    spans.into_iter().map(|span| Place { file, span }).collect()
}

fn finding(rule: &'static str, severity: Severity, message: &str, place: Place, label: &str) -> Finding {
    Finding {
        rule: rule.into(),
        severity,
        message: message.to_owned(),
        server: None,
        help: None,
        docs: None,
        place,
        label: label.to_owned(),
        related: Vec::new(),
        subject: None,
        pg: vec![Major::V16],
        fix: None,
        effect: None,
    }
}

fn fix(safety: Safety, title: &str, place: Place, text: &[u8]) -> Option<Fix> {
    Some(Fix { safety, title: title.to_owned(), edits: vec![Edit { place, text: text.to_vec() }], held: None })
}

/// Multi-byte text, bytes that are not UTF-8, tabs, an empty file, empty places, three places in two files, a secret.
fn report() -> Report {
    let mut report = Report { files: 3, suppressed: 1, ..Report::default() };
    let conf = add(
        &mut report.sources,
        "db1/postgresql.conf",
        b"# gr\xc3\xbc\xc3\x9fe \xf0\x9f\x90\x98\n\twal_level = \xc2\xabminimal\xc2\xbb   # sp\xe4t\n\nname = 'd\xc3\xa9j\xc3\xa0 \xc2\xabvu\xc2\xbb'\r\n\
          port\xc2\xab\xc2\xbb\n\
          a = 1\nb = 2\nc = 3\nd = 4\n\xc2\xabmax_wal_senders = 5\xc2\xbb\n\
          primary_conninfo = 'host=x \xc2\xabpassword=s3cret\xc2\xbb'\n\xc2\xablast = '\x1b[31m\xc2\xbb\xc2\xab\xc2\xbb",
    );
    let auto = add(&mut report.sources, "db1/postgresql.auto.conf", "«wal_level = 'minimal'»\nx = «1»\n".as_bytes());
    let empty = add(&mut report.sources, "db1/pg_hba.conf", "«»".as_bytes());
    let [level, name, port, senders, secret, odd, end] = conf[..] else { panic!("seven places") };
    let mut first = finding(
        "wal-level-minimal",
        Severity::Error,
        "`wal_level` is minimal, but `max_wal_senders` is 5",
        level,
        "no standby can be fed",
    );
    first.related = vec![
        Label { place: senders, message: "wants at least replica".to_owned() },
        Label { place: auto[0], message: "overridden here".to_owned() },
    ];
    first.server = Some("WAL streaming (max_wal_senders > 0) requires wal_level \"replica\" or \"logical\"".to_owned());
    first.help = Some("set `wal_level = replica`".to_owned());
    first.docs = Some("runtime-config-wal.html#GUC-WAL-LEVEL".into());
    first.subject = Some("wal_level".to_owned());
    first.fix = fix(Safety::Unsafe, "set wal_level = replica", level, b"replica");
    let mut leak = finding(
        "password-in-conninfo",
        Severity::Warning,
        "`password=s3cret` is there for all to read",
        secret,
        "here",
    );
    leak.fix = fix(Safety::Safe, "drop it", secret, b"passfile=x");
    report.findings = vec![
        first,
        finding("accents", Severity::Info, "déjà vu", name, "again"),
        finding("value-missing", Severity::Error, "`port` has no value", port, "a value is wanted"),
        leak,
        finding("string-open", Severity::Error, "a string is never closed: '\u{1b}[31m", odd, "opened here"),
        finding("end", Severity::Warning, "the file ends without a line feed", end, "here"),
        finding("hba-empty", Severity::Warning, "nobody may connect", empty[0], ""),
    ];
    report.errors.push(Trouble { path: Some("db1/extra.conf".into()), message: "Permission denied".to_owned() });
    report.nodes = report.sources.iter().map(|(file, _)| (file, "db1".to_owned())).collect();
    report
}

fn output(format: Format, report: &Report, show: Show, color: bool, statistics: bool) -> String {
    let mut output = Output::new(format, show, Look { color, links: color, width: 100 }, statistics);
    let mut summary = Summary { fails_on: Some(Severity::Warning), ..Summary::default() };
    summary.add(report);
    let rendered = output.render(report);
    output.take(rendered);
    let mut bytes = Vec::new();
    output.write(&mut bytes, &summary).expect("a Vec takes everything");
    String::from_utf8(bytes).expect("output is UTF-8")
}

#[test]
fn text() {
    insta::assert_snapshot!(output(Format::Text, &report(), Show::default(), false, false));
}

#[test]
fn concise() {
    insta::assert_snapshot!(output(Format::Concise, &report(), Show::default(), false, false));
}

#[test]
fn json() {
    insta::assert_snapshot!(output(Format::Json, &report(), Show::default(), false, false));
}

#[test]
fn statistics() {
    insta::assert_snapshot!(output(Format::Text, &report(), Show::default(), false, true));
}

#[test]
fn a_clean_run_still_prints_a_whole_document() {
    let clean = Report { files: 1, ..Report::default() };
    assert_eq!(output(Format::Text, &clean, Show::default(), false, false), "nothing found in 1 file\n");
    assert_eq!(output(Format::JsonLines, &clean, Show::default(), false, false), "");
    let json: serde_json::Value =
        serde_json::from_str(&output(Format::Json, &clean, Show::default(), false, false)).expect("JSON");
    assert_eq!(json["diagnostics"], serde_json::json!([]));
}

#[test]
fn colours_are_only_where_they_are_wanted() {
    assert!(output(Format::Text, &report(), Show::default(), true, false).contains("\u{1b}["));
    assert!(!output(Format::Json, &report(), Show::default(), true, false).contains('\u{1b}'));
}

#[test]
fn json_lines_are_the_diagnostics_of_the_document() {
    let document: serde_json::Value =
        serde_json::from_str(&output(Format::Json, &report(), Show::default(), false, false)).expect("JSON");
    let lines: Vec<serde_json::Value> = output(Format::JsonLines, &report(), Show::default(), false, false)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(document["diagnostics"], serde_json::Value::Array(lines));
}

#[test]
fn a_fingerprint_stays_when_the_line_moves() {
    let fingerprints = |text: &str| {
        let mut report = Report::default();
        let places = add(&mut report.sources, "x.conf", text.as_bytes());
        report.findings = places.into_iter().map(|place| finding("r", Severity::Info, text, place, "")).collect();
        diagnostic::diagnostics(&report, &Show::default())
            .into_iter()
            .map(|found| found.fingerprint)
            .collect::<Vec<_>>()
    };
    let before = fingerprints("«a» = 1\n«b» = 2\n");
    assert_eq!(before, fingerprints("# new\n\n«a» = 1\n   «b» = 3\n"));
    assert_ne!(before[0], before[1]);
}

#[test]
fn an_edit_leaves_out_what_must_not_be_said() {
    let mut report = Report::default();
    let places = add(
        &mut report.sources,
        "x.conf",
        b"c = '\xc2\xabhost=x password=s3cret\xc2\xbb'\n\xc2\xaba # sp\xe4t\xc2\xbb\n\xc2\xab\xc2\xbb",
    );
    let fixed = |place: Place, text: &[u8]| {
        let mut found = finding("r", Severity::Info, "", place, "");
        found.fix = fix(Safety::Safe, "t", place, text);
        found
    };
    report.findings = vec![
        fixed(places[0], b"host=y password=s3cret"),
        fixed(places[1], b"b # sp\xe4t"),
        fixed(places[2], b"password=s3cret"),
        fixed(places[2], b"\xe4"),
    ];
    let edits: Vec<Option<(usize, usize, String)>> = diagnostic::diagnostics(&report, &Show::default())
        .into_iter()
        .map(|found| found.fix.map(|fix| fix.edits[0].clone()))
        .map(|edit| edit.map(|edit| (edit.byte_offset, edit.end_byte_offset, edit.new_text)))
        .collect();
    let line = places[1].span.start;
    assert_eq!(edits, [Some((10, 11, "y".to_owned())), Some((line, line + 1, "b".to_owned())), None, None]);
}

#[test]
fn long_lines_and_distant_places_are_shown_in_part() {
    let mut report = Report::default();
    let text = format!("{}«é»{}\n{}«x»\n", "a".repeat(50_000), "é".repeat(50_000), "filler\n".repeat(9_000));
    let places = add(&mut report.sources, "x.conf", text.as_bytes());
    let mut found = finding("r", Severity::Info, "long", places[0], "in a long line");
    found.related.push(Label { place: places[1], message: "far away".to_owned() });
    report.findings.push(found);
    let text = output(Format::Text, &report, Show::default(), false, false);
    assert!(text.len() < 2_000, "{}", text.len());
    assert!(text.contains("x.conf:1:50001") && text.contains("x.conf:9002:1"), "{text}");
}

/// A thousand findings in one line of a megabyte: anything quadratic takes minutes.
#[test]
fn many_findings_in_one_line_are_quick() {
    let mut report = Report::default();
    let file = report.sources.add(Source::new("x".into(), FileKind::Conf, Arc::from("é ".repeat(400_000).as_bytes())));
    report.findings = (0..100_000)
        .map(|index| finding("r", Severity::Info, "m", Place { file, span: Span::new(index * 9, index * 9 + 2) }, ""))
        .collect();
    let started = std::time::Instant::now();
    assert_eq!(diagnostic::diagnostics(&report, &Show::default()).len(), 100_000);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema/diagnostics-v1.schema.json");

#[test]
fn the_published_schema_is_the_one_of_the_structs() {
    let schema = schemars::schema_for!(json::Document<'static>);
    let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
    if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        std::fs::write(SCHEMA, &text).expect("docs/schema is there");
    }
    assert_eq!(std::fs::read_to_string(SCHEMA).expect("the schema is there"), text, "INSTA_UPDATE=always writes it");
}

#[test]
fn real_output_is_valid_by_the_schema() {
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(SCHEMA).expect("it is there")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    for report in [report(), Report::default()] {
        let mut json: serde_json::Value =
            serde_json::from_str(&output(Format::Json, &report, Show::default(), false, false)).expect("JSON");
        assert!(validator.is_valid(&json), "{:?}", validator.iter_errors(&json).next().map(|error| error.to_string()));
        json["summary"]["files"] = "three".into();
        assert!(!validator.is_valid(&json), "the schema lets anything pass");
    }
}

mod laws {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            "[a-z =']{0,8}".prop_map(String::into_bytes),
            Just(b"\n".to_vec()),
            Just(b"\r\n".to_vec()),
            Just("é🐘\u{202e}\u{85}".as_bytes().to_vec()),
            Just(b"password='s3cret Q7' ".to_vec()),
            (390..420usize).prop_map(|length| vec![b'x'; length]),
        ];
        proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Whatever the bytes and places, every format comes out whole, and nothing in it acts on a terminal.
        #[test]
        fn anything_can_be_shown(
            files in proptest::collection::vec(bytes(), 1..3),
            places in proptest::collection::vec((any::<u16>(), any::<u16>(), any::<u8>()), 1..5),
            text in proptest::collection::vec(any::<u8>(), 0..6),
        ) {
            let mut report = Report::default();
            for (index, bytes) in files.iter().enumerate() {
                report.sources.add(Source::new(format!("f{index}").into(), FileKind::Conf, Arc::from(bytes.as_slice())));
            }
            let place = |(one, other, file): &(u16, u16, u8)| {
                let file = usize::from(*file) % files.len();
                let offset = |at: u16| usize::from(at) % (files[file].len() + 1);
                let (start, end) = (offset(*one).min(offset(*other)), offset(*one).max(offset(*other)));
                Place { file: FileId(u32::try_from(file).expect("few")), span: Span::new(start, end) }
            };
            let mut found = finding("r", Severity::Error, "m", place(&places[0]), "here");
            found.related = places[1..].iter().map(|at| Label { place: place(at), message: "there".to_owned() }).collect();
            found.fix = fix(Safety::Safe, "t", place(&places[0]), &text);
            report.findings.push(found);
            for format in formats::ALL {
                let shown = output(format, &report, Show::default(), false, false);
                prop_assert!(!shown.contains("Failed to read"), "{shown}");
                prop_assert!(shown.chars().all(|char| matches!(char, '\n' | '\t') || !place::is_unprintable(char)), "{shown:?}");
                // A fix may cut a quote and so make two secrets of one; only what is shown of the file is sure.
                prop_assert!(format != Format::Concise || !shown.contains("s3cret"), "{shown}");
                if let Format::Json | Format::Sarif | Format::Gitlab | Format::Rdjson = format {
                    prop_assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok(), "{shown}");
                }
                if let Some(first) = places.first() {
                    let path = format!("f{}", usize::from(first.2) % files.len());
                    prop_assert!(shown.contains(&path), "{shown}");
                }
            }
        }

        /// The header of the text names the same place as JSON does.
        #[test]
        fn text_and_json_name_the_same_place(bytes in bytes(), start in any::<u16>()) {
            let mut report = Report::default();
            let start = usize::from(start) % (bytes.len() + 1);
            // Inside of a character there is no column to agree on.
            prop_assume!(start == bytes.len() || !(0x80..0xc0).contains(&bytes[start]));
            let file = report.sources.add(Source::new("f".into(), FileKind::Conf, Arc::from(bytes)));
            report.findings.push(finding("r", Severity::Error, "m", Place { file, span: Span::new(start, start) }, "here"));
            let found = &diagnostic::diagnostics(&report, &Show::default())[0];
            let text = output(Format::Text, &report, Show::default(), false, false);
            prop_assert!(text.contains(&format!("[f:{}:{}]", found.line, found.column)), "{text}\n{found:?}");
        }
    }
}
