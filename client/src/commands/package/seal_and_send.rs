//! Sealing a package and sending it meanwhile.
//!
//! ```text
//! sealing   EX-0001 written … durable … EX-0002 …      index, manifests, signature
//! sending           what is durable of EX-0001 … of EX-0002 …      │ all announced with digests, the rest sent
//! ```
//! What is sent lies durable here, so that the very same can be sent again. The server knows it by the salt of this
//! sealing: another sealing has another, so that bytes of two never come together. That sending breaks stops no
//! sealing; what is sealed then is sent as any package is. Large objects alone are sent meanwhile, of a package that is
//! written as a folder.

use super::limits;
use super::seal::{SealArguments, SealPlan, Sealed, plan_seal, seal_observed};
use super::send::{SendArguments, Sent, plan_send, send};
use super::upload::{GoesOn, NotSent, Readable, answered, to_send, upload};
use crate::commands::documents;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::progress::{Progress, Silent};
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::{Digest, PartyId, SharedNumber};
use rogatory_evidence::seal::{Observer, SealObserver};
use rogatory_evidence::{ObjectInfo, PackageSource};
use rogatory_proto::common::v1::PackageObject;
use rogatory_proto::objects::STREAMS_AT_ONCE;
use rogatory_proto::office::v1::BeginUploadRequest;
use rogatory_proto::office::v1::package_service_client::PackageServiceClient;
use serde::Serialize;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::transport::Channel;

/// Smaller objects are sent together when all is sealed.
const LARGE_BYTES: u64 = 1024 * 1024;
/// The first pause before an object that broke off goes on, and the longest; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What will be sealed and sent, to be shown before it happens.
#[derive(Serialize)]
pub struct SealAndSendPlan {
    /// What will be sealed, and for whom.
    pub sealing: SealPlan,
    /// The order that is answered.
    pub order: SharedNumber,
    /// The case.
    pub case_id: String,
    /// The authority that ordered it.
    pub to: PartyId,
}

impl Outcome for SealAndSendPlan {
    fn show(&self, page: &mut Page) {
        page.line("This will be sealed and sent, and cannot be taken back:");
        page.blank();
        self.sealing.show(page);
        page.fact("to", &self.to);
    }
}

/// The result of [`seal_and_send`].
#[derive(Clone, Debug, Serialize)]
pub struct SealedAndSent {
    /// What was sealed.
    pub sealed: Sealed,
    /// How much of it was sent before it was sealed to its end.
    pub sent_meanwhile_bytes: u64,
    /// What came of sending it.
    pub sent: Sent,
}

impl Outcome for SealedAndSent {
    fn show(&self, page: &mut Page) {
        self.sealed.show(page);
        page.blank();
        self.sent.show(page);
    }

    fn complaint(&self) -> Option<Problem> {
        self.sent.complaint()
    }
}

/// Finds who will be able to open the package, as [`plan_seal`], and to whom it goes.
///
/// # Errors
/// As these; a usage problem if no order is answered.
pub async fn plan_seal_and_send(
    session: &Session,
    arguments: SealArguments,
) -> Result<SealAndSendPlan, Problem> {
    let mut sealing = plan_seal(session, arguments).await?;
    let order = sealing.order.clone().ok_or_else(|| {
        Problem::usage("a package that is sent answers an order, and none was named")
            .with_hint("name it with --order NUMBER, or with --order-document")
    })?;
    let case = documents::case(session, order.as_str()).await?;
    let to = crate::commands::party_id(&case.counterpart)?;
    sealing.taken_by(limits::of_addressee(session, &to).await?);
    Ok(SealAndSendPlan { sealing, order, case_id: case.case_id, to })
}

