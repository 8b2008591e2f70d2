//! Many small things on several threads, taken in their order.
//!
//! Holds the number of threads and the loop that hands jobs out and takes results in the order of the jobs. The
//! asking thread finds the jobs, takes the results and works itself while it waits. May start threads; leaves none
//! behind, whether a result is refused or a job panics.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// More than this gain nothing: two digests in a row are what a stream waits for in the end.
const MOST_THREADS: usize = 8;

/// As many as there are cores for this process, within reason.
pub(crate) fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS))
}

/// Jobs that wait, and a place for the result of each that was handed out, in order.
struct Ring<J, T> {
    waiting: VecDeque<(u64, J)>,
    places: VecDeque<Option<T>>,
    /// The number of the first place.
    first: u64,
    stopped: bool,
    panic: Option<Box<dyn Any + Send>>,
}

struct Shared<J, T> {
    ring: Mutex<Ring<J, T>>,
    changed: Condvar,
}

impl<J, T> Shared<J, T> {
    fn ring(&self) -> MutexGuard<'_, Ring<J, T>> {
        // Nothing panics while it holds the lock.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, ring: MutexGuard<'a, Ring<J, T>>) -> MutexGuard<'a, Ring<J, T>> {
        self.changed.wait(ring).unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, number: u64, result: T) {
        let mut ring = self.ring();
        let place = usize::try_from(number - ring.first).ok();
        if let Some(place) = place.and_then(|place| ring.places.get_mut(place)) {
            *place = Some(result);
        }
        drop(ring);
        self.changed.notify_all();
    }

    /// What a thread does until there is nothing more to come.
    fn help(&self, work: &impl Fn(J) -> T) {
        let mut ring = self.ring();
        while !ring.stopped {
            if let Some((number, job)) = ring.waiting.pop_front() {
                drop(ring);
                match catch_unwind(AssertUnwindSafe(|| work(job))) {
                    Ok(result) => self.put(number, result),
                    Err(panic) => {
                        self.ring().panic = Some(panic);
                        self.changed.notify_all();
                        return;
                    }
                }
                ring = self.ring();
            } else {
                ring = self.wait(ring);
            }
        }
    }
}

/// Ends the helping threads, also when the asking one panics.
struct Ending<'a, J, T>(&'a Shared<J, T>);

impl<J, T> Drop for Ending<'_, J, T> {
    fn drop(&mut self) {
        self.0.ring().stopped = true;
        self.0.changed.notify_all();
    }
}

/// Works on `jobs` on up to `threads` threads, the asking one among them, and hands each result to `take`, in order
/// and on the asking thread. At most `ahead` are under way.
///
/// # Errors
/// The first that `take` gives; then nothing more is begun.
pub(crate) fn in_order<J: Send, T: Send, E>(
    threads: usize,
    ahead: usize,
    mut jobs: impl Iterator<Item = J>,
    work: impl Fn(J) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let ring =
        Ring { waiting: VecDeque::new(), places: VecDeque::new(), first: 0, stopped: false, panic: None };
    let shared = Shared { ring: Mutex::new(ring), changed: Condvar::new() };
    thread::scope(|scope| {
        let shared = &shared;
        let work = &work;
        let _ending = Ending(shared);
        let mut helpers = 0;
        let mut ended = false;
        let mut ring = shared.ring();
        loop {
            if let Some(panic) = ring.panic.take() {
                drop(ring);
                resume_unwind(panic);
            }
            if !ended && ring.places.len() < ahead.max(1) {
                drop(ring);
                let job = jobs.next();
                ended = job.is_none();
                ring = shared.ring();
                if let Some(job) = job {
                    let number = ring.first + ring.places.len() as u64;
                    ring.places.push_back(None);
                    ring.waiting.push_back((number, job));
                    // A single job costs no thread.
                    if ring.waiting.len() > 1 && helpers + 1 < threads {
                        let begun = thread::Builder::new().spawn_scoped(scope, || shared.help(work));
                        // Without it the others work on.
                        helpers = if begun.is_ok() { helpers + 1 } else { threads };
                    }
                    shared.changed.notify_one();
                }
            } else if let Some(Some(_)) = ring.places.front() {
                let result = ring.places.pop_front().flatten();
                ring.first += 1;
                drop(ring);
                if let Some(result) = result {
                    take(result)?;
                }
                ring = shared.ring();
            } else if ring.places.is_empty() {
                return Ok(());
            } else if let Some((number, job)) = ring.waiting.pop_front() {
                drop(ring);
                shared.put(number, work(job));
                ring = shared.ring();
            } else {
                ring = shared.wait(ring);
            }
        }
    })
}

