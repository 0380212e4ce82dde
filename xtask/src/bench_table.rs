//! The table of `cargo xtask bench kernel`.

use std::fmt::Write as _;

use serde_json::Value;

/// Everything measured, as Markdown.
pub(crate) fn told(machine: &str, ours: &Value, jupyter: &Value, http: &Value) -> String {
    let mut text = format!("\n{machine}\nwalls: {}\n", ours["walls"].as_str().unwrap_or("?"));
    times(&mut text, "start to ready", &ours["start"], &jupyter["start"], &["alone", "16", "64"]);
    times(&mut text, "cell", &ours["cells"], &jupyter["cells"], &["empty", "expression", "lived_in"]);
    memory(&mut text, &ours["memory"], &jupyter["memory"]);
    transfer(&mut text, &ours["transfer"], http);
    noise(&mut text, &ours["noise"]);
    text
}

fn times(text: &mut String, what: &str, ours: &Value, theirs: &Value, rows: &[&str]) {
    let _ = writeln!(
        text,
        "\n| {what}, ms | best | p50 | p99 | Jupyter best | p50 | p99 | ratio of p50 | of best |"
    );
    text.push_str("|---|---:|---:|---:|---:|---:|---:|---:|---:|\n");
    for row in rows {
        let (one, other) = (&ours[row], &theirs[row]);
        let cells =
            [one, other].map(|it| ["best_ms", "p50_ms", "p99_ms"].map(|name| shown(&it[name])).join(" | "));
        let ratio = |name: &str| times_as_much(&other[name], &one[name]);
        let _ =
            writeln!(text, "| {row} | {} | {} | {} |", cells.join(" | "), ratio("p50_ms"), ratio("best_ms"));
    }
}

fn memory(text: &mut String, ours: &Value, theirs: &Value) {
    text.push_str("\n| memory per idle kernel, MB | PSS | private dirty | machine's share | executor RSS |\n|---|---:|---:|---:|---:|\n");
    for level in ["1", "64", "512", "1000"] {
        let it = &ours[level];
        let cells = ["pss_mb", "private_dirty_mb", "machine_mb_per_kernel", "executor_rss_mb"]
            .map(|name| shown(&it[name]));
        let _ = writeln!(text, "| {level} live | {} |", cells.join(" | "));
    }
    for level in ["1", "16", "64"].iter().filter(|level| !theirs[**level].is_null()) {
        let it = &theirs[level];
        let _ = writeln!(
            text,
            "| Jupyter, {level} live | {} | {} | | |",
            shown(&it["pss_mb"]),
            shown(&it["private_dirty_mb"])
        );
    }
}

fn transfer(text: &mut String, ours: &Value, http: &Value) {
    text.push_str("\n| 64×378×504 result in the cell | CPU ms | wall ms | base64 with points / this | base64 without / this |\n|---|---:|---:|---:|---:|\n");
    let mut row = |name: &str, cpu: &Value, wall: &Value| {
        let [all, depth] = ["base64_all", "base64_depth"].map(|it| times_as_much(&http[it]["cpu_ms"], cpu));
        let _ = writeln!(text, "| {name} | {} | {} | {all} | {depth} |", shown(cpu), shown(wall));
    };
    for (name, key) in [("ours, from the pod", "from_pod"), ("ours, known on the node", "from_cache")] {
        row(name, &ours[key]["cpu_ms"], &ours[key]["result_wall_ms"]);
        row(
            &format!("{name}, all points computed"),
            &ours[key]["cpu_with_points_ms"],
            &ours[key]["all_points_wall_ms"],
        );
    }
    for way in ["base64", "msgpack"] {
        for (what, note) in [("all", "with points"), ("depth", "without points")] {
            let it = &http[format!("{way}_{what}")];
            row(&format!("{way} over HTTP, {note}"), &it["cpu_ms"], &it["wall_ms"]);
        }
    }
}

fn noise(text: &mut String, noise: &Value) {
    text.push_str("\n| ninth session's cell, ms | idle p50 | p99 | 8 neighbours p50 | p99 | ratio of p50 |\n|---|---:|---:|---:|---:|---:|\n");
    for row in ["empty", "work"] {
        let (idle, loud) = (&noise["idle"][row], &noise["loud"][row]);
        let cells = [idle, loud].map(|it| ["p50_ms", "p99_ms"].map(|name| shown(&it[name])).join(" | "));
        let _ = writeln!(
            text,
            "| {row} | {} | {} |",
            cells.join(" | "),
            times_as_much(&loud["p50_ms"], &idle["p50_ms"])
        );
    }
}

fn shown(value: &Value) -> String {
    match value.as_f64() {
        None => String::new(),
        Some(number) if number >= 100.0 => format!("{number:.0}"),
        Some(number) if number >= 10.0 => format!("{number:.1}"),
        Some(number) => format!("{number:.3}"),
    }
}

fn times_as_much(more: &Value, less: &Value) -> String {
    match (more.as_f64(), less.as_f64()) {
        (Some(more), Some(less)) if less > 0.0 => format!("{:.1}×", more / less),
        _ => String::new(),
    }
}
