//! Every act of a case's life by the commands that officers give: drafted, signed, transmitted, shown.

use rogatory_client::commands::documents::{self, CaseFacts, PickArguments};
use rogatory_client::commands::order::{self, DraftArguments as OrderArguments};
use rogatory_client::commands::preservation::{
    self, ConfirmArguments, ExtendArguments, FollowUpArguments, ReleaseArguments, Until,
};
use rogatory_client::commands::request::{
    self, AcknowledgeArguments, AnswerArguments, AskArguments, CloseArguments, DraftArguments, Drafted,
    ExecuteArguments, Form, ForwardArguments, PostponeArguments, RefuseArguments, WithdrawArguments,
};
use rogatory_client::output::Outcome;
use rogatory_client::output::page::Page;
use rogatory_client::papers::Wording;
use rogatory_client::{Exit, Problem};
use rogatory_core::ground::{PostponementGround, RefusalGround};
use rogatory_server::config::InstitutionKind;
use rogatory_templates::Template;
use rogatory_tests::office::Plan;
use rogatory_tests::papers::{self, assert_refused};
use rogatory_tests::{Federation, Office};
use serde_json::{Value, json};

const FORM: &str = "ets185/art31-trafficking";
const PRESERVATION_FORM: &str = "ets185/art29";

fn example(form: &str) -> Value {
    Template::find(form).expect("a form").example()
}

/// The sample of facts of a request, with the recipients of this federation.
fn request_facts(gb: &Office) -> Value {
    let mut facts = example(FORM);
    facts["recipients"] = papers::recipients(gb);
    facts["preservation"] = json!({"requested": false});
    facts
}

/// An answer's form with the contact that every paper needs, and the office's file number.
fn form(reference: &str) -> Form {
    let mut facts = json!({"contact": {
        "name": "An Officer",
        "function": "Officer on duty",
        "email": "officer@office.example",
        "telephone": "+44 20 7946 0000",
    }});
    if !reference.is_empty() {
        facts["our_reference"] = json!(reference);
    }
    Form { facts: Some(facts), wording: Wording::default() }
}

fn pick(case: &str) -> PickArguments {
    PickArguments { case: case.to_owned(), document: None }
}

async fn case(office: &Office, number: &str) -> CaseFacts {
    documents::case(&office.session("drafter"), number).await.expect("a case")
}

fn open(case: &CaseFacts) -> Vec<&str> {
    case.open_questions.iter().map(|question| question.question_id.as_str()).collect()
}

async fn assert_stages(number: &str, stages: &[(&Office, &str)]) {
    for (office, stage) in stages {
        assert_eq!(case(office, number).await.stage, *stage, "{}", office.party);
    }
}

/// What a person sees.
fn seen(outcome: &impl Outcome) -> String {
    let mut page = Page::new();
    outcome.show(&mut page);
    page.lines().collect::<Vec<_>>().join("\n")
}

/// The second and third step of a document of two officers.
async fn approve_and_transmit(office: &Office, drafted: &Drafted) {
    let one = PickArguments { case: drafted.case_id.clone(), document: Some(drafted.document_id.clone()) };
    request::approve(&office.session("approver"), &one).await.expect("an approval");
    let drafter = office.session("drafter");
    let plan = request::plan_transmission(&drafter, &one).await.expect("a plan");
    assert!(!plan.is_done());
    assert!(request::transmit(&drafter, &plan).await.expect("a receipt").delivered);
}

/// A request drafted, approved and transmitted by commands; gives its number.
async fn transmitted(gb: &Office, md: &Office) -> String {
    let arguments = DraftArguments {
        template: FORM.to_owned(),
        facts: request_facts(gb),
        to: md.party.clone(),
        wording: Wording::default(),
    };
    let drafted = request::draft(&gb.session("drafter"), arguments).await.expect("a draft");
    approve_and_transmit(gb, &drafted).await;
    drafted.shared_number
}

