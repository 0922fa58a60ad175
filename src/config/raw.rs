//! The file as serde reads it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::NodeConfig;
use crate::finding::Severity;
use crate::nearest::did_you_mean;
use crate::version::{Role, Targets};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    pub pg: Option<RawTargets>,
    #[serde(default)]
    pub rules: Vec<String>,
    #[serde(default)]
    pub exclude: Vec<Spanned<String>>,
    pub baseline: Option<PathBuf>,
    #[serde(default)]
    pub ignore: Vec<Spanned<String>>,
    #[serde(default)]
    pub severity: BTreeMap<Spanned<String>, RawSeverity>,
    #[serde(default)]
    pub node: Vec<Spanned<RawNode>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNode {
    pub name: Spanned<String>,
    pub path: Spanned<PathBuf>,
    pub data_dir: Option<Spanned<PathBuf>>,
    pub role: Option<RawRole>,
    pub pg: Option<RawTargets>,
    pub address: Option<Spanned<RawAddresses>>,
    pub upstream: Option<Spanned<String>>,
}

impl RawNode {
    fn addresses(&self) -> impl Iterator<Item = &str> {
        let written = match self.address.as_ref().map(Spanned::get_ref) {
            None => &[],
            Some(RawAddresses::One(one)) => std::slice::from_ref(one),
            Some(RawAddresses::Many(many)) => many.as_slice(),
        };
        written.iter().map(String::as_str)
    }

    pub fn relative_to(&self, base: &Path, place: &dyn Fn(Range<usize>) -> (usize, usize)) -> NodeConfig {
        let data_dir = self.data_dir.as_ref();
        NodeConfig {
            name: self.name.get_ref().clone(),
            path: base.join(self.path.get_ref()),
            data_dir: data_dir.map(|path| base.join(path.get_ref())),
            place: place(self.path.span()),
            data_place: data_dir.filter(|path| path.get_ref().is_relative()).map(|path| place(path.span())),
            role: self.role.map(|role| match role {
                RawRole::Primary => Role::Primary,
                RawRole::Standby => Role::Standby,
            }),
            pg: self.pg.as_ref().map(|pg| pg.0.clone()),
            address: self.addresses().filter_map(|address| address.parse().ok()).collect(),
            upstream: self.upstream.as_ref().map(|upstream| upstream.get_ref().clone()),
        }
    }
}

/// One address, or a list of them.
#[derive(Deserialize)]
#[serde(untagged, expecting = "address is an IP address in quotes, or a list of them: [\"10.0.0.2\"]")]
pub enum RawAddresses {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum RawRole {
    Primary,
    Standby,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum RawSeverity {
    Error,
    Warning,
    Info,
}

impl From<RawSeverity> for Severity {
    fn from(raw: RawSeverity) -> Severity {
        match raw {
            RawSeverity::Error => Severity::Error,
            RawSeverity::Warning => Severity::Warning,
            RawSeverity::Info => Severity::Info,
        }
    }
}

/// `"16"`, `"11..16"`, and the number 16 that people write instead.
pub struct RawTargets(pub Targets);

impl<'de> Deserialize<'de> for RawTargets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawTargets, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "pg is a version in quotes, such as \"16\", \"9.6\" or \"11..16\"")]
        enum Written {
            Text(String),
            Major(u16),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Major(major) => major.to_string(),
        };
        text.parse().map(RawTargets).map_err(D::Error::custom)
    }
}

/// Names are unique, and an upstream is one of them.
pub fn check_nodes(nodes: &[Spanned<RawNode>]) -> Result<(), (usize, String)> {
    let names: Vec<&str> = nodes.iter().map(|node| node.get_ref().name.get_ref().as_str()).collect();
    for (index, node) in nodes.iter().enumerate() {
        let node = node.get_ref();
        let name = node.name.get_ref();
        if names[..index].contains(&name.as_str()) {
            return Err((node.name.span().start, format!("there are two nodes named `{name}`")));
        }
        if let Some(wrong) = node.addresses().find(|address| address.parse::<IpAddr>().is_err()) {
            let start = node.address.as_ref().map_or(0, |address| address.span().start);
            return Err((start, format!("`{wrong}` is no IP address")));
        }
        let Some(upstream) = &node.upstream else { continue };
        let others = names.iter().copied().filter(|other| other != name);
        if !others.clone().any(|other| other == upstream.get_ref()) {
            let hint = did_you_mean(upstream.get_ref(), others);
            let message = format!("there is no other node `{}`{hint}", upstream.get_ref());
            return Err((upstream.span().start, message));
        }
    }
    Ok(())
}
