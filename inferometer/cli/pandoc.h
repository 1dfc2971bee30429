#pragma once

#include <filesystem>
#include <string>

namespace ifm {

/// Makes a PDF of a Markdown file of ours by pandoc and weasyprint, looking as `css` says. Pictures are looked for beside the
/// file. @throws Error not_found without one of the two; io when the PDF cannot be made.
void make_pdf(const std::filesystem::path& markdown, const std::filesystem::path& pdf, const std::string& title,
              const std::filesystem::path& css);

}  // namespace ifm
