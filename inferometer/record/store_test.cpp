#include "inferometer/record/store.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inferometer/base/error.h"
#include "inferometer/base/test_folder.h"
#include "inferometer/record/json_codec.h"
#include "inferometer/record/run_row.h"
#include "inferometer/record/schema.h"
#include "inferometer/record/session_row.h"
#include "inferometer/record/sql_column.h"
#include "inferometer/record/sqlite.h"

namespace ifm {
namespace {

using ModelRun = ifm::Run;  // inside a test, Run is GoogleTest's

class StoreTest : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "inferometer.db"; }
  int64_t write_twenty_runs() const;
  void expect_named_or_whole(const std::string& bytes, int64_t session) const;

 private:
  test::TempFolder folder_;
};

Session full_session() {
  Session session;
  session.started_utc = "2025-01-02T03:04:05Z";
  session.plan.name = "study, with \"quotes\"";
  session.plan.description = "d";
  session.plan.seed = std::numeric_limits<uint64_t>::max();
  session.plan.modes = {Mode::warm, Mode::cold};
  session.plan.engines = {{.id = "simulated", .kind = "simulated", .simulated = {{"gap_ms", 0.1}, {"run_sd", 1.0 / 3}}}};
  session.plan.models = {"m"};
  session.plan.prompts = {{.id = "p", .text = "line\nline \xE2\x82\xAC", .raw = true}};
  session.plan.max_tokens = {64};
  session.plan.temperatures = {0.3};
  session.plan.page_cache = PageCache::dropped;
  session.plan.source = "version: 1\n";
  session.plan.hash = "abc";
  session.order_seed = 1ULL << 63U;
  session.environment.cpu = "CPU";
  session.environment.load_1m = 0.1;
  session.environment.memory_bytes = 1LL << 40;
  session.environment.sockets = 2;
  session.environment.boost = "off";
  session.environment.sleep_late_p99_ns = 130'000.5;
  session.environment.unavailable = {"energy: no powercap here"};
  session.models = {{.engine = "simulated",
                     .model = "m",
                     .threads = 2,
                     .parameters = 5,
                     .load_s = 0.25,
                     .engine_version = "1.2",
                     .macs_per_token = 1LL << 40,
                     .head_macs = 3,
                     .attention_macs_per_position = 4,
                     .logits_only_macs = 0,
                     .cache_bytes_per_position = 6}};
  session.command = "inferometer run plan.yaml";
  return session;
}

Run full_run() {
  Run run;
  run.order = 4;
  run.block = 1;
  run.cell = 2;
  run.repeat = 1;
  run.predecessor = 3;
  run.seed = std::numeric_limits<uint64_t>::max();
  run.mode = Mode::cold;
  run.engine = "simulated";
  run.model = "m";
  run.prompt = "p";
  run.max_tokens = 3;
  run.temperature = 0.1;
  run.flags = {"steal", "a \"flag\""};
  run.intended_start_ns = 99;
  run.start_ns = 100;
  run.load_begin_ns = 100;
  run.load_end_ns = 200;
  run.prefill_begin_ns = 210;
  run.engine_end_ns = std::numeric_limits<int64_t>::max();
  run.stamps = {{10, 1'000'000'000'000, 5}, {1, 2, 0}};
  run.first_text_ns = 0;
  run.prompt_tokens = 0;
  run.output_tokens = 3;
  run.drafted_tokens = 8;
  run.connect_ns = 120'000;
  run.server_prefill_ns = 31'991'000;
  run.server_decode_ns = 1'500'000'000;
  run.server_decode_tokens = 63;
  run.resources = {.cpu_ns = 1'900'000'000,
                   .minor_faults = 12,
                   .major_faults = 0,
                   .voluntary_switches = 3,
                   .involuntary_switches = 4,
                   .peak_resident_bytes = int64_t{1} << 40,
                   .energy_j = 12.5,
                   .frequency_mhz = 2445.404,
                   .temperature_c = 61.5};
  run.metrics.joules_per_token = 12.5 / 3;
  run.accepted_tokens = 0;
  run.decode_steps = 2;
  run.count_source = "engine";
  run.finish_reason = "length";
  run.output_ids = {0, 128255, 2147483647};
  run.text = std::string("a\0b\x1b[31m\n</script>", 18);
  run.ids_hash = "hash";
  run.steal_percent = 0.0;
  run.metrics.e2e_s = 1.0 / 3;
  run.metrics.itl_max_s = 5e-324;
  return run;
}

Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorKind::interrupted, "no error");
}

