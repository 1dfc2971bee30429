#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "inferometer/base/error.h"
#include "inferometer/cli/app.h"
#include "inferometer/cli/commands.h"
#include "inferometer/cli/output.h"
#include "inferometer/cli/output_file.h"
#include "inferometer/cli/results.h"
#include "inferometer/cli/terminal.h"
#include "inferometer/record/export_json.h"
#include "inferometer/record/store.h"
#include "inferometer/render/document.h"
#include "inferometer/report/csv_files.h"
#include "inferometer/report/sections.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

struct SessionsFlags {
  std::string out = "results";
  std::optional<int64_t> session;
  std::vector<std::string> from;  ///< folders to merge
  std::string format = "json";
  std::string file;  ///< of an export; empty: standard output
  bool json = false;
  bool yes = false;
};

/// Words of several models or engines, each once.
std::string each_once(const Session& session, std::string SessionModel::*word) {
  std::vector<std::string> seen;
  for (const SessionModel& model : session.models) {
    if (std::find(seen.begin(), seen.end(), model.*word) == seen.end()) seen.push_back(model.*word);
  }
  return fmt::format("{}", fmt::join(seen, ", "));
}

Json session_line_json(const Session& session, const RunCounts& runs) {
  Json json{{"session", session.id},
            {"plan", session.plan.name},
            {"plan_hash", session.plan.hash},
            {"started_utc", session.started_utc}};
  json["finished_utc"] = session.finished_utc.empty() ? Json(nullptr) : Json(session.finished_utc);
  json["runs_ok"] = runs.ok;
  json["runs_failed"] = runs.failed;
  json["runs_warmup"] = runs.warmup;
  json["models"] = Json::array();
  for (const SessionModel& model : session.models) json["models"].push_back({{"engine", model.engine}, {"model", model.model}});
  json["cpu"] = session.environment.cpu.empty() ? Json(nullptr) : Json(session.environment.cpu);
  json["inferometer_commit"] = session.environment.inferometer_commit;
  return json;
}

int list_sessions(const SessionsFlags& flags) {
  const Store store = open_results(flags.out);
  Json list = Json::array();
  ReportTable table{{{"session"},
                     {"started", Align::left},
                     {"plan", Align::left},
                     {"runs"},
                     {"failed"},
                     {"engines", Align::left},
                     {"models", Align::left},
                     {"machine", Align::left}},
                    {}};
  for (const int64_t id : store.sessions()) {
    const Session session = store.session(id);
    const RunCounts runs = store.count_runs(id);
    list.push_back(session_line_json(session, runs));
    table.rows.push_back({fmt::format("{}", id), session.started_utc + (session.finished_utc.empty() ? " (not finished)" : ""),
                          session.plan.name, fmt::format("{}", runs.ok + runs.failed),
                          runs.failed > 0 ? fmt::format("{}", runs.failed) : "", each_once(session, &SessionModel::engine),
                          each_once(session, &SessionModel::model), session.environment.cpu});
  }
  if (flags.json) {
    print_json(list);
  } else if (table.rows.empty()) {
    fmt::print("no session in {}\n", flags.out);
  } else {
    fmt::print("{}", render_text({table}, {.width = terminal_width(stdout), .colour = use_colour(stdout)}));
  }
  return exit_done;
}

int show_session(const SessionsFlags& flags) {
  const Study study = read_study(flags.out, flags.session);
  const Session& session = study.session;
  const Document document = concatenated(
      {title_section(study),
       setup_section(study),
       {Heading{"Command", ""}, Verbatim{session.command, "sh"}, Heading{"Plan", ""}, Verbatim{session.plan.source, "yaml"}}});
  fmt::print("{}", render_text(document, {.width = terminal_width(stdout), .colour = use_colour(stdout)}));
  return exit_done;
}

