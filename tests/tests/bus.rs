//! The contract of the bus: every scenario runs on the in-process carrier and on a real NATS server.

#![expect(clippy::unwrap_used, reason = "scenarios are tests as well")]

#[path = "bus/artifacts.rs"]
mod artifacts;
#[path = "bus/asks.rs"]
mod asks;
#[path = "bus/away.rs"]
mod away;
#[path = "bus/closing.rs"]
mod closing;
#[path = "bus/jobs.rs"]
mod jobs;
#[path = "bus/journals.rs"]
mod journals;
#[path = "bus/killed.rs"]
mod killed;
#[path = "bus/leases.rs"]
mod leases;
#[path = "bus/letters.rs"]
mod letters;
#[path = "bus/lossy.rs"]
mod lossy;
#[path = "bus/secrets.rs"]
mod secrets;
#[path = "bus/shared.rs"]
mod shared;
#[path = "bus/world.rs"]
mod world;

/// Makes two tests of every scenario.
macro_rules! contract {
    ($($module:ident::{$($scenario:ident),* $(,)?};)*) => {
        mod local {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() -> anyhow::Result<()> {
                    let world = crate::world::World::local().await?;
                    crate::world::in_time(crate::$module::$scenario(&world)).await
                }
            )*)*
        }
        mod nats {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() -> anyhow::Result<()> {
                    let world = crate::world::World::nats().await?;
                    crate::world::in_time(crate::$module::$scenario(&world)).await
                }
            )*)*
        }
    };
}

contract! {
    asks::{
        a_request_is_answered,
        nobody_serving_is_an_answer,
        an_ask_has_a_deadline,
        a_fault_travels_whole,
        one_request_over_the_limit_is_refused,
        what_is_too_large_is_refused,
        what_cannot_be_decoded_is_refused,
        a_panic_is_an_answer_and_the_server_goes_on,
        servers_share_a_subject_and_leave_it,
        an_abandoned_request_is_answered,
        draining_finishes_what_runs,
        the_handler_is_in_the_askers_trace,
    };
    jobs::{
        a_known_id_is_queued_once,
        a_retry_is_delivered_again,
        a_panic_is_delivered_again,
        a_job_outlives_its_worker,
        a_long_job_is_delivered_once,
        workers_do_as_much_as_allowed_at_once,
        draining_finishes_the_running_job,
        a_full_queue_refuses,
        the_handler_is_in_the_trace_of_whoever_queued,
    };
    letters::{
        a_hopeless_job_is_listed,
        a_job_that_failed_often_is_listed,
        a_job_whose_workers_went_away_is_listed,
        an_unreadable_job_is_listed,
        a_dead_job_is_known,
        a_revived_job_is_new,
        letters_are_listed_in_order,
    };
    closing::{
        a_session_fails_when_its_job_is_given_up,
        a_session_fails_when_its_workers_went_away,
        a_session_fails_when_its_job_cannot_be_read,
        a_session_that_has_ended_stays_as_it_is,
        a_replayed_session_is_opened_again,
    };
    journals::{
        an_unknown_session_has_no_entries,
        entries_are_replayed_in_order,
        the_second_writer_is_refused,
        one_of_many_writers_wins,
        a_follower_sees_what_was_and_what_comes,
        followers_of_one_session_see_the_same,
        an_entry_too_large_is_refused,
    };
    leases::{
        a_free_key_has_lapsed,
        a_lease_lapses_when_dropped,
        a_lease_lapses_when_released,
        a_held_key_is_refused,
        a_renewed_lease_stays,
    };
    artifacts::{
        what_is_put_is_there,
        the_same_bytes_are_stored_once,
        damage_is_noticed,
        what_is_missing_is_said_so,
    };
}