/// Seals what was planned, sends it meanwhile, and verifies the receipt.
///
/// # Errors
/// As sealing; then as sending: the package is sealed then, and can be sent again.
pub async fn seal_and_send(session: &Session, plan: SealAndSendPlan) -> Result<SealedAndSent, Problem> {
    let SealAndSendPlan { sealing, order, .. } = plan;
    let output = sealing.output().to_owned();
    let (begun, large) = mpsc::unbounded_channel();
    let behind = Arc::new(Behind::new(output.clone(), begun));
    let sender = Sender {
        client: session.connection().await?.packages(),
        order: order.to_string(),
        behind: Arc::clone(&behind),
        transfer: Arc::default(),
    };
    let sending = tokio::spawn(sender.run(large));
    let sealed = seal_observed(session, sealing, Some(Observer(Arc::clone(&behind) as _))).await;
    behind.end(sealed.is_ok());
    if sealed.is_err() {
        sending.abort();
    }
    let sealed = sealed?;
    // What broke there is sent below.
    let sent_meanwhile_bytes = sending.await.unwrap_or(0);
    let arguments = SendArguments { path: sealed.output.clone(), order: order.to_string() };
    let sent = async { send(session, plan_send(session, arguments).await?).await };
    let sent = sent.await.map_err(|problem| {
        let path = sealed.output.display();
        problem.with_hint(format!("it is sealed: `rogatory package send {path} --order {order}` goes on"))
    })?;
    Ok(SealedAndSent { sealed, sent_meanwhile_bytes, sent })
}

/// A large object, of which bytes are or will be durable.
struct Large {
    name: String,
    size_bytes: u64,
}

/// What of the package is durable here, as those who seal tell it.
struct Behind {
    /// Where the package stands in the end.
    output: PathBuf,
    state: Mutex<State>,
    told: Condvar,
}

struct State {
    sealing_id: Option<Digest>,
    /// Where it stands while it is being sealed.
    folder: PathBuf,
    /// Of each large object that has begun: its size, and how much is durable.
    objects: HashMap<String, (u64, u64)>,
    /// Whom to tell of the next; nobody once sealing is over.
    begun: Option<mpsc::UnboundedSender<Large>>,
    failed: bool,
}

