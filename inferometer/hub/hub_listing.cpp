#include "inferometer/hub/hub_listing.h"

#include <algorithm>
#include <optional>

#include "inferometer/base/error.h"
#include "inferometer/format/json_fields.h"
#include "inferometer/format/json_reader.h"
#include "inferometer/format/quote.h"
#include "inferometer/hub/hexadecimal.h"
#include "inferometer/hub/hub_name.h"

namespace ifm {
namespace {

using nlohmann::json;

constexpr std::size_t kGitDigits = 40;
constexpr std::size_t kSha256Digits = 64;
constexpr int64_t kLargestFile = int64_t{1} << 50;

std::string required_digest(const JsonFields& fields, const char* name, std::size_t digits) {
  const std::optional<std::string> text = fields.text(name);
  if (!text || !is_hexadecimal(*text, digits)) {
    fail(ErrorKind::invalid_data, "{}: {} is {} (expected {} hexadecimal digits)", fields.subject(), name,
         text ? quote(*text) : "missing", digits);
  }
  return *text;
}

HubFile read_file(const json& sibling, const std::string& subject) {
  if (!sibling.is_object()) fail(ErrorKind::invalid_data, "{}: a file is {} (expected an object)", subject, sibling.type_name());
  HubFile file;
  file.path = JsonFields(sibling, subject).text("rfilename").value_or("");
  if (!is_safe_file_name(file.path))
    fail(ErrorKind::invalid_data, "{}: file {} is no path inside a folder", subject, quote(file.path));
  const JsonFields fields(sibling, subject + ": file " + quote(file.path));
  file.bytes = fields.required_integer("size");
  if (file.bytes < 0 || file.bytes > kLargestFile) {
    fail(ErrorKind::invalid_data, "{}: size is {} (expected 0 to {})", fields.subject(), file.bytes, kLargestFile);
  }
  const json* large = fields.object("lfs");
  if (large == nullptr) {
    file.digest = required_digest(fields, "blobId", kGitDigits);
    return file;
  }
  const JsonFields inner(*large, fields.subject() + ": lfs");
  file.digest = required_digest(inner, "sha256", kSha256Digits);
  if (const auto bytes = inner.integer("size"); bytes && *bytes != file.bytes) {
    fail(ErrorKind::invalid_data, "{}: size is {} (expected {} as outside of it)", inner.subject(), *bytes, file.bytes);
  }
  return file;
}

}  // namespace

HubListing parse_hub_listing(std::string_view text, const std::string& subject) {
  const json document = parse_json(text, subject);
  if (!document.is_object()) fail(ErrorKind::invalid_data, "{}: is {} (expected an object)", subject, document.type_name());
  const JsonFields fields(document, subject);
  HubListing listing;
  listing.commit = required_digest(fields, "sha", kGitDigits);
  const json* siblings = fields.find("siblings");
  if (siblings == nullptr || !siblings->is_array()) fail(ErrorKind::invalid_data, "{}: siblings is missing or no list", subject);
  for (const json& sibling : *siblings) listing.files.push_back(read_file(sibling, subject));
  std::ranges::sort(listing.files, {}, &HubFile::path);
  const auto twice = std::ranges::adjacent_find(listing.files, {}, &HubFile::path);
  if (twice != listing.files.end()) fail(ErrorKind::invalid_data, "{}: file {} is there twice", subject, quote(twice->path));
  return listing;
}

}  // namespace ifm
