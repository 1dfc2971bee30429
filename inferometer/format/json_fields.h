#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace ifm {

/// Typed access to the fields of a JSON object from an untrusted file. An absent field and null are the same. Does not own.
class JsonFields {
 public:
  /// subject: what messages name, such as the file or "file: rope_scaling".
  JsonFields(const nlohmann::json& object, std::string subject) : object_(object), subject_(std::move(subject)) {}

  [[nodiscard]] const nlohmann::json* find(const char* name) const;
  /// All of these: @throws Error invalid_data naming the field when it has another type; integers may not be written as floats.
  [[nodiscard]] std::optional<int64_t> integer(const char* name) const;
  [[nodiscard]] std::optional<double> number(const char* name) const;
  [[nodiscard]] std::optional<bool> boolean(const char* name) const;
  [[nodiscard]] std::optional<std::string> text(const char* name) const;
  /// The object in a field; null when absent.
  [[nodiscard]] const nlohmann::json* object(const char* name) const;
  /// @throws Error invalid_data also when absent.
  [[nodiscard]] int64_t required_integer(const char* name) const;
  [[nodiscard]] double required_number(const char* name) const;
  [[nodiscard]] const std::string& subject() const { return subject_; }

 private:
  const nlohmann::json& object_;
  std::string subject_;
};

}  // namespace ifm
