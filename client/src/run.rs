//! From parsed arguments to a command and its printed result.
//!
//! The one place where the files named on the command line are read, questions are asked and
//! results are printed. Decides nothing about the matter itself.

use crate::cli::{self, Cli, Command};
use crate::commands::{self, party_id};
use crate::files::{self, CONTAINER_LIMIT_BYTES, RECORD_LIMIT_BYTES};
use crate::output::printer::{Printer, Shared, Streams};
use crate::output::progress::{Bar, Lines};
use crate::papers::Wording;
use crate::problem::{Exit, Problem, clean};
use crate::profile::{KeyPair, Profile};
use crate::session::Session;
use crate::trust::Trust;
use rogatory_core::reference::QuestionId;
use rogatory_core::{Clock, Digest, Entropy, Timestamp};
use rogatory_evidence::{ExhibitNumber, Requirement};
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the machine, or a test, gives to a run.
pub struct Environment {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where ids, numbers and salts come from.
    pub entropy: Arc<dyn Entropy>,
    /// Where to read and write.
    pub streams: Streams,
    /// The profile's directory, unless `--profile` names another.
    pub profile: Option<PathBuf>,
    /// The account under which the program runs.
    pub account: String,
}

/// Runs one command and says how it ended.
pub async fn run(cli: Cli, environment: Environment) -> Exit {
    let global = cli.global;
    let mut streams = environment.streams;
    let errors = Shared::new(streams.errors);
    streams.errors = Box::new(errors.clone());
    let mut printer = Printer::new(streams, &cli.command.name(), global.json, global.quiet);
    let directory = global.profile.or(environment.profile).filter(|_| uses_profile(&cli.command));
    let profile = match directory.as_deref().map(Profile::load).transpose() {
        Ok(profile) => profile,
        Err(problem) => return printer.problem(&problem),
    };
    let clock = Arc::clone(&environment.clock);
    let mut session = Session::new(profile, environment.clock, environment.entropy)
        .with_directory(directory)
        .with_account(environment.account);
    if global.json && !global.quiet {
        session = session.with_progress(Arc::new(Lines::new(clock, Box::new(errors))));
    } else if printer.shows_progress() {
        session = session.with_progress(Arc::new(Bar::default()));
    }
    let ended = match cli.command {
        Command::Party(verb) => party(&session, &mut printer, verb).await,
        Command::Template(verb) => template(&mut printer, verb),
        Command::Instrument(verb) => instrument(&mut printer, verb),
        Command::Request(verb) => request(&session, &mut printer, verb).await,
        Command::Preservation(verb) => preservation(&session, &mut printer, verb).await,
        Command::Order(verb) => order(&session, &mut printer, verb).await,
        Command::Package(verb) => package(&session, &mut printer, verb).await,
        Command::HashList(verb) => hash_list(&mut printer, verb).await,
        Command::Case(verb) => case(&session, &mut printer, verb).await,
        Command::Doctor => {
            commands::doctor::doctor(&session).await.map(|examined| printer.outcome(&examined))
        }
        Command::Custody(verb) => custody(&session, &mut printer, verb).await,
    };
    ended.unwrap_or_else(|problem| printer.problem(&problem))
}

/// What is checked offline needs no profile, and must not fail on a broken one.
const fn uses_profile(command: &Command) -> bool {
    !matches!(
        command,
        Command::Template(_)
            | Command::Instrument(_)
            | Command::HashList(_)
            | Command::Request(cli::request::Request::Check(_))
            | Command::Package(cli::package::Package::Verify(_))
            | Command::Custody(cli::custody::Custody::Verify(_) | cli::custody::Custody::Audit(_))
    )
}

