#pragma once

#include <exception>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace ifm {

/// Why an operation could not finish; decides the exit code and the type under which a failed run is recorded.
enum class ErrorKind {
  usage,         ///< a flag, a plan or a request that cannot be meant (exit 2)
  not_found,     ///< a file, model or session that is not there
  invalid_data,  ///< bytes that break their format
  unsupported,   ///< well-formed, but something we do not do; the message names it
  io,            ///< the operating system said no: disk full, permission, short read
  resource,      ///< not enough memory, context or another limit
  engine,        ///< the engine failed while it ran
  network,       ///< a connection broke or a server answered with an error
  timeout,       ///< a time limit of the plan passed
  interrupted,   ///< the user or a stop token asked to end (exit 130)
  incomparable,  ///< two sides that must not be compared (exit 4)
  inconclusive,  ///< a comparison that could not decide (exit 5)
};

/// The name of a kind as it stands in results, for example "invalid_data".
[[nodiscard]] const char* to_string(ErrorKind kind);

/// The one exception type of the project: "subject: what is wrong (expected X, got Y)", a single line.
class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }

 private:
  ErrorKind kind_;
  std::string message_;
};

/// Throws Error with a message in fmt's notation.
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// What `work` gives. Its errors come under a subject ("subject: message"), which `subject` is asked for only then.
template <typename Subject, typename Work>
decltype(auto) under(const Subject& subject, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", subject(), error.message());
  }
}

}  // namespace ifm
