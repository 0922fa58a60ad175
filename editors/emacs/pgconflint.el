;;; pgconflint.el --- PostgreSQL configuration, checked as it is written -*- lexical-binding: t -*-

;; Emacs 29 has Eglot; before that it is a package.
(require 'conf-mode)
(require 'eglot)

(define-derived-mode postgresql-conf-mode conf-unix-mode "PostgreSQL conf")
(define-derived-mode postgresql-hba-mode conf-unix-mode "pg_hba")
(define-derived-mode postgresql-ident-mode conf-unix-mode "pg_ident")
(define-derived-mode postgresql-recovery-mode conf-unix-mode "recovery.conf")

(dolist (entry '(("/postgresql\\(\\..*\\)?\\.conf\\(\\.sample\\)?\\'" . postgresql-conf-mode)
                 ("/postgresql/[^/]*/[^/]*/conf\\.d/.*\\.conf\\'" . postgresql-conf-mode)
                 ("/pg_hba\\(\\..*\\)?\\.conf\\'" . postgresql-hba-mode)
                 ("/pg_ident\\(\\..*\\)?\\.conf\\'" . postgresql-ident-mode)
                 ("/recovery\\.conf\\'" . postgresql-recovery-mode)))
  (add-to-list 'auto-mode-alist entry))

(dolist (mode '(postgresql-conf-mode postgresql-hba-mode postgresql-ident-mode postgresql-recovery-mode))
  (add-to-list 'eglot-server-programs (list mode (or (getenv "PGCONFLINT") "pgconflint") "server"))
  (add-hook (intern (format "%s-hook" mode)) #'eglot-ensure))

(provide 'pgconflint)
;;; pgconflint.el ends here