async fn party(session: &Session, printer: &mut Printer, verb: cli::party::Party) -> Result<Exit, Problem> {
    use cli::party::Party;
    use commands::party;
    Ok(match verb {
        Party::Export(it) => printer.outcome(&party::export(session, &it.output).await?),
        Party::Import(it) => {
            let container = files::read(&it.file, CONTAINER_LIMIT_BYTES, "the entry")?;
            let plan = party::plan_import(session, container)?;
            let fingerprint = match &it.fingerprint {
                Some(text) => digest(text, "--fingerprint")?,
                None => {
                    printer.confirm(&plan, "Is this the fingerprint that they told you?", it.yes)?;
                    plan.entry.fingerprint
                }
            };
            printer.outcome(&party::import(session, plan, fingerprint).await?)
        }
        Party::List => printer.outcome(&party::list(session).await?),
        Party::Show(it) => printer.outcome(&party::show(session, &party_id(&it.party)?).await?),
    })
}

fn instrument(printer: &mut Printer, verb: cli::instrument::Instrument) -> Result<Exit, Problem> {
    use cli::instrument::Instrument;
    use commands::instrument;
    Ok(match verb {
        Instrument::List => printer.outcome(&instrument::list()?),
        Instrument::Show(it) => printer.outcome(&instrument::show(&it.instrument)?),
    })
}

fn template(printer: &mut Printer, verb: cli::template::Template) -> Result<Exit, Problem> {
    use cli::template::Template;
    use commands::template;
    Ok(match verb {
        Template::List => printer.outcome(&template::list()),
        Template::Show(it) => {
            printer.outcome(&template::show(&it.template, &wording(it.wording), it.example)?)
        }
        Template::Check(it) => {
            let facts = it.facts.as_deref().map(files::read_facts).transpose()?;
            let wording = wording(it.wording);
            printer.outcome(&template::check(it.template.as_deref(), facts.as_ref(), &wording)?)
        }
    })
}

async fn request(
    session: &Session,
    printer: &mut Printer,
    verb: cli::request::Request,
) -> Result<Exit, Problem> {
    use cli::request::Request;
    use commands::request;
    Ok(match verb {
        Request::Check(it) => {
            let facts = files::read_facts(&it.facts)?;
            printer.outcome(&request::check(&it.template, &facts, &wording(it.wording))?)
        }
        Request::Draft(it) => {
            let facts = files::read_facts(&it.facts)?;
            let (to, wording) = (party_id(&it.to)?, wording(it.wording));
            let arguments = request::DraftArguments { template: it.template, facts, to, wording };
            printer.outcome(&request::draft(session, arguments).await?)
        }
        Request::Approve(it) => printer.outcome(&request::approve(session, &pick(it)).await?),
        Request::Transmit(it) => {
            let plan = request::plan_transmission(session, &pick(it.pick)).await?;
            printer.confirm(&plan, "Seal and transmit it?", it.yes || plan.is_done())?;
            printer.outcome(&request::transmit(session, &plan).await?)
        }
        Request::Acknowledge(it) => {
            let yes = it.yes;
            let prepared = request::prepare_acknowledgement(session, acknowledgement(it)?).await?;
            send(session, printer, prepared, yes).await?
        }
        Request::Ask(it) => {
            let yes = it.yes;
            let prepared = request::prepare_question(session, question(it)?).await?;
            send(session, printer, prepared, yes).await?
        }
        Request::Answer(it) => {
            let yes = it.yes;
            let prepared = request::prepare_answer(session, answer(it)?).await?;
            send(session, printer, prepared, yes).await?
        }
        Request::Execute(it) => {
            let arguments = request::ExecuteArguments {
                case: it.case,
                partly: it.partly,
                not_executed: it.not_executed,
                remarks: it.remarks,
                form: form(it.form)?,
            };
            printer.outcome(&request::execute(session, arguments).await?)
        }
        Request::Refuse(it) => printer.outcome(&request::refuse(session, refusal(it)?).await?),
        Request::Postpone(it) => {
            let arguments = request::PostponeArguments {
                case: it.case,
                ground: request::postponement_ground(&it.ground)?,
                until: it.until,
                reason: it.reason,
                form: filed_form(it.form)?,
            };
            printer.outcome(&request::postpone(session, arguments).await?)
        }
        Request::Forward(it) => {
            let arguments = request::ForwardArguments {
                case: it.case,
                to: party_id(&it.to)?,
                reason: it.reason,
                form: filed_form(it.form)?,
            };
            let prepared = request::prepare_forwarding(session, &arguments).await?;
            let question = "Forward it, and tell the requesting authority?";
            printer.confirm(&prepared, question, it.yes || prepared.is_done())?;
            printer.outcome(&request::forward(session, arguments, prepared).await?)
        }
        Request::Withdraw(it) => {
            let form = form(it.form)?;
            let arguments = request::WithdrawArguments { case: it.case, reason: it.reason, form };
            printer.outcome(&request::withdraw(session, arguments).await?)
        }
        Request::Close(it) => {
            let form = form(it.form)?;
            let arguments = request::CloseArguments { case: it.case, remarks: it.remarks, form };
            let prepared = request::prepare_closing(session, arguments).await?;
            send(session, printer, prepared, it.yes).await?
        }
        Request::List => printer.outcome(&request::list(session).await?),
        Request::Show(it) => printer.outcome(&request::show(session, &it.case).await?),
        Request::Export(it) => printer.outcome(&request::export(session, &pick(it.pick), &it.output).await?),
        Request::Render(it) => {
            let to = it.to.as_deref().map(party_id).transpose()?;
            let (facts, wording) = (files::read_facts(&it.facts)?, wording(it.wording));
            let arguments = request::RenderArguments { template: it.template, facts, to, wording };
            printer.outcome(&request::render(session, arguments, &it.output)?)
        }
    })
}

