#pragma once

namespace ifm {

/// Says where a bug showed itself on standard error and ends the process with exit code 70.
[[noreturn]] void report_bug(const char* condition, const char* file, int line);

}  // namespace ifm

/// For bugs only, never for bad input; on in every build.
#define IFM_CHECK(condition) ((condition) ? static_cast<void>(0) : ::ifm::report_bug(#condition, __FILE__, __LINE__))

/// The same inside hot loops: on only in builds without NDEBUG.
#ifdef NDEBUG
#define IFM_DCHECK(condition) static_cast<void>(0)
#else
#define IFM_DCHECK(condition) IFM_CHECK(condition)
#endif
