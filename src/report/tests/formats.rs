//! The formats for other programs.

use super::*;
use crate::check::Described;

pub const ALL: [Format; 11] = [
    Format::Text,
    Format::Concise,
    Format::Json,
    Format::JsonLines,
    Format::Sarif,
    Format::Github,
    Format::Gitlab,
    Format::Rdjson,
    Format::Junit,
    Format::Checkstyle,
    Format::Markdown,
];

fn shown(format: Format, report: &Report) -> String {
    output(format, report, Show::default(), false, false)
}

fn json_of(format: Format, report: &Report) -> serde_json::Value {
    serde_json::from_str(&shown(format, report)).expect("JSON")
}

/// The findings of the other tests, with a rule that is described.
fn described() -> Report {
    let mut report = report();
    let rule = Described {
        id: "wal-level-minimal".to_owned(),
        title: crate::rule::page::unfilled("`wal_level` is {wal_level}, so no standby can be fed"),
        severity: "error".to_owned(),
        prose: "The server does not\nstart.\n\nSet `wal_level = replica`.".to_owned(),
        docs: Some("runtime-config-wal.html#GUC-WAL-LEVEL".to_owned()),
    };
    report.rules.insert(rule.id.clone(), rule);
    report
}

#[test]
fn every_format_over_the_same_findings() {
    let report = described();
    insta::assert_snapshot!("sarif", shown(Format::Sarif, &report));
    insta::assert_snapshot!("github", shown(Format::Github, &report));
    insta::assert_snapshot!("gitlab", shown(Format::Gitlab, &report));
    insta::assert_snapshot!("rdjson", shown(Format::Rdjson, &report));
    insta::assert_snapshot!("junit", shown(Format::Junit, &report));
    insta::assert_snapshot!("checkstyle", shown(Format::Checkstyle, &report));
    insta::assert_snapshot!("markdown", shown(Format::Markdown, &report));
}

/// Before the place: a tab, a wide character, a combining one, an astral one, and a byte that is not UTF-8.
#[test]
fn columns_are_right_in_every_format() {
    let mut report = Report::default();
    let line = b"\tn = '\xe6\xbc\xa2e\xcc\x81\xf0\x9f\x90\x98\xff' \xc2\xabx\xc2\xbb # \xff\n";
    let places = add(&mut report.sources, "x.conf", line);
    let mut found = finding("r", Severity::Error, "m", places[0], "here");
    found.fix = fix(Safety::Safe, "t", places[0], b"y");
    found.related.push(Label { place: places[0], message: "there".to_owned() });
    report.findings.push(found);
    // 13 code points, 14 UTF-16 units and 19 bytes stand before it; lines and columns count from 1, offsets from 0.
    for (format, wanted) in [
        (Format::Text, &["x.conf:1:14"][..]),
        (Format::Concise, &["x.conf:1:14: error"]),
        (Format::Json, &["\"column\": 14", "\"endColumn\": 15", "\"utf16Column\": 15", "\"byteOffset\": 19"]),
        (Format::JsonLines, &["\"column\":14", "\"endColumn\":15", "\"utf16EndColumn\":16", "\"endByteOffset\":20"]),
        (Format::Sarif, &["\"startColumn\": 14", "\"endColumn\": 15", "\"columnKind\": \"unicodeCodePoints\""]),
        (Format::Github, &["line=1,endLine=1,col=14,endColumn=15", "x.conf:1:14"]),
        (Format::Gitlab, &["\"column\": 14", "\"column\": 15"]),
        (Format::Rdjson, &["\"column\": 20", "\"column\": 21"]),
        (Format::Junit, &["name=\"r:1:14\"", "x.conf:1:14"]),
        (Format::Checkstyle, &["line=\"1\" column=\"14\""]),
        (Format::Markdown, &["x.conf&#58;1&#58;14"]),
    ] {
        let text = shown(format, &report);
        for wanted in wanted {
            assert!(text.contains(wanted), "{format:?} lacks {wanted}:\n{text}");
        }
    }
    // The place itself, the related one and the fix have the same columns.
    assert_eq!(shown(Format::Sarif, &report).matches("\"startColumn\": 14").count(), 3);
    assert_eq!(shown(Format::Rdjson, &report).matches("\"column\": 20").count(), 3);
}

