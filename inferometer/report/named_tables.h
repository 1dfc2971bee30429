#pragma once

#include <string>
#include <vector>

#include "inferometer/analysis/study.h"
#include "inferometer/render/table.h"

namespace ifm {

/// What named_tables() knows: "overall", "lengths", …
[[nodiscard]] const std::vector<std::string>& table_names();

/// The tables of a session that the summary shows under a name, as it shows them; none where the session has nothing to say
/// there. @throws Error usage for a name that is not one of table_names().
[[nodiscard]] std::vector<ReportTable> named_tables(const Study& study, const std::string& name);

}  // namespace ifm
