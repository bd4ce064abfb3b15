//! The commands of plugin authors, as they are given on the command line.

pub mod build;
pub mod call;
pub mod exit;
pub mod inspect;
pub mod new;
pub mod test;
