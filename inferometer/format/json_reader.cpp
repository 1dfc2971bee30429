#include "inferometer/format/json_reader.h"

#include <set>
#include <string>
#include <vector>

#include "inferometer/base/error.h"
#include "inferometer/base/mapped_file.h"
#include "inferometer/format/quote.h"

namespace ifm {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

// Called by nlohmann's parser at each event; keeps the keys of every open object.
class StrictCallback {
 public:
  explicit StrictCallback(const std::string& subject) : subject_(subject) {}

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        keys_.emplace_back();
        [[fallthrough]];
      case json::parse_event_t::array_start:
        if (depth >= kMaxDepth)
          fail(ErrorKind::invalid_data, "{}: JSON is nested too deeply (expected at most {})", subject_, kMaxDepth);
        break;
      case json::parse_event_t::object_end:
        keys_.pop_back();
        break;
      case json::parse_event_t::key:
        if (!keys_.back().insert(parsed.get_ref<const std::string&>()).second) {
          fail(ErrorKind::invalid_data, "{}: key {} stands twice in one object", subject_,
               quote(parsed.get_ref<const std::string&>()));
        }
        break;
      default:
        break;
    }
    return true;
  }

 private:
  const std::string& subject_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

json parse_json(std::string_view text, const std::string& subject) {
  // nlohmann's lexer would take a NUL for the end.
  if (const std::size_t at = text.find('\0'); at != std::string_view::npos) {
    fail(ErrorKind::invalid_data, "{}: NUL in JSON at byte {}", subject, at);
  }
  StrictCallback callback(subject);
  try {
    return json::parse(text.begin(), text.end(), std::ref(callback));
  } catch (const json::parse_error& error) {
    if (error.byte > text.size()) fail(ErrorKind::invalid_data, "{}: JSON is cut off after {} bytes", subject, text.size());
    fail(ErrorKind::invalid_data, "{}: not valid JSON at byte {} of {}", subject, error.byte, text.size());
  } catch (const json::exception&) {
    fail(ErrorKind::invalid_data, "{}: a number in JSON is out of range", subject);
  }
}

json read_json_object(const std::filesystem::path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > kMaxFileBytes) {
    fail(ErrorKind::invalid_data, "{}: {} bytes of JSON (expected at most {})", path.string(), bytes.size(), kMaxFileBytes);
  }
  json value = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
  if (!value.is_object()) fail(ErrorKind::invalid_data, "{}: expected a JSON object, got {}", path.string(), value.type_name());
  return value;
}

}  // namespace ifm