/// Shows what was prepared, asks, and sends it.
async fn send(
    session: &Session,
    printer: &mut Printer,
    prepared: commands::request::Prepared,
    yes: bool,
) -> Result<Exit, Problem> {
    printer.confirm(&prepared, "Sign, seal and transmit it?", yes || prepared.is_done())?;
    Ok(printer.outcome(&prepared.send(session).await?))
}

async fn preservation(
    session: &Session,
    printer: &mut Printer,
    verb: cli::preservation::Preservation,
) -> Result<Exit, Problem> {
    use cli::preservation::Preservation;
    use commands::preservation::{self, Until};
    Ok(match verb {
        Preservation::Request(it) => {
            let facts = files::read_facts(&it.facts)?;
            let (to, wording) = (party_id(&it.to)?, wording(it.wording));
            let arguments = preservation::DraftArguments { template: it.template, facts, to, wording };
            printer.outcome(&preservation::request(session, arguments).await?)
        }
        Preservation::Approve(it) => printer.outcome(&preservation::approve(session, &pick(it)).await?),
        Preservation::Transmit(it) => {
            let plan = preservation::plan_transmission(session, &pick(it.pick)).await?;
            printer.confirm(&plan, "Seal and transmit it?", it.yes || plan.is_done())?;
            printer.outcome(&preservation::transmit(session, &plan).await?)
        }
        Preservation::Confirm(it) => {
            let until = Until::typed(it.until.as_deref(), it.days)?
                .ok_or_else(|| Problem::usage("until when the data are preserved is missing"))?;
            let form = form(it.form)?;
            let arguments =
                preservation::ConfirmArguments { case: it.case, until, reference: it.reference, form };
            let prepared = preservation::prepare_confirmation(session, arguments).await?;
            send(session, printer, prepared, it.yes).await?
        }
        Preservation::Extend(it) => {
            let until = Until::typed(it.until.as_deref(), it.days)?;
            let form = form(it.form)?;
            let arguments = preservation::ExtendArguments { case: it.case, until, reason: it.reason, form };
            printer.outcome(&preservation::extend(session, arguments).await?)
        }
        Preservation::FollowUp(it) => {
            let (facts, wording) = (files::read_facts(&it.facts)?, wording(it.wording));
            let arguments =
                preservation::FollowUpArguments { case: it.case, template: it.template, facts, wording };
            printer.outcome(&preservation::follow_up(session, arguments).await?)
        }
        Preservation::Release(it) => {
            let form = form(it.form)?;
            let arguments = preservation::ReleaseArguments { case: it.case, reason: it.reason, form };
            printer.outcome(&preservation::release(session, arguments).await?)
        }
        Preservation::Refuse(it) => printer.outcome(&preservation::refuse(session, refusal(it)?).await?),
        Preservation::Ask(it) => {
            let yes = it.yes;
            let prepared = preservation::prepare_question(session, question(it)?).await?;
            send(session, printer, prepared, yes).await?
        }
        Preservation::Answer(it) => {
            let yes = it.yes;
            let prepared = preservation::prepare_answer(session, answer(it)?).await?;
            send(session, printer, prepared, yes).await?
        }
        Preservation::List => printer.outcome(&preservation::list(session).await?),
        Preservation::Show(it) => printer.outcome(&preservation::show(session, &it.case).await?),
        Preservation::Export(it) => {
            printer.outcome(&preservation::export(session, &pick(it.pick), &it.output).await?)
        }
    })
}

