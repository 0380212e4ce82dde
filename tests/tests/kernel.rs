//! `spatialclaw kernel serve --jsonl`, as a developer's tool or an attacker's bench drives it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::symlink,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use spatialclaw_tests::deployment::{binary, root};

/// The tool, killed when dropped.
struct Tool {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Tool {
    fn start(flags: &[&str]) -> anyhow::Result<Self> {
        let mut process = Command::new(binary("spatialclaw"))
            .args(["kernel", "serve", "--jsonl"])
            .args(flags)
            .current_dir(root())
            .env("SPATIALCLAW_CANARY", "canary-of-the-host")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().context("no output")?);
        Ok(Self { process, input, output })
    }

    fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.input.as_mut().context("no input")?, "{line}")?)
    }

    fn hear(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the tool ended");
        Ok(serde_json::from_str(&line)?)
    }

    fn ask(&mut self, request: Value) -> anyhow::Result<Value> {
        self.tell(&request.to_string())?;
        self.hear()
    }

    fn exec(&mut self, session: &str, cell: &str) -> anyhow::Result<Value> {
        self.ask(json!({ "op": "exec", "session": session, "cell": cell, "timeout": 60 }))
    }

    /// Closes the input; the exit status.
    fn end(mut self) -> anyhow::Result<Option<i32>> {
        drop(self.input.take());
        Ok(self.process.wait()?.code())
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn text<'a>(reply: &'a Value, key: &str) -> &'a str {
    reply[key].as_str().unwrap_or_default()
}

#[test]
fn state_errors_answers_and_pictures() -> anyhow::Result<()> {
    let mut tool = Tool::start(&["--with-images"])?;
    let first = tool.exec("a", "x = 41\nprint('set')")?;
    assert_eq!(
        (text(&first, "stdout"), &first["error"], &first["restarted"]),
        ("set\n", &Value::Null, &json!(false))
    );
    assert!(text(&first, "walls").contains("seccomp"), "{first}");
    let failed = tool.exec("a", "x + 1\n1 / 0")?;
    assert_eq!(failed["error"], "ZeroDivisionError: division by zero (line 2)");
    assert_eq!(failed["blocked"], false);
    let seen = tool.exec(
        "a",
        "recon = tools.Reconstruct.Reconstruct(InputImages)\n\
         chair = tools.SAM3.segment_image_by_text(InputImages[0], 'red chair')\n\
         show(InputImages[0])\nReturnAnswer(x + 1)",
    )?;
    assert_eq!((&seen["error"], &seen["answer"]), (&Value::Null, &json!(42)), "{seen}");
    assert_eq!(seen["metrics"]["tool_calls"], 2);
    let image = &seen["images"][0];
    assert_eq!((&image["w"], &image["h"]), (&json!(480), &json!(360)));
    assert!(image["bytes"].as_u64() > Some(1000) && text(image, "b64").len() > 1000);
    assert_eq!(tool.exec("a", "ReturnAnswer('B')")?["answer"], "B");
    assert_eq!(tool.end()?, Some(0));
    Ok(())
}

#[test]
fn a_timeout_keeps_state_and_a_death_is_replayed() -> anyhow::Result<()> {
    let mut tool = Tool::start(&["--grace", "0.5"])?;
    tool.exec("a", "import numpy as np\nx = np.random.rand()\nkept = [1]")?;
    let before = tool.exec("a", "print(x, kept)")?;
    let request =
        json!({ "op": "exec", "session": "a", "cell": "kept.append(2)\nwhile True: pass", "timeout": 1 });
    let stopped = tool.ask(request)?;
    assert!(text(&stopped, "error").starts_with("TimeoutError"), "{stopped}");
    assert_eq!(stopped["restarted"], false);
    assert!(text(&tool.exec("a", "print(kept)")?, "stdout").contains("[1, 2]"));
    for death in ["import os; os._exit(3)", "import ctypes; ctypes.string_at(0)"] {
        let died = tool.exec("a", death)?;
        assert!(text(&died, "error").starts_with("KernelDied"), "{died}");
        assert_eq!(died["restarted"], true, "{died}");
        let after = tool.exec("a", "print(x, kept[:1])")?;
        assert_eq!(after["stdout"], before["stdout"], "the same number is drawn again");
    }
    let deaf = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass";
    let killed = tool.ask(json!({ "op": "exec", "session": "a", "cell": deaf, "timeout": 1 }))?;
    assert_eq!(
        (text(&killed, "error").starts_with("TimeoutError"), &killed["restarted"]),
        (true, &json!(true))
    );
    assert!(text(&tool.exec("a", "print(kept)")?, "stdout").contains("[1, 2]"));
    Ok(())
}

#[test]
fn sessions_are_apart_and_more_of_them_than_kernels() -> anyhow::Result<()> {
    let mut tool = Tool::start(&["--kernels", "2"])?;
    for name in ["a", "b", "c"] {
        let cell = format!("mine = '{name}'\nopen('note', 'w').write(mine)\nprint('mine' in dir())");
        assert_eq!(text(&tool.exec(name, &cell)?, "stdout"), "True\n");
    }
    for name in ["a", "b", "c"] {
        let reply = tool.exec(name, "import os\nprint(mine, os.listdir('.'))")?;
        assert_eq!(text(&reply, "stdout"), format!("{name} ['note']\n"), "{reply}");
    }
    let closed = tool.ask(json!({ "op": "close", "session": "a" }))?;
    assert_eq!(closed["closed"], true);
    let fresh = tool.exec("a", "mine")?;
    assert!(text(&fresh, "error").starts_with("NameError"), "{fresh}");
    Ok(())
}

