// Starts `pgconflint server` for the files of PostgreSQL's configuration.

const { workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

const LANGUAGES = ['postgresql-conf', 'postgresql-hba', 'postgresql-ident', 'postgresql-recovery'];

let client;

function activate() {
  const settings = workspace.getConfiguration('pgconflint');
  const server = { command: settings.get('path'), args: ['server', ...settings.get('arguments')] };
  const documentSelector = LANGUAGES.map((language) => ({ scheme: 'file', language }));
  client = new LanguageClient('pgconflint', 'pgconflint', server, { documentSelector });
  return client.start();
}

function deactivate() {
  return client && client.stop();
}

module.exports = { activate, deactivate };