async fn acknowledged(gb: &Office, md: &Office) -> String {
    let number = transmitted(gb, md).await;
    let arguments =
        AcknowledgeArguments { case: number.clone(), reference: "PG-MD/1".to_owned(), form: form("") };
    assert!(request::acknowledge(&md.session("drafter"), arguments).await.expect("a receipt").delivered);
    number
}

/// The events of a case that its counterpart shares; that somebody read a document is none of them.
async fn shared_events(office: &Office, number: &str) -> Vec<String> {
    let timeline = Federation::timeline(office, number).await;
    timeline.into_iter().filter(|(stream, ..)| stream != "internal").map(|(_, event, _)| event).collect()
}

fn ask(number: &str, question: Option<&str>, text: &str) -> AskArguments {
    AskArguments {
        case: number.to_owned(),
        question: question.map(|id| id.parse().expect("an id")),
        text: text.to_owned(),
        answer_by: Some("2026-12-04".to_owned()),
        form: form(""),
    }
}

fn answer(number: &str, question: Option<&str>, text: &str) -> AnswerArguments {
    AnswerArguments {
        case: number.to_owned(),
        question: question.map(|id| id.parse().expect("an id")),
        text: text.to_owned(),
        form: form(""),
    }
}

fn refuse(number: &str, part: Option<&str>, reference: &str) -> RefuseArguments {
    RefuseArguments {
        case: number.to_owned(),
        ground: RefusalGround::ImmunityPrivilegePress,
        reason: "The account is a newspaper's.".to_owned(),
        part: part.map(ToOwned::to_owned),
        form: form(reference),
    }
}

