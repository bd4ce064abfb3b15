//! The commands of plugin authors, as they are given on the command line.

pub mod build;
pub mod dev;
pub mod new;
pub mod serving;