TEST_F(StoreTest, RoundTripKeepsEveryFieldAndNull) {
  Store store(file(), Store::Access::write);
  const Session session = full_session();
  const int64_t id = store.add_session(session);
  store.add_run(id, full_run());
  ModelRun empty;
  empty.order = 5;
  empty.status = RunStatus::failed;
  empty.error_kind = "engine";
  empty.error_message = "it broke";
  store.add_run(id, empty);
  store.finish_session(id, "2025-01-02T04:00:00Z");

  const Store reader(file(), Store::Access::read);
  ASSERT_EQ(reader.sessions(), std::vector<int64_t>{id});
  const Session back = reader.session(id);
  EXPECT_EQ(plan_to_json(back.plan), plan_to_json(session.plan));
  EXPECT_EQ(back.plan.source, session.plan.source);
  EXPECT_EQ(back.plan.seed, session.plan.seed);
  EXPECT_EQ(back.order_seed, session.order_seed);
  EXPECT_EQ(environment_to_json(back.environment), environment_to_json(session.environment));
  EXPECT_EQ(back.environment.load_1m, 0.1);
  EXPECT_FALSE(back.environment.temperature_c.has_value());
  EXPECT_EQ(back.environment.sockets, 2);
  EXPECT_EQ(back.environment.boost, "off");
  EXPECT_EQ(back.environment.unavailable, session.environment.unavailable);
  EXPECT_EQ(back.finished_utc, "2025-01-02T04:00:00Z");
  EXPECT_EQ(back.command, session.command);
  ASSERT_EQ(back.models.size(), 1U);
  EXPECT_EQ(back.models[0].load_s, 0.25);
  EXPECT_EQ(back.models[0].parameters, 5);
  EXPECT_FALSE(back.models[0].weight_bytes.has_value());

  const std::vector<ModelRun> runs = reader.runs(id);
  ASSERT_EQ(runs.size(), 2U);
  // A row holds every field, so that equal rows are equal runs.
  EXPECT_EQ(run_to_row(runs[0]), run_to_row(full_run()));
  EXPECT_EQ(runs[0].resources.peak_resident_bytes, int64_t{1} << 40);
  EXPECT_EQ(runs[0].resources.energy_j, 12.5);
  EXPECT_EQ(runs[0].resources.temperature_c, 61.5);
  EXPECT_EQ(runs[0].text, full_run().text);
  EXPECT_EQ(runs[0].output_ids, full_run().output_ids);
  EXPECT_EQ(runs[0].stamps.offset_ns, full_run().stamps.offset_ns);
  EXPECT_FALSE(runs[0].prefill_end_ns.has_value());
  EXPECT_EQ(runs[0].steal_percent, 0.0);
  EXPECT_FALSE(runs[0].metrics.ttft_s.has_value());
  EXPECT_EQ(run_to_row(runs[1]), run_to_row(empty));
}

TEST_F(StoreTest, MetricsAreColumnsForSqlUsers) {
  {
    Store store(file(), Store::Access::write);
    store.add_run(store.add_session(full_session()), full_run());
  }
  const SqliteDatabase database(file(), SqliteDatabase::Open::read);
  const auto rows = database.query("SELECT e2e_s, typeof(ttft_s), hex(output_ids) FROM run");
  EXPECT_EQ(rows.at(0), (SqlRow{1.0 / 3, std::string("null"), std::string("00000000FFF40100FFFFFF7F")}));
}

TEST_F(StoreTest, SameRepeatOfACellCannotBeAddedTwice) {
  Store store(file(), Store::Access::write);
  const int64_t id = store.add_session(full_session());
  store.add_run(id, full_run());
  ModelRun again = full_run();
  again.order = 9;
  EXPECT_EQ(error_of([&] { store.add_run(id, again); }).kind(), ErrorKind::io);
  again.kind = RunKind::warmup;
  store.add_run(id, again);
  EXPECT_EQ(store.runs(id).size(), 2U);
}

