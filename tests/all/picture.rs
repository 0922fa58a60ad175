//! What a terminal shows, as an SVG: text with the colours of its escape sequences.

use std::fmt::Write as _;

/// Advance and line height of the type, in pixels.
const CELL: (f32, f32) = (8.4, 19.0);
const MARGIN: f32 = 16.0;
/// Where a terminal goes on in the next row.
const WIDTH: usize = 112;

/// What a run of characters looks like.
#[derive(Clone, Copy, Default, PartialEq)]
struct Look {
    bold: bool,
    dim: bool,
    underlined: bool,
    colour: Option<&'static str>,
}

impl Look {
    /// The look after one `ESC [ … m`.
    fn after(self, codes: &str) -> Look {
        codes.split(';').fold(self, |look, code| match code {
            "" | "0" => Look::default(),
            "1" => Look { bold: true, ..look },
            "2" => Look { dim: true, ..look },
            "4" => Look { underlined: true, ..look },
            "31" => Look { colour: Some("#ff7b72"), ..look },
            "32" => Look { colour: Some("#7ee787"), ..look },
            "33" => Look { colour: Some("#e3b341"), ..look },
            "34" => Look { colour: Some("#79c0ff"), ..look },
            "35" => Look { colour: Some("#d2a8ff"), ..look },
            "36" => Look { colour: Some("#56d4dd"), ..look },
            "39" => Look { colour: None, ..look },
            other => panic!("no picture shows {other:?}"),
        })
    }

    fn attributes(self) -> String {
        let mut text = self.colour.map_or_else(String::new, |colour| format!(" fill=\"{colour}\""));
        for (is, attribute) in [
            (self.bold, " font-weight=\"bold\""),
            (self.dim, " opacity=\"0.65\""),
            (self.underlined, " text-decoration=\"underline\""),
        ] {
            text.push_str(if is { attribute } else { "" });
        }
        text
    }
}

/// The picture of a terminal's text. Each run is stretched to its cells, whatever font is there.
pub fn svg(title: &str, text: &str) -> String {
    let mut look = Look::default();
    let lines: Vec<Vec<(Look, String)>> =
        text.lines().flat_map(|line| rows(runs(&unlinked(line), &mut look))).collect();
    let columns = lines.iter().map(|runs| runs.iter().map(|(_, run)| run.chars().count()).sum()).max().unwrap_or(0);
    let (width, height) = (length(columns) + 2.0 * MARGIN, below(lines.len()) + MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n\
         <g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" \
         font-size=\"14\" fill=\"#e6edf3\">\n",
        escaped(title)
    );
    for (row, runs) in lines.iter().enumerate() {
        let mut column = 0;
        for (look, run) in runs {
            for (at, shown) in pieces(run) {
                let (x, y) = (MARGIN + length(column + at), below(row + 1) - 5.0);
                let wide = length(shown.chars().count());
                let _ = writeln!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{y:.0}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\"{}>{}</text>",
                    look.attributes(),
                    escaped(shown)
                );
            }
            column += run.chars().count();
        }
    }
    out.push_str("</g>\n</svg>\n");
    assert!(!out.contains(|char: char| char.is_control() && char != '\n'), "an escape sequence is left");
    out
}

/// A line without where its links lead: `ESC ] 8 ; ; … ESC \`.
fn unlinked(line: &str) -> String {
    let mut pieces = line.split("\u{1b}]8;;");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.split_once("\u{1b}\\").expect("a link ends").1);
    }
    out
}

/// A line as runs of one look each; the look goes on into the next line.
fn runs(line: &str, look: &mut Look) -> Vec<(Look, String)> {
    let mut pieces = line.split("\u{1b}[");
    let mut runs = vec![(*look, pieces.next().unwrap_or_default().to_owned())];
    for piece in pieces {
        let (codes, text) = piece.split_once('m').expect("only colours are set");
        *look = look.after(codes);
        match runs.last_mut() {
            Some((last, run)) if last == look => run.push_str(text),
            _ => runs.push((*look, text.to_owned())),
        }
    }
    runs
}

/// What stands between blanks, each with the column where it begins; single blanks stay. A browser makes one of several.
fn pieces(run: &str) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let mut column = 0;
    for piece in run.split("  ") {
        let blanks = piece.chars().take_while(|char| *char == ' ').count();
        let shown = piece.trim();
        if !shown.is_empty() {
            pieces.push((column + blanks, shown));
        }
        column += piece.chars().count() + 2;
    }
    pieces
}

/// A line as the rows of a terminal.
fn rows(line: Vec<(Look, String)>) -> Vec<Vec<(Look, String)>> {
    let mut rows = vec![Vec::new()];
    let mut column = 0;
    for (look, run) in line {
        for char in run.chars() {
            if column == WIDTH {
                rows.push(Vec::new());
                column = 0;
            }
            let row = rows.last_mut().expect("there is a row");
            match row.last_mut() {
                Some((last, text)) if *last == look => String::push(text, char),
                _ => row.push((look, char.to_string())),
            }
            column += 1;
        }
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "pictures are small")]
fn length(columns: usize) -> f32 {
    columns as f32 * CELL.0
}

#[expect(clippy::cast_precision_loss, reason = "pictures are small")]
fn below(rows: usize) -> f32 {
    MARGIN + rows as f32 * CELL.1
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn looks_are_drawn() {
    let drawn = svg(
        "a < b",
        "\u{1b}]8;;https://x\u{1b}\\\u{1b}[31mred\u{1b}]8;;\u{1b}\\\u{1b}[1m and bold\u{1b}[0m\n  plain & <tag>   # why\n",
    );
    assert!(drawn.contains("<title>a &lt; b</title>"));
    assert!(drawn.contains(" fill=\"#ff7b72\">red</text>"), "{drawn}");
    assert!(drawn.contains(" fill=\"#ff7b72\" font-weight=\"bold\">and bold</text>"), "{drawn}");
    assert!(drawn.contains("<text x=\"32.8\" y=\"49\" textLength=\"109.2\""), "{drawn}");
    assert!(drawn.contains(">plain &amp; &lt;tag&gt;</text>"), "{drawn}");
    // It begins in the nineteenth column, whatever a browser makes of blanks.
    assert!(drawn.contains("<text x=\"167.2\" y=\"49\" textLength=\"42.0\""), "{drawn}");
}
