#pragma once

#include <string>

#include "inferometer/render/document.h"

namespace ifm {

/// Prints a document to standard output: as Markdown where `format` is "md", else for the terminal that is there.
void print_document(const Document& document, const std::string& format);

}  // namespace ifm