/// All but `concise`, whose one line is fixed; what a page makes of line feeds is read past.
#[test]
fn help_is_seen_in_every_format_with_room_for_it() {
    let mut report = Report::default();
    let places = add(&mut report.sources, "x.conf", "«a» = 1\n".as_bytes());
    let mut found = finding("r", Severity::Error, "no such thing", places[0], "here");
    found.help = Some("Did you mean\n`b`, password=s3cret".to_owned());
    report.findings.push(found);
    for format in ALL {
        let text = shown(format, &report).replace("<code>", "`").replace("</code>", "`");
        let text = text.replace("\\n", " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(text.contains("Did you mean `b`"), format != Format::Concise, "{format:?}: {text}");
        assert!(!text.contains("s3cret"), "{format:?}: {text}");
    }
    let gitlab = json_of(Format::Gitlab, &report);
    assert_eq!(gitlab[0]["description"], "r: no such thing; help: Did you mean `b`, password=****");
    assert_eq!(shown(Format::Concise, &report), "x.conf:1:1: error: no such thing [r]\n");
}

#[test]
fn no_format_shows_a_secret_or_acts_on_a_terminal() {
    let report = described();
    for format in ALL {
        let text = shown(format, &report);
        assert!(!text.contains("s3cret"), "{text}");
        assert!(text.chars().all(|char| matches!(char, '\n' | '\t') || !place::is_unprintable(char)), "{text:?}");
        let open = Show { secrets: true, ..Show::default() };
        assert!(output(format, &report, open, false, false).contains("s3cret"), "{format:?}");
    }
}

/// A file whose name and text would be commands, markup and entities.
fn hostile() -> Report {
    let mut report = Report::default();
    let path = "a%b:c,d|<x>&\"'`\n::error::x/\u{1b}[31m\u{202e}.conf";
    let places = add(&mut report.sources, path, "«port = \n::set-output name=x::y»\n«b»".as_bytes());
    let text = "`x\r\n::error file=y::z` ##[error] | <script>&amp;</script> [a](javascript:b) \u{0}\u{fffe} @all :x:";
    report.findings =
        vec![finding("r", Severity::Error, text, places[0], text), finding("r", Severity::Info, text, places[1], text)];
    report.errors.push(Trouble { path: Some(path.into()), message: text.to_owned() });
    report
}

#[test]
fn nothing_that_a_file_says_is_a_command() {
    let text = shown(Format::Github, &hostile());
    let commands: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!(commands.len(), 3, "{text}");
    assert!(commands[0].starts_with("::error title=pgconflint::"), "{text}");
    assert!(commands[1].starts_with("::error file=") && commands[2].starts_with("::notice file="), "{text}");
    for command in commands {
        assert_eq!(command.matches('\n').count() + command.matches('\r').count(), 1, "{command}");
        let properties = command.trim_start_matches("::").split("::").next().expect("there is one");
        let properties = properties.split_once(' ').expect("a name, and properties").1;
        assert!(properties.split(',').all(|property| property.matches('=').count() == 1), "{properties}");
    }
    assert!(text.contains("line=1,endLine=2,title"), "columns of several lines are left out: {text}");
    let concise = shown(Format::Concise, &hostile());
    assert_eq!(concise.lines().count(), 2, "{concise}");
}

#[test]
fn nothing_that_a_file_says_is_markup() {
    for format in [Format::Junit, Format::Checkstyle] {
        let text = shown(format, &hostile());
        let entities = text.split('&').skip(1).all(|after| {
            let name = after.split(';').next().unwrap_or_default();
            ["amp", "lt", "gt", "quot", "apos"].contains(&name) || name.starts_with('#')
        });
        assert!(entities && !text.contains("<script"), "{text}");
        assert!(!text.contains(['\u{0}', '\u{fffe}', '\u{1b}']), "{text:?}");
    }
    let text = shown(Format::Markdown, &hostile());
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 4, "{text}");
    assert!(rows.iter().all(|row| row.matches('|').count() == 5), "{text}");
    assert!(!text.contains("<script") && !text.contains("](javascript"), "{text}");
    assert_eq!(text.matches("<code>").count(), text.matches("</code>").count());
}

#[test]
fn many_annotations_are_counted() {
    let mut report = Report::default();
    let places = add(&mut report.sources, "x.conf", "«a»\n".repeat(12).as_bytes());
    report.findings = places.into_iter().map(|place| finding("r", Severity::Warning, "m", place, "")).collect();
    let text = shown(Format::Github, &report);
    assert!(text.starts_with("::notice title=pgconflint::2 more findings of level warning"), "{text}");
    assert_eq!(text.lines().count(), 13);
}