TEST_F(StoreTest, Fault63AFlippedBitIsNamedAndTheOtherRunsAreSaved) {
  int64_t id = 0;
  {
    Store store(file(), Store::Access::write);
    id = store.add_session(full_session());
    store.add_run(id, full_run());
    ModelRun other = full_run();
    other.order = 9;
    other.repeat = 7;
    store.add_run(id, other);
  }
  {
    const SqliteDatabase database(file(), SqliteDatabase::Open::write);
    database.execute("UPDATE run SET e2e_s = e2e_s + 1e-9 WHERE id = 1");
  }
  const Store reader(file(), Store::Access::read);
  const Error error = error_of([&] { (void)reader.runs(id); });
  EXPECT_EQ(error.kind(), ErrorKind::invalid_data);
  EXPECT_NE(error.message().find("run 1: damaged"), std::string::npos) << error.message();
  const ReadableRuns readable = reader.readable_runs(id);
  ASSERT_EQ(readable.runs.size(), 1U);
  EXPECT_EQ(readable.runs[0].order, 9);
  EXPECT_EQ(readable.damage.size(), 1U);
}

/// What no schema before the fourth kept of models.
void forget_later_columns(Session& session) {
  for (SessionModel& model : session.models) {
    model.engine_version.clear();
    for (auto* number : {&model.macs_per_token, &model.head_macs, &model.attention_macs_per_position, &model.logits_only_macs,
                         &model.cache_bytes_per_position}) {
      number->reset();
    }
  }
}

/// Takes away what came after schema `version`, as if an older build had written the file.
void make_schema(int64_t version, const std::filesystem::path& file) {
  const SqliteDatabase database(file, SqliteDatabase::Open::write);
  const std::vector<std::pair<std::string, std::span<const SqlColumn>>> tables{
      {"session_model", model_columns()}, {"block", block_columns()}, {"run", run_columns()}};
  for (const auto& [table, columns] : tables) {
    if (table == "run") database.execute("DROP INDEX run_level; ALTER TABLE run DROP COLUMN level");
    for (const SqlColumn& column : columns) {
      if (column.since > version) database.execute("ALTER TABLE " + table + " DROP COLUMN " + column.name);
    }
  }
  database.execute("PRAGMA user_version=" + std::to_string(version));
}

/// Ten runs of one session in one transaction.
std::vector<ModelRun> ten_runs() {
  std::vector<ModelRun> runs(10, full_run());
  for (int i = 0; i < 10; ++i) {
    ModelRun& run = runs[static_cast<std::size_t>(i)];
    run.order = run.repeat = i;
    run.seed = static_cast<uint64_t>(i);
  }
  return runs;
}

ModelRun without_tokens(ModelRun run) {
  run.stamps = {};
  run.output_ids = {};
  run.text = {};
  return run;
}

std::vector<ModelRun> level_runs(const std::filesystem::path& file, OrderRange range = {}) {
  std::vector<ModelRun> runs;
  Store(file, Store::Access::read)
      .visit_runs(
          1, RunDetail::without_tokens, [&](ModelRun&& run) { runs.push_back(run); }, range);
  return runs;
}

TEST_F(StoreTest, RunsWithoutTokensAreTheSameInAnyPartOfTheSession) {
  {
    Store store(file(), Store::Access::write);
    (void)store.add_session(full_session());
    store.add_runs(1, ten_runs());
    store.add_block(1, {.block = 3, .canary_compute_ns = 100});
    EXPECT_EQ(store.last_order(1), 9);
    EXPECT_EQ(store.last_order(2), std::nullopt);
  }
  const std::vector<ModelRun> whole = Store(file(), Store::Access::read).runs(1);
  ASSERT_EQ(whole.size(), 10U);
  const std::vector<ModelRun> level = level_runs(file());
  ASSERT_EQ(level.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(run_to_row(level[i]), run_to_row(without_tokens(whole[i]))) << i;
    EXPECT_EQ(level[i].id, whole[i].id);
  }
  const std::vector<ModelRun> part = level_runs(file(), {4, 6});
  ASSERT_EQ(part.size(), 3U);
  EXPECT_EQ(part.front().order, 4);
}

TEST_F(StoreTest, SeveralRunsAreAddedTogetherOrNotAtAll) {
  Store store(file(), Store::Access::write);
  (void)store.add_session(full_session());
  std::vector<ModelRun> runs = ten_runs();
  runs[9].order = 3;
  EXPECT_EQ(error_of([&] { store.add_runs(1, runs); }).kind(), ErrorKind::io);
  EXPECT_TRUE(store.runs(1).empty());
}

