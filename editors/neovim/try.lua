-- What Neovim shows of two nodes: run by `editors/neovim/try`.

local function say(...) io.stderr:write(string.format(...), '\n') end

local function fail(...)
  say(...)
  os.exit(1)
end

local function wait(what, is_there)
  if not vim.wait(20000, is_there, 20) then fail('waited in vain for %s', what) end
end

local function found()
  local all = vim.diagnostic.get(0)
  table.sort(all, function(one, other) return one.lnum < other.lnum or one.lnum == other.lnum and one.col < other.col end)
  return all
end

local function show(all)
  local words = { 'error', 'warning', 'info', 'hint' }
  for _, one in ipairs(all) do
    local line = vim.api.nvim_buf_get_lines(0, one.lnum, one.lnum + 1, false)[1]
    local text = line:sub(one.col + 1, one.end_col)
    say('  %d:%d %s %s `%s`: %s', one.lnum + 1, one.col + 1, words[one.severity], one.code, text, vim.split(one.message, '\n')[1])
  end
end

local function open(path, lines)
  vim.cmd('edit! ' .. path)
  if lines then vim.api.nvim_buf_set_lines(0, -1, -1, false, lines) end
  wait('findings of ' .. path, function() return #found() > 0 end)
  say('%s: %s', path, vim.bo.filetype)
  show(found())
end

local function client()
  local get = vim.lsp.get_clients or vim.lsp.get_active_clients
  return get()[1]
end

local function ask(method, line, column, more)
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(),
    position = { line = line - 1, character = column - 1 },
  }
  for key, value in pairs(more or {}) do params[key] = value end
  local answer = vim.lsp.buf_request_sync(0, method, params, 10000)
  local _, first = next(answer or {})
  if not first or first.err then fail('%s: %s', method, vim.inspect(first)) end
  return first.result
end

local version = vim.version()
say('Neovim %d.%d.%d', version.major, version.minor, version.patch)
open('first-look/postgresql.conf')
local before = #found()
local encoding = client().offset_encoding or 'utf-16'
say('columns in %s', encoding)

say('hover: %s', vim.split(ask('textDocument/hover', 5, 3).contents.value, '\n')[1])
local labels = vim.tbl_map(function(item) return item.label end, ask('textDocument/completion', 7, 13))
say('completion: %s', table.concat(labels, ', '))
say('definition: %s', vim.fn.fnamemodify(vim.uri_to_fname(ask('textDocument/definition', 11, 3)[1].uri), ':.'))
say('symbols: %d', #ask('textDocument/documentSymbol', 1, 1))

local range = { start = { line = 4, character = 0 }, ['end'] = { line = 4, character = 0 } }
local actions = ask('textDocument/codeAction', 5, 1, { range = range, context = { diagnostics = {} } })
for _, action in ipairs(actions) do say('action: %s', action.title) end
vim.lsp.util.apply_workspace_edit(actions[1].edit, encoding)
say('line 5 is now: %s', vim.api.nvim_buf_get_lines(0, 4, 5, false)[1])
wait('one finding less', function() return #found() == before - 1 end)

vim.api.nvim_buf_set_lines(0, 7, 8, false, { 'application_name = "中e\u{301}🐘"' })
wait('the finding behind wide characters', function()
  local line = vim.tbl_filter(function(one) return one.lnum == 7 end, found())
  return #line == 1 and line[1].code ~= 'unknown-parameter'
end)
show(vim.tbl_filter(function(one) return one.lnum == 7 end, found()))

-- With a line that is on no disk.
open('who-gets-in/pg_hba.conf', { 'host all all 10.0.0.0/8 scram' })
vim.cmd('edit notes.conf')
vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'no_such = 1' })
vim.wait(300)
say('notes.conf: %d findings', #found())
vim.lsp.stop_client((vim.lsp.get_clients or vim.lsp.get_active_clients)())
vim.wait(500, function() return client() == nil end, 20)
say('done')
os.exit(0)