async fn order(session: &Session, printer: &mut Printer, verb: cli::order::Order) -> Result<Exit, Problem> {
    use cli::order::Order;
    use commands::order;
    Ok(match verb {
        Order::Draft(it) => {
            let form = form(it.form)?;
            let arguments = order::DraftArguments { case: it.case, to: party_id(&it.to)?, form };
            printer.outcome(&order::draft(session, arguments).await?)
        }
        Order::Approve(it) => printer.outcome(&order::approve(session, &pick(it)).await?),
        Order::Transmit(it) => {
            let plan = order::plan_transmission(session, &pick(it.pick)).await?;
            printer.confirm(&plan, "Seal it and serve it on the provider?", it.yes || plan.is_done())?;
            printer.outcome(&order::transmit(session, &plan).await?)
        }
        Order::Acknowledge(it) => {
            let yes = it.yes;
            let prepared = order::prepare_acknowledgement(session, acknowledgement(it)?).await?;
            send(session, printer, prepared, yes).await?
        }
        Order::List => printer.outcome(&order::list(session).await?),
        Order::Show(it) => printer.outcome(&order::show(session, &it.case).await?),
        Order::Export(it) => printer.outcome(&order::export(session, &pick(it.pick), &it.output).await?),
    })
}

async fn package(
    session: &Session,
    printer: &mut Printer,
    verb: cli::package::Package,
) -> Result<Exit, Problem> {
    use cli::package::Package;
    use commands::package;
    Ok(match verb {
        Package::Seal(it) if it.send => {
            let yes = it.yes;
            let plan = package::plan_seal_and_send(session, seal_arguments(session, it)?).await?;
            printer.confirm(&plan, "Seal and send it?", yes)?;
            printer.outcome(&package::seal_and_send(session, plan).await?)
        }
        Package::Seal(it) => {
            let plan = package::plan_seal(session, seal_arguments(session, it)?).await?;
            // Whoever sees a stranger's key there can still break off.
            printer.announce(&plan);
            printer.outcome(&package::seal_planned(session, plan).await?)
        }
        Package::Verify(it) => {
            printer.outcome(&package::verify(session, verify_arguments(session, it)?).await?)
        }
        Package::Show(it) => {
            let arguments = package::VerifyArguments {
                path: it.path,
                identities: identities(&it.identity)?,
                trust: Trust::load(&it.trust, session.now())?,
                ..Default::default()
            };
            printer.outcome(&package::show(session, arguments).await?)
        }
        Package::Open(it) => {
            let verify = package::VerifyArguments {
                path: it.path,
                identities: identities(&it.identity)?,
                trust: Trust::load(&it.trust, session.now())?,
                ..Default::default()
            };
            let arguments = package::OpenArguments {
                verify,
                output: it.output,
                keep_tar: it.keep_tar,
                portable_names: it.portable_names,
                unverified: it.unverified,
                exhibits: exhibits(&it.exhibit)?,
                sensitive_reason: it.sensitive_reason,
            };
            printer.outcome(&package::open(session, arguments).await?)
        }
        Package::Disclose(it) => {
            let arguments = derive_arguments(session, it.derive)?;
            let arguments =
                package::DeriveArguments { is_disclosure: true, exhibits: it.exhibit, ..arguments };
            printer.outcome(&package::derive(session, arguments).await?)
        }
        Package::Rewrap(it) => {
            printer.outcome(&package::derive(session, derive_arguments(session, it.derive)?).await?)
        }
        Package::Export(it) => {
            printer.outcome(&package::export(session, export_arguments(session, it)?).await?)
        }
        Package::Send(it) => {
            let arguments = package::SendArguments { path: it.path, order: it.order };
            let plan = package::plan_send(session, arguments).await?;
            printer.confirm(&plan, "Send it?", it.yes)?;
            printer.outcome(&package::send(session, plan).await?)
        }
        Package::Relay(it) => {
            let plan = package::plan_relay(session, &package::package_id(&it.package)?).await?;
            printer.confirm(&plan, "Pass it on?", it.yes)?;
            printer.outcome(&package::relay(session, plan).await?)
        }
        Package::Receive(it) => {
            let id = package::package_id(&it.package)?;
            printer.outcome(&package::receive(session, &id, &it.output).await?)
        }
        Package::List(it) => printer.outcome(&package::list(session, &it.case).await?),
    })
}

