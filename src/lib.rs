//! pgconflint
