-- pgconflint in Neovim, 0.7 and later: findings, fixes, hover, completion, definitions.

local function filetype(pattern, name)
  vim.api.nvim_create_autocmd({ 'BufRead', 'BufNewFile' }, {
    pattern = pattern,
    callback = function() vim.bo.filetype = name end,
  })
end

filetype({ 'postgresql.conf', 'postgresql.*.conf', 'postgresql.conf.sample' }, 'postgresql-conf')
filetype({ 'pg_hba.conf', 'pg_hba.*.conf' }, 'postgresql-hba')
filetype({ 'pg_ident.conf', 'pg_ident.*.conf' }, 'postgresql-ident')
filetype({ 'recovery.conf' }, 'postgresql-recovery')
-- What conf.d holds is PostgreSQL's where a postgresql.conf stands beside the directory.
filetype({ '*/postgresql/*/*/conf.d/*.conf' }, 'postgresql-conf')

local command = { vim.env.PGCONFLINT or 'pgconflint', 'server' }
local client

-- One server for all files.
local function attach(buffer)
  if vim.lsp.start then
    vim.lsp.start({ name = 'pgconflint', cmd = command, root_dir = vim.fn.getcwd() }, { bufnr = buffer })
    return
  end
  client = client or vim.lsp.start_client({ name = 'pgconflint', cmd = command, root_dir = vim.fn.getcwd() })
  if client then vim.lsp.buf_attach_client(buffer, client) end
end

vim.api.nvim_create_autocmd('FileType', {
  pattern = { 'postgresql-conf', 'postgresql-hba', 'postgresql-ident', 'postgresql-recovery' },
  callback = function(event)
    vim.bo[event.buf].commentstring = '# %s'
    vim.bo[event.buf].omnifunc = 'v:lua.vim.lsp.omnifunc'
    attach(event.buf)
  end,
})