/// Works on all `items` on up to `threads` threads, the asking one among them; gives the results in their order. Each
/// thread hands its own buffer to `work`.
pub(crate) fn all<I: Sync, T: Send>(
    threads: usize,
    items: &[I],
    work: impl Fn(&mut Vec<u8>, &I) -> T + Sync,
) -> Vec<T> {
    let share = items.len().div_ceil(threads.max(1)).max(1);
    let work_on = |items: &[I]| -> Vec<T> {
        let mut buffer = Vec::new();
        items.iter().map(|item| work(&mut buffer, item)).collect()
    };
    let mut shares = items.chunks(share);
    let own = shares.next().unwrap_or_default();
    thread::scope(|scope| {
        let work_on = &work_on;
        let others: Vec<_> = shares
            .map(|share| (share, thread::Builder::new().spawn_scoped(scope, move || work_on(share))))
            .collect();
        let mut results = work_on(own);
        for (share, other) in others {
            match other.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(more)) => results.extend(more),
                Ok(Err(panic)) => resume_unwind(panic),
                // No thread was to be had.
                Err(_) => results.extend(work_on(share)),
            }
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_come_in_order_and_never_too_many_are_under_way() {
        for threads in [1, 2, 7] {
            let under_way = AtomicUsize::new(0);
            let most = AtomicUsize::new(0);
            let mut taken = Vec::new();
            let work = |job: u64| {
                // Later ones are quicker.
                let steps = (0..(500 - job) * 20).fold(job, |sum, step| sum ^ step.wrapping_mul(sum | 1));
                std::hint::black_box(steps);
                job
            };
            let jobs = (0..500).inspect(|_| {
                let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
            });
            let done = in_order(threads, 16, jobs, work, |result| {
                under_way.fetch_sub(1, Ordering::SeqCst);
                taken.push(result);
                Ok::<(), ()>(())
            });
            assert_eq!(done, Ok(()));
            assert_eq!(taken, (0..500).collect::<Vec<_>>());
            assert!(most.into_inner() <= 16);
        }
    }

    #[test]
    fn all_results_come_in_the_order_of_the_items() {
        for threads in [1, 2, 7] {
            for count in [0, 1, 6, 7, 100] {
                let items: Vec<usize> = (0..count).collect();
                let squares: Vec<usize> = items.iter().map(|item| item * item).collect();
                assert_eq!(all(threads, &items, |_, item| item * item), squares);
            }
        }
    }

    #[test]
    fn the_first_refusal_ends_it() {
        for threads in [1, 3] {
            let begun = AtomicUsize::new(0);
            let work = |job: usize| {
                begun.fetch_add(1, Ordering::SeqCst);
                job
            };
            let done =
                in_order(threads, 8, 0.., work, |result| if result == 20 { Err(result) } else { Ok(()) });
            assert_eq!(done, Err(20));
            assert!(begun.into_inner() <= 29);
        }
    }

    #[test]
    fn a_job_that_panics_is_told_where_it_was_asked_for() {
        for threads in [1, 3] {
            let work = |job: usize| {
                assert_ne!(job, 30, "job 30 panics");
                job
            };
            let caught = catch_unwind(|| in_order(threads, 8, 0..1_000, work, |_| Ok::<(), ()>(())));
            assert!(caught.is_err());
        }
    }
}
