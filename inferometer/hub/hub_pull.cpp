#include "inferometer/hub/hub_pull.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "inferometer/base/error.h"
#include "inferometer/format/config_check.h"
#include "inferometer/format/gguf_head.h"
#include "inferometer/format/model_config.h"
#include "inferometer/hub/hub_choice.h"
#include "inferometer/hub/hub_client.h"
#include "inferometer/hub/hub_listing.h"

namespace ifm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestListing = std::size_t{16} << 20U;

/// Keeps a short answer.
class Keeper final : public HubReader {
 public:
  void on_answer(const HubAnswer& /*answer*/) override {}
  void on_bytes(std::string_view bytes) override {
    if (text.size() + bytes.size() > kLargestListing) {
      fail(ErrorKind::invalid_data, "the Hub's list of files: more than {} bytes", kLargestListing);
    }
    text += bytes;
  }
  std::string text;
};

HubListing fetch_listing(const HubName& name, const HubPullOptions& options, Clock& clock) {
  HubClient client(options.hub, clock);
  Keeper keeper;
  const std::string path =
      fmt::format("api/models/{}/revision/{}?blobs=true", encode_path(name.repository()), encode_path(name.revision));
  const HubAnswer answer = client.get({path}, keeper, options.download.stop);
  if (answer.stopped) fail(ErrorKind::interrupted, "{}: stopped", name.text());
  if (!answer.good()) fail_answer(answer, options.hub, name.repository(), "revision " + name.revision);
  return parse_hub_listing(keeper.text, name.repository() + ": the Hub's list of files");
}

/// The beginning of a file.
class HeadReader final : public HubReader {
 public:
  explicit HeadReader(std::size_t wanted) : wanted_(wanted) {}
  void on_answer(const HubAnswer& /*answer*/) override {}
  void on_bytes(std::string_view bytes) override { head += bytes.substr(0, wanted_ - head.size()); }
  [[nodiscard]] bool has_enough() const override { return head.size() >= wanted_; }
  std::string head;

 private:
  std::size_t wanted_;
};

/// Asks for the first bytes of a GGUF, so that one which this build cannot run costs no more. Its digest is checked later: until
/// then the numbers are only shown.
std::optional<HubEstimate> look_into_gguf(const BlobSource& source, const HubFile& file, const HubPullOptions& options,
                                          Clock& clock) {
  HeadReader reader(std::min<std::size_t>(GgufHead::kBytes, static_cast<std::size_t>(file.bytes)));
  HubClient client(options.hub, clock);
  HubQuestion question{blob_path(source, file)};
  question.last_byte = static_cast<int64_t>(GgufHead::kBytes) - 1;
  const HubAnswer answer = client.get(question, reader, options.download.stop);
  if (answer.stopped) fail(ErrorKind::interrupted, "{}: stopped", source.repository);
  if (!answer.good()) fail_answer(answer, options.hub, source.repository, file.path);
  const GgufHead head = GgufHead::read(std::as_bytes(std::span(reader.head)), file.path);
  check_gguf_architecture(head.architecture(), source.repository + "/" + file.path);
  return estimate_needs(head, file.bytes);
}

bool is_configuration(const HubFile& file) { return file.path == "config.json" || file.path == "generation_config.json"; }

int64_t sum_bytes(const std::vector<HubFile>& files, std::string_view ending = "") {
  int64_t total = 0;
  for (const HubFile& file : files) total += file.path.ends_with(ending) ? file.bytes : 0;
  return total;
}

void require_space(const fs::path& folder, int64_t bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error || space.available >= static_cast<std::uintmax_t>(bytes)) return;  // what cannot be asked is noticed while writing
  fail(ErrorKind::io, "{}: too little space on the disk (expected {:.0f} MB, got {:.0f} MB; HF_HUB_CACHE names another folder)",
       folder.string(), static_cast<double>(bytes) / 1e6, static_cast<double>(space.available) / 1e6);
}

}  // namespace

ResolvedModel pull_from_hub(const HubName& name, const HubPullOptions& options, Clock& clock) {
  if (options.hub.offline) {
    fail(ErrorKind::usage, "{}: is in no cache here, and --offline or HF_HUB_OFFLINE forbids to download it", name.text());
  }
  const HubListing listing = fetch_listing(name, options, clock);
  const HubChoice choice = choose_files(name, listing);
  const HubCache cache(options.hub.cache, name);
  const BlobSource source{options.hub, cache, name.repository(), listing.commit};
  DownloadPlan plan{name.text(),
                    static_cast<int64_t>(choice.files.size()),
                    sum_bytes(choice.files),
                    missing_bytes(cache, choice.files),
                    std::nullopt,
                    choice.note};
  cache.make_folders();
  if (choice.is_folder) {
    std::vector<HubFile> first;
    std::ranges::copy_if(choice.files, std::back_inserter(first), is_configuration);
    DownloadOptions quietly = options.download;
    quietly.on_progress = nullptr;
    download_files(source, first, quietly, clock);
    plan.estimate =
        estimate_needs(read_config_json(cache.snapshot(listing.commit) / "config.json"), sum_bytes(choice.files, ".safetensors"));
  } else {
    plan.estimate = look_into_gguf(source, choice.files.front(), options, clock);
  }
  if (options.on_plan) options.on_plan(plan);
  require_space(cache.folder(), plan.missing_bytes);
  download_files(source, choice.files, options.download, clock);
  cache.write_reference(name.revision, listing.commit);
  HubName here = name;
  if (!choice.is_folder) here.file = choice.files.front().path;
  if (const auto found = cache.find(here)) return {name.text(), *found};
  fail(ErrorKind::invalid_data, "{}: was downloaded, but its weights are not whole (see {})", name.text(),
       cache.folder().string());
}

}  // namespace ifm
