//! The arguments of `rogatory <noun> <verb>`: types only.
//!
//! What they mean is in `commands`, which mirrors this folder. Nothing here does anything.

pub mod case;
pub mod custody;
pub mod hash_list;
pub mod instrument;
pub mod order;
pub mod package;
pub mod party;
pub mod preservation;
pub mod request;
pub mod template;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Mutual legal assistance and cross-border evidence: draft, approve, transmit, seal, open, verify.
#[derive(Parser, Debug)]
#[command(name = "rogatory", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The noun.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Args, Debug, Clone, Default)]
pub struct Global {
    /// The directory of the officer's profile [env: ROGATORY_PROFILE]
    #[arg(long, global = true, value_name = "DIR")]
    pub profile: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing on the side
    #[arg(long, global = true)]
    pub quiet: bool,
}

/// The nouns.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Institutions: this one's signed entry and those of its counterparts
    #[command(subcommand)]
    Party(party::Party),
    /// The forms in which requests and answers are written
    #[command(subcommand)]
    Template(template::Template),
    /// Treaties and acts that requests rely on
    #[command(subcommand)]
    Instrument(instrument::Instrument),
    /// Requests for mutual legal assistance, in both directions
    #[command(subcommand)]
    Request(request::Request),
    /// Requests to preserve stored data, in both directions
    #[command(subcommand)]
    Preservation(preservation::Preservation),
    /// Orders to providers that serve a request
    #[command(subcommand)]
    Order(order::Order),
    /// Evidence packages: seal, verify, open, move
    #[command(subcommand)]
    Package(package::Package),
    /// Lists of digests of material that must not be shown by accident
    #[command(subcommand)]
    HashList(hash_list::HashList),
    /// Cases of any kind: their erasure by law
    #[command(subcommand)]
    Case(case::Case),
    /// Ask the own server how it is
    Doctor,
    /// The custody log: what happened, and the proof of it
    #[command(subcommand)]
    Custody(custody::Custody),
}