/// The numbers of exhibits as they were typed.
fn exhibits(texts: &[String]) -> Result<Vec<ExhibitNumber>, Problem> {
    let number = |text: &String| {
        text.trim().parse().map_err(|error: rogatory_evidence::exhibit::ExhibitNameError| {
            Problem::usage(format!("--exhibit: {}", clean(&error.to_string())))
        })
    };
    texts.iter().map(number).collect()
}

async fn hash_list(printer: &mut Printer, verb: cli::hash_list::HashList) -> Result<Exit, Problem> {
    use cli::hash_list::HashList;
    Ok(match verb {
        HashList::Import(it) => printer.outcome(&commands::hash_list::import(it.lists, it.output).await?),
    })
}

async fn case(session: &Session, printer: &mut Printer, verb: cli::case::Case) -> Result<Exit, Problem> {
    use commands::case;
    let cli::case::Case::Erase(it) = verb;
    Ok(match (it.reason, it.article) {
        (Some(reason), Some(article)) => {
            let arguments = case::EraseArguments { case: it.case, reason, article };
            printer.outcome(&case::propose_erasure(session, arguments).await?)
        }
        _ => {
            let plan = case::plan_erasure(session, &it.case).await?;
            printer.confirm(&plan, "Erase the case for good?", it.yes || plan.is_done())?;
            printer.outcome(&case::confirm_erasure(session, plan).await?)
        }
    })
}

