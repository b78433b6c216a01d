//! WIT packages of a project.
mod bundle;
mod lock;
mod name;
mod scan;