impl Command {
    /// The noun and the verb as they were typed.
    #[must_use]
    pub fn name(&self) -> String {
        let (noun, verb) = match self {
            Self::Party(verb) => ("party", verb.name()),
            Self::Template(verb) => ("template", verb.name()),
            Self::Instrument(verb) => ("instrument", verb.name()),
            Self::Request(verb) => ("request", verb.name()),
            Self::Preservation(verb) => ("preservation", verb.name()),
            Self::Order(verb) => ("order", verb.name()),
            Self::Package(verb) => ("package", verb.name()),
            Self::HashList(verb) => ("hash-list", verb.name()),
            Self::Case(verb) => ("case", verb.name()),
            Self::Doctor => return "doctor".to_owned(),
            Self::Custody(verb) => ("custody", verb.name()),
        };
        format!("{noun} {verb}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_may_follow_the_verb() {
        let cli = Cli::try_parse_from(["rogatory", "request", "show", "C-1", "--json", "--profile", "p"])
            .expect("parses");
        assert!(cli.global.json);
        assert_eq!(cli.command.name(), "request show");
    }

    #[test]
    fn the_contract_is_accepted() {
        for line in [
            "party export -o a.asice",
            "party import a.asice --fingerprint 00 --yes",
            "party show md/central-authority",
            "template check --facts f.json ets185/art31-trafficking",
            "request check --template t --facts f.json",
            "request draft --template t --facts f.json --to md/central-authority",
            "request approve C-1 --document D-1",
            "request transmit C-1 --yes",
            "request acknowledge C-1 --reference X --yes",
            "request ask C-1 --question Q1 --text Which? --answer-by 2026-12-04 --yes",
            "request answer C-1 --question Q1 --text That. --yes",
            "request execute C-1 --remarks done",
            "request execute C-1 --partly --not-executed Logs.",
            "request refuse C-1 --ground R07-dual-criminality --reason No. --part Rest --reference X",
            "request postpone C-1 --ground P01-prejudice-own-case --until 2026-12-04 --reason Later.",
            "request forward C-1 --to md/prosecutor --reason Competent. --yes",
            "request withdraw C-1 --reason Solved. --language fr --beside en",
            "request close C-1 --yes",
            "preservation request --facts f.json --to md/central-authority --language fr --beside en",
            "preservation approve C-1 --document D-1",
            "preservation transmit C-1 --yes",
            "preservation confirm C-1 --days 60 --reference X --yes",
            "preservation confirm C-1 --until 2027-03-01T23:59:59Z --reference X",
            "preservation extend C-1 --until 2027-03-01T23:59:59Z --reason More.",
            "preservation follow-up C-1 --template t --facts f.json",
            "preservation release C-1 --reason Done.",
            "preservation refuse C-1 --ground R02-essential-interests --reason No.",
            "preservation ask C-1 --text Which?",
            "preservation answer C-1 --text That.",
            "preservation list",
            "preservation show C-1",
            "preservation export C-1 -o out",
            "request export C-1 -o out",
            "request render --template t --facts f.json -o o.pdf",
            "order draft C-1 --to md/provider --facts f.json",
            "order transmit C-1 --yes",
            "order acknowledge C-1 --reference X",
            "package seal --recipient age1a --recipient age1b --order N --reference R --key k --certificate c --chain f --each -o o.asice a b",
            "package verify p.asice --identity i --trust a --trust b --at 2026-11-22T00:00:00Z --signer 00 --require seal,contents --json",
            "package open p.asice --identity i --trust t -o d --keep-tar",
            "package seal --recipient age1a --facts f.toml -o o.asice a",
            "package export p.asice --identity i --trust t --format case -o o.jsonld",
            "package export p.asice --format eu-manifest --sent 2026-11-22T00:00:00Z --means m --case-reference r -o o.json",
            "package export p --format eu-manifest-text --available-from 2026-11-22T00:00:00Z --available-until 2026-12-22T00:00:00Z --means m -o o.md",
            "package open p.asice -o d --exhibit EX-0001 --exhibit EX-0003 --sensitive-reason why",
            "package show p.asice --identity i --trust t",
            "package seal --recipient age1a -o o.asice --sensitive a=abuse-material --hash-list l --hash-list m a",
            "hash-list import l m -o f.hashes",
            "package disclose p.asice --identity i --exhibit EX-0001 --exhibit EX-0003 --recipient age1a --key k --certificate c -o o.asice",
            "package rewrap p --identity i --recipient age1a --recipient age1b --trust t --key k --certificate c --chain f --no-recovery why -o o",
            "package send p.asice --order N --yes",
            "package relay PK-1 --yes",
            "package receive PK-1 -o o.asice",
            "package list C-1",
            "case erase C-1 --reason retention-over --article Art.4",
            "case erase C-1 --confirm --yes",
            "doctor",
            "custody show C-1",
            "custody export C-1 -o f.json",
            "custody verify f.json --trust a.asice",
            "custody tiles -o log",
            "custody audit log --record f.json --trust a.asice",
            "custody witnesses --save d",
        ] {
            let words = std::iter::once("rogatory").chain(line.split(' '));
            Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn the_reference_names_every_verb_of_the_acts() {
        let page = include_str!("../../../docs/reference/commands.md");
        let command = Cli::command();
        for noun in ["request", "preservation", "order", "case"] {
            let mut listed: Vec<String> = page
                .lines()
                .filter_map(|line| line.strip_prefix(&format!("| `{noun} "))?.split('`').next())
                .map(ToOwned::to_owned)
                .collect();
            let mut verbs: Vec<String> = command
                .find_subcommand(noun)
                .expect("a noun")
                .get_subcommands()
                .map(|verb| verb.get_name().to_owned())
                .collect();
            verbs.sort();
            listed.sort();
            assert_eq!(listed, verbs, "{noun}");
        }
    }

    #[test]
    fn what_an_act_needs_must_be_typed() {
        for (line, lacks) in [
            ("request ask C-1", "--text"),
            ("request answer C-1 --question Q1", "--text"),
            ("request refuse C-1 --reason No.", "--ground"),
            ("request refuse C-1 --ground R07-dual-criminality", "--reason"),
            ("request postpone C-1 --reason Later.", "--ground"),
            ("request forward C-1 --reason Competent.", "--to"),
            ("request forward C-1 --to md/prosecutor", "--reason"),
            ("request withdraw C-1", "--reason"),
            ("preservation request --to md/central-authority", "--facts"),
            ("preservation confirm C-1", "--until"),
            ("preservation extend C-1", "--reason"),
            ("preservation follow-up C-1 --facts f", "--template"),
            ("preservation release C-1", "--reason"),
            ("case erase C-1", "--reason"),
            ("case erase C-1 --reason R", "--article"),
        ] {
            let words = std::iter::once("rogatory").chain(line.split(' '));
            let error = Cli::try_parse_from(words).expect_err(line);
            assert_eq!(error.kind(), clap::error::ErrorKind::MissingRequiredArgument, "{line}");
            assert!(error.to_string().contains(lacks), "{line}: {error}");
        }
    }

    #[test]
    fn a_day_and_a_number_of_days_exclude_each_other() {
        for verb in ["confirm C-1", "extend C-1 --reason More."] {
            let line = format!("rogatory preservation {verb} --until 2027-03-01T23:59:59Z --days 60");
            let error = Cli::try_parse_from(line.split(' ')).expect_err("one of them");
            assert_eq!(error.kind(), clap::error::ErrorKind::ArgumentConflict, "{error}");
        }
    }
}