async fn custody(
    session: &Session,
    printer: &mut Printer,
    verb: cli::custody::Custody,
) -> Result<Exit, Problem> {
    use cli::custody::Custody;
    use commands::custody;
    Ok(match verb {
        Custody::Show(it) => printer.outcome(&custody::show(session, &it.case).await?),
        Custody::Export(it) if it.exhibit.is_empty() => {
            let case = it.case.or(it.named_case).unwrap_or_default();
            printer.outcome(&custody::export(session, &case, it.wait, &it.output).await?)
        }
        Custody::Export(it) => {
            let plan = custody::plan_bundle(session, bundle_arguments(session, it)?).await?;
            // Whoever sees that it will be in the clear can still break off.
            printer.announce(&plan);
            printer.outcome(&custody::make_bundle(session, plan).await?)
        }
        Custody::Prove(it) => {
            let wanted = match (it.stream, it.n, it.index, &it.sha256) {
                (Some(stream), Some(n), ..) => custody::Wanted::Numbered { stream, n },
                (_, _, Some(index), _) => custody::Wanted::Index(index),
                (.., Some(text)) => custody::Wanted::Naming(digest(text, "--sha256")?),
                _ => return Err(Problem::usage("say which entry: --stream with --n, --index or --sha256")),
            };
            let arguments =
                custody::ProveArguments { case: it.case, wanted, closed: it.closed, output: it.output };
            printer.outcome(&custody::prove(session, arguments).await?)
        }
        Custody::Witnesses(it) => printer.outcome(&custody::witnesses(session, it.save.as_deref()).await?),
        Custody::Tiles(it) => printer.outcome(&custody::fetch(session, &it.output).await?),
        Custody::Audit(it) => {
            let record = files::read(&it.record, RECORD_LIMIT_BYTES, "the record")?;
            let trust = Trust::load(&it.trust, session.now())?;
            printer.outcome(&custody::audit(&it.folder, &record, &trust)?)
        }
        Custody::Verify(it) => {
            let file = files::read(&it.file, RECORD_LIMIT_BYTES, "the record or proof")?;
            let trust = Trust::load(&it.trust, session.now())?;
            let leaf = it.leaf.as_deref().map(|text| digest(text, "--leaf")).transpose()?;
            let other = it.compare.as_deref();
            let other =
                other.map(|path| files::read(path, RECORD_LIMIT_BYTES, "the other record")).transpose()?;
            if custody::is_proof(&file) {
                if other.is_some() {
                    return Err(Problem::usage("--compare belongs to a record, and this file is a proof")
                        .with_hint("leave --compare out, or give two records"));
                }
                let verified = custody::verify_proof(&file, leaf.as_ref(), &trust)?;
                if !it.require.is_empty() {
                    custody::require_witnesses(&verified.institution, &verified.witnesses, &trust)?;
                }
                printer.outcome(&verified)
            } else if leaf.is_some() {
                return Err(Problem::usage("--leaf belongs to a proof, and this file is none")
                    .with_hint("give a file that `rogatory custody prove` wrote, or leave --leaf out"));
            } else {
                let verified = custody::verify(&file, other.as_deref(), &trust)?;
                if !it.require.is_empty() {
                    custody::require_witnesses(&verified.institution, &verified.witnesses, &trust)?;
                }
                printer.outcome(&verified)
            }
        }
    })
}

fn bundle_arguments(
    session: &Session,
    it: cli::custody::Export,
) -> Result<commands::custody::BundleArguments, Problem> {
    use commands::custody::BundledExhibits;
    let words: Vec<&str> = it.exhibit.iter().map(|text| text.trim()).collect();
    let chosen = match words.as_slice() {
        ["none"] => BundledExhibits::Nothing,
        ["all"] => BundledExhibits::All,
        _ => BundledExhibits::These(exhibits(&it.exhibit)?),
    };
    Ok(commands::custody::BundleArguments {
        case: it.case.or(it.named_case).unwrap_or_default(),
        exhibits: chosen,
        package: it.package,
        identities: identities(&it.identity)?,
        trust: Trust::load(&it.trust, session.now())?,
        sealed_for: it.recipient,
        internal: it.internal,
        sensitive_reason: it.sensitive_reason,
        revocation: it.revocation,
        stamps: it.stamp,
        wait_seconds: it.wait,
        output: it.output,
    })
}

fn pick(it: cli::request::Pick) -> commands::request::PickArguments {
    commands::request::PickArguments { case: it.case, document: it.document }
}

fn acknowledgement(
    it: cli::request::Acknowledge,
) -> Result<commands::request::AcknowledgeArguments, Problem> {
    let form = form(it.form)?;
    Ok(commands::request::AcknowledgeArguments { case: it.case, reference: it.reference, form })
}

fn question(it: cli::request::Ask) -> Result<commands::request::AskArguments, Problem> {
    Ok(commands::request::AskArguments {
        case: it.case,
        question: question_id(it.question.as_deref())?,
        text: it.text,
        answer_by: it.answer_by,
        form: filed_form(it.form)?,
    })
}