impl Behind {
    fn new(output: PathBuf, begun: mpsc::UnboundedSender<Large>) -> Self {
        let state = State {
            sealing_id: None,
            folder: PathBuf::new(),
            objects: HashMap::new(),
            begun: Some(begun),
            failed: false,
        };
        Self { output, state: Mutex::new(state), told: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is a single step, whole whenever the lock is free.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sealing is over, well or not.
    fn end(&self, well: bool) {
        let mut state = self.state();
        state.begun = None;
        state.failed = !well;
        drop(state);
        self.told.notify_all();
    }

    fn is_over(&self) -> bool {
        self.state().begun.is_none()
    }

    /// Waits until more than `position` bytes of an object are durable; tells up to where they may be read.
    fn wait(&self, name: &str, position: u64) -> io::Result<u64> {
        let mut state = self.state();
        loop {
            let (size_bytes, durable) = *state.objects.get(name).ok_or(io::ErrorKind::NotFound)?;
            if durable > position || position >= size_bytes {
                return Ok(durable.min(size_bytes));
            }
            if state.failed {
                return Err(io::Error::other("the package was not sealed to its end"));
            }
            state = self.told.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl SealObserver for Behind {
    fn sealing(&self, salt: &[u8; 32], folder: &Path) {
        let mut state = self.state();
        state.sealing_id = Some(Digest::of(salt));
        state.folder = folder.to_owned();
    }

    fn begins(&self, name: &str, size_bytes: u64) {
        if size_bytes <= LARGE_BYTES {
            return;
        }
        let mut state = self.state();
        state.objects.insert(name.to_owned(), (size_bytes, 0));
        if let Some(begun) = &state.begun {
            // Nobody listens if sending was given up.
            let _ = begun.send(Large { name: name.to_owned(), size_bytes });
        }
    }

    fn durable(&self, name: &str, bytes: u64) {
        if let Some((_, durable)) = self.state().objects.get_mut(name) {
            *durable = bytes;
        }
        self.told.notify_all();
    }
}

impl PackageSource for Behind {
    fn objects(&self) -> Vec<ObjectInfo> {
        let info = |(name, (size_bytes, _)): (&String, &(u64, u64))| ObjectInfo {
            name: name.clone(),
            size_bytes: *size_bytes,
        };
        self.state().objects.iter().map(info).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        self.open_at(name, 0)
    }

    fn open_at(&self, name: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        // Its name may be known before its file is there.
        self.wait(name, offset)?;
        let folder = self.state().folder.clone();
        let mut file = match File::open(folder.join(name)) {
            // It has its final name meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => File::open(self.output.join(name))?,
            opened => opened?,
        };
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(Following { behind: self, name: name.to_owned(), file, position: offset }))
    }
}

/// Reads an object up to what is durable, and waits for more.
struct Following<'a> {
    behind: &'a Behind,
    name: String,
    file: File,
    position: u64,
}

impl Read for Following<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.behind.wait(&self.name, self.position)?;
        let most = usize::try_from(end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let read = self.file.read(buffer.get_mut(..most).unwrap_or_default())?;
        if read == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += read as u64;
        Ok(read)
    }
}

/// Sends what is durable while the rest is being sealed.
#[derive(Clone)]
struct Sender {
    client: PackageServiceClient<Channel>,
    order: String,
    behind: Arc<Behind>,
    /// The name of the transfer, once somebody announced it.
    transfer: Arc<tokio::sync::Mutex<Option<String>>>,
}

impl Sender {
    /// Sends the large objects as they begin, some at once; tells how many bytes were sent of those that are there.
    async fn run(self, mut large: mpsc::UnboundedReceiver<Large>) -> u64 {
        let mut sending: JoinSet<u64> = JoinSet::new();
        let mut sent = 0;
        while let Some(object) = large.recv().await {
            if sending.len() >= STREAMS_AT_ONCE
                && let Some(done) = sending.join_next().await
            {
                sent += done.unwrap_or(0);
            }
            let sender = self.clone();
            sending.spawn(async move { sender.send(&object).await });
        }
        while let Some(done) = sending.join_next().await {
            sent += done.unwrap_or(0);
        }
        sent
    }

    /// Sends one object, again after a break for as long as sealing goes on. Tells how much was sent if it is there.
    async fn send(&self, object: &Large) -> u64 {
        let mut pause = FIRST_PAUSE;
        let mut again = false;
        loop {
            let problem = match self.try_once(object, again).await {
                Ok(()) => return object.size_bytes,
                Err(NotSent::Raced(problem) | NotSent::Problem(problem)) => problem,
            };
            // What is sealed to its end is sent with all the rest; what keeps failing is told then.
            if self.behind.is_over() || problem.exit() != crate::Exit::NotYet {
                return 0;
            }
            tokio::time::sleep(pause).await;
            if self.behind.is_over() {
                return 0;
            }
            pause = LONGEST_PAUSE.min(pause * 2);
            again = true;
        }
    }

    async fn try_once(&self, object: &Large, again: bool) -> Result<(), NotSent> {
        let Large { name, size_bytes } = object;
        let mut transfer = self.transfer.lock().await;
        let (transfer_id, waiting) = match transfer.clone() {
            Some(known) if !again => {
                (known, vec![GoesOn { name: name.clone(), size_bytes: *size_bytes, offset: 0 }])
            }
            _ => {
                let asked = PackageObject {
                    name: name.clone(),
                    size_bytes: *size_bytes,
                    sha256: bytes::Bytes::new(),
                };
                let request = BeginUploadRequest {
                    shared_number: self.order.clone(),
                    objects: vec![asked],
                    sealing_id: self.sealing_id()?,
                    unfinished: true,
                };
                let begun = answered(self.client.clone().begin_upload(request).await)?;
                *transfer = Some(begun.transfer_id.clone());
                (begun.transfer_id, to_send([(name.as_str(), *size_bytes)], &begun.progress))
            }
        };
        drop(transfer);
        let source: Readable = Arc::clone(&self.behind) as _;
        let silent: Arc<dyn Progress> = Arc::new(Silent);
        upload(&self.client, &transfer_id, &source, waiting, &silent).await
    }

    fn sealing_id(&self) -> Result<bytes::Bytes, Problem> {
        let id = self.behind.state().sealing_id;
        let id = id.ok_or_else(|| Problem::failed("an object began before its package"))?;
        Ok(id.as_bytes().to_vec().into())
    }
}
