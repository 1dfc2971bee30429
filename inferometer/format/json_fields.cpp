#include "inferometer/format/json_fields.h"

#include <limits>

#include "inferometer/base/error.h"

namespace ifm {
namespace {

using nlohmann::json;

[[noreturn]] void wrong_type(const std::string& subject, const char* name, const char* expected, const json& value) {
  const char* got = value.is_number_float() ? "a floating-point number" : value.type_name();
  fail(ErrorKind::invalid_data, "{}: field \"{}\" is {} (expected {})", subject, name, got, expected);
}

[[noreturn]] void missing(const std::string& subject, const char* name) {
  fail(ErrorKind::invalid_data, "{}: field \"{}\" is missing", subject, name);
}

}  // namespace

const json* JsonFields::find(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<int64_t> JsonFields::integer(const char* name) const {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) wrong_type(subject_, name, "an integer", *value);
  if (value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    fail(ErrorKind::invalid_data, "{}: field \"{}\" is {} (expected less than 2^63)", subject_, name, value->get<uint64_t>());
  }
  return value->get<int64_t>();
}

std::optional<double> JsonFields::number(const char* name) const {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) wrong_type(subject_, name, "a number", *value);
  return value->get<double>();
}

std::optional<bool> JsonFields::boolean(const char* name) const {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) wrong_type(subject_, name, "true or false", *value);
  return value->get<bool>();
}

std::optional<std::string> JsonFields::text(const char* name) const {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) wrong_type(subject_, name, "a string", *value);
  return value->get<std::string>();
}

const json* JsonFields::object(const char* name) const {
  const json* value = find(name);
  if (value != nullptr && !value->is_object()) wrong_type(subject_, name, "an object", *value);
  return value;
}

int64_t JsonFields::required_integer(const char* name) const {
  const auto value = integer(name);
  if (!value) missing(subject_, name);
  return *value;
}

double JsonFields::required_number(const char* name) const {
  const auto value = number(name);
  if (!value) missing(subject_, name);
  return *value;
}

}  // namespace ifm