fn answer(it: cli::request::Answer) -> Result<commands::request::AnswerArguments, Problem> {
    Ok(commands::request::AnswerArguments {
        case: it.case,
        question: question_id(it.question.as_deref())?,
        text: it.text,
        form: form(it.form)?,
    })
}

fn question_id(text: Option<&str>) -> Result<Option<QuestionId>, Problem> {
    text.map(str::parse).transpose().map_err(|error: rogatory_core::reference::ReferenceError| {
        Problem::usage(format!("--question: {}", clean(&error.to_string())))
    })
}

fn refusal(it: cli::request::Refuse) -> Result<commands::request::RefuseArguments, Problem> {
    Ok(commands::request::RefuseArguments {
        case: it.case,
        ground: commands::request::refusal_ground(&it.ground)?,
        reason: it.reason,
        part: it.part,
        form: filed_form(it.form)?,
    })
}

fn form(it: cli::request::Form) -> Result<commands::request::Form, Problem> {
    let facts = it.facts.as_deref().map(files::read_facts).transpose()?;
    Ok(commands::request::Form { facts, wording: wording(it.wording) })
}

/// The same with the office's file number, if it was typed: it wins over the file.
fn filed_form(it: cli::request::FiledForm) -> Result<commands::request::Form, Problem> {
    let mut form = form(it.form)?;
    if let Some(reference) = it.reference {
        form.set("our_reference", reference);
    }
    Ok(form)
}

fn wording(it: cli::request::Wording) -> Wording {
    Wording { language: it.language, beside: it.beside }
}

fn seal_arguments(
    session: &Session,
    it: cli::package::Seal,
) -> Result<commands::package::SealArguments, Problem> {
    let signing = key_pair(&it.signing)?;
    let order_document = it
        .order_document
        .as_deref()
        .map(|path| files::read(path, CONTAINER_LIMIT_BYTES, "the order document"))
        .transpose()?;
    Ok(commands::package::SealArguments {
        paths: it.paths,
        each: it.each,
        store_holes: it.store_holes,
        recipients: it.recipient,
        order_document,
        trust: Trust::load(&it.trust, session.now())?,
        order: it.order,
        reference: it.reference,
        signing,
        sensitive: it.sensitive,
        hash_lists: it.hash_list,
        no_recovery: it.no_recovery,
        facts: it.facts.as_deref().map(files::read_acquisition_facts).transpose()?,
        output: it.output,
    })
}

fn instant(text: Option<&str>, flag: &str) -> Result<Option<Timestamp>, Problem> {
    text.map(str::parse).transpose().map_err(|error: rogatory_core::timestamp::TimestampError| {
        Problem::usage(format!("{flag}: {}", clean(&error.to_string())))
    })
}

fn export_arguments(
    session: &Session,
    it: cli::package::Export,
) -> Result<commands::package::ExportArguments, Problem> {
    use cli::package::ExportFormat;
    use commands::package::{ExportForm, Sending};
    let at = instant(it.at.as_deref(), "--at")?;
    let sending = Sending {
        sent: instant(it.sent.as_deref(), "--sent")?,
        available_from: instant(it.available_from.as_deref(), "--available-from")?,
        available_until: instant(it.available_until.as_deref(), "--available-until")?,
        extended: it.extended,
        means: it.means,
        case_reference: it.case_reference,
        remarks: it.remarks,
    };
    let form = match it.format {
        ExportFormat::Case if sending != Sending::default() => {
            return Err(Problem::usage("a CASE graph says nothing of a transmission")
                .with_hint("leave out --sent, --available-from, --means, --case-reference and --remarks"));
        }
        ExportFormat::Case => ExportForm::Case,
        ExportFormat::EuManifest => ExportForm::EuManifest(sending),
        ExportFormat::EuManifestText => ExportForm::EuManifestText(sending),
    };
    let verify = commands::package::VerifyArguments {
        path: it.path,
        identities: identities(&it.identity)?,
        trust: Trust::load(&it.trust, at.unwrap_or_else(|| session.now()))?,
        at,
        ..Default::default()
    };
    Ok(commands::package::ExportArguments { verify, form, output: it.output })
}

