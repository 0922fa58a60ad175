//! What comes of nodes that follow each other, in one sentence each and for other programs.

use serde::Serialize;

use super::{Report, Show};
use crate::check::forecast::Forecast;
use crate::model::pair::Answer;

/// What comes of a node.
#[derive(Serialize, Clone, Debug)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NodeForecast {
    /// What others call it.
    pub name: String,
    /// The node that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
    /// Whether it starts: `yes`, `no` or `depends`.
    pub starts: &'static str,
    /// Whether it is a standby then, and stays one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standby: Option<&'static str>,
    /// Whether WAL comes from its upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<&'static str>,
    /// Whether it answers queries.
    pub readable: &'static str,
    /// Whether commits on it come to an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commits: Option<&'static str>,
    /// Why not.
    pub because: Vec<String>,
    /// What has to be so, and is not in files.
    pub provided: Vec<String>,
    /// What no file ever says, and is taken for granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assumed: Option<String>,
    /// All of it in one sentence.
    pub sentence: String,
}

/// The forecasts of a report.
pub fn of(report: &Report, show: &Show) -> Vec<NodeForecast> {
    let text = |text: &String| show.text(text).into_owned();
    let node = |forecast: &Forecast| NodeForecast {
        name: forecast.name.clone(),
        upstream: forecast.upstream.clone(),
        starts: forecast.starts.word(),
        standby: forecast.standby.map(Answer::word),
        streams: forecast.streams.map(Answer::word),
        readable: forecast.readable.word(),
        commits: forecast.commits.map(Answer::word),
        because: forecast.because.iter().map(|(why, _)| text(why)).collect(),
        provided: forecast.provided.iter().map(text).collect(),
        assumed: forecast.assumed.as_ref().filter(|_| forecast.streams != Some(Answer::No)).map(text),
        sentence: text(&sentence(forecast)),
    };
    report.forecasts.iter().map(node).collect()
}

/// What is taken for granted, each once.
pub fn assumed(forecasts: &[NodeForecast]) -> Vec<&str> {
    let mut all: Vec<&str> = forecasts.iter().filter_map(|forecast| forecast.assumed.as_deref()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether there is something to say of a node that follows nobody.
pub fn is_worth_a_line(forecast: &NodeForecast) -> bool {
    forecast.upstream.is_some() || forecast.starts != "yes" || forecast.commits.is_some_and(|commits| commits != "yes")
}

/// What comes of a node, in one sentence.
pub fn sentence(forecast: &Forecast) -> String {
    let name = &forecast.name;
    let because = match forecast.because.len() {
        0 => String::new(),
        1 => format!(", because: {}", forecast.because[0].0),
        count => format!(", because: {} (and {} more)", forecast.because[0].0, count - 1),
    };
    let Some(upstream) = &forecast.upstream else {
        return match (forecast.starts, forecast.commits) {
            (Answer::No, _) => format!("primary {name} will not start{because}"),
            (_, Some(Answer::No)) => format!("primary {name} will start, and commits on it will wait for ever"),
            (_, Some(Answer::Depends)) => {
                format!("primary {name} will start, and commits on it wait until enough standbys are there")
            }
            _ => format!("primary {name} will start"),
        };
    };
    let follows = format!("standby {name} will");
    let mut sentence = match forecast.streams {
        _ if forecast.starts == Answer::No => format!("{follows} not start{because}"),
        Some(Answer::Yes) => format!("{follows} stream from {upstream}"),
        Some(Answer::Depends) => {
            let conditions = forecast.provided.join(", and if ");
            let conditions = if conditions.is_empty() { "the version is right".to_owned() } else { conditions };
            format!("{follows} stream from {upstream}, if {conditions}")
        }
        _ => format!("{follows} not stream from {upstream}{because}"),
    };
    if forecast.starts == Answer::Yes && forecast.standby == Some(Answer::Yes) && forecast.readable == Answer::No {
        sentence.push_str("; it answers no queries");
    }
    sentence
}