#[test]
fn floods_are_bounded_and_the_tool_goes_on() -> anyhow::Result<()> {
    let flags =
        ["--memory", "1GiB", "--images", "3", "--output", "2000", "--scratch", "32MiB", "--tool-calls", "2"];
    let mut tool = Tool::start(&flags)?;
    let printed = tool.exec("a", "for i in range(200000): print('x' * 50)")?;
    assert!(text(&printed, "stdout").len() < 2200 && printed["error"].is_null(), "{printed}");
    let memory = tool.exec("a", "b = bytearray(4 << 30)")?;
    assert!(text(&memory, "error").starts_with("MemoryError"), "{memory}");
    let disk = tool.exec("a", "for i in range(99): open(f'f{i}', 'wb').write(b'x' * (1 << 20))")?;
    assert!(text(&disk, "error").contains("No space left"), "{disk}");
    let shown = tool.exec("a", "for i in range(9): show(np.zeros((4, 4), np.uint8))")?;
    assert_eq!(
        (shown["images"].as_array().map(Vec::len), &shown["metrics"]["images_dropped"]),
        (Some(3), &json!(6))
    );
    let calls = tool.exec("a", "for i in range(9): tools.Reconstruct.Reconstruct(InputImages[0:1])")?;
    assert_eq!(calls["metrics"]["tool_calls"], 2, "{calls}");
    let frames = tool.ask(json!({ "op": "exec", "session": "b", "timeout": 30, "cell":
        "import os, struct\nf = bytes([0x12, 6, 8, 1, 0x12, 2, 8, 0])\nwhile True: os.write(3, (struct.pack('<I', 8) + f) * 1000)" }))?;
    assert!(text(&frames, "error").contains("protocol"), "{frames}");
    assert_eq!(frames["metrics"]["tool_calls"], 0);
    assert_eq!(text(&tool.exec("c", "print('well')")?, "stdout"), "well\n");
    Ok(())
}

#[test]
fn walls_refuse_and_say_so() -> anyhow::Result<()> {
    let mut tool = Tool::start(&[])?;
    for cell in [
        "open('/etc/passwd').read()",
        "import subprocess; subprocess.run(['true'])",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import os; os.kill(os.getppid(), 9)",
        "np.genfromtxt('http://127.0.0.1:9/x.csv')",
    ] {
        let reply = tool.exec("a", cell)?;
        assert_eq!(reply["blocked"], true, "{cell}: {reply}");
    }
    let forged = tool.exec("a", "import os\nprint(os.environ)\nprint('{\"answer\": 1}')")?;
    assert!(
        forged["answer"].is_null() && !text(&forged, "stdout").contains("canary-of-the-host"),
        "{forged}"
    );
    let honest =
        tool.exec("a", "import re, io\nfrom PIL import Image\nre.compile('open[(]')\ns = 'os.system'")?;
    assert_eq!((&honest["blocked"], &honest["error"]), (&json!(false), &Value::Null), "{honest}");
    Ok(())
}

#[test]
fn what_is_no_request_costs_only_itself() -> anyhow::Result<()> {
    let mut tool = Tool::start(&[])?;
    for line in ["{", "[]", "{\"op\":\"exec\"}", "{\"op\":\"dance\",\"session\":\"a\"}", "\u{1F980}"] {
        tool.tell(line)?;
        let reply = tool.hear()?;
        assert!(reply["error"].is_string(), "{line}: {reply}");
    }
    let bad_time = tool.ask(json!({ "op": "exec", "session": "a", "cell": "1", "timeout": -1 }))?;
    assert!(text(&bad_time, "error").contains("timeout"), "{bad_time}");
    // Many at once: replies keep the order of requests.
    for number in 0..20 {
        let session = format!("s{}", number % 3);
        let cell = format!("print({number})");
        tool.tell(&json!({ "op": "exec", "session": session, "cell": cell, "timeout": 60 }).to_string())?;
    }
    for number in 0..20 {
        assert_eq!(text(&tool.hear()?, "stdout"), format!("{number}\n"));
    }
    assert_eq!(tool.end()?, Some(0));
    Ok(())
}

#[test]
fn a_workspace_is_copied_and_never_touched() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let workspace = dir.path().join("ws");
    fs::create_dir_all(workspace.join("sub"))?;
    fs::write(workspace.join("sub/data.txt"), "given")?;
    fs::write(dir.path().join("secret"), "canary")?;
    symlink(dir.path().join("secret"), workspace.join("link"))?;
    let mut tool = Tool::start(&[])?;
    let mut run = |cell: String, at: &std::path::Path| {
        tool.ask(json!({ "op": "exec", "session": at, "cell": cell, "timeout": 60, "workspace": at }))
    };
    let cell = format!(
        "import os\nprint(open('sub/data.txt').read(), os.listdir('.'), os.getcwd() == {0:?})\n\
         open('new', 'w').write('x')\nopen({0:?} + '/sub/data.txt', 'w').write('changed')\nopen('../secret').read()",
        workspace
    );
    let reply = run(cell, &workspace)?;
    if !text(&reply, "walls").contains("mountns") {
        assert!(text(&reply, "error").contains("mountns"), "{reply}");
        return Ok(());
    }
    assert_eq!(text(&reply, "stdout"), "given ['sub'] True\n", "{reply}");
    assert!(reply["blocked"] == true && !reply.to_string().contains("canary"), "{reply}");
    assert_eq!(fs::read_to_string(workspace.join("sub/data.txt"))?, "given");
    assert!(!workspace.join("new").exists());
    for bad in [dir.path().join("none"), dir.path().join("secret"), "/".into(), "/usr".into()] {
        assert!(run("1".to_owned(), &bad)?["error"].is_string(), "{}", bad.display());
    }
    Ok(())
}
