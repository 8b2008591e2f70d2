//! What the servers log when they refuse somebody.
//!
//! One subscriber hears the whole process, and an event does not say which server it came from: tests
//! that listen run one after another (see [`listen`]).

use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard, broadcast};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// How long a refusal may take to be logged.
const LIMIT: Duration = Duration::from_secs(20);

/// A refusal as it was logged.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Refused {
    /// `office` or `peer`.
    pub listener: String,
    /// The stable reason.
    pub reason: String,
    /// The message.
    pub message: String,
}

/// Hears every refusal from now on; nobody else listens meanwhile.
pub struct Listening {
    events: broadcast::Receiver<Refused>,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::const_new(());
static HEARD: OnceLock<broadcast::Sender<Refused>> = OnceLock::new();

/// Begins to listen, as soon as nobody else does.
pub async fn listen() -> Listening {
    let alone = ALONE.lock().await;
    let heard = HEARD.get_or_init(|| {
        let (sender, _) = broadcast::channel(1024);
        let subscriber = tracing_subscriber::registry().with(Ear(sender.clone()));
        tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
        sender
    });
    Listening { events: heard.subscribe(), _alone: alone }
}

impl Listening {
    /// The next refusal.
    pub async fn next(&mut self) -> Refused {
        let next = tokio::time::timeout(LIMIT, self.events.recv()).await;
        next.expect("a refusal is logged").expect("no refusal was missed")
    }

    /// Forgets what was heard and not asked for.
    pub fn forget(&mut self) {
        self.events = self.events.resubscribe();
    }

    /// Whether nothing was refused since.
    pub fn nothing(&mut self) -> bool {
        matches!(self.events.try_recv(), Err(broadcast::error::TryRecvError::Empty))
    }
}

struct Ear(broadcast::Sender<Refused>);

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if !event.metadata().target().starts_with("rogatory_server") {
            return;
        }
        let mut refused = Refused::default();
        event.record(&mut refused);
        if !refused.reason.is_empty() {
            // Nobody listens between two tests.
            let _ = self.0.send(refused);
        }
    }
}

impl Refused {
    fn take(&mut self, field: &Field, text: String) {
        match field.name() {
            "listener" => self.listener = text,
            "reason" => self.reason = text,
            "message" => self.message = text,
            _ => {}
        }
    }
}

impl Visit for Refused {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.take(field, format!("{value:?}"));
    }
}