/// The signing key and certificates that were named, if they were.
fn key_pair(signing: &cli::package::Signing) -> Result<Option<KeyPair>, Problem> {
    let (Some(key), Some(certificate)) = (&signing.key, &signing.certificate) else {
        return Ok(None);
    };
    let mut certificates_pem = files::read_text(certificate, "the signing certificate")?;
    if let Some(chain) = &signing.chain {
        certificates_pem.push('\n');
        certificates_pem.push_str(&files::read_text(chain, "the certificate chain")?);
    }
    let key_pem = Zeroizing::new(files::read_text(key, "the signing key")?);
    Ok(Some(KeyPair { certificates_pem, key_pem }))
}

fn derive_arguments(
    session: &Session,
    it: cli::package::Derive,
) -> Result<commands::package::DeriveArguments, Problem> {
    Ok(commands::package::DeriveArguments {
        path: it.path,
        identities: identities(&it.identity)?,
        trust: Trust::load(&it.trust, session.now())?,
        recipients: it.recipient,
        reference: it.reference,
        signing: key_pair(&it.signing)?,
        no_recovery: it.no_recovery,
        output: it.output,
        ..Default::default()
    })
}

fn verify_arguments(
    session: &Session,
    it: cli::package::Verify,
) -> Result<commands::package::VerifyArguments, Problem> {
    let at = instant(it.at.as_deref(), "--at")?;
    let require: BTreeSet<Requirement> = it
        .require
        .iter()
        .map(|text| text.trim().parse())
        .collect::<Result<_, rogatory_evidence::verify::RequirementError>>()
        .map_err(|error| Problem::usage(format!("--require: {}", clean(&error.to_string()))))?;
    Ok(commands::package::VerifyArguments {
        path: it.path,
        identities: identities(&it.identity)?,
        // Entries named as trust are judged at the same instant as what they vouch for.
        trust: Trust::load(&it.trust, at.unwrap_or_else(|| session.now()))?,
        at,
        tsa: tsa_anchors(&it.tsa)?,
        revocation: revocation_lists(&it.crl)?,
        signer: it.signer.as_deref().map(|text| digest(text, "--signer")).transpose()?,
        require,
        language: it.lang.as_deref().map(language).transpose()?,
        report: it.report.map(|output| commands::package::ReportArguments { output, trust: it.trust }),
    })
}

fn language(text: &str) -> Result<commands::package::words::Language, Problem> {
    text.parse().map_err(|error: commands::package::words::LanguageError| {
        Problem::usage(format!("--lang: {}", clean(&error.to_string())))
    })
}

fn tsa_anchors(paths: &[PathBuf]) -> Result<Anchors, Problem> {
    let mut anchors = Anchors::new();
    for path in paths {
        let text = files::read_text(path, "the file of --tsa")?;
        let read = Anchors::from_pem(&text, None).and_then(|read| anchors.extend(&read));
        read.map_err(|error| {
            Problem::usage(format!("--tsa: `{}` cannot be used", path.display())).because(&error)
        })?;
    }
    Ok(anchors)
}

fn revocation_lists(paths: &[PathBuf]) -> Result<RevocationLists, Problem> {
    let mut lists = RevocationLists::none();
    for path in paths {
        let bytes = files::read(path, RECORD_LIMIT_BYTES, "the revocation list")?;
        lists.add(&bytes).map_err(|error| {
            Problem::usage(format!("--crl: `{}` cannot be used", path.display())).because(&error)
        })?;
    }
    Ok(lists)
}

fn identities(paths: &[PathBuf]) -> Result<Vec<Zeroizing<String>>, Problem> {
    paths.iter().map(|path| files::read_text(path, "the age identity").map(Zeroizing::new)).collect()
}

fn digest(text: &str, flag: &str) -> Result<Digest, Problem> {
    text.trim().parse().map_err(|error: rogatory_core::digest::DigestError| {
        Problem::usage(format!("{flag}: {}", clean(&error.to_string())))
    })
}