#[test]
fn sarif_is_valid_and_has_all_that_code_scanning_wants() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/reports/sarif-2.1.0.schema.json");
    let schema = std::fs::read_to_string(schema).expect("it is there");
    // Its one pattern that only ECMAScript of old takes, of a property that is not written here.
    let schema = schema.replace("^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$", "^[a-zA-Z]{2}");
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    for report in [described(), hostile(), Report::default()] {
        let mut document = json_of(Format::Sarif, &report);
        let fault =
            validator.iter_errors(&document).next().map(|error| format!("{error} at {}", error.instance_path()));
        assert_eq!(fault, None);
        let run = &document["runs"][0];
        let text = |value: &serde_json::Value| value.as_str().map_or(0, |text| text.chars().count());
        for rule in run["tool"]["driver"]["rules"].as_array().expect("always there") {
            for name in ["shortDescription", "fullDescription"] {
                assert!((1..=1024).contains(&text(&rule[name]["text"])), "{rule}");
            }
            assert!(text(&rule["help"]["text"]) > 0 && text(&rule["help"]["markdown"]) > 0, "{rule}");
            assert!(!rule["shortDescription"]["text"].as_str().expect("text").contains('{'), "{rule}");
        }
        let results = run["results"].as_array().expect("always there");
        assert_eq!(results.len(), report.findings.len());
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().expect("always")).expect("small");
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
            let region = &result["locations"][0]["physicalLocation"]["region"];
            for name in ["startLine", "startColumn", "endLine", "endColumn"] {
                assert!(region[name].as_u64().is_some_and(|number| number > 0), "{region}");
            }
            let hash = result["partialFingerprints"]["primaryLocationLineHash"].as_str().expect("always");
            assert!(hash.split_once(':').is_some_and(|(_, count)| count.parse::<u32>().is_ok()), "{hash}");
        }
        document["runs"][0]["results"] = serde_json::json!([{}]);
        assert!(!validator.is_valid(&document), "the schema lets anything pass");
    }
}

#[test]
fn a_path_is_a_uri() {
    let mut report = Report::default();
    for path in ["a b/é#?.conf", "/etc/x.conf"] {
        let places = add(&mut report.sources, path, "«a»".as_bytes());
        report.findings.push(finding("r", Severity::Info, "m", places[0], ""));
    }
    let uris: Vec<String> = json_of(Format::Sarif, &report)["runs"][0]["results"]
        .as_array()
        .expect("always there")
        .iter()
        .map(|result| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].to_string())
        .collect();
    assert_eq!(uris, ["\"file:///etc/x.conf\"", "\"a%20b/%C3%A9%23%3F.conf\""]);
}

#[test]
fn a_clean_run_is_a_whole_document_everywhere() {
    let clean = Report { files: 1, ..Report::default() };
    assert_eq!(json_of(Format::Gitlab, &clean), serde_json::json!([]));
    assert_eq!(json_of(Format::Rdjson, &clean)["diagnostics"], serde_json::json!([]));
    assert_eq!(json_of(Format::Sarif, &clean)["runs"][0]["results"], serde_json::json!([]));
    assert!(shown(Format::Junit, &clean).contains("tests=\"1\" failures=\"0\""));
    assert!(shown(Format::Checkstyle, &clean).ends_with("<checkstyle version=\"4.3\">\n</checkstyle>\n"));
    assert_eq!(shown(Format::Github, &clean), "");
    assert_eq!(shown(Format::Markdown, &clean), "## pgconflint: nothing found in 1 file\n");
}

#[test]
fn a_fix_of_several_edits_is_no_suggestion() {
    let mut report = Report::default();
    let places = add(&mut report.sources, "x.conf", "«a»\n«b»\n".as_bytes());
    let mut found = finding("r", Severity::Info, "m", places[0], "");
    let edit = |place| Edit { place, text: b"y".to_vec() };
    found.fix = Some(Fix {
        held: None,
        safety: Safety::Safe,
        title: "t".to_owned(),
        edits: places.iter().map(|place| edit(*place)).collect(),
    });
    report.findings.push(found);
    assert_eq!(json_of(Format::Rdjson, &report)["diagnostics"][0]["suggestions"], serde_json::Value::Null);
    let changes = &json_of(Format::Sarif, &report)["runs"][0]["results"][0]["fixes"][0]["artifactChanges"];
    assert_eq!(changes[0]["replacements"].as_array().map(Vec::len), Some(2));
}

/// A hash of a secret could be guessed, and a baseline would keep it for ever.
#[test]
fn what_a_finding_is_known_by_holds_no_secret() {
    let subjects = |text: &str| {
        let mut report = Report::default();
        let places = add(&mut report.sources, "x.conf", text.as_bytes());
        let found: Vec<Finding> = places.into_iter().map(|place| finding("r", Severity::Info, "", place, "")).collect();
        let subject = |found: &Finding| diagnostic::subject(found, report.sources.get(found.place.file));
        found.iter().map(subject).collect::<Vec<_>>()
    };
    let first = subjects("c = 'host=x password=«s3cret»'\n«c   =  'password=s3cret'»\n");
    assert!(first.iter().all(|subject| !subject.contains("s3cret")), "{first:?}");
    assert_eq!(subjects("host  «all   all» x\n"), ["all all"]);
}