fn close(number: &str) -> CloseArguments {
    CloseArguments { case: number.to_owned(), remarks: None, form: form("") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_and_answered_once() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let number = acknowledged(gb, md).await;
    let (asker, answerer) = (md.session("drafter"), gb.session("drafter"));

    let asked = request::ask(&asker, ask(&number, Some("Q1"), "Which account?")).await.expect("a receipt");
    assert!(asked.delivered && asked.already_transmitted.is_none());
    for office in [gb, md] {
        let shown = request::show(&office.session("drafter"), &number).await.expect("a case");
        assert_eq!(open(&shown.case), ["Q1"]);
        assert!(seen(&shown).contains("“Which account?”"), "{}", seen(&shown));
    }
    // The same again is told from the stored receipt; another text under its name is refused.
    let again = request::ask(&asker, ask(&number, Some("Q1"), "Which account?")).await.expect("the receipt");
    assert_eq!(again.document_id, asked.document_id);
    assert!(seen(&again).starts_with("already transmitted on "), "{}", seen(&again));
    let other = request::prepare_question(&asker, ask(&number, Some("Q1"), "Which telephone?")).await;
    assert_refused(other, "WRONG_STAGE");
    // Without a name the next one is taken.
    request::ask(&asker, ask(&number, None, "Which telephone?")).await.expect("a receipt");
    assert_eq!(open(&case(gb, &number).await), ["Q1", "Q2"]);

    let several = request::prepare_answer(&answerer, answer(&number, None, "Both.")).await;
    assert_eq!(several.map(drop).expect_err("which?").exit(), Exit::Usage);
    let unasked = request::prepare_answer(&answerer, answer(&number, Some("Q9"), "Both.")).await;
    assert_refused(unasked, "WRONG_STAGE");
    for (question, text) in [(Some("Q2"), "The second."), (None, "The first.")] {
        let answered = request::answer(&answerer, answer(&number, question, text)).await;
        assert!(answered.expect("a receipt").delivered);
    }
    let again = request::answer(&answerer, answer(&number, Some("Q1"), "The first.")).await;
    assert!(again.expect("the receipt").already_transmitted.is_some());
    let other = request::prepare_answer(&answerer, answer(&number, Some("Q1"), "Neither.")).await;
    assert_refused(other, "WRONG_STAGE");
    assert_refused(request::prepare_answer(&answerer, answer(&number, None, "Both.")).await, "WRONG_STAGE");
    for office in [gb, md] {
        assert!(case(office, &number).await.open_questions.is_empty());
    }
    assert_stages(&number, &[(gb, "acknowledged"), (md, "acknowledged")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_twice_is_told_and_not_sent_again() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let number = transmitted(gb, md).await;
    let drafter = gb.session("drafter");
    let before = shared_events(gb, &number).await;
    let plan = request::plan_transmission(&drafter, &pick(&number)).await.expect("what was transmitted");
    assert!(plan.is_done());
    let again = request::transmit(&drafter, &plan).await.expect("the stored receipt");
    assert!(again.delivered && again.already_transmitted.is_some());
    assert!(seen(&again).starts_with("already transmitted on 2026-11-22T"), "{}", seen(&again));
    assert_eq!(shared_events(gb, &number).await, before, "nothing happened between the two");

    let acknowledge = |reference: &str| AcknowledgeArguments {
        case: number.clone(),
        reference: reference.to_owned(),
        form: form(""),
    };
    let officer = md.session("drafter");
    request::acknowledge(&officer, acknowledge("PG-MD/1")).await.expect("a receipt");
    let again = request::acknowledge(&officer, acknowledge("PG-MD/1")).await.expect("the receipt");
    assert!(again.already_transmitted.is_some());
    let other = request::prepare_acknowledgement(&officer, acknowledge("PG-MD/2")).await;
    assert_refused(other, "WRONG_STAGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_refused_on_a_ground_and_closed() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let number = acknowledged(gb, md).await;
    let officer = md.session("drafter");

    let part = request::refuse(&officer, refuse(&number, Some("The content."), "")).await.expect("a draft");
    approve_and_transmit(md, &part).await;
    assert_stages(&number, &[(gb, "acknowledged"), (md, "acknowledged")]).await;

    let whole = request::refuse(&officer, refuse(&number, None, "")).await.expect("a draft");
    assert_eq!(whole.stage, "drafted");
    assert!(
        seen(&whole).contains(&format!("rogatory request approve {}", whole.case_id)),
        "{}",
        seen(&whole)
    );
    approve_and_transmit(md, &whole).await;
    assert_stages(&number, &[(gb, "refused"), (md, "refused")]).await;
    for office in [gb, md] {
        let shown = request::show(&office.session("drafter"), &number).await.expect("a case");
        assert!(seen(&shown).contains("R08-immunity-privilege-press"), "{}", seen(&shown));
    }
    let late = request::ask(&officer, ask(&number, None, "Too late?")).await;
    assert_refused(late, "WRONG_STAGE");
    assert!(request::close(&gb.session("drafter"), close(&number)).await.expect("a receipt").delivered);
    assert_stages(&number, &[(gb, "closed"), (md, "closed")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn execution_is_postponed_and_goes_on() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let number = acknowledged(gb, md).await;
    let officer = md.session("drafter");
    let postpone = |until: &str| PostponeArguments {
        case: number.clone(),
        ground: PostponementGround::PrejudiceOwnCase,
        until: Some(until.to_owned()),
        reason: "Two searches come first.".to_owned(),
        form: form(""),
    };
    let problem = request::postpone(&officer, postpone("tomorrow")).await.expect_err("no date");
    assert_eq!(problem.exit(), Exit::Failed);
    assert!(problem.details().iter().any(|line| line.starts_with("until:")), "{:?}", problem.details());

    let drafted = request::postpone(&officer, postpone("2026-12-04")).await.expect("a draft");
    approve_and_transmit(md, &drafted).await;
    assert_stages(&number, &[(gb, "postponed"), (md, "postponed")]).await;
    let shown = seen(&request::show(&gb.session("drafter"), &number).await.expect("a case"));
    for part in ["P01-prejudice-own-case", "2026-12-04", "“Two searches come first.”"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    let sample = example("common/order");
    let mut own = sample.clone();
    own.as_object_mut().expect("facts").retain(|key, _| {
        ["ordering_authority", "judicial_authorisation", "respond_by", "remedies", "contact"]
            .contains(&key.as_str())
    });
    own["procedure"] = json!({"certificate": sample["procedure"]["certificate"]});
    own["confidentiality"] = json!({
        "basis": sample["confidentiality"]["basis"],
        "until": sample["confidentiality"]["until"],
    });
    own["request"] = json!({"state": sample["request"]["state"]});
    let arguments = OrderArguments {
        case: number.clone(),
        to: nistru.party.clone(),
        form: Form { facts: Some(own), wording: Wording::default() },
    };
    order::draft(&officer, arguments).await.expect("a draft");
    order::approve(&md.session("approver"), &pick(&number)).await.expect("an approval");
    let plan = order::plan_transmission(&officer, &pick(&number)).await.expect("a plan");
    assert!(order::transmit(&officer, &plan).await.expect("a receipt").delivered);
    assert_stages(&number, &[(gb, "postponed"), (md, "in-execution")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_withdrawn_by_two_officers() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let number = transmitted(gb, md).await;
    let arguments = WithdrawArguments {
        case: number.clone(),
        reason: "The number was misread.".to_owned(),
        form: form(""),
    };
    assert_refused(request::withdraw(&md.session("drafter"), arguments.clone()).await, "WRONG_STAGE");
    let drafted = request::withdraw(&gb.session("drafter"), arguments).await.expect("a draft");
    let unapproved = request::plan_transmission(&gb.session("drafter"), &pick(&number)).await;
    let problem = unapproved.expect_err("one officer is not enough");
    assert!(problem.hint().unwrap_or_default().contains("rogatory request approve"), "{problem:?}");
    approve_and_transmit(gb, &drafted).await;
    assert_stages(&number, &[(gb, "withdrawn"), (md, "withdrawn")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_executed_in_part_and_then_in_whole() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (ordered, _) = federation.evidence_relayed().await;
    let number = ordered.request.shared_number.to_string();
    let officer = md.session("drafter");
    let execute = |partly: bool, missing: Option<&str>| {
        let mut form = form("PG-MD/1");
        if let Some(facts) = form.facts.as_mut() {
            let outcome = json!({"identifier": "A", "result": "provided", "answered_by": "the provider"});
            facts["outcomes"] = json!([outcome]);
        }
        ExecuteArguments {
            case: number.clone(),
            partly,
            not_executed: missing.map(ToOwned::to_owned),
            remarks: None,
            form,
        }
    };
    let silent = request::execute(&officer, execute(true, None)).await.expect_err("what is missing?");
    assert!(silent.details().iter().any(|line| line.starts_with("not_executed:")), "{:?}", silent.details());
    let drafted = request::execute(&officer, execute(true, Some("The logs."))).await.expect("a draft");
    approve_and_transmit(md, &drafted).await;
    assert_stages(&number, &[(gb, "partly-executed"), (md, "partly-executed")]).await;
    let drafted = request::execute(&officer, execute(false, None)).await.expect("a draft");
    approve_and_transmit(md, &drafted).await;
    assert_stages(&number, &[(gb, "executed"), (md, "executed")]).await;
}

/// Another authority of the requested State, whom both sides confirmed.
async fn competent(federation: &Federation) -> Office {
    let plan = Plan {
        party: "md/prosecutor-orhei",
        name: "Prosecutor's Office of Orhei (test)",
        kind: InstitutionKind::JudicialAuthority,
        country_ca: "ca-md",
        officers: &[
            "drafter=Tudor Drafter:drafter",
            "approver=Lidia Approver:approver",
            "operator=Sergiu Operator:operator,auditor",
        ],
    };
    let office = federation.world.found(plan).await;
    for other in [&federation.gb, &federation.md] {
        other.import("operator", &office).await.expect("a confirmed party");
        office.import("operator", other).await.expect("a confirmed party");
    }
    office
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_forwarded_and_refused_by_the_competent_authority() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, world } = &federation;
    let orhei = competent(&federation).await;
    let number = transmitted(gb, md).await;
    let received = case(md, &number).await.stage_time;
    world.clock.advance_seconds(3 * 86_400);

    let officer = md.session("drafter");
    let forward = |to: &Office| ForwardArguments {
        case: number.clone(),
        to: to.party.clone(),
        reason: "The account is used in the district of Orhei.".to_owned(),
        form: form("PG-MD/1"),
    };
    let prepared = request::prepare_forwarding(&officer, &forward(&orhei)).await.expect("a forwarding");
    let forwarded = request::forward(&officer, forward(&orhei), prepared).await.expect("receipts");
    assert!(forwarded.forwarding.delivered && forwarded.notice.as_ref().is_some_and(|one| one.delivered));
    assert_stages(&number, &[(gb, "transmitted"), (md, "forwarded"), (&orhei, "received")]).await;

    // The same command tells what was done; another authority is not told afterwards.
    let prepared = request::prepare_forwarding(&officer, &forward(&orhei)).await.expect("what was sent");
    assert!(prepared.is_done());
    let again = request::forward(&officer, forward(&orhei), prepared).await.expect("the receipts");
    assert!(again.forwarding.already_transmitted.is_some());
    assert!(again.notice.is_some_and(|notice| notice.already_transmitted.is_some()));
    assert_refused(request::prepare_forwarding(&officer, &forward(nistru)).await, "WRONG_STAGE");

    // The clock is kept, and both see who has it.
    let shown = request::show(&orhei.session("drafter"), &number).await.expect("a case");
    assert_eq!(shown.case.received_time, received, "{}", seen(&shown));
    assert_eq!(shown.case.counterpart, gb.party.to_string());
    assert!(seen(&shown).contains("md/central-authority"), "{}", seen(&shown));
    let shown = request::show(&gb.session("drafter"), &number).await.expect("a case");
    assert_eq!(shown.case.counterpart, orhei.party.to_string());
    assert!(seen(&shown).contains("md/prosecutor-orhei"), "{}", seen(&shown));

    let (asker, answerer) = (orhei.session("drafter"), gb.session("drafter"));
    let question = AskArguments { form: form("OR-1"), ..ask(&number, None, "Is it a newspaper?") };
    assert!(request::ask(&asker, question).await.expect("a receipt").delivered);
    let answered = request::answer(&answerer, answer(&number, None, "We did not know.")).await;
    assert_eq!(answered.expect("a receipt").receipt.issuer, orhei.party);

    let drafted = request::refuse(&orhei.session("drafter"), refuse(&number, None, "OR-1")).await;
    approve_and_transmit(&orhei, &drafted.expect("a draft")).await;
    assert!(request::close(&gb.session("drafter"), close(&number)).await.expect("a receipt").delivered);
    assert_stages(&number, &[(gb, "closed"), (md, "forwarded"), (&orhei, "closed")]).await;
}

/// A request to preserve, transmitted; gives its number.
async fn preservation_requested(gb: &Office, md: &Office) -> String {
    let arguments = DraftArguments {
        template: PRESERVATION_FORM.to_owned(),
        facts: example(PRESERVATION_FORM),
        to: md.party.clone(),
        wording: Wording { language: None, beside: Some("fr".to_owned()) },
    };
    let drafted = preservation::request(&gb.session("drafter"), arguments).await.expect("a draft");
    assert!(seen(&drafted).contains("rogatory preservation approve"), "{}", seen(&drafted));
    let number = drafted.shared_number;
    preservation::approve(&gb.session("approver"), &pick(&number)).await.expect("an approval");
    preservation_transmit(gb, &number).await;
    number
}

async fn preservation_transmit(office: &Office, number: &str) {
    let drafter = office.session("drafter");
    let plan = preservation::plan_transmission(&drafter, &pick(number)).await.expect("a plan");
    assert!(preservation::transmit(&drafter, &plan).await.expect("a receipt").delivered);
}

fn confirm(number: &str, until: Until, reference: Option<&str>) -> ConfirmArguments {
    ConfirmArguments {
        case: number.to_owned(),
        until,
        reference: reference.map(ToOwned::to_owned),
        form: form(""),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_are_preserved_extended_followed_up_and_released() {
    let federation = Federation::new().await;
    let Federation { gb, md, world, .. } = &federation;
    let number = preservation_requested(gb, md).await;
    let (drafter, officer) = (gb.session("drafter"), md.session("drafter"));
    assert_stages(&number, &[(gb, "requested"), (md, "received")]).await;

    let short = preservation::confirm(&officer, confirm(&number, Until::Days(59), Some("PG-MD/7"))).await;
    let problem = short.map(drop).expect_err("less than the convention says");
    assert!(problem.message().contains("29"), "{problem}");
    let done = preservation::confirm(&officer, confirm(&number, Until::Days(60), Some("PG-MD/7"))).await;
    assert!(done.expect("a receipt").delivered);
    let again = preservation::confirm(&officer, confirm(&number, Until::Days(60), None)).await;
    assert!(again.expect("the receipt").already_transmitted.is_some());
    for office in [gb, md] {
        let listed = preservation::list(&office.session("drafter")).await.expect("a list");
        let [one] = listed.preservations.as_slice() else { panic!("one preservation") };
        assert_eq!((one.stage.as_str(), one.preserved_until.as_str()), ("confirmed", "2027-01-21T23:59:59Z"));
        assert_eq!(one.days_left, Some(60));
        assert!(seen(&listed).contains("60 days left"), "{}", seen(&listed));
    }

    world.clock.advance_seconds(10 * 86_400);
    let extend = ExtendArguments {
        case: number.clone(),
        until: Some(Until::Days(30)),
        reason: "The request is being translated.".to_owned(),
        form: form(""),
    };
    preservation::extend(&drafter, extend).await.expect("a draft");
    preservation::approve(&gb.session("approver"), &pick(&number)).await.expect("an approval");
    preservation_transmit(gb, &number).await;
    let done = preservation::confirm(&officer, confirm(&number, Until::Days(30), None)).await;
    let done = done.expect("a receipt");
    assert!(done.delivered && done.already_transmitted.is_none());
    assert_stages(&number, &[(gb, "extended"), (md, "extended")]).await;
    let shown = preservation::show(&drafter, &number).await.expect("a case");
    assert_eq!(shown.case.preserved_until, "2027-02-20T23:59:59Z");

    let follow_up = |facts: Value| FollowUpArguments {
        case: number.clone(),
        template: FORM.to_owned(),
        facts,
        wording: Wording::default(),
    };
    let mut facts = request_facts(gb);
    facts["preservation"] = json!({"shared_number": "GB-0000-0000-0000-0000-00"});
    let other = preservation::follow_up(&drafter, follow_up(facts.clone())).await;
    assert_eq!(other.expect_err("another preservation").exit(), Exit::Usage);
    facts.as_object_mut().expect("facts").remove("preservation");
    let drafted = preservation::follow_up(&drafter, follow_up(facts)).await.expect("a draft");
    assert!(drafted.filled_in.iter().any(|path| path.starts_with("preservation")), "{:?}", drafted.filled_in);
    approve_and_transmit(gb, &drafted).await;
    for office in [gb, md] {
        let shown = preservation::show(&office.session("drafter"), &number).await.expect("a case");
        assert_eq!(shown.case.followed_up_by, drafted.shared_number);
        assert!(seen(&shown).contains(&drafted.shared_number), "{}", seen(&shown));
    }

    let release = ReleaseArguments {
        case: number.clone(),
        reason: "The data were produced.".to_owned(),
        form: form(""),
    };
    assert_refused(preservation::release(&officer, release.clone()).await, "WRONG_STAGE");
    preservation::release(&drafter, release).await.expect("a draft");
    preservation::approve(&gb.session("approver"), &pick(&number)).await.expect("an approval");
    preservation_transmit(gb, &number).await;
    assert_stages(&number, &[(gb, "released"), (md, "released")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preservation_is_asked_about_and_refused() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let number = preservation_requested(gb, md).await;
    let officer = md.session("drafter");
    let question = AskArguments { form: form("PG-MD/7"), ..ask(&number, None, "Which provider?") };
    let prepared = preservation::prepare_question(&officer, question).await.expect("a question");
    assert!(seen(&prepared).contains("Which provider?"), "{}", seen(&prepared));
    assert!(prepared.send(&officer).await.expect("a receipt").delivered);
    let drafter = gb.session("drafter");
    let prepared = preservation::prepare_answer(&drafter, answer(&number, None, "Nistru.")).await;
    assert!(prepared.expect("an answer").send(&drafter).await.expect("a receipt").delivered);
    assert!(case(md, &number).await.open_questions.is_empty());

    let refusal =
        RefuseArguments { ground: RefusalGround::EssentialInterests, ..refuse(&number, None, "PG-MD/7") };
    preservation::refuse(&officer, refusal).await.expect("a draft");
    preservation::approve(&md.session("approver"), &pick(&number)).await.expect("an approval");
    preservation_transmit(md, &number).await;
    assert_stages(&number, &[(gb, "refused"), (md, "refused")]).await;
    let shown = preservation::show(&drafter, &number).await.expect("a case");
    assert!(seen(&shown).contains("R02-essential-interests"), "{}", seen(&shown));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_of_the_other_noun_is_named() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let number = transmitted(gb, md).await;
    let problem: Problem = preservation::show(&gb.session("drafter"), &number).await.expect_err("a request");
    assert_eq!(problem.exit(), Exit::Usage);
    assert!(problem.hint().unwrap_or_default().contains("rogatory request show"), "{problem:?}");
    let problem = preservation::plan_transmission(&gb.session("drafter"), &pick(&number)).await;
    assert_eq!(problem.map(drop).expect_err("a request").exit(), Exit::Usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_an_unreachable_counterpart_is_kept_and_sent_by_the_same_command() {
    let mut federation = Federation::new().await;
    let number = acknowledged(&federation.gb, &federation.md).await;
    federation.gb.stop().await;
    let officer = federation.md.session("drafter");
    let problem = request::ask(&officer, ask(&number, Some("Q1"), "Which?")).await.expect_err("nobody there");
    assert_eq!((problem.exit(), problem.reason()), (Exit::NotYet, Some("PEER_UNREACHABLE")));
    let hint = problem.hint().unwrap_or_default();
    assert!(hint.contains("keeps trying by itself") && hint.contains("rogatory request transmit"), "{hint}");

    federation.gb.start().await;
    federation.world.clock.advance_seconds(3600);
    let sent = request::ask(&officer, ask(&number, Some("Q1"), "Which?")).await.expect("a receipt");
    assert!(sent.delivered);
    assert_eq!(open(&case(&federation.gb, &number).await), ["Q1"]);
    let questions = request::show(&officer, &number).await.expect("a case").documents;
    assert_eq!(questions.iter().filter(|one| one.kind == "question").count(), 1, "one question, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_are_in_the_languages_wanted() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let number = preservation_requested(gb, md).await;
    let drafter = gb.session("drafter");
    let shown = preservation::show(&drafter, &number).await.expect("a case");
    let fetched = documents::fetch(&drafter, &shown.documents[0].document_id).await.expect("a document");
    assert_eq!(fetched.document.language, "en-x-beside-fr");
    let mut arguments = confirm(&number, Until::Days(90), Some("PG-MD/7"));
    arguments.form.wording = Wording { language: Some("fr".to_owned()), beside: None };
    let confirmed = preservation::confirm(&md.session("drafter"), arguments).await.expect("a receipt");
    let fetched = documents::fetch(&md.session("drafter"), &confirmed.document_id).await;
    assert_eq!(fetched.expect("a document").document.language, "fr");
}