TEST_F(StoreTest, DamageIsNamedByTheReadingThatLooksAtIt) {
  {
    Store store(file(), Store::Access::write);
    (void)store.add_session(full_session());
    store.add_runs(1, ten_runs());
  }
  const auto damage = [&](const std::string& assignment) {
    SqliteDatabase(file(), SqliteDatabase::Open::write).execute("UPDATE run SET " + assignment);
  };
  damage("text = text || '.' WHERE id = 2");
  EXPECT_EQ(level_runs(file()).size(), 10U) << "the text is not read";
  EXPECT_THAT(error_of([&] { (void)Store(file(), Store::Access::read).runs(1); }).message(),
              testing::HasSubstr("run 2: damaged"));
  damage("level = CAST(substr(level, 1, length(level) - 1) || x'ff' AS BLOB) WHERE id = 7");
  const Error error = error_of([&] { (void)level_runs(file()); });
  EXPECT_EQ(error.kind(), ErrorKind::invalid_data);
  EXPECT_THAT(error.message(), testing::HasSubstr("run 7: damaged"));
}

/// Leaves of a run what a schema before 3 wrote: speculation came with 2, servers' times with 3, resources with 5.
void forget_after(int schema, ModelRun& run) {
  if (schema < 2) run.drafted_tokens = run.accepted_tokens = run.decode_steps = std::nullopt;
  run.connect_ns = run.server_prefill_ns = run.server_decode_ns = std::nullopt;
  run.server_decode_tokens = std::nullopt;
  run.resources = {};
  run.metrics.joules_per_token = std::nullopt;
}

TEST_F(StoreTest, RunsOfAnOlderSchemaAreReadWithoutTokensToo) {
  std::vector<ModelRun> old = ten_runs();
  for (ModelRun& run : old) forget_after(1, run);
  Session session = full_session();
  forget_later_columns(session);
  {
    Store store(file(), Store::Access::write);
    (void)store.add_session(session);
    store.add_runs(1, old);
  }
  make_schema(1, file());
  const auto check = [&](std::size_t runs) {
    const std::vector<ModelRun> level = level_runs(file());
    ASSERT_EQ(level.size(), runs);
    EXPECT_EQ(run_to_row(level[9]), run_to_row(without_tokens(old[9])));
  };
  check(10);
  ModelRun next = full_run();
  next.order = next.repeat = 10;
  (void)Store(file(), Store::Access::write).add_run(1, next);
  check(11);
}

TEST_F(StoreTest, Fault65ASecondWriterIsTurnedAwayAndReadersAreNot) {
  const Store first(file(), Store::Access::write);
  // flock is per open file, so that a second Store of this process stands for another process.
  const Error error = error_of([&] { const Store second(file(), Store::Access::write); });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_NE(error.message().find("process " + std::to_string(getpid()) + " is writing here"), std::string::npos)
      << error.message();
  EXPECT_EQ(error_of([&] { const Store reader(file(), Store::Access::read); }).message(), "no error");
}

TEST_F(StoreTest, Fault66ANewerSchemaIsRefused) {
  { const Store store(file(), Store::Access::write); }
  {
    const SqliteDatabase database(file(), SqliteDatabase::Open::write);
    database.execute("PRAGMA user_version=" + std::to_string(kSchemaVersion + 1));
  }
  for (const auto access : {Store::Access::read, Store::Access::write}) {
    EXPECT_EQ(error_of([&] { const Store store(file(), access); }).kind(), ErrorKind::unsupported);
  }
}

TEST_F(StoreTest, ARowOfAnOlderSchemaKeepsItsChecksumWhenTheFileIsUpgraded) {
  ModelRun run = full_run();
  forget_after(2, run);
  Session session = full_session();
  forget_later_columns(session);
  {
    Store store(file(), Store::Access::write);
    (void)store.add_session(session);
    (void)store.add_run(1, run);
    store.add_block(1, {.block = 3, .load_1m = 0.5});
  }
  make_schema(2, file());
  for (const auto access : {Store::Access::read, Store::Access::write, Store::Access::read}) {
    const Store store(file(), access);
    EXPECT_EQ(store.runs(1).at(0).drafted_tokens, run.drafted_tokens);
    EXPECT_EQ(store.blocks(1).at(0).block, 3);
    EXPECT_EQ(store.session(1).models.size(), session.models.size());
  }
}

