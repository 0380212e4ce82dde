//! How kernels, templates and executors begin and end.

use std::time::Duration;

use crate::common::{CALL, Kernel, PATIENCE, World, config, run_request};
use bytesize::ByteSize;
use rustix::process::{Pid, Signal, kill_process};
use spatialclaw_bus::{self as bus, Bus};
use spatialclaw_domain::{FaultKind, Observation};
use spatialclaw_executor::{Config, KernelLimits};
use spatialclaw_runtime::{Readiness, Service as _};

fn error(seen: &Observation) -> (&str, &str) {
    seen.error.as_ref().map_or(("no error", ""), |error| (&error.kind, &error.message))
}

async fn killed(kernel: &Kernel, code: &str) -> Observation {
    let mut request = run_request(1, code);
    // Long enough for a busy machine to reach the loop.
    request.deadline_ms = 3000;
    kernel.try_run(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_that_cannot_be_stopped_is_killed_and_says_so() {
    let world = World::with(Config { interrupt_grace: Duration::from_millis(300), ..config() }).await;
    // CPython 3.11 lets an interrupt escape from a loop that is the first statement of its `try`.
    let swallowing =
        "while True:\n    try:\n        x = 0\n        while True: x = 1\n    except BaseException: pass";
    for code in [swallowing, "sum(range(10**12))"] {
        let kernel = world.lease().await;
        let seen = killed(&kernel, code).await;
        let (kind, message) = error(&seen);
        assert_eq!(kind, "TimeoutError");
        assert!(
            seen.state_lost && message.contains("limit of 3s") && message.contains("killed"),
            "{message}"
        );
        kernel.assert_gone().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_cell_had_shown_and_answered_is_kept() {
    let world = World::with(Config { interrupt_grace: Duration::from_millis(300), ..config() }).await;
    let kernel = world.lease().await;
    let mut request = run_request(1, "show(InputImages[0])\nReturnAnswer('B')\nsum(range(10**12))");
    request.deadline_ms = 5_000;
    let seen = kernel.try_run(request).await.unwrap();
    assert!(seen.state_lost);
    assert_eq!((seen.shown.len(), seen.answer.unwrap().text.as_str()), (1, "B"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_that_dies_in_a_cell_says_how() {
    let world = World::start().await;
    let deaths = [
        ("import os; os._exit(3)", "status 3"),
        ("import os; os.abort()", "SIGABRT"),
        ("import ctypes; ctypes.string_at(1)", "SIGSEGV"),
    ];
    for (code, how) in deaths {
        let kernel = world.lease().await;
        let seen = kernel.run(1, code).await;
        let (kind, message) = error(&seen);
        assert_eq!(kind, "KernelDied", "{code}: {message}");
        assert!(seen.state_lost && message.contains(how), "{code}: {message}");
        kernel.assert_gone().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_that_dies_between_cells_is_noticed() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let pid = kernel.run(1, "import os; print(os.getpid())").await.stdout.trim().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    kernel.assert_gone().await;
    world.lease().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_cells_a_kernel_stands_still() {
    let world = World::start().await;
    let kernel = world.lease().await;
    // Its last act is to end the interpreter, half a second after its cell; standing still it does not come to it.
    let code = "import threading, os, time\n\
                threading.Thread(target=lambda: (time.sleep(0.5), os._exit(1)), daemon=True).start()\n\
                kept = 1";
    kernel.run(1, code).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Going on, it comes to it; that the kernel was there to run the cell is what counts.
    let seen = kernel.run(2, "import time; time.sleep(30)").await;
    assert_eq!(error(&seen).0, "KernelDied");
    kernel.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_memory_is_an_error_of_the_cell() {
    let limits = KernelLimits { memory: ByteSize::gib(1), ..KernelLimits::default() };
    let world = World::with(Config { kernel: limits, ..config() }).await;
    let kernel = world.lease().await;
    let seen = kernel.run(1, "x = bytearray(8 << 30)").await;
    assert_eq!(error(&seen).0, "MemoryError");
    assert_eq!(kernel.run(2, "print('fine')").await.stdout, "fine\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_protocol_ends_the_kernel() {
    let world = World::start().await;
    let kernel = world.lease().await;
    // A frame that promises four gigabytes, on the session's own socket.
    let seen = kernel.run(1, "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'\\xff' * 8)\n    except OSError: pass\nwhile True: pass").await;
    let (kind, message) = error(&seen);
    assert_eq!(kind, "KernelDied", "{message}");
    assert!(message.contains("protocol") && message.contains("4294967295"), "{message}");
    kernel.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kernels_do_not_see_each_other() {
    let world = World::start().await;
    let kernels = [world.lease().await, world.lease().await, world.lease().await];
    let cells = ["secret = 0", "secret = 1", "secret = 2"];
    let [a, b, c] = &kernels;
    tokio::join!(a.run(1, cells[0]), b.run(1, cells[1]), c.run(1, cells[2]));
    let code = "import os\nopen('mine.txt', 'w').write(str(secret))\nprint(secret, sorted(os.listdir('.')))";
    let (one, two, three) = tokio::join!(a.run(2, code), b.run(2, code), c.run(2, code));
    assert_eq!(
        [one.stdout, two.stdout, three.stdout].map(|out| out.trim().to_owned()),
        ["0 ['mine.txt']", "1 ['mine.txt']", "2 ['mine.txt']"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_refuses_and_a_release_frees() {
    let world = World::with(Config { kernels: 2, ..config() }).await;
    let (one, _two) = (world.lease().await, world.lease().await);
    let fault = world.try_lease().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Exhausted);
    assert!(fault.retry_after.is_some() && fault.message.contains("all 2 kernels"), "{fault}");
    one.release().await;
    one.assert_gone().await;
    let three = world.lease_soon().await;
    assert_eq!(three.run(1, "print('fresh')").await.stdout, "fresh\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_gives_up_the_running_cell() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let cell = format!("{CALL}while True: pass");
    let running = kernel.try_run(run_request(1, &cell));
    let releasing = async {
        world.perception.called().await;
        kernel.release().await;
    };
    let (answer, ()) = tokio::join!(running, releasing);
    let fault = answer.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Cancelled, "{fault}");
    kernel.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_kernel_is_released() {
    let world =
        World::with(Config { kernels: 1, idle_deadline: Duration::from_millis(200), ..config() }).await;
    let kernel = world.lease().await;
    kernel.assert_gone().await;
    world.lease_soon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_goes_with_its_owner() {
    let world = World::with(Config { kernels: 2, ..config() }).await;
    let owner = world.bus.hold("codegen.one", Duration::from_secs(5)).await.unwrap();
    let (orphan, other) = (world.lease_for("codegen.one").await, world.lease().await);
    let cell = format!("{CALL}while True: pass");
    let running = orphan.try_run(run_request(1, &cell));
    let dying = async {
        world.perception.called().await;
        // As when its process is killed: nobody interrupts, nobody releases.
        drop(owner);
    };
    let (answer, ()) = tokio::join!(running, dying);
    let fault = answer.unwrap_err();
    assert!(fault.message.contains("its owner is gone"), "{fault}");
    orphan.assert_gone().await;
    let fresh = world.lease_soon().await;
    assert_eq!(fresh.run(1, "print('free')").await.stdout, "free\n");
    assert_eq!(other.run(1, "print('mine')").await.stdout, "mine\n", "no owner, no matter");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_gone_already_keeps_no_seat() {
    let world = World::with(Config { kernels: 1, ..config() }).await;
    let fault = world.try_lease_for("Not A Key").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid, "{fault}");
    // Gone at once, whatever its asker was told.
    let _late = world.try_lease_for("codegen.dead").await;
    world.lease_soon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_leases_again_has_one_kernel() {
    let world = World::with(Config { kernels: 1, ..config() }).await;
    let first = world.lease_as(world.question.session).await.unwrap();
    // All seats are taken, by the one it forgot.
    let fault = world.lease_as(world.question.session).await.err().expect("no seat yet");
    assert_eq!(fault.kind, FaultKind::Exhausted, "{fault}");
    first.assert_gone().await;
    world.lease_soon().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_hangs_is_replaced() {
    let world = World::with(Config { lease_deadline: Duration::from_secs(6), ..config() }).await;
    let template = world.template().expect("a living template");
    kill_process(Pid::from_raw(template).unwrap(), Signal::STOP).unwrap();
    let fault = world.try_lease().await.unwrap_err();
    assert!(fault.is_retryable() && fault.message.contains("the template does not answer"), "{fault}");
    let fresh = world.lease_soon().await;
    assert_eq!(fresh.run(1, "print('again')").await.stdout, "again\n");
    assert_ne!(world.template(), Some(template));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_whose_template_dies_is_told_of_no_error_of_its_own() {
    let world = World::start().await;
    let kernel = world.lease().await;
    let cell = format!("{CALL}while True: pass");
    let running = kernel.try_run(run_request(1, &cell));
    let killing = async {
        world.perception.called().await;
        let template = world.template().expect("a living template");
        kill_process(Pid::from_raw(template).unwrap(), Signal::KILL).unwrap();
    };
    let (answer, ()) = tokio::join!(running, killing);
    let fault = answer.unwrap_err();
    assert!(fault.kind == FaultKind::Unavailable && fault.message.contains("with its template"), "{fault}");
    kernel.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_template_is_started_again() {
    let world = World::start().await;
    let kernel = world.lease().await;
    kernel.run(1, "x = 1").await;
    let template = world.template().expect("a living template");
    kill_process(Pid::from_raw(template).unwrap(), Signal::KILL).unwrap();
    // Its children go with it, and nobody waits for an answer that cannot come.
    kernel.assert_gone().await;
    let fresh = world.lease_soon().await;
    assert_eq!(fresh.run(1, "print('again')").await.stdout, "again\n");
    assert_ne!(world.template(), Some(template));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_the_running_cell_end_and_leases_nothing_more() {
    let mut world = World::start().await;
    let (busy, idle) = (world.lease().await, world.lease().await);
    let bus = world.bus.clone();
    let cell = format!("{CALL}import time\ntime.sleep(1)\nprint('done')");
    let running = busy.try_run(run_request(1, &cell));
    let draining = async {
        world.perception.called().await;
        world.drain(PATIENCE).await;
    };
    let (seen, ()) = tokio::join!(running, draining);
    assert_eq!(seen.unwrap().stdout, "done\n");
    busy.lapsed().await;
    idle.lapsed().await;
    let request = spatialclaw_proto::kernel::v1::LeaseRequest::default();
    let refused =
        bus.ask::<_, spatialclaw_proto::kernel::v1::LeaseReply>("executor.lease", &request, PATIENCE).await;
    assert_eq!(refused.unwrap_err().kind, FaultKind::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_past_its_deadline_gives_cells_up() {
    let mut world = World::start().await;
    let kernel = world.lease().await;
    let cell = format!("{CALL}while True: pass");
    let running = kernel.try_run(run_request(1, &cell));
    let draining = async {
        world.perception.called().await;
        world.drain(Duration::from_millis(600)).await;
    };
    let (answer, ()) = tokio::join!(running, draining);
    assert_eq!(answer.unwrap_err().kind, FaultKind::Unavailable);
}

async fn refusal(config: Config) -> String {
    let artifacts = tempfile::tempdir().unwrap();
    let settings =
        bus::Config { artifacts: artifacts.path().display().to_string(), ..bus::Config::default() };
    let bus = Bus::connect(&settings, "executor-test").await.unwrap();
    match spatialclaw_executor::spawn(bus, config, Readiness::default()).await {
        Ok(service) => {
            Box::new(service).drain(PATIENCE).await;
            panic!("it started");
        }
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_the_executor_from_starting_is_named() {
    let text = refusal(Config { python: Some("/nowhere/python".into()), ..config() }).await;
    assert!(text.contains("executor.python names /nowhere/python"), "{text}");
    let text = refusal(Config { min_walls: vec!["moat".to_owned()], ..config() }).await;
    assert!(text.contains("`moat`") && text.contains("landlock"), "{text}");
    let text = refusal(Config { python: Some("/bin/false".into()), ..config() }).await;
    assert!(text.contains("ended before it was ready"), "{text}");
    let library = tempfile::NamedTempFile::new().unwrap();
    let text = refusal(Config { library: Some(library.path().to_owned()), ..config() }).await;
    assert!(text.contains("ended before it was ready") && text.contains("file too short"), "{text}");
}
