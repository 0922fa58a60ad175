//! Real PostgreSQL servers to ask what they make of a configuration file.
