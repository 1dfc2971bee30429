#!/usr/bin/env python3
"""Says how far this build has come with a plan: "finished", "unfinished" or "none".

usage: session_state.py RESULTS_FOLDER PLAN COMMIT

A session counts when it is the latest, of the same plan text and of the same clean build.
"""
import json
import pathlib
import sqlite3
import sys


def state(results: pathlib.Path, plan: pathlib.Path, commit: str) -> str:
    file = results / "inferometer.db"
    if not file.is_file() or commit == "unknown" or commit.endswith("-dirty"):
        return "none"
    database = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT plan_source, environment_json, finished_utc FROM session ORDER BY id DESC LIMIT 1").fetchall()
    except sqlite3.Error:
        return "none"  # `run` reads the file next, and says what is wrong with it
    finally:
        database.close()
    for source, environment, finished in rows:
        if source == plan.read_text(encoding="utf-8") and json.loads(environment).get("inferometer_commit") == commit:
            return "finished" if finished else "unfinished"
    return "none"


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(state(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]))
