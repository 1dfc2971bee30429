#pragma once

#include <vector>

#include "inferometer/record/imported.h"
#include "inferometer/render/table.h"

namespace ifm {

/// An imported llama-bench file as llama-bench prints it: model, size, parameters, threads, test, and tokens a second as mean ±
/// sd of the samples' rates. Source of the columns: llama.cpp tools/llama-bench/llama-bench.cpp @0c1e570 (markdown_printer).
[[nodiscard]] ReportTable bench_table(const ImportedSession& imported);

}  // namespace ifm