/// A session in the format that was asked for.
std::string exported(const SessionsFlags& flags) {
  const StoredSession stored = read_session(flags.out, flags.session);
  if (flags.format == "csv") {
    CsvTable csv = runs_table();
    for (const Run& run : stored.runs) {
      if (run.kind == RunKind::measured) add_run(csv, stored.session.id, run);
    }
    return csv.text();
  }
  const Json document = session_to_json(stored.session, stored.runs, open_results(flags.out).blocks(stored.session.id));
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

int export_session(const SessionsFlags& flags) {
  const std::string bytes = exported(flags);
  if (flags.file.empty()) {
    fmt::print("{}", bytes);
  } else {
    write_whole(flags.file, bytes);
    fmt::print("{}\n", flags.file);
  }
  return exit_done;
}

int delete_session(const SessionsFlags& flags) {
  (void)open_results(flags.out);  // a missing one would be made
  Store store(results_file(flags.out), Store::Access::write);
  const Session session = store.session(*flags.session);
  const RunCounts runs = store.count_runs(session.id);
  const std::string what =
      fmt::format("session {} of {} ({}, {} runs)", session.id, flags.out, printable(session.plan.name), runs.ok + runs.failed);
  if (!flags.yes) fail(ErrorKind::usage, "sessions delete: {} would be gone for good (expected --yes)", what);
  store.delete_session(session.id);
  fmt::print("deleted {}\n", what);
  return exit_done;
}

int merge_sessions(const SessionsFlags& flags) {
  for (const std::string& folder : flags.from) {
    if (!holds_results(folder))
      fail(ErrorKind::not_found, "{}: no results there (expected a folder with inferometer.db)", folder);
    if (fs::exists(flags.out) && fs::equivalent(folder, flags.out))
      fail(ErrorKind::usage, "sessions merge: {} cannot be merged into itself", folder);
  }
  make_writable_folder(flags.out);
  Store store(results_file(flags.out), Store::Access::write);
  for (const std::string& folder : flags.from) {
    const Store from = open_results(folder);
    for (const int64_t id : from.sessions()) {
      const std::optional<int64_t> copy = store.copy_session(from, id);
      fmt::print("{}: session {} {}\n", folder, id,
                 copy ? fmt::format("is session {} of {}", *copy, flags.out) : "is there already");
    }
  }
  return exit_done;
}

}  // namespace

void add_sessions(CLI::App& app, CliContext& context) {
  CLI::App* verb = add_verb(app, "sessions", "The sessions of a results folder: list, show, export, delete, merge",
                            "  inferometer sessions list\n  inferometer sessions export --session 2 --format csv -o runs.csv\n"
                            "  inferometer sessions merge laptop/results desktop/results --out both");
  verb->require_subcommand(1);
  auto flags = std::make_shared<SessionsFlags>();  // shared with the callbacks, which outlive this function
  const auto add = [&](const char* name, const char* description, const char* example, int (*action)(const SessionsFlags&)) {
    CLI::App* part = add_verb(*verb, name, description, example);
    part->add_option("--out", flags->out, "Results folder")->capture_default_str();
    part->callback([flags, action, &context] { context.action = [flags, action] { return action(*flags); }; });
    return part;
  };
  add("list", "One line for each session", "  inferometer sessions list --out results", list_sessions)
      ->add_flag("--json", flags->json, "Print JSON (schemas/sessions.schema.json)");
  add("show", "A session's machine, models, command and plan", "  inferometer sessions show --session 2", show_session)
      ->add_option("--session", flags->session, "Session (default: the latest)");
  CLI::App* out = add("export", "A session for other programs: everything as JSON, or a CSV row for each run",
                      "  inferometer sessions export --format csv -o runs.csv", export_session);
  out->add_option("--session", flags->session, "Session (default: the latest)");
  out->add_option("--format", flags->format, "json: everything, each token's time too; csv: one row per run")
      ->check(CLI::IsMember({"json", "csv"}))
      ->capture_default_str();
  out->add_option("-o,--file", flags->file, "File to write (default: standard output)");
  CLI::App* gone =
      add("delete", "Takes a session away for good", "  inferometer sessions delete --session 2 --yes", delete_session);
  gone->add_option("--session", flags->session, "Session")->required();
  gone->add_flag("--yes", flags->yes, "Really");
  add("merge", "Takes the sessions of other results folders into --out, each as it is: their runs are never mixed",
      "  inferometer sessions merge laptop/results desktop/results --out both", merge_sessions)
      ->add_option("from", flags->from, "Results folders")
      ->required();
}

}  // namespace ifm
