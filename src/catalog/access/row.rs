//! The rows of `rules/catalog/hba.tsv`.

use super::{Method, Needs, OptionWord, Proof, Reading, Transport, Type, Where};
use crate::table::{Cells, Grid, grid};

static TABLE: Grid<15> = grid!("hba");

/// A row of the table: most are asked only what they are about.
#[derive(Clone, Copy)]
pub struct Row(Cells<15>);

/// All rows, in the order of the table.
pub fn rows() -> impl Iterator<Item = Row> + Clone {
    TABLE.rows().map(Row)
}

impl Row {
    pub fn kind(self) -> &'static str {
        self.0.cell(0)
    }

    pub fn name(self) -> &'static str {
        self.0.cell(1)
    }

    pub fn since(self) -> &'static str {
        self.0.cell(2)
    }

    pub fn until(self) -> &'static str {
        self.0.cell(3)
    }

    pub fn build(self) -> &'static str {
        self.0.cell(4)
    }

    pub fn place(self) -> &'static str {
        self.0.cell(5)
    }

    pub fn methods(self) -> &'static str {
        self.0.cell(6)
    }

    pub fn said(self) -> &'static str {
        self.0.cell(8)
    }

    pub fn value(self) -> &'static str {
        self.0.cell(9)
    }

    pub fn asks(self) -> &'static str {
        self.0.cell(10)
    }

    pub fn sends(self) -> &'static str {
        self.0.cell(11)
    }

    pub fn strength(self) -> &'static str {
        self.0.cell(12)
    }

    pub fn needs(self) -> &'static str {
        self.0.cell(13)
    }

    pub fn setting(self) -> Option<&'static str> {
        Some(self.0.cell(7)).filter(|setting| !setting.is_empty())
    }

    pub fn connection_type(self) -> Type {
        let transport = |word: &str| match word {
            "local" => Transport::Local,
            "plain" => Transport::Plain,
            "tls" => Transport::Ssl,
            _ => Transport::Gss,
        };
        let transports = self.place().split(',').map(transport).collect();
        Type { name: self.name(), transports, build: self.build(), setting: self.setting() }
    }

    pub fn method(self) -> Method {
        let place = match self.place().split_once(' ') {
            Some(("only", word)) => Where::Only(word),
            Some((_, word)) => Where::Not(word),
            None => Where::Anywhere,
        };
        let said = if self.said().is_empty() { self.name() } else { self.said() };
        let on_local = Some(self.value()).filter(|value| !value.is_empty());
        let proof = match self.sends() {
            "nothing" => Proof::Nothing,
            "claim" => Proof::Claim,
            "clear" => Proof::Clear,
            "md5" => Proof::Md5,
            _ => Proof::Other,
        };
        let needs = match self.needs() {
            "password" => Needs::Password,
            "certificate" => Needs::Certificate,
            "account" => Needs::Account,
            "ticket" | "token" => Needs::Ticket,
            _ => Needs::Nothing,
        };
        Method {
            name: self.name(),
            said,
            build: self.build(),
            place,
            setting: self.setting(),
            on_local,
            asks: self.asks(),
            proof,
            strength: self.strength().parse().ok(),
            needs,
        }
    }

    pub fn option(self) -> Option<OptionWord> {
        let reading = match self.value() {
            "text" => Reading::Text,
            "flag" => Reading::Flag,
            "clientcert" => Reading::ClientCert,
            "clientname" => Reading::ClientName,
            "ldapurl" => Reading::LdapUrl,
            "ldapscheme" => Reading::LdapScheme,
            "ldapport" => Reading::LdapPort,
            "servers" => Reading::Servers,
            "ports" => Reading::Ports,
            "secrets" => Reading::Secrets,
            "identifiers" => Reading::Identifiers,
            "validator" => Reading::Validator,
            _ => return None,
        };
        let methods = self.methods().split(',').filter(|method| !method.is_empty()).collect();
        let is_secret = self.sends() == "secret";
        Some(OptionWord { name: self.name(), methods, said: self.said(), setting: self.setting(), reading, is_secret })
    }
}