TEST_F(StoreTest, OlderSchemaIsReadAsItIsAndWrittenOnAfterAnUpgrade) {
  ModelRun old = full_run();
  forget_after(1, old);
  Session session = full_session();
  forget_later_columns(session);
  {
    Store store(file(), Store::Access::write);
    (void)store.add_session(session);
    (void)store.add_run(1, old);
  }
  make_schema(1, file());
  const auto check_old = [&](const ModelRun& run) {
    EXPECT_EQ(run.text, old.text);
    EXPECT_FALSE(run.drafted_tokens || run.accepted_tokens || run.decode_steps);
  };
  check_old(Store(file(), Store::Access::read).runs(1).at(0));
  EXPECT_EQ(Store(file(), Store::Access::read).readable_runs(1).runs.size(), 1);
  ModelRun next = full_run();
  next.order = 5;
  next.repeat = 2;
  (void)Store(file(), Store::Access::write).add_run(1, next);
  const std::vector<ModelRun> runs = Store(file(), Store::Access::read).runs(1);
  ASSERT_EQ(runs.size(), 2);
  check_old(runs[0]);
  EXPECT_EQ(runs[1].drafted_tokens, 8);
}

TEST_F(StoreTest, OtherFilesAreNotTakenForResults) {
  EXPECT_EQ(error_of([&] { const Store store(file(), Store::Access::read); }).kind(), ErrorKind::not_found);
  std::ofstream(file()) << "not a database, but long enough to be read as one: " << std::string(4096, 'x');
  EXPECT_EQ(error_of([&] { const Store store(file(), Store::Access::read); }).kind(), ErrorKind::invalid_data);
  EXPECT_EQ(error_of([&] { const Store store(file(), Store::Access::write); }).kind(), ErrorKind::invalid_data);
  EXPECT_EQ(error_of([&] { const Store store(file().parent_path(), Store::Access::read); }).kind(), ErrorKind::invalid_data);
}

const std::string kText(500, 'x');

/// Runs of kText; returns their session.
int64_t StoreTest::write_twenty_runs() const {
  Store store(file(), Store::Access::write);
  const int64_t session = store.add_session(full_session());
  for (int i = 0; i < 20; ++i) {
    ModelRun run = full_run();
    run.order = run.repeat = i;
    run.text = kText;
    store.add_run(session, run);
  }
  return session;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A damaged file gives an error that names it, or runs as they were written.
void StoreTest::expect_named_or_whole(const std::string& bytes, int64_t session) const {
  const auto damaged = file().parent_path() / "damaged.db";
  std::ofstream(damaged, std::ios::binary) << bytes;
  const Error error = error_of([&] {
    const Store reader(damaged, Store::Access::read);
    for (const ModelRun& run : reader.runs(session)) EXPECT_EQ(run.text, kText);
  });
  if (error.message() == "no error") return;
  EXPECT_TRUE(error.kind() == ErrorKind::invalid_data || error.kind() == ErrorKind::io || error.kind() == ErrorKind::unsupported)
      << error.message();
  EXPECT_NE(error.message().find("damaged.db"), std::string::npos) << error.message();
}

TEST_F(StoreTest, Fault62EveryCutOfTheFileIsNamedOrReadsWholeRuns) {
  const int64_t session = write_twenty_runs();
  const std::string whole = bytes_of(file());
  for (std::size_t size = 0; size < whole.size(); size += 509) {
    SCOPED_TRACE(size);
    expect_named_or_whole(whole.substr(0, size), session);
  }
}

// What a file system leaves at the end of a file whose last blocks were allotted and never written.
TEST_F(StoreTest, Fault64ATailOfZerosIsNamedOrLeavesEveryRun) {
  const int64_t session = write_twenty_runs();
  const std::string whole = bytes_of(file());
  const auto longer = file().parent_path() / "longer.db";
  for (const std::size_t zeros : {std::size_t{1}, std::size_t{4096}, std::size_t{100'000}}) {
    std::ofstream(longer, std::ios::binary) << whole << std::string(zeros, '\0');
    EXPECT_EQ(Store(longer, Store::Access::read).runs(session).size(), 20U) << zeros << " more";
  }
  for (std::size_t zeros = 4096; zeros < whole.size(); zeros += 4096) {
    SCOPED_TRACE(zeros);
    expect_named_or_whole(whole.substr(0, whole.size() - zeros) + std::string(zeros, '\0'), session);
  }
}

TEST_F(StoreTest, Fault67AReplacedFileStopsTheWriter) {
  Store store(file(), Store::Access::write);
  const int64_t id = store.add_session(full_session());
  std::filesystem::rename(file(), file().string() + ".moved");
  std::ofstream(file()) << "";
  const Error error = error_of([&] { store.add_run(id, full_run()); });
  EXPECT_EQ(error.kind(), ErrorKind::io);
  EXPECT_NE(error.message().find("deleted or replaced"), std::string::npos);
}

TEST_F(StoreTest, Fault68AKilledWriterLosesNoAcknowledgedRun) {
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Store store(file(), Store::Access::write);
    const int64_t id = store.add_session(full_session());
    for (int i = 0;; ++i) {
      ModelRun run = full_run();
      run.order = i;
      run.repeat = i;
      store.add_run(id, run);
      if (write(pipe_ends[1], "x", 1) != 1) _exit(1);
    }
  }
  close(pipe_ends[1]);
  std::array<char, 20> acknowledged{};
  std::size_t count = 0;
  while (count < acknowledged.size()) {
    const ssize_t size = read(pipe_ends[0], acknowledged.data(), acknowledged.size() - count);
    ASSERT_GT(size, 0);
    count += static_cast<std::size_t>(size);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  char more = 0;
  while (read(pipe_ends[0], &more, 1) == 1) ++count;
  close(pipe_ends[0]);
  Store store(file(), Store::Access::write);
  const std::vector<ModelRun> runs = store.runs(store.sessions().at(0));
  EXPECT_GE(runs.size(), count);
  EXPECT_LE(runs.size(), count + 1);  // at most one was committed whose acknowledgement the kill cut off
  for (std::size_t i = 0; i < runs.size(); ++i) EXPECT_EQ(runs[i].order, static_cast<int>(i));
}

TEST_F(StoreTest, CanaryRatioIsAgainstTheSessionsMedian) {
  Store store(file(), Store::Access::write);
  const int64_t id = store.add_session(full_session());
  for (int i = 0; i < 3; ++i) {
    BlockRecord block{.block = i, .first_order = i, .started_ns = i};
    block.canary_compute_ns = 1000;
    block.canary_read_ns = i == 2 ? 1100 : 1000;
    store.add_block(id, block);
    ModelRun run = full_run();
    run.order = run.block = run.repeat = i;
    run.flags.clear();
    store.add_run(id, run);
  }
  const std::vector<ModelRun> runs = store.runs(id);
  EXPECT_EQ(runs[0].canary_ratio, 1.0);
  EXPECT_TRUE(runs[0].flags.empty());
  EXPECT_EQ(runs[2].canary_ratio, 1.1);
  EXPECT_EQ(runs[2].flags, std::vector<std::string>{"canary"});
}

TEST(Stamps, PackedStampsComeBackExactly) {
  const TokenStamps stamps{{0, -5, std::numeric_limits<int64_t>::max(), 7}, {1, 0, 1000, 2}};
  const TokenStamps back = unpack_stamps(pack_stamps(stamps));
  EXPECT_EQ(back.offset_ns, stamps.offset_ns);
  EXPECT_EQ(back.tokens, stamps.tokens);
  // 256 tokens about 10 ms apart need 4 bytes a step and 1 a count.
  TokenStamps steady;
  for (int i = 1; i <= 256; ++i) {
    steady.offset_ns.push_back(i * 10'000'000LL);
    steady.tokens.push_back(1);
  }
  EXPECT_LE(pack_stamps(steady).size(), 256U * 5);
}

TEST(Stamps, CutBytesAreRefused) {
  const std::string whole = pack_stamps({{1'000'000, 2'000'000}, {1, 1}});
  EXPECT_EQ(error_of([&] { (void)unpack_stamps(whole.substr(0, 2)); }).kind(), ErrorKind::invalid_data);
  EXPECT_EQ(error_of([&] { (void)unpack_stamps(std::string(11, '\xff')); }).kind(), ErrorKind::invalid_data);
}

}  // namespace
}  // namespace ifm
